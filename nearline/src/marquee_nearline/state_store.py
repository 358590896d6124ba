"""State store: Redis, through the one function library that moves state and offset together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from marquee_nearline.errors import StateUnavailable, Unrecoverable
from marquee_shared import cluster
from marquee_shared.cluster import Cluster, decode_cluster, encode_cluster, meta_key
from marquee_shared.user_state import key

FIRST_NAMESPACE = "n1"
SOCKET_TIMEOUT = 5.0  # seconds; one apply of 200 users takes a few milliseconds
OK, DUP = "OK", "DUP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A partition's next offset and epoch, and its users' blobs as of the same instant."""

    offset: int
    epoch: int
    blobs: tuple[bytes | None, ...]


class StateStore:
    """A connection to Redis. Every method raises StateUnavailable when Redis does not answer."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=SOCKET_TIMEOUT, retry=Retry(NoBackoff(), 0), retry_on_error=[]
        )

    def install(self, partitions: int) -> Cluster:
        """Load the functions and name the first namespace; does nothing the second time.

        Raises Unrecoverable when the namespace was made for another number of partitions.
        """
        code = files("marquee_nearline").joinpath("state.lua").read_text()
        with _translated():
            self._redis.function_load(code, replace=True)
            known = self._redis.exists(cluster.KEY)
        if not known:
            self.open_namespace(FIRST_NAMESPACE, partitions)
            self.activate(Cluster(namespace=FIRST_NAMESPACE, partitions=partitions))
        found = self.cluster()
        if found.partitions != partitions:
            raise Unrecoverable(
                f"namespace {found.namespace} has {found.partitions} partitions, not "
                f"{partitions}: set MARQUEE_PARTITIONS={found.partitions}"
            )
        return found

    def cluster(self) -> Cluster:
        """Raises Unrecoverable when Redis holds no namespace: it is new, or lost everything."""
        with _translated():
            found = decode_cluster(self._redis.hgetall(cluster.KEY))
        if found is None:
            raise Unrecoverable(
                "Redis holds no namespace: type `marquee-nearline init`, and where an archive "
                "exists, `marquee-nearline rebuild`"
            )
        return found

    def open_namespace(self, namespace: str, partitions: int) -> None:
        """Set every partition's offset to 0, where it has none. Without this no worker may start:
        an offset that is gone from a namespace in use is a loss, not a beginning."""
        with _translated():
            for partition in range(partitions):
                self._redis.hsetnx(meta_key(namespace, partition), "off", "0")

    def activate(self, active: Cluster) -> None:
        """Make this namespace the one that everybody reads and writes."""
        with _translated():
            fields: Any = encode_cluster(active)  # the client's own type of it is invariant
            self._redis.hset(cluster.KEY, mapping=fields)

    def acquire(self, namespace: str, partition: int, topic_id: str) -> tuple[int, int]:
        """Take a partition over: its new epoch and next offset. Fences the previous owner."""
        epoch, offset = self._call("nl_acquire_v1", [meta_key(namespace, partition)], [topic_id])
        if epoch == -2:
            raise Unrecoverable(
                f"partition {partition} of namespace {namespace} has lost its offset; type "
                "`marquee-nearline rebuild`"
            )
        if epoch == -1:
            raise Unrecoverable(
                f"partition {partition}: the topic was created anew since its offset was stored; "
                "type `marquee-nearline rebuild`"
            )
        return int(epoch), int(offset)

    def load(self, namespace: str, partition: int, users: Sequence[str]) -> Loaded:
        """Offset, epoch and the users' blobs, in one call."""
        keys = [meta_key(namespace, partition), *(key(namespace, partition, u) for u in users)]
        offset, epoch, *blobs = self._call("nl_load_v1", keys, [])
        return Loaded(offset=offset, epoch=epoch, blobs=tuple(blobs))

    def apply(
        self, namespace: str, partition: int, span: tuple[int, int], epoch: int,
        blobs: dict[str, bytes],
    ) -> str:  # fmt: skip
        """Write blobs and offset `span[1]` if the stored offset is `span[0]`: OK, DUP, FENCED or
        MISMATCH."""
        keys = [meta_key(namespace, partition), *(key(namespace, partition, u) for u in blobs)]
        return _text(self._call("nl_apply_v1", keys, [*span, epoch, *blobs.values()]))

    def users(self, namespace: str, partition: int) -> Iterator[str]:
        """Ids of all users of a partition, in no order, none missing, some perhaps twice."""
        pattern = key(namespace, partition, "*")
        with _translated():
            for found in self._redis.scan_iter(match=pattern, count=1000):
                yield _text(found)[len(pattern) - 1 :]

    def drop(self, namespace: str, partitions: int) -> None:
        """Forget a namespace that nobody reads any more."""
        for partition in range(partitions):
            keys = [key(namespace, partition, user) for user in self.users(namespace, partition)]
            with _translated():
                for name in [*keys, meta_key(namespace, partition)]:
                    self._redis.unlink(name)

    def _call(self, function: str, keys: list[str], args: list[object]) -> Any:  # noqa: ANN401 one function answers a list, the other a word
        with _translated():
            return self._redis.fcall(function, len(keys), *keys, *args)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except redis.ResponseError as error:
        if "Function not found" in str(error):
            raise Unrecoverable("Redis lacks the functions: `marquee-nearline init`") from error
        raise StateUnavailable(f"Redis: {error}") from error  # OOM, MISCONF, LOADING: wait
    except (redis.RedisError, OSError) as error:
        raise StateUnavailable(f"Redis: {error}") from error
