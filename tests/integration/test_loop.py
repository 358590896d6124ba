"""The tiers together on real servers: events, dead letters, models, the archive, rebuild."""

import json
import os
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from confluent_kafka import Consumer, Producer
from deadline import wait_until
from models import publish, small_model
from people import page_with, send, state_of, top_picks

from marquee_nearline.archive import next_offset
from marquee_nearline.kafka import topic_id
from marquee_nearline.parquet import decode
from marquee_shared import decision, event
from marquee_shared.archive import prefix
from marquee_shared.artifact import part_key, write_model
from marquee_shared.channel import publish_entry
from marquee_shared.decision import decode_decision
from marquee_shared.event import DEAD_LETTERS, Event, encode_event
from marquee_shared.ids import partition_of
from marquee_shared.user_state import key


@pytest.fixture
def user():
    return f"user-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def producer(platform):
    return Producer(
        {
            "bootstrap.servers": platform.endpoints.kafka,
            "partitioner": "murmur2_random",
            "message.max.bytes": 2_000_000,
        }
    )


def genres(page):
    return [item["genres"][0] for item in page["rows"][0]["items"]]


def run(platform, *arguments):
    """A command of the nearline tier, to its end; its JSON answer."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "marquee-nearline"), *arguments, "--json"],
        env={
            **os.environ,
            "MARQUEE_KAFKA": platform.endpoints.kafka,
            "MARQUEE_REDIS": platform.endpoints.redis,
            "MARQUEE_STORE": platform.endpoints.store,
            "MARQUEE_CACHE_DIR": str(platform.settings.data / "cache" / "command"),
        },
        capture_output=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or b"{}"), done.stderr.decode()


def test_an_event_changes_the_page_in_its_own_direction(http, user):
    stranger = http.get("/v1/home", params={"user_id": user}).json()
    for item in ("m0", "m2", "m4"):
        send(http, user, item)
    comedies = page_with(http, user, 3)
    for item in ("m1", "m3", "m5", "m7", "m9", "m11", "m13"):
        send(http, user, item, "complete")
    thrillers = page_with(http, user, 10)

    assert stranger["basis"] == "popular"
    assert genres(comedies).count("Comedy") > 15
    assert genres(thrillers).count("Thriller") > genres(comedies).count("Thriller")
    assert not {"m0", "m2", "m4"} & set(top_picks(comedies))


def test_hops_are_in_order_and_the_same_event_id_counts_once(http, user):
    first = send(http, user, "m0", event_id=f"{user}-1")
    send(http, user, "m0", event_id=f"{user}-1")
    send(http, user, "m2", event_id=f"{user}-2")

    state = page_with(http, user, 2)["state"]

    assert first["event_id"] == f"{user}-1"
    assert state["events"] == 2
    assert 0 < state["accepted_at"] <= state["consumed_at"] <= state["folded_at"]


def test_poison_is_dead_lettered_with_its_reason_and_the_rest_flows(http, platform, producer, user):
    poison = [
        b"\xff" * 1_048_000,  # as large as the topic takes
        b"\xff\x00\xfe",
        b"{}",
        b'{"v":2,' + encode_event(event_of(user))[1:],
        encode_event(event_of("somebody-else")),
    ]
    for value in poison:
        producer.produce(event.TOPIC, value, user)
    producer.produce(event.TOPIC, encode_event(event_of(user, type="teleport")), user)
    assert producer.flush(10) == 0
    send(http, user, "m0")

    assert page_with(http, user, 1)["state"]["events"] == 1
    letters = dead_letters(platform, len(poison), user)
    assert [letter.value() for letter in letters] == poison
    reasons = [dict(letter.headers())["field"].decode() for letter in letters]
    assert reasons == ["body", "body", "event_id", "v", "key"]


def event_of(user, **changes):
    fields = {"event_id": uuid.uuid4().hex, "user_id": user, "type": "play", "item_id": "m1"}
    return Event(**{**fields, "at": 1_700_000_000_000, **changes})


def dead_letters(platform, count, user):
    consumer = Consumer(
        {
            "bootstrap.servers": platform.endpoints.kafka,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([DEAD_LETTERS])
    home = f"{event.TOPIC}:{partition_of(user, 8)}:"
    found = []

    def enough():
        message = consumer.poll(0.2)
        if message is not None and message.key().decode().startswith(home):
            found.append(message)
        return len(found) >= count

    try:
        wait_until(enough, "the dead letters are there")
    finally:
        consumer.close()
    return sorted(found, key=lambda letter: int(letter.key().decode().rpartition(":")[2]))


def test_a_new_model_serves_without_restart_and_a_broken_one_never(http, store, user):
    send(http, user, "m0")
    page_with(http, user, 1)
    second = publish(store, small_model(seed=5))
    wait_until(lambda: http.get("/readyz").json()["model_id"] == second, "the new model serves")
    broken = write_model(store, small_model(seed=6), created=datetime.now(UTC))
    part = Path(store.url.removeprefix("file://")) / part_key(broken, "factors")
    part.write_bytes(part.read_bytes()[:-1] + b"\x00")
    publish_entry(store, "prod", broken, at="now")

    wait_until(lambda: http.get("/readyz").json()["model_refused"], "the broken one is refused")
    status = http.get("/readyz").json()
    assert status["model_id"] == second
    assert "checksum" in status["model_refused"]
    assert page_with(http, user, 1)["basis"] == "history"
    repaired = publish(store, small_model(seed=7))
    wait_until(lambda: http.get("/readyz").json()["model_id"] == repaired, "the next one serves")


def test_events_and_decisions_are_archived_as_they_were(http, platform, store, user):
    place = send(http, user, "m3")
    page = http.get("/v1/home", params={"user_id": user}).json()

    def archived(kind, topic):
        source = f"kafka-{topic_id(platform.endpoints.kafka, topic)}"
        folder = prefix(kind, source, partition_of(user, 8))
        return [r for name in store.list(folder) for r in decode(store.get(name))]

    def decided():
        decisions = [decode_decision(r.value) for r in archived("decisions", decision.TOPIC)]
        return [d for d in decisions if d.decision_id == page["decision_id"]]

    wait_until(decided, "the decision is archived")
    found = decided()[0]
    shown = [[item["item_id"] for item in row["items"]] for row in page["rows"]]
    assert [[choice.item_id for choice in row.items] for row in found.rows] == shown
    wait_until(
        lambda: any(r.offset == place["offset"] for r in archived("events", event.TOPIC)),
        "the event is archived",
    )
    offsets = [r.offset for r in archived("events", event.TOPIC)]
    assert offsets == list(range(len(offsets)))


def test_rebuild_reproduces_the_states_and_everybody_follows_the_flip(
    http, platform, store, states, user
):
    for item in ("m0", "m2", "m4"):
        send(http, user, item)
    before = page_with(http, user, 3)
    old = states.cluster()

    code, result, said = run(platform, "rebuild")

    assert code == 0, said
    assert result["flipped"]
    assert result["lost"] == 0
    assert result["equal"] == result["users"]
    assert states.cluster().namespace == result["namespace"] != old.namespace
    assert top_picks(page_with(http, user, 3)) == top_picks(before)
    send(http, user, "m6")
    assert page_with(http, user, 4)["state"]["items"] == 4


def test_a_rebuild_that_would_lose_something_does_not_flip(http, platform, states, user):
    send(http, user, "m0")
    wait_until(lambda: state_of(states, user).events == 1, "it is in the active namespace")
    cluster = states.cluster()
    partition = partition_of(user, cluster.partitions)
    loaded = states.load(cluster.namespace, partition, [user])
    ghost = f"ghost-{next(n for n in range(999) if partition_of(f'ghost-{n}', 8) == partition)}"
    states.apply(
        cluster.namespace,
        partition,
        (loaded.offset, loaded.offset),
        loaded.epoch,
        {ghost: loaded.blobs[0]},
    )

    code, result, _ = run(platform, "rebuild")

    assert code == 1
    assert (result["flipped"], result["lost"]) == (False, 1)
    assert states.cluster() == cluster
    with redis.Redis.from_url(platform.endpoints.redis) as client:
        client.delete(key(cluster.namespace, partition, ghost))


def test_a_killed_redis_degrades_pages_and_loses_nothing(http, platform, states, user):
    for item in ("m0", "m2", "m4"):
        send(http, user, item)
    before = page_with(http, user, 3)
    redis = next(s for s in platform.supervisor.states() if s.name == "redis")
    os.kill(redis.pid, signal.SIGKILL)

    degraded = http.get("/v1/home", params={"user_id": user}).json()
    send(http, user, "m6")

    assert degraded["degraded"] == ["state_from_memory"]
    assert top_picks(degraded) == top_picks(before)
    after = page_with(http, user, 4)
    wait_until(lambda: page_with(http, user, 4)["degraded"] == [], "Redis is back")
    assert after["state"]["items"] == 4
    assert state_of(states, user).events == 4


def test_the_same_question_gives_the_same_titles(http, user):
    send(http, user, "m0")
    page_with(http, user, 1)
    asked = {"user_id": user, "device": "tv", "local_time": "2026-11-23T20:15"}

    pages = [http.get("/v1/home", params=asked).json() for _ in range(3)]
    for item in (item for page in pages for row in page["rows"] for item in row["items"]):
        del item["artwork"]  # drawn anew, each with its chance

    assert pages[0]["rows"] == pages[1]["rows"] == pages[2]["rows"]


def test_an_archive_partition_of_an_unknown_source_starts_at_nothing(store):
    assert next_offset(store, "events", "kafka-" + "A" * 22, 0) is None
