"""Explain: why an item stands where it stands, from what its row was scored by. Pure."""

import numpy as np

from marquee_online.rank import TOP_PICKS, Taste, similar_halves
from marquee_shared.context import Context
from marquee_shared.decision import Row
from marquee_shared.fold_in import F32
from marquee_shared.model import I64, Model
from marquee_shared.score import Mask, score

DIGITS = 4  # of a part, as of a score
Parts = dict[str, float]


def taken_apart(model: Model, taste: Taste, context: Context, row: Row) -> list[Parts]:
    """What each item's score is the sum of, in the order of the row, in the score's own unit.

    `top_picks`: ials, item_item, context. A row that leans on an item: ials (the cosine of the
    factors) and item_item. Empty for every other row.
    """
    places = np.array([model.row_of[choice.item_id] for choice in row.items], np.int64)
    if row.name == TOP_PICKS:
        whole = _personal(model, taste, context)
    elif row.because is not None:
        whole = _similar(model, model.row_of[row.because])
    else:
        return [{} for _ in row.items]
    columns = {name: values[places].tolist() for name, values in whole.items()}
    return [
        {name: round(values[k], DIGITS) for name, values in columns.items()}
        for k in range(len(places))
    ]


def _personal(model: Model, taste: Taste, context: Context) -> dict[str, F32]:
    found = score(model, taste.vector, taste.rows, taste.weights, context, taste.seen)
    unseen = np.isfinite(found.total)
    share = model.manifest.mix
    return {
        "ials": share * _of(found.ials - found.context, found.ials, unseen),
        "item_item": (1 - share) * _of(found.item_item, found.item_item, unseen),
        "context": share * _of(found.context, found.ials, unseen),
    }


def _similar(model: Model, anchor: int) -> dict[str, F32]:
    cosine, neighbours, others = similar_halves(model, anchor)
    share = model.manifest.mix
    return {
        "ials": share * _of(cosine, cosine, others),
        "item_item": (1 - share) * _of(neighbours, neighbours, others),
    }


def _of(part: F32, whole: F32, population: Mask) -> F32:
    """What a part adds to the whole once that is standardised over the population: the z of
    `score.mix` taken apart."""
    spread = float(whole[population].std())
    if not spread:
        return np.zeros_like(part)
    centred: F32 = part - part[population].mean()
    return centred / np.float32(spread)


def percentiles(scores: F32, best: I64) -> list[float]:
    """Share (0 to 100, two digits, rounded down) of the scored catalogue that ranks below each of
    its `best`: the rows of the highest scores, best first. -inf is not scored."""
    if not len(best):
        return []
    values = scores[best]
    at_least = np.searchsorted(-values, -values, side="right")  # itself and what ranks no lower
    at_least[values == values[-1]] = np.count_nonzero(scores >= values[-1])  # ties beyond the row
    scored = np.count_nonzero(np.isfinite(scores))
    return [share / 100 for share in (10_000 * (scored - at_least) // scored).tolist()]
