"""One Spark session for all tests of the tier."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession
from s3 import S3

from marquee_offline.spark import spark_session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, s3: S3) -> Iterator[SparkSession]:
    """Started after `s3`: what runs inside Spark has the environment of its start."""
    with spark_session("local[2]", 2, tmp_path_factory.mktemp("spark")) as session:
        yield session
