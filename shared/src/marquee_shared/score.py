"""Score: every item for one user, as trainer, evaluation and service agree on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marquee_shared.context import Context
from marquee_shared.fold_in import F32, F64
from marquee_shared.model import I64, ItemItem, Model

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """`(n_items,) float32` each; `total` is -inf where the user has seen the item."""

    total: F32
    ials: F32  # with context
    item_item: F32
    context: F32  # what the context added to `ials`


def score(
    model: Model, vector: F32, rows: I64, weights: F64, context: Context, seen: I64
) -> Scores:
    """The whole catalogue for a user with this vector, history and context.

    `seen` rows are left out: most of the history, but for what is only on the user's list.
    """
    moved = model.factors @ model.context_vector(context)
    ials = model.factors @ vector + moved
    neighbours = item_item_scores(model.item_item, rows, weights)
    unseen = np.ones(len(model.factors), np.bool_)
    unseen[seen] = False
    total = mix(ials, neighbours, unseen, model.manifest.mix)
    return Scores(total=total, ials=ials, item_item=neighbours, context=moved)


def item_item_scores(weights_of: ItemItem, rows: I64, weights: F64) -> F32:
    """sum_h w_h B[h, i] `(n_items,)`, h over the user's history."""
    n_items = len(weights_of.indptr) - 1
    start, stop = weights_of.indptr[rows], weights_of.indptr[rows + 1]
    lengths = stop - start
    if not lengths.sum():
        return np.zeros(n_items, np.float32)
    ends = np.cumsum(lengths)
    entries = np.arange(ends[-1]) + np.repeat(start - (ends - lengths), lengths)
    contributions = weights_of.values[entries] * np.repeat(weights, lengths)
    summed = np.bincount(weights_of.indices[entries], contributions, minlength=n_items)
    return summed.astype(np.float32)


def mix(ials: F32, item_item: F32, unseen: Mask, share: float) -> F32:
    """m z(iALS) + (1 - m) z(item-item), z over the unseen catalogue; -inf where seen."""
    total = share * _z(ials, unseen) + (1 - share) * _z(item_item, unseen)
    return np.where(unseen, total, -np.inf).astype(np.float32)


def _z(scores: F32, unseen: Mask) -> F32:
    """Standardised over the unseen; all zero where there is nothing to tell apart."""
    population = scores[unseen]
    if not len(population):
        return np.zeros_like(scores)
    spread = float(population.std())
    return (scores - population.mean()) / spread if spread > 0 else np.zeros_like(scores)


def top(scores: F32, k: int) -> I64:
    """Rows of the k best finite scores, best first; equal scores by row."""
    rows = np.flatnonzero(np.isfinite(scores))
    if k < len(rows):
        values = scores[rows]
        last = np.partition(values, -k)[-k] if k else np.inf  # the k-th best score
        above = rows[values > last]
        rows = np.concatenate((above, rows[values == last][: k - len(above)]))
    return rows[np.lexsort((rows, -scores[rows]))].astype(np.int64)
