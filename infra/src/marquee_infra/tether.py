"""Become another program that ends when its parent does: `python tether.py PARENT_PID COMMAND...`.

A small program of its own because the alternative, a `preexec_fn` in the parent, may deadlock once
the parent has threads. Linux only asks for the signal here; elsewhere the command just runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; survives execve


def command() -> list[str]:
    """What goes in front of a command that shall not outlive this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid())]


def main(parent: int, command: list[str]) -> None:
    """Ask for SIGTERM at the parent's death, then replace this process by the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
