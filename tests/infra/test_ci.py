"""CI and the commit hook run what people run: make targets, and nothing else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text()
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "word"), [(WORKFLOW, "run"), (HOOKS, "entry")], ids=["ci", "pre-commit"]
)
def test_every_command_is_a_make_target(text: str, word: str):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    commands = re.findall(rf"^[ -]*{word}: (.*)$", text, re.MULTILINE)
    assert commands
    assert [c for c in commands if c.removeprefix("make ") not in targets] == []


def test_every_action_is_pinned_to_a_commit():
    used = re.findall(r"uses: (\S+)", WORKFLOW)
    assert used
    assert [action for action in used if not re.search(r"@[0-9a-f]{40}$", action)] == []


def test_every_job_ends_in_time_and_may_only_read():
    assert re.search(r"^permissions:\n  contents: read\n\n", WORKFLOW, re.MULTILINE)
    assert WORKFLOW.count("permissions:") == 1
    assert WORKFLOW.count("timeout-minutes:") == WORKFLOW.count("runs-on:") > 0
