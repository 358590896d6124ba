"""Variables: every MARQUEE_* that any part of the platform reads, so that a typo is found."""

from collections.abc import Iterable
from difflib import get_close_matches

from marquee_shared.errors import BadSetting

PREFIX = "MARQUEE_"
VARIABLES = frozenset(
    PREFIX + name
    for name in (
        # several tiers
        "KAFKA", "REDIS", "STORE", "CHANNEL", "CACHE_DIR",
        # offline
        "SPARK_MASTER", "SPARK_BLOCKS", "TRAIN_DIMENSIONS", "TRAIN_EPOCHS", "TRAIN_A0", "TRAIN_LAM",
        "TRAIN_RIDGE", "TRAIN_SEED",
        # nearline
        "WORKER", "METRICS_PORT", "METRICS_HOST", "ARCHIVE_FLUSH_SECONDS", "PARTITIONS",
        "REPLICATION",
        # online
        "CREDIT_KEYS", "HOST", "PORT", "REDIS_TIMEOUT_MS",
        # infra: cache of Kafka's jars; tests and benchmarks: folder of data sets
        "CACHE", "DATA",
    )
)  # fmt: skip


def refuse_unknown(names: Iterable[str]) -> None:
    """Raises BadSetting for a MARQUEE_* variable that nothing reads, with the one it may mean."""
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in VARIABLES:
            near = get_close_matches(name, VARIABLES, n=1)
            hint = f"; do you mean {near[0]}?" if near else ""
            raise BadSetting(f"{name}: no such setting{hint}")
