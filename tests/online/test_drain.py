"""Told to stop: not ready at once, all else goes on for a pause, and each answer closes."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from deadline import wait_until
from models import file_store, publish, small_model
from starlette.testclient import TestClient

from marquee_online.drain import DRAIN_SECONDS, LOWERED_SECONDS, Drain
from marquee_online.main import create_app
from marquee_online.produce import FLUSH_SECONDS

SUPERVISORS_WAIT = 10.0  # seconds between SIGTERM and SIGKILL
ONLINE = str(Path(sys.executable).parent / "marquee-online")


def test_the_whole_end_fits_into_the_time_that_supervisors_give():
    assert LOWERED_SECONDS + DRAIN_SECONDS + FLUSH_SECONDS < SUPERVISORS_WAIT - 0.5


def test_while_draining_readyz_refuses_pages_are_answered_and_each_answer_closes(
    settings, tmp_path
):
    publish(file_store(tmp_path / "store"), small_model())
    drain = Drain()
    with TestClient(create_app(settings, drain)) as client:
        before = client.get("/readyz")
        drain.begun = True
        during = client.get("/readyz")
        others = [client.get(path) for path in ("/livez", "/v1/home", "/nowhere", "/metrics")]

    assert (before.status_code, before.json()["draining"]) == (200, False)
    assert "connection" not in before.headers
    assert during.status_code == 503
    assert (during.json()["ready"], during.json()["draining"]) == (False, True)
    assert during.json()["model_id"]
    assert [answer.status_code for answer in others] == [200, 200, 404, 200]
    assert {answer.headers["connection"] for answer in [during, *others]} == {"close"}


@pytest.fixture
def process(tmp_path):
    """A process with a model that serves, and a client of it."""
    publish(file_store(tmp_path / "store"), small_model())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = subprocess.Popen(
        [ONLINE, "serve"],
        env={
            **os.environ,
            "MARQUEE_KAFKA": "127.0.0.1:1",
            "MARQUEE_REDIS": "redis://127.0.0.1:1/0",
            "MARQUEE_STORE": (tmp_path / "store").as_uri(),
            "MARQUEE_CREDIT_KEYS": "k1:" + "ab" * 32,
            "MARQUEE_CACHE_DIR": str(tmp_path / "cache"),
            "MARQUEE_PORT": str(port),
        },
        stderr=subprocess.DEVNULL,
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
        wait_until(lambda: ready(client), "it serves", seconds=60)
        yield started, client
    started.kill()
    started.wait()


def ready(client):
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_sigterm_lowers_readiness_and_pages_are_answered_until_the_pause_is_over(process):
    started, client = process
    told = time.monotonic()
    started.send_signal(signal.SIGTERM)
    wait_until(lambda: client.get("/readyz").status_code == 503, "it is lowered", seconds=2)
    answer = client.get("/v1/home")

    assert client.get("/readyz").json()["draining"]
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert started.wait(SUPERVISORS_WAIT) == 0
    assert time.monotonic() - told >= LOWERED_SECONDS


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_a_person_or_a_second_sigterm_does_not_wait_for_the_pause(process, signals):
    started, client = process
    told = time.monotonic()
    for number, one in enumerate(signals):
        started.send_signal(one)
        if number + 1 < len(signals):  # two equal signals that wait together arrive as one
            wait_until(lambda: client.get("/readyz").status_code == 503, "it is lowered")

    assert started.wait(SUPERVISORS_WAIT) == 0
    assert time.monotonic() - told < LOWERED_SECONDS
