"""Reward model: what each candidate would have earned, never predicted from the user's own rows.

Cross-fitting (Chernozhukov et al. 2018; Narita et al. 2020 for off-policy estimators): users fall
into folds, and each fold is predicted by a logistic regression fitted to the others. Without it,
DR inherits the model's own overfit.
"""

import numpy as np
from scipy.linalg import solve
from scipy.special import expit

from marquee_shared.fold_in import F64
from marquee_shared.model import I64

FOLDS = 3
RIDGE = 1.0  # of the slopes, in rows; the intercept is free
MAX_STEPS = 50
TOLERANCE = 1e-8  # of a Newton step, in logits per feature


def cross_fit(
    shown: F64,
    reward: F64,
    fold: I64,
    candidates: F64,
    row_of: I64,
    *,
    ridge: float = RIDGE,
) -> F64:
    """The expected reward of every candidate `(m,)`.

    `shown` `(n, d)`: features of what was shown; `reward` `(n,)` in [0, 1]; `fold` `(n,)`;
    `candidates` `(m, d)`: features of all that could have been, of row `row_of` `(m,)`.
    """
    predicted = np.zeros(len(candidates))
    fold_of = fold[row_of]
    for own in np.unique(fold):
        others = fold != own
        if not others.any():  # one user is one fold: nothing to learn from
            continue
        theta = logistic(shown[others], reward[others], ridge)
        predicted[fold_of == own] = expit(theta[0] + candidates[fold_of == own] @ theta[1:])
    return predicted


def folds_of(user: I64, rng: np.random.Generator, folds: int = FOLDS) -> I64:
    """A fold per row `(n,)`: a user's rows share one, and folds hold equally many users."""
    users = int(user.max()) + 1
    return np.asarray((rng.permutation(users) % folds)[user])


def logistic(x: F64, y: F64, ridge: float = RIDGE) -> F64:
    """Ridge logistic regression by Newton's method: intercept, then slopes `(1 + d,)`.

    Minimises sum(log(1 + e^z) - y z) + ridge/2 |slopes|^2, z = intercept + x.slopes. `y` may be any
    share in [0, 1]: the fit is then the quasi-likelihood of Papke and Wooldridge 1996.
    """
    design = np.column_stack([np.ones(len(x)), x])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 1e-6  # all clicks or none: the intercept stays finite
    theta = np.zeros(design.shape[1])
    lost = _loss(theta, design, y, penalty)
    for _ in range(MAX_STEPS):
        p = expit(design @ theta)
        slope = design.T @ (p - y) + penalty * theta
        curve = (design * (p * (1 - p))[:, None]).T @ design + np.diag(penalty)
        step = solve(curve, slope, assume_a="pos")
        for _ in range(MAX_STEPS):  # halved until it is no step up: far out, Newton overshoots
            after = _loss(theta - step, design, y, penalty)
            if after <= lost:
                break
            step = step / 2
        theta, lost = theta - step, after
        if np.abs(step).max() < TOLERANCE:
            break
    return theta


def _loss(theta: F64, design: F64, y: F64, penalty: F64) -> float:
    z = design @ theta
    return float((np.logaddexp(0, z) - y * z).sum() + (penalty * theta**2).sum() / 2)
