"""The command `marquee-offline`: read the log, train, evaluate, gate, publish, roll back."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from pyspark.errors import PySparkException
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from marquee_offline import __version__, report
from marquee_offline.errors import Refused
from marquee_offline.movielens import import_movielens
from marquee_offline.ope.command import ope_command
from marquee_offline.outcomes.count import read_outcomes
from marquee_offline.outcomes.page import page
from marquee_offline.outcomes.report import show_outcomes
from marquee_offline.publish import publish, rollback
from marquee_offline.schedule import READY, REFUSED, keep_training
from marquee_offline.settings import Settings, load
from marquee_offline.snapshot import pin
from marquee_offline.spark import spark_session
from marquee_offline.train import Events, Recipe, evaluate, train
from marquee_offline.train import load as load_events
from marquee_shared.errors import AlreadyExists, BadSetting, MarqueeError, NotFound
from marquee_shared.experiment import Experiment, read_experiments
from marquee_shared.store import Store

cli = typer.Typer(no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
reports = typer.Typer(no_args_is_help=True, help="What the archived log says.")
cli.add_typer(reports, name="report")
cli.command("ope")(ope_command)
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Force = Annotated[bool, typer.Option(help="Publish against the gate's figures; recorded.")]
STEPS_PER_FIT = 2  # beside the epochs
STEPS_BESIDE = 10  # reading, evaluating, testing the context, writing the parts


def app() -> None:
    """Entry point: a failure on purpose is one sentence and exit code 1."""
    try:
        cli()
    except Refused as error:
        _end(str(error), REFUSED)
    except MarqueeError as error:
        _end(_sentence(error))
    except OSError as error:
        _end(f"{error.filename or 'input/output'}: {error.strerror or error}")
    except PySparkException as error:
        last = str(error).strip().splitlines()[-1]
        _end(f"a Spark task failed: {last}; spark.log in MARQUEE_CACHE_DIR has the rest")


def _end(sentence: str, code: int = 1) -> None:
    sys.stderr.write(f"marquee-offline: {sentence}\n")
    sys.exit(code)


def _sentence(error: MarqueeError) -> str:
    if isinstance(error, NotFound):
        return f"{error}: the store has no such object"
    if isinstance(error, AlreadyExists):
        return f"{error}: somebody else was first; try again"
    return str(error)


@cli.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version")] = False) -> None:
    if version:
        typer.echo(f"marquee-offline {__version__}")
        raise typer.Exit


@cli.command("import-movielens")
def import_command(folder: Path, as_json: Json = False) -> None:
    """Write a MovieLens folder (ratings.csv, movies.csv) to the archive."""
    store = Store(load().store)
    store.probe()
    written = import_movielens(store, folder)
    _tell(as_json, msgspec.to_builtins(written), lambda c: report.show_written(c, written))


@cli.command("evaluate")
def evaluate_command(as_json: Json = False) -> None:
    """Fit on the past, judge on what came after; writes nothing but the snapshot."""
    settings = load()
    with _events(settings) as (events, progress):
        result = evaluate(events, recipe(settings), progress)
    _tell(as_json, msgspec.to_builtins(result), lambda c: report.show_evaluation(c, result))


@cli.command("train")
def train_command(as_json: Json = False) -> None:
    """Evaluate, fit on everything, write the model; nothing serves it yet."""
    settings = load()
    store = Store(settings.store)
    with _events(settings) as (events, progress):
        model_id, result = train(events, store, recipe(settings), now=_now(), progress=progress)

    def show(console: Console) -> None:
        report.show_evaluation(console, result)
        console.print(f"model {model_id}")

    _tell(as_json, {"model_id": model_id, **msgspec.to_builtins(result)}, show)


@cli.command("publish")
def publish_command(model_id: str, force: Force = False, as_json: Json = False) -> None:
    """Let a model serve, if the gate has nothing against it."""
    settings = load()
    entry = publish(
        Store(settings.store),
        settings.channel,
        model_id,
        now=_now(),
        force=force,
    )
    _tell(
        as_json,
        msgspec.to_builtins(entry),
        lambda c: report.show_entry(c, settings.channel, entry),
    )


@cli.command("rollback")
def rollback_command(
    to: Annotated[str | None, typer.Option(help="A model id; else the one before.")] = None,
    as_json: Json = False,
) -> None:
    """Let the model before the current one, or a given one, serve again."""
    settings = load()
    entry = rollback(Store(settings.store), settings.channel, to, now=_now())
    _tell(
        as_json,
        msgspec.to_builtins(entry),
        lambda c: report.show_entry(c, settings.channel, entry),
    )


@cli.command("run")
def run_command(force: Force = False, as_json: Json = False) -> None:
    """Everything: snapshot, evaluation, training, gate, publication."""
    settings = load()
    store = Store(settings.store)
    store.probe()  # an unsafe store is refused before the work, not after
    with _events(settings) as (events, progress):
        model_id, result = train(events, store, recipe(settings), now=_now(), progress=progress)
    entry = publish(store, settings.channel, model_id, now=_now(), force=force)

    def show(console: Console) -> None:
        report.show_evaluation(console, result)
        report.show_entry(console, settings.channel, entry)

    _tell(as_json, {**msgspec.to_builtins(result), "entry": msgspec.to_builtins(entry)}, show)


@reports.command("outcomes")
def outcomes_command(
    experiments: Annotated[
        Path | None, typer.Option(help="The TOML file that online had, for the arms' weights.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page with plots here.")] = None,
    as_json: Json = False,
) -> None:
    """What users did with what they were shown, and whether they came back, by arm."""
    settings = load()
    file = _experiments(experiments)
    with spark_session(settings.spark_master, settings.spark_blocks, settings.cache_dir) as spark:
        told = read_outcomes(spark, Store(settings.store), file, now=_now())
    if html is not None:
        html.write_text(page(told), encoding="utf-8")
    _tell(as_json, told, lambda console: show_outcomes(console, told))


def _experiments(path: Path | None) -> tuple[Experiment, ...]:
    try:
        return read_experiments(path.read_bytes()) if path else ()
    except BadSetting as error:
        raise BadSetting(f"{path}: {error}") from error


@cli.command("schedule")
def schedule_command() -> None:
    """`run` now if no model is published, then every MARQUEE_TRAIN_EVERY_SECONDS; until stopped."""
    settings = load()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    keep_training(
        (sys.argv[0], "run"),
        Store(settings.store),
        settings.channel,
        settings.train_every_seconds,
        ready=settings.cache_dir / READY,
        say=lambda what: _log(f"marquee-offline: {what}"),
        stop=stop,
    )


def _log(line: str) -> None:
    sys.stderr.write(f"{datetime.now():%H:%M:%S} {line}\n")


def recipe(settings: Settings) -> Recipe:
    return Recipe(
        dimensions=settings.train_dimensions,
        epochs=settings.train_epochs,
        objective=settings.objective,
        ridge=settings.train_ridge,
        seed=settings.train_seed,
    )


@contextmanager
def _events(settings: Settings) -> Iterator[tuple[Events, Callable[[str], None]]]:
    """A pinned snapshot's events in a Spark session, with a progress bar on standard error."""
    store = Store(settings.store)
    steps = 2 * (settings.train_epochs + STEPS_PER_FIT) + STEPS_BESIDE
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading events", total=steps)
        snapshot = pin(store, now=_now())
        with spark_session(
            settings.spark_master, settings.spark_blocks, settings.cache_dir
        ) as spark:
            events = load_events(spark, store, snapshot, settings.spark_blocks)
            yield events, lambda step: bar.update(task, description=step, advance=1)


def _tell(as_json: bool, result: Any, show: Callable[[Console], None]) -> None:  # noqa: ANN401
    if as_json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return
    show(Console(highlight=False, soft_wrap=True))


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    app()
