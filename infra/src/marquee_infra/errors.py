"""The one error that `marquee` shows to a person.

PlatformError    something outside the program is wrong: one sentence, and what to do about it
"""

from pathlib import Path


class PlatformError(Exception):
    """What is wrong (`message`) and what a person can do about it (`fix`), a sentence each."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(f"{message} {fix}")
        self.message = message
        self.fix = fix


def disk_full(folder: Path) -> PlatformError:
    """Say that the disk below `folder` has no room left."""
    return PlatformError(
        f"The disk that holds {folder} is full.",
        "Free some space (`df -h` shows how much is left) or choose another folder with --data.",
    )
