"""The whole catalogue for one user."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import small_model

from marquee_shared.context import Context
from marquee_shared.model import ItemItem
from marquee_shared.score import item_item_scores, mix, score, top

# Row 0 speaks for 1 (.5) and 2 (.25); row 1 for nobody; row 2 for 0 (2).
NEIGHBOURS = ItemItem(
    indptr=np.array([0, 2, 2, 3]),
    indices=np.array([1, 2, 0], np.int32),
    values=np.array([0.5, 0.25, 2.0], np.float32),
)


@pytest.mark.parametrize(
    ("rows", "weights", "expected"),
    [
        ([0], [1], [0, 0.5, 0.25]),
        ([0, 2], [2, -1], [-2, 1, 0.5]),
        ([2, 0], [-1, 2], [-2, 1, 0.5]),
        ([1], [5], [0, 0, 0]),
        ([], [], [0, 0, 0]),
    ],
)
def test_item_item_by_hand(rows, weights, expected):
    found = item_item_scores(NEIGHBOURS, np.array(rows, np.int64), np.array(weights, float))
    assert found.tolist() == expected


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
def test_item_item_equals_the_dense_product(seed, n):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.4)
    held = dense != 0
    sparse = ItemItem(
        indptr=np.concatenate(([0], held.sum(1).cumsum())),
        indices=np.nonzero(held)[1].astype(np.int32),
        values=dense[held].astype(np.float32),
    )
    rows = np.flatnonzero(rng.random(n) < 0.5)
    weights = rng.normal(size=len(rows))
    expected = weights @ dense[rows]
    assert item_item_scores(sparse, rows, weights) == pytest.approx(expected, abs=1e-5)


def test_mix_by_hand_standardises_over_the_unseen():
    ials = np.array([100, 1, 3, 5], np.float32)  # the unseen: mean 3, deviation sqrt(8/3)
    neighbours = np.array([-7, 0, 0, 3], np.float32)  # mean 1, deviation sqrt(2)
    unseen = np.array([False, True, True, True])
    z1 = np.array([-2, 0, 2]) / np.sqrt(8 / 3)
    z2 = np.array([-1, -1, 2]) / np.sqrt(2)
    mixed = mix(ials, neighbours, unseen, 0.75)
    assert mixed[1:] == pytest.approx(0.75 * z1 + 0.25 * z2, rel=1e-6)
    assert mixed[0] == -np.inf


def test_side_that_tells_nothing_apart_leaves_the_other_to_decide():
    flat, slope = np.full(3, 7, np.float32), np.array([1, 2, 3], np.float32)
    everything = np.ones(3, bool)
    assert mix(flat, flat, everything, 0.5).tolist() == [0, 0, 0]
    assert np.argsort(mix(flat, slope, everything, 0.9)).tolist() == [0, 1, 2]


def test_user_who_saw_everything_is_offered_nothing():
    scores = np.array([1, 2], np.float32)
    nothing_left = mix(scores, scores, np.zeros(2, bool), 0.5)
    assert nothing_left.tolist() == [-np.inf, -np.inf]
    assert top(nothing_left, 2).tolist() == []


def test_score_is_ials_and_neighbours_and_context_with_the_seen_hidden():
    model = small_model()
    rows, weights = np.array([0, 2]), np.array([1.0, 1.0])
    vector = model.fold_in(rows, weights)
    found = score(model, vector, rows, weights, Context(device="phone"), rows)
    phone = model.context["device"][0]
    assert found.context == pytest.approx(model.factors @ phone, abs=1e-6)
    assert found.ials == pytest.approx(model.factors @ (vector + phone), abs=1e-5)
    assert np.flatnonzero(np.isneginf(found.total)).tolist() == [0, 2]
    assert (top(found.total, 10) % 2 == 0).all()  # comedies for who liked comedies


def test_item_of_the_history_that_was_not_seen_is_still_offered():
    model = small_model()
    rows = np.array([0, 2])
    found = score(model, model.factors[0], rows, np.ones(2), Context(), rows[:1])
    assert np.flatnonzero(np.isneginf(found.total)).tolist() == [0]


def test_context_without_effect_moves_nothing():
    model = small_model(gain=0.0)
    one = np.array([0])
    found = score(model, model.factors[0], one, np.ones(1), Context(device="phone"), one)
    assert not found.context.any()
    assert not small_model().context_vector(Context(device="web")).any()


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(0, 50))
def test_top_breaks_every_tie_by_row(values, k):
    scores = np.array(values, np.float32)
    expected = sorted(range(len(values)), key=lambda row: (-values[row], row))[:k]
    assert top(scores, k).tolist() == expected


def test_top_leaves_out_what_is_not_finite():
    scores = np.array([1, -np.inf, 3, np.nan, 2, -np.inf], np.float32)
    assert top(scores, 2).tolist() == [2, 4]
    assert top(scores, 6).tolist() == [2, 4, 0]
    assert top(scores, 3).dtype == np.int64
