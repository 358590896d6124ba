import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_offline.metrics import interval, ndcg, recall


def test_ndcg_of_a_hand_worked_page() -> None:
    # Hits at places 1 and 3 of the page, three relevant items:
    # (1/log2 2 + 1/log2 4) / (1/log2 2 + 1/log2 3 + 1/log2 4) = 1.5 / 2.1309
    page = np.array([8, 1, 9, 2, 3, 4, 5, 6, 7, 0, 10])
    assert ndcg(page, np.array([8, 9, 10])) == pytest.approx(1.5 / 2.13093, abs=1e-5)


def test_recall_counts_at_most_as_many_as_the_page_holds() -> None:
    page = np.arange(20)
    assert recall(page, np.array([0, 1, 50])) == pytest.approx(2 / 3)
    assert recall(page, np.arange(40)) == 1.0


@given(st.permutations(list(range(30))), st.sets(st.integers(0, 29), min_size=1))
def test_figures_lie_between_0_and_1_and_the_ideal_page_has_1(page, relevant) -> None:
    wanted = np.array(sorted(relevant))
    ideal = np.array(sorted(page, key=lambda i: i not in relevant))
    assert 0 <= ndcg(np.array(page), wanted) <= 1
    assert ndcg(ideal, wanted) == pytest.approx(1)
    assert recall(ideal, wanted) == 1


def test_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(0).normal(0.2, 1.0, 2000)
    found = interval(values, seed=1)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_stricter_interval_is_wider_and_seeded() -> None:
    values = np.random.default_rng(0).normal(0.2, 1.0, 300)
    usual = interval(values, seed=1)
    strict = interval(values, seed=1, level=0.999, resamples=5000)
    assert strict.low < usual.low < usual.high < strict.high
    assert interval(values, seed=1) == usual
