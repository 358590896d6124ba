"""A Redis of our own: every write on disk before it is acknowledged, loopback only."""

import re
import subprocess
from pathlib import Path
from shutil import which

import redis

from marquee_infra.child import Command
from marquee_infra.errors import PlatformError
from marquee_infra.ports import LOOPBACK

PROGRAMS = ("redis-server", "valkey-server")
OLDEST = 7  # major version: Redis Functions
INSTALL = "Type `make setup`, or install it by hand: sudo apt-get install -y redis-server"


def command(folder: Path, *, port: int) -> Command:
    """The command of a Redis that keeps its data in `folder`, which is created.

    Raises PlatformError when no Redis >= 7 (or Valkey) is installed.
    """
    program = _program()
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "--port": str(port),
        "--bind": LOOPBACK,
        "--protected-mode": "yes",
        "--dir": str(folder.absolute()),
        "--save": "",
        "--appendonly": "yes",
        "--appendfsync": "always",
        "--loglevel": "warning",
    }
    return Command(name="redis", argv=(program, *(part for s in settings.items() for part in s)))


def answers(url: str) -> bool:
    """Whether a Redis at this URL answers PING (one that still loads its data does not)."""
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, ValueError):  # ValueError: no URL of a Redis
        return False


def _program() -> str:
    program = next((found for name in PROGRAMS if (found := which(name))), None)
    if program is None:
        raise PlatformError("redis-server is missing.", INSTALL)
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    major = re.search(r"v=(\d+)\.", shown.stdout)
    if major is None or int(major[1]) < OLDEST:
        raise PlatformError(
            f"{program} is too old: Marquee needs Redis {OLDEST} or newer.", INSTALL
        )
    return program
