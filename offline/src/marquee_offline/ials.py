"""iALS in blocks: users are solved where they lie, items from sums that the blocks send.

One Spark pass per epoch. Each block solves its users exactly (the `fold_in` that serves them
later), and from these vectors sums the items' normal equations; the sums of a range of items are
added up and solved in one task. What travels depends on items and blocks, never on users.
Source: Hu, Koren, Volinsky 2008; objective and scaling of Rendle et al. 2021.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from marquee_offline.histories import Histories, from_batches
from marquee_shared.fold_in import F32, F64, Objective, gram, normal_equations, solve
from marquee_shared.model import I64

RANGE = 512  # items whose sums travel in one row: 1 MB at d = 32, 17 MB at d = 128
STDDEV = 0.1  # of the initial factors, times sqrt(d)
SUMS = (
    "items int, block int, n_users bigint, user_gram binary, "
    "rows binary, counts binary, left binary, right binary"
)
SOLVED = "items int, factors binary"


def fit(
    histories: DataFrame,
    *,
    n_items: int,
    dimensions: int,
    epochs: int,
    objective: Objective,
    seed: int,
    progress: Callable[[int], None] = lambda _epoch: None,
) -> F32:
    """Item factors `(n_items, dimensions) float32` after this many epochs.

    Deterministic for equal blocks and seed; another number of blocks only rounds differently.
    """
    factors = initial(n_items, dimensions, seed)
    for epoch in range(epochs):
        factors = half_steps(histories, factors, objective)
        progress(epoch + 1)
    return factors


def initial(n_items: int, dimensions: int, seed: int) -> F32:
    """N(0, 0.1 / sqrt(d)) `(n_items, d) float32`."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, STDDEV / np.sqrt(dimensions), (n_items, dimensions)).astype(np.float32)


def half_steps(histories: DataFrame, factors: F32, objective: Objective) -> F32:
    """Users given these item factors, then items given those users: one epoch."""
    n_items, d = factors.shape
    known = histories.sparkSession.sparkContext.broadcast(factors)
    item_gram = gram(factors)

    def sums(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for block in from_batches(batches):
            vectors = block.vectors(known.value, item_gram, objective)
            yield from block_sums(block, vectors, n_items)

    def solved(key: tuple[pa.Scalar], table: pa.Table) -> pa.Table:
        first = key[0].as_py() * RANGE
        solution = solve_range(table, min(RANGE, n_items - first), d, objective)
        return pa.table({"items": [key[0].as_py()], "factors": [solution.tobytes()]}).cast(
            pa.schema([("items", pa.int32()), ("factors", pa.binary())])
        )

    ranges = histories.mapInArrow(sums, SUMS).groupBy("items").applyInArrow(solved, SOLVED)
    parts = sorted(ranges.collect(), key=lambda row: row["items"])
    known.destroy()
    return np.frombuffer(b"".join(bytes(p["factors"]) for p in parts), np.float32).reshape(-1, d)


def block_sums(block: Histories, vectors: F32, n_items: int) -> Iterator[pa.RecordBatch]:
    """Per range of items: `sum |w| x x'` (upper triangle), `sum_{w > 0} w x` and n of each item
    that the block knows, with the block's X'X and number of users. One range in memory at a time.
    """
    known = block.known
    order = np.argsort(known.rows, kind="stable")
    rows, weights = known.rows[order], known.weights[order]
    users = np.repeat(np.arange(len(block.users)), np.diff(known.starts))[order]
    active = int((np.diff(known.starts) > 0).sum())
    user_gram = gram(vectors).tobytes()
    for first in range(0, n_items, RANGE):
        own = slice(*np.searchsorted(rows, (first, first + RANGE)))
        items, left, right = _range_sums(rows[own], users[own], weights[own], vectors)
        counts = np.diff(np.append(np.searchsorted(rows[own], items), len(rows[own])))
        columns = {
            "items": pa.array([first // RANGE], pa.int32()),
            "block": pa.array([block.block], pa.int32()),
            "n_users": pa.array([active], pa.int64()),
            "user_gram": [user_gram],
            "rows": [(items - first).tobytes()],
            "counts": [counts.tobytes()],
            "left": [left.tobytes()],
            "right": [right.tobytes()],
        }
        yield pa.RecordBatch.from_pydict(columns)


def _range_sums(rows: I64, users: I64, weights: F64, vectors: F32) -> tuple[I64, F32, F32]:
    """Items present, their packed left sides `(n, d (d + 1) / 2)` and right sides `(n, d)`."""
    d = vectors.shape[1]
    upper = np.triu_indices(d)
    items, starts = np.unique(rows, return_index=True)
    left = np.empty((len(items), len(upper[0])), np.float32)
    right = np.empty((len(items), d), np.float32)
    for i, (start, stop) in enumerate(zip(starts, [*starts[1:], len(rows)], strict=True)):
        square, right[i] = normal_equations(vectors, users[start:stop], weights[start:stop])
        left[i] = square[upper]
    return items, left, right


def solve_range(table: pa.Table, n: int, d: int, objective: Objective) -> F32:
    """Factors `(n, d)` of one range from all blocks' sums, added in order of block."""
    upper = np.triu_indices(d)
    left, right = np.zeros((n, len(upper[0]))), np.zeros((n, d))
    counts, n_users, user_gram = np.zeros(n, np.int64), 0, np.zeros((d, d))
    for row in table.sort_by("block").to_pylist():
        at = np.frombuffer(row["rows"], np.int64)
        counts[at] += np.frombuffer(row["counts"], np.int64)
        left[at] += np.frombuffer(row["left"], np.float32).reshape(len(at), -1)
        right[at] += np.frombuffer(row["right"], np.float32).reshape(len(at), d)
        user_gram += np.frombuffer(row["user_gram"]).reshape(d, d)
        n_users += row["n_users"]
    factors = np.zeros((n, d), np.float32)
    square = np.empty((d, d))
    for i in np.flatnonzero(right.any(axis=1)):
        square[upper] = square.T[upper] = left[i]
        factors[i] = solve(user_gram, square, right[i], int(counts[i]), n_users, objective)
    return factors
