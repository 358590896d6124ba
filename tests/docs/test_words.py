"""What the documents say is there, is there."""

import re
import subprocess
from pathlib import Path

import pytest

from marquee_nearline.settings import Settings as Nearline
from marquee_offline.settings import Settings as Offline
from marquee_online.settings import Settings as Online

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    if "datasets" not in page and "golden" not in page
)
PATH = re.compile(r"`((?:shared|offline|nearline|online|infra|tests|docs|benchmarks)/[\w./-]+)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page):
    text = (ROOT / page).read_text()

    named = [ROOT / path for path in PATH.findall(text)]
    named += [(ROOT / page).parent / link for link in LINK.findall(text)]

    assert [str(path) for path in named if not path.exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", (ROOT / page).read_text(), re.MULTILINE))

    assert named <= targets


@pytest.mark.parametrize(
    ("tier", "settings"), [("nearline", Nearline), ("online", Online), ("offline", Offline)]
)
def test_a_tiers_readme_lists_its_settings_and_no_others(tier, settings):
    text = (ROOT / tier / "README.md").read_text()

    rows = set(re.findall(r"^\| `(MARQUEE_[A-Z0-9_]+)`", text, re.MULTILINE))

    assert rows == {f"MARQUEE_{name.upper()}" for name in settings.model_fields}


def test_every_step_of_follow_one_event_names_a_function_that_its_file_has():
    text = (ROOT / "docs/follow-one-event.md").read_text()

    steps = re.findall(r"^\| \d+ \| `([^`]+)`(?: `([^`]+)`)?", text, re.MULTILINE)

    assert len(steps) == 20
    for path, name in steps:
        source = (ROOT / path).read_text()
        for part in name.split("."):
            assert re.search(rf"(def|class|function) {part}\b", source) or not part, (path, name)


def test_no_page_or_source_names_a_package_index_or_a_machine():
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    index = re.compile(r"py[p]i\.org|python[h]osted|repo1?\.m[a]ven|registry\.n[p]mjs|/r[o]ot/")

    found = [
        name
        for name in files
        if not name.startswith("infra/datasets/")
        and (ROOT / name).suffix in {".md", ".py", ".toml", ".txt", ".sh", ".yml", ""}
        and (ROOT / name).is_file()
        and index.search((ROOT / name).read_text(errors="ignore"))
    ]

    assert found == []
