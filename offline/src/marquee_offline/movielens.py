"""MovieLens: a folder of `ratings.csv` (and `movies.csv`) as events and a catalogue.

Everything is read and checked before anything is written: a bad row is refused by file and line.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from marquee_offline.archive_write import Written, write_source
from marquee_offline.catalogue import Entry, write_catalogue
from marquee_shared.errors import BadInput
from marquee_shared.event import Event
from marquee_shared.model import index_items
from marquee_shared.store import Store

RATINGS = ["userId", "movieId", "rating", "timestamp"]
MOVIES = ["movieId", "title", "genres"]
LATEST = 4_102_444_800  # 2100-01-01 in seconds; beyond it the column is no time in seconds
NO_GENRES = "(no genres listed)"
_NUMBER = re.compile(r"[0-9]{1,18}")
_STARS = {f"{half / 2:g}": half / 2 for half in range(1, 11)} | {
    f"{half / 2:.1f}": half / 2 for half in range(1, 11)
}
_YEAR = re.compile(r"^(.*\S)\s*\((\d{4})\)\s*$")


class Rating(NamedTuple):
    """One row of ratings.csv; `at` in seconds since epoch."""

    user: str
    movie: str
    rating: float
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MovieLens:
    """A checked folder; `digest` is the SHA-256 of its files."""

    ratings: list[Rating]
    movies: list[Entry]
    digest: str


def import_movielens(store: Store, folder: Path) -> Written:
    """Write a folder to the archive, once. Raises BadInput naming file and line."""
    data = read_folder(folder)
    index_items(sorted({item_id(r.movie) for r in data.ratings} | {m.item_id for m in data.movies}))
    if data.movies:
        write_catalogue(store, data.digest, most_rated_first(data))
    return write_source(store, f"import-{data.digest}", map(to_event, data.ratings))


def read_folder(folder: Path) -> MovieLens:
    """`ratings.csv`, and `movies.csv` where there is one. Raises BadInput."""
    digest = hashlib.sha256()
    ratings = [_rating(row, where) for row, where in _rows(folder / "ratings.csv", RATINGS, digest)]
    movies = []
    if (folder / "movies.csv").exists():
        movies = [_movie(row, where) for row, where in _rows(folder / "movies.csv", MOVIES, digest)]
    return MovieLens(ratings=ratings, movies=movies, digest=digest.hexdigest())


def most_rated_first(data: MovieLens) -> list[Entry]:
    """The films in the order in which a catalogue lists them."""
    times = Counter(item_id(rating.movie) for rating in data.ratings)
    return sorted(data.movies, key=lambda movie: -times[movie.item_id])


def item_id(movie: str) -> str:
    return f"ml-{movie}"


def to_event(rating: Rating) -> Event:
    """The context stays `other`: when a film was rated is not when it was seen, and UTC not local.

    Exact copies of a row get one event id, and so count once.
    """
    return Event(
        event_id=f"ml-{rating.user}-{rating.movie}-{rating.at}",
        user_id=f"ml-{rating.user}",
        item_id=item_id(rating.movie),
        type="rating",
        at=rating.at * 1000,
        rating=rating.rating,
    )


def _rows(
    path: Path, header: list[str], digest: "hashlib._Hash"
) -> Iterator[tuple[list[str], str]]:
    """The rows below a checked header, each with the words 'file line n'."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(str(path), error.strerror or "cannot be read") from error
    digest.update(hashlib.sha256(data).digest())
    reader = csv.reader(_lines(path, data), strict=True)
    try:
        if next(reader, None) != header:
            raise BadInput(f"{path} line 1", f"expected the header {','.join(header)}")
        count = 0
        for count, row in enumerate(reader, start=1):  # noqa: B007 counts what was read
            where = f"{path} line {reader.line_num}"
            if len(row) != len(header):
                raise BadInput(where, f"expected {len(header)} columns, found {len(row)}")
            yield row, where
    except csv.Error as error:
        raise BadInput(f"{path} line {reader.line_num}", str(error)) from error
    if not count:
        raise BadInput(f"{path} line 2", "expected at least one row")


def _lines(path: Path, data: bytes) -> Iterator[str]:
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"{path} line {number}", "is not UTF-8") from error


def _rating(row: list[str], where: str) -> Rating:
    user, movie, stars, at = row
    for name, value in (("userId", user), ("movieId", movie), ("timestamp", at)):
        if not _NUMBER.fullmatch(value):
            raise BadInput(where, f"{name} is not a whole number")
    if stars not in _STARS:
        raise BadInput(where, "rating is not one of 0.5 to 5 in half steps")
    if int(at) > LATEST:
        raise BadInput(where, "timestamp lies beyond the year 2100; seconds are expected")
    return Rating(user, movie, _STARS[stars], int(at))


def _movie(row: list[str], where: str) -> Entry:
    movie, title, genres = row
    if not _NUMBER.fullmatch(movie):
        raise BadInput(where, "movieId is not a whole number")
    dated = _YEAR.match(title)
    return Entry(
        item_id=item_id(movie),
        title=dated.group(1) if dated else title.strip(),
        year=int(dated.group(2)) if dated else 0,
        genres=() if genres in ("", NO_GENRES) else tuple(genres.split("|")),
    )
