"""A light load of events and pages that gives no event up, and knows what was acknowledged."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass

import httpx2 as httpx

PAUSE = 0.1  # seconds between two events of one user
RETRY = 0.2
LEAVE_SECONDS = 120.0  # for the events in hand, once told to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """An event that was answered with 202."""

    event_id: str
    partition: int
    offset: int


class SteadyLoad:
    """Users who post one event after the other, until each is acknowledged, and look at a page.

    `failures` counts the requests that were not answered as they should be, each tried again.
    """

    def __init__(self, url: str, name: str, items: list[str], *, users: int = 4) -> None:
        self.acknowledged: dict[str, list[Acknowledged]] = defaultdict(list)
        self.failures: list[str] = []
        self._url = url
        self._items = items
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(f"{name}-{number}",), daemon=True)
            for number in range(users)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(LEAVE_SECONDS)
            assert not thread.is_alive(), f"never acknowledged; last: {self.failures[-1:]}"

    def count(self) -> int:
        return sum(map(len, self.acknowledged.values()))

    def _run(self, user: str) -> None:
        with httpx.Client(base_url=self._url, timeout=10) as http:
            number = 0
            while not self._stop.is_set():
                event = {
                    "event_id": f"{user}-{number}",
                    "user_id": user,
                    "type": "play",
                    "item_id": self._items[number % len(self._items)],
                }
                self._until_acknowledged(http, user, event)
                self._page(http, user)
                number += 1
                time.sleep(PAUSE)

    def _page(self, http: httpx.Client, user: str) -> None:
        try:
            answer = http.get("/v1/home", params={"user_id": user})
            if answer.status_code != 200:
                self.failures.append(f"page: {answer.status_code} {answer.text}")
        except httpx.HTTPError as error:
            self.failures.append(f"page: {error!r}")

    def _until_acknowledged(self, http: httpx.Client, user: str, event: dict) -> None:
        while True:
            try:
                answer = http.post("/v1/events", json=event)
                if answer.status_code == 202:
                    place = answer.json()
                    break
                self.failures.append(f"{answer.status_code} {answer.text}")
            except httpx.HTTPError as error:
                self.failures.append(repr(error))
            time.sleep(RETRY)
        self.acknowledged[user].append(
            Acknowledged(
                event_id=event["event_id"], partition=place["partition"], offset=place["offset"]
            )
        )
