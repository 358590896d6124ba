"""Who came back: hand-worked logs, read from an archive as it lies in a store."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from decision_log import write_decisions
from models import file_store
from pyspark.sql import SparkSession

from marquee_offline.archive_write import write_source
from marquee_offline.outcomes.retention import (
    ArmUsers,
    Counted,
    Returned,
    count_returns,
    last_moment,
    read_exposures,
    read_visits,
)
from marquee_offline.snapshot import chained_objects, pin
from marquee_shared.decision import Decision
from marquee_shared.event import Event
from marquee_shared.signals import DAY_MS

T0 = 1_796_083_200_000  # 2026-12-01 00:00 UTC
HOUR = DAY_MS // 24


def counted(spark: SparkSession, exposures, visits, through: int) -> Counted:
    return count_returns(
        spark.createDataFrame(exposures, "user string, experiment string, arm string, at bigint"),
        spark.createDataFrame(visits, "user string, at bigint"),
        through,
    )


def arm(counts: Counted, name: str) -> ArmUsers:
    (found,) = (a for a in counts.arms if a.arm == name)
    return found


def day(counts: Counted, name: str, n: int) -> Returned:
    (found,) = (d for d in arm(counts, name).days if d.day == n)
    return found


@pytest.mark.parametrize(
    ("lag", "returned"),
    [
        (DAY_MS - 1, 0),
        (DAY_MS, 1),
        (2 * DAY_MS - 1, 1),
        (2 * DAY_MS, 0),
        (-DAY_MS, 0),  # before the exposure
        (0, 0),
    ],
)
def test_day_1_is_the_24_hours_from_24_hours_after_the_first_exposure(spark, lag, returned):
    counts = counted(spark, [("u", "e", "a", T0)], [("u", T0 + lag)], T0 + 2 * DAY_MS)

    assert day(counts, "a", 1) == Returned(day=1, closed=1, returned=returned, open=0)


def test_a_user_returns_once_however_often(spark):
    visits = [("u", T0 + DAY_MS + n * HOUR) for n in range(9)] * 2
    counts = counted(spark, [("u", "e", "a", T0)] * 3, visits, T0 + 40 * DAY_MS)

    assert day(counts, "a", 1) == Returned(day=1, closed=1, returned=1, open=0)
    assert day(counts, "a", 7) == Returned(day=7, closed=1, returned=0, open=0)


def test_users_whose_day_is_not_over_are_left_out_and_counted(spark):
    exposures = [("early", "e", "a", T0), ("late", "e", "a", T0 + 1)]
    visits = [
        ("early", T0 + DAY_MS),
        ("late", T0 + DAY_MS + 5),
    ]  # late returned, but on an open day

    counts = counted(spark, exposures, visits, T0 + 2 * DAY_MS)

    assert day(counts, "a", 1) == Returned(day=1, closed=1, returned=1, open=1)
    assert day(counts, "a", 7) == Returned(day=7, closed=0, returned=0, open=2)


def test_only_the_first_exposure_sets_a_users_day_0(spark):
    exposures = [("u", "e", "a", T0 + 3 * HOUR), ("u", "e", "a", T0), ("u", "e", "a", T0 + DAY_MS)]

    counts = counted(spark, exposures, [("u", T0 + DAY_MS)], T0 + 30 * DAY_MS)

    assert day(counts, "a", 1).returned == 1


def test_users_who_changed_their_arm_are_left_out_and_counted(spark):
    exposures = [
        ("u", "e", "a", T0),
        ("u", "e", "b", T0 + 5),
        ("v", "e", "b", T0),
        ("u", "f", "b", T0),
    ]

    counts = counted(spark, exposures, [], T0 + 30 * DAY_MS)

    assert [(a.experiment, a.arm, a.users) for a in counts.arms] == [("e", "b", 1), ("f", "b", 1)]
    assert counts.moved == {"e": 1}


def test_experiments_are_counted_apart(spark):
    exposures = [("u", "e", "a", T0), ("u", "f", "x", T0 + DAY_MS)]

    counts = counted(spark, exposures, [("u", T0 + 2 * DAY_MS + 1)], T0 + 30 * DAY_MS)

    assert day(counts, "a", 1).returned == 0
    assert day(counts, "x", 1).returned == 1


def test_exposures_and_visits_are_read_from_the_archive(spark: SparkSession, tmp_path: Path):
    store = file_store(tmp_path)
    write_decisions(
        store,
        [
            Decision(decision_id="d1", user_id="u", at=T0, arms={"e": "a", "f": "x"}),
            Decision(decision_id="d2", user_id="u", at=T0 + 5),
            Decision(decision_id="d3", at=T0, arms={"e": "a"}),  # of nobody
        ],
    )
    events = [
        Event(event_id="1", user_id="u", type="play", item_id="i", at=T0 + DAY_MS),
        Event(event_id="2", user_id="v", type="of_a_later_release", at=T0),
    ]
    write_source(store, "simulated-1", events)
    decisions = [item.name for item, _ in chained_objects(store, "decisions")]
    snapshot = pin(store, now=datetime.now(UTC))

    exposures = read_exposures(spark, url_of(tmp_path), decisions)
    visits = read_visits(spark, url_of(tmp_path), snapshot.objects)

    assert sorted(map(tuple, exposures.collect())) == [("u", "e", "a", T0), ("u", "f", "x", T0)]
    assert sorted(map(tuple, visits.collect())) == [("u", T0 + DAY_MS), ("v", T0)]
    assert last_moment(visits) == T0 + DAY_MS


def test_a_log_without_decisions_or_events_counts_nobody(spark: SparkSession, tmp_path: Path):
    exposures = read_exposures(spark, url_of(tmp_path), [])
    visits = read_visits(spark, url_of(tmp_path), [])

    assert last_moment(visits) == 0
    assert count_returns(exposures, visits, T0) == Counted(arms=(), moved={})


def url_of(folder: Path) -> str:
    return folder.as_uri()
