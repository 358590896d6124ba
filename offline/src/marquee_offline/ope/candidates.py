"""Candidates: the artwork policies as they would be after training on a log.

A policy that is judged on the rows it was trained on looks better than it is. So users fall into
two halves, and each half is judged with the policy trained on the other.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from marquee_offline.ope.logged import Candidate, Log, uniform
from marquee_offline.ope.reward_model import folds_of
from marquee_shared.bandit import POLICIES, Uniform
from marquee_shared.errors import BadInput
from marquee_shared.fold_in import F64
from marquee_shared.model import I64
from marquee_shared.posterior import Posterior, Slate, posterior
from marquee_shared.sums import IMAGE, REWARDS, Reward, Sums
from marquee_shared.taste import FEATURES

AT_ONCE = 5_000  # rows that a policy is asked about at a time: it draws 64 times per candidate
SEED = 11  # of the halves and of the draws
# What a policy has learnt from these rows of a log.
Learn = Callable[[Log, I64], Posterior]
NAMES = tuple(name.split("/")[0] for name in POLICIES)


def candidate(name: str, reward: Reward) -> Candidate:
    """The policy of this name, with or without its version. Raises BadInput."""
    known = dict(zip(NAMES, POLICIES, strict=True))
    full = known.get(name, name)
    if full not in POLICIES:
        raise BadInput("policy", f"expected one of {', '.join(NAMES)}")
    if full == Uniform.name:
        return uniform
    return lambda log: trained_apart(log, full, partial(summed, reward=reward))


def summed(log: Log, rows: I64, reward: Reward) -> Posterior:
    """What nearline's sums would have taught."""
    return posterior(sums_of(log, rows, reward), reward)


def trained_apart(log: Log, name: str, learn: Learn) -> F64:
    """Every candidate's probability `(m,)`, by the policy that the other half's users trained."""
    rng = np.random.default_rng(SEED)
    half = folds_of(log.user, rng, 2)
    probability = np.zeros(len(log.images))
    for own in (0, 1):
        policy = POLICIES[name](learn(log, np.flatnonzero(half != own)))
        for rows in _parts(np.flatnonzero(half == own)):
            places, slate = _slate(log, rows)
            probability[places] = policy.distribution(slate, rng)
    return probability


def sums_of(log: Log, rows: I64, reward: Reward) -> Sums:
    """What nearline would have added up of these rows, in another order of addition."""
    places = log.shown[rows]
    x, earned = log.features[places], log.reward[rows]
    column = REWARDS.index(reward)
    response = np.zeros((len(REWARDS), FEATURES))
    response[column] = earned @ x
    images, which = np.unique(log.images[places], return_inverse=True)
    table = np.zeros((len(images), IMAGE))
    np.add.at(table[:, :FEATURES], which, x)
    np.add.at(table[:, FEATURES + column], which, earned)
    return Sums(
        shared=np.concatenate([(x.T @ x).ravel(), response.ravel()]),
        images=dict(zip(images.tolist(), table, strict=True)),
    )


def _parts(rows: I64) -> Iterator[I64]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def _slate(log: Log, rows: I64) -> tuple[I64, Slate]:
    """The candidates of these rows: where they stand in the log, and as a policy takes them."""
    first, sizes = log.starts[:-1][rows], np.diff(log.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    places = np.arange(starts[-1]) + np.repeat(first - starts[:-1], sizes)
    slate = Slate(features=log.features[places], images=log.images[places], starts=starts)
    return places, slate
