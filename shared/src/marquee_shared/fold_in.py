"""Fold-in: a user's vector from the items, exactly. Nearline, online and the trainer call this one.

Source: Hu, Koren, Volinsky 2008, with the regularisation of Rendle et al. 2021 (iALS revisited).
"""

from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Rows = NDArray[np.integer]


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """The loss that the factors minimise.

    sum_S w_ui (x_u.y_i - 1)^2 + a0 sum_{all u,i} (x_u.y_i)^2 + sum_u lam_u |x_u|^2
    + sum_i lam_i |y_i|^2, with lam_u = lam (n_u + a0 |I|)^nu, and likewise lam_i over |U|.
    """

    a0: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.3  # weight of what was not seen
    lam: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 0.006
    nu: Annotated[float, msgspec.Meta(ge=0, le=4)] = 1.0

    def ridge(self, n: int, n_other_side: int) -> float:
        """lam_u of a user with `n` distinct items (dislikes included) among `n_other_side`."""
        return float(self.lam * (n + self.a0 * n_other_side) ** self.nu)


def gram(factors: F32) -> F64:
    """Y'Y `(d, d) float64`, summed in float64."""
    wide = factors.astype(np.float64)
    return wide.T @ wide


def normal_equations(factors: F32, rows: Rows, weights: F64) -> tuple[F64, F64]:
    """The seen part of one solve: `sum |w| y y'` `(d, d)` and `sum_{w > 0} w y` `(d,)`.

    A negative weight marks a dislike: it enters the left side only, which pulls its score to 0.
    """
    seen = factors[rows].astype(np.float64)
    left = (seen * np.abs(weights)[:, None]).T @ seen
    right = np.maximum(weights, 0.0) @ seen
    return left, right


def fold_in(factors: F32, item_gram: F64, rows: Rows, weights: F64, objective: Objective) -> F32:
    """x_u `(d,) float32`, the exact minimiser for one user given the items.

    factors `(n_items, d)`, item_gram `gram(factors)`, rows `(n_u,)` distinct item rows, weights
    `(n_u,)` signed. No positive weight, or no row, gives the zero vector.
    """
    if not len(rows) or not (weights > 0).any():
        return np.zeros(factors.shape[1], np.float32)
    left, right = normal_equations(factors, rows, weights)
    return solve(item_gram, left, right, len(rows), len(factors), objective)


def solve(
    other_gram: F64, left: F64, right: F64, n: int, n_other_side: int, objective: Objective
) -> F32:
    """(a0 G + left + lam_n I)^-1 right, in float64, stored float32: either side's half-step."""
    system = objective.a0 * other_gram + left
    system.flat[:: len(system) + 1] += objective.ridge(n, n_other_side)
    return np.linalg.solve(system, right).astype(np.float32)
