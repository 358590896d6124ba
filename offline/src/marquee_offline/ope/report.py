"""Off-policy report: what a candidate would have earned, as tables for a terminal."""

from rich.console import Console
from rich.table import Table

from marquee_offline.interval_plot import percent, points
from marquee_offline.ope.estimators import Diagnostics
from marquee_offline.ope.judge import Judged
from marquee_shared.manifest import Metric


def show_judged(console: Console, told: Judged) -> None:
    found = told.estimates
    console.print(f"{told.policy} on {told.log}, by {told.reward}; intervals are 95 %")
    if told.simulated:
        console.print(f"synthetic users: {', '.join(told.simulated)}")
    if told.counts:
        console.print(told.counts.left_out())
    console.print(_log_table(told, found.diagnostics))
    if found.refused:
        console.print(f"refused: {found.refused}")
        return
    console.print(_estimates(told))
    if found.gain:
        value, low, high = (points(x) for x in (found.gain.value, found.gain.low, found.gain.high))
        console.print(f"by DR {value} points against the log's own, {low} to {high}")
    if found.doubt:
        console.print(f"doubt: {found.doubt}")


def figures(told: Judged, found: Diagnostics) -> list[tuple[str, str]]:
    """How much the log can say, by name."""
    mean = found.mean_weight
    return [
        ("rows", f"{found.rows:,}"),
        ("units resampled", f"{found.users:,} {told.unit}"),
        ("effective sample size", f"{found.effective:,.0f}"),
        ("largest weight", f"{found.max_weight:,.2f}"),
        ("mean weight, to be 1", f"{mean.value:.3f} ({mean.low:.3f} to {mean.high:.3f})"),
        (f"{rate(told)} in the log", interval_words(told.estimates.logged)),
    ]


def rate(told: Judged) -> str:
    """The reward as a mean over impressions, in words."""
    return "click rate" if told.reward == "click" else "watched share"


def interval_words(metric: Metric) -> str:
    return f"{percent(metric.value)} ({percent(metric.low)} to {percent(metric.high)})"


def _log_table(told: Judged, found: Diagnostics) -> Table:
    table = Table("what the log can say", "figure")
    for name, figure in figures(told, found):
        table.add_row(name, figure)
    return table


def _estimates(told: Judged) -> Table:
    table = Table("estimator", rate(told), "from", "to")
    for name, metric in told.estimates.values.items():
        table.add_row(name.upper(), *(percent(x) for x in (metric.value, metric.low, metric.high)))
    return table
