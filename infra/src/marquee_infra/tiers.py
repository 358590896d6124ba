"""The tiers as commands: which programs run on one machine, and the settings each one gets."""

import sys
from dataclasses import dataclass
from pathlib import Path

from marquee_infra.child import Command
from marquee_infra.parts import Endpoints
from marquee_infra.ports import LOOPBACK

PARTITIONS = 8  # of the event topic and of the namespace, on one machine
ARCHIVE_FLUSH_SECONDS = 2  # a demo's archive is for looking at; production writes larger objects


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSettings:
    """What the tiers' commands are made from; `credit_keys` is secret."""

    endpoints: Endpoints
    data: Path
    online_port: int
    nearline_metrics_port: int
    archive_metrics_port: int
    credit_keys: str

    @property
    def url(self) -> str:
        """Where the online tier answers."""
        return f"http://{LOOPBACK}:{self.online_port}"


def init_command(settings: TierSettings) -> Command:
    """The one-shot that creates topics, loads Redis functions and writes `cluster:meta`."""
    return _tier("init", "marquee-nearline init", settings, {"MARQUEE_PARTITIONS": str(PARTITIONS)})


def run_commands(settings: TierSettings) -> tuple[Command, ...]:
    """The long-running processes, in the order of their start."""
    nearline = {
        "MARQUEE_METRICS_PORT": str(settings.nearline_metrics_port),
        "MARQUEE_CREDIT_KEYS": settings.credit_keys,
    }
    archive = {
        "MARQUEE_METRICS_PORT": str(settings.archive_metrics_port),
        "MARQUEE_ARCHIVE_FLUSH_SECONDS": str(ARCHIVE_FLUSH_SECONDS),
    }
    online = {
        "MARQUEE_HOST": LOOPBACK,
        "MARQUEE_PORT": str(settings.online_port),
        "MARQUEE_CREDIT_KEYS": settings.credit_keys,
    }
    return (
        _tier("nearline", "marquee-nearline run", settings, nearline),
        _tier("archive", "marquee-nearline archive", settings, archive),
        _tier("online", "marquee-online serve", settings, online),
    )


def visitors_command(settings: TierSettings) -> Command:
    """Simulated people who keep visiting the service."""
    return _tier("visitors", f"marquee-visitors stream {settings.url}", settings, {})


def program(name: str) -> str:
    """The path of a tier's command: beside the Python that runs us."""
    return str(Path(sys.executable).parent / name)


def environment(settings: TierSettings, name: str) -> dict[str, str]:
    """What every tier's process is told; `name` gives it a cache folder of its own."""
    return {
        "MARQUEE_KAFKA": settings.endpoints.kafka,
        "MARQUEE_REDIS": settings.endpoints.redis,
        "MARQUEE_STORE": settings.endpoints.store,
        "MARQUEE_CACHE_DIR": str(settings.data.absolute() / "cache" / name),
        # Each process has one core's worth of work; BLAS threads would only fight over it.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _tier(name: str, line: str, settings: TierSettings, own: dict[str, str]) -> Command:
    first, *arguments = line.split()
    return Command(
        name=name,
        argv=(program(first), *arguments),
        environment={**environment(settings, name), **own},
    )
