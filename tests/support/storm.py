"""A kill storm: tiers killed under load, and what must be there when the dust has settled."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from confluent_kafka import Producer
from deadline import wait_until
from models import publish, small_model

from marquee_infra.parts import Endpoints
from marquee_nearline.archive import next_offset
from marquee_nearline.kafka import topic_id
from marquee_nearline.learn import Learnt, credible, learn
from marquee_nearline.parquet import decode, last_offset
from marquee_nearline.state_store import StateStore
from marquee_shared import event
from marquee_shared.archive import chains, parse, prefix
from marquee_shared.credit import Credit, Credited, sign
from marquee_shared.event import Event, Seen, encode_event
from marquee_shared.ids import item_hash, low_hash, partition_of
from marquee_shared.images import Images
from marquee_shared.store import Store
from marquee_shared.sums import Sums
from marquee_shared.taste import USER_FEATURES
from marquee_shared.user_state import UserState, decode_state, fold

PARTITIONS = 8
MODEL = small_model(n_items=60)
KEYS = {"k1": b"0123456789abcdef"}
SENT_AT = 1_700_000_000_000  # ms since epoch
TYPES = ("play", "complete", "thumbs_up", "thumbs_down", "list_add", "list_remove", "click")


class Tier:
    """One nearline process that the test may kill."""

    def __init__(self, endpoints: Endpoints, folder: Path, *arguments: str) -> None:
        self._argv = [str(Path(sys.executable).parent / "marquee-nearline"), *arguments]
        self._environment = {
            **os.environ,
            "MARQUEE_KAFKA": endpoints.kafka,
            "MARQUEE_REDIS": endpoints.redis,
            "MARQUEE_STORE": endpoints.store,
            "MARQUEE_CACHE_DIR": str(folder / arguments[0]),
            "MARQUEE_ARCHIVE_FLUSH_SECONDS": "0.2",
            "MARQUEE_PARTITIONS": str(PARTITIONS),
            "MARQUEE_CREDIT_KEYS": f"k1:{KEYS['k1'].hex()}",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._log = folder / f"{arguments[0]}.log"
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> int:
        self._process.terminate()
        return self._process.wait(20)

    def said(self) -> str:
        return self._log.read_text()

    def wait(self) -> int:
        return self._process.wait(60)


@contextmanager
def tiers(endpoints: Endpoints, folder: Path) -> Iterator[tuple[Tier, Tier]]:
    """An initialised Redis and Kafka, a model that serves, a worker and an archiver on them."""
    publish(Store(endpoints.store), MODEL)
    assert Tier(endpoints, folder, "init").wait() == 0
    worker, archiver = Tier(endpoints, folder, "run"), Tier(endpoints, folder, "archive")
    try:
        yield worker, archiver
    finally:
        for tier in (worker, archiver):
            tier.kill()


class Load:
    """Seeded events on the topic, a twentieth of them sent twice, at a steady rate."""

    def __init__(self, bootstrap: str, seed: int, users: int = 200) -> None:
        self.sent: list[list[Event]] = [[] for _ in range(PARTITIONS)]
        self._random = random.Random(seed)
        self._users = [f"storm-{seed}-{n}" for n in range(users)]
        self._seed = seed
        self._count = 0
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "logger": logging.getLogger("librdkafka"),
            }
        )
        self._stop = threading.Event()
        self._outcome: Event | None = None  # of the impressions sent last

    def event(self) -> Event:
        self._count += 1
        outcome, self._outcome = self._outcome, None
        if outcome is not None:
            return outcome
        one = Event(
            event_id=f"{self._seed}-{self._count}",
            user_id=self._random.choice(self._users),
            type=self._random.choice(TYPES),
            item_id=f"m{self._random.randrange(60)}",
            at=SENT_AT + self._random.randrange(10_000_000),
            accepted_at=SENT_AT,
        )
        return self._impressions(one) if self._random.random() < 0.2 else one

    def _impressions(self, one: Event) -> Event:
        """Three titles of a page were seen in a session, and the first of them is played next:
        there, or on a later page of the session, which has it as a repeat."""
        items = self._random.sample(range(60), 3)
        session = f"s{self._random.randrange(5)}"
        credit = Credit(
            decision_id=one.event_id,
            user=item_hash(one.user_id),
            issued_at=SENT_AT,
            taste=tuple(self._random.uniform(-1, 1) for _ in range(USER_FEATURES)),
            choices=tuple(
                Credited(
                    item=low_hash(f"m{item}"),
                    artwork=self._random.randrange(3),
                    policy="lin-ts/1",
                    propensity=0.5,
                )
                for item in items
            ),
        )
        later = replace(
            credit,
            decision_id=f"{one.event_id}-later",
            taste=tuple(-number for number in credit.taste),
            choices=(),
        )
        token, repeat = (sign(page, "k1", KEYS["k1"]) for page in (credit, later))
        names = [f"m{item}" for item in items]
        self._outcome = msgspec.structs.replace(
            one,
            event_id=f"{one.event_id}-play",
            type="complete",
            item_id=names[0],
            session_id=session,
            credit=self._random.choice((token, repeat)),
        )
        seen = tuple(Seen(item_id=n, row=0, position=p) for p, n in enumerate(names))
        return msgspec.structs.replace(
            one, type="impressions", item_id=None, session_id=session, seen=seen, credit=token
        )

    def send(self, one: Event) -> None:
        """In the order of `sent`: a partition's offsets are its indices there."""
        for _ in range(2 if self._random.random() < 0.05 else 1):
            self._producer.produce(event.TOPIC, encode_event(one), one.user_id)
            self.sent[partition_of(one.user_id, PARTITIONS)].append(one)
        self._producer.poll(0)

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    @contextmanager
    def running(self, per_second: int) -> Iterator[None]:
        def run() -> None:
            while not self._stop.wait(0.02):
                for _ in range(per_second // 50):
                    self.send(self.event())

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self.flush()

    def total(self) -> int:
        return sum(map(len, self.sent))


def seconds_until_folded(states: StateStore, load: Load) -> float:
    """How long until an event sent now is in its user's state."""
    one = load.event()
    user = one.user_id
    partition = partition_of(user, PARTITIONS)
    started = time.monotonic()
    load.send(one)
    load.flush()
    wanted = len(load.sent[partition])
    namespace = states.cluster().namespace
    wait_until(
        lambda: states.load(namespace, partition, []).offset >= wanted, "the event is folded"
    )
    return time.monotonic() - started


def check_states(states: StateStore, load: Load) -> int:
    """Every truth and every offset equals that of a clean run; how many users were compared."""
    namespace = states.cluster().namespace
    compared = 0
    for partition, events in enumerate(load.sent):
        wait_until(
            partial(_folded, states, namespace, partition, len(events)),
            f"partition {partition} is folded to its end",
            seconds=60,
        )
        clean: dict[str, UserState] = {}
        for one in events:
            clean[one.user_id] = fold(clean.get(one.user_id, UserState()), [one])
        users = sorted(clean)
        found = states.load(namespace, partition, users).blobs
        for user, blob in zip(users, found, strict=True):
            assert blob is not None, user
            assert decode_state(blob).truth() == clean[user].truth(), user
            compared += 1
    return compared


def check_sums(states: StateStore, load: Load) -> float:
    """What the bandit has learnt equals a clean run to the last bit; how many impressions."""
    namespace, images, total = states.cluster().namespace, Images(MODEL), 0.0
    for partition, events in enumerate(load.sent):
        clean = Learnt(Sums(), {})
        learn(credible(events, KEYS)[0], clean, images)
        found = states.sums(namespace, partition)
        assert found.shared.tobytes() == clean.sums.shared.tobytes(), partition
        assert found.images.keys() == clean.sums.images.keys()
        for key, numbers in clean.sums.images.items():
            assert found.images[key].tobytes() == numbers.tobytes(), (partition, key)
        total += found.impressions
    assert total > 0
    return total


def _folded(states: StateStore, namespace: str, partition: int, count: int) -> bool:
    return states.load(namespace, partition, []).offset == count


def _archived(store: Store, source: str, partition: int, count: int) -> bool:
    return count == 0 or next_offset(store, "events", source, partition) == count


def check_archive(endpoints: Endpoints, load: Load) -> int:
    """Every offset lies in the archive exactly once, with its bytes; how many objects there are."""
    store = Store(endpoints.store)
    source = f"kafka-{topic_id(endpoints.kafka, event.TOPIC)}"
    for partition, events in enumerate(load.sent):
        wait_until(
            partial(_archived, store, source, partition, len(events)),
            f"partition {partition} is archived to its end",
            seconds=60,
        )
    objects = [parse(name) for name in store.list(prefix("events", source))]
    chained = list(chains(objects, lambda o: last_offset(store.get(o.name))))
    assert len(chained) == len(objects)
    archived: dict[int, list[bytes | None]] = {p: [] for p in range(PARTITIONS)}
    for one, _ in chained:
        records = list(decode(store.get(one.name)))
        assert [r.offset for r in records] == list(np.arange(len(records)) + one.first)
        archived[one.partition] += [record.value for record in records]
    for partition, events in enumerate(load.sent):
        assert archived[partition] == [encode_event(one) for one in events]
    return len(objects)
