"""Small models for tests: two groups of items, so that taste has a direction to move in."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from marquee_shared.artifact import write_model
from marquee_shared.channel import publish_entry
from marquee_shared.fold_in import Objective, gram
from marquee_shared.manifest import ContextField, Lineage, Manifest, Sizes
from marquee_shared.model import Item, ItemItem, Model, index_items
from marquee_shared.signals import SignalWeights
from marquee_shared.store import Store

DIMENSIONS = 8


def small_model(n_items: int = 120, seed: int = 0, gain: float = 1.0) -> Model:
    """Even items are comedies, odd ones thrillers; phone mornings lean to comedy."""
    rng = np.random.default_rng(seed)
    kinds = np.zeros((2, DIMENSIONS), np.float32)
    kinds[0, 0] = kinds[1, 1] = 1.0
    factors = (kinds[np.arange(n_items) % 2] + rng.normal(0, 0.15, (n_items, DIMENSIONS))) / 2
    factors = factors.astype(np.float32)
    names = [f"m{row}" for row in range(n_items)]
    by_id, by_hash = index_items(names)
    items = [
        Item(
            item_id=name,
            title=f"Title {row}",
            year=1950 + row % 70,
            genres=("Comedy",) if row % 2 == 0 else ("Thriller",),
            artworks=_artworks(name),
        )
        for row, name in enumerate(names)
    ]
    # Each item speaks for the next two of its own kind.
    indices = np.array([[(r + 2) % n_items, (r + 4) % n_items] for r in range(n_items)], np.int32)
    counts = np.linspace(100, 1, n_items, dtype=np.float32)
    return Model(
        manifest=Manifest(
            format=1,
            model_id="",
            created_at="",
            objective=Objective(a0=0.1, lam=0.01),
            signals=SignalWeights(),
            mix=0.7,
            sizes=Sizes(items=n_items, users=10, interactions=100, dimensions=DIMENSIONS),
            lineage=Lineage(snapshot="test", code="test", seed=seed),
            parts={},
            context={"device": ContextField(values=("phone", "tv"), gain=gain)},
            segments=("all", "device=tv"),
        ),
        items=items,
        factors=factors,
        gram=gram(factors),
        item_item=ItemItem(
            indptr=np.arange(0, 2 * n_items + 1, 2, dtype=np.int64),
            indices=indices.reshape(-1),
            values=np.tile(np.array([0.5, 0.25], np.float32), n_items),
        ),
        popularity=np.stack([counts, counts[::-1]]),
        context={"device": kinds * np.float32(0.5)},
        row_of=by_id,
        row_of_hash=by_hash,
    )


def _artworks(name: str) -> bytes:
    try:
        from marquee_shared.artwork import default_artworks, encode_artworks
    except ImportError:  # the release before, which contract tests run this file on, knows none
        return b"[]"
    return encode_artworks(default_artworks(name, ("Comedy", "Thriller")))


def publish(store: Store, model: Model, channel: str = "prod") -> str:
    """Write the model and make it serve; its id."""
    now = datetime.now(UTC)
    model_id = write_model(store, model, created=now)
    publish_entry(store, channel, model_id, at=now.isoformat(), reason="test")
    return model_id


def file_store(folder: Path) -> Store:
    """An object store below a folder."""
    return Store(folder.absolute().as_uri())
