"""What the API tells of a user, on a real platform: after events, and of nobody."""

import uuid

import pytest
import redis
from people import page_with, send

from marquee_shared.ids import partition_of
from marquee_shared.user_state import key


@pytest.fixture
def user():
    return f"known-{uuid.uuid4().hex[:12]}"


def test_a_user_is_told_what_they_did_and_where_they_lean(http, user):
    first = send(http, user, "m1", "stop", watched_s=30, runtime_s=120)
    send(http, user, "m3", "rating", rating=4.5)
    last = send(http, user, "not-in-the-model", "play")
    page = page_with(http, user, 3)

    answer = http.get(f"/v1/users/{user}")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert [(one["item_id"], one["kind"], one["strength"]) for one in told["interactions"]] == [
        ("m3", "rating", 0.9),
        ("m1", "stop", 0.25),
    ]
    assert told["interactions"][1]["at"] == first["accepted_at"]
    assert (told["events"], told["unknown_items"], told["artworks_seen"]) == (3, 1, 0)
    assert told["taste"][0]["tag"] in {"Comedy", "Thriller"}
    assert {one["tag"] for one in told["taste"] if one["weight"] > 0} == {"Thriller"}
    assert told["model_id"] == page["model_id"]
    assert told["hops"]["accepted_at"] == last["accepted_at"]
    assert told["hops"] == {name: page["state"][name] for name in told["hops"]}


def test_the_decision_of_a_known_user_is_theirs_alone(http, user):
    send(http, user, "m2", "complete")
    page = page_with(http, user, 1)
    path = f"/v1/decisions/{page['decision_id']}"

    decision = http.get(path, headers={"X-Marquee-Credit": page["credit"]}).json()

    assert decision["user_id"] == user
    for choice in decision["rows"][0]["items"]:
        assert sum(choice["parts"].values()) == pytest.approx(choice["score"], abs=1e-3)
    stranger = http.get("/v1/home").json()["credit"]
    assert http.get(path, headers={"X-Marquee-Credit": stranger}).status_code == 403


def test_of_nobody_nothing_is_known(http, user):
    answer = http.get(f"/v1/users/{user}")

    assert answer.status_code == 404
    assert user not in answer.text


def test_a_state_that_cannot_be_read_is_500_and_says_no_more(http, platform, states, user):
    cluster = states.cluster()
    name = key(cluster.namespace, partition_of(user, cluster.partitions), user)
    with redis.Redis.from_url(platform.endpoints.redis) as client:
        client.set(name, b"MQ rubbish" * 9)
        try:
            answer = http.get(f"/v1/users/{user}")
        finally:
            client.delete(name)

    assert answer.status_code == 500
    assert answer.json()["detail"] == "The state of this user failed its checks."
