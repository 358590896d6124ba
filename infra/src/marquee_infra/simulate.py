"""Simulate: a synthetic history of visitors whose taste moves with device and time of day.

Real catalogues come without the circumstances of viewing, so there is nothing in them from which
a context could be learnt. This history has one planted, and is labelled wherever it shows: its
source is `simulated-<seed>`, its users are `sim-<seed>-<n>`, the people of `people.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np

from marquee_infra.people import HISTORY_PULL, fit, make_people, marked, usually_loved
from marquee_offline.archive_write import write_source
from marquee_offline.movielens import most_rated_first, read_folder
from marquee_shared.context import from_local_time
from marquee_shared.event import Event
from marquee_shared.fold_in import F64
from marquee_shared.store import Store

# What is preferred in which circumstance, by genre. The two add up: a phone in the morning means
# comedies and cartoons, a television at night thrillers and horror. The weekday has no effect.
DEVICE_GENRES = {
    "phone": ("Comedy", "Animation"),
    "tv": ("Thriller", "Action"),
    "tablet": ("Children", "Fantasy"),
    "web": ("Documentary", "Crime"),
}
DAYPART_GENRES = {
    "morning": ("Comedy", "Animation", "Children"),
    "day": ("Adventure", "Sci-Fi"),
    "evening": ("Drama", "Romance"),
    "night": ("Thriller", "Horror"),
}
FIRST_HOUR = {"morning": 5, "day": 11, "evening": 17, "night": 22}
CONTEXT_PULL = 2.5  # log-odds of an item for each circumstance that one of its genres suits
SEED, VISITORS = 8, 600  # the same before the service: others would be other people
POPULARITY_PULL = 0.5  # log-odds fall by this times log(rank)
POOL = 500  # the items that visitors choose among: the first of the catalogue
VIEWINGS = (28, 41)  # per visitor, of two events each
DAYS = 60  # that the history covers
RUNTIME_S = 6000.0
ENDS = {"complete": 0.6, "stop": 0.3, "": 0.1}  # how a viewing ends; '' is never reported
NOW = datetime(2026, 1, 1, tzinfo=UTC)  # end of the history: part of what makes it reproducible


class Described(Protocol):
    """What of an item matters here; a catalogue's entries and a model's items both have it."""

    @property
    def item_id(self) -> str: ...
    @property
    def genres(self) -> tuple[str, ...]: ...


def write_history(
    store: Store,
    *,
    seed: int,
    items: Sequence[Described],
    visitors: int = VISITORS,
    now: datetime = NOW,
) -> str:
    """Write the history to the archive, once, and say under which source. Raises StoreError.

    `items` in order of popularity, most popular first. Equal arguments give equal events; a
    second run finds everything there.
    """
    events = history(seed=seed, items=items, visitors=visitors, now=now)
    return write_source(store, f"simulated-{seed}", events).source


def read_items(folder: Path) -> Sequence[Described]:
    """The films of a MovieLens folder, most often rated first. Raises BadInput."""
    return most_rated_first(read_folder(folder))


def history(
    *, seed: int, items: Sequence[Described], visitors: int, now: datetime
) -> Iterator[Event]:
    """The visitors' events, visitor by visitor, each in order of time."""
    rng = np.random.default_rng(seed)
    pool = items[:POOL]
    genres = np.array([marked(item.genres) for item in pool])
    loves = usually_loved(make_people(np.random.default_rng(seed), visitors))
    base = -POPULARITY_PULL * np.log(np.arange(1, len(pool) + 1))
    suits = _suits(genres, DEVICE_GENRES), _suits(genres, DAYPART_GENRES)
    for visitor in range(visitors):
        liking = base + HISTORY_PULL * fit(genres[None], loves[visitor : visitor + 1])[0]
        viewings = _viewings(rng, liking, suits, now)
        yield from _events(rng, f"sim-{seed}-{visitor}", viewings, pool)


def suiting(genres: F64, liked: Sequence[str]) -> F64:
    """`(n,)`: 1 where one of an item's genres `(n, GENRES)` is preferred."""
    return (genres @ marked(liked) > 0).astype(float)


def _suits(genres: F64, table: Mapping[str, tuple[str, ...]]) -> dict[str, F64]:
    """Per circumstance, what of the items suits it."""
    return {value: suiting(genres, liked) for value, liked in table.items()}


def _viewings(
    rng: np.random.Generator,
    liking: F64,
    suits: tuple[dict[str, F64], dict[str, F64]],
    now: datetime,
) -> list[tuple[datetime, str, int]]:
    """When, on what device, which item: each at most once."""
    open_to = liking.copy()
    chosen = []
    devices, dayparts = list(DEVICE_GENRES), list(DAYPART_GENRES)
    for _ in range(min(int(rng.integers(*VIEWINGS)), len(liking))):
        device, daypart = str(rng.choice(devices)), str(rng.choice(dayparts))
        pull = CONTEXT_PULL * (suits[0][device] + suits[1][daypart])
        item = int(np.argmax(open_to + pull + rng.gumbel(size=len(liking))))  # softmax choice
        open_to[item] = -np.inf
        chosen.append((_moment(rng, daypart, now), device, item))
    return sorted(chosen)


def _moment(rng: np.random.Generator, daypart: str, now: datetime) -> datetime:
    midnight = (now - timedelta(days=int(rng.integers(2, DAYS + 2)))).replace(hour=0, minute=0)
    start = midnight + timedelta(hours=FIRST_HOUR[daypart])
    return start + timedelta(minutes=int(rng.integers(0, 110)))


def _events(
    rng: np.random.Generator,
    user: str,
    viewings: list[tuple[datetime, str, int]],
    pool: Sequence[Described],
) -> Iterator[Event]:
    for number, (moment, device, item) in enumerate(viewings):
        end = str(rng.choice(list(ENDS), p=list(ENDS.values())))
        seconds = RUNTIME_S * float(rng.uniform(0.1, 0.9)) if end == "stop" else RUNTIME_S
        yield _event(user, f"{number}-play", "play", moment, device, pool[item].item_id)
        if end:
            later = moment + timedelta(seconds=round(seconds))
            said = (seconds, RUNTIME_S) if end == "stop" else (None, None)
            yield _event(user, f"{number}-{end}", end, later, device, pool[item].item_id, *said)


def _event(
    user: str,
    name: str,
    kind: str,
    moment: datetime,
    device: str,
    item: str,
    watched_s: float | None = None,
    runtime_s: float | None = None,
) -> Event:
    return Event(
        event_id=f"{user}-{name}",
        user_id=user,
        item_id=item,
        type=kind,
        at=round(moment.timestamp() * 1000),
        context=from_local_time(moment, device),  # visitors live in UTC
        watched_s=watched_s,
        runtime_s=runtime_s,
    )
