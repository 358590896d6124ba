"""What one release writes and another reads: a program that runs on the sources of either.

    exchange.py write FOLDER    write every format below FOLDER, print what was meant
    exchange.py read FOLDER     print what was understood of it, or why it was refused

It uses only what both releases have. What the newer one adds stands at its default, and a default
is not told: so the same facts are the same JSON, whichever side tells them.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from facts import (
    AT,
    CONTEXT,
    MODEL_ID,
    NOW,
    USER,
    archived,
    credit,
    decisions,
    events,
    model,
    states,
)

import marquee_nearline
import marquee_offline
import marquee_shared
from marquee_nearline.parquet import Record, decode, encode, last_offset
from marquee_offline.archive_write import write_source
from marquee_offline.events import _read_object
from marquee_offline.snapshot import pin
from marquee_shared import cluster
from marquee_shared.archive import ArchiveObject, Snapshot, chains, parse, snapshot_key
from marquee_shared.artifact import read_model, write_model
from marquee_shared.channel import entries, latest, publish_entry
from marquee_shared.cluster import Cluster, decode_cluster, encode_cluster
from marquee_shared.context import Context
from marquee_shared.credit import sign, verify
from marquee_shared.decision import decode_decision, encode_decision
from marquee_shared.errors import MarqueeError
from marquee_shared.event import Event, encode_event, read_event
from marquee_shared.ids import partition_of
from marquee_shared.interaction import from_event
from marquee_shared.model import Model
from marquee_shared.score import score, top
from marquee_shared.store import Store
from marquee_shared.user_state import UserState, decode_state, encode_state, fold, key

SIMULATED = "simulated-7"
KEY_ID, SECRET = "k1", b"exchange"


def write_events(folder: Path) -> object:
    for n, event in enumerate(events()):
        (folder / f"{n:02d}").write_bytes(encode_event(event))
    return events()


def read_events(folder: Path) -> object:
    return [read_event(USER.encode(), path.read_bytes()) for path in sorted(folder.iterdir())]


def write_decisions(folder: Path) -> object:
    for n, decision in enumerate(decisions()):
        (folder / f"{n:02d}").write_bytes(encode_decision(decision))
    return decisions()


def read_decisions(folder: Path) -> object:
    return [decode_decision(path.read_bytes()) for path in sorted(folder.iterdir())]


def write_credit(folder: Path) -> object:
    (folder / "token").write_text(sign(credit(), KEY_ID, SECRET))
    return credit()


def read_credit(folder: Path) -> object:
    token = (folder / "token").read_text()
    return verify(token, {KEY_ID: SECRET}, user_id=USER, now_ms=AT + 1, window_ms=60_000)


def write_redis(folder: Path) -> object:
    """Namespace and user states under their keys, as Redis holds them."""
    held = {
        key("n2", partition_of(user, 8), user): encode_state(state).hex()
        for user, state in states().items()
    }
    named = Cluster(namespace="n2", partitions=8, previous="n1")
    told = {cluster.KEY: encode_cluster(named), cluster.meta_key("n2", 7): {"off": "12"}, **held}
    (folder / "redis.json").write_text(json.dumps(told))
    return {
        "cluster": named,
        "offset": "12",
        "states": states(),
        "folded on": {user: folded_on(state) for user, state in states().items()},
    }


def read_redis(folder: Path) -> object:
    held = json.loads((folder / "redis.json").read_text())
    named = decode_cluster(held[cluster.KEY])
    assert named
    keys = {
        user: key(named.namespace, partition_of(user, named.partitions), user) for user in states()
    }
    found = {user: decode_state(bytes.fromhex(held[name])) for user, name in keys.items()}
    return {
        "cluster": named,
        "offset": held[cluster.meta_key(named.namespace, 7)]["off"],
        "states": found,
        "folded on": {user: folded_on(state) for user, state in found.items()},
    }


def folded_on(state: UserState) -> bytes:
    """What Redis would hold after one event more."""
    last = events()[-1]
    return encode_state(fold(state, [msgspec.structs.replace(last, event_id="x", item_id="m99")]))


def write_models(folder: Path) -> object:
    write_model(Store(folder.as_uri()), model(), created=NOW)
    return scored(model())


def read_models(folder: Path) -> object:
    store = Store(folder.as_uri())
    (manifest,) = [name for name in store.list("models/") if name.endswith("/manifest.json")]
    return scored(read_model(store, manifest.split("/")[1], folder / "cache"))


def scored(model: Model) -> object:
    """A model without what writing it fills in, and its page for the user."""
    manifest = msgspec.structs.replace(model.manifest, model_id="", created_at="", parts={})
    rows, weights = model.history(states()[USER].interactions)
    vector = model.fold_in(rows, weights)
    total = score(model, vector, rows, weights, CONTEXT, rows).total
    return {
        "model": dataclasses.replace(model, manifest=manifest),
        "vector": vector,
        "page": [[model.items[row].item_id, total[row]] for row in top(total, 10)],
    }


def write_channel(folder: Path) -> object:
    store = Store(folder.as_uri())
    says = ({"reason": "published"}, {"reason": "published", "forced": "worse"}, {})
    made = [publish_entry(store, "prod", MODEL_ID, at=NOW.isoformat(), **said) for said in says]
    return {"entries": made, "latest": made[-1]}


def read_channel(folder: Path) -> object:
    store = Store(folder.as_uri())
    return {"entries": entries(store, "prod"), "latest": latest(store, "prod")}


def write_kafka_archive(folder: Path) -> object:
    """As nearline's archiver writes it."""
    store = Store(folder.as_uri())
    for name, records in archived().items():
        store.create(name, encode(records))
    (kept, first, _, second) = archived().items()
    return {
        "chain": [[name, records[-1].offset, records] for name, records in (kept, first, second)],
        "said": [row for _, records in (first, second) for row in said(records)],
    }


def write_import(folder: Path) -> object:
    """As offline writes a finite history: in order of time, so many rows to an object."""
    write_source(Store(folder.as_uri()), SIMULATED, events(), rows_per_object=8)
    ordered = sorted(events(), key=lambda e: (e.at, e.event_id))
    rows = [Record(n, e.at, USER.encode(), encode_event(e)) for n, e in enumerate(ordered)]
    chain = [
        [f"events/v1/{SIMULATED}/p=07/{n:020d}-g0.parquet", part[-1].offset, part]
        for n in range(0, len(rows), 8)
        if (part := rows[n : n + 8])
    ]
    return {"chain": chain, "said": said(rows, simulated=True)}


def read_archive(folder: Path) -> object:
    """The chain as nearline reads it, and what offline takes from its events."""
    store = Store(folder.as_uri())
    named = [parse(name) for name in store.list("")]
    chained = list(chains(named, lambda item: last_offset(store.get(item.name))))
    return {
        "chain": [[item.name, last, list(decode(store.get(item.name)))] for item, last in chained],
        "said": [row for item, _ in chained if item.kind == "events" for row in taken(store, item)],
    }


def said(records: list[Record], simulated: bool = False) -> list[object]:
    """What a trainer takes from messages: those that can be read and say something of an item."""
    made = [
        msgspec.json.decode(r.value, type=Event) for r in records if (r.value or b"")[:1] == b"{"
    ]
    return [
        [e.user_id, e.event_id, e.item_id, *interaction, simulated, *context(e.context)]
        for e in made
        if (interaction := from_event(e))
    ]


def taken(store: Store, item: ArchiveObject) -> Iterator[object]:
    columns = ("user", "event_id", "item", "kind", "strength", "at", "simulated")
    for row in _read_object(store, item.name).to_pylist():
        yield [row[name] for name in (*columns, "device", "daypart", "weekday", "country")]


def context(of: Context) -> list[str]:
    return [of.device, of.daypart, of.weekday, of.country]


def write_snapshot(folder: Path) -> object:
    store = Store(folder.as_uri())
    write_source(store, SIMULATED, events(), rows_per_object=8)
    return [pin(store, now=NOW)]


def read_snapshot(folder: Path) -> object:
    store = Store(folder.as_uri())
    found = [
        msgspec.json.decode(store.get(name), type=Snapshot) for name in store.list("snapshots/")
    ]
    for snapshot in found:
        assert store.size(snapshot_key(snapshot.snapshot_id))
        assert all(store.size(parse(name).name) for name in snapshot.objects)
    return found


Step = Callable[[Path], object]
FORMATS: dict[str, tuple[Step, Step]] = {
    "event": (write_events, read_events),
    "decision": (write_decisions, read_decisions),
    "credit-token": (write_credit, read_credit),
    "redis": (write_redis, read_redis),
    "model": (write_models, read_models),
    "channel": (write_channel, read_channel),
    "archive-of-nearline": (write_kafka_archive, read_archive),
    "archive-of-offline": (write_import, read_archive),
    "snapshot": (write_snapshot, read_snapshot),
}


# --- told as JSON ----------------------------------------------------------------------------


def told(value: Any) -> Any:
    """A value as JSON holds it, without the fields that stand at their defaults."""
    if isinstance(value, msgspec.Struct):
        return _fields(value, msgspec.structs.fields(value), msgspec.NODEFAULT)
    if dataclasses.is_dataclass(value):
        return _fields(value, dataclasses.fields(value), dataclasses.MISSING)
    if isinstance(value, Mapping):
        return {str(name): told(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [told(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _fields(value: Any, fields: Any, absent: object) -> dict[str, Any]:
    """Of a msgspec struct or a dataclass: both describe their fields by the same names."""
    found = {}
    for field in fields:
        made = field.default is absent and field.default_factory is not absent
        default = field.default_factory() if made else field.default
        if (part := told(getattr(value, field.name))) != told(default):
            found[field.name] = part
    return found


def step(command: str, folder: Path) -> object:
    folder.mkdir(parents=True, exist_ok=True)
    write, read = FORMATS[folder.name]
    try:
        return told((write if command == "write" else read)(folder))
    except MarqueeError as error:
        return {"refused": f"{type(error).__name__}: {error}"}


def main(command: str, folder: str) -> None:
    sources = [str(m.__file__) for m in (marquee_shared, marquee_offline, marquee_nearline)]
    formats = {name: step(command, Path(folder).absolute() / name) for name in FORMATS}
    print(json.dumps({"sources": sources, "formats": formats}, sort_keys=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
