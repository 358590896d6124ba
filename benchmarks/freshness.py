"""Freshness: from POST to the changed page, over HTTP, on a platform of its own.

200 events one after the other; after each the page is polled every 5 ms until it rests on the
event. Nothing else runs on the platform meanwhile.
"""

import sys
import tempfile
import time
from pathlib import Path

import httpx2 as httpx
import numpy as np
from rich.console import Console

from marquee_infra.demo import Steps, show_demo
from marquee_infra.platform import Options, running

EVENTS = 200
POLL_SECONDS = 0.005
BAR_MS = 250.0  # p99


def measure(http: httpx.Client, items: list[str], prefix: str) -> tuple[list[float], list[float]]:
    """Milliseconds from POST to changed page, and of single page requests."""
    fresh, pages = [], []
    for number in range(EVENTS):
        user = f"{prefix}-{number % 20}"
        wanted = number // 20 + 1
        started = time.perf_counter()
        http.post(
            "/v1/events",
            json={"user_id": user, "type": "complete", "item_id": items[number % len(items)]},
        ).raise_for_status()
        while True:
            asked = time.perf_counter()
            state = http.get("/v1/home", params={"user_id": user}).json()["state"]
            pages.append((time.perf_counter() - asked) * 1000)
            if state and state["events"] >= wanted:
                break
            time.sleep(POLL_SECONDS)
        fresh.append((time.perf_counter() - started) * 1000)
    return fresh, pages


def main() -> int:
    console = Console()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Options(data=Path(folder), port=0)) as platform,
    ):
        show_demo(platform, Console(quiet=True), Steps(Console(quiet=True)))
        with httpx.Client(base_url=platform.url, timeout=10) as http:
            page = http.get("/v1/home").json()
            items = [item["item_id"] for row in page["rows"] for item in row["items"]]
            measure(http, items, "warm")
            fresh, pages = measure(http, items, "fresh")
    console.print(f"page of {len(items)} items, model of the shipped ratings, one client")
    for name, values in (("event to changed page", fresh), ("page", pages)):
        p50, p90, p99, most = np.percentile(values, [50, 90, 99, 100])
        console.print(f"{name}: p50 {p50:.1f}  p90 {p90:.1f}  p99 {p99:.1f}  max {most:.1f} ms")
    holds = float(np.percentile(fresh, 99)) < BAR_MS
    console.print(f"bar: p99 < {BAR_MS:.0f} ms: {'holds' if holds else 'falls short'}")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
