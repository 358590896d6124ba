"""The parts below the tiers: Kafka, Redis and a store, started here or named by the user."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from marquee_infra import kafka, ports, redis_server
from marquee_infra.child import Command
from marquee_infra.errors import PlatformError
from marquee_infra.health import without_password
from marquee_infra.ports import LOOPBACK
from marquee_infra.processes import Supervisor
from marquee_shared.errors import MarqueeError
from marquee_shared.store import Store

KAFKA_START_SECONDS = 90.0  # 3 s on an idle machine; recovery after a kill reads the last segments
NAMED_PART_SECONDS = 5.0  # one that the user named must be up already
REDIS_START_SECONDS = 90.0  # it loads its data before it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the parts are: `host:port`, a redis:// URL, a file:// or s3:// URL."""

    kafka: str
    redis: str
    store: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for; a part that is None is started here. Port 0 means any free one."""

    data: Path
    port: int = 8000
    kafka: str | None = None
    redis: str | None = None
    store: str | None = None


def start_parts(supervisor: Supervisor, options: Options) -> Endpoints:
    """Start the parts that the options do not name, and return when every one answers.

    Raises PlatformError when a part is missing, does not start or cannot be reached.
    """
    numbers = ports.claim(options.data / "ports.json", ("kafka", "kafka-controller", "redis"))
    endpoints = Endpoints(
        kafka=options.kafka or f"{LOOPBACK}:{numbers['kafka']}",
        redis=options.redis or f"redis://{LOOPBACK}:{numbers['redis']}/0",
        store=options.store or _file_store(options.data / "store"),
    )
    for command in _own_parts(options, numbers):
        supervisor.start(command)
    _wait_for_kafka(supervisor, endpoints.kafka, own=options.kafka is None)
    _wait_for_redis(supervisor, endpoints.redis, own=options.redis is None)
    if options.store is not None:
        _check_store(options.store)
    return endpoints


def _own_parts(options: Options, numbers: dict[str, int]) -> Iterator[Command]:
    if options.kafka is None:
        yield kafka.command(
            options.data / "kafka",
            port=numbers["kafka"],
            controller_port=numbers["kafka-controller"],
        )
    if options.redis is None:
        yield redis_server.command(options.data / "redis", port=numbers["redis"])


def _wait_for_kafka(supervisor: Supervisor, address: str, *, own: bool) -> None:
    if own:
        supervisor.wait_ready("kafka", lambda: kafka.answers(address), seconds=KAFKA_START_SECONDS)
    elif not kafka.answers(address, seconds=NAMED_PART_SECONDS):
        raise PlatformError(
            f"No Kafka answers at {address}.",
            "Check the address after --kafka; it looks like 127.0.0.1:9092.",
        )


def _wait_for_redis(supervisor: Supervisor, url: str, *, own: bool) -> None:
    if own:
        supervisor.wait_ready(
            "redis", lambda: redis_server.answers(url), seconds=REDIS_START_SECONDS
        )
    elif not redis_server.answers(url):
        raise PlatformError(
            f"No Redis answers at {without_password(url)}.",
            "Check the URL after --redis; it looks like redis://127.0.0.1:6379/0.",
        )


def _check_store(url: str) -> None:
    try:
        Store(url).probe()
    except MarqueeError as error:
        raise PlatformError(
            f"The object store at {without_password(url)} cannot be used: {error}.",
            "Check the URL after --store; it looks like file:///folder or s3://bucket/prefix.",
        ) from error


def _file_store(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.absolute().as_uri()
