"""Logged: a bandit's log as arrays, and what a candidate policy is estimated to earn on it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from marquee_offline.ope.estimators import Estimates, Rows, evaluate
from marquee_offline.ope.reward_model import cross_fit, folds_of
from marquee_shared.errors import BadInput
from marquee_shared.fold_in import F64
from marquee_shared.model import I64

WHOLE = 1e-6  # by which a distribution may miss 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Row i's candidates are rows `starts[i]` to `starts[i + 1]` of the arrays of m."""

    user: I64  # (n,) codes 0 to n_users - 1, each of them in use
    reward: F64  # (n,) 0 to 1
    propensity: F64  # (n,) logged probability of what was shown
    starts: I64  # (n + 1,)
    shown: I64  # (n,) row among the m
    features: F64  # (m, d) of user and candidate
    images: I64  # (m,) image keys

    @property
    def row_of(self) -> I64:
        """The row `(m,)` that each candidate belongs to."""
        return np.repeat(np.arange(len(self.shown)), np.diff(self.starts))


# The probability of every candidate of a log (m,); each row's sum to 1.
Candidate = Callable[[Log], F64]


def uniform(log: Log) -> F64:
    """Every candidate as often as any other."""
    sizes = np.diff(log.starts)
    return 1.0 / np.repeat(sizes, sizes)


def judge(log: Log, candidate: Candidate, rng: np.random.Generator) -> Estimates:
    """What the candidate would have earned. Raises BadInput where it is no distribution."""
    probability = candidate(log)
    totals = np.add.reduceat(probability, log.starts[:-1])
    if not (np.abs(totals - 1) < WHOLE).all():
        raise BadInput("policy", "its probabilities do not sum to 1")
    row_of, fold = log.row_of, folds_of(log.user, rng)
    q = cross_fit(log.features[log.shown], log.reward, fold, log.features, row_of)
    rows = Rows(
        user=log.user,
        reward=log.reward,
        propensity=log.propensity,
        candidate=probability[log.shown],
        q_shown=q[log.shown],
        q_policy=np.add.reduceat(probability * q, log.starts[:-1]),
    )
    return evaluate(rows, rng)
