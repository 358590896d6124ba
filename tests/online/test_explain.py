"""Why an item stands where it stands: percentiles and parts, by hand and by property."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import small_model

from marquee_online.explain import percentiles, taken_apart
from marquee_online.page import mixed
from marquee_online.rank import TOP_PICKS, personal_rows, popular_rows, taste_of
from marquee_shared.context import Context
from marquee_shared.ids import item_hash
from marquee_shared.interaction import COMPLETE, Interaction
from marquee_shared.score import top

MODEL = small_model()
TASTE = taste_of(
    MODEL,
    {item_hash(f"m{row}"): Interaction(COMPLETE, 1000, row) for row in (0, 2, 7, 40)},
)
PHONE = Context(device="phone")


def test_percentile_is_the_share_of_what_was_scored_that_ranks_below():
    scores = np.array([5, 1, -np.inf, 4, 2, 3], np.float32)

    assert percentiles(scores, top(scores, 3)) == [80.0, 60.0, 40.0]


def test_what_ranks_the_same_does_not_rank_below_even_beyond_the_row():
    scores = np.array([9, 7, 7, 7, 1, 0, 0, 0], np.float32)

    assert percentiles(scores, top(scores, 2)) == [87.5, 50.0]
    assert percentiles(np.zeros(4, np.float32), np.array([0, 1])) == [0.0, 0.0]


def test_nothing_scored_has_no_percentiles():
    assert percentiles(np.full(3, -np.inf, np.float32), np.zeros(0, np.int64)) == []


def test_the_best_of_a_million_is_top_1_percent_not_top_0():
    scores = np.arange(1_000_000, dtype=np.float32)

    (best,) = percentiles(scores, top(scores, 1))

    assert best == 99.99
    assert math.ceil(100 - best) == 1


@given(
    st.lists(st.sampled_from([-math.inf, 0.0, 0.5, 1.0, 2.0, 3.5]), min_size=1, max_size=40),
    st.integers(1, 40),
)
def test_percentiles_are_those_that_counting_gives(values, k):
    scores = np.array(values, np.float32)
    best = top(scores, k)
    finite = scores[np.isfinite(scores)]

    counted = [
        math.floor(10_000 * int((finite < scores[row]).sum()) / len(finite)) / 100 for row in best
    ]

    assert percentiles(scores, best) == counted


@pytest.mark.parametrize("mix", [None, 0.0, 0.25, 1.0])
def test_a_score_is_the_sum_of_its_parts(mix):
    model = mixed(MODEL, mix)
    rows = personal_rows(model, TASTE, PHONE).rows

    for row in rows[:2]:
        parts = taken_apart(model, TASTE, PHONE, row)
        for choice, part in zip(row.items, parts, strict=True):
            assert sum(part.values()) == pytest.approx(choice.score, abs=1e-3)

    assert [row.name for row in rows[:2]] == [TOP_PICKS, "because_you_watched"]


def test_the_context_has_a_part_of_its_own_and_none_where_nothing_is_known_of_it():
    (picks, *_) = personal_rows(MODEL, TASTE, PHONE).rows
    comedies = {c.item_id for c in picks.items if int(c.item_id[1:]) % 2 == 0}
    parts = dict(
        zip(
            [choice.item_id for choice in picks.items],
            taken_apart(MODEL, TASTE, PHONE, picks),
            strict=True,
        )
    )

    assert comedies
    assert all(parts[item]["context"] > 0 for item in comedies)
    elsewhere = personal_rows(MODEL, TASTE, Context()).rows[0]
    assert {part["context"] for part in taken_apart(MODEL, TASTE, Context(), elsewhere)} == {0.0}


def test_popular_rows_have_no_parts():
    (row, *_) = popular_rows(MODEL, Context())

    assert taken_apart(MODEL, TASTE, Context(), row) == [{}] * len(row.items)


def test_a_model_that_tells_nothing_apart_has_parts_of_zero():
    flat = mixed(replace(MODEL, factors=np.zeros_like(MODEL.factors)), 1.0)
    (row, *_) = personal_rows(flat, TASTE, PHONE).rows

    parts = taken_apart(flat, TASTE, PHONE, row)

    assert {value for part in parts for value in part.values()} == {0.0}
