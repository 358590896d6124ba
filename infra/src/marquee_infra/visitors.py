"""The command `marquee-visitors`: simulated people, in the archive's past and at the service now.

They are the simulator's people before the real service; `crowd.py` tells how they fare there. It
needs `shared`, the archive's writer and an HTTP client: the image of a demo's visitors holds no
more than that.
"""

import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import httpx2 as httpx
import numpy as np
import typer

from marquee_infra.crowd import Crowd
from marquee_infra.people import make_people
from marquee_infra.simulate import SEED, VISITORS, write_history
from marquee_offline.catalogue import read_catalogue
from marquee_offline.movielens import read_folder
from marquee_shared.errors import MarqueeError
from marquee_shared.store import Store
from marquee_shared.variables import read_secret_files

PAUSE = 1.0  # seconds between two visits: enough to see something move, a load of some per cent
RETRY = 1.0  # seconds before the service is tried again

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

    Waits while the service is away. Chance is seeded; who comes also depends on what they find.
    """
    with httpx.Client(base_url=url, timeout=10.0) as client:
        crowd = Crowd(client, SEED, make_people(np.random.default_rng(SEED), VISITORS))
        while True:
            try:
                personal = crowd.visit()
            except (httpx.HTTPError, ValueError) as error:
                _say(f"{url}: {error or type(error).__name__}; again in {RETRY:.0f} s")
                time.sleep(RETRY)
                continue
            if personal and alive:
                alive.touch()
            time.sleep(PAUSE)


def _say(line: str) -> None:
    sys.stderr.write(f"{datetime.now():%H:%M:%S} marquee-visitors: {line}\n")


if __name__ == "__main__":
    app()
