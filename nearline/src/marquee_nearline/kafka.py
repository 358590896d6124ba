"""Kafka: how nearline's clients are set up, and where a topic stands."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from marquee_nearline import metrics
from marquee_nearline.errors import Interrupted, Unrecoverable
from marquee_shared import decision, event

TIMEOUT = 5.0  # seconds for a metadata request; a stop waits for it
RETENTION_MS = 7 * 24 * 3600 * 1000  # Kafka forgets; the archive does not
BATCH = 200  # messages taken at once: one Redis call of a few milliseconds each
MAX_EVENT = 1 << 20  # bytes of a message on the topics of events and decisions
MAX_LETTER = 2 << 20  # a dead letter holds such a message and its headers
IDLE_SECONDS = 0.5  # longest wait for a first message
StartAt = Callable[[TopicPartition, int, int], int]  # partition, low, high watermark -> offset


class Taken(NamedTuple):
    """A message out of the client's hands; `timestamp` is the broker's, ms since epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def create_topics(bootstrap: str, partitions: int, replication: int) -> list[str]:
    """Create what is missing; the names that were. Raises KafkaException, Unrecoverable."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    known = admin.list_topics(timeout=TIMEOUT).topics
    wanted = (event.TOPIC, decision.TOPIC, event.DEAD_LETTERS)
    for name in wanted:
        if name in known and len(known[name].partitions) != partitions:
            raise Unrecoverable(
                f"topic {name} has {len(known[name].partitions)} partitions, not {partitions}: "
                "the count is part of the state's format"
            )
    config = {
        "retention.ms": str(RETENTION_MS),
        "cleanup.policy": "delete",  # compaction would leave gaps in the offsets
        "message.timestamp.type": "LogAppendTime",  # a client's clock must not steer retention
        "min.insync.replicas": str(max(1, replication - 1)),
    }
    sizes = {event.DEAD_LETTERS: MAX_LETTER}
    missing = [name for name in wanted if name not in known]
    new = [
        NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=replication,
            config={**config, "max.message.bytes": str(sizes.get(name, MAX_EVENT))},
        )
        for name in missing
    ]
    for future in admin.create_topics(new).values() if new else ():
        future.result()
    return missing


def topic_id(bootstrap: str, topic: str) -> str:
    """The broker's id of a topic, 22 URL-safe characters: a topic created anew has another.

    Raises Interrupted while there is no broker or no topic.
    """
    met: list[KafkaError] = []
    settings: dict[str, Any] = {  # the client's own type knows no callables
        "bootstrap.servers": bootstrap,
        "error_cb": met.append,
        "logger": logging.getLogger("librdkafka"),  # its lines come as records, not raw
    }
    admin = AdminClient(settings)
    try:
        future = admin.describe_topics(TopicCollection([topic]), request_timeout=TIMEOUT)[topic]
        base64 = str(future.result().topic_id)
        return base64.replace("+", "-").replace("/", "_")  # it becomes part of object names
    except KafkaException as error:
        admin.poll(0)  # "timed out" is no reason; what the client met meanwhile is
        met = [e for e in met if e.code() != KafkaError._ALL_BROKERS_DOWN]
        why = met[-1].str() if met else f"topic {topic}: {error.args[0].str()}"
        raise Interrupted(f"Kafka at {bootstrap}: {why}") from error


def open_consumer(bootstrap: str, group: str, slot: str) -> Consumer:
    """A consumer that starts where it is told, and commits only for display.

    Static membership gives a restarted worker its partitions back after 0.2 s instead of 44 s;
    `range` keeps the partitions of two topics together. A poll raises Interrupted when no broker is
    left: the client would heal itself in silence, and nobody would know that nothing is consumed.
    """

    def give_up(error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            raise Interrupted(f"Kafka at {bootstrap}: {error.str()}")

    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "error_cb": give_up,
            "group.id": group,
            "group.instance.id": f"{group}-{slot}",
            "partition.assignment.strategy": "range",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",  # never jump in silence
            "queued.max.messages.kbytes": 16384,
            "queued.min.messages": 5000,
            "fetch.wait.max.ms": 50,
            "fetch.queue.backoff.ms": 50,  # the default adds a second whenever the queue is full
            "logger": logging.getLogger("librdkafka"),  # its lines come as records, not raw
            "topic.metadata.refresh.interval.ms": 10000,
        }
    )


def open_producer(bootstrap: str) -> Producer:
    """An idempotent producer that reports each loss; keyed as every producer of Marquee."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "message.timeout.ms": 30000,
            "message.max.bytes": MAX_LETTER,
            "logger": logging.getLogger("librdkafka"),  # its lines come as records, not raw
        }
    )


def subscribe(
    consumer: Consumer, topics: list[str], begin: Callable[[], None], start_at: StartAt
) -> None:
    """Join the group. At each assignment `begin` forgets what was owned before, and each partition
    starts at the offset that `start_at` answers.

    Both may raise: the exception comes out of the next poll, and nothing was delivered. Raises
    Unrecoverable from there when Kafka does not hold that offset. From the end of an assignment on
    this process is up, also where it holds no partition.
    """

    def assign(consumer: Consumer, partitions: list[TopicPartition]) -> None:
        begin()
        for tp in partitions:
            low, high = consumer.get_watermark_offsets(tp, timeout=TIMEOUT)
            tp.offset = start_at(tp, low, high)
            if not low <= tp.offset <= high:
                raise Unrecoverable(
                    f"{tp.topic} partition {tp.partition}: offset {tp.offset} is wanted, Kafka "
                    f"holds {low} to {high}: messages were lost; see the fault table in "
                    "nearline/README.md"
                )
        consumer.assign(partitions)
        metrics.UP.set(1)

    consumer.subscribe(topics, on_assign=assign)


def take(consumer: Consumer) -> list[Taken]:
    """The next messages: at once when there are some, else after IDLE_SECONDS an empty list.

    Raises Interrupted, Unrecoverable.
    """
    try:
        first = consumer.poll(IDLE_SECONDS)
        messages = [first, *consumer.consume(BATCH - 1, 0)] if first is not None else []
    except KafkaException as error:
        raise Interrupted(f"Kafka: {error}") from error
    return [_copied(message) for message in messages]


def show_progress(consumer: Consumer, positions: list[TopicPartition]) -> None:
    """Tell Kafka how far we are, for lag displays only; its failure changes nothing."""
    known = [tp for tp in positions if tp.offset != OFFSET_INVALID]
    if known:
        consumer.commit(offsets=known, asynchronous=True)


def _copied(message: Message) -> Taken:
    error = message.error()
    if error is not None:
        raise _failure(error)
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None  # only a message that carries an error lacks its place
    assert partition is not None
    assert offset is not None
    return Taken(topic, partition, offset, message.timestamp()[1], message.key(), message.value())


def _failure(error: KafkaError) -> Interrupted | Unrecoverable:
    if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
        return Unrecoverable(f"Kafka no longer holds our offset ({error.str()}): rebuild")
    return Interrupted(f"Kafka: {error.str()}")
