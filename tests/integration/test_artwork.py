"""Artwork through the real loop: drawn, seen, played, learnt, drawn anew."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest
from deadline import wait_until
from models import publish
from parts import running_parts
from people import page_with, send
from storm import MODEL, Load, Tier, check_states, check_sums

from marquee_nearline.parquet import decode
from marquee_nearline.state_store import StateStore
from marquee_shared.archive import prefix
from marquee_shared.bandit import EPSILON
from marquee_shared.decision import decode_decision
from marquee_shared.ids import low_hash, partition_of
from marquee_shared.seen import decode_seen
from marquee_shared.store import Store
from marquee_shared.sums import decode_sums, merged, snapshot_key
from marquee_shared.taste import image_key

PARTITIONS = 8


@pytest.fixture
def user():
    return f"art-{uuid.uuid4().hex[:12]}"


def page_of(http, user, session=None):
    asked = {"user_id": user, **({"session_id": session} if session else {})}
    return http.get("/v1/home", params=asked).json()


def report_seen(http, user, page, session=None, count=4):
    """The first row's first titles were in the viewport; the answer's body."""
    items = page["rows"][0]["items"][:count]
    event = {
        "user_id": user,
        "type": "impressions",
        "decision_id": page["decision_id"],
        "credit": page["credit"],
        "seen": [
            {
                "item_id": item["item_id"],
                "row": 0,
                "position": place,
                "artwork_id": item["artwork"]["artwork_id"],
            }
            for place, item in enumerate(items)
        ],
        **({"session_id": session} if session else {}),
    }
    answer = http.post("/v1/events", json=event)
    assert answer.status_code == 202, answer.text
    return items


def learnt(states, user):
    """The sums of the user's partition."""
    cluster = states.cluster()
    return states.sums(cluster.namespace, partition_of(user, cluster.partitions))


def image(item):
    """The key of the image that an item of a page was shown with."""
    index = ["comedy", "thriller", "title"].index(item["artwork"]["artwork_id"].split(".")[1])
    return image_key(low_hash(item["item_id"]), index)


def seen_by(states, namespace, user):
    """What a namespace holds of what a user has seen."""
    partition = partition_of(user, PARTITIONS)
    return decode_seen(states.load(namespace, partition, [], learners=[user]).seen[0])


def earned(states, user, item):
    """Impressions, clicks and quality of the image that an item was shown with."""
    numbers = learnt(states, user).images[image(item)]
    return numbers[0], numbers[-2], numbers[-1]


def test_every_title_has_an_image_with_the_probability_it_was_drawn_with(http, user):
    page = page_of(http, user)

    items = [item for row in page["rows"] for item in row["items"]]
    for item in items:
        artwork = item["artwork"]
        assert artwork["url"] == f"/v1/artworks/{artwork['artwork_id']}.svg"
        assert EPSILON / 3 <= artwork["probability"] <= 1


def test_a_decision_logs_the_whole_distribution(http, store, user):
    page = page_of(http, user)

    def logged():
        names = store.list(prefix("decisions"))
        records = [record for name in names for record in decode(store.get(name), name)]
        decisions = (decode_decision(record.value) for record in records)
        return next((d for d in decisions if d.decision_id == page["decision_id"]), None)

    wait_until(logged, "the decision is archived")
    decision = logged()
    assert decision.policies["artwork"] == "lin-ts/1"
    for row, shown in zip(decision.rows, page["rows"], strict=True):
        for choice, item in zip(row.items, shown["items"], strict=True):
            assert choice.artwork_id == item["artwork"]["artwork_id"]
            assert sum(choice.distribution) == pytest.approx(1, abs=1e-12)
            drawn = choice.distribution[choice.candidates.index(choice.artwork_id)]
            assert drawn == item["artwork"]["probability"]


def test_what_was_seen_and_played_reaches_the_next_snapshot(http, platform, states, user):
    page = page_of(http, user)
    before = learnt(states, user).impressions
    items = report_seen(http, user, page)
    played = items[0]
    send(http, user, played["item_id"], "complete", credit=page["credit"])
    page_with(http, user, 2)

    sums = learnt(states, user)
    assert sums.impressions == before + len(items)
    assert sums.images[image(played)][-2:].tolist() >= [1.0, 1.0]

    def published():
        blob = states._redis.get(snapshot_key(states.cluster().namespace))
        numbers = decode_sums(blob).images.get(image(played)) if blob else None
        return numbers is not None and numbers[-1] >= 1

    wait_until(published, "a snapshot holds it")
    seen = merged(
        states.sums(states.cluster().namespace, partition) for partition in range(PARTITIONS)
    ).impressions

    def taken():
        said = http.get("/metrics").text
        line = next(x for x in said.splitlines() if x.startswith("marquee_online_artwork_impr"))
        return float(line.split()[1]) >= seen

    wait_until(taken, "online draws by it")


def test_a_title_keeps_its_image_within_a_session_and_teaches_once(http, states, user):
    first = page_of(http, user, "s1")
    items = report_seen(http, user, first, "s1")
    page_with(http, user, 1)
    before = learnt(states, user).impressions

    again = page_of(http, user, "s1")
    shown = {item["item_id"]: item["artwork"] for row in again["rows"] for item in row["items"]}
    for item in items:
        assert shown[item["item_id"]]["artwork_id"] == item["artwork"]["artwork_id"]
        assert "probability" not in shown[item["item_id"]]
    report_seen(http, user, again, "s1")
    page_with(http, user, 2)

    assert learnt(states, user).impressions == before


def test_a_play_on_a_repeat_in_the_same_session_earns_for_the_first_showing(http, states, user):
    first = page_of(http, user, "s1")
    played = report_seen(http, user, first, "s1")[0]
    page_with(http, user, 1)
    before = earned(states, user, played)

    again = page_of(http, user, "s1")
    shown = {item["item_id"]: item["artwork"] for row in again["rows"] for item in row["items"]}
    assert "probability" not in shown[played["item_id"]]
    report_seen(http, user, again, "s1")
    session = {"credit": again["credit"], "session_id": "s1"}
    send(http, user, played["item_id"], "complete", **session)
    page_with(http, user, 3)

    assert earned(states, user, played) == (before[0], before[1] + 1, before[2] + 1)


def test_impressions_wait_for_a_model(tmp_path):
    with running_parts(tmp_path) as endpoints:
        assert Tier(endpoints, tmp_path, "init").wait() == 0
        worker = Tier(endpoints, tmp_path, "run")
        try:
            load = Load(endpoints.kafka, seed=1)
            for _ in range(100):
                load.send(load.event())
            load.flush()
            wait_until(lambda: "no model yet" in worker.said(), "the worker says what it misses")
            publish(Store(endpoints.store), MODEL)
            check_states(StateStore(endpoints.redis), load)
            assert check_sums(StateStore(endpoints.redis), load) > 0
        finally:
            worker.kill()


def test_a_forged_token_is_taken_as_an_event_and_earns_nothing(http, states, user):
    page = page_of(http, user)
    played = page["rows"][0]["items"][0]
    before = learnt(states, user).impressions

    send(http, user, played["item_id"], "complete", credit=page["credit"][:-3] + "AAA")
    page_with(http, user, 1)

    assert learnt(states, user).impressions == before


def test_a_rebuild_finds_the_same_sums_to_the_last_bit(http, platform, states, store):
    users = [f"art-{uuid.uuid4().hex[:12]}" for _ in range(6)]
    for number, user in enumerate(users):
        page = page_of(http, user)
        items = report_seen(http, user, page)
        send(http, user, items[number % 4]["item_id"], "complete", credit=page["credit"])
        page_with(http, user, 2)
    old = states.cluster().namespace
    before = [states.sums(old, partition) for partition in range(PARTITIONS)]

    done = subprocess.run(
        [str(Path(sys.executable).parent / "marquee-nearline"), "rebuild", "--json"],
        env={
            **os.environ,
            "MARQUEE_KAFKA": platform.endpoints.kafka,
            "MARQUEE_REDIS": platform.endpoints.redis,
            "MARQUEE_STORE": platform.endpoints.store,
            "MARQUEE_CREDIT_KEYS": platform.settings.credit_keys,
            "MARQUEE_CACHE_DIR": str(platform.settings.data / "cache" / "command"),
        },
        capture_output=True,
        check=True,
    )

    new = json.loads(done.stdout)["namespace"]
    assert new != old
    for partition, one in enumerate(before):
        rebuilt = states.sums(new, partition)
        np.testing.assert_array_equal(rebuilt.shared, one.shared)
        assert rebuilt.images.keys() == one.images.keys()
        for key, numbers in one.images.items():
            np.testing.assert_array_equal(rebuilt.images[key], numbers)
    assert sum(one.impressions for one in before) > 0
    for user in users:
        assert seen_by(states, new, user) == seen_by(states, old, user)
        assert len(seen_by(states, new, user)) == 4
    wait_until(lambda: states._redis.exists(snapshot_key(new)), "online is told, too")
