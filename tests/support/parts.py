"""The real parts for tests: the same Redis and Kafka, started by the same code, as `marquee up`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marquee_infra.parts import Endpoints, Options, start_parts
from marquee_infra.platform import supervised


@contextmanager
def running_parts(folder: Path) -> Iterator[Endpoints]:
    """Kafka, Redis and a file store below `folder`, stopped at the end of the block.

    A missing part raises PlatformError, which names the command that installs it.
    """
    with supervised(folder) as supervisor:
        yield start_parts(supervisor, Options(data=folder))
