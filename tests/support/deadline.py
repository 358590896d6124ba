"""Waiting for a fact instead of for a while."""

import time
from collections.abc import Callable


def wait_until(fact: Callable[[], object], what: str, *, seconds: float = 20.0) -> None:
    """Return as soon as `fact()` is true; AssertionError, naming `what`, after the deadline."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
