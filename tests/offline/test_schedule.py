"""The schedule, with runs that are small programs of their own."""

import sys
import threading
import time
from datetime import UTC, datetime

import pytest
from deadline import wait_until

from marquee_offline import schedule
from marquee_offline.schedule import REFUSED, keep_training
from marquee_offline.settings import load
from marquee_shared.channel import publish_entry
from marquee_shared.errors import BadSetting, StoreError
from marquee_shared.store import Store

DEADLINE = 20.0
MODEL = "20260101t000000z-0123456789ab"
RUN = """
import pathlib, sys
log = pathlib.Path(sys.argv[1])
with log.open("a") as file:
    file.write("run\\n")
sys.exit(int(sys.argv[2]))
"""


class Scheduled:
    """A schedule in a thread; each of its runs leaves a line in `log` and ends with `code`."""

    def __init__(self, tmp_path, *, code=0, every=3600.0, store=Store):
        self.store = store((tmp_path / "store").as_uri())
        self.log = tmp_path / "log"
        self.ready = tmp_path / "ready"
        self.said = []
        self.stop = threading.Event()
        command = (sys.executable, "-c", RUN, str(self.log), str(code))
        self.thread = threading.Thread(
            target=keep_training,
            args=(command, self.store, "prod", every),
            kwargs={"ready": self.ready, "say": self.said.append, "stop": self.stop},
        )

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()

    @property
    def runs(self):
        return self.log.read_text().count("run") if self.log.exists() else 0


def until(fact):
    wait_until(fact, "the schedule gets there", seconds=DEADLINE)


class LateStore(Store):
    """A store that does not answer the first question."""

    asked = 0

    def get(self, key):
        self.asked += 1
        if self.asked == 1:
            raise StoreError("not yet")
        return super().get(key)


def entry(store, at):
    publish_entry(store, "prod", MODEL, at=at.isoformat())


def test_an_empty_channel_is_trained_for_at_once_and_is_not_ready(tmp_path):
    with Scheduled(tmp_path) as one:
        until(lambda: one.runs == 1 and "published" in one.said)

        assert not one.ready.exists()


def test_a_young_entry_is_ready_and_trains_nothing(tmp_path):
    one = Scheduled(tmp_path)
    entry(one.store, datetime.now(UTC))
    with one:
        until(one.ready.exists)

    assert one.runs == 0


def test_a_store_that_was_late_is_no_failed_run(tmp_path):
    one = Scheduled(tmp_path, store=LateStore)
    entry(Store(one.store.url), datetime.now(UTC))
    with one:
        until(one.ready.exists)

    assert one.runs == 0
    assert one.said == ["the store does not answer: not yet; again in 1 s"]


def test_an_entry_that_has_come_of_age_is_trained_again(tmp_path):
    one = Scheduled(tmp_path, every=0.5)
    entry(one.store, datetime.now(UTC))
    with one:
        until(lambda: one.runs >= 2)


def test_a_failed_run_is_tried_again_later_and_later_and_is_not_ready(tmp_path):
    one = Scheduled(tmp_path, code=1, every=0.1)
    entry(one.store, datetime(2026, 1, 1, tzinfo=UTC))
    with one:
        until(lambda: one.runs == 3)
        assert not one.ready.exists()

    waits = [line for line in one.said if line.startswith("the run failed")]
    assert waits[:2] == ["the run failed; again in 1 s", "the run failed; again in 2 s"]


def test_a_refused_model_is_no_failure_and_waits_for_its_turn(tmp_path):
    one = Scheduled(tmp_path, code=REFUSED)
    entry(one.store, datetime(2026, 1, 1, tzinfo=UTC))
    with one:
        until(lambda: one.runs == 1 and one.ready.exists())

    assert one.runs == 1


def test_a_stop_ends_the_run_in_hand(tmp_path):
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    stop = threading.Event()
    stopping = threading.Timer(0.5, stop.set)
    stopping.start()

    started = time.monotonic()
    code = schedule._run(command, stop)

    assert code == -15
    assert time.monotonic() - started < DEADLINE


@pytest.mark.parametrize("seconds", ["0", "soon"])
def test_a_wrong_interval_names_its_variable(seconds, monkeypatch):
    monkeypatch.setenv("MARQUEE_STORE", "file:///tmp")
    monkeypatch.setenv("MARQUEE_TRAIN_EVERY_SECONDS", seconds)

    with pytest.raises(BadSetting, match="MARQUEE_TRAIN_EVERY_SECONDS"):
        load()
