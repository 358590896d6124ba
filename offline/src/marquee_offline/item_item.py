"""Item-item: what liking one item says of the others. EASE, or cosine for large catalogues."""

import numpy as np
import scipy.sparse as sp
from implicit.nearest_neighbours import ItemItemRecommender
from pyspark.sql import DataFrame
from scipy.linalg import lapack

from marquee_offline.histories import Histories, in_sample
from marquee_offline.per_block import Arrays, per_block
from marquee_offline.popularity import Tally
from marquee_shared.fold_in import F32
from marquee_shared.model import I64, ItemItem

MIN_SUPPORT = 10  # users who like an item before it has neighbours
MAX_EASE = 20_000  # items; the dense inverse then takes 1.6 GB
NEIGHBOURS = 100  # kept per item
MAX_CELLS = 50_000_000  # positives on the driver, 0.6 GB; of more, a sample of the users


def item_item(histories: DataFrame, tally: Tally, ridge: float) -> ItemItem:
    """EASE over the items with support where they are few enough, else truncated cosine."""
    n_items = len(tally.likes)
    supported = np.flatnonzero(tally.likes >= MIN_SUPPORT)
    if len(supported) > MAX_EASE:
        return cosine(positives(histories, n_items, int(tally.likes.sum())))
    return ease(co_occurrence(histories, supported, n_items), supported, n_items, ridge)


def ease(
    counts: sp.csr_matrix, supported: I64, n_items: int, ridge: float, kept: int = NEIGHBOURS
) -> ItemItem:
    """B = I - P diag(1 / diag P), P = (X'X + ridge I)^-1, zero diagonal, largest entries kept.

    Source: Steck 2019, closed form. counts `(n, n)` over the supported items.
    """
    if not len(supported):
        return _empty(n_items)
    system = np.asfortranarray(counts.toarray(), np.float64)
    system.flat[:: len(system) + 1] += ridge
    factor, _ = lapack.dpotrf(system, lower=1, overwrite_a=1)
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return _largest(weights.astype(np.float32), supported, n_items, kept)


def _largest(weights: F32, supported: I64, n_items: int, kept: int) -> ItemItem:
    kept = min(kept, len(weights) - 1)
    best = np.argpartition(-np.abs(weights), kept, axis=1)[:, :kept] if kept else np.empty((1, 0))
    best = np.sort(best.astype(np.int64), axis=1)
    lengths = np.zeros(n_items, np.int64)
    lengths[supported] = kept
    return ItemItem(
        indptr=np.concatenate([[0], np.cumsum(lengths)]),
        indices=supported[best].astype(np.int32).ravel(),
        values=np.take_along_axis(weights, best, axis=1).ravel(),
    )


def _empty(n_items: int) -> ItemItem:
    return ItemItem(
        indptr=np.zeros(n_items + 1, np.int64),
        indices=np.zeros(0, np.int32),
        values=np.zeros(0, np.float32),
    )


def cosine(liked: sp.csr_matrix) -> ItemItem:
    """Cosine of the items' users, the nearest NEIGHBOURS of each item; by `implicit`.

    Weights `(n_users, n_items)` count as given.
    """
    norms = np.sqrt(np.maximum(np.asarray(liked.power(2).sum(axis=0)).ravel(), 1e-9))
    model = ItemItemRecommender(K=NEIGHBOURS + 1)  # an item is its own nearest, and taken out
    model.fit((liked @ sp.diags(1 / norms)).tocsr().astype(np.float64), show_progress=False)
    found = model.similarity.tocoo()
    others = found.row != found.col
    cells = (found.data[others], (found.row[others], found.col[others]))
    nearest = sp.csr_matrix(cells, shape=found.shape)
    return ItemItem(
        indptr=nearest.indptr.astype(np.int64),
        indices=nearest.indices.astype(np.int32),
        values=nearest.data.astype(np.float32),
    )


# --- over the blocks -------------------------------------------------------------------------


def liked_matrix(block: Histories, n_items: int, share: float = 1.0) -> sp.csr_matrix:
    """A block's positives `(n_users, n_items)`, the weights of what its sampled users like."""
    chosen = np.array([in_sample(user, share) for user in block.users], np.bool_)
    users = np.repeat(np.arange(len(block.users)), np.diff(block.known.starts))
    likes = (block.known.weights > 0) & chosen[users]
    cells = (block.known.weights[likes], (users[likes], block.known.rows[likes]))
    return sp.csr_matrix(cells, shape=(len(block.users), n_items))


def co_occurrence(histories: DataFrame, supported: I64, n_items: int) -> sp.csr_matrix:
    """X'X over the supported items, from the blocks' upper triangles, sparse and in float32."""
    n = len(supported)

    def pairs(block: Histories) -> Arrays:
        liked = liked_matrix(block, n_items)[:, supported]
        return _arrays(sp.triu(liked.T @ liked, format="csr").astype(np.float32))

    parts = (_matrix(part, n) for part in per_block(histories, pairs))
    upper = sum(parts, start=sp.csr_matrix((n, n)))
    return (upper + sp.triu(upper, k=1).T).tocsr()


def positives(histories: DataFrame, n_items: int, n_likes: int) -> sp.csr_matrix:
    """Positives `(n_users, n_items)` on the driver: all, or those of a sample of the users."""
    share = min(1.0, MAX_CELLS / max(n_likes, 1))
    parts = per_block(histories, lambda block: _arrays(liked_matrix(block, n_items, share)))
    return sp.vstack([_matrix(part, n_items) for part in parts], "csr")


def _arrays(matrix: sp.csr_matrix) -> Arrays:
    return {"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data}


def _matrix(part: Arrays, n_columns: int) -> sp.csr_matrix:
    shape = (len(part["indptr"]) - 1, n_columns)
    return sp.csr_matrix((part["data"], part["indices"], part["indptr"]), shape=shape)
