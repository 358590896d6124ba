"""Consume: the loop that folds every event into its user's state, exactly once.

Redis holds the offset, Kafka's committed one is a display. Per partition and batch:

    1 take messages   2 load offset + blobs   3 fold   4 bury rejects   5 apply blobs + offset

A crash before 5 leaves state and offset as they were: the batch is read again. A crash after 5
left both moved: the next batch is read. Rejects may be buried twice, never lost. A worker that
lost its partition is told so by the epoch (FENCED), a Redis that lost its tail shows at the
offset (MISMATCH): both end the session, and the next starts from what Redis holds.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
from confluent_kafka import Consumer, Producer, TopicPartition

from marquee_nearline import metrics
from marquee_nearline.dead_letter import bury
from marquee_nearline.errors import Interrupted, Unrecoverable
from marquee_nearline.fold import by_user, fold_batch
from marquee_nearline.kafka import Taken, open_consumer, show_progress, subscribe, take, topic_id
from marquee_nearline.learn import Learnt, credible, image_keys, learn
from marquee_nearline.state_store import DUP, OK, StateStore
from marquee_shared import event
from marquee_shared.cluster import Cluster
from marquee_shared.errors import BadInput
from marquee_shared.event import EVENT_TYPES, Event, read_event
from marquee_shared.images import ImagesOf
from marquee_shared.model import Model
from marquee_shared.sums import encode_sums, merged

GROUP = "marquee-nearline"
CHECK_SECONDS = 0.5  # how often an idle partition is compared with Redis
PUBLISH_SECONDS = 1.0  # how often online is told what the artwork bandit has learnt
PUBLISH_SHARE = 0.1  # of a worker's time at most: with many images it is told less often
SHOW_SECONDS = 5.0  # how often Kafka is told our position
log = structlog.get_logger()


class Worker:
    """One member of the group: its partitions, their epochs and positions in this session."""

    def __init__(
        self,
        bootstrap: str,
        slot: str,
        states: StateStore,
        producer: Producer,
        serving: Callable[[], Model | None],
        credit_keys: Mapping[str, bytes],
    ) -> None:
        self._bootstrap = bootstrap
        self._slot = slot
        self._states = states
        self._producer = producer
        self._serving = serving
        self._credit_keys = credit_keys
        self._images = ImagesOf()
        self._published: list[bytes | None] = []
        self._cluster = Cluster(namespace="", partitions=0)
        self._epochs: dict[int, int] = {}
        self._next: dict[int, int] = {}

    def session(self, stop: threading.Event) -> None:
        """Consume until `stop`. Raises Interrupted, Unrecoverable."""
        self._cluster = self._states.cluster()
        self._states.load_functions()
        self._published = []  # the namespace may be another, with the same sums and no snapshot
        consumer = open_consumer(self._bootstrap, GROUP, self._slot)
        try:
            start = partial(self._acquire, topic_id(self._bootstrap, event.TOPIC))
            subscribe(consumer, [event.TOPIC], self._forget, start)
            self._loop(consumer, stop)
        finally:
            consumer.close()

    def _forget(self) -> None:
        self._epochs, self._next = {}, {}

    def _acquire(self, identity: str, tp: TopicPartition, _low: int, _high: int) -> int:
        if tp.partition >= self._cluster.partitions:
            raise Unrecoverable(
                f"topic {tp.topic} has more partitions than namespace {self._cluster.namespace}"
            )
        epoch, offset = self._states.acquire(self._cluster.namespace, tp.partition, identity)
        self._epochs[tp.partition], self._next[tp.partition] = epoch, offset
        log.info("partition_acquired", partition=tp.partition, offset=offset, epoch=epoch)
        return offset

    def _loop(self, consumer: Consumer, stop: threading.Event) -> None:
        check_at = show_at = publish_at = time.monotonic()
        while not stop.is_set():
            messages = take(consumer)
            for partition, batch in _by_partition(messages).items():
                self._fold(partition, batch)
            now = time.monotonic()
            if now >= publish_at:
                self._publish()
                took = time.monotonic() - now
                publish_at = now + max(PUBLISH_SECONDS, took / PUBLISH_SHARE)
            if now >= check_at:
                self._check(consumer)
                check_at = now + CHECK_SECONDS
            if now >= show_at:
                reached = [TopicPartition(event.TOPIC, *at) for at in self._next.items()]
                show_progress(consumer, reached)
                show_at = now + SHOW_SECONDS

    def _check(self, consumer: Consumer) -> None:
        """An idle partition never meets a MISMATCH, and a flip of the namespace no error at all."""
        if self._states.cluster() != self._cluster:
            raise Interrupted("the namespace was flipped")
        for tp in consumer.assignment():
            found = self._states.load(self._cluster.namespace, tp.partition, [])
            expected = (self._next[tp.partition], self._epochs[tp.partition])
            if (found.offset, found.epoch) != expected:
                raise Interrupted(f"partition {tp.partition}: Redis is elsewhere than this worker")

    def _fold(self, partition: int, batch: list[Taken]) -> None:
        """One batch of one partition through steps 2 to 5."""
        started, consumed_at = time.perf_counter(), _now_ms()
        first, following = self._span(partition, batch)
        events, rejected = _decode(batch)
        users = by_user(events)
        teaching, refused = credible(events, self._credit_keys)
        model = self._serving()
        images = self._images(model) if model else None
        if teaching and images is None:  # a token that holds proves that there is a model
            raise Interrupted("no model yet: impressions wait for it")
        namespace = self._cluster.namespace
        learners = sorted({one.event.user_id for one in teaching})
        loaded = self._states.load(
            namespace,
            partition,
            list(users),
            learners=learners,
            images=image_keys(teaching, images) if images else (),
        )
        if loaded.offset != first:
            raise Interrupted(f"partition {partition}: MISMATCH at load")
        folded_at = _now_ms()
        folded = fold_batch(
            users, loaded.blobs, model, consumed_at=consumed_at, folded_at=folded_at
        )
        learnt = Learnt.of(loaded.sums, dict(zip(learners, loaded.seen, strict=True)), refused)
        if images:
            learn(teaching, learnt, images)
        if rejected:
            bury(self._producer, rejected)
        answer = self._states.apply(
            namespace,
            partition,
            (first, following),
            self._epochs[partition],
            folded.blobs,
            seen=learnt.blobs(),
            sums=learnt.sums if teaching else None,
        )
        if answer not in (OK, DUP):
            raise Interrupted(f"partition {partition}: {answer}")
        self._next[partition] = following
        metrics.APPLY.observe(time.perf_counter() - started)
        _count(events, len(rejected), folded.unreadable, folded_at, learnt.counts)

    def _span(self, partition: int, batch: list[Taken]) -> tuple[int, int]:
        """First offset of a batch, and that after its last. Raises Interrupted on a hole."""
        first, following = batch[0].offset, batch[-1].offset + 1
        if first != self._next[partition] or following - first != len(batch):
            raise Interrupted(f"partition {partition}: offsets are not dense")
        return first, following

    def _publish(self) -> None:
        """The owner of partition 0 puts all partitions' sums together for online."""
        if 0 not in self._next:
            return
        namespace, partitions = self._cluster.namespace, range(self._cluster.partitions)
        # Nothing is learnt of an image that does not show in the sums that all have in common.
        shared = [self._states.shared_sums(namespace, p) for p in partitions]
        if shared != self._published:
            total = merged(self._states.sums(namespace, p) for p in partitions)
            self._states.publish(namespace, encode_sums(total, _now_ms()))
            self._published = shared


def _by_partition(messages: Sequence[Taken]) -> dict[int, list[Taken]]:
    batches: dict[int, list[Taken]] = {}
    for message in messages:
        batches.setdefault(message.partition, []).append(message)
    return batches


def _decode(batch: Sequence[Taken]) -> tuple[list[Event], list[tuple[Taken, BadInput]]]:
    """The events to fold, and the messages that are none. Unknown types are neither."""
    events, rejected = [], []
    for message in batch:
        try:
            decoded = read_event(message.key, message.value)
        except BadInput as error:
            rejected.append((message, error))
            log.warning("dead_letter", offset=message.offset, field=error.field)
            continue
        if decoded.type in EVENT_TYPES:
            events.append(decoded)
        else:
            metrics.EVENTS.labels("unknown_type").inc()
    return events, rejected


def _count(
    events: Sequence[Event],
    rejected: int,
    unreadable: int,
    folded_at: int,
    learnt: Mapping[str, int],
) -> None:
    metrics.EVENTS.labels("folded").inc(len(events))
    metrics.EVENTS.labels("dead_letter").inc(rejected)
    metrics.BAD_STATES.inc(unreadable)
    for what, number in learnt.items():
        metrics.LEARNT.labels(what).inc(number)
    for one in events:
        if one.accepted_at:
            metrics.FRESHNESS.observe(max(0, folded_at - one.accepted_at) / 1000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
