"""Outcomes: what users did with what they were shown, and what each experiment's arms changed."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from marquee_offline.arm_outcomes import JOIN, Cell, ExperimentOutcome, judge
from marquee_offline.interval import Sums, ratio
from marquee_offline.retention import Counted
from marquee_shared.experiment import Experiment
from marquee_shared.manifest import Metric

SEED = 1  # of the bootstrap: the same log gives the same report
ALL, ARM = "all", "arm"
COLUMNS = ("row", "position", "device", "daypart", "policy")  # by which outcomes are told


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. Intervals are 95 %, over users."""

    through: int  # ms; of what came later nothing is known
    sources: tuple[str, ...]  # of the archive; `simulated-<seed>` is synthetic
    open_impressions: int  # left out: their attribution window is not over
    by: dict[str, tuple[Cell, ...]]  # all, row, position, device, daypart, policy
    experiments: tuple[ExperimentOutcome, ...]


def outcomes(
    impressions: DataFrame,
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
        open_impressions=impressions.where("not closed").count(),
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
    Dimension `arm` has the values `experiment=arm`.
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
        F.sum("quality").alias("quality"),
    )
    sums = [F.count("*").alias("users"), F.sum("n").alias("n"), _product("n", "n")]
    for y in ("click", "quality"):
        sums += [F.sum(y).alias(y), _product(y, y), _product(y, "n")]
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
        users=int(row["users"]),
        ctr=_ratio(row, "click"),
        quality=_ratio(row, "quality"),
    )


def _ratio(row: Mapping[str, str | float], y: str) -> Metric:
    return ratio(
        Sums(
            users=int(row["users"]),
            n=float(row["n"]),
            y=float(row[y]),
            yy=float(row[f"{y}*{y}"]),
            yn=float(row[f"{y}*n"]),
            nn=float(row["n*n"]),
        )
    )
