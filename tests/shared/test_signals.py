"""What each interaction weighs."""

import numpy as np
import pytest

from marquee_shared.interaction import (
    COMPLETE,
    LIST_ADD,
    LIST_REMOVE,
    PLAY,
    RATING,
    STOP,
    THUMBS_DOWN,
    THUMBS_UP,
    Interaction,
)
from marquee_shared.signals import DAY_MS, SignalWeights, weigh

TABLE = SignalWeights(watched=2.0, thumbs_up=1.5, thumbs_down=-1.0, list_add=0.5)


def weight(kind: int, strength: int = 1000) -> float:
    return float(weigh([Interaction(kind, strength, 0)], TABLE)[0])


@pytest.mark.parametrize(
    ("kind", "strength", "expected"),
    [
        (PLAY, 500, 1.0),
        (STOP, 250, 0.5),
        (STOP, 0, 0.0),
        (COMPLETE, 1000, 2.0),
        (THUMBS_UP, 1000, 1.5),
        (THUMBS_DOWN, 1000, -1.0),
        (LIST_ADD, 1000, 0.5),
        (LIST_REMOVE, 1000, 0.0),
    ],
)
def test_weight_follows_kind_and_watched_share(kind, strength, expected):
    assert weight(kind, strength) == expected


@pytest.mark.parametrize("place", range(10))
def test_each_half_star_has_its_own_weight(place):
    assert weight(RATING, 500 * (place + 1)) == TABLE.ratings[place]


def test_low_stars_are_dislikes_and_more_stars_never_weigh_less():
    ratings = SignalWeights().ratings
    assert ratings[:5] < (0,) * 5 < ratings[5:]
    assert sorted(ratings) == list(ratings)


def test_weights_halve_with_each_half_life_before_the_newest():
    table = SignalWeights(half_life_days=10)
    history = [Interaction(COMPLETE, 1000, day * DAY_MS) for day in (30, 20, 10, 25)]
    expected = [1, 0.5, 0.25, 0.5**0.5]
    assert weigh(history, table) == pytest.approx(expected)


def test_age_needs_no_clock_and_keeps_the_sign():
    table = SignalWeights(half_life_days=10)
    years_ago = [Interaction(THUMBS_DOWN, 1000, 0), Interaction(COMPLETE, 1000, 10 * DAY_MS)]
    shifted = [i._replace(at=i.at + 999 * DAY_MS) for i in years_ago]
    assert weigh(years_ago, table).tolist() == weigh(shifted, table).tolist() == [-0.5, 1.0]


def test_no_history_weighs_nothing():
    empty = weigh([], SignalWeights(half_life_days=10))
    assert empty.shape == (0,)
    assert empty.dtype == np.float64
