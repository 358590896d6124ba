"""Channel: which model serves. A gapless sequence of create-only entries."""

import re
import secrets
from contextlib import suppress
from typing import Annotated, Literal

import msgspec

from marquee_shared.errors import AlreadyExists, BadArtifact, NotFound
from marquee_shared.manifest import MODEL_ID_PATTERN
from marquee_shared.store import Store

DEFAULT = "prod"
_ENTRY = re.compile(r"/([0-9]{10})\.json\Z")
_NUMBER = re.compile(rb"[1-9][0-9]{0,9}")


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`channels/<name>/<seq:010d>.json`: from this number on, this model serves."""

    v: Literal[1] = 1
    seq: Annotated[int, msgspec.Meta(ge=1)]
    model_id: Annotated[str, msgspec.Meta(pattern=MODEL_ID_PATTERN)]
    at: str  # ISO 8601, UTC
    nonce: str
    reason: str = ""  # published, rollback
    forced: str = ""  # the gate's objection that --force overrode


def publish_entry(
    store: Store, channel: str, model_id: str, *, at: str, reason: str = "", forced: str = ""
) -> Entry:
    """Make a model serve. Raises AlreadyExists when another publisher took the number.

    A create refused because our own retried write got through is success: the nonce tells.
    """
    entry = Entry(
        seq=_newest(store, channel)[0] + 1,
        model_id=model_id,
        at=at,
        nonce=secrets.token_hex(16),
        reason=reason,
        forced=forced,
    )
    try:
        store.create(_key(channel, entry.seq), msgspec.json.encode(entry))
    except AlreadyExists:
        winner = read_entry(store, channel, entry.seq)
        if winner is None or winner.nonce != entry.nonce:
            raise
    store.put_hint(_hint(channel), str(entry.seq).encode())
    return entry


def latest(store: Store, channel: str, known: int = 0) -> Entry | None:
    """The newest entry, or None on an empty channel. Raises BadArtifact, StoreError.

    `known` is the last number the caller has seen; without one the `LATEST` hint is the start, or
    a listing where the hint is absent or wrong. Then GET seq+1 until there is none. An unreadable
    entry (corrupt, or of a later version) is refused while it is the newest, and passed over when
    a readable one follows: the channel is mended by publishing, not by deleting.
    """
    seq, data = _newest(store, channel, known)
    return _parsed(data, channel, seq) if data is not None else None


def entries(store: Store, channel: str) -> list[Entry]:
    """The whole history, oldest first, without entries that cannot be read."""
    found = []
    for number in numbers(store, channel):
        with suppress(BadArtifact):
            found.append(read_entry(store, channel, number))
    return [entry for entry in found if entry]


def _newest(store: Store, channel: str, known: int = 0) -> tuple[int, bytes | None]:
    """Number and bytes of the newest entry, readable or not; (0, None) on an empty channel."""
    seq = known or _start(store, channel)
    data = _get(store, _key(channel, seq))
    if data is None:
        return 0, None
    while (following := _get(store, _key(channel, seq + 1))) is not None:
        seq, data = seq + 1, following
    return seq, data


def _start(store: Store, channel: str) -> int:
    hint = _get(store, _hint(channel)) or b""
    if _NUMBER.fullmatch(hint) and _get(store, _key(channel, int(hint))) is not None:
        return int(hint)
    return max(numbers(store, channel), default=0)


def numbers(store: Store, channel: str) -> list[int]:
    """The numbers of all entries, readable or not, oldest first. Raises StoreError."""
    keys = store.list(f"channels/{channel}/")
    return [int(match.group(1)) for key in keys if (match := _ENTRY.search(key))]


def read_entry(store: Store, channel: str, seq: int) -> Entry | None:
    """The entry of this number, or None. Raises BadArtifact, StoreError."""
    data = _get(store, _key(channel, seq))
    return _parsed(data, channel, seq) if data is not None else None


def _get(store: Store, key: str) -> bytes | None:
    try:
        return store.get(key)
    except NotFound:
        return None


def _parsed(data: bytes, channel: str, seq: int) -> Entry:
    try:
        entry = msgspec.json.decode(data, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadArtifact(f"channel {channel} entry {seq}: {error}") from error
    if entry.seq != seq:
        raise BadArtifact(f"channel {channel} entry {seq}: holds number {entry.seq}")
    return entry


def _key(channel: str, seq: int) -> str:
    return f"channels/{channel}/{seq:010d}.json"


def _hint(channel: str) -> str:
    return f"channels/{channel}/LATEST"
