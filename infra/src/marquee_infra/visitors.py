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
from marquee_infra.simulator import COMMUNITIES, LIKED, LOVED
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
IMAGE_PULL = 2.0  # log-odds of a title whose image shows what these people love
LEAVING_PULL = 2.5  # log-odds of playing nothing
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
    try:
        read_secret_files(os.environ)
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
    """Visit the service at URL for ever: a page, what was seen of it, perhaps a play and its end.

    Waits while the service is away. Chance is seeded, so two streams make the same visits.
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
    number = int(rng.integers(VISITORS))
    now = circumstance(rng, datetime.now(UTC))
    own = {"user_id": f"sim-{SEED}-{number}", "session_id": f"visit-{rng.bytes(8).hex()}"}
    page = _get(client, now, own)
    own |= {key: page[key] for key in ("decision_id", "credit", "context")}
    shown: list[dict[str, Any]] = page["rows"][0]["items"][:LOOKED_AT]
    _post(client, own, type="impressions", seen=[_seen(*one) for one in enumerate(shown)])
    place = choose(rng, shown, now, tuple(COMMUNITIES.values())[number % len(COMMUNITIES)])
    if place is not None:
        played = own | {"item_id": shown[place]["item_id"], "row": 0, "position": place}
        _post(client, played, type="play")
        if rng.random() < COMPLETES:
            _post(client, played, type="complete")
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
    rng: np.random.Generator,
    shown: Sequence[dict[str, Any]],
    now: Circumstance,
    people: tuple[tuple[str, ...], tuple[str, ...]],
) -> int | None:
    """The position that a visitor plays, or None: a softmax over what suits the hour and the
    device, what its image promises to this kind of people, what stands first, and going away."""
    suits = [set(DEVICE_GENRES[now.device]), set(DAYPART_GENRES[now.daypart])]
    odds = [
        GENRE_PULL * sum(bool(set(item["genres"]) & some) for some in suits)
        + IMAGE_PULL * _promise(item.get("artwork") or {}, *people)
        - POSITION_PULL * place
        for place, item in enumerate(shown)
    ]
    drawn = np.array([*odds, LEAVING_PULL]) + rng.gumbel(size=len(odds) + 1)
    place = int(np.argmax(drawn))
    return place if place < len(odds) else None


def _promise(artwork: dict[str, Any], loved: tuple[str, ...], liked: tuple[str, ...]) -> float:
    """How well an image goes with people who love and who like these genres: its best theme."""
    themes = artwork.get("themes", ())
    return max((LOVED * (t in loved) or LIKED * (t in liked) for t in themes), default=0.0)


def _get(client: httpx.Client, now: Circumstance, own: dict[str, str]) -> dict[str, Any]:
    where = {"device": now.device, "local_time": now.local_time}
    answer = client.get("/v1/home", params=own | where)
    answer.raise_for_status()
    page: dict[str, Any] = answer.json()
    return page


def _post(client: httpx.Client, own: dict[str, Any], **event: Any) -> None:  # noqa: ANN401 JSON
    client.post("/v1/events", json=own | event).raise_for_status()


def _seen(place: int, item: dict[str, Any]) -> dict[str, Any]:
    artwork = {"artwork_id": item["artwork"]["artwork_id"]} if "artwork" in item else {}
    return {"item_id": item["item_id"], "row": 0, "position": place, **artwork}


def _say(line: str) -> None:
    sys.stderr.write(f"{datetime.now():%H:%M:%S} marquee-visitors: {line}\n")


if __name__ == "__main__":
    app()
