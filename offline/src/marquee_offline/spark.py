"""Spark: one session, quiet, bound to loopback, its workers on this interpreter."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.sql import SparkSession

from marquee_offline.errors import MissingJava
from marquee_shared.errors import BadSetting

# One BLAS thread per worker: Spark already keeps every core busy with a block of its own.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
CONF = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
    # Java only passes bytes on here; compilers at work would compete with the Python workers.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",  # nor are there rows enough to compile a query for
    "spark.sql.adaptive.enabled": "false",  # re-planning costs more than it saves on known sizes
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    "spark.driver.maxResultSize": "0",  # what is collected is item-sized
}


@contextmanager
def spark_session(master: str, blocks: int, log_folder: Path) -> Iterator[SparkSession]:
    """A session for one command; Java's own messages go to `spark.log` in the folder.

    Raises MissingJava where there is none, BadSetting where the master is no such thing.
    """
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise MissingJava("Spark needs Java 17: sudo apt-get install openjdk-17-jre-headless")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.update(THREADS)
    log_folder.mkdir(parents=True, exist_ok=True)
    builder = SparkSession.builder.appName("marquee-offline").master(master)
    for key, value in {**CONF, "spark.sql.shuffle.partitions": str(blocks)}.items():
        builder = builder.config(key, value)
    try:
        with _stderr_to(log_folder / "spark.log"):
            session = builder.getOrCreate()
    except (PySparkRuntimeError, PySparkException) as error:
        raise BadSetting(
            f"MARQUEE_SPARK_MASTER: Spark did not start; {log_folder}/spark.log says why"
        ) from error
    try:
        yield session
    finally:
        session.stop()


@contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Processes started within inherit the file as their standard error."""
    kept = os.dup(2)
    with path.open("wb") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
