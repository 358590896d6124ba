"""Outcomes report: the same figures as tables for a terminal."""

from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from marquee_offline.interval_plot import percent, points
from marquee_offline.outcomes.arms import ArmOutcome, ExperimentOutcome
from marquee_offline.outcomes.count import Outcomes
from marquee_shared.archive import is_simulated
from marquee_shared.manifest import Metric


def show_outcomes(console: Console, told: Outcomes) -> None:
    moment = datetime.fromtimestamp(told.through / 1000, UTC)
    console.print(f"known through {moment:%Y-%m-%d %H:%M} UTC; intervals are 95 %, over users")
    if made := [source for source in told.sources if is_simulated(source)]:
        console.print(f"synthetic users: {', '.join(made)}")
    console.print(told.impressions.left_out())
    console.print(_by(told))
    for experiment in told.experiments:
        _show_experiment(console, experiment)


def _by(told: Outcomes) -> Table:
    table = _table("outcomes", "by", "value", "impressions", "users", "CTR", "watched share")
    for name, cells in told.by.items():
        for cell in cells:
            counts = (f"{cell.impressions:,}", f"{cell.users:,}")
            table.add_row(name, cell.value, *counts, _figure(cell.ctr), _figure(cell.quality))
    return table


def _show_experiment(console: Console, told: ExperimentOutcome) -> None:
    table = _table(
        f"experiment {told.experiment}", "arm", "figure", "users", "value", "minus control, points"
    )
    for arm in told.arms:
        _add_arm(table, arm)
    console.print(table)
    of = "the file's weights" if told.weights == "file" else "equal arms"
    console.print(f"sample ratio against {of}: p = {told.sample_ratio_p:.2g}")
    if told.sample_ratio_mismatch:
        console.print("sample ratio mismatch: believe no difference of these arms")
    if told.moved:
        console.print(f"{told.moved:,} users changed their arm and are left out")


def _add_arm(table: Table, arm: ArmOutcome) -> None:
    table.add_row(arm.arm, "exposed", f"{arm.users:,}", "", "")
    if arm.shown:
        for name, metric in (("ctr", arm.shown.ctr), ("quality", arm.shown.quality)):
            change = _figure(arm.minus_control.get(name), points)
            table.add_row("", name, f"{arm.shown.users:,}", _figure(metric), change)
    for day in arm.days:
        name = f"day {day.day} return"
        users = f"{day.users:,}" + (f" ({day.open:,} open)" if day.open else "")
        table.add_row(
            "", name, users, _figure(day.share), _figure(arm.minus_control.get(name), points)
        )


def _table(title: str, *columns: str, left: int = 2) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < left else "right")
    return table


def _figure(metric: Metric | None, say: Callable[[float], str] = percent) -> str:
    if metric is None:
        return ""
    return f"{say(metric.value)} ({say(metric.low)} to {say(metric.high)})"
