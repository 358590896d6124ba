"""The whole platform on one machine: Kafka, Redis and a store, then the tiers as processes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from marquee_infra import data_folder, health, ports
from marquee_infra.child import Command
from marquee_infra.combined_log import CombinedLog
from marquee_infra.health import Health
from marquee_infra.parts import Endpoints, Options, start_parts
from marquee_infra.ports import LOOPBACK
from marquee_infra.processes import Supervisor
from marquee_infra.tiers import TierSettings, init_command, run_commands

__all__ = ["Endpoints", "Options", "Platform", "running", "start_tiers", "supervised"]

INIT_SECONDS = 120.0
TIER_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The running platform."""

    endpoints: Endpoints
    settings: TierSettings
    supervisor: Supervisor

    @property
    def url(self) -> str:
        """Where the online tier answers."""
        return self.settings.url

    def health(self) -> tuple[Health, ...]:
        """Each component's state now; takes at most some seconds when nothing answers."""
        probes: dict[str, tuple[Callable[[str], str], str]] = {
            "kafka": (health.kafka_state, self.endpoints.kafka),
            "redis": (health.redis_state, self.endpoints.redis),
            "nearline": (health.nearline_state, _metrics(self.settings.nearline_metrics_port)),
            "archive": (health.nearline_state, _metrics(self.settings.archive_metrics_port)),
            "online": (health.online_state, self.url),
            "store": (health.store_state, self.endpoints.store),
        }
        restarts = {state.name: state.restarts for state in self.supervisor.states()}
        return tuple(
            Health(
                component=name,
                state=state(address),
                address=health.without_password(address),
                restarts=restarts.get(name, 0),
            )
            for name, (state, address) in probes.items()
        )


@contextmanager
def supervised(data: Path) -> Iterator[Supervisor]:
    """Open the data folder and give a supervisor that logs to `<data>/marquee.log`.

    At the end all processes are stopped. Raises PlatformError when the folder cannot be used.
    """
    with data_folder.opened(data) as lock:
        log = CombinedLog(data / "marquee.log")
        try:
            with Supervisor(log, inherit=(lock,)) as supervisor:
                yield supervisor
        finally:
            log.close()


def tier_settings(options: Options, endpoints: Endpoints) -> TierSettings:
    """Choose the tiers' ports and make what they share. Raises PlatformError on a used port."""
    numbers = ports.claim(options.data / "ports.json", ("nearline-metrics", "archive-metrics"))
    if options.port == 0:
        online_port = ports.claim(options.data / "ports.json", ("online",))["online"]
    else:
        online_port = options.port
        ports.require_free(online_port)
    return TierSettings(
        endpoints=endpoints,
        data=options.data,
        online_port=online_port,
        nearline_metrics_port=numbers["nearline-metrics"],
        archive_metrics_port=numbers["archive-metrics"],
        credit_keys=data_folder.credit_keys(options.data),
    )


def start_tiers(
    supervisor: Supervisor,
    *,
    first: Command,
    then: tuple[Command, ...],
    alive_at: Mapping[str, str],
) -> None:
    """Run `first` to its end, start the commands of `then`, wait until each one answers.

    `alive_at` maps a command's name to the URL that answers 200 as soon as it works. Raises
    PlatformError when a command fails or does not come up.
    """
    supervisor.run_once(first, seconds=INIT_SECONDS)
    for command in then:
        supervisor.start(command)
    for name, url in alive_at.items():
        supervisor.wait_ready(name, partial(health.answers_ok, url), seconds=TIER_START_SECONDS)


@contextmanager
def running(options: Options) -> Iterator[Platform]:
    """The whole platform for the length of a `with` block; nothing is left running after it."""
    with supervised(options.data) as supervisor:
        if options.port:
            ports.require_free(options.port)  # before the slow parts: the answer comes at once
        endpoints = start_parts(supervisor, options)
        settings = tier_settings(options, endpoints)
        start_tiers(
            supervisor,
            first=init_command(settings),
            then=run_commands(settings),
            alive_at={
                "nearline": _metrics(settings.nearline_metrics_port),
                "archive": _metrics(settings.archive_metrics_port),
                "online": f"{settings.url}/livez",
            },
        )
        yield Platform(endpoints=endpoints, settings=settings, supervisor=supervisor)


def _metrics(port: int) -> str:
    return f"http://{LOOPBACK}:{port}/metrics"
