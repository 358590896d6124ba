"""A small supervisor: starts processes, restarts the dead, and leaves nothing behind."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import Self

from marquee_infra.child import Child, Command
from marquee_infra.combined_log import CombinedLog
from marquee_infra.errors import PlatformError, disk_full

POLL_SECONDS = 0.1
STOP_SECONDS = 10.0  # between SIGTERM and SIGKILL
FIRST_PAUSE = 1.0  # seconds before a dead process is restarted; doubles up to LONGEST_PAUSE
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # after so long a life the next pause is FIRST_PAUSE again
DISK_FULL = "No space left on device"  # strerror(ENOSPC), as Java, Redis and Python print it


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """What a supervised process does now; `pid` is None between death and restart."""

    name: str
    pid: int | None
    restarts: int


@dataclass(slots=True, kw_only=True)
class _Supervised:
    command: Command
    child: Child
    revive: bool
    started: float
    restarts: int = 0
    pause: float = FIRST_PAUSE
    due: float | None = None
    """When to restart it; None while it runs."""


class Supervisor:
    """Runs commands until `stop`, or the end of its `with` block, and restarts those that die.

    One thread, which lives as long as the supervisor, starts and collects all children: they end
    with the thread that made them, and no state needs a lock. `inherit` are descriptors that every
    process keeps open (the data folder's lock).
    """

    def __init__(self, log: CombinedLog, *, inherit: tuple[int, ...] = ()) -> None:
        self.log = log
        self._inherit = inherit
        self._all: dict[str, _Supervised] = {}
        self._failure: PlatformError | None = None
        self._stopping = threading.Event()
        self._spawner = ThreadPoolExecutor(1, "spawner")
        self._tender = threading.Thread(target=self._tend, name="tender", daemon=True)
        self._tender.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def failure(self) -> PlatformError | None:
        """Why the platform cannot go on (a full disk), if so."""
        if self.log.failure is not None:
            return disk_full(self.log.path.parent)
        return self._failure

    def start(self, command: Command) -> None:
        """Start a process and keep it running. Raises PlatformError if its program is missing."""
        self._submit(command, revive=True)

    def run_once(self, command: Command, *, seconds: float) -> None:
        """Run a command to its end. Raises PlatformError when it fails or takes longer."""
        self._submit(command, revive=False)
        child = self._all[command.name].child
        deadline = time.monotonic() + seconds
        while child.code is None:
            if time.monotonic() > deadline:
                raise self._complaint(command.name, f"did not end within {seconds:.0f} s")
            time.sleep(POLL_SECONDS / 2)
        if child.code != 0:
            raise self._complaint(command.name, f"ended with code {child.code}")

    def wait_ready(self, name: str, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until `ready()`. Raises PlatformError, with the log's tail, on death or deadline."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._all[name].due is not None or self._all[name].restarts:
                raise self._complaint(name, "died while starting")
            if time.monotonic() > deadline:
                raise self._complaint(name, f"did not answer within {seconds:.0f} s")
            time.sleep(POLL_SECONDS / 2)

    def states(self) -> tuple[ProcessState, ...]:
        """The processes to be kept running, in the order of their start."""
        return tuple(
            ProcessState(
                name=name,
                pid=one.child.pid if one.due is None else None,
                restarts=one.restarts,
            )
            for name, one in list(self._all.items())
            if one.revive
        )

    def stop(self) -> None:
        """Stop all processes, the last started first; returns when none is left."""
        self._stopping.set()
        self._tender.join()
        self._spawner.submit(self._stop_all).result()
        self._spawner.shutdown()

    def _submit(self, command: Command, *, revive: bool) -> None:
        if which(command.argv[0]) is None:
            raise PlatformError(
                f"The program {Path(command.argv[0]).name} is not installed.",
                "Type `make setup`, which installs what is missing.",
            )
        self._spawner.submit(self._spawn, command, revive).result()

    def _complaint(self, name: str, what: str) -> PlatformError:
        tail = self.log.tail(name)
        if DISK_FULL in tail:
            return disk_full(self.log.path.parent)
        return PlatformError(
            f"{name} {what}. Its last lines:\n{tail}\n", f"The whole log is {self.log.path}."
        )

    # Below: in the spawner thread alone.

    def _spawn(self, command: Command, revive: bool) -> None:
        child = Child(command, self.log, self._inherit)
        self._all[command.name] = _Supervised(
            command=command, child=child, revive=revive, started=time.monotonic()
        )

    def _revive_dead(self) -> None:
        for one in self._all.values():
            if one.due is None and one.child.collect() and one.revive:
                self._plan_restart(one)
            elif one.due is not None and time.monotonic() >= one.due:
                one.child = Child(one.command, self.log, self._inherit)
                one.started, one.due = time.monotonic(), None
                one.restarts += 1

    def _plan_restart(self, one: _Supervised) -> None:
        name = one.command.name
        if DISK_FULL in self.log.tail(name):
            self._failure = disk_full(self.log.path.parent)
        if time.monotonic() - one.started > STEADY_SECONDS:
            one.pause = FIRST_PAUSE
        one.due = time.monotonic() + one.pause
        self.log.write(
            "marquee", f"{name} ended with code {one.child.code}; restart in {one.pause:.0f} s"
        )
        one.pause = min(2 * one.pause, LONGEST_PAUSE)

    def _stop_all(self) -> None:
        for one in reversed(self._all.values()):
            one.child.end(STOP_SECONDS)

    def _tend(self) -> None:  # the tender's own thread; it only gives the beat
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self._spawner.submit(self._revive_dead).result()
            except OSError as error:  # no more processes, descriptors or memory
                self._failure = PlatformError(
                    f"A process could not be started again: {error.strerror}.",
                    "Close some programs on this machine and try again.",
                )
