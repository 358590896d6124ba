"""States: what online reads of a user, in one round trip, and what it knew last."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable
from typing import Any, NamedTuple

import redis.asyncio as redis
import structlog
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from marquee_online import metrics
from marquee_shared import cluster
from marquee_shared.cluster import Cluster, decode_cluster
from marquee_shared.errors import BadState, MarqueeError
from marquee_shared.ids import partition_of
from marquee_shared.seen import Showing, decode_seen, seen_key
from marquee_shared.sums import snapshot_key
from marquee_shared.user_state import UserState, decode_state, key

ANSWER_SECONDS = 1.0  # after which a connection is given up, whoever still waits
CONNECTIONS = 100  # at most, so that a Redis that hangs holds no more than these
REFRESH_SECONDS = 0.5  # how often the active namespace is looked up
REMEMBERED = 10_000  # users whose last state stays in this process, 30 MB
log = structlog.get_logger()


class Unavailable(MarqueeError):
    """Redis did not answer in time; `last` is what this process knew of the user, if anything."""

    def __init__(self, last: UserState | None) -> None:
        super().__init__("Redis did not answer in time")
        self.last = last


class Found(NamedTuple):
    """What Redis holds of a user."""

    state: UserState | None
    seen: tuple[Showing, ...]


class States:
    """Reads user states; the namespace is looked up in the background, never in a request."""

    def __init__(self, url: str, timeout_ms: int) -> None:
        self._redis = redis.Redis.from_url(
            url,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            max_connections=CONNECTIONS,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
        )
        self._timeout = timeout_ms / 1000
        self._home: Cluster | None = None
        self._known: OrderedDict[str, UserState] = OrderedDict()
        self._missing = ""  # what the last look lacked, or ''
        self.reachable = False

    async def read(self, user_id: str, patience: float | None = None) -> Found:
        """The user's state, and what they have seen lately, within `patience` seconds (a page's,
        if not told). Raises Unavailable, BadState."""
        if self._home is None:
            raise Unavailable(None)
        partition = partition_of(user_id, self._home.partitions)
        place = (self._home.namespace, partition, user_id)
        try:
            blob, seen = await self._in_time(
                self._redis.mget([key(*place), seen_key(*place)]), patience or self._timeout
            )
        except (RedisError, OSError, TimeoutError) as error:
            self.reachable = False
            raise Unavailable(self._known.get(user_id)) from error
        self.reachable = True
        if blob is None:
            return Found(None, ())
        state = decode_state(_bytes(blob))
        self._remember(user_id, state)
        return Found(state, _seen(seen))

    async def _in_time(self, asked: Awaitable[list[Any]], seconds: float) -> list[Any]:
        """The answer, if it comes while the page can wait. A late one is still taken off the
        connection: to drop the connection would make the next page wait for a new one, late again.
        """
        answer = asyncio.ensure_future(asked)
        answer.add_done_callback(lambda late: late.cancelled() or late.exception())
        return await asyncio.wait_for(asyncio.shield(answer), seconds)

    async def learnt(self, length: int | None) -> bytes | None:
        """The snapshot of what the artwork bandit has learnt, or its first bytes; None without."""
        if self._home is None:
            return None
        name = snapshot_key(self._home.namespace)
        try:
            if length is None:
                found = await self._redis.get(name)
            else:
                found = await self._redis.getrange(name, 0, length - 1)
        except (RedisError, OSError, TimeoutError):
            return None  # the states' own look says that Redis is away
        return _bytes(found) if found else None

    async def refresh(self) -> None:
        """Look the active namespace up once."""
        try:
            raw = await asyncio.wait_for(self._redis.hgetall(cluster.KEY), 1.0)
            found = decode_cluster(raw)
        except (RedisError, OSError, TimeoutError, BadState) as error:
            self.reachable = False
            self._say(f"Redis: {error or 'it did not answer within a second'}")
            return
        self.reachable = True
        self._say("" if found else "Redis holds no namespace: type `marquee-nearline init`")
        if found and found != self._home:
            log.info("namespace", name=found.namespace, partitions=found.partitions)
            self._home = found

    async def keep_fresh(self) -> None:
        """Look the namespace up for ever."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    async def close(self) -> None:
        await self._redis.aclose()

    def _say(self, missing: str) -> None:
        """Once when it begins, and once when it is over."""
        if missing and not self._missing:
            log.warning("states_missing", why=missing)
        elif self._missing and not missing:
            log.info("states_back")
        self._missing = missing

    def _remember(self, user_id: str, state: UserState) -> None:
        self._known[user_id] = state
        self._known.move_to_end(user_id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _seen(blob: bytes | str | None) -> tuple[Showing, ...]:
    """Unreadable is nothing seen: images are then drawn anew."""
    try:
        return decode_seen(_bytes(blob) if blob else None)
    except BadState:
        metrics.DEGRADED.labels("seen_unreadable").inc()
        return ()


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
