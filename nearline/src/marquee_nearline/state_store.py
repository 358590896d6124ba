"""State store: Redis, through the one function library that moves state and offset together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import numpy as np
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from marquee_nearline.errors import StateUnavailable, Unrecoverable
from marquee_nearline.kafka import RETENTION_MS
from marquee_shared import cluster
from marquee_shared.cluster import Cluster, decode_cluster, encode_cluster, meta_key
from marquee_shared.credit import ATTRIBUTION_MS
from marquee_shared.seen import seen_key
from marquee_shared.sums import (
    Sums,
    decode_sums,
    encode_sums,
    images_key,
    shared_key,
    snapshot_key,
)
from marquee_shared.user_state import key

FIRST_NAMESPACE = "n1"
SOCKET_TIMEOUT = 5.0  # seconds; one apply of 200 users takes a few milliseconds
OK, DUP = "OK", "DUP"
FUNCTIONS = ("state.lua", "state_v2.lua")
# By the wall clock, while a showing may earn by the log's: as far back as a worker may be.
SEEN_SECONDS = (RETENTION_MS + ATTRIBUTION_MS) // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A partition's next offset and epoch, and its users' blobs as of the same instant."""

    offset: int
    epoch: int
    blobs: tuple[bytes | None, ...]
    seen: tuple[bytes | None, ...] = ()  # of the users whose showings were asked for
    sums: Sums = field(default_factory=Sums)  # shared, and the images that were asked for


class StateStore:
    """A connection to Redis. Every method raises StateUnavailable when Redis does not answer."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=SOCKET_TIMEOUT, retry=Retry(NoBackoff(), 0), retry_on_error=[]
        )

    def load_functions(self) -> None:
        """Both versions: a worker of the release before may still run beside this one."""
        with _translated():
            for name in FUNCTIONS:
                code = files("marquee_nearline").joinpath(name).read_text()
                self._redis.function_load(code, replace=True)

    def install(self, partitions: int) -> Cluster:
        """Load the functions and name the first namespace; does nothing the second time.

        Raises Unrecoverable when the namespace was made for another number of partitions.
        """
        self.load_functions()
        with _translated():
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

    def load(
        self,
        namespace: str,
        partition: int,
        users: Sequence[str],
        *,
        learners: Sequence[str] = (),
        images: Sequence[int] = (),
    ) -> Loaded:
        """Offset, epoch and the users' blobs, in one call; with them what the `learners` have
        seen, the shared sums and those of the images, if there are learners. Raises BadState."""
        keys = [key(namespace, partition, user) for user in users]
        if learners:
            keys += [seen_key(namespace, partition, user) for user in learners]
            keys.append(shared_key(namespace, partition))
        offset, epoch, *values = self._call(
            "nl_load_v2", [*_homes(namespace, partition), *keys], list(images)
        )
        end = len(users) + len(learners)
        return Loaded(
            offset=offset,
            epoch=epoch,
            blobs=tuple(values[: len(users)]),
            seen=tuple(values[len(users) : end]),
            sums=_sums(values[end], zip(images, values[end + 1 :], strict=True))
            if learners
            else Sums(),
        )

    def apply(
        self,
        namespace: str,
        partition: int,
        span: tuple[int, int],
        epoch: int,
        blobs: Mapping[str, bytes],
        *,
        seen: Mapping[str, bytes] | None = None,
        sums: Sums | None = None,
    ) -> str:
        """Write blobs, sums and offset `span[1]` if the stored offset is `span[0]`: OK, DUP, FENCED
        or MISMATCH. `sums` holds the images that change, as they are from now on."""
        seen = seen or {}
        values = {key(namespace, partition, user): blob for user, blob in blobs.items()}
        if sums:
            values[shared_key(namespace, partition)] = encode_sums(sums.shared_only)
        values |= {seen_key(namespace, partition, user): blob for user, blob in seen.items()}
        images: list[object] = []
        for image, numbers in sums.images.items() if sums else ():
            images += [image, numbers.astype("<f8").tobytes()]
        keys = [*_homes(namespace, partition), *values]
        args = [*span, epoch, SEEN_SECONDS, len(seen), *values.values(), *images]
        return _text(self._call("nl_apply_v2", keys, args))

    def shared_sums(self, namespace: str, partition: int) -> bytes | None:
        """What a partition has learnt, encoded, without its images; None before the first."""
        with _translated():
            found: Any = self._redis.get(shared_key(namespace, partition))
        return None if found is None else bytes(found)

    def sums(self, namespace: str, partition: int) -> Sums:
        """All that a partition has learnt. Raises BadState."""
        keys = [shared_key(namespace, partition), images_key(namespace, partition)]
        shared, pairs = self._call("nl_sums_v2", keys, [])
        return _sums(shared, zip(map(int, pairs[::2]), pairs[1::2], strict=True))

    def publish(self, namespace: str, snapshot: bytes) -> None:
        """Give online the sums of all partitions."""
        with _translated():
            self._redis.set(snapshot_key(namespace), snapshot)

    def users(self, namespace: str, partition: int) -> Iterator[str]:
        """Ids of all users of a partition, in no order, none missing, some perhaps twice."""
        pattern = key(namespace, partition, "*")
        with _translated():
            for found in self._redis.scan_iter(match=pattern, count=1000):
                yield _text(found)[len(pattern) - 1 :]

    def drop(self, namespace: str, partitions: int) -> None:
        """Forget a namespace that nobody reads any more."""
        for partition in range(partitions):
            keys = [
                name(namespace, partition, user)
                for user in self.users(namespace, partition)
                for name in (key, seen_key)
            ]
            with _translated():
                for name in [
                    *keys,
                    shared_key(namespace, partition),
                    images_key(namespace, partition),
                    meta_key(namespace, partition),
                ]:
                    self._redis.unlink(name)
        with _translated():
            self._redis.unlink(snapshot_key(namespace))

    def _call(self, function: str, keys: list[str], args: list[object]) -> Any:  # noqa: ANN401 one function answers a list, the other a word
        with _translated():
            return self._redis.fcall(function, len(keys), *keys, *args)


def _homes(namespace: str, partition: int) -> list[str]:
    return [meta_key(namespace, partition), images_key(namespace, partition)]


def _sums(shared: bytes | None, images: Iterable[tuple[int, bytes | None]]) -> Sums:
    found = decode_sums(shared) if shared else Sums()
    for image, numbers in images:
        if numbers is not None:
            found.images[image] = np.frombuffer(numbers, "<f8").copy()
    return found


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
