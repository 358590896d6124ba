"""Fixtures for every tier's tests."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

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
