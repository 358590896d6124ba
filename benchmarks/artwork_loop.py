"""Artwork end to end: what 2,000 visits teach through HTTP, Kafka and Redis, exploration on.

Half of the visitors have a history of romances, half of comedies; each is three times as likely to
play a title whose image is of their kind. Measured is what the service itself logged: over the 50
titles with both images that were most often shown to both, the probability of the romance image for
the one, less that for the other.
"""

import secrets
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
from rich.console import Console

from marquee_infra.demo import Steps, show_demo
from marquee_infra.platform import Options, Platform, running
from marquee_nearline.parquet import decode
from marquee_shared.archive import prefix
from marquee_shared.artifact import read_model
from marquee_shared.decision import decode_decision
from marquee_shared.model import Model
from marquee_shared.store import Store

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


def probabilities(
    store: Store, wanted: set[str], kind_of: dict[str, str]
) -> Iterator[tuple[str, str, float]]:
    """Kind of the visitor, title, logged probability of its romance image; of titles with both."""
    for name in store.list(prefix("decisions")):
        for record in decode(store.get(name), name):
            decision = decode_decision(record.value or b"")
            if decision.decision_id not in wanted or decision.user_id not in kind_of:
                continue
            for choice in (choice for row in decision.rows for choice in row.items):
                ends = [artwork.rpartition(".")[2] for artwork in choice.candidates]
                if {"romance", "comedy"} <= set(ends):
                    p = choice.distribution[ends.index("romance")]
                    yield kind_of[decision.user_id], choice.item_id, p


def measure(platform: Platform) -> tuple[float, int]:
    """The mean difference, and over how many titles."""
    rng = np.random.default_rng(SEED)
    store = Store(platform.endpoints.store)
    with httpx.Client(base_url=platform.url, timeout=10) as http:
        model_id = http.get("/readyz").json()["model_id"]
        with tempfile.TemporaryDirectory() as folder:
            people = histories(read_model(store, model_id, Path(folder)), rng)
        for user, (_, liked) in people.items():
            for item in liked:
                post(http, user_id=user, type="complete", item_id=item)
        time.sleep(1.0)  # the last histories are folded; measured by nothing
        names = sorted(people)
        decisions = []
        for _ in range(VISITS):
            user = names[rng.integers(len(names))]
            decisions.append(visit(http, rng, user, people[user][0]))
    time.sleep(5.0)  # the archiver writes every two seconds
    shown: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    kinds = {user: kind for user, (kind, _) in people.items()}
    for kind, item, p in probabilities(store, set(decisions[-MEASURED:]), kinds):
        shown[item][kind].append(p)
    both = [by for by in shown.values() if len(by) == len(KINDS)]
    both.sort(key=lambda by: -min(map(len, by.values())))
    differences = [np.mean(by["Romance"]) - np.mean(by["Comedy"]) for by in both[:TITLES]]
    return float(np.mean(differences)), len(differences)


def row() -> tuple[str, str, str, bool]:
    """What, figure, bar, whether it holds."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Options(data=Path(folder), port=0)) as platform,
    ):
        show_demo(platform, Console(quiet=True), Steps(Console(quiet=True)))
        difference, titles = measure(platform)
    what = f"end to end, {VISITS} visits, seed {SEED}: P(romance image), romance - comedy history"
    return what, f"{difference:+.2f} over {titles} titles", f">= {BAR}", difference >= BAR


if __name__ == "__main__":
    what, figure, bar, holds = row()
    Console(soft_wrap=True).print(f"{what}: {figure}, bar {bar}: {holds}")
    sys.exit(not holds)
