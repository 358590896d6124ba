"""Bandit: which image of each title is shown, with the exact probability that it was drawn with."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from marquee_shared.fold_in import F64
from marquee_shared.posterior import I64, PRIOR_OWN, Posterior, Slate, against, find, where
from marquee_shared.taste import FEATURES

EPSILON = 0.01  # share of choices that are uniform: the floor of every probability is EPSILON / K
DRAWS = 64  # samples of the posterior that a page's probabilities are counted over
BOLDNESS = 0.5  # Thompson's draws stray half as far from the mean as the posterior does
GAMMA = 10.0  # SquareCB's scale and exponent, as Vowpal Wabbit has them
GAMMA_EXPONENT = 0.5


class Policy(Protocol):
    """`name` carries a version; `distribution` is pure but for the generator."""

    name: str

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        """Probability of each candidate `(n,)`; every title's sum to 1, none below EPSILON / K."""
        ...


class Uniform:
    """Every image as often as any other: what policies are judged against, and by."""

    name = "uniform/1"

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        return 1.0 / _sizes(slate)


class BestSingle:
    """Thompson sampling of one rate per image, whoever looks: Beta, its prior the mean rate."""

    name = "best-single/1"

    def __init__(self, posterior: Posterior) -> None:
        seen = posterior.weight - PRIOR_OWN
        self._images = posterior.images
        rate = (posterior.earned.sum() + 1.0) / (posterior.impressions + 20.0)
        self._prior = PRIOR_OWN * rate, PRIOR_OWN * (1 - rate)
        self._won = np.clip(posterior.earned, 0.0, seen) + self._prior[0]
        self._lost = seen - np.clip(posterior.earned, 0.0, seen) + self._prior[1]

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        place, known = find(self._images, slate.images)
        won = where(known, self._won, place, self._prior[0])
        lost = where(known, self._lost, place, self._prior[1])
        return _counted(rng.beta(won, lost, (DRAWS, len(slate.images))), slate)


class LinearThompson:
    """Thompson sampling of the hybrid model: DRAWS worlds, in each every title's best image.

    Worlds come in pairs, mirrored at the mean: half the random numbers, and steadier counts.
    """

    name = "lin-ts/1"

    def __init__(self, posterior: Posterior) -> None:
        self._posterior = posterior

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        p = self._posterior
        known, half, sizes = against(p, slate), DRAWS // 2, np.diff(slate.starts)
        shared = rng.standard_normal((half, FEATURES)) @ p.root.T @ known.features.T
        own = rng.standard_normal((half, len(known.intercept)), np.float32) * known.own
        title = rng.standard_normal((half, len(sizes)), np.float32).repeat(sizes, axis=1)
        apart = BOLDNESS * (shared + p.noise * (own + title * known.title))
        mean = known.features @ p.theta + known.intercept
        return _counted(np.concatenate([mean + apart, mean - apart]), slate)


class SquareCB:
    """Probabilities by the gap to the best prediction (Foster and Rakhlin 2020); no sampling."""

    name = "squarecb/1"

    def __init__(self, posterior: Posterior) -> None:
        self._posterior = posterior
        self._gamma = GAMMA * max(posterior.impressions, 1.0) ** GAMMA_EXPONENT

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        known = against(self._posterior, slate)
        predicted = known.features @ self._posterior.theta + known.intercept
        first, sizes = slate.starts[:-1], _sizes(slate)
        best = np.repeat(np.maximum.reduceat(predicted, first), np.diff(slate.starts))
        p = 1.0 / (sizes + self._gamma * (best - predicted))
        titles = np.repeat(np.arange(len(first)), np.diff(slate.starts))
        leader = np.zeros(len(p), bool)
        leader[_argmax(predicted, slate)] = True
        rest = 1.0 - np.bincount(titles, np.where(leader, 0.0, p))
        return _floored(np.where(leader, rest[titles], p), slate)


POLICIES: dict[str, Callable[[Posterior], Policy]] = {
    Uniform.name: lambda _: Uniform(),
    BestSingle.name: BestSingle,
    LinearThompson.name: LinearThompson,
    SquareCB.name: SquareCB,
}


def choose(probabilities: F64, slate: Slate, rng: np.random.Generator) -> I64:
    """One row per title `(n_titles,)`, drawn with the probabilities that will be logged."""
    running = np.cumsum(probabilities)
    first = slate.starts[:-1]
    before = running[first] - probabilities[first]
    drawn = before + rng.random(len(first)) * (running[slate.starts[1:] - 1] - before)
    return np.clip(np.searchsorted(running, drawn, side="right"), first, slate.starts[1:] - 1)


def _counted(scores: F64, slate: Slate) -> F64:
    """How often each candidate is its title's best over the draws `(DRAWS, n)`, floored."""
    best = np.maximum.reduceat(scores, slate.starts[:-1], axis=1)
    sizes = np.diff(slate.starts)
    wins = (scores >= np.repeat(best, sizes, axis=1)).sum(axis=0)
    # Equal best scores all win: a Beta draw of images that earn nothing is often 0.
    total = np.add.reduceat(wins, slate.starts[:-1])
    return _floored(wins / np.repeat(total, sizes), slate)


def _argmax(values: F64, slate: Slate) -> I64:
    """The row of each title's greatest value; the first of equals."""
    sizes = np.diff(slate.starts)
    rows = np.arange(len(values)) - np.repeat(slate.starts[:-1], sizes)
    titles = np.repeat(np.arange(len(sizes)), sizes)
    table = np.full((len(sizes), int(sizes.max())), -np.inf)
    table[titles, rows] = values
    return np.asarray(table.argmax(axis=1) + slate.starts[:-1])


def _floored(p: F64, slate: Slate) -> F64:
    return np.asarray((1 - EPSILON) * p + EPSILON / _sizes(slate))


def _sizes(slate: Slate) -> F64:
    """Per candidate, how many its title has."""
    sizes = np.diff(slate.starts)
    return np.repeat(sizes.astype(np.float64), sizes)
