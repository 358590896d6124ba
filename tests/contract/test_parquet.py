"""One archive, two libraries of ours that write it and two that read it."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from marquee_nearline.parquet import Record, decode, encode, last_offset
from marquee_offline.archive_write import write_source
from marquee_offline.events import _read_object
from marquee_offline.snapshot import pin
from marquee_shared.archive import ArchiveObject, parse
from marquee_shared.event import Event, encode_event
from marquee_shared.ids import partition_of
from marquee_shared.interaction import COMPLETE, RATING
from marquee_shared.store import Store

GOLDEN = Path(__file__).parent / "golden" / "archive-v1"
OBJECTS = sorted((GOLDEN / "objects").rglob("*.parquet"))
NAMES = [str(path.relative_to(GOLDEN / "objects")) for path in OBJECTS]
KAFKA = "kafka-AbCdEfGhIjKlMnOpQrStUv"
NOW = datetime(2026, 11, 23, tzinfo=UTC)

each_object = pytest.mark.parametrize("name", NAMES)


def expected(name: str) -> tuple[int, list[Record]]:
    """The last offset and the records of a golden object."""
    held = json.loads((GOLDEN / "rows" / name).with_suffix(".json").read_bytes())

    def coded(text: str | None) -> bytes | None:
        return None if text is None else text.encode()

    rows = [Record(o, t, coded(key), coded(value)) for o, t, key, value in held["rows"]]
    return held["last"], rows


def event(n: int, user: str, kind: str = "complete", **fields: float) -> Event:
    return Event(event_id=f"e{n}", user_id=user, item_id="ml-1", type=kind, at=100 - n, **fields)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path.as_uri())


def test_there_is_a_golden_object_of_each_writer():
    assert {parse(name).source.split("-")[0] for name in NAMES} >= {"kafka", "simulated"}


@each_object
def test_nearline_reads_the_golden_object(name: str):
    data = (GOLDEN / "objects" / name).read_bytes()
    last, rows = expected(name)
    assert last_offset(data) == last
    assert list(decode(data)) == rows


@each_object
def test_offline_reads_the_golden_object(name: str):
    said = _read_object(Store((GOLDEN / "objects").as_uri()), name)
    _, rows = expected(name)
    readable = [json.loads(row.value) for row in rows if (row.value or b"").startswith(b"{")]
    assert said.column("event_id").to_pylist() == [body["event_id"] for body in readable]
    assert said.column("simulated").to_pylist() == [parse(name).source == "simulated-42"] * len(
        readable
    )


def test_offline_pins_the_golden_archive(tmp_path: Path):
    shutil.copytree(GOLDEN / "objects", tmp_path / "store")
    snapshot = pin(Store((tmp_path / "store").as_uri()), now=NOW)
    assert snapshot.objects == tuple(NAMES)
    assert snapshot.through == {
        parse(name).source: {str(parse(name).partition): expected(name)[0]} for name in NAMES
    }


def test_nearline_reads_what_offline_writes(store: Store):
    events = [event(n, f"u{n % 5}") for n in range(50)]
    write_source(store, "simulated-7", events)
    found = {}
    for name in store.list("events/v1/simulated-7/"):
        data = store.get(name)
        rows = list(decode(data))
        assert [row.offset for row in rows] == list(range(len(rows)))
        assert last_offset(data) == len(rows) - 1
        assert [row.timestamp for row in rows] == sorted(row.timestamp for row in rows)
        for row in rows:
            assert partition_of(row.key.decode(), 8) == parse(name).partition
            found[row.value] = (row.key, row.timestamp)
    assert found == {encode_event(e): (e.user_id.encode(), e.at) for e in events}


def test_offline_reads_what_nearline_writes(store: Store):
    events = [event(1, "u1"), event(2, "u2", "rating", rating=4.5), event(3, "u1", "click")]
    records = [
        *(
            Record(40 + n, 1000 + n, e.user_id.encode(), encode_event(e))
            for n, e in enumerate(events)
        ),
        Record(43, 1003, None, None),
        Record(44, 1004, b"u3", b"\xff no event"),
    ]
    item = ArchiveObject(kind="events", source=KAFKA, partition=3, first=40)
    store.create(item.name, encode(records))
    snapshot = pin(store, now=NOW)
    assert (snapshot.objects, snapshot.through) == ((item.name,), {KAFKA: {"3": 44}})
    said = _read_object(store, item.name)
    columns = ("user", "event_id", "item", "kind", "strength", "at")
    assert [tuple(row[name] for name in columns) for row in said.to_pylist()] == [
        ("u1", "e1", "ml-1", COMPLETE, 1000, 99),
        ("u2", "e2", "ml-1", RATING, 4500, 98),
    ]


def test_object_without_a_readable_event_is_an_empty_table(store: Store):
    item = ArchiveObject(kind="events", source=KAFKA, partition=0, first=0)
    store.create(item.name, encode([Record(0, 0, None, None)]))
    said = _read_object(store, item.name)
    assert said.num_rows == 0
    assert said.schema.field("at").type == pa.int64()


def test_both_writers_agree_on_columns_and_types(store: Store):
    write_source(store, "simulated-7", [event(1, "u1")])
    (name,) = store.list("events/")
    theirs = pq.read_schema(pa.BufferReader(store.get(name)))
    ours = pq.read_schema(pa.BufferReader(encode([Record(0, 0, b"u", b"v")])))
    assert [(f.name, f.type) for f in theirs] == [(f.name, f.type) for f in ours]
    assert theirs.metadata.keys() == ours.metadata.keys()
