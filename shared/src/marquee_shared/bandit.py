"""Bandit: which image of each title is shown, with the exact probability that it was drawn with.

The model of the reward r of an image i before features x: r = theta.x + u_i + noise, u_i ~ N(0,
noise^2 / PRIOR_IMAGE). Its posterior is that of the hybrid linear model of Li et al. (2010),
solved in closed form from the sums: with n_i, s_i, c_i of an image and k_i = n_i + PRIOR_IMAGE,

    P = A + Lambda - sum_i s_i s_i' / k_i
    theta = P^-1 (b + Lambda theta_0 - sum_i s_i c_i / k_i)
    u_i | theta ~ N((c_i - s_i.theta) / k_i, noise^2 / k_i)

A new image has k_i = PRIOR_IMAGE: it starts from what its themes promise, and unsure of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from marquee_shared.fold_in import F64
from marquee_shared.sums import IMAGE, Reward, Sums
from marquee_shared.taste import FEATURES

I64 = NDArray[np.int64]
EPSILON = 0.01  # share of choices that are uniform: the floor of every probability is EPSILON / K
DRAWS = 64  # samples of the posterior that a page's probabilities are counted over
PRIOR_IMAGE = 15.0  # impressions that an image's own intercept must outweigh
PRIOR_SHARED = 10.0  # likewise for each of theta; the intercept's is a hundredth of it
BOLDNESS = 0.5  # Thompson's draws stray half as far from the mean as the posterior does
LEAST_NOISE = 0.01  # variance of a reward before there is any to estimate it from
GAMMA = 10.0  # SquareCB's scale and exponent, as Vowpal Wabbit has them
GAMMA_EXPONENT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Slate:
    """The candidates of a page: rows `starts[t]` to `starts[t + 1]` are those of title t."""

    features: F64  # (n, FEATURES)
    images: I64  # (n,) image keys
    starts: I64  # (n_titles + 1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Of theta: its mean `(FEATURES,)` and precision `(FEATURES, FEATURES)`, in impressions."""

    mean: F64
    precision: F64


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What the sums say of one reward. Image arrays follow `images`, ascending."""

    theta: F64  # (FEATURES,)
    root: F64  # (FEATURES, FEATURES): theta + root z, z standard normal, is a draw
    noise: float  # standard deviation of a reward
    impressions: float
    images: I64  # (m,)
    shift: F64  # (m, FEATURES): s_i / k_i
    intercept: F64  # (m,): c_i / k_i
    weight: F64  # (m,): k_i
    earned: F64  # (m,): c_i


class Policy(Protocol):
    """`name` carries a version; `distribution` is pure but for the generator."""

    name: str

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        """Probability of each candidate `(n,)`; every title's sum to 1, none below EPSILON / K."""
        ...


def proper(prior: Prior) -> bool:
    """Is it a distribution: finite, its precision symmetric and positive?"""
    if not (np.isfinite(prior.mean).all() and np.isfinite(prior.precision).all()):
        return False
    if not np.allclose(prior.precision, prior.precision.T):
        return False
    return bool(np.linalg.eigvalsh(prior.precision)[0] > 0)


def no_prior() -> Prior:
    """Nothing is believed of theta but that it is small."""
    scale = np.full(FEATURES, PRIOR_SHARED)
    scale[0] /= 100
    return Prior(mean=np.zeros(FEATURES), precision=np.diag(scale))


def posterior(sums: Sums, reward: Reward, prior: Prior | None = None) -> Posterior:
    """The exact posterior under the model above; its noise is a coin's at the mean reward."""
    believed = prior or no_prior()
    images = np.array(sorted(sums.images), np.int64)
    table = np.array([sums.images[key] for key in images.tolist()]).reshape(-1, IMAGE)
    seen, earned = table[:, :FEATURES], table[:, FEATURES + (reward == "quality")]
    weight = seen[:, 0] + PRIOR_IMAGE
    shift = seen / weight[:, None]
    precision = sums.precision + believed.precision - seen.T @ shift
    response = sums.response(reward) + believed.precision @ believed.mean - earned @ shift
    mean_reward = float(sums.response(reward)[0]) / max(sums.impressions, 1.0)
    noise = float(np.sqrt(max(mean_reward * (1 - mean_reward), LEAST_NOISE)))
    lower = np.linalg.cholesky(precision)
    return Posterior(
        theta=np.asarray(np.linalg.solve(precision, response), np.float64),
        root=noise * np.linalg.inv(lower).T,
        noise=noise,
        impressions=sums.impressions,
        images=images,
        shift=shift,
        intercept=earned / weight,
        weight=weight,
        earned=earned,
    )


class Uniform:
    """Every image as often as any other: what policies are judged against, and by."""

    name = "uniform/1"

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        return 1.0 / _sizes(slate)


class BestSingle:
    """Thompson sampling of one rate per image, whoever looks: Beta, its prior the mean rate."""

    name = "best-single/1"

    def __init__(self, posterior: Posterior) -> None:
        seen = posterior.weight - PRIOR_IMAGE
        self._images = posterior.images
        rate = (posterior.earned.sum() + 1.0) / (posterior.impressions + 20.0)
        self._prior = PRIOR_IMAGE * rate, PRIOR_IMAGE * (1 - rate)
        self._won = np.clip(posterior.earned, 0.0, seen) + self._prior[0]
        self._lost = seen - np.clip(posterior.earned, 0.0, seen) + self._prior[1]

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        place, known = _find(self._images, slate.images)
        won = _where(known, self._won, place, self._prior[0])
        lost = _where(known, self._lost, place, self._prior[1])
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
        features, intercept, weight = _against(p, slate)
        shared = rng.standard_normal((DRAWS // 2, FEATURES)) @ p.root.T @ features.T
        own = rng.standard_normal((DRAWS // 2, len(weight)), np.float32)
        apart = BOLDNESS * (shared + own * (p.noise / np.sqrt(weight)))
        mean = features @ p.theta + intercept
        return _counted(np.concatenate([mean + apart, mean - apart]), slate)


class SquareCB:
    """Probabilities by the gap to the best prediction (Foster and Rakhlin 2020); no sampling."""

    name = "squarecb/1"

    def __init__(self, posterior: Posterior) -> None:
        self._posterior = posterior
        self._gamma = GAMMA * max(posterior.impressions, 1.0) ** GAMMA_EXPONENT

    def distribution(self, slate: Slate, rng: np.random.Generator) -> F64:
        features, intercept, _ = _against(self._posterior, slate)
        predicted = features @ self._posterior.theta + intercept
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


def _against(p: Posterior, slate: Slate) -> tuple[F64, F64, F64]:
    """Features less the image's own, intercept, weight: features.theta + intercept scores."""
    place, known = _find(p.images, slate.images)
    shift = _where(known[:, None], p.shift, place, 0.0)
    intercept = _where(known, p.intercept, place, 0.0)
    return slate.features - shift, intercept, _where(known, p.weight, place, PRIOR_IMAGE)


def _find(images: I64, wanted: I64) -> tuple[I64, NDArray[np.bool_]]:
    """Where each wanted key stands in `images` (ascending), and whether it does."""
    if not len(images):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(images, wanted), len(images) - 1)
    return place, images[place] == wanted


def _where(known: NDArray[np.bool_], values: F64, place: I64, otherwise: float) -> F64:
    """`values[place]` where known."""
    if not len(values):
        return np.full((len(known), *values.shape[1:]), otherwise)
    return np.where(known, values[place], otherwise)


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
