"""The one solve of three tiers: by hand, and by the gradient of its loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.fold_in import Objective, fold_in, gram, normal_equations

HAND = Objective(a0=0.5, lam=0.1, nu=1.0)
AXES = np.array([[1, 0], [0, 1], [1, 1]], np.float32)


@st.composite
def problems(draw):
    """(factors, rows, signed weights, objective) of one user."""
    n, d = draw(st.integers(2, 30)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.permutation(n)[: draw(st.integers(1, n))]
    weights = rng.uniform(-2, 2, len(rows))
    weights[0] = abs(weights[0]) + 0.1  # somebody who likes nothing is a case of its own
    objective = Objective(
        a0=draw(st.floats(0, 1)), lam=draw(st.floats(0.01, 1)), nu=draw(st.floats(0, 1))
    )
    return rng.normal(0, 1, (n, d)).astype(np.float32), rows, weights, objective


def solved(factors, rows, weights, objective):
    return fold_in(factors, gram(factors), np.array(rows), np.array(weights, float), objective)


def test_one_like_by_hand():
    # G = [[2,1],[1,2]]; lam_u = .1 (1 + .5 * 3) = .25
    # A = .5 G + 2 e1 e1' + .25 I = [[3.25, .5], [.5, 1.25]]; b = 2 e1
    # x = 2 (1.25, -.5) / (3.25 * 1.25 - .25) = (2.5, -1) / 3.8125
    x = solved(AXES, [0], [2.0], HAND)
    assert x == pytest.approx([2.5 / 3.8125, -1 / 3.8125], rel=1e-6)


def test_dislike_by_hand_enters_the_left_side_only():
    # lam_u = .1 (2 + 1.5) = .35; A = .5 G + e1 e1' + 3 e2 e2' + .35 I = [[2.35, .5], [.5, 4.35]]
    # b = e1, so x = (4.35, -.5) / (2.35 * 4.35 - .25)
    x = solved(AXES, [0, 1], [1.0, -3.0], HAND)
    assert x == pytest.approx([4.35 / 9.9725, -0.5 / 9.9725], rel=1e-6)


def test_ridge_counts_items_and_the_unseen():
    assert Objective(a0=0.5, lam=0.1, nu=1).ridge(4, 20) == pytest.approx(1.4)
    assert Objective(a0=0.5, lam=0.1, nu=0).ridge(4, 20) == pytest.approx(0.1)
    assert Objective(a0=0.5, lam=0.1, nu=0.5).ridge(6, 20) == pytest.approx(0.4)


def gradient(x, factors, rows, weights, objective):
    """Half the gradient of the user's loss at x, and the size of what cancels out in it."""
    y = factors.astype(np.float64)
    ridge = objective.lam * (len(rows) + objective.a0 * len(y)) ** objective.nu
    terms = [ridge * x]
    terms += [objective.a0 * (x @ item) * item for item in y]
    for row, weight in zip(rows, weights, strict=True):
        terms += [abs(weight) * (x @ y[row]) * y[row], -max(weight, 0) * y[row]]
    return np.sum(terms, axis=0), np.abs(terms).sum()


@given(problems())
def test_gradient_of_the_loss_is_zero_at_the_solution(problem):
    slope, size = gradient(solved(*problem).astype(np.float64), *problem)
    assert np.abs(slope).max() <= 1e-6 * size


@given(problems())
def test_no_step_away_lowers_the_loss(problem):
    factors, rows, weights, objective = problem
    x = solved(*problem).astype(np.float64)

    def loss(v):
        scores = factors.astype(np.float64) @ v
        seen = (np.abs(weights) * (scores[rows] - (weights > 0)) ** 2).sum()
        ridge = objective.lam * (len(rows) + objective.a0 * len(factors)) ** objective.nu
        return seen + objective.a0 * (scores**2).sum() + ridge * (v**2).sum()

    best = loss(x)
    steps = np.vstack([np.eye(len(x)), -np.eye(len(x))]) * 0.01
    assert all(loss(x + step) >= best - 1e-9 for step in steps)


@given(problems(), st.randoms(use_true_random=False))
def test_order_of_the_history_does_not_matter(problem, random):
    factors, rows, weights, objective = problem
    order = list(range(len(rows)))
    random.shuffle(order)
    again = solved(factors, rows[order], weights[order], objective)
    assert again == pytest.approx(solved(*problem), rel=1e-5, abs=1e-6)


def test_dislike_lowers_the_score_of_its_item():
    without = solved(AXES, [0], [1.0], HAND) @ AXES[2]
    disliked = solved(AXES, [0, 2], [1.0, -1.0], HAND) @ AXES[2]
    assert 0 < disliked < without


@given(problems())
def test_dislike_adds_nothing_to_the_right_side(problem):
    factors, rows, weights, _ = problem
    left, right = normal_equations(factors, rows, weights)
    liked = weights > 0
    assert right == pytest.approx(normal_equations(factors, rows[liked], weights[liked])[1])
    assert np.linalg.eigvalsh(left).min() >= -1e-9 * max(1, np.abs(left).max())


@pytest.mark.parametrize(
    ("rows", "weights"), [([], []), ([0], [-1.0]), ([0, 1], [0.0, -2.0]), ([1], [0.0])]
)
def test_user_who_likes_nothing_has_the_zero_vector(rows, weights):
    factors = np.ones((3, 4), np.float32)
    x = fold_in(factors, gram(factors), np.array(rows, int), np.array(weights), HAND)
    assert x.tolist() == [0, 0, 0, 0]
    assert x.dtype == np.float32


def test_gram_is_summed_in_float64():
    factors = np.full((3, 1), 0.01, np.float32)
    factors[0] = 3000  # 9e6 + 2e-4 needs more than float32's 7 digits
    assert gram(factors)[0, 0] > 9e6
