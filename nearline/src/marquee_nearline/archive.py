"""Archive: events and decisions from Kafka to Parquet in the object store, each offset once.

The object store holds the offset: an object is named for its first one, and its footer tells the
last. A crash before the create-only PUT leaves nothing, and the same messages are read again; a
crash after it leaves an object, and the next session starts behind it. Two archivers race for one
name, and the loser starts over behind the winner's object.
"""

import threading
import time
from dataclasses import dataclass, field

import structlog
from confluent_kafka import Consumer, TopicPartition

from marquee_nearline import metrics
from marquee_nearline.errors import Interrupted, Unrecoverable
from marquee_nearline.kafka import Taken, open_consumer, show_progress, subscribe, take, topic_id
from marquee_nearline.parquet import Record, encode, last_offset
from marquee_shared import decision, event
from marquee_shared.archive import ArchiveObject, Kind, parse, prefix
from marquee_shared.errors import AlreadyExists, StoreError
from marquee_shared.store import Store

GROUP = "marquee-archive"
KINDS: dict[str, Kind] = {event.TOPIC: "events", decision.TOPIC: "decisions"}
MAX_BYTES = 16 << 20  # of messages of one partition in memory, and so in one object
log = structlog.get_logger()


@dataclass(slots=True)
class Buffer:
    """Messages of one partition that are not in the store yet."""

    records: list[Record] = field(default_factory=list)
    size: int = 0
    since: float = 0.0  # monotonic seconds of the oldest

    def add(self, record: Record) -> None:
        if not self.records:
            self.since = time.monotonic()
        self.records.append(record)
        self.size += len(record.value or b"")


class Archiver:
    """One member of the group: its buffers and sources in this session."""

    def __init__(self, bootstrap: str, slot: str, store: Store, flush_seconds: float) -> None:
        self._bootstrap = bootstrap
        self._slot = slot
        self._store = store
        self._flush_seconds = flush_seconds
        self._sources: dict[str, str] = {}
        self._buffers: dict[tuple[str, int], Buffer] = {}

    def session(self, stop: threading.Event) -> None:
        """Archive until `stop`, then write what is buffered. Raises Interrupted, Unrecoverable."""
        self._sources = {t: f"kafka-{topic_id(self._bootstrap, t)}" for t in KINDS}
        consumer = open_consumer(self._bootstrap, GROUP, self._slot)
        try:
            subscribe(consumer, list(KINDS), self._forget, self._start)
            while not stop.is_set():
                for message in take(consumer):
                    self._add(message)
                self._flush(consumer)
            self._flush(consumer, everything=True)
        except StoreError as error:
            raise Interrupted(f"store {self._store.url}: {error}") from error
        finally:
            consumer.close()

    def _forget(self) -> None:
        self._buffers = {}

    def _start(self, tp: TopicPartition, low: int, _high: int) -> int:
        following = next_offset(self._store, KINDS[tp.topic], self._sources[tp.topic], tp.partition)
        self._buffers[tp.topic, tp.partition] = Buffer()
        if following is None:
            return low
        if following < low:
            raise Unrecoverable(
                f"{tp.topic} partition {tp.partition}: offsets {following} to {low - 1} left "
                "Kafka before they were archived; raise the retention, and start a new topic"
            )
        return following

    def _add(self, message: Taken) -> None:
        record = Record(message.offset, message.timestamp, message.key, message.value)
        self._buffers[message.topic, message.partition].add(record)

    def _flush(self, consumer: Consumer, *, everything: bool = False) -> None:
        now, written = time.monotonic(), []
        for (topic, partition), buffer in self._buffers.items():
            due = buffer.size >= MAX_BYTES or now - buffer.since >= self._flush_seconds
            if buffer.records and (due or everything):
                self._write(topic, partition, buffer.records)
                written.append(TopicPartition(topic, partition, buffer.records[-1].offset + 1))
                self._buffers[topic, partition] = Buffer()
        show_progress(consumer, written)

    def _write(self, topic: str, partition: int, records: list[Record]) -> None:
        kind = KINDS[topic]
        target = ArchiveObject(
            kind=kind, source=self._sources[topic], partition=partition, first=records[0].offset
        )
        data = encode(records)
        try:
            self._store.create(target.name, data)
        except AlreadyExists:
            if self._store.get(target.name) != data:  # equal: our own retried write got through
                raise Interrupted(f"{target.name}: another archiver was first") from None
        metrics.ARCHIVE_OBJECTS.labels(kind).inc()
        metrics.ARCHIVED.labels(kind).inc(len(records))
        log.info("archived", name=target.name, rows=len(records))


def next_offset(store: Store, kind: Kind, source: str, partition: int) -> int | None:
    """The offset behind the last object of a chain, or None where there is none yet."""
    names = store.list(prefix(kind, source, partition))
    if not names:
        return None
    newest = max(parse(name) for name in names)
    return last_offset(store.get(newest.name), newest.name) + 1
