"""Crowd: the simulator's people before the real service, one visit after another.

What they do is what `simulator.respond` says: loves, thresholds, attention, late and missing ends.
Titles and images are the service's own; what one is worth to everybody follows from its id. So an
image shown here has a known mean reward, `expected_of`. Other than in process, what suits the hour
and the device counts for a title, as in the history (`simulate.py`), and a batch is a visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import numpy as np

from marquee_infra.people import (
    BOREDOM,
    MEMORY,
    People,
    delight,
    loved,
    marked,
    return_probability,
)
from marquee_infra.simulate import DAYPART_GENRES, DEVICE_GENRES, FIRST_HOUR, RUNTIME_S, suiting
from marquee_infra.simulator import (
    BAIT_PULL,
    BAIT_SHARE,
    IMAGE_SPREAD,
    LUCK,
    PAGE,
    TITLE_SPREAD,
    Expected,
    Looks,
    Outcomes,
    Visits,
    comes_into_view,
    respond,
    worth,
)
from marquee_shared.fold_in import F64
from marquee_shared.ids import item_hash
from marquee_shared.taste import DAYPARTS, DEVICES

GENRE_PULL = 0.5  # log-odds of a title for each circumstance that one of its genres suits
FINISHED = 0.9  # watched share from which the player reports the end
PERSONAL = "history"  # the basis of a page that rests on what the user did


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """Where and when a visitor looks; `local_time` as the API takes it."""

    device: str
    daypart: str
    local_time: str


class Crowd:
    """People `sim-<seed>-<n>`, those of the simulated history. Who comes next is drawn by how often
    they visit and by how satisfied the service has left them."""

    def __init__(self, client: httpx.Client, seed: int, people: People) -> None:
        self._client = client
        self._name = f"sim-{seed}"
        self._people = people
        self._rng = np.random.default_rng([seed, 1])
        self.satisfaction = np.zeros(len(people.plays))
        self._visits = 0
        self._ends: list[tuple[int, dict[str, Any]]] = []  # the visit that it is told after

    def visit(self) -> bool:
        """A page, what is seen of it, perhaps plays; ends of earlier plays are told first.

        True when the page was personalised. Raises httpx.HTTPError.
        """
        self._tell_ends()
        self._visits += 1
        often = self._people.plays * return_probability(self.satisfaction)
        person = int(self._rng.choice(len(often), p=often / often.sum()))
        now = circumstance(self._rng, datetime.now(UTC))
        own = {"user_id": f"{self._name}-{person}", "session_id": f"visit-{uuid4().hex}"}
        page = self._page(now, own)
        own |= {key: page[key] for key in ("decision_id", "credit", "context")}
        shown: list[dict[str, Any]] = page["rows"][0]["items"][:PAGE]
        places = np.flatnonzero(comes_into_view(self._rng, (len(shown),))).tolist()
        if not places:
            return False
        seen = [shown[place] for place in places]
        found = self._respond(person, now, seen, places)
        told = [_seen(*one) for one in zip(places, seen, strict=True)]
        self._post(own | {"type": "impressions", "seen": told})
        for n in np.flatnonzero(found.click).tolist():
            played = own | {"item_id": seen[n]["item_id"], "row": 0, "position": places[n]}
            self._play(played, float(found.quality[n]), int(found.told_after[n]))
        return bool(page["basis"] == PERSONAL)

    def _respond(
        self, person: int, now: Circumstance, seen: Sequence[dict[str, Any]], places: list[int]
    ) -> Outcomes:
        """What the person does with titles in view, and how satisfied it leaves them."""
        luck = self._rng.random((len(seen), LUCK))
        visits = visits_of(person, now, places, luck)
        truth = expected_of(self._people, visits, seen)
        found = respond(truth, visits, np.zeros_like(visits.title))
        pleased = delight(found.click, found.quality).sum() - BOREDOM * (not found.click.any())
        self.satisfaction[person] += pleased
        self.satisfaction *= MEMORY ** (1 / len(self.satisfaction))  # a day is a visit of each
        return found

    def _play(self, own: dict[str, Any], quality: float, told_after: int) -> None:
        self._post(own | {"type": "play"})
        if told_after < 0:
            return
        end: dict[str, Any] = {"type": "complete"}
        if quality < FINISHED:
            end = {"type": "stop", "watched_s": quality * RUNTIME_S, "runtime_s": RUNTIME_S}
        self._ends.append((self._visits + told_after, own | end))

    def _tell_ends(self) -> None:
        """One that the service is not there to hear of is never told."""
        for due in [one for one in self._ends if one[0] <= self._visits]:
            self._ends.remove(due)
            self._post(due[1])

    def _page(self, now: Circumstance, own: dict[str, str]) -> dict[str, Any]:
        where = {"device": now.device, "local_time": now.local_time}
        answer = self._client.get("/v1/home", params=own | where)
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
        return page

    def _post(self, event: dict[str, Any]) -> None:
        self._client.post("/v1/events", json=event).raise_for_status()


def circumstance(rng: np.random.Generator, today: datetime) -> Circumstance:
    """A device and an hour of today, each as likely as the others."""
    daypart = str(rng.choice(DAYPARTS))
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return Circumstance(
        device=str(rng.choice(DEVICES)),
        daypart=daypart,
        local_time=f"{midnight + timedelta(hours=FIRST_HOUR[daypart]):%Y-%m-%dT%H:%M}",
    )


def visits_of(person: int, now: Circumstance, places: Sequence[int], luck: np.ndarray) -> Visits:
    """Titles in view of one page, as the simulator has them."""
    rows = np.zeros(len(places), np.int64)
    return Visits(
        person=rows + person,
        device=rows + DEVICES.index(now.device),
        daypart=rows + DAYPARTS.index(now.daypart),
        title=np.arange(len(places)),
        position=np.asarray(places, np.int64),
        time=np.zeros(len(places)),
        luck=luck,
    )


def expected_of(people: People, visits: Visits, seen: Sequence[dict[str, Any]]) -> Expected:
    """The truth of the images shown `(n, 1)`; `seen` are items of a page, in order of `visits`."""
    genres = np.array([marked(item["genres"]) for item in seen])
    loves = loved(people, visits.person, visits.device, visits.daypart, visits.time)
    device, daypart = DEVICES[visits.device[0]], DAYPARTS[visits.daypart[0]]
    suits = suiting(genres, DEVICE_GENRES[device]) + suiting(genres, DAYPART_GENRES[daypart])
    looks = [_look(item, count) for item, count in zip(seen, suits.tolist(), strict=True)]
    themes, pull, bait = zip(*looks, strict=True)
    images = Looks(
        themes=np.array(themes)[:, None],
        pull=np.array(pull)[:, None],
        bait=np.array(bait)[:, None],
    )
    return worth(loves, genres, images, visits.position)


def _look(item: dict[str, Any], suits: float) -> tuple[F64, float, bool]:
    """Themes, log-odds for everybody here and now, and bait, of the image that an item has."""
    artwork = item.get("artwork") or {}
    name = item["item_id"]
    title = np.random.default_rng(item_hash(name))
    image = np.random.default_rng(item_hash(f"{name}/{artwork.get('artwork_id', '')}"))
    themes = marked(artwork.get("themes", ()))
    bait = bool(themes.any() and image.random() < BAIT_SHARE)
    own = title.normal(0, TITLE_SPREAD) + image.normal(0, IMAGE_SPREAD) + BAIT_PULL * bait
    return themes, own + GENRE_PULL * suits, bait


def _seen(place: int, item: dict[str, Any]) -> dict[str, Any]:
    artwork = {"artwork_id": item["artwork"]["artwork_id"]} if "artwork" in item else {}
    return {"item_id": item["item_id"], "row": 0, "position": place, **artwork}
