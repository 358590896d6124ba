"""Publish: the first gate, and the channel entries that make a model serve or step back."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from marquee_offline.errors import Refused
from marquee_shared.artifact import read_model
from marquee_shared.channel import Entry, entries, publish_entry
from marquee_shared.manifest import Manifest
from marquee_shared.store import Store
from marquee_shared.verify import smoke_query

GATE = "ndcg@10 minus popularity"


def publish(
    store: Store, channel: str, model_id: str, *, now: datetime, force: bool = False
) -> Entry:
    """Let a model serve. Raises Refused, BadArtifact, UnsafeStore, AlreadyExists, StoreError.

    `force` overrides the gate's objection to the figures, and is recorded with it; an unreadable
    model or a failed smoke query no force can publish.
    """
    store.probe()
    objection = objects(verified(store, model_id))
    if objection and not force:
        raise Refused(f"model {model_id} is refused: {objection}; --force overrides")
    return publish_entry(
        store, channel, model_id, at=now.isoformat(), reason="published", forced=objection
    )


def objects(manifest: Manifest) -> str:
    """The gate's objection to a model's figures, or ''."""
    difference = manifest.metrics.get(GATE)
    if difference is None or difference.high >= 0:
        return ""
    return (
        f"its NDCG@10 lies below popularity's by {-difference.value:.4f} "
        f"(95 % from {difference.low:+.4f} to {difference.high:+.4f})"
    )


def rollback(store: Store, channel: str, to: str | None, *, now: datetime) -> Entry:
    """Let a model that this channel once named serve again: the given one, or the one before the
    current. What never passed the gate is not reached this way. Raises as `publish`."""
    store.probe()
    history = entries(store, channel)
    if to and to not in [entry.model_id for entry in history]:
        raise Refused(f"channel {channel} never named model {to}; publish it")
    target = to or _before(history, channel)
    verified(store, target)
    return publish_entry(store, channel, target, at=now.isoformat(), reason="rollback")


def _before(history: list[Entry], channel: str) -> str:
    """The model that served before the current one first did: a second rollback goes further."""
    models = [entry.model_id for entry in history]
    first = models.index(models[-1]) if models else 0
    if not first:
        raise Refused(f"channel {channel} names no earlier model to go back to")
    return models[first - 1]


def verified(store: Store, model_id: str) -> Manifest:
    """The manifest of a model of which every part was read and checked, and which has answered a
    smoke query. Raises BadArtifact."""
    with TemporaryDirectory() as folder:
        model = read_model(store, model_id, Path(folder))
        smoke_query(model)
    return model.manifest
