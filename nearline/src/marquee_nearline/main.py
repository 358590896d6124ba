"""Wiring of the nearline tier: each command builds its real parts here, by hand."""

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import msgspec
import structlog
import typer
from confluent_kafka import KafkaException
from prometheus_client import start_http_server

from marquee_nearline import __version__, metrics
from marquee_nearline.archive import Archiver
from marquee_nearline.consume import Worker
from marquee_nearline.errors import Interrupted
from marquee_nearline.kafka import create_topics, open_producer
from marquee_nearline.rebuild import Rebuild
from marquee_nearline.sessions import keep_going
from marquee_nearline.settings import Settings, load_settings
from marquee_nearline.state_store import FIRST_NAMESPACE, StateStore
from marquee_shared.errors import BadSetting, MarqueeError, StoreError
from marquee_shared.follow import Follower, make_cache
from marquee_shared.seldom import Seldom
from marquee_shared.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
log = structlog.get_logger()


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version")] = False) -> None:
    """Nearline: every event folded into its user's state within a fraction of a second."""
    if version:
        typer.echo(f"marquee-nearline {__version__}")
        raise typer.Exit
    _set_up_logs()


@app.command()
def init() -> None:
    """Create the topics, load the Redis functions, name the first namespace. Safe to repeat."""
    with _explained():
        settings = load_settings()
        _until_told(lambda stop: _init(settings, stop))


@app.command()
def run() -> None:
    """Fold events into user states until told to stop."""
    with _explained():
        settings = load_settings()
        _serve_metrics(settings)
        follower = _follow(settings)
        worker = Worker(
            settings.kafka,
            settings.worker,
            StateStore(settings.redis),
            open_producer(settings.kafka),
            lambda: follower.model,
            settings.keys,
        )

        def work(stop: threading.Event) -> None:
            follower.start()
            keep_going(worker.session, stop)
            follower.stop()

        _until_told(work)


@app.command()
def archive() -> None:
    """Write events and decisions to the object store until told to stop."""
    with _explained():
        settings = load_settings()
        _serve_metrics(settings)
        store = Store(settings.store)
        archiver = Archiver(settings.kafka, settings.worker, store, settings.archive_flush_seconds)

        def session(stop: threading.Event) -> None:
            _probe(store)
            archiver.session(stop)

        _until_told(lambda stop: keep_going(session, stop))


@app.command()
def rebuild(
    force: Annotated[bool, typer.Option(help="Flip even if something would be lost.")] = False,
    once: Annotated[bool, typer.Option(help="Do nothing where one was done before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Fold the archive into a new namespace, compare with the old one, flip."""
    with _explained():
        settings = load_settings()
        if once and (name := StateStore(settings.redis).cluster().namespace) != FIRST_NAMESPACE:
            log.info("rebuilt_before", namespace=name)
            return
        follower = _follow(settings)
        follower.check()
        job = Rebuild(
            StateStore(settings.redis),
            Store(settings.store),
            settings.kafka,
            follower.model,
            settings.keys,
        )
        result = job.run(
            force=force, progress=lambda step: None if as_json else log.info("rebuild", step=step)
        )
        if as_json:
            typer.echo(msgspec.json.encode(result).decode())
        else:
            log.info("rebuilt", **msgspec.to_builtins(result))
        if not result.flipped:
            raise typer.Exit(1)


def _init(settings: Settings, stop: threading.Event) -> None:
    def once(stop: threading.Event) -> None:
        try:
            created = create_topics(settings.kafka, settings.partitions, settings.replication)
        except KafkaException as error:
            raise Interrupted(f"Kafka at {settings.kafka}: {error}") from error
        cluster = StateStore(settings.redis).install(settings.partitions)
        log.info("initialised", topics_created=created, namespace=cluster.namespace)
        stop.set()

    keep_going(once, stop)


def _follow(settings: Settings) -> Follower:
    def report(event: str, fields: dict[str, str]) -> None:
        log.info(event, **fields)
        if event == "model_swapped":
            metrics.MODEL.clear()
            metrics.MODEL.labels(fields["model_id"]).set(1)

    cache = make_cache(settings.cache_dir)
    return Follower(Store(settings.store), settings.channel, cache, report)


def _probe(store: Store) -> None:
    """An archive in a store that ignores conditional writes would not be exactly once."""
    try:
        store.probe()
    except StoreError as error:
        raise Interrupted(f"store {store.url}: {error}") from error


def _serve_metrics(settings: Settings) -> None:
    if settings.metrics_port:
        try:
            start_http_server(settings.metrics_port, settings.metrics_host)
        except OSError as error:
            where = f"{settings.metrics_host}:{settings.metrics_port}"
            raise BadSetting(f"MARQUEE_METRICS_PORT: {where}: {error.strerror}") from error


def _set_up_logs() -> None:
    """One readable line per event, on stderr: stdout belongs to what a command answers."""
    logging.basicConfig(  # what libraries say, librdkafka above all
        format="%(asctime)s [%(levelname)-8s] %(name)s: %(message)s", datefmt="%H:%M:%S"
    )
    logging.getLogger("librdkafka").addFilter(Seldom())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _until_told(work: Callable[[threading.Event], None]) -> None:
    """Run until SIGTERM or SIGINT; the batch in hand is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    work(stop)


@contextmanager
def _explained() -> Iterator[None]:
    """Our own errors end the process with one sentence and code 1."""
    try:
        yield
    except MarqueeError as error:
        typer.echo(f"marquee-nearline: {error}", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"marquee-nearline: {error.filename or ''} {error.strerror or error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
