"""Seldom: a logging filter for a library that repeats itself many times a second."""

import logging
import re
import time

SECONDS = 30.0  # between two equal lines: a reader learns that it goes on, and nothing is buried
_VARYING = re.compile(r"rdkafka#\w+-\d+|\(after \d+ms[^)]*\)")  # client and delay: no other news


class Seldom(logging.Filter):
    """Lets a line through once in SECONDS. librdkafka tries to connect up to twenty times a second,
    and says so each time."""

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[str, float] = {}  # by line: when it may come again

    def filter(self, record: logging.LogRecord) -> bool:
        line, now = _VARYING.sub("", record.getMessage()), time.monotonic()
        if now < self._next.get(line, 0.0):
            return False
        self._next = {line: at for line, at in self._next.items() if at > now}
        self._next[line] = now + SECONDS
        return True
