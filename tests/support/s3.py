"""A real S3 server for tests: versitygw on a loopback port, in a folder."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deadline import wait_until

CACHE = Path(os.environ.get("MARQUEE_CACHE") or Path.home() / ".cache" / "marquee")
VERSITYGW = CACHE / "versitygw-1.8.0" / "versitygw"
SECRET = secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """A running server: how a Store finds it, and where its buckets lie."""

    environment: dict[str, str]
    buckets: Path

    def bucket(self) -> str:
        """The address of a new, empty bucket."""
        name = f"marquee-{secrets.token_hex(8)}"
        (self.buckets / name).mkdir()
        return f"s3://{name}"


@contextmanager
def running(folder: Path, *, metadata: bool = True) -> Iterator[S3]:
    """A server that honours conditional writes, or, without metadata, accepts and ignores them."""
    assert VERSITYGW.exists(), f"{VERSITYGW} is missing. Type `make versitygw`."
    buckets, sidecar = folder / "buckets", folder / "metadata"
    buckets.mkdir(parents=True)
    sidecar.mkdir()
    port = _free_port()
    kept = ["--sidecar", str(sidecar)] if metadata else ["--nometa"]
    with (folder / "versitygw.log").open("wb") as log:
        server = subprocess.Popen(
            [VERSITYGW, "--port", f"127.0.0.1:{port}", "posix", *kept, str(buckets)],
            env={"ROOT_ACCESS_KEY": "marquee", "ROOT_SECRET_KEY": SECRET},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: _accepts(port) or server.poll() is not None, "versitygw answers")
        assert server.poll() is None, (folder / "versitygw.log").read_text()
        yield S3(
            environment={
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "marquee",
                "AWS_SECRET_ACCESS_KEY": SECRET,
            },
            buckets=buckets,
        )
    finally:
        server.terminate()
        server.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True
