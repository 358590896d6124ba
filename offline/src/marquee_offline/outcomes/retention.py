"""Retention: who was exposed to which arm from when on, and who came back N days later."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from marquee_offline.archive_read import Message, Row, read_archive
from marquee_shared.decision import decode_decision
from marquee_shared.errors import BadInput
from marquee_shared.event import read_event
from marquee_shared.signals import DAY_MS

DAYS = (1, 7, 28)  # day N: hours 24 N to 24 N + 24 after a user's first exposure
TEXT, MILLIS = pa.string(), pa.int64()
EXPOSURES = pa.schema({"user": TEXT, "experiment": TEXT, "arm": TEXT, "at": MILLIS})
VISITS = pa.schema({"user": TEXT, "at": MILLIS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """Users of one arm by what is known of their day N."""

    day: int
    closed: int  # day N is over
    returned: int  # of these, seen on it
    open: int  # day N is not over yet: neither returned nor lost


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmUsers:
    """The users of an experiment's arm."""

    experiment: str
    arm: str
    users: int
    days: tuple[Returned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """All arms, by experiment and arm, and per experiment the users who were in several arms."""

    arms: tuple[ArmUsers, ...]
    moved: dict[str, int]


def read_exposures(spark: SparkSession, url: str, names: Sequence[str]) -> DataFrame:
    """EXPOSURES of archived decisions: one row per decision of a user and experiment.

    A message that is no decision of version 1 is left out.
    """

    def say(message: Message, _log: str) -> Iterator[Row]:
        try:
            decision = decode_decision(message[1] or b"")
        except BadInput:
            return
        if decision.user_id is not None:
            for experiment, arm in decision.arms.items():
                yield decision.user_id, experiment, arm, decision.at

    return read_archive(spark, url, names, EXPOSURES, say)


def read_visits(spark: SparkSession, url: str, names: Sequence[str]) -> DataFrame:
    """VISITS of archived events, of whatever type: whoever did anything was there."""

    def say(message: Message, _log: str) -> Iterator[Row]:
        try:
            event = read_event(*message)
        except BadInput:
            return
        yield event.user_id, event.at

    return read_archive(spark, url, names, VISITS, say)


def last_moment(visits: DataFrame) -> int:
    """The time of the newest event: nothing is known of what came after it. 0 without events."""
    (newest,) = visits.agg(F.max("at")).first()
    return int(newest or 0)


def count_returns(exposures: DataFrame, visits: DataFrame, through: int) -> Counted:
    """How many users of each arm came back on each of DAYS, as known at `through` (ms).

    A user belongs to the arm of the first exposure. Users whose arm changed within an experiment
    are counted and left out.
    """
    firsts = exposures.groupBy("user", "experiment").agg(
        F.min("at").alias("first"),
        F.min_by("arm", "at").alias("arm"),
        (F.countDistinct("arm") > 1).alias("moved"),
    )
    day = F.floor((F.col("at") - F.col("first")) / DAY_MS)
    seen = firsts.join(visits, "user", "left").groupBy(*firsts.columns)
    users = seen.agg(*(F.max(F.coalesce(day == n, F.lit(False))).alias(f"seen{n}") for n in DAYS))
    closed = {n: F.col("first") + (n + 1) * DAY_MS <= through for n in DAYS}
    counts = users.groupBy("experiment", "arm", "moved").agg(
        F.count("*").alias("users"),
        *(F.count_if(closed[n]).alias(f"closed{n}") for n in DAYS),
        *(F.count_if(closed[n] & F.col(f"seen{n}")).alias(f"returned{n}") for n in DAYS),
    )
    return _counted(counts.orderBy("experiment", "arm").toArrow().to_pylist())


def _counted(rows: Sequence[dict[str, object]]) -> Counted:
    moved: dict[str, int] = {}
    arms = []
    for row in rows:
        count = {name: int(value) for name, value in row.items() if isinstance(value, int)}
        experiment = str(row["experiment"])
        if row["moved"]:
            moved[experiment] = moved.get(experiment, 0) + count["users"]
            continue
        days = tuple(
            Returned(
                day=n,
                closed=count[f"closed{n}"],
                returned=count[f"returned{n}"],
                open=count["users"] - count[f"closed{n}"],
            )
            for n in DAYS
        )
        arms.append(
            ArmUsers(experiment=experiment, arm=str(row["arm"]), users=count["users"], days=days)
        )
    return Counted(arms=tuple(arms), moved=moved)
