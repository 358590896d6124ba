import numpy as np
import pytest
import scipy.sparse as sp

from marquee_offline.item_item import cosine, ease
from marquee_shared.model import ItemItem


def dense(weights: ItemItem, n: int) -> np.ndarray:
    return sp.csr_matrix((weights.values, weights.indices, weights.indptr), shape=(n, n)).toarray()


RIDGE = 2.0
LIKED = sp.csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [1, 0, 1, 0.0]]))


def test_ease_is_the_constrained_least_squares_solution() -> None:
    supported = np.array([0, 1, 2])
    x = LIKED.toarray()[:, supported]
    found = dense(ease(sp.csr_matrix(x.T @ x), supported, 4, RIDGE), 4)
    for item in supported:  # regress each item on the others, ridge on the weights
        others = [i for i in supported if i != item]
        system = x[:, others].T @ x[:, others] + RIDGE * np.eye(2)
        expected = np.linalg.solve(system, x[:, others].T @ x[:, item])
        assert found[others, item] == pytest.approx(expected, rel=1e-5)
    assert not np.diag(found).any()
    assert not found[3].any()
    assert not found[:, 3].any()


def test_only_the_largest_weights_of_an_item_are_kept() -> None:
    counts = sp.csr_matrix(np.random.default_rng(0).poisson(2, (40, 12)).astype(float))
    counts = (counts.T @ counts).tocsr()
    whole = dense(ease(counts, np.arange(12), 12, RIDGE), 12)
    kept = ease(counts, np.arange(12), 12, RIDGE, kept=3)
    assert np.diff(kept.indptr).tolist() == [3] * 12
    cut = dense(kept, 12)
    for row in range(12):
        assert set(np.flatnonzero(cut[row])) == set(np.argsort(-np.abs(whole[row]))[:3])


@pytest.mark.parametrize("supported", [[], [2]])
def test_hardly_any_support_gives_no_neighbours(supported: list[int]) -> None:
    n = len(supported)
    found = ease(sp.csr_matrix(np.eye(n)), np.array(supported, np.int64), 4, RIDGE)
    assert found.indptr.tolist() == [0] * 5
    assert len(found.values) == 0


def test_cosine_of_a_hand_worked_case() -> None:
    found = dense(cosine(LIKED), 4)
    assert found[0, 1] == pytest.approx(2 / 3)  # two of three users in common
    assert found[0, 1] == found[1, 0]
    assert not np.diag(found).any()
    assert not found[3].any()
