"""Intervals over users: hand-worked, and how often they cover what is true."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_offline.outcomes.interval import (
    MISMATCH,
    Sums,
    bootstrap_share,
    from_draws,
    minus,
    ratio,
    sample_ratio_p,
)
from marquee_shared.manifest import Metric

SEEDS = 200


def sums(n: np.ndarray, y: np.ndarray) -> Sums:
    return Sums(
        users=len(n),
        n=float(n.sum()),
        y=float(y.sum()),
        yy=float(y @ y),
        yn=float(y @ n),
        nn=float(n @ n),
    )


def covers(metric: Metric, truth: float) -> bool:
    return metric.low <= truth <= metric.high


def test_a_ratio_of_four_users_by_hand():
    # n 2 2 4 4, y 1 0 2 3: r = 1/2, residuals 0 -1 0 1, variance 2 / 144 * 4 / 3 = 1 / 54, so that
    # as many as 1/4 / (1/54) = 13.5 independent impressions would say the same.
    figure = ratio(sums(np.array([2.0, 2, 4, 4]), np.array([1.0, 0, 2, 3])))

    assert figure.value == 0.5
    assert figure.low == pytest.approx(1 - figure.high)
    sd = math.sqrt(0.25 / (13.5 + 2))  # of Beta(7.25, 7.25)
    assert figure.high - 0.5 == pytest.approx(1.96 * sd, rel=0.02)


def test_one_user_says_nothing_of_others():
    assert ratio(sums(np.array([9.0]), np.array([3.0]))) == Metric(value=1 / 3, low=0.0, high=1.0)


def test_no_click_is_no_certainty():
    figure = ratio(sums(np.full(30, 50.0), np.zeros(30)))

    assert (figure.value, figure.low) == (0.0, 0.0)
    assert 0.03 < figure.high < 0.12  # some 3 of the 30 users, not of the 1500 impressions


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1)), min_size=1, max_size=30))
def test_an_interval_lies_within_0_and_1_around_its_value(users):
    n = np.array([float(a) for a, _ in users])
    figure = ratio(sums(n, n * [share for _, share in users]))

    assert 0 <= figure.low <= figure.value + 1e-12
    assert figure.value - 1e-12 <= figure.high <= 1


def test_intervals_of_a_ratio_cover_the_truth_though_a_users_impressions_are_alike():
    hits = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        n = rng.integers(1, 40, 150).astype(float)
        y = rng.binomial(n.astype(int), rng.beta(0.5, 4.5, 150)).astype(float)
        hits += covers(ratio(sums(n, y)), 0.1)

    assert hits / SEEDS >= 0.9


def test_a_difference_is_as_sure_as_the_less_sure_of_the_two():
    one, other = Metric(value=0.5, low=0.4, high=0.6), Metric(value=0.2, low=0.2, high=0.2)

    assert minus(one, other) == Metric(
        value=pytest.approx(0.3), low=pytest.approx(0.2), high=pytest.approx(0.4)
    )
    assert minus(other, one).high == pytest.approx(-0.2)


def test_differences_of_equal_arms_cover_0():
    hits = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        one, other = (
            ratio(sums(np.full(100, 20.0), rng.binomial(20, rng.beta(1, 9, 100)).astype(float)))
            for _ in range(2)
        )
        hits += covers(minus(one, other), 0.0)

    assert hits / SEEDS >= 0.9


@pytest.mark.parametrize(("p", "users"), [(0.5, 40), (0.3, 400), (0.02, 200)])
def test_bootstrap_intervals_of_a_share_cover_it_and_of_equal_arms_cover_0(p, users):
    alone = apart = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        a, b = rng.binomial(users, p, 2)
        draws = bootstrap_share(a, users, rng), bootstrap_share(b, users, rng)
        alone += covers(from_draws(a / users, draws[0]), p)
        apart += covers(from_draws((a - b) / users, draws[0] - draws[1]), 0.0)

    assert alone / SEEDS >= 0.9
    assert apart / SEEDS >= 0.9


def test_the_share_of_a_bootstrap_is_that_of_resampled_users():
    rng = np.random.default_rng(1)
    returned = np.arange(300) < 90
    resampled = np.array([returned[rng.integers(0, 300, 300)].mean() for _ in range(4000)])

    draws = bootstrap_share(90, 300, rng)

    assert draws.mean() == pytest.approx(resampled.mean(), abs=0.003)
    assert draws.std() == pytest.approx(resampled.std(), rel=0.05)


def test_sample_ratio_by_hand():
    # 520 and 480 of 1000: chi-square 400/500 * 2 = 1.6 with 1 degree of freedom
    assert sample_ratio_p({"a": 520, "b": 480}, {"a": 1, "b": 1}) == pytest.approx(
        math.erfc(math.sqrt(1.6 / 2))
    )


@pytest.mark.parametrize(
    ("users", "weights", "mismatch"),
    [
        ({"a": 600, "b": 400}, {"a": 1, "b": 1}, True),
        ({"a": 600, "b": 400}, {"a": 3, "b": 2}, False),
        ({"a": 1000}, {"a": 1, "b": 1}, True),
        ({}, {"a": 1, "b": 1}, False),
    ],
)
def test_arms_that_are_not_as_large_as_their_weights_are_told(users, weights, mismatch):
    assert (sample_ratio_p(users, weights) < MISMATCH) is mismatch


def test_arms_drawn_by_their_weights_are_seldom_told():
    rng = np.random.default_rng(5)
    ps = [
        sample_ratio_p({"a": k, "b": 900 - k}, {"a": 2, "b": 1})
        for k in rng.binomial(900, 2 / 3, 2000)
    ]

    assert np.mean(np.array(ps) < 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(np.array(ps) < MISMATCH) <= 0.004
