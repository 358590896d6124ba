"""Wiring of the online tier: the app's parts are built here, by hand, and closed in reverse."""

import asyncio
import errno
import logging
import os
import socket
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer
from fastapi import FastAPI, Request, Response

from marquee_online import __version__, artworks, metrics, problem, routes
from marquee_online.drain import Drain, serve_until_told
from marquee_online.kept import Kept
from marquee_online.learnt import Learnt
from marquee_online.parts import Parts
from marquee_online.per_model import PerModel
from marquee_online.produce import Sink
from marquee_online.settings import Settings, load_experiments, load_settings
from marquee_online.shelves import shelve
from marquee_online.states import States
from marquee_shared import decision, event
from marquee_shared.credit import parse_keys
from marquee_shared.errors import BadSetting, MarqueeError
from marquee_shared.follow import Follower, make_cache
from marquee_shared.images import ImagesOf
from marquee_shared.seldom import Seldom
from marquee_shared.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
log = structlog.get_logger()


@app.callback(invoke_without_command=True)
def _options(version: Annotated[bool, typer.Option("--version")] = False) -> None:
    """Online: the ranked page in milliseconds."""
    if version:
        typer.echo(f"marquee-online {__version__}")
        raise typer.Exit
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


@app.command()
def serve() -> None:
    """Answer HTTP until told to stop; requests in hand are finished first."""
    drain = Drain()
    try:
        settings = load_settings()
        listening = _listen(settings.host, settings.port)
        service = create_app(settings, drain)
    except MarqueeError as error:
        typer.echo(f"marquee-online: {error}", err=True)
        raise typer.Exit(1) from None
    log.info("serving", url=f"http://{settings.host}:{settings.port}")
    serve_until_told(service, listening, drain)


def create_app(settings: Settings, drain: Drain) -> FastAPI:
    """The service; its parts live from its start to its end. Raises BadSetting."""
    store = Store(settings.store)
    cache = make_cache(settings.cache_dir)

    @asynccontextmanager
    async def lifespan(service: FastAPI) -> AsyncIterator[None]:
        """A first look for a model comes before the first request; connections open lazily."""
        parts = _open(settings, store, cache, drain)
        service.state.parts = parts
        await asyncio.to_thread(parts.follower.start)
        await parts.states.refresh()
        await parts.learnt.refresh()
        refreshing = [
            asyncio.create_task(part.keep_fresh()) for part in (parts.states, parts.learnt)
        ]
        for task in refreshing:
            task.add_done_callback(end_with)
        yield
        for task in refreshing:
            task.cancel()
        ends = (parts.follower.stop, parts.decisions.close, parts.events.close)
        await asyncio.gather(*map(asyncio.to_thread, ends))
        await parts.states.close()

    service = FastAPI(
        title="Marquee online",
        version=__version__,
        description="The ranked page of a user, in a context, and the way back for events.",
        lifespan=lifespan,
    )
    routes.add(service)
    service.middleware("http")(_measured)
    problem.install(service)
    return service


def _open(settings: Settings, store: Store, cache: Path, drain: Drain) -> Parts:
    def report(event: str, fields: dict[str, str]) -> None:
        log.info(event, **fields)
        if event == "model_swapped":
            metrics.MODEL.clear()
            metrics.MODEL.labels(fields["model_id"]).set(1)

    states = States(settings.redis, settings.redis_timeout_ms)
    follower = Follower(store, settings.channel, cache, report)
    return Parts(
        follower=follower,
        states=states,
        learnt=Learnt(states.learnt, lambda: follower.model),
        experiments=load_experiments(settings.experiments),
        images=ImagesOf(),
        kept=Kept(),
        shelves=PerModel(shelve),
        places=PerModel(artworks.places_of),
        events=Sink(settings.kafka, event.TOPIC),
        decisions=Sink(settings.kafka, decision.TOPIC),
        credit_keys=parse_keys(settings.credit_keys),
        drain=drain,
    )


def end_with(task: asyncio.Task[None]) -> None:
    """End the process with a task that failed: it would serve what it knew for ever."""
    if not task.cancelled() and (error := task.exception()):
        traceback.print_exception(error)
        os._exit(1)


async def _measured(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    started = time.perf_counter()
    status = 500
    try:
        response = await call_next(request)
        status = response.status_code
        if request.app.state.parts.drain.begun:
            response.headers["connection"] = "close"
        return response
    finally:
        route = request.scope.get("route")
        path = getattr(route, "path", "unknown")  # never the raw path: it has no bound
        metrics.LATENCY.labels(path).observe(time.perf_counter() - started)
        metrics.ANSWERS.labels(path, status).inc()


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises MarqueeError with what to do when the port is taken."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        fix = (
            "set MARQUEE_HOST to an address of this machine"
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
            else "set MARQUEE_PORT to a free port"
        )
        raise BadSetting(f"cannot listen on {host}:{port} ({error.strerror}); {fix}") from error
    return listening


if __name__ == "__main__":
    app()
