"""The combined log: readable, bounded, and no process stops because it cannot be written."""

import os
from pathlib import Path

import pytest

from marquee_infra.combined_log import MAX_BYTES, TAIL_LINES, CombinedLog


@pytest.fixture
def log(tmp_path: Path):
    made = CombinedLog(tmp_path / "marquee.log")
    yield made
    made.close()


def test_each_line_stands_behind_the_name_of_its_process(log: CombinedLog):
    reading, writing = os.pipe()
    os.write(writing, b"one\ntwo \xff\nno end")
    os.close(writing)
    log.follow("redis", os.fdopen(reading, "rb")).join()
    lines = [line.split("| ") for line in log.path.read_text().splitlines()]
    assert [(name.strip(), line) for name, line in lines] == [
        ("redis", "one"),
        ("redis", "two \ufffd"),
        ("redis", "no end"),
    ]


def test_tail_holds_the_last_lines_of_one_process(log: CombinedLog):
    for number in range(100):
        log.write("kafka", str(number))
        log.write("redis", "other")
    assert log.tail("kafka").splitlines() == [str(n) for n in range(100 - TAIL_LINES, 100)]


def test_log_begins_a_new_file_at_its_limit(log: CombinedLog):
    for _ in range(MAX_BYTES // 10_000 + 1):
        log.write("kafka", "x" * 10_000)
    log.write("kafka", "last")
    assert log.path.stat().st_size < MAX_BYTES
    assert log.path.with_name("marquee.log.1").stat().st_size > MAX_BYTES


def test_full_disk_is_remembered_and_the_process_can_still_write():
    log = CombinedLog(Path("/dev/full"))
    reading, writing = os.pipe()
    reader = log.follow("kafka", os.fdopen(reading, "rb"))
    os.write(writing, b"line\n" * 100_000)  # more than a pipe holds: blocks unless it is drained
    os.close(writing)
    reader.join()
    log.close()
    assert log.failure is not None
    assert log.tail("kafka").splitlines()[-1] == "line"
