"""Intervals over users: users are independent of each other, their impressions are not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from marquee_shared.manifest import Metric

LEVEL = 0.95
DRAWS = 4000  # of a bootstrap; the ends of an interval then differ by some 2 % of its width
MISMATCH = 0.001  # a p below it: the arms' sizes did not come about by chance
_TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What users add up to, for the ratio sum(y) / sum(n): y of n impressions per user."""

    users: int
    n: float
    y: float
    yy: float  # sum of y^2 over users
    yn: float
    nn: float


def ratio(sums: Sums) -> Metric:
    """sum(y) / sum(n), 0 <= y <= n, with its interval over users.

    The variance is the linearised one of a ratio of sums over users. The interval is that of
    Jeffreys at the number of independent impressions that would have this variance (Korn and
    Graubard 1998), so that it stays within 0..1 and is honest where nobody clicked.
    """
    value = sums.y / sums.n
    if sums.users < 2:
        return Metric(value=value, low=0.0, high=1.0)
    spread = sums.yy - 2 * value * sums.yn + value**2 * sums.nn
    variance = spread / sums.n**2 * sums.users / (sums.users - 1)
    # Rounding leaves a spread of about 1e-16 of its terms where it is really 0.
    certain = spread <= 1e-12 * max(sums.yy, sums.nn)
    n = sums.users if certain else value * (1 - value) / variance
    low, high = stats.beta.ppf(_TAILS, n * value + 0.5, n * (1 - value) + 0.5)
    return Metric(value=value, low=min(float(low), value), high=max(float(high), value))


def minus(one: Metric, other: Metric) -> Metric:
    """one - other of independent groups of users, from their intervals (Newcombe 1998)."""
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    value = one.value - other.value
    return Metric(value=value, low=value - below, high=value + above)


def bootstrap_share(returned: int, users: int, rng: np.random.Generator) -> F64:
    """Draws `(DRAWS,)` of the share of users who returned, by the Bayesian bootstrap over users.

    Each user has one outcome, 0 or 1, so Dirichlet weights of the users (Rubin 1981) need not be
    drawn one by one: the share they give is Beta(returned, users - returned). Half a user on
    either side keeps it honest where nobody, or everybody, returned.
    """
    return rng.beta(returned + 0.5, users - returned + 0.5, DRAWS)


def from_draws(value: float, draws: F64) -> Metric:
    """The value with the middle 95 % of its draws."""
    low, high = np.quantile(draws, _TAILS)
    return Metric(value=value, low=min(float(low), value), high=max(float(high), value))


def sample_ratio_p(users: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """The probability of arm sizes at least this far from their weights (chi-square).

    Every arm of `weights` counts, also one without users. 1 where nobody was exposed.
    """
    total, whole = sum(users.get(arm, 0) for arm in weights), math.fsum(weights.values())
    if not total or len(weights) < 2:
        return 1.0
    observed = [users.get(arm, 0) for arm in weights]
    expected = [total * weight / whole for weight in weights.values()]
    return float(stats.chisquare(observed, expected).pvalue)
