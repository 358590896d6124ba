"""Archive writer: a finite history as a source of the archive. For imports and simulations."""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from marquee_shared.archive import COLUMNS, LAST, ArchiveObject
from marquee_shared.errors import AlreadyExists
from marquee_shared.event import Event, encode_event
from marquee_shared.ids import partition_of
from marquee_shared.store import Store

PARTITIONS = 8  # of a source that did not come through Kafka
ROWS_PER_OBJECT = 250_000  # some 10 MB
SCHEMA = pa.schema([pa.field(name, getattr(pa, kind)(), False) for name, kind in COLUMNS.items()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a source: objects created now, and objects that were there already."""

    source: str
    events: int
    created: int
    there: int


def write_source(
    store: Store, source: str, events: Iterable[Event], *, rows_per_object: int = ROWS_PER_OBJECT
) -> Written:
    """Write a whole history under one source, by create-only PUT. Raises StoreError.

    Per partition the events go in order of time, offsets dense from 0. The source's name stands
    for its contents, so an object that exists already is left as it is: a second run, or one
    that was cut short, ends in the same archive.
    """
    partitions = defaultdict(list)
    for event in events:
        partitions[partition_of(event.user_id, PARTITIONS)].append(event)
    created = there = 0
    for partition, chain in sorted(partitions.items()):
        chain.sort(key=lambda e: (e.at, e.event_id))
        for name, data in _objects(source, partition, chain, rows_per_object):
            try:
                store.create(name, data)
                created += 1
            except AlreadyExists:
                there += 1
    total = sum(len(chain) for chain in partitions.values())
    return Written(source=source, events=total, created=created, there=there)


def _objects(
    source: str, partition: int, chain: Sequence[Event], size: int
) -> Iterator[tuple[str, bytes]]:
    for first in range(0, len(chain), size):
        rows = chain[first : first + size]
        named = ArchiveObject(kind="events", source=source, partition=partition, first=first)
        yield named.name, _parquet(first, rows)


def _parquet(first: int, rows: Sequence[Event]) -> bytes:
    last = first + len(rows) - 1
    table = pa.table(
        {
            "offset": range(first, last + 1),
            "timestamp": [event.at for event in rows],
            "key": [event.user_id.encode() for event in rows],
            "value": [encode_event(event) for event in rows],
        },
        schema=SCHEMA.with_metadata({LAST: str(last)}),
    )
    target = io.BytesIO()
    pq.write_table(table, target, compression="zstd")
    return target.getvalue()
