"""Variables: every MARQUEE_* that any part of the platform reads, so that a typo is found."""

from collections.abc import Iterable, MutableMapping
from difflib import get_close_matches
from pathlib import Path

from marquee_shared.errors import BadSetting

PREFIX = "MARQUEE_"
VARIABLES = frozenset(
    PREFIX + name
    for name in (
        # several tiers
        "KAFKA", "REDIS", "STORE", "CHANNEL", "CACHE_DIR",
        # offline
        "SPARK_MASTER", "SPARK_BLOCKS", "TRAIN_DIMENSIONS", "TRAIN_EPOCHS", "TRAIN_A0", "TRAIN_LAM",
        "TRAIN_RIDGE", "TRAIN_SEED", "TRAIN_EVERY_SECONDS",
        # nearline
        "WORKER", "METRICS_PORT", "METRICS_HOST", "ARCHIVE_FLUSH_SECONDS", "PARTITIONS",
        "REPLICATION",
        # online
        "CREDIT_KEYS", "HOST", "PORT", "REDIS_TIMEOUT_MS", "EXPERIMENTS",
        # infra: cache of Kafka's jars; tests and benchmarks: folder of data sets
        "CACHE", "DATA",
    )
)  # fmt: skip
SECRETS = (  # each may be given as a file instead: MARQUEE_REDIS_FILE=/run/secrets/redis
    "MARQUEE_REDIS",
    "MARQUEE_CREDIT_KEYS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
)


def read_secret_files(environment: MutableMapping[str, str]) -> None:
    """Set each secret that is given as `<NAME>_FILE` to that file's text, without its line's end.

    Raises BadSetting where a secret is given twice, or its file cannot be read or is empty.
    """
    for name in SECRETS:
        by_file = f"{name}_FILE"
        path = environment.pop(by_file, None)
        if path is None:
            continue
        if name in environment:
            raise BadSetting(f"{by_file}: {name} is set as well; keep one of the two")
        try:
            text = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise BadSetting(f"{by_file}: {path}: {why}") from error
        if not text:
            raise BadSetting(f"{by_file}: {path} is empty")
        environment[name] = text


def refuse_unknown(names: Iterable[str]) -> None:
    """Raises BadSetting for a MARQUEE_* variable that nothing reads, with the one it may mean."""
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in VARIABLES:
            near = get_close_matches(name, VARIABLES, n=1)
            hint = f"; do you mean {near[0]}?" if near else ""
            raise BadSetting(f"{name}: no such setting{hint}")
