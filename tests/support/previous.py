"""The previous release: its commit, as the changelog names it, and its sources in a worktree."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEMBERS = ("shared", "offline", "nearline", "online")
SECONDS = 120  # for one program; imports on a busy machine are most of it
_RELEASE = re.compile(r"^## \[\d+\.\d+\.\d+\]", re.MULTILINE)
_BASE = re.compile(r"^Base commit: ([0-9a-f]{40})$", re.MULTILINE)


def base_commit(changelog: str) -> str:
    """The commit of the newest release that names one. Raises LookupError."""
    _, *releases = _RELEASE.split(changelog)
    for release in releases:
        if found := _BASE.search(release):
            return found[1]
    raise LookupError("no release of the changelog has a line `Base commit: <40 hex digits>`")


@contextmanager
def worktree(folder: Path, root: Path = ROOT) -> Iterator[Path]:
    """The previous release's files below `folder`, as git has them. Raises LookupError."""
    commit = base_commit((root / "CHANGELOG.md").read_text())
    known = _git(root, "cat-file", "-e", f"{commit}^{{commit}}")
    if known.returncode:
        raise LookupError(
            f"the previous release, {commit}, is not in this clone; type: git fetch --unshallow"
        )
    tree = folder / "release"
    added = _git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
    assert added.returncode == 0, added.stderr
    try:
        yield tree
    finally:
        _git(root, "worktree", "remove", "--force", str(tree))


def head(tree: Path) -> str:
    """The commit that a tree is at."""
    return _git(tree, "rev-parse", "HEAD").stdout.strip()


def is_ancestor(older: str, newer: str) -> bool:
    return _git(ROOT, "merge-base", "--is-ancestor", older, newer).returncode == 0


def run_on(tree: Path, program: Path, *arguments: str) -> str:
    """Run a program of today on the tiers' sources of a tree; its standard output."""
    done = subprocess.run(
        [sys.executable, str(program), *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(tree / member / "src") for member in MEMBERS),
            "OPENBLAS_NUM_THREADS": "1",  # one order of every sum
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{program.name} {arguments} on {tree}:\n{done.stderr}"
    return done.stdout


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
