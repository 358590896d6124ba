"""Rank: a user, a context and a model in, the rows of a page out. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np

from marquee_shared.context import Context
from marquee_shared.decision import Choice, Row
from marquee_shared.fold_in import F32, F64
from marquee_shared.interaction import PLAY, Interaction
from marquee_shared.model import I64, Model
from marquee_shared.score import Mask, item_item_scores, mix, score, top
from marquee_shared.signals import weigh

TOP_PICKS = "top_picks"  # the row ranked for the user, over the whole catalogue
ROW_LENGTH = 20
LIKED_FROM = 0.5  # signed weight from which an item may head "because you watched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """A user as a model sees them: history rows `(n,)` and weights `(n,)`, vector `(d,)`."""

    rows: I64
    weights: F64
    vector: F32
    seen: I64  # rows watched or judged: not offered again; a list entry is
    latest_liked: int | None  # row


class Ranked(NamedTuple):
    """The rows of a page; where top picks are among them, what they were taken from."""

    rows: tuple[Row, ...]
    scores: F32  # (n_items,), -inf where the user has seen the item


def taste_of(
    model: Model, interactions: Mapping[int, Interaction], vector: F32 | None = None
) -> Taste:
    """`vector` is the cached one of the same model; without it the fold-in is solved here."""
    rows, weights = model.history(interactions)
    known = {
        row: interaction
        for item, interaction in interactions.items()
        if (row := model.row_of_hash.get(item)) is not None
    }
    liked = _liked(model, known)
    return Taste(
        rows=rows,
        weights=weights,
        vector=model.fold_in(rows, weights) if vector is None else vector,
        seen=np.array(sorted(row for row, i in known.items() if i.kind >= PLAY), np.int64),
        latest_liked=max(liked, key=lambda row: (known[row].at, row), default=None),
    )


def _liked(model: Model, known: Mapping[int, Interaction]) -> list[int]:
    """Rows that were watched or judged, and liked: whatever is long ago was liked in full then."""
    ageless = msgspec.structs.replace(model.manifest.signals, half_life_days=0.0)
    weights = weigh(list(known.values()), ageless).tolist()
    pairs = zip(known.items(), weights, strict=True)
    return [row for (row, i), w in pairs if i.kind >= PLAY and w >= LIKED_FROM]


def personal_rows(model: Model, taste: Taste, context: Context) -> Ranked:
    """Top picks, because you watched, popular in the context; an item stands in one row only."""
    scores = score(model, taste.vector, taste.rows, taste.weights, context, taste.seen).total
    shown = set(taste.seen.tolist())
    rows = [_row(model, TOP_PICKS, "Top picks for you", "ials+item-item", scores, shown)]
    if taste.latest_liked is not None:
        anchor = model.items[taste.latest_liked]
        similar = similar_scores(model, taste.latest_liked)
        title = f"Because you watched {anchor.title}"
        rows.append(
            _row(model, "because_you_watched", title, "similar", similar, shown, anchor.item_id)
        )
    rows.append(popular_row(model, context, shown))
    return Ranked(tuple(row for row in rows if row.items), scores)


def popular_rows(model: Model, context: Context, taste: Taste | None = None) -> tuple[Row, ...]:
    """The page of somebody whose taste is not known, without what they have seen."""
    shown: set[int] = set(taste.seen.tolist()) if taste else set()
    rows = [popular_row(model, context, shown)]
    if rows[0].items and rows[0].items[0].source != "popular:all":
        rows.append(popular_row(model, Context(), shown))
    return tuple(rows)


def popular_row(model: Model, context: Context, shown: set[int]) -> Row:
    """What is watched most in the context's own segment: device before daypart before all."""
    segments = model.manifest.segments
    wanted = [f"device={context.device}", f"daypart={context.daypart}", "all"]
    segment = next(name for name in wanted if name in segments)
    counts = model.popularity[segments.index(segment)]
    where = segment.partition("=")[2]
    title = f"Popular: {where}" if where else "Popular"
    return _row(model, "popular", title, f"popular:{segment}", counts, shown)


def similar_scores(model: Model, row: int) -> F32:
    """`(n_items,)`: how much liking this item speaks for every other; -inf for itself."""
    cosine, neighbours, others = similar_halves(model, row)
    return mix(cosine, neighbours, others, model.manifest.mix)


def similar_halves(model: Model, row: int) -> tuple[F32, F32, Mask]:
    """`(n_items,)` each: cosine of the factors, item-item, and which items are another one."""
    norms = np.linalg.norm(model.factors, axis=1)
    lengths = np.maximum(norms * norms[row], np.finfo(np.float32).tiny)
    cosine = model.factors @ model.factors[row] / lengths
    one = np.array([row], np.int64)
    neighbours = item_item_scores(model.item_item, one, np.ones(1))
    return cosine.astype(np.float32), neighbours, np.arange(len(norms)) != row


def _row(
    model: Model,
    name: str,
    title: str,
    source: str,
    scores: F32,
    shown: set[int],
    because: str | None = None,
) -> Row:
    """The best ROW_LENGTH that are not shown yet; marks them shown."""
    masked = scores.copy()
    masked[list(shown)] = -np.inf
    best = top(masked, ROW_LENGTH).tolist()
    shown.update(best)
    items = tuple(
        Choice(item_id=model.items[row].item_id, score=round(float(scores[row]), 4), source=source)
        for row in best
    )
    return Row(name=name, title=title, items=items, because=because)
