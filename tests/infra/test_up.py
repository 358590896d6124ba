"""`marquee up` with the real tiers: it comes up, survives deaths, goes down and goes on."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from deadline import wait_until

MARQUEE = str(Path(sys.executable).parent / "marquee")


@contextmanager
def marquee_up(data: Path) -> Iterator[subprocess.Popen[str]]:
    """The running command, ready; ended by SIGTERM, after which it must have ended well."""
    with subprocess.Popen(
        [MARQUEE, "up", "--data", str(data), "--port", "0"],
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        shown = []
        while "Ctrl-C" not in (line := command.stdout.readline()):
            assert line, "".join(shown)
            shown.append(line)
        command.shown = "".join(shown)
        yield command
        command.send_signal(signal.SIGTERM)
        rest, _ = command.communicate(timeout=60)
        assert command.returncode == 0, rest


def children_of(pid: int) -> dict[int, str]:
    """Pid and command line of each child that is no zombie."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(word) for file in found for word in file.read_text().split()]
    lines = {c: Path(f"/proc/{c}/cmdline").read_bytes().decode() for c in children}
    return {child: line for child, line in lines.items() if line}


def test_platform_comes_up_survives_a_tiers_death_and_goes_on_where_it_was(tmp_path: Path):
    with marquee_up(tmp_path) as command:
        for component in ("kafka", "redis", "nearline", "archive", "online"):
            assert re.search(rf"{component} +│ (up|ready|alive)", command.shown), command.shown
        first = redis_content(tmp_path)
        assert first
        before = children_of(command.pid)
        assert len(before) == 5
        victim = next(pid for pid, line in before.items() if "marquee-online" in line)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: "online: " in command.stdout.readline(), "the death is shown")
        wait_until(lambda: len(children_of(command.pid)) == 5, "the tier is back")
        everybody = children_of(command.pid)
    assert not [pid for pid in everybody if Path(f"/proc/{pid}").exists()]
    with marquee_up(tmp_path):
        assert redis_content(tmp_path) == first


def redis_content(data: Path) -> dict[bytes, bytes]:
    """What `marquee-nearline init` wrote of the cluster."""
    port = json.loads((data / "ports.json").read_text())["redis"]
    with redis.Redis(port=port) as client:
        return client.hgetall("cluster:meta")
