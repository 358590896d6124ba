"""Drain: how a process leaves without failing a request.

SIGTERM lowers `/readyz` at once, and every answer closes its connection, so that proxies and
clients move away; after a pause the listener closes, and requests in hand are finished. SIGINT, or
a second SIGTERM, goes on without the pause.
"""

import signal
import socket
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

# Together with produce.FLUSH_SECONDS below the 10 s after which supervisors kill.
LOWERED_SECONDS = 3.0  # not ready, and still answering: two health checks of a proxy
DRAIN_SECONDS = 4  # for requests in hand; only an event that Kafka does not take needs longer


class Drain:
    """Whether this process is about to leave: the server says so, the routes obey."""

    def __init__(self) -> None:
        self.begun = False


def serve_until_told(service: FastAPI, listening: socket.socket, drain: Drain) -> None:
    """Serve until SIGTERM or SIGINT; requests in hand are finished first."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises it again at the end: a clean one
    config = uvicorn.Config(
        service,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    _Server(config, drain).run(sockets=[listening])


class _Server(uvicorn.Server):
    """uvicorn with a pause before its end; overriding is its only hook."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._lowered_until = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first, self._drain.begun = not self._drain.begun, True
        if first and self.started and sig == signal.SIGTERM:
            self._lowered_until = time.monotonic() + LOWERED_SECONDS
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        if time.monotonic() >= self._lowered_until:
            self.should_exit = True
        return await super().on_tick(counter)
