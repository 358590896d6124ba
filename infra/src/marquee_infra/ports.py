"""Loopback ports: which one each server listens on, remembered from run to run."""

import errno
import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

from marquee_infra.errors import PlatformError

LOOPBACK = "127.0.0.1"

# Below Linux's ephemeral range (32768 upwards): a client that keeps dialling a stopped server on an
# ephemeral port can be given that very port as its own, connect to itself and keep the server out.
CANDIDATES = range(20_000, 32_000)


def claim(file: Path, names: Iterable[str]) -> dict[str, int]:
    """Give each name a free port: the one remembered in `file` if still free, else a new one.

    Other names in the file are kept. A file that cannot be read as ports is written anew.
    """
    remembered = _read(file)
    for name in names:
        port = remembered.get(name)
        if port is None or not is_free(port):
            remembered[name] = _new_port(taken=set(remembered.values()))
    _write(file, remembered)
    return {name: remembered[name] for name in names}


def require_free(port: int) -> None:
    """Raise PlatformError when the HTTP port that the user asked for cannot be listened on."""
    try:
        _bind(port)
    except PermissionError as error:
        raise PlatformError(
            f"Port {port} may only be opened by root.",
            "Choose one above 1023, for example: --port 8000.",
        ) from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PlatformError(
            f"Port {port} on {LOOPBACK} is used by another program.",
            f"Stop that program or choose another port, for example: --port {port + 1}.",
        ) from error


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    try:
        _bind(port)
    except (OSError, OverflowError):
        return False
    return True


def accepts(host: str, port: int, *, seconds: float = 0.5) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        socket.create_connection((host, port), timeout=seconds).close()
    except OSError:
        return False
    return True


def _bind(port: int) -> None:
    with socket.socket() as probe:
        # Without it the closed connections of the run before would count as "in use" for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))


def _new_port(taken: set[int]) -> int:
    for port in random.sample(CANDIDATES, k=500):
        if port not in taken and is_free(port):
            return port
    raise PlatformError(
        f"No free port was found between {CANDIDATES.start} and {CANDIDATES.stop}.",
        "Stop some servers on this machine (`ss -ltn` lists them).",
    )


def _read(file: Path) -> dict[str, int]:
    try:
        content = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {str(name): port for name, port in content.items() if type(port) is int}


def _write(file: Path, ports: dict[str, int]) -> None:
    half = file.with_suffix(".half")
    half.write_text(json.dumps(ports, indent=2) + "\n")
    half.replace(file)
