"""The command `marquee-visitors`: simulated people, in the archive's past and at the service now.

It needs `shared`, the archive's writer and an HTTP client: the image of a demo's visitors holds no
more than that.
"""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2 as httpx
import numpy as np
import typer

from marquee_infra.simulate import DAYPART_GENRES, DEVICE_GENRES, FIRST_HOUR, write_history
from marquee_offline.catalogue import read_catalogue
from marquee_offline.movielens import read_folder
from marquee_shared.errors import MarqueeError
from marquee_shared.store import Store
from marquee_shared.variables import read_secret_files

SEED = 7  # of the simulated history and of the visits
PAUSE = 1.0  # seconds between two visits: enough to see something move, a load of some per cent
RETRY = 1.0  # seconds before the service is tried again
VISITORS = 600  # of the history, who come back
LOOKED_AT = 10  # positions of the first row that a visitor considers
POSITION_PULL = 0.15  # log-odds fall by this per position
GENRE_PULL = 1.0  # log-odds of a title for each circumstance that one of its genres suits
COMPLETES = 0.7  # share of the plays that are watched to the end
PERSONAL = "history"  # the basis of a page that rests on what the user did

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def visitors() -> None:
    """Simulated visitors of a Marquee."""


@app.command("history")
def history_command(folder: Path) -> None:
    """Write the visitors' past to the archive of MARQUEE_STORE; FOLDER is the imported MovieLens.

    Once: a second run finds everything there.
    """
    read_secret_files(os.environ)
    try:
        store = Store(os.environ.get("MARQUEE_STORE", ""))
        catalogue = read_catalogue(store, f"import-{read_folder(folder).digest}")
        _say(f"wrote {write_history(store, seed=SEED, items=catalogue)}")
    except MarqueeError as error:
        _say(str(error))
        raise typer.Exit(1) from None


@app.command("stream")
def stream_command(
    url: str,
    alive: Annotated[
        Path | None, typer.Option(help="File to touch after each personalised page.")
    ] = None,
) -> None:
    """Visit the service at URL for ever: a page, a choice, a play, its end. Waits when it is away.

    The choices are made with seed 7, so two streams make the same visits.
    """
    rng = np.random.default_rng(SEED)
    with httpx.Client(base_url=url, timeout=10.0) as client:
        while True:
            try:
                personal = visit(client, rng)
            except (httpx.HTTPError, ValueError) as error:
                _say(f"{url}: {error or type(error).__name__}; again in {RETRY:.0f} s")
                time.sleep(RETRY)
                continue
            if personal and alive:
                alive.touch()
            time.sleep(PAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """Where and when a visitor looks; `local_time` as the API takes it."""

    device: str
    daypart: str
    local_time: str


def visit(client: httpx.Client, rng: np.random.Generator) -> bool:
    """One visit; True when the page was personalised. Raises httpx.HTTPError."""
    user = f"sim-{SEED}-{int(rng.integers(VISITORS))}"
    now = circumstance(rng, datetime.now(UTC))
    page = _get(client, user, now)
    shown: list[dict[str, Any]] = page["rows"][0]["items"][:LOOKED_AT]
    place = choose(rng, [item["genres"] for item in shown], now)
    end = "complete" if rng.random() < COMPLETES else ""
    for kind in ("play", end) if end else ("play",):
        event = {
            "user_id": user,
            "type": kind,
            "item_id": shown[place]["item_id"],
            "decision_id": page["decision_id"],
            "credit": page["credit"],
            "row": 0,
            "position": place,
            "context": page["context"],
        }
        client.post("/v1/events", json=event).raise_for_status()
    return bool(page["basis"] == PERSONAL)


def circumstance(rng: np.random.Generator, today: datetime) -> Circumstance:
    """A device and an hour of today, each as likely as the others."""
    daypart = str(rng.choice(list(FIRST_HOUR)))
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return Circumstance(
        device=str(rng.choice(list(DEVICE_GENRES))),
        daypart=daypart,
        local_time=f"{midnight + timedelta(hours=FIRST_HOUR[daypart]):%Y-%m-%dT%H:%M}",
    )


def choose(
    rng: np.random.Generator, genres: Sequence[Sequence[str]], now: Circumstance
) -> int:  # fmt: skip
    """The position that a visitor takes: a softmax over what suits, and over what stands first."""
    liked = set(DEVICE_GENRES[now.device]), set(DAYPART_GENRES[now.daypart])
    suits = np.array([sum(bool(set(have) & some) for some in liked) for have in genres], float)
    odds = GENRE_PULL * suits - POSITION_PULL * np.arange(len(genres))
    return int(np.argmax(odds + rng.gumbel(size=len(genres))))


def _get(client: httpx.Client, user: str, now: Circumstance) -> dict[str, Any]:
    where = {"user_id": user, "device": now.device, "local_time": now.local_time}
    answer = client.get("/v1/home", params=where)
    answer.raise_for_status()
    page: dict[str, Any] = answer.json()
    return page


def _say(line: str) -> None:
    sys.stderr.write(f"{datetime.now():%H:%M:%S} marquee-visitors: {line}\n")


if __name__ == "__main__":
    app()
