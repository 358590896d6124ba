"""Off-policy evaluation: what another policy would have earned, from what one policy logged.

Of row i, with reward r, the logged probability p of what was shown, the candidate policy's
probability pi of the same, and a reward model q: w = pi / p, q_i = q(x, a), v_i = sum_a pi q(x, a).

    IPS    mean w r                                      Horvitz and Thompson 1952
    SNIPS  sum w r / sum w                               Swaminathan and Joachims 2015
    DM     mean v                                        the reward model alone
    DR     mean v + mean w (r - q_i)                     Dudik, Langford and Li 2011
    SNDR   mean v + sum w (r - q_i) / sum w              Thomas and Brunskill 2016

All follow from six sums per user, so that users are resampled by weighting sums. Formulas as in the
Open Bandit Pipeline (Saito et al. 2021), which `benchmarks/ope.py` compares with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marquee_shared.errors import BadInput
from marquee_shared.fold_in import F64
from marquee_shared.manifest import Metric
from marquee_shared.model import I64

ESTIMATORS = ("ips", "snips", "dm", "dr", "sndr")
# A rate of 5 % has a standard error of 2.2 points at 100 effective rows: less settles nothing.
MIN_EFFECTIVE = 100.0
MIN_USERS = 30  # fewer resampled users give an interval that looks surer than it is
RESAMPLES = 1_000
LEVEL = 0.95
# Upper ends of the histogram of weights, twice the one before; the last bin is open.
WEIGHTS_UP_TO = (*(2.0**k for k in range(-4, 9)), np.inf)
_ROWS, _WEIGHT, _WON, _VALUE, _RESIDUAL, _LOGGED = range(6)  # columns of the sums
_DR = ESTIMATORS.index("dr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What an estimate rests on: arrays `(n,)`, a row per impression."""

    user: I64  # codes 0 to n_users - 1: the units that are independent of each other
    reward: F64
    propensity: F64  # (0, 1]: the logged probability of what was shown
    candidate: F64  # [0, 1]: the candidate policy's probability of the same
    q_shown: F64  # the reward model of what was shown, fitted without this user
    q_policy: F64  # its mean under the candidate policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """How much the log can say of the candidate."""

    rows: int
    users: int
    effective: float  # (sum w)^2 / sum w^2: as many rows of the candidate's own would tell as much
    max_weight: float
    mean_weight: Metric  # 1, unless the logged probabilities are not those drawn with
    histogram: tuple[tuple[int, float], ...]  # rows and share of the weight, by WEIGHTS_UP_TO


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """Values with intervals by estimator; none of them where `refused` says why."""

    values: Mapping[str, Metric]
    logged: Metric  # what was really earned, by whatever policy logged
    gain: Metric | None  # the candidate's by DR less that, the same users drawn for both
    diagnostics: Diagnostics
    refused: str = ""
    doubt: str = ""  # what a reader of the values must know

    @property
    def credible(self) -> bool:
        return not self.refused


def estimate(rows: Rows) -> dict[str, float]:
    """The five estimates without intervals."""
    total = _sums(rows).sum(axis=0)
    return dict(zip(ESTIMATORS, _estimates(total).tolist(), strict=True))


def effective_size(weights: F64) -> float:
    """Kish's effective sample size `(sum w)^2 / sum w^2`; 0 where no weight is above 0."""
    square = float((weights**2).sum())
    return float(weights.sum()) ** 2 / square if square else 0.0


def evaluate(rows: Rows, rng: np.random.Generator, resamples: int = RESAMPLES) -> Estimates:
    """The estimates with percentile bootstrap intervals over users, or the reason for none.

    A refusal is a value: a report shows it, a gate reads it. Raises BadInput for a probability
    outside its range or a log without rows.
    """
    _check(rows)
    sums = _sums(rows)
    drawn = _resampled(sums, rng, resamples)
    diagnostics = _diagnose(rows, sums, drawn)
    total = sums.sum(axis=0)
    earned, drawn_earned = total[_LOGGED] / total[_ROWS], drawn[:, _LOGGED] / drawn[:, _ROWS]
    logged = _metric(earned, drawn_earned)
    if refused := refusal(diagnostics):
        return Estimates(
            values={}, logged=logged, gain=None, diagnostics=diagnostics, refused=refused
        )
    point, spread = _estimates(total), _estimates(drawn)
    return Estimates(
        values={name: _metric(point[at], spread[:, at]) for at, name in enumerate(ESTIMATORS)},
        logged=logged,
        gain=_metric(point[_DR] - earned, spread[:, _DR] - drawn_earned),
        diagnostics=diagnostics,
        doubt=_doubt(diagnostics),
    )


def refusal(found: Diagnostics) -> str:
    """Why nothing can be said of the candidate from this log; empty where something can."""
    if found.effective < MIN_EFFECTIVE:
        return (
            f"not credible: effective sample size {found.effective:.0f} of {found.rows:,} rows, "
            f"{MIN_EFFECTIVE:.0f} are needed; the log hardly ever shows what the candidate would"
        )
    if found.users < MIN_USERS:
        return f"not credible: {found.users} users, {MIN_USERS} are needed for an interval"
    return ""


def _doubt(found: Diagnostics) -> str:
    low, high = found.mean_weight.low, found.mean_weight.high
    if low <= 1 <= high:
        return ""
    return (
        f"the mean weight is {found.mean_weight.value:.3f} (95 % from {low:.3f} to {high:.3f}), "
        "not 1: the candidate shows what the log never does, or the logged probabilities are wrong"
    )


def _check(rows: Rows) -> None:
    if not len(rows.reward):
        raise BadInput("log", "holds no impression that counts")
    if not ((rows.propensity > 0) & (rows.propensity <= 1)).all():
        raise BadInput("propensity", "must lie above 0 and not above 1")
    if not ((rows.candidate >= 0) & (rows.candidate <= 1 + 1e-9)).all():
        raise BadInput("candidate", "must lie from 0 to 1")


def _sums(rows: Rows) -> F64:
    """`(n_users, 6)`: rows, w, w r, v, w (r - q), r."""
    weight = rows.candidate / rows.propensity
    columns = (
        np.ones_like(weight),
        weight,
        weight * rows.reward,
        rows.q_policy,
        weight * (rows.reward - rows.q_shown),
        rows.reward,
    )
    users = int(rows.user.max()) + 1
    return np.stack([np.bincount(rows.user, column, users) for column in columns], axis=1)


def _estimates(sums: F64) -> F64:
    """`(..., 6)` sums to `(..., 5)` estimates in the order of ESTIMATORS."""
    rows, weight = sums[..., _ROWS], sums[..., _WEIGHT]
    weight = np.where(weight > 0, weight, 1.0)  # then what it divides is 0 too
    model = sums[..., _VALUE] / rows
    return np.stack(
        [
            sums[..., _WON] / rows,
            sums[..., _WON] / weight,
            model,
            model + sums[..., _RESIDUAL] / rows,
            model + sums[..., _RESIDUAL] / weight,
        ],
        axis=-1,
    )


def _resampled(sums: F64, rng: np.random.Generator, resamples: int) -> F64:
    """`(resamples, 6)`: the sums of as many users, drawn with replacement."""
    users = len(sums)
    drawn = (np.bincount(rng.integers(0, users, users), minlength=users) for _ in range(resamples))
    return np.stack([times @ sums for times in drawn])


def _diagnose(rows: Rows, sums: F64, drawn: F64) -> Diagnostics:
    weight = rows.candidate / rows.propensity
    total = float(weight.sum())
    return Diagnostics(
        rows=len(weight),
        users=len(sums),
        effective=effective_size(weight),
        max_weight=float(weight.max()),
        mean_weight=_metric(total / len(weight), drawn[:, _WEIGHT] / drawn[:, _ROWS]),
        histogram=_histogram(weight),
    )


def _histogram(weight: F64) -> tuple[tuple[int, float], ...]:
    n, place = len(WEIGHTS_UP_TO), np.searchsorted(WEIGHTS_UP_TO, weight)
    held = np.bincount(place, weight, n) / (weight.sum() or 1.0)
    return tuple(zip(np.bincount(place, minlength=n).tolist(), held.tolist(), strict=True))


def _metric(value: float, drawn: F64) -> Metric:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Metric(value=float(value), low=float(low), high=float(high))
