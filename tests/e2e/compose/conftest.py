"""One stack for all: started once, taken down with all that it made."""

import subprocess

import pytest
from compose_stack import ROOT, Stack

from marquee_infra import ports


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The whole compose file, up; `stack.seconds` is how long that took, `stack.free` its port."""
    subprocess.run([ROOT / "infra/images/local/build.sh"], check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    port = ports.claim(tmp_path_factory.mktemp("stack") / "ports.json", ("http",))["http"]
    stack = Stack(port, commit)
    stack.down("-v")  # what a test that was killed left behind
    stack.compose("build", seconds=1500)
    try:
        print(f"\ncompose up --wait: a personalised page after {stack.up():.0f} s")
        yield stack
    finally:
        stack.files = stack.files[:1]
        stack.down("-v")
        assert stack.left_over() == []
