"""The data folder: everything that `marquee` keeps between two runs, used by one run at a time."""

import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marquee_infra.errors import PlatformError, disk_full

# Kafka maps its index files into memory; on a full disk it dies without a word. Bytes.
LEAST_FREE_SPACE = 256 * 2**20

# How long the servers of a run that was killed may take to finish writing. Seconds.
LEFTOVER_SECONDS = 20.0


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Create the folder, check it and hold its lock; yields the lock's descriptor.

    Child processes inherit the descriptor, so the lock is free only when the last of them is gone:
    a new run never writes beside the dying servers of a killed one. Raises PlatformError when the
    folder is in use, cannot be written, or its disk is nearly full.
    """
    _create(folder)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(lock, folder)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield lock
    finally:
        os.close(lock)


def credit_keys(folder: Path) -> str:
    """The keys that sign credit tokens, `k1:<64 hex>`; made at the first call, mode 0600."""
    file = folder / "credit-keys"
    if not file.exists():
        half = file.with_suffix(".half")
        half.unlink(missing_ok=True)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(f"k1:{secrets.token_hex(32)}\n")
        half.replace(file)
    return file.read_text().strip()


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full(folder) from error
        raise PlatformError(
            f"{folder} cannot be used as data folder: {error.strerror}.",
            "Choose another one with --data.",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PlatformError(f"{folder} cannot be written.", "Choose another folder with --data.")
    if shutil.disk_usage(folder).free < LEAST_FREE_SPACE:
        raise disk_full(folder)


def _acquire(lock: int, folder: Path) -> None:
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while not _try_lock(lock):
        holder = os.pread(lock, 20, 0).decode(errors="replace").strip()
        if _is_alive(holder):
            raise PlatformError(
                f"{folder} is in use by another `marquee` (process {holder}).",
                "Stop that one, or choose another folder with --data.",
            )
        if time.monotonic() > deadline:
            raise PlatformError(
                f"{folder} is still held by servers of a `marquee` that was killed.",
                f"`fuser -v {folder / 'lock'}` shows which; end them and try again.",
            )
        time.sleep(0.1)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # alive, and another user's
        return True
    return True
