"""Kafka's jars: fetched once by the Ivy that pyspark brings, every one checked by its SHA-256."""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from marquee_infra.errors import PlatformError
from marquee_infra.java import java

VERSION = "4.3.1"
SUMS = Path(__file__).with_name(f"kafka-{VERSION}.sha256")
# Kafka asks for an SLF4J binding and brings none; pyspark brings one.
LOGGING_JARS = ("log4j-slf4j2-impl-*.jar", "slf4j-api-*.jar", "log4j-api-*.jar", "log4j-core-*.jar")
ARTIFACT = ("org.apache.kafka", "kafka_2.13", VERSION)
FETCH_SECONDS = 600  # 44 MB


def cache_folder() -> Path:
    """Where the jars lie: `$MARQUEE_CACHE/kafka-4.3.1`, by default below ~/.cache/marquee."""
    root = os.environ.get("MARQUEE_CACHE")
    parent = Path(root) if root else Path.home() / ".cache" / "marquee"
    return parent.absolute() / f"kafka-{VERSION}"


def jars(folder: Path, *, java: str) -> Path:
    """The folder of the verified jars; what is missing, partial or altered is fetched anew.

    Raises PlatformError when they cannot be fetched or a fetched one is not what we recorded.
    """
    if not wrong_jars(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".kafka-") as half:
        fetched = Path(half) / "jars"
        _fetch(fetched, Path(half) / "ivy", java)
        if wrong := wrong_jars(fetched):
            raise PlatformError(
                f"Kafka's jar {wrong[0]} is not the one that Marquee was tested with.",
                "Somebody on the way may have altered it: fetch it over another connection.",
            )
        _put_in_place(fetched, folder)
    return folder


def wrong_jars(folder: Path) -> list[str]:
    """The names of the jars that are missing from `folder`, altered, or not among the recorded."""
    expected = _recorded_sums()
    found = {path.name: _sha256(path) for path in folder.glob("*.jar")}
    return sorted(name for name in expected | found if expected.get(name) != found.get(name))


def pyspark_jars(pattern: str) -> list[Path]:
    """The jars inside pyspark that match; raises PlatformError when pyspark is not installed."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise PlatformError("The Python package pyspark is missing.", "Type `make setup`.")
    return sorted((Path(spec.origin).parent / "jars").glob(pattern))


def class_path(folder: Path) -> list[Path]:
    """All jars that a broker runs on: the logging ones, and those of `folder`."""
    logging = [jar for pattern in LOGGING_JARS for jar in pyspark_jars(pattern)]
    return [*logging, *sorted(folder.glob("*.jar"))]


def _fetch(target: Path, cache: Path, java: str) -> None:
    ivy = [java, "-jar", str(pyspark_jars("ivy-*.jar")[0]), "-cache", str(cache)]
    what = ["-dependency", *ARTIFACT, "-confs", "default", "-m2compatible"]
    into = ["-retrieve", f"{target}/[artifact]-[revision](-[classifier]).[ext]"]
    try:
        done = subprocess.run(
            ivy + what + into, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _not_fetched("the connection is too slow") from error
    if done.returncode != 0:
        raise _not_fetched((done.stdout + done.stderr).strip().rpartition("\n")[2].strip())


def _not_fetched(why: str) -> PlatformError:
    return PlatformError(
        f"Kafka {VERSION} could not be fetched: {why}.",
        f"Connect to the internet and try again, or copy the folder {cache_folder()} from a"
        " machine that has it (MARQUEE_CACHE names another parent folder).",
    )


def _put_in_place(fetched: Path, folder: Path) -> None:
    try:
        fetched.rename(folder)
    except OSError:  # something lies there: a broken cache, or another process was faster
        if wrong_jars(folder):
            shutil.rmtree(folder)
            fetched.rename(folder)


def _recorded_sums() -> dict[str, str]:
    lines = SUMS.read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


if __name__ == "__main__":  # the local image of Kafka takes all that it runs on from here
    for jar in class_path(jars(cache_folder(), java=java())):
        shutil.copy(jar, sys.argv[1])
