"""How much of the way to the oracle could be closed at all: with endless data, without exploring.

A regression on the exact mean rewards, an intercept per image, on visits that it also chooses for:
what a policy of that form converges to where nothing of its choices is lost on learning.
"""

import numpy as np

from marquee_infra.in_process import slate_of, user_of
from marquee_infra.simulator import World, expected, make_world, visits
from marquee_shared.fold_in import F64
from marquee_shared.taste import BUCKETS

PAGES = 8_000
RIDGE = 1e-3
SAME, ALL = "the bandit's features", "every product of taste and theme"
FORMS = (SAME, ALL)


def limits(seed: int) -> dict[str, float]:
    """Share of the way from each title's best image to the oracle, by what is regressed on."""
    world = make_world(np.random.default_rng(seed))
    seen = visits(world, np.random.default_rng([seed, 6]), PAGES, 1.0)
    truth = expected(world, seen).click
    images = truth.shape[1]
    slate = slate_of(world, seen)
    taste = user_of(world, seen)[:, :BUCKETS].repeat(images, axis=0)
    products = (_themes(world, seen.title)[:, :, None] * taste[:, None, :]).reshape(len(taste), -1)
    rows = np.arange(len(truth))
    codes = np.unique(slate.images, return_inverse=True)[1]
    best = _values(truth, _fitted(np.zeros((truth.size, 1)), truth, codes), rows)
    found = {}
    for name, x in ((SAME, slate.features[:, 1:]), (ALL, np.hstack([slate.features, products]))):
        value = _values(truth, _fitted(x, truth, codes), rows)
        found[name] = (value - best) / (truth.max(axis=1).mean() - best)
    return found


def _themes(world: World, title: F64) -> F64:
    return world.seen_themes[title].reshape(-1, BUCKETS)


def _fitted(x: F64, truth: F64, codes: F64) -> F64:
    """Least squares within images, so that each has an intercept."""
    y, counts = truth.ravel(), np.bincount(codes)
    centre = np.stack([np.bincount(codes, column) / counts for column in x.T], axis=1)
    level = np.bincount(codes, y) / counts
    apart = x - centre[codes]
    theta = np.linalg.solve(
        apart.T @ apart + RIDGE * np.eye(x.shape[1]), apart.T @ (y - level[codes])
    )
    return (apart @ theta + level[codes]).reshape(truth.shape)


def _values(truth: F64, fitted: F64, rows: F64) -> float:
    return float(truth[rows, fitted.argmax(axis=1)].mean())
