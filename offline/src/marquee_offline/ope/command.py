"""Off-policy command: `marquee-offline ope`."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from marquee_offline.ope.judge import ARCHIVE, Judged, judge_archive, judge_obd
from marquee_offline.ope.page import page
from marquee_offline.ope.report import show_judged
from marquee_offline.schedule import REFUSED
from marquee_offline.settings import load
from marquee_offline.spark import spark_session
from marquee_shared.store import Store


def ope_command(
    log: Annotated[
        str, typer.Option(help="archive, or obd:FOLDER[:CAMPAIGN] in the Open Bandit format.")
    ] = ARCHIVE,
    policy: Annotated[
        str,
        typer.Option(help="uniform, best-single, lin-ts, squarecb; for obd: uniform, bts."),
    ] = "uniform",
    reward: Annotated[str, typer.Option(help="click or quality; for obd: click.")] = "click",
    html: Annotated[Path | None, typer.Option(help="Also write a page with plots here.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output.")
    ] = False,
) -> None:
    """What another policy would have earned on a log, or why that cannot be told (exit code 3)."""
    told = _judged(log, policy, reward)
    if html is not None:
        html.write_text(page(told), encoding="utf-8")
    if as_json:
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        show_judged(Console(highlight=False, soft_wrap=True), told)
    if told.estimates.refused:
        raise typer.Exit(REFUSED)


def _judged(log: str, policy: str, reward: str) -> Judged:
    if log != ARCHIVE:
        return judge_obd(log, policy)
    settings = load()
    with spark_session(settings.spark_master, settings.spark_blocks, settings.cache_dir) as spark:
        return judge_archive(spark, Store(settings.store), policy, reward)
