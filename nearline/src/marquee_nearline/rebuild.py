"""Rebuild: fold the archive into a new namespace, compare with the old one, flip.

The way out of a lost Redis, a new state format, another partition count, and the way in for a
history that did not come through Kafka. The live worker goes on with the old namespace meanwhile,
and follows the flip within half a second. A crash at any point before the flip leaves a namespace
that nobody reads; the next rebuild takes another name.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import structlog
from confluent_kafka import Consumer, TopicPartition

from marquee_nearline.errors import Interrupted, Unrecoverable
from marquee_nearline.fold import by_user, with_vector
from marquee_nearline.kafka import TIMEOUT, take, topic_id
from marquee_nearline.learn import Learnt, credible, learn
from marquee_nearline.parquet import decode, last_offset
from marquee_nearline.state_store import OK, StateStore
from marquee_shared import event
from marquee_shared.archive import chains, parse, prefix
from marquee_shared.cluster import Cluster
from marquee_shared.credit import ATTRIBUTION_MS
from marquee_shared.errors import BadInput, BadState, LaterState
from marquee_shared.event import EVENT_TYPES, Event, read_event
from marquee_shared.ids import item_hash, partition_of
from marquee_shared.images import Images
from marquee_shared.interaction import join
from marquee_shared.model import Model
from marquee_shared.seen import newest
from marquee_shared.store import Store
from marquee_shared.sums import Sums
from marquee_shared.user_state import MAX_ITEMS, UserState, decode_state, encode_state, fold

CHUNK = 200  # users per Redis call
CATCH_UP_SECONDS = 60.0  # for the messages between the archive's end and the old namespace
Progress = Callable[[str], None]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a rebuild found. `lost` users held something in the old namespace that the new lacks."""

    namespace: str
    users: int
    events: int
    equal: int
    grown: int
    lost: int
    skipped: int  # archived messages that are no events
    flipped: bool


class Rebuild:
    """One rebuild: the states of the new namespace in memory, partition by partition."""

    def __init__(
        self,
        states: StateStore,
        store: Store,
        bootstrap: str,
        model: Model | None,
        credit_keys: Mapping[str, bytes],
    ) -> None:
        self._states = states
        self._store = store
        self._bootstrap = bootstrap
        self._model = model
        self._images = Images(model) if model else None
        self._credit_keys = credit_keys
        self._old = states.cluster()
        self._topic = topic_id(bootstrap, event.TOPIC)
        self._counts: Counter[str] = Counter()
        # By partition, in the log's order: the sums then have the very bits that the log gave them.
        self._teaching: list[list[Event]] = [[] for _ in range(self._old.partitions)]

    def run(self, *, force: bool = False, progress: Progress = lambda _: None) -> Rebuilt:
        """Fold, write, compare, flip. Without `force` a namespace that lacks something that the
        old one holds is not made active."""
        name = self._new_name()
        self._states.drop(name, self._old.partitions)  # what a crashed rebuild left behind
        self._states.open_namespace(name, self._old.partitions)
        progress("reading the archive")
        histories, through = self._read()
        for partition in range(self._old.partitions):
            progress(f"partition {partition + 1} of {self._old.partitions}")
            self._rebuild(name, partition, histories[partition], through.get(partition, 0))
        flip = force or not self._counts["lost"]
        if flip:
            self._flip(name)
        keys = ("users", "events", "equal", "grown", "lost", "skipped")
        return Rebuilt(namespace=name, flipped=flip, **{k: self._counts[k] for k in keys})

    def _new_name(self) -> str:
        number = int(self._old.namespace.lstrip("n"))
        return f"n{number + 1}"

    def _flip(self, name: str) -> None:
        if self._old.previous:
            self._states.drop(self._old.previous, self._old.partitions)
        self._states.activate(
            Cluster(namespace=name, partitions=self._old.partitions, previous=self._old.namespace)
        )
        log.info("namespace_flipped", namespace=name, previous=self._old.namespace)

    def _read(self) -> tuple[list[dict[str, list[Event]]], dict[int, int]]:
        """Archived events by partition and user, imports first, and the next offset of each
        partition of our topic."""
        histories: list[dict[str, list[Event]]] = [{} for _ in range(self._old.partitions)]
        through: dict[int, int] = {}
        names = self._store.list(prefix("events"))
        objects = [parse(name) for name in names]
        for found, last in chains(objects, lambda o: last_offset(self._store.get(o.name), o.name)):
            for user, events in by_user(list(self._events(found.name))).items():
                home = partition_of(user, self._old.partitions)
                histories[home].setdefault(user, []).extend(events)
            if found.source == f"kafka-{self._topic}":
                through[found.partition] = last + 1
        return histories, through

    def _events(self, name: str) -> Iterator[Event]:
        for record in decode(self._store.get(name), name):
            yield from self._event(record.key, record.value)

    def _event(self, key: bytes | None, value: bytes | None) -> Iterator[Event]:
        """The event of a message, if it is one that is folded."""
        try:
            decoded = read_event(key, value)
        except BadInput:
            self._counts["skipped"] += 1
            return
        if decoded.type in EVENT_TYPES:
            if decoded.credit:
                self._teaching[partition_of(decoded.user_id, self._old.partitions)].append(decoded)
            yield decoded

    def _learn(self, partition: int) -> Learnt:
        """What the partition's events teach, every one of them from the first; of what was seen,
        what may still earn."""
        teaching, refused = credible(self._teaching[partition], self._credit_keys)
        learnt = Learnt(Sums(), {}, refused)
        if teaching:
            if self._images is None:
                raise Unrecoverable("there is no model, and impressions teach nothing without one")
            learn(teaching, learnt, self._images)
            since = teaching[-1].now - ATTRIBUTION_MS
            kept = {user: newest(showings, since) for user, showings in learnt.seen.items()}
            learnt.seen = {user: showings for user, showings in kept.items() if showings}
        return learnt

    def _rebuild(
        self, name: str, partition: int, history: dict[str, list[Event]], offset: int
    ) -> None:
        """One partition: catch up with the old namespace, write, compare."""
        old = self._old_states(partition)
        reached = self._states.load(self._old.namespace, partition, []).offset
        if reached > offset:
            tail, offset = self._tail(partition, offset, reached)
            for one in tail:
                history.setdefault(one.user_id, []).append(one)
        new = {user: fold(UserState(), events) for user, events in history.items()}
        self._write(name, partition, new, offset, self._learn(partition))
        self._counts["users"] += len(new)
        self._counts["events"] += sum(state.events for state in new.values())
        for user, state in old.items():
            archived = {item_hash(e.item_id) for e in history.get(user, ()) if e.item_id}
            self._counts[compare(state, new.get(user, UserState()), archived)] += 1

    def _old_states(self, partition: int) -> dict[str, UserState]:
        """Read before the offset: the tail then holds all that these states do."""
        users = sorted(set(self._states.users(self._old.namespace, partition)))
        states = {}
        for start in range(0, len(users), CHUNK):
            chunk = users[start : start + CHUNK]
            loaded = self._states.load(self._old.namespace, partition, chunk)
            for user, blob in zip(chunk, loaded.blobs, strict=True):
                states[user] = _readable(blob)
        return states

    def _tail(self, partition: int, start: int, stop: int) -> tuple[list[Event], int]:
        """The events that Kafka holds and the archive not yet, and the offset behind them.

        That offset is lower than `stop` where the topic is another one, or has lost its end.
        """
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "marquee-rebuild",  # required by the client; nothing is committed
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
            }
        )
        found: list[Event] = []
        try:
            place = TopicPartition(event.TOPIC, partition, start)
            high = consumer.get_watermark_offsets(place, timeout=TIMEOUT)[1]
            stop = max(start, min(stop, high))
            consumer.assign([place])
            deadline = time.monotonic() + CATCH_UP_SECONDS
            while start < stop:
                if time.monotonic() > deadline:
                    raise Interrupted(f"partition {partition}: Kafka did not answer in time")
                for message in take(consumer):
                    start = message.offset + 1
                    if message.offset < stop:
                        found += self._event(message.key, message.value)
        finally:
            consumer.close()
        return found, stop

    def _write(
        self,
        name: str,
        partition: int,
        new: Mapping[str, UserState],
        offset: int,
        learnt: Learnt,
    ) -> None:
        """All users of a partition, the offset and the sums with the last of them."""
        seen = learnt.blobs()
        epoch, at = self._states.acquire(name, partition, self._topic)
        users = sorted(new)
        chunks = [users[i : i + CHUNK] for i in range(0, len(users), CHUNK)] or [[]]
        for chunk in chunks:
            last = chunk is chunks[-1]
            following = offset if last else at
            answer = self._states.apply(
                name,
                partition,
                (at, following),
                epoch,
                {user: encode_state(with_vector(new[user], self._model)) for user in chunk},
                seen={user: seen[user] for user in chunk if user in seen},
                sums=learnt.sums if last else None,
            )
            if answer != OK:
                raise Interrupted(f"namespace {name}: another rebuild is at work")
            at = following


def _readable(blob: bytes | None) -> UserState:
    try:
        return decode_state(blob) if blob else UserState()
    except LaterState:
        raise
    except BadState:
        return UserState()  # nothing there that the archive could lack


def compare(old: UserState, new: UserState, archived: Collection[int] = ()) -> str:
    """equal: the same interactions; grown: the new holds the old's and more; lost: it lacks some.

    What the newest MAX_ITEMS of the new have pushed out is not lost: it is older than all of them,
    or among the `archived` items, all of which were folded.
    """
    if old.interactions == new.interactions:
        return "equal"
    full = len(new.interactions) >= MAX_ITEMS
    oldest = min((i.at for i in new.interactions.values()), default=0)
    for item, interaction in old.interactions.items():
        known = new.interactions.get(item)
        if known is None:
            if not (full and (interaction.at <= oldest or item in archived)):
                return "lost"
        elif join(known, interaction) != known:
            return "lost"
    return "grown"
