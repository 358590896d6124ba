"""Context: how a circumstance moves taste, learnt by contrast within each user.

Not from residuals: those of positives are all positive, so every value would learn popularity.
z = 1[c] - p_u(c), with p_u the user's own shrunken share of the value;
d_c = (Y'Y over the events + lam n I)^-1 Y'z.
"""

import numpy as np
from pyspark.sql import DataFrame

from marquee_offline.events import Vocabulary
from marquee_offline.histories import Histories
from marquee_offline.per_block import Arrays, per_block, total
from marquee_offline.popularity import Tally
from marquee_shared.fold_in import F32, F64

SHRINK = 5.0  # occasions that the share of all weighs against a user's own
RIDGE = 0.01  # lam; per occasion


def context_vectors(
    histories: DataFrame, factors: F32, counted: Tally, vocabulary: Vocabulary
) -> dict[str, F32]:
    """d_c per field `(n_values, d) float32`, from the occasions whose field is known."""
    if not vocabulary.fields:
        return {}
    shares = {field: n / max(n.sum(), 1.0) for field, n in counted.values.items()}
    known = histories.sparkSession.sparkContext.broadcast((factors, shares))
    parts = per_block(histories, lambda block: block_contrast(block, *known.value))
    known.destroy()
    return {
        field: solve_contrast(
            total(parts, f"{field}.square"),
            total(parts, f"{field}.moved"),
            total(parts, f"{field}.count").item(),
        )
        for field in vocabulary.fields
    }


def block_contrast(block: Histories, factors: F32, shares: dict[str, F64]) -> Arrays:
    """Per field `Y'Y` `(d, d)`, `Y'z` `(n_values, d)` and n over one block's occasions."""
    seen = block.occasions
    users = np.repeat(np.arange(len(block.users)), np.diff(seen.starts))
    arrays = {}
    for column, (field, share) in enumerate(shares.items()):
        codes = seen.codes[:, column]
        told = codes >= 0
        liked = factors[seen.rows[told]].astype(np.float64)
        z = contrast(users[told], codes[told], share, len(block.users))
        arrays[f"{field}.square"] = liked.T @ liked
        arrays[f"{field}.moved"] = z.T @ liked
        arrays[f"{field}.count"] = np.array(float(told.sum()))
    return arrays


def contrast(users: np.ndarray, codes: np.ndarray, share: F64, n_users: int) -> F64:
    """z `(n, n_values)`: the value of each occasion less the user's own shrunken shares."""
    n_values = len(share)
    cells = users * n_values + codes
    counts = np.bincount(cells, minlength=n_users * n_values).reshape(n_users, n_values)
    own = (counts + SHRINK * share) / (counts.sum(axis=1, keepdims=True) + SHRINK)
    z: F64 = np.eye(n_values)[codes] - own[users]
    return z


def solve_contrast(square: F64, moved: F64, n: float) -> F32:
    """d_c `(n_values, d)`, zero where there is nothing to learn from."""
    if not n:
        return np.zeros(moved.shape, np.float32)
    system = square + RIDGE * n * np.eye(len(square))
    return np.linalg.solve(system, moved.T).T.astype(np.float32)
