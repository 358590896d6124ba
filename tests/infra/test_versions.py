"""Each member has a version of its own, the same wherever it is told."""

import re
import tomllib
from pathlib import Path

import pytest

import marquee_nearline
import marquee_offline
import marquee_online

ROOT = Path(__file__).parents[2]


def version(folder: Path) -> str:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize("page", ["docker-compose.yml", ".env.example", "docs/deploying.md"])
def test_image_has_the_version_of_its_member(page: str):
    text = (ROOT / page).read_text()
    told = re.findall(r"([A-Z]+)_VERSION(?:=|:-)(\d[\d.]*\d)", text)
    told += re.findall(r"marquee/(\w+):(\d[\d.]*\d)", text)

    members = {name: "infra" if name.lower() == "visitors" else name.lower() for name, _ in told}
    assert told
    assert [one for one in told if one[1] != version(ROOT / members[one[0]])] == []


@pytest.mark.parametrize("tier", [marquee_offline, marquee_nearline, marquee_online])
def test_tier_says_the_version_of_its_pyproject(tier):
    assert tier.__version__ == version(ROOT / tier.__name__.removeprefix("marquee_"))


def test_versitygw_has_one_version():
    pages = ["infra/versitygw.sh", "infra/images/local/build.sh", "docker-compose.yml"]
    text = " ".join((ROOT / page).read_text() for page in [*pages, "tests/support/s3.py"])

    told = re.findall(r"versitygw(?:-|:v)(\d+\.\d+\.\d+)", text)
    told += re.findall(r"^version=([\d.]+)$", text, re.MULTILINE)

    assert len(told) >= len(pages)
    assert len(set(told)) == 1
