"""Report: what a command did, as tables for people."""

from rich.console import Console
from rich.table import Table

from marquee_offline.archive_write import Written
from marquee_offline.train import Evaluation
from marquee_shared.channel import Entry
from marquee_shared.manifest import Metric


def metrics_table(metrics: dict[str, Metric]) -> Table:
    """One row per figure with its interval."""
    table = Table(title="evaluation", title_justify="left")
    for column in ("figure", "value", "from", "to"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, metric in metrics.items():
        table.add_row(name, *(f"{x:.4f}" for x in (metric.value, metric.low, metric.high)))
    return table


def show_evaluation(console: Console, evaluation: Evaluation) -> None:
    console.print(metrics_table(evaluation.metrics))
    gains = ", ".join(f"{field} {gain:g}" for field, gain in evaluation.gains.items()) or "none"
    console.print(f"share of iALS in the mix {evaluation.mix:g}; context gains: {gains}")
    console.print(f"verdict: {evaluation.verdict}")
    for reward, said in evaluation.artwork.items():
        console.print(f"artwork by {reward}: {said}")


def show_written(console: Console, written: Written) -> None:
    if not written.created:
        console.print(f"{written.source}: all {written.there} objects are there already")
        return
    console.print(
        f"{written.source}: {written.events:,} events, {written.created} objects written, "
        f"{written.there} there already"
    )


def show_entry(console: Console, channel: str, entry: Entry) -> None:
    console.print(f"channel {channel} entry {entry.seq}: {entry.model_id} ({entry.reason})")
    if entry.forced:
        console.print(f"forced against: {entry.forced}")
