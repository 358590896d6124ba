"""One child process with all it may have started: born tethered to us, ended as a whole group."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from marquee_infra import tether
from marquee_infra.combined_log import CombinedLog

POLL_SECONDS = 0.05
READER_SECONDS = 2.0  # for the last lines of an ended process


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to run under a short name; `environment` is added to our own."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A started command; its output goes to the log.

    It ends with the *thread* that made it (PR_SET_PDEATHSIG works by thread), so make it in one
    that lives long. `inherit` are descriptors that it keeps open.
    """

    def __init__(self, command: Command, log: CombinedLog, inherit: tuple[int, ...] = ()) -> None:
        self._process = subprocess.Popen(
            [*tether.command(), *command.argv],
            env={**os.environ, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            pass_fds=inherit,
        )
        assert self._process.stdout is not None
        self._reader: threading.Thread = log.follow(command.name, self._process.stdout)
        self.pid = self._process.pid
        self.code: int | None = None
        """The exit code, negative for a signal; None as long as `collect` has not seen the end."""

    def collect(self) -> bool:
        """Whether it has ended; if so, end what is left of its group and take in its last lines."""
        if self.code is None and self._has_ended():
            self._signal_group(signal.SIGKILL)
            self._reader.join(READER_SECONDS)
            self.code = self._process.wait()
        return self.code is not None

    def end(self, patience: float) -> None:
        """Ask it to end (SIGTERM); after `patience` seconds end the whole group (SIGKILL)."""
        if self.collect():
            return
        self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        while not self.collect():
            if time.monotonic() > deadline:
                self._signal_group(signal.SIGKILL)
            time.sleep(POLL_SECONDS)

    def _has_ended(self) -> bool:
        # WNOWAIT leaves the zombie, so that its number still names the group, and no other one.
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, options) is not None

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return
