"""Metrics: how good a page is for one user, and how sure a mean over users is."""

import numpy as np

from marquee_shared.fold_in import F64
from marquee_shared.manifest import Metric
from marquee_shared.model import I64

PAGE = 10  # NDCG is taken over the first so many
REACH = 20  # Recall over the first so many
RESAMPLES = 1_000
_CHUNK = 4_000_000  # resampled users in memory at once
_DISCOUNT = 1 / np.log2(np.arange(2, PAGE + 2))


def ndcg(ranked: I64, relevant: I64) -> float:
    """NDCG@10 with gains of 0 or 1; the ideal page holds min(10, n relevant) hits."""
    hits = np.isin(ranked[:PAGE], relevant)
    ideal = _DISCOUNT[: min(PAGE, len(relevant))].sum()
    return float(_DISCOUNT[: len(hits)][hits].sum() / ideal) if ideal else 0.0


def recall(ranked: I64, relevant: I64) -> float:
    """Recall@20: hits / min(20, n relevant)."""
    hits = np.isin(ranked[:REACH], relevant).sum()
    return float(hits / min(REACH, len(relevant))) if len(relevant) else 0.0


def interval(values: F64, *, seed: int, level: float = 0.95, resamples: int = RESAMPLES) -> Metric:
    """Mean over users with its percentile bootstrap interval; of paired values, give differences.

    Users are drawn with replacement: they, not their events, are the independent units.
    """
    rng = np.random.default_rng(seed)
    n, step = len(values), max(1, _CHUNK // max(len(values), 1))
    means = [
        values[rng.integers(0, n, (min(step, resamples - done), n))].mean(axis=1)
        for done in range(0, resamples, step)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return Metric(value=float(values.mean()), low=float(low), high=float(high))
