"""Schedule: train and publish again and again, each run a process of its own.

A run's memory, its Java above all, is gone when it ends, and its crash is a failed run and no more.
What is due is read from the channel, so a restart neither forgets a run nor repeats one.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from marquee_shared.channel import latest
from marquee_shared.errors import BadArtifact, StoreError
from marquee_shared.store import Store

REFUSED = 3  # exit code of a run whose model the gate keeps from serving
FIRST_WAIT = 1.0  # seconds before a failed run is tried again; doubles up to LONGEST_WAIT
LONGEST_WAIT = 60.0
LONGEST_RUN = 12 * 3600.0  # seconds: a Spark that hangs shall not end all training in silence
BEAT = 1.0  # seconds between two looks at the clock
READY = "ready"  # the name of that file, in the cache folder; the container's health check
Say = Callable[[str], None]


def keep_training(
    command: Sequence[str],
    store: Store,
    channel: str,
    every: float,
    *,
    ready: Path,
    say: Say,
    stop: threading.Event,
) -> None:
    """Run `command` whenever the channel's newest entry is `every` seconds old, until told to stop.

    A failed run is tried again, waiting longer each time; one that the gate refused after `every`
    seconds. `ready` exists while a model is published and the last run was no failure; a store that
    did not answer is none, once it answers again.
    """
    ready.unlink(missing_ok=True)
    wait, earliest, failed = FIRST_WAIT, 0.0, False
    while not stop.is_set():
        try:
            published = _published(store, channel)
        except StoreError as error:  # says nothing of the last run
            trouble = f"the store does not answer: {error}"
        else:
            if published and not failed:
                ready.touch()
            if (due := max(earliest, published + every)) > time.time():
                wait = FIRST_WAIT
                _sleep_until(due, stop)
                continue
            say("training")
            code = _run(command, stop)
            if stop.is_set():
                return
            failed = code not in (0, REFUSED)
            if not failed:
                say("published" if code == 0 else f"refused by the gate; again in {every:.0f} s")
                wait, earliest = FIRST_WAIT, time.time() + every
                continue
            trouble = "the run failed"
        ready.unlink(missing_ok=True)
        say(f"{trouble}; again in {wait:.0f} s")
        stop.wait(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def _published(store: Store, channel: str) -> float:
    """When the newest entry was written, in seconds since the epoch; 0 where none can be read."""
    try:
        entry = latest(store, channel)
    except BadArtifact:
        return 0.0  # the next publication mends the channel
    return datetime.fromisoformat(entry.at).timestamp() if entry else 0.0


def _sleep_until(due: float, stop: threading.Event) -> None:
    while time.time() < due and not stop.wait(BEAT):
        pass


def _run(command: Sequence[str], stop: threading.Event) -> int:
    """The command's exit code; a stop is passed on to it, and so is the end of its patience."""
    ends = time.monotonic() + LONGEST_RUN
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            if stop.wait(0.1) or time.monotonic() > ends:
                process.terminate()
                break
        return process.wait()
