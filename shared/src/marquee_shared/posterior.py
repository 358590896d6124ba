"""Posterior: what the bandit's sums say of a reward, of every image before every visitor.

The model of the reward r of an image i of a title t before features x: r = theta.x + v_t + u_i +
noise, v_t and u_i ~ N(0, noise^2 / PRIOR_OWN). Its posterior is that of the hybrid linear model of
Li et al. (2010) with titles above images, in closed form from the sums: with n_i, s_i, c_i of an
image, k_i = n_i + PRIOR_OWN, f_i = PRIOR_OWN / k_i, and of a title K_t = PRIOR_OWN + sum_i f_i n_i,
S_t = sum_i f_i s_i, C_t = sum_i f_i c_i,

    P = A + Lambda - sum_i s_i s_i' / k_i - sum_t S_t S_t' / K_t
    theta = P^-1 (b + Lambda theta_0 - sum_i s_i c_i / k_i - sum_t S_t C_t / K_t)
    v_t | theta ~ N((C_t - S_t.theta) / K_t, noise^2 / K_t)
    u_i | theta, v_t ~ N((c_i - s_i.theta - n_i v_t) / k_i, noise^2 / k_i)

A new image has k_i = PRIOR_OWN: it starts from what its themes promise and its title earns, and
unsure of it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marquee_shared.fold_in import F64
from marquee_shared.sums import IMAGE, Reward, Sums
from marquee_shared.taste import ARTWORK_BITS, FEATURES

I64 = NDArray[np.int64]
PRIOR_OWN = 15.0  # impressions that an image's own intercept must outweigh, and a title's
PRIOR_SHARED = 10.0  # likewise for each of theta; the intercept's is a hundredth of it
LEAST_NOISE = 0.01  # variance of a reward before there is any to estimate it from


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
    """What the sums say of one reward. Arrays of images follow `images`, of titles `titles`, both
    ascending; a title is an image's key without the number of the artwork."""

    theta: F64  # (FEATURES,)
    root: F64  # (FEATURES, FEATURES): theta + root z, z standard normal, is a draw
    noise: float  # standard deviation of a reward
    impressions: float
    images: I64  # (m,)
    shift: F64  # (m, FEATURES): s_i / k_i + f_i S_t / K_t
    intercept: F64  # (m,): c_i / k_i + f_i C_t / K_t
    weight: F64  # (m,): k_i
    reach: F64  # (m,): f_i / sqrt(K_t), how far the title's own moves the image, in noises
    earned: F64  # (m,): c_i
    titles: I64  # (t,)
    title_shift: F64  # (t, FEATURES): S_t / K_t
    title_intercept: F64  # (t,): C_t / K_t
    title_weight: F64  # (t,): K_t


def proper(prior: Prior) -> bool:
    """Is it a distribution: finite, its precision symmetric and positive?"""
    if not (np.isfinite(prior.mean).all() and np.isfinite(prior.precision).all()):
        return False
    symmetric = np.allclose(prior.precision, prior.precision.T)
    return bool(symmetric and np.linalg.eigvalsh(prior.precision)[0] > 0)


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
    weight = seen[:, 0] + PRIOR_OWN
    shift, share = seen / weight[:, None], PRIOR_OWN / weight
    titles, above = np.unique(images >> ARTWORK_BITS, return_inverse=True)
    title_seen = _added(seen * share[:, None], above, len(titles))
    title_earned = _added(earned * share, above, len(titles))
    title_weight = PRIOR_OWN + title_seen[:, 0]
    title_shift, title_intercept = title_seen / title_weight[:, None], title_earned / title_weight
    precision = sums.precision + believed.precision - seen.T @ shift - title_seen.T @ title_shift
    response = sums.response(reward) + believed.precision @ believed.mean
    response -= earned @ shift + title_earned @ title_shift
    mean_reward = float(sums.response(reward)[0]) / max(sums.impressions, 1.0)
    noise = float(np.sqrt(max(mean_reward * (1 - mean_reward), LEAST_NOISE)))
    return Posterior(
        theta=np.asarray(np.linalg.solve(precision, response), np.float64),
        root=noise * np.linalg.inv(np.linalg.cholesky(precision)).T,
        noise=noise,
        impressions=sums.impressions,
        images=images,
        shift=shift + share[:, None] * title_shift[above],
        intercept=earned / weight + share * title_intercept[above],
        weight=weight,
        reach=share / np.sqrt(title_weight)[above],
        earned=earned,
        titles=titles,
        title_shift=title_shift,
        title_intercept=title_intercept,
        title_weight=title_weight,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the candidates: their scores are features.theta + intercept."""

    features: F64  # (n, FEATURES), less the image's and the title's own
    intercept: F64  # (n,)
    own: F64  # (n,) standard deviation of the image's own, in noises
    title: F64  # (n,) likewise of the title's


def against(p: Posterior, slate: Slate) -> Known:
    """The candidates under the posterior."""
    place, seen = find(p.images, slate.images)
    shift = where(seen[:, None], p.shift, place, 0.0)
    intercept = where(seen, p.intercept, place, 0.0)
    reach = where(seen, p.reach, place, 1 / np.sqrt(PRIOR_OWN))
    if not seen.all():  # new images of titles, or new titles
        above, met = find(p.titles, slate.images >> ARTWORK_BITS)
        new = met & ~seen
        shift[new] = p.title_shift[above[new]]
        intercept[new] = p.title_intercept[above[new]]
        reach[new] = 1 / np.sqrt(p.title_weight[above[new]])
    return Known(
        features=slate.features - shift,
        intercept=intercept,
        own=1 / np.sqrt(where(seen, p.weight, place, PRIOR_OWN)),
        title=reach,
    )


def find(keys: I64, wanted: I64) -> tuple[I64, NDArray[np.bool_]]:
    """Where each wanted key stands in `keys` (ascending), and whether it does."""
    if not len(keys):
        return np.zeros_like(wanted), np.zeros(len(wanted), bool)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return place, keys[place] == wanted


def where(known: NDArray[np.bool_], values: F64, place: I64, otherwise: float) -> F64:
    """`values[place]` where known."""
    if not len(values):
        return np.full((len(known), *values.shape[1:]), otherwise)
    return np.where(known, values[place], otherwise)


def _added(rows: F64, above: I64, groups: int) -> F64:
    """The rows `(m, ..)` of each group together `(groups, ..)`."""
    total = np.zeros((groups, *rows.shape[1:]))
    np.add.at(total, above, rows)
    return total
