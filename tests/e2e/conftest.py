"""The platform as `marquee demo` leaves it: a model trained by Spark on the shipped ratings."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from marquee_infra.demo import Steps, show_demo
from marquee_infra.platform import Options, running
from marquee_infra.tiers import environment


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The running platform, and what the demo printed."""
    console = Console(record=True, width=120, file=io.StringIO())
    with running(Options(data=tmp_path_factory.mktemp("demo"), port=0)) as platform:
        show_demo(platform, console, Steps(console))
        yield platform, console.export_text()


@pytest.fixture(scope="session")
def command(demo):
    """Run a tier's command against the platform; its JSON answer."""
    platform, _ = demo

    def run(name, *arguments):
        done = subprocess.run(
            [str(Path(sys.executable).parent / name), *arguments, "--json"],
            env={**os.environ, **environment(platform.settings, "command")},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return run
