"""The previous release's readers and writers against today's, both as they were committed.

Each side is this interpreter on the sources of one tree; both run the same program, `exchange`.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exchange
import previous
import pytest

PROGRAM = Path(exchange.__file__)
SIDES = ("release", "today")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Per side: what it meant by what it wrote, and what it understood of each side's bytes."""

    meant: dict[str, dict[str, Any]]
    understood: dict[tuple[str, str], dict[str, Any]]  # (reader, writer)


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with previous.worktree(tmp_path_factory.mktemp("previous")) as tree:
        yield tree


@pytest.fixture(scope="session")
def exchanged(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Exchange:
    folder = tmp_path_factory.mktemp("exchange")
    trees = dict(zip(SIDES, (release, previous.ROOT), strict=True))

    def run(side: str, command: str, writer: str) -> dict[str, Any]:
        answer = json.loads(previous.run_on(trees[side], PROGRAM, command, str(folder / writer)))
        assert all(Path(used).is_relative_to(trees[side]) for used in answer["sources"])
        return answer["formats"]

    meant = {side: run(side, "write", side) for side in SIDES}
    pairs = [(reader, writer) for reader in SIDES for writer in SIDES]
    return Exchange(meant=meant, understood={pair: run(pair[0], "read", pair[1]) for pair in pairs})


each_format = pytest.mark.parametrize("name", exchange.FORMATS)


@each_format
def test_today_understands_what_the_release_wrote(exchanged: Exchange, name: str):
    assert exchanged.understood["today", "release"][name] == exchanged.meant["release"][name]


@each_format
def test_the_release_understands_what_today_writes(exchanged: Exchange, name: str):
    assert exchanged.understood["release", "today"][name] == exchanged.meant["today"][name]


@each_format
@pytest.mark.parametrize("writer", SIDES)
def test_both_understand_the_same_bytes_alike(exchanged: Exchange, name: str, writer: str):
    ours, theirs = (exchanged.understood[reader, writer][name] for reader in SIDES)
    assert ours == theirs


@each_format
def test_nothing_is_refused(exchanged: Exchange, name: str):
    said = [*exchanged.meant.values(), *exchanged.understood.values()]
    assert not [formats[name] for formats in said if "refused" in formats[name]]


def test_release_is_an_ancestor_of_this_commit_and_another(release: Path):
    theirs, ours = previous.head(release), previous.head(previous.ROOT)
    assert theirs != ours
    assert theirs == previous.base_commit((previous.ROOT / "CHANGELOG.md").read_text())
    assert previous.is_ancestor(theirs, ours)


def test_base_commit_is_that_of_the_newest_release_that_names_one():
    old, new = "a" * 40, "b" * 40
    text = (
        f"## [Unreleased]\n\nBase commit: {'c' * 40}\n\n"
        "## [0.3.0] - 2026-12-24\n\nBase commit: <filled when the release is closed>\n\n"
        f"## [0.2.0] - 2026-11-25\n\nBase commit: {new}\n\n"
        f"## [0.1.0] - 2026-11-23\n\nBase commit: {old}\n"
    )
    assert previous.base_commit(text) == new


def test_shallow_clone_says_how_to_get_the_release(tmp_path: Path):
    source, clone = previous.ROOT.as_uri(), tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", source, clone], check=True)
    with (
        pytest.raises(LookupError, match="git fetch --unshallow"),
        previous.worktree(tmp_path / "previous", root=clone),
    ):
        pass
