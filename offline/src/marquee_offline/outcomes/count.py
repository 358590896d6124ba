"""Outcomes: what users did with what they were shown, and what each experiment's arms changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from marquee_offline.impressions import Counts, read_impressions
from marquee_offline.outcomes.arms import JOIN, Cell, ExperimentOutcome, judge
from marquee_offline.outcomes.interval import Sums, ratio
from marquee_offline.outcomes.retention import (
    Counted,
    count_returns,
    last_moment,
    read_exposures,
    read_visits,
)
from marquee_offline.snapshot import chained_objects, pin
from marquee_shared.archive import is_simulated, parse
from marquee_shared.errors import BadInput
from marquee_shared.experiment import Experiment
from marquee_shared.manifest import Metric
from marquee_shared.store import Store

SEED = 1  # of the bootstrap: the same log gives the same report
ALL, ARM = "all", "arm"
RATIOS = {"click": "n", "quality": "known"}  # of sums: what is divided, and by what
COLUMNS = ("row", "position", "device", "daypart", "policy")  # by which outcomes are told


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. Intervals are 95 %, over users."""

    through: int  # ms; of what came later nothing is known
    sources: tuple[str, ...]  # of the archive; `simulated-<seed>` is synthetic
    impressions: Counts  # what counts, and what is left out by reason
    by: dict[str, tuple[Cell, ...]]  # all, row, position, device, daypart, policy
    experiments: tuple[ExperimentOutcome, ...]


def read_outcomes(
    spark: SparkSession, store: Store, experiments: Sequence[Experiment], *, now: datetime
) -> Outcomes:
    """The report of all that is archived now; the list of event objects is pinned.

    Where real decisions were archived, simulated sources are left out. Raises BadInput where the
    archive holds no decisions.
    """
    decisions = [item for item, _ in chained_objects(store, "decisions")]
    if not decisions:
        raise BadInput("archive", "holds no decisions; `marquee-nearline archive` collects them")
    events = pin(store, now=now).objects  # after the decisions, so that it reaches beyond them
    real = [item for item in decisions if not is_simulated(item.source)]
    if real:
        decisions = real
        events = tuple(name for name in events if not is_simulated(parse(name).source))
    names = [item.name for item in decisions]
    impressions, counts = read_impressions(spark, store.url, names, events)
    visits = read_visits(spark, store.url, events).cache()
    through = last_moment(visits)
    return outcomes(
        impressions,
        counts,
        count_returns(read_exposures(spark, store.url, names), visits, through),
        experiments,
        through=through,
        sources=sorted({item.source for item in decisions}),
    )


def outcomes(
    impressions: DataFrame,
    counts: Counts,
    counted: Counted,
    experiments: Sequence[Experiment],
    *,
    through: int,
    sources: Sequence[str],
) -> Outcomes:
    """The report of a log. `experiments` is the file: their weights, and which arm is the control.

    Raises BadInput where the log has an arm that the file's experiment of that name has not.
    """
    found = cells(impressions)
    return Outcomes(
        through=through,
        sources=tuple(sources),
        impressions=counts,
        by={
            name: tuple(sorted(found[name].values(), key=lambda cell: _order(cell.value)))
            for name in (ALL, *COLUMNS)
            if name in found
        },
        experiments=tuple(
            judge(counted, found.get(ARM, {}), experiments, np.random.default_rng(SEED))
        ),
    )


def _order(value: str) -> tuple[int, str]:
    return (int(value), "") if value.isdecimal() else (-1, value)


def cells(impressions: DataFrame) -> dict[str, dict[str, Cell]]:
    """Dimension -> value -> outcomes of the impressions whose window is over.

    One pass: an impression counts under each of its values, first per user, then over users.
    Dimension `arm` has the values `experiment=arm`. Quality is over those whose quality is known.
    """
    told = impressions.where("closed").select(
        "user_id",
        F.col("click").cast("double").alias("click"),
        F.col("quality").cast("double").alias("quality"),
        F.explode(_under()).alias("under"),
    )
    users = told.groupBy("under.of", "under.value", "user_id").agg(
        F.count("*").cast("double").alias("n"),
        F.sum("click").alias("click"),
        F.count("quality").cast("double").alias("known"),
        F.sum("quality").alias("quality"),
    )
    sums = []
    for y, n in RATIOS.items():
        sums += [F.count_if(F.col(n) > 0).alias(f"users of {n}"), F.sum(n).alias(n)]
        sums += [F.sum(y).alias(y), _product(y, y), _product(y, n), _product(n, n)]
    found: dict[str, dict[str, Cell]] = {}
    for row in users.groupBy("of", "value").agg(*sums).toArrow().to_pylist():
        found.setdefault(row["of"], {})[row["value"]] = _cell(row)
    return found


def _under() -> Column:
    """The values that an impression counts under, as an array of {of, value}."""
    of_columns = [_pair(ALL, F.lit(ALL))]
    of_columns += [_pair(c, F.coalesce(F.col(c).cast("string"), F.lit(""))) for c in COLUMNS]
    of_arms = F.transform(
        F.map_entries("arms"),
        lambda arm: _pair(ARM, F.concat(arm["key"], F.lit(JOIN), arm["value"])),
    )
    return F.concat(F.array(*of_columns), F.coalesce(of_arms, F.array()))


def _pair(of: str, value: Column) -> Column:
    return F.struct(F.lit(of).alias("of"), value.alias("value"))


def _product(one: str, other: str) -> Column:
    return F.sum(F.col(one) * F.col(other)).alias(f"{one}*{other}")


def _cell(row: Mapping[str, str | float]) -> Cell:
    return Cell(
        value=str(row["value"]),
        impressions=int(row["n"]),
        users=int(row["users of n"]),
        ctr=_ratio(row, "click"),
        quality=_ratio(row, "quality") if row["known"] else None,
    )


def _ratio(row: Mapping[str, str | float], y: str) -> Metric:
    n = RATIOS[y]
    return ratio(
        Sums(
            users=int(row[f"users of {n}"]),
            n=float(row[n]),
            y=float(row[y]),
            yy=float(row[f"{y}*{y}"]),
            yn=float(row[f"{y}*{n}"]),
            nn=float(row[f"{n}*{n}"]),
        )
    )
