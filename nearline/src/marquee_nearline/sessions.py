"""Sessions: the one way out of every trouble is to start again from the stored offset."""

import random
import threading
import time
from collections.abc import Callable

import structlog

from marquee_nearline import metrics
from marquee_nearline.errors import Interrupted

FIRST_WAIT = 0.1  # seconds
LONGEST_WAIT = 5.0
log = structlog.get_logger()


def keep_going(session: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Run sessions until `stop` is set, waiting longer after each that ended in trouble.

    `session` returns when `stop` is set, and raises Interrupted to be started anew. It says itself
    when it is up; that it is no longer is said here. The jitter keeps two workers that fence each
    other from doing so in step.
    """
    wait = FIRST_WAIT
    while not stop.is_set():
        started = time.monotonic()
        try:
            session(stop)
        except Interrupted as why:
            metrics.UP.set(0)
            if time.monotonic() - started > 2 * LONGEST_WAIT:
                wait = FIRST_WAIT
            metrics.SESSIONS.labels(type(why).__name__).inc()
            log.warning("session_interrupted", why=str(why), retry_in=round(wait, 1))
            stop.wait(wait * random.uniform(0.5, 1.0))
            wait = min(2 * wait, LONGEST_WAIT)
    metrics.UP.set(0)
