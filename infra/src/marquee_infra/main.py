"""The command `marquee`: the whole platform on one machine."""

import errno
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from marquee_infra.demo import Steps, show_demo
from marquee_infra.errors import PlatformError, disk_full
from marquee_infra.health import Health
from marquee_infra.platform import Options, Platform, running
from marquee_infra.proof import ProofFailed
from marquee_infra.tiers import visitors_command
from marquee_shared.errors import MarqueeError

HEALTH_SECONDS = 2.0  # between two looks at the components

Data = Annotated[Path, typer.Option(help="Folder for everything that is kept.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="HTTP port; 0: any free one.")]
Kafka = Annotated[str | None, typer.Option(help="host:port of a Kafka to use.")]
Redis = Annotated[str | None, typer.Option(help="URL of a Redis to use.")]
StoreUrl = Annotated[str | None, typer.Option(help="URL of an object store to use.")]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.callback()
def marquee() -> None:
    """A recommender platform in three tiers, whole, on one machine."""


@app.command()
def up(
    data: Data = Path(".marquee"),
    port: Port = 8000,
    kafka: Kafka = None,
    redis: Redis = None,
    store: StoreUrl = None,
    visitors: Annotated[bool, typer.Option(help="Let simulated people keep visiting it.")] = False,
) -> None:
    """Start Kafka, Redis and the tiers; Ctrl-C stops them, the next `up` goes on from there."""
    console = Console()
    with explained(data), ended_by_signals():
        console.print("Starting Kafka, Redis and the tiers (the first time fetches Kafka, 44 MB).")
        options = Options(data=data, port=port, kafka=kafka, redis=redis, store=store)
        with running(options) as platform:
            if visitors:
                platform.supervisor.start(visitors_command(platform.settings))
            _welcome(console, platform)
            _watch(console, platform)


@app.command()
def demo(
    data: Data = Path(".marquee"),
    port: Port = 8000,
    kafka: Kafka = None,
    redis: Redis = None,
    store: StoreUrl = None,
    once: Annotated[bool, typer.Option(help="End after the proof: 0, or 1 and why.")] = False,
) -> None:
    """`up`, then: import, simulate, train, publish, rebuild, and see an event change a page."""
    console = Console()
    with explained(data), ended_by_signals():
        steps = Steps(console)
        options = Options(data=data, port=port, kafka=kafka, redis=redis, store=store)
        if kafka is None:
            steps.download_kafka()
        with ExitStack() as stack:
            with steps.step("Start Kafka, Redis and the tiers"):
                platform = stack.enter_context(running(options))
            show_demo(platform, console, steps)
            console.print("", steps.table(), sep="\n")
            if not once:
                platform.supervisor.start(visitors_command(platform.settings))
                console.print("Simulated visitors keep coming from now on.")
                _welcome(console, platform)
                _watch(console, platform)


@contextmanager
def explained(data: Path) -> Iterator[None]:
    """Turn what a person can mend into sentences on stderr and exit code 1."""
    try:
        yield
    except PlatformError as error:
        _complain(error)
    except ProofFailed as error:
        _complain(PlatformError(f"The proof failed: {error}.", "The tables above show the pages."))
    except MarqueeError as error:
        _complain(PlatformError(f"{error}.", "The log has what came before."))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _complain(disk_full(data))
        what = f"{error.filename or data}: {error.strerror or error}."
        _complain(PlatformError(what, "Mend that, or choose another folder with --data."))


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """End the block, in order, at the first SIGINT or SIGTERM: a wanted stop is no error.

    Later signals are ignored: stopping is bounded by itself, and half a stop would leave processes.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        Console().print("Stopped; everything is kept.")


def _interrupt(number: int, frame: FrameType | None) -> None:
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _complain(error: PlatformError) -> NoReturn:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(error.message, style="bold red", markup=False)
    console.print(error.fix, markup=False)
    raise typer.Exit(1) from error


def _welcome(console: Console, platform: Platform) -> None:
    table = Table("component", "state", "address")
    for row in platform.health():
        table.add_row(row.component, _state(row), row.address)
    console.print(table)
    console.print(f"Page   {platform.url}/", f"API    {platform.url}/docs", sep="\n")
    console.print(f"Log    {platform.supervisor.log.path}")
    console.print("Ctrl-C stops everything.")


def _watch(console: Console, platform: Platform) -> None:
    """Print each change of state until a signal ends it; raises what makes going on impossible."""
    known = {row.component: row for row in platform.health()}
    while platform.supervisor.failure is None:
        time.sleep(HEALTH_SECONDS)
        for row in platform.health():
            if row != known[row.component]:
                console.print(f"{row.component}: {_state(row)}")
            known[row.component] = row
    raise platform.supervisor.failure


def _state(row: Health) -> str:
    return f"{row.state} (restarts: {row.restarts})" if row.restarts else row.state
