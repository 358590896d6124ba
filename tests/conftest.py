"""Fixtures for every tier's tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from models import file_store
from s3 import S3, running

from marquee_shared.store import Store

if TYPE_CHECKING:
    from marquee_infra.parts import Endpoints


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Endpoints"]:
    """The addresses of a real Kafka, a real Redis and a file store, shared by the whole session.

    Share them politely: own topics, own key prefixes. A missing part is a failure, never a skip.
    """
    # Only here: a tier's own tests also run where marquee_infra is not installed.
    from parts import running_parts

    with running_parts(tmp_path_factory.mktemp("parts")) as started:
        yield started


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store. Whatever takes it is run on a folder and on a real S3 server."""
    if request.param == "file":
        return file_store(tmp_path / "store")
    return Store(request.getfixturevalue("s3").bucket())


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """The session's S3 server, to which `s3://` leads from here on."""
    with (
        running(tmp_path_factory.mktemp("s3")) as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in server.environment.items():
            environment.setenv(name, value)
        yield server


@pytest.fixture
def careless_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store on a real S3 server that accepts conditional writes and ignores the condition."""
    with running(tmp_path / "careless", metadata=False) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield Store(server.bucket())
