"""Kafka's jars are the recorded ones, or nothing starts."""

import shutil
from pathlib import Path

import pytest

from marquee_infra.errors import PlatformError
from marquee_infra.java import java
from marquee_infra.kafka_jars import SUMS, cache_folder, jars, wrong_jars


@pytest.fixture
def genuine() -> Path:
    return jars(cache_folder(), java=java())


@pytest.fixture
def copy(genuine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(genuine, tmp_path / "kafka-4.3.1"))


def fetching(source: Path, script: Path) -> str:
    """A stand-in for `java -jar ivy.jar`: retrieves from a folder instead of the network."""
    script.write_text(
        "#!/bin/sh\n"
        'for last; do :; done; target="${last%/*}"\n'
        f'mkdir -p "$target" && cp {source}/*.jar "$target"\n'
    )
    script.chmod(0o755)
    return str(script)


def test_cache_folder_follows_the_environment_of_the_process(genuine: Path):
    assert genuine.name == "kafka-4.3.1"
    assert len(list(genuine.glob("*.jar"))) == len(SUMS.read_text().splitlines()) == 45


@pytest.mark.parametrize("harm", ["altered", "missing", "foreign"])
def test_harmed_cache_is_noticed_and_fetched_anew(genuine, copy, tmp_path: Path, harm: str):
    victim = copy / ("evil.jar" if harm == "foreign" else "kafka-clients-4.3.1.jar")
    if harm == "missing":
        victim.unlink()
    else:
        victim.write_bytes(b"x")
    assert wrong_jars(copy) == [victim.name]
    assert jars(copy, java=fetching(genuine, tmp_path / "java")) == copy
    assert wrong_jars(copy) == []


def test_fetched_jar_that_is_not_the_recorded_one_is_refused_and_not_kept(copy, tmp_path: Path):
    (copy / "kafka-clients-4.3.1.jar").write_bytes(b"evil")
    target = tmp_path / "cache" / "kafka-4.3.1"
    with pytest.raises(PlatformError, match=r"kafka-clients-4\.3\.1\.jar is not the one"):
        jars(target, java=fetching(copy, tmp_path / "java"))
    assert list(target.parent.iterdir()) == []


def test_fetch_that_fails_says_what_to_do(tmp_path: Path):
    with pytest.raises(PlatformError, match="could not be fetched") as failed:
        jars(tmp_path / "kafka-4.3.1", java="false")
    assert "Connect to the internet" in failed.value.fix


def test_no_recorded_jar_of_the_cache_is_wrong(genuine: Path):
    assert wrong_jars(genuine) == []
