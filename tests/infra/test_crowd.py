"""Crowd: the simulator's people before a service; tests/e2e has them visit a real one."""

import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import httpx2 as httpx
import numpy as np
import pytest

from marquee_infra.crowd import Circumstance, Crowd, circumstance, expected_of, visits_of
from marquee_infra.people import COMMUNITIES, GENRES, make_people
from marquee_infra.simulate import DEVICE_GENRES
from marquee_infra.simulator import LUCK, PAGE

NOW = Circumstance(device="tv", daypart="night", local_time="2026-11-20T22:00")
PEOPLE = make_people(np.random.default_rng(0), 300)
ROMANTIC = int(PEOPLE.mixture[:, list(COMMUNITIES).index("romantics")].argmax())


def title(name="m1", genres=("Drama",), themes=("Drama",), artwork="m1.drama"):
    image = {"artwork_id": artwork, "themes": list(themes)}
    return {"item_id": name, "genres": list(genres), "artwork": image}


def clicked(*items, person=ROMANTIC, places=None, now=NOW):
    """The exact probability of each."""
    at = places or [0] * len(items)
    visits = visits_of(person, now, at, np.zeros((len(items), LUCK)))
    return expected_of(PEOPLE, visits, items).click[:, 0].tolist()


def test_image_of_what_somebody_loves_is_played_more_often_than_the_same_with_another_theme():
    romance, horror = clicked(title(themes=["Romance"]), title(themes=["Horror"]))
    assert romance > 2 * horror


def test_what_suits_the_device_is_played_more_often():
    suits, other = (
        clicked(
            title(genres=["Thriller"]), now=Circumstance(device=d, daypart="day", local_time="")
        )
        for d in ("tv", "web")
    )
    assert "Thriller" in DEVICE_GENRES["tv"]
    assert suits > other


def test_what_stands_first_is_played_more_often_than_the_same_further_on():
    first, last = clicked(title(), title(), places=[0, PAGE - 1])
    assert first > last


def test_image_is_worth_the_same_at_every_visit_and_not_what_another_is():
    again, other = clicked(title(), title(artwork="m1.other"))
    assert clicked(title()) == [again]
    assert again != other


def test_letter_case_of_a_theme_does_not_matter():
    assert clicked(title(themes=[" romance"])) == clicked(title(themes=["Romance"]))


def test_title_without_image_or_genre_or_with_words_nobody_knows_has_a_probability():
    bare = {"item_id": "m2", "genres": []}
    odd = title(genres=["(no genres listed)"], themes=["80s"])
    assert all(0 < p < 1 for p in clicked(bare, odd))


def test_hours_and_devices_are_all_met():
    rng = np.random.default_rng(0)
    met = [circumstance(rng, datetime(2026, 11, 25, tzinfo=UTC)) for _ in range(200)]
    assert len({one.device for one in met}) == 4
    assert len({one.local_time for one in met}) == 4


class Service:
    """Answers every visitor with the same page, and remembers what it is told."""

    def __init__(self, genres=GENRES):
        self.events, self.visitors, self.refused, self.refuses = [], [], [], ""
        items = [title(f"m{n}", [g], [g], f"m{n}.a") for n, g in enumerate(genres[:PAGE])]
        self.page = {"decision_id": "d", "credit": "c", "context": {}, "basis": "history"}
        self.page["rows"] = [{"items": items}]

    def __call__(self, request):
        if request.method == "GET":
            self.visitors.append(request.url.params["user_id"])
            return httpx.Response(200, json=self.page)
        event = json.loads(request.content)
        if event["type"] == self.refuses:
            self.refused.append(event)
            return httpx.Response(503)
        self.events.append(event)
        return httpx.Response(202)

    def crowd(self, people=PEOPLE):
        client = httpx.Client(base_url="http://service", transport=httpx.MockTransport(self))
        return Crowd(client, 7, people)

    def told(self, kind):
        return [event for event in self.events if event["type"] == kind]


@pytest.fixture(scope="module")
def visited():
    service = Service()
    crowd = service.crowd()
    assert all(crowd.visit() for _ in range(1500))
    return service


def test_titles_further_on_come_into_view_less_often(visited):
    places = Counter(seen["position"] for e in visited.told("impressions") for seen in e["seen"])
    assert places[0] == 1500
    assert places[0] > places[1] > places[4] > places[9] > 0


def test_only_what_was_in_view_is_played(visited):
    seen = {
        (event["session_id"], one["item_id"], one["position"])
        for event in visited.told("impressions")
        for one in event["seen"]
    }
    played = [(e["session_id"], e["item_id"], e["position"]) for e in visited.told("play")]
    assert len(played) == len(set(played)) > 500
    assert set(played) <= seen


def test_ends_come_later_once_and_some_never(visited):
    plays = [(e["session_id"], e["item_id"]) for e in visited.told("play")]
    ends = [e for e in visited.events if e["type"] in ("stop", "complete")]
    told = Counter((e["session_id"], e["item_id"]) for e in ends)
    assert set(told) < set(plays)
    assert set(told.values()) == {1}
    assert 0.9 < len(told) / len(plays) < 0.99
    shares = [e["watched_s"] / e["runtime_s"] for e in visited.told("stop")]
    assert 0 <= min(shares) < 0.1
    assert max(shares) < 0.9
    assert visited.told("complete")


def test_everything_is_told_with_the_credit_of_its_page(visited):
    assert {(e["decision_id"], e["credit"]) for e in visited.events} == {("d", "c")}
    assert all(e["user_id"].startswith("sim-7-") for e in visited.events)


def test_equal_crowds_make_equal_visits(visited):
    again = Service()
    crowd = again.crowd()
    for _ in range(50):
        crowd.visit()
    assert again.visitors == visited.visitors[:50]
    bare = [[e | {"session_id": ""} for e in of.events] for of in (again, visited)]
    assert bare[0] == bare[1][: len(bare[0])]
    assert {e["session_id"] for e in again.events}.isdisjoint(
        e["session_id"] for e in visited.events
    )


def test_who_is_satisfied_comes_back_more_often():
    service = Service()
    crowd = service.crowd(replace(PEOPLE, plays=np.full_like(PEOPLE.plays, 100)))
    for _ in range(30):
        crowd.visit()
    crowd.satisfaction[:150], crowd.satisfaction[150:] = 3.0, -3.0
    service.visitors.clear()
    for _ in range(100):
        crowd.visit()
    pleased = sum(int(name.rpartition("-")[2]) < 150 for name in service.visitors)
    assert pleased >= 70


def test_disappointing_pages_leave_people_less_satisfied_than_what_they_love():
    good, bad = (Service(genres).crowd() for genres in (GENRES, [""] * PAGE))
    for crowd in (good, bad):
        for _ in range(300):
            crowd.visit()
    assert good.satisfaction.sum() > bad.satisfaction.sum()


def test_an_end_that_the_service_refuses_is_not_told_for_ever():
    service = Service()
    crowd = service.crowd()
    service.refuses = "stop"
    for _ in range(200):
        with suppress(httpx.HTTPStatusError):
            crowd.visit()
    refused = Counter((e["session_id"], e["item_id"]) for e in service.refused)
    assert len(refused) > 20
    assert set(refused.values()) == {1}
    assert len(service.visitors) == 200 - len(refused)
