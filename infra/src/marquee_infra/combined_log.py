"""One readable log for all processes: each line of their output behind the process's name."""

import threading
from collections import defaultdict, deque
from pathlib import Path
from typing import IO

MAX_BYTES = 20 * 2**20  # then the file becomes `<name>.1` and a new one begins
LONGEST_LINE = 16_384  # bytes; a longer one is broken
TAIL_LINES = 30  # of each process, for error messages
NAME_WIDTH = 14


class CombinedLog:
    """Appends lines to one file and remembers the last ones of each process.

    `failure` holds the first error of writing (a full disk). Lines are then dropped, never left in
    the pipe: a process that cannot write its output would stop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failure: OSError | None = None
        self._tails: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=TAIL_LINES))
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)

    def follow(self, name: str, stream: IO[bytes]) -> threading.Thread:
        """Copy a process's output until its end, in a thread that the caller may join."""
        reader = threading.Thread(target=self._copy, args=(name, stream), daemon=True)
        reader.start()
        return reader

    def write(self, name: str, line: str) -> None:
        """Append one line."""
        with self._lock:
            self._tails[name].append(line)
            try:
                self._file.write(f"{name:<{NAME_WIDTH}}| {line}\n".encode())
                if self._file.tell() > MAX_BYTES:
                    self._rotate()
            except ValueError:  # closed: the line is dropped
                return
            except OSError as error:
                self.failure = self.failure or error

    def tail(self, name: str) -> str:
        """The last lines of one process."""
        with self._lock:
            return "\n".join(self._tails[name])

    def close(self) -> None:
        """Close the file; later lines are dropped."""
        with self._lock:
            self._file.close()

    def _copy(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            while raw := stream.readline(LONGEST_LINE):
                self.write(name, raw.decode(errors="replace").rstrip("\r\n"))

    def _rotate(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_name(self.path.name + ".1"))
        self._file = self.path.open("ab", buffering=0)
