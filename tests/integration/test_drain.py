"""One of two online instances is replaced after the other, under load: no request fails."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx2 as httpx
from confluent_kafka import Consumer, TopicPartition
from deadline import wait_until

from marquee_infra import ports
from marquee_infra.tiers import environment
from marquee_shared import event
from marquee_shared.event import read_event

ONLINE = str(Path(sys.executable).parent / "marquee-online")
ASK_SECONDS = 1.0  # between two looks of the proxy at /readyz, as docs/deploying.md has it


class Instance:
    """One online process."""

    def __init__(self, platform, name: str) -> None:
        self.port = ports.claim(platform.settings.data / "ports.json", (name,))[name]
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = platform.settings.data / f"{name}.log"
        self._environment = {
            **os.environ,
            **environment(platform.settings, name),
            "MARQUEE_CREDIT_KEYS": platform.settings.credit_keys,
            "MARQUEE_PORT": str(self.port),
        }
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [ONLINE, "serve"], env=self._environment, stdout=log, stderr=log
            )

    def told_to_stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class RoundRobin:
    """What a proxy does: asks each instance whether it is ready, and spreads the requests.

    One keep-alive client for each worker and instance. A failed request is not tried again.
    """

    def __init__(self, instances: list[Instance]) -> None:
        self.ready: set[str] = set()
        self.failed: list[str] = []
        self.answered: dict[str, int] = {one.url: 0 for one in instances}
        self.acknowledged: list[tuple[str, int, int]] = []  # event id, partition, offset
        self.told_to_move = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(one.url,)) for one in instances]
        self._threads += [threading.Thread(target=self._work, args=(n,)) for n in range(4)]

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _ask(self, url: str) -> None:
        with httpx.Client(base_url=url, timeout=2) as client:
            while not self._stop.wait(ASK_SECONDS):
                try:
                    ready = client.get("/readyz").status_code == 200
                except httpx.TransportError:
                    ready = False
                (self.ready.add if ready else self.ready.discard)(url)

    def _work(self, number: int) -> None:
        clients = {url: httpx.Client(base_url=url, timeout=10) for url in self.answered}
        for turn in count(number):
            if self._stop.wait(0.02):
                break
            if turned := sorted(self.ready):
                self._request(clients[turned[turn % len(turned)]], f"proxy-{number}")
        for client in clients.values():
            client.close()

    def _request(self, client: httpx.Client, user: str) -> None:
        event_id = uuid.uuid4().hex
        body = {"event_id": event_id, "user_id": user, "item_id": "m1", "type": "play"}
        try:
            page = client.get("/v1/home", params={"user_id": user})
            taken = client.post("/v1/events", json=body)
        except httpx.HTTPError as error:
            self.failed.append(repr(error))
            return
        if (page.status_code, taken.status_code) != (200, 202):
            self.failed.append(f"{page.status_code} {page.text} {taken.status_code} {taken.text}")
            return
        self.told_to_move += "close" in {one.headers.get("connection") for one in (page, taken)}
        place = taken.json()
        self.acknowledged.append((event_id, place["partition"], place["offset"]))
        self.answered[str(client.base_url).rstrip("/")] += 1


def event_ids_at(bootstrap, places):
    """The ids of the events that lie on the topic at these (partition, offset)."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
    wanted, found = set(places), {}
    first = {p: min(o for q, o in wanted if q == p) for p, _ in wanted}
    consumer.assign([TopicPartition(event.TOPIC, p, o) for p, o in first.items()])

    def all_read():
        for message in consumer.consume(500, 0.2):
            assert message.error() is None
            place = (message.partition(), message.offset())
            if place in wanted:
                found[place] = read_event(message.key(), message.value()).event_id
        return len(found) == len(wanted)

    try:
        wait_until(all_read, "every acknowledged event is on the topic")
    finally:
        consumer.close()
    return found


def test_two_instances_are_replaced_without_a_failed_request(http, platform):
    instances = [Instance(platform, "online-a"), Instance(platform, "online-b")]
    proxy = RoundRobin(instances)
    try:
        with proxy.running():
            wait_until(lambda: len(proxy.ready) == 2, "both are ready", seconds=60)
            for one in instances:
                before = dict(proxy.answered)
                wait_until(lambda b=before: served_by_both(proxy, b), "both serve")
                assert one.told_to_stop() == 0
                assert one.url not in proxy.ready
                one.start()
                wait_until(lambda: len(proxy.ready) == 2, "it is back", seconds=60)
            before = dict(proxy.answered)
            wait_until(lambda: served_by_both(proxy, before), "both serve again")
    finally:
        for one in instances:
            one.kill()

    assert proxy.failed == []
    assert proxy.told_to_move
    places = [(partition, offset) for _, partition, offset in proxy.acknowledged]
    found = event_ids_at(platform.endpoints.kafka, places)
    assert [found[place] for place in places] == [event_id for event_id, *_ in proxy.acknowledged]


def served_by_both(proxy, before):
    return all(proxy.answered[url] > n + 20 for url, n in before.items())
