"""One (user, item) as a join: by property and by the rules of its classes."""

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.event import Event
from marquee_shared.interaction import (
    COMPLETE,
    KINDS,
    LIST_ADD,
    LIST_REMOVE,
    PLAY,
    RATING,
    STOP,
    THUMBS_DOWN,
    THUMBS_UP,
    Interaction,
    from_event,
    join,
)

# Few distinct values, so that ties are common.
interactions = st.builds(
    Interaction,
    kind=st.sampled_from(list(KINDS.values())),
    strength=st.sampled_from([0, 250, 500, 1000, 5000]),
    at=st.integers(0, 5),
)


@given(interactions, interactions)
def test_join_is_commutative(a, b):
    assert join(a, b) == join(b, a)


@given(interactions, interactions, interactions)
def test_join_is_associative(a, b, c):
    assert join(join(a, b), c) == join(a, join(b, c))


@given(interactions)
def test_join_is_idempotent(a):
    assert join(a, a) == a


@given(interactions, interactions)
def test_join_absorbs_what_it_already_holds(a, b):
    assert join(join(a, b), b) == join(a, b)


@given(st.lists(interactions, min_size=1, max_size=5))
def test_order_and_number_of_deliveries_do_not_matter(delivered):
    expected = reduce(join, delivered)
    assert all(reduce(join, order) == expected for order in permutations(delivered))
    assert reduce(join, delivered * 2) == expected


def joined(*parts: tuple[int, int, int]) -> Interaction:
    return reduce(join, (Interaction(*part) for part in parts))


def test_verdict_hides_later_watching():
    assert joined((THUMBS_DOWN, 1000, 1), (COMPLETE, 1000, 9)) == (THUMBS_DOWN, 1000, 1)


def test_watching_hides_later_list_changes():
    assert joined((PLAY, 500, 1), (LIST_REMOVE, 1000, 9)) == (PLAY, 500, 1)


def test_latest_verdict_decides():
    assert joined((THUMBS_UP, 1000, 5), (THUMBS_DOWN, 1000, 6)) == (THUMBS_DOWN, 1000, 6)
    assert joined((RATING, 500, 7), (THUMBS_UP, 1000, 6)) == (RATING, 500, 7)


def test_two_verdicts_of_one_moment_have_one_winner():
    assert joined((THUMBS_UP, 1000, 5), (THUMBS_DOWN, 1000, 5)).kind == THUMBS_UP


def test_strongest_watching_counts_with_the_newest_time():
    assert joined((COMPLETE, 1000, 1), (STOP, 50, 9)) == (COMPLETE, 1000, 9)
    assert joined((PLAY, 500, 1), (STOP, 900, 2)) == (STOP, 900, 2)


def test_latest_list_change_counts():
    assert joined((LIST_ADD, 1000, 1), (LIST_REMOVE, 1000, 2)).kind == LIST_REMOVE
    assert joined((LIST_ADD, 1000, 3), (LIST_REMOVE, 1000, 2)).kind == LIST_ADD


# --- what an event says ----------------------------------------------------------------------


def said(kind: str, **fields: float) -> Interaction | None:
    return from_event(
        Event(event_id="e", user_id="u", item_id="m", type=kind, at=7, **fields)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("play", {}, (PLAY, 500, 7)),
        ("stop", {"watched_s": 30, "runtime_s": 120}, (STOP, 250, 7)),
        ("stop", {"watched_s": 0, "runtime_s": 120}, (STOP, 0, 7)),
        ("stop", {"watched_s": 120, "runtime_s": 120}, (STOP, 1000, 7)),
        ("stop", {"watched_s": 1, "runtime_s": 3}, (STOP, 333, 7)),
        ("complete", {}, (COMPLETE, 1000, 7)),
        ("thumbs_up", {}, (THUMBS_UP, 1000, 7)),
        ("thumbs_down", {}, (THUMBS_DOWN, 1000, 7)),
        ("rating", {"rating": 3.5}, (RATING, 3500, 7)),
        ("list_add", {}, (LIST_ADD, 1000, 7)),
        ("list_remove", {}, (LIST_REMOVE, 1000, 7)),
    ],
)
def test_event_says_kind_strength_and_time(kind, fields, expected):
    assert said(kind, **fields) == expected


@pytest.mark.parametrize("kind", ["click", "impressions", "dance"])
def test_event_that_is_no_taste_says_nothing(kind):
    assert said(kind) is None
