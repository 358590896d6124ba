"""Proof: events sent over HTTP change the next page, in the direction of what was played.

*Changed* means: same model, context and time, the played titles removed from both pages, and at
least MIN_NEW of the next top ten were not there before. The control plays another kind of title
for a twin, somebody with the very same history, and must move that page another way.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import numpy as np

from marquee_shared.model import Model

TOP = 10
MIN_NEW = 2
PLAYS = 5
POLL_SECONDS = 0.005
DEADLINE_SECONDS = 20.0
EVENING = {"device": "tv", "local_time": "2026-11-20T20:30"}  # a Friday
MORNING = {"device": "phone", "local_time": "2026-11-21T08:00"}
NIGHT = {"device": "tv", "local_time": "2026-11-21T23:00"}
Rating = tuple[str, float, int]  # item id, stars, ms since epoch


class ProofFailed(Exception):
    """The page did not do what it should; the message says what was seen instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A page as it was answered: top picks best first, and how far the user's state had come."""

    model_id: str
    top: tuple[str, ...]
    because: str  # title of the second row, and its first titles
    events: int
    hops: tuple[int, int, int]  # accepted, consumed, folded; ms since epoch

    def without(self, played: Sequence[str]) -> tuple[str, ...]:
        return tuple(item for item in self.top if item not in played)[:TOP]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What some plays did to a page."""

    played: tuple[str, ...]
    before: Seen
    after: Seen
    milliseconds: float  # from sending the last play to having the changed page

    @property
    def new(self) -> tuple[str, ...]:
        """Items of the top ten that were not in it before."""
        old = self.before.without(self.played)
        return tuple(i for i in self.after.without(self.played) if i not in old)


class Visitor:
    """A client of the online tier."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=10.0)

    def close(self) -> None:
        self._http.close()

    def page(self, user: str, context: dict[str, str]) -> Seen:
        answer = self._http.get("/v1/home", params={"user_id": user, **context})
        if answer.status_code != 200:
            raise ProofFailed(f"the page of {user}: {answer.status_code} {answer.text}")
        page: dict[str, Any] = answer.json()
        rows: dict[str, list[dict[str, Any]]] = {row["name"]: row["items"] for row in page["rows"]}
        state = page["state"] or {}
        hops = [int(state.get(hop, 0)) for hop in ("accepted_at", "consumed_at", "folded_at")]
        second = next((row for row in page["rows"] if row["name"] == "because_you_watched"), None)
        titles = "; ".join(item["title"] for item in second["items"][:5]) if second else ""
        return Seen(
            model_id=page["model_id"],
            because=f"{second['title']}: {titles}" if second else "",
            top=tuple(item["item_id"] for item in rows.get("top_picks", ())),
            events=int(state.get("events", 0)),
            hops=(hops[0], hops[1], hops[2]),
        )

    def send(self, **event: object) -> None:
        answer = self._http.post("/v1/events", json=event)
        if answer.status_code != 202:
            raise ProofFailed(f"an event was not accepted: {answer.status_code} {answer.text}")

    def page_after(self, user: str, events: int, context: dict[str, str]) -> Seen:
        """The page as soon as it rests on this many events."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (page := self.page(user, context)).events < events:
            if time.monotonic() > deadline:
                raise ProofFailed(f"{user}: {page.events} of {events} events after 20 s")
            time.sleep(POLL_SECONDS)
        return page

    def give_history(self, user: str, ratings: Sequence[Rating]) -> None:
        """Somebody's ratings as somebody else's events."""
        for item, stars, at in ratings:
            self.send(user_id=user, type="rating", item_id=item, rating=stars, at=at)

    def play(self, user: str, items: Sequence[str], context: dict[str, str]) -> Moved:
        """Play the items to their end; the pages before and after, under one model."""
        before = self.page(user, context)
        for item in items:
            started = time.perf_counter()
            self.send(user_id=user, type="complete", item_id=item)
        after = self.page_after(user, before.events + len(items), context)
        milliseconds = (time.perf_counter() - started) * 1000
        if before.model_id != after.model_id:
            raise ProofFailed("the model was swapped between the two pages; try again")
        return Moved(played=tuple(items), before=before, after=after, milliseconds=milliseconds)


def of_genre(model: Model, genre: str, seen: set[str], count: int = PLAYS) -> tuple[str, ...]:
    """The most popular items of a genre that the user has not seen."""
    ranked = np.argsort(-model.popularity[0], kind="stable").tolist()
    found = (model.items[row] for row in ranked if genre in model.items[row].genres)
    return tuple(item.item_id for item in found if item.item_id not in seen)[:count]


def kinship(model: Model, items: Sequence[str], played: Sequence[str]) -> float:
    """Mean cosine between the items' factors and the middle of the played ones."""
    vectors = model.factors[[model.row_of[item] for item in items]]
    middle = model.factors[[model.row_of[item] for item in played]].mean(axis=0)
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(middle)
    return float((vectors @ middle / np.maximum(norms, 1e-12)).mean())


def check_change(moved: Moved, who: str) -> None:
    """Raises ProofFailed when fewer than MIN_NEW of the top ten are new."""
    if len(moved.new) < MIN_NEW:
        raise ProofFailed(f"{who}: only {len(moved.new)} of the next top {TOP} differ")


def check_directions(model: Model, one: Moved, other: Moved) -> tuple[float, float, float, float]:
    """Each page's newcomers are closer to what was played there than the other's newcomers are.

    The four kinships: one's and other's newcomers to one's plays, then to other's plays. Raises
    ProofFailed.
    """
    near = tuple(
        kinship(model, moved.new, plays.played) for plays in (one, other) for moved in (one, other)
    )
    to_one, other_to_one, to_other_from_one, to_other = near
    if to_one <= other_to_one or to_other <= to_other_from_one:
        raise ProofFailed(f"the control moved the page the same way: {near}")
    return to_one, other_to_one, to_other_from_one, to_other


def until(fact: Callable[[], bool], what: str, seconds: float) -> None:
    """Wait for a fact. Raises ProofFailed."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            raise ProofFailed(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)
