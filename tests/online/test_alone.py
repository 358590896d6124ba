"""`serve` started with nothing behind it: alive, not ready, and saying what it misses."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2 as httpx
from deadline import wait_until

ONLINE = str(Path(sys.executable).parent / "marquee-online")
CLOSED = "127.0.0.1:1"
MISSING = (
    f"{CLOSED}/bootstrap: Connect to",
    f"Redis: Error 111 connecting to {CLOSED}",
    "store s3://",
)


def test_it_is_alive_not_ready_says_what_it_misses_and_ends_well(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [ONLINE, "serve"],
            env={
                **os.environ,
                "MARQUEE_KAFKA": CLOSED,
                "MARQUEE_REDIS": f"redis://{CLOSED}/0",
                "MARQUEE_STORE": "s3://bucket",
                "MARQUEE_CREDIT_KEYS": "k1:" + "ab" * 32,
                "MARQUEE_CACHE_DIR": str(tmp_path / "cache"),
                "MARQUEE_PORT": str(port),
                "AWS_ENDPOINT_URL": f"http://{CLOSED}",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "key",
                "AWS_SECRET_ACCESS_KEY": "secret",
            },
            stdout=said,
            stderr=said,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            wait_until(lambda: status(client, "/livez") == 200, "it is alive", seconds=30)
            assert status(client, "/readyz") == 503
            wait_until(
                lambda: all(one in log.read_text() for one in MISSING),
                f"it says {MISSING}",
                seconds=30,
            )
            assert status(client, "/readyz") == 503
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log.read_text()
    assert len(log.read_text().splitlines()) < 30


def status(client, path):
    try:
        return client.get(path).status_code
    except httpx.TransportError:
        return None
