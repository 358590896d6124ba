"""One Spark session for all tests of the tier."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from marquee_offline.spark import spark_session
from marquee_shared.store import Store


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with spark_session("local[2]", 2, tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"file://{tmp_path}/store")
