"""`run` and `archive` started with nothing behind them: alive, waiting, and saying for what."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from deadline import wait_until

NEARLINE = str(Path(sys.executable).parent / "marquee-nearline")
CLOSED = "127.0.0.1:1"
SUPERVISORS_WAIT = 10.0  # seconds between SIGTERM and SIGKILL


class Alone:
    """A process whose Kafka, Redis and S3 refuse connections."""

    def __init__(self, folder: Path, command: str, store: str, kafka: str = CLOSED) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [NEARLINE, command],
                env={
                    **os.environ,
                    "MARQUEE_KAFKA": kafka,
                    "MARQUEE_REDIS": f"redis://{CLOSED}/0",
                    "MARQUEE_STORE": store,
                    "MARQUEE_CACHE_DIR": str(folder / "cache"),
                    "MARQUEE_METRICS_PORT": str(self._port),
                    "AWS_ENDPOINT_URL": f"http://{CLOSED}",
                    "AWS_REGION": "us-east-1",
                    "AWS_ACCESS_KEY_ID": "key",
                    "AWS_SECRET_ACCESS_KEY": "secret",
                },
                stdout=log,
                stderr=log,
            )

    def said(self) -> str:
        return self._log.read_text()

    def up(self) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics") as answer:
            found = re.search(rb"^marquee_session_up (\S+)$", answer.read(), re.MULTILINE)
        assert found
        return float(found[1])

    def told_to_stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SUPERVISORS_WAIT)


@pytest.fixture
def alone(tmp_path):
    started = []

    def start(command, store=None, kafka=CLOSED):
        started.append(Alone(tmp_path, command, store or (tmp_path / "store").as_uri(), kafka))
        return started[0]

    yield start
    started[0].process.kill()
    started[0].process.wait()


@pytest.mark.parametrize(
    ("command", "store", "missing"),
    [
        ("run", "s3://bucket", [f"Redis: .*{CLOSED}", "store s3://bucket: "]),
        ("run", None, [f"Redis: .*{CLOSED}", "model_missing"]),
        ("archive", "s3://bucket", ["store s3://bucket: "]),
        ("archive", None, [f"Kafka at {CLOSED}: .*refused"]),
    ],
)
def test_it_says_what_it_misses_tries_again_and_is_not_up(alone, command, store, missing):
    process = alone(command, store)

    wait_until(
        lambda: (
            process.said().count("session_interrupted") >= 2
            and all(re.search(one, process.said()) for one in missing)
        ),
        f"{command} says {missing} and tries again",
        seconds=60,
    )

    assert process.process.poll() is None
    assert process.up() == 0.0
    assert process.told_to_stop() == 0
    assert "Traceback" not in process.said()


def test_a_name_that_does_not_resolve_is_told_without_a_flood(alone):
    process = alone("archive", kafka="no-such-host.invalid:9092")

    wait_until(
        lambda: process.said().count("session_interrupted") >= 2, "it tried twice", seconds=60
    )

    assert "Kafka at no-such-host.invalid:9092: " in process.said()
    assert "Failed to resolve" in process.said()
    assert len(process.said().splitlines()) < 10
