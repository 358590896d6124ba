"""GET /v1/users/{user_id}: a state in the words of people; refusals on the real app."""

import pytest
from models import small_model

from marquee_online.shelves import shelve
from marquee_online.users import NEWEST, person
from marquee_shared.ids import item_hash
from marquee_shared.interaction import (
    COMPLETE,
    KINDS,
    PLAY,
    RATING,
    STOP,
    THUMBS_DOWN,
    Interaction,
)
from marquee_shared.user_state import Hops, UserState

SHELVES = shelve(small_model())


def state_of(**interactions):
    known = {item_hash(item): Interaction(*one) for item, one in interactions.items()}
    return UserState(events=9, interactions=known, hops=Hops(accepted_at=1, consumed_at=2))


def test_interactions_are_told_newest_first_in_words_and_as_shares():
    state = state_of(
        m1=(STOP, 250, 10), m2=(RATING, 4500, 30), m3=(THUMBS_DOWN, 1000, 20), m4=(PLAY, 500, 5)
    )

    told = person(SHELVES, "u1", state, 7)

    assert [(one.item_id, one.kind, one.strength, one.at) for one in told.interactions] == [
        ("m2", "rating", 0.9, 30),
        ("m3", "thumbs_down", 1.0, 20),
        ("m1", "stop", 0.25, 10),
        ("m4", "play", 0.5, 5),
    ]
    assert (told.interactions[0].title, told.interactions[0].year) == ("Title 2", 1952)
    assert (told.user_id, told.events, told.artworks_seen) == ("u1", 9, 7)
    assert (told.hops.accepted_at, told.hops.consumed_at, told.hops.folded_at) == (1, 2, 0)


def test_what_the_model_does_not_know_is_left_out_and_counted():
    told = person(SHELVES, "u1", state_of(m1=(PLAY, 500, 1), gone=(PLAY, 500, 2)), 0)

    assert [one.item_id for one in told.interactions] == ["m1"]
    assert told.unknown_items == 1


def test_at_most_fifty_are_told_and_the_lean_is_of_all():
    many = {f"m{2 * row}": (COMPLETE, 1000, row) for row in range(60)}

    told = person(SHELVES, "u1", state_of(**many), 0)

    assert len(told.interactions) == NEWEST
    assert told.interactions[0].item_id == "m118"
    assert [(one.tag, one.weight) for one in told.taste] == [
        ("Comedy", 0.707),
        ("Thriller", -0.707),
    ]


def test_dislike_leans_away_and_no_history_leans_nowhere():
    away = person(SHELVES, "u1", state_of(m1=(THUMBS_DOWN, 1000, 1)), 0).taste

    assert {one.tag: one.weight for one in away} == {"Comedy": 0.707, "Thriller": -0.707}
    assert person(SHELVES, "u1", UserState(), 0).taste == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_word(kind):
    (one,) = person(SHELVES, "u1", state_of(m1=(KINDS[kind], 1000, 1)), 0).interactions

    assert one.kind == kind


@pytest.mark.parametrize("user_id", ["a%20b", "%7Bx%7D", "x" * 129, "a%0A", "%F0%9F%98%80"])
def test_what_is_no_id_is_refused_and_named(client, user_id):
    answer = client.get(f"/v1/users/{user_id}")

    assert answer.status_code == 422
    assert answer.json()["field"] == "user_id"


def test_without_redis_it_is_503_not_an_empty_person(client):
    answer = client.get("/v1/users/u1")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "Redis" in answer.json()["detail"]


def test_users_are_not_listed(client):
    assert client.get("/v1/users").status_code == 404
