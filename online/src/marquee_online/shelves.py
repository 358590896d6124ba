"""Shelves: the serving model's titles by genre, most popular first."""

from dataclasses import dataclass

import numpy as np

from marquee_shared.fold_in import F32, F64
from marquee_shared.model import I64, Model
from marquee_shared.score import top
from marquee_shared.taste import taste

DEPTH = 60  # titles of a shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """Genres in the order of what is watched of them, and the DEPTH most watched rows of each."""

    model: Model
    by_genre: dict[str, list[int]]
    popular: list[int]  # of all genres, and of none


def watched(model: Model) -> F32:
    """`(n_items,)`: how much each item is watched, by all."""
    counts: F32 = model.popularity[model.manifest.segments.index("all")]
    return counts


def shelve(model: Model) -> Shelves:
    """Every title on the shelf of each of its genres."""
    counts = watched(model)
    members: dict[str, list[int]] = {}
    for row, item in enumerate(model.items):
        for genre in item.genres:
            members.setdefault(genre, []).append(row)
    rows_of = {genre: np.array(rows, np.int64) for genre, rows in members.items()}
    order = sorted(rows_of, key=lambda genre: (-counts[rows_of[genre]].sum(), genre))
    return Shelves(
        model=model,
        by_genre={genre: _best(rows_of[genre], counts) for genre in order},
        popular=_best(np.arange(len(counts)), counts),
    )


def _best(rows: I64, counts: F32) -> list[int]:
    best: list[int] = rows[top(counts[rows], DEPTH)].tolist()
    return best


def diverse(shelves: Shelves, k: int) -> list[int]:
    """Up to DEPTH rows, each the most watched title of the genre that has had the least so far:
    a start of the list is as mixed as the whole."""
    chosen: dict[int, None] = {}
    had = dict.fromkeys(shelves.by_genre, 0)
    while len(chosen) < k:
        row = _next(shelves, had, chosen)
        if row is None:
            break
        chosen[row] = None
        for genre in shelves.model.items[row].genres:
            had[genre] += 1
    return [*chosen, *(row for row in shelves.popular if row not in chosen)][:k]


def _next(shelves: Shelves, had: dict[str, int], chosen: dict[int, None]) -> int | None:
    for genre in sorted(had, key=had.__getitem__):
        for row in shelves.by_genre[genre]:
            if row not in chosen:
                return row
    return None


def lean(shelves: Shelves, rows: I64, weights: F64) -> dict[str, float]:
    """What a history leans to, by genre, strongest first; -1 to 1, squares sum to 1."""
    genres = list(shelves.by_genre)
    if not len(rows) or not genres:
        return {}
    about = np.array([_about(shelves, genres, row) for row in rows.tolist()])
    found = taste(about, weights).tolist()
    return dict(sorted(zip(genres, found, strict=True), key=lambda pair: (-abs(pair[1]), pair[0])))


def _about(shelves: Shelves, genres: list[str], row: int) -> F64:
    """`(n_genres,)` of length 1: an item of many genres says less of each."""
    its = shelves.model.items[row].genres
    mark = np.array([genre in its for genre in genres], np.float64)
    return mark / max(float(np.linalg.norm(mark)), 1.0)
