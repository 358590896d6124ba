"""Visitors: how they choose, without a service; tests/e2e/compose has them visit one."""

from collections import Counter

import numpy as np

from marquee_infra.visitors import LOOKED_AT, Circumstance, choose, circumstance

NOW = Circumstance(device="tv", daypart="night", local_time="2026-11-20T22:00")
ROMANTICS = (("Romance",), ("Comedy",))


def chosen(shown, people=ROMANTICS, n=4000):
    rng = np.random.default_rng(1)
    return Counter(choose(rng, shown, NOW, people) for _ in range(n))


def title(genres=("Drama",), themes=()):
    return {"genres": list(genres), "artwork": {"themes": list(themes)}}


def test_the_image_of_their_kind_is_played_more_often_than_the_same_title_with_another():
    romance = chosen([title(themes=["Romance"])])
    horror = chosen([title(themes=["Horror"])])

    assert romance[0] > 2 * horror[0]


def test_what_suits_device_and_hour_is_played_more_often():
    counts = chosen([title(["Documentary"]), title(["Thriller"])])

    assert counts[1] > counts[0]


def test_what_stands_first_is_played_more_often_than_the_same_further_on():
    counts = chosen([title() for _ in range(LOOKED_AT)])

    assert counts[0] > counts[LOOKED_AT - 1]


def test_some_go_away_without_playing():
    counts = chosen([title()])

    assert 0 < counts[None] < 4000


def test_hours_and_devices_are_all_met():
    from datetime import UTC, datetime

    rng = np.random.default_rng(0)
    met = [circumstance(rng, datetime(2026, 11, 25, tzinfo=UTC)) for _ in range(200)]

    assert len({one.device for one in met}) == 4
    assert len({one.local_time for one in met}) == 4
