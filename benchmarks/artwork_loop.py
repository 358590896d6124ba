"""Artwork end to end: what 2,000 visits teach through HTTP, Kafka and Redis, exploration on.

Half of the visitors have a history of romances, half of comedies; each is three times as likely to
play a title whose image is of their kind. Measured is what the service itself logged: over the 50
titles with both images that were most often shown to both, the probability of the romance image for
the one, less that for the other. In between nearline is killed, again and again: what it has learnt
at the end must be what the archived log teaches, to the last bit.
"""

import os
import secrets
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console

from marquee_infra.demo import Steps, show_demo
from marquee_infra.platform import Options, Platform, running
from marquee_infra.proof import until
from marquee_nearline.archive import next_offset
from marquee_nearline.kafka import topic_id
from marquee_nearline.learn import Learnt, credible, learn
from marquee_nearline.parquet import decode
from marquee_nearline.state_store import StateStore
from marquee_shared import event
from marquee_shared.archive import prefix
from marquee_shared.artifact import read_model
from marquee_shared.credit import parse_keys
from marquee_shared.decision import Decision, decode_decision
from marquee_shared.event import Event, read_event
from marquee_shared.images import Images
from marquee_shared.model import Model
from marquee_shared.store import Store
from marquee_shared.sums import Sums

SEED = 20261125
VISITS = 2000
MEASURED = 400  # the last of them: what the visits before have taught
VISITORS = 100  # of each kind
HISTORY = 8  # plays that make a visitor's taste
KINDS = ("Romance", "Comedy")
LOOKED_AT = (8, 6)  # titles of the first and of the second row that are really seen
PLAYS, PLAYS_OWN_KIND = 0.05, 0.15  # of the titles looked at, by whether the image suits
TO_THE_END = 0.7
TITLES = 50
BAR = 0.3
KILLED_AT = range(400, 1400, 100)  # visits: amid the teaching ones, ten times
FACT_SECONDS = 90.0  # the supervisor restarts what dies again and again after 30 s
Row = tuple[str, str, str, bool]
CONTEXTS = [(d, t) for d in ("phone", "tv") for t in ("2026-11-20T08:30", "2026-11-20T20:30")]


def histories(model: Model, rng: np.random.Generator) -> dict[str, tuple[str, list[str]]]:
    """Visitors by id: their kind, and what they have played: of that kind and not of the other."""
    found = {}
    for kind, other in (KINDS, KINDS[::-1]):
        pool = [i.item_id for i in model.items if kind in i.genres and other not in i.genres]
        for number in range(VISITORS):
            liked = rng.choice(pool[:200], HISTORY, replace=False).tolist()
            found[f"art-{kind.lower()}-{number}"] = kind, liked
    return found


def post(http: httpx.Client, **event: Any) -> None:
    http.post("/v1/events", json=event).raise_for_status()


def visit(http: httpx.Client, rng: np.random.Generator, user: str, kind: str) -> str:
    """A page, what was seen of it, and perhaps a play; the decision's id."""
    device, local_time = CONTEXTS[rng.integers(len(CONTEXTS))]
    asked = {"user_id": user, "session_id": secrets.token_hex(8)}
    asked |= {"device": device, "local_time": local_time}
    page = http.get("/v1/home", params=asked).raise_for_status().json()
    looked = [
        (row, place, item)
        for row, count in enumerate(LOOKED_AT)
        for place, item in enumerate(page["rows"][row]["items"][:count])
    ]
    own = {
        "user_id": user,
        "session_id": asked["session_id"],
        "decision_id": page["decision_id"],
        "credit": page["credit"],
        "context": page["context"],
    }
    seen = [
        {
            "item_id": item["item_id"],
            "row": row,
            "position": place,
            "artwork_id": item["artwork"]["artwork_id"],
        }
        for row, place, item in looked
    ]
    post(http, type="impressions", seen=seen, **own)
    for row, place, item in looked:
        suits = kind in item["artwork"].get("themes", ())
        if rng.random() < (PLAYS_OWN_KIND if suits else PLAYS):
            end = "complete" if rng.random() < TO_THE_END else "play"
            post(http, type=end, item_id=item["item_id"], row=row, position=place, **own)
    return str(page["decision_id"])


class Watched:
    """A running platform, and what can be asked of it from outside."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.store = Store(platform.endpoints.store)
        self.states = StateStore(platform.endpoints.redis)
        self.source = f"kafka-{topic_id(platform.endpoints.kafka, event.TOPIC)}"
        self.partitions = range(self.states.cluster().partitions)
        self._killed_at = 0  # events folded when nearline was last killed

    def ends(self) -> list[int]:
        """The next offset of each partition of the events in Kafka."""
        settings = {"bootstrap.servers": self.platform.endpoints.kafka, "group.id": "benchmark"}
        consumer = Consumer(settings)
        try:
            parts = [TopicPartition(event.TOPIC, p) for p in self.partitions]
            return [consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts]
        finally:
            consumer.close()

    def folded(self) -> list[int]:
        """The same in Redis."""
        namespace = self.states.cluster().namespace
        return [self.states.load(namespace, p, []).offset for p in self.partitions]

    def archived(self) -> list[int]:
        """The same in the archive."""
        return [next_offset(self.store, "events", self.source, p) or 0 for p in self.partitions]

    def settle(self) -> None:
        """Until every event sent so far is folded."""
        ends = self.ends()
        until(lambda: self.folded() == ends, "every event is folded", FACT_SECONDS)

    def kill_nearline(self) -> None:
        """By SIGKILL, as soon as it works again after the kill before."""
        until(lambda: sum(self.folded()) > self._killed_at, "nearline works again", FACT_SECONDS)
        (pid,) = (s.pid for s in self.platform.supervisor.states() if s.name == "nearline")
        if pid is None:
            raise RuntimeError("nearline died by itself; marquee.log says why")
        os.kill(pid, signal.SIGKILL)
        self._killed_at = sum(self.folded())

    def kills(self) -> int:
        """How often nearline was started again."""
        return sum(s.restarts for s in self.platform.supervisor.states() if s.name == "nearline")

    def decisions(self, wanted: set[str]) -> dict[str, Decision]:
        """Those of them that are archived."""
        found = {}
        for name in self.store.list(prefix("decisions")):
            for record in decode(self.store.get(name), name):
                decision = decode_decision(record.value or b"")
                if decision.decision_id in wanted:
                    found[decision.decision_id] = decision
        return found

    def events(self, partition: int) -> Iterator[Event]:
        """A partition's archived events, in order."""
        for name in self.store.list(prefix("events", self.source, partition)):
            for record in decode(self.store.get(name), name):
                yield read_event(record.key, record.value)


def probabilities(
    decisions: Mapping[str, Decision], kind_of: Mapping[str, str]
) -> Iterator[tuple[str, str, float]]:
    """Kind of the visitor, title, logged probability of its romance image; of titles with both."""
    for decision in decisions.values():
        for choice in (choice for row in decision.rows for choice in row.items):
            ends = [artwork.rpartition(".")[2] for artwork in choice.candidates]
            if {"romance", "comedy"} <= set(ends):
                p = choice.distribution[ends.index("romance")]
                yield kind_of[decision.user_id or ""], choice.item_id, p


def measure(watched: Watched, model: Model) -> tuple[float, int]:
    """The mean difference, and over how many titles."""
    rng = np.random.default_rng(SEED)
    people = histories(model, rng)
    with httpx.Client(base_url=watched.platform.url, timeout=10) as http:
        for user, (_, liked) in people.items():
            for item in liked:
                post(http, user_id=user, type="complete", item_id=item)
        watched.settle()
        names = sorted(people)
        decisions = []
        for number in range(VISITS):
            if number in KILLED_AT:
                watched.kill_nearline()
            if number == VISITS - MEASURED:
                watched.settle()
            user = names[rng.integers(len(names))]
            decisions.append(visit(http, rng, user, people[user][0]))
    wanted = set(decisions[-MEASURED:])
    until(
        lambda: len(watched.decisions(wanted)) == MEASURED, "decisions are archived", FACT_SECONDS
    )
    shown: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    kinds = {user: kind for user, (kind, _) in people.items()}
    for kind, item, p in probabilities(watched.decisions(wanted), kinds):
        shown[item][kind].append(p)
    both = [by for by in shown.values() if len(by) == len(KINDS)]
    both.sort(key=lambda by: -min(map(len, by.values())))
    differences = [np.mean(by["Romance"]) - np.mean(by["Comedy"]) for by in both[:TITLES]]
    return float(np.mean(differences)), len(differences)


def compare(watched: Watched, model: Model) -> tuple[float, list[int]]:
    """How many impressions nearline has learnt from, and the partitions whose sums are not those
    of the archived log learnt in one go."""
    watched.settle()
    ends = watched.ends()
    until(lambda: watched.archived() == ends, "every event is archived", FACT_SECONDS)
    keys = parse_keys(watched.platform.settings.credit_keys)
    namespace, images = watched.states.cluster().namespace, Images(model)
    impressions, apart = 0.0, []
    for partition in watched.partitions:
        clean = Learnt(Sums(), {})
        learn(credible(list(watched.events(partition)), keys)[0], clean, images)
        found = watched.states.sums(namespace, partition)
        impressions += found.impressions
        if _bits(found) != _bits(clean.sums):
            apart.append(partition)
    return impressions, apart


def _bits(sums: Sums) -> tuple[bytes, dict[int, bytes]]:
    return sums.shared.tobytes(), {key: row.tobytes() for key, row in sums.images.items()}


def rows() -> Iterator[Row]:
    """What, figure, bar, whether it holds: what visits teach, and what kills amid them change."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Options(data=Path(folder), port=0)) as platform,
    ):
        show_demo(platform, Console(quiet=True), Steps(Console(quiet=True)))
        watched = Watched(platform)
        model_id = httpx.get(f"{platform.url}/readyz").json()["model_id"]
        with tempfile.TemporaryDirectory() as cache:
            model = read_model(watched.store, model_id, Path(cache))
        difference, titles = measure(watched, model)
        impressions, apart = compare(watched, model)
        kills = watched.kills()
    yield (
        f"end to end, {VISITS} visits, seed {SEED}: P(romance image), romance - comedy history",
        f"{difference:+.2f} over {titles} titles",
        f">= {BAR} over {TITLES}",
        difference >= BAR and titles == TITLES,
    )
    yield (
        f"end to end, nearline killed {kills} times amid the visits: sums of {impressions:,.0f} "
        "impressions against the archived log, learnt in order",
        f"{len(apart)} of {len(watched.partitions)} partitions differ",
        "none in any bit",
        not apart and impressions > 0 and kills == len(KILLED_AT),
    )


def main() -> int:
    told = list(rows())
    for what, figure, bar, holds in told:
        Console(soft_wrap=True).print(f"{what}: {figure}, bar {bar}: {holds}")
    return 0 if all(holds for *_, holds in told) else 1


if __name__ == "__main__":
    sys.exit(main())
