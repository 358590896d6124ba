"""User state: one binary value per user. The history is the truth, the vector a cache.

Layout, little-endian (spec in shared/README.md):

    'MQ' u8 version=1 u8 reserved=0 | u32 events | u16 n_items | u8 n_ids | u8 m, model id (m bytes)
    | u16 d | items (u64 hash, u8 kind, u16 strength, u48 at)[n_items], sorted by hash
    | ids u32[n_ids], oldest first | vector f32[d] | hops u48[3] | u32 CRC-32 of all before
"""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from marquee_shared.errors import BadState, LaterState
from marquee_shared.event import Event
from marquee_shared.fold_in import F32
from marquee_shared.ids import event_hash, item_hash
from marquee_shared.interaction import Interaction, from_event, join

VERSION = 1
MAX_ITEMS = 512  # interactions kept, newest first
MAX_IDS = 64  # recent event ids kept, against counting one event twice
_HEAD = struct.Struct("<2sBBIHBB")
_ITEM = struct.Struct("<QBHIH")  # at as u32 low, u16 high
_EMPTY = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hops:
    """When the user's last event passed each hop, ms since epoch; 0 is unknown."""

    accepted_at: int = 0  # online had checked it, and offered it to the broker
    consumed_at: int = 0  # nearline took it from the topic
    folded_at: int = 0  # nearline was about to fold it and hand the state to Redis


@dataclass(frozen=True, slots=True, kw_only=True)
class UserState:
    """Truth: `events`, `interactions` by item hash, `recent_ids`. Cache: the rest."""

    events: int = 0  # distinct events counted
    interactions: Mapping[int, Interaction] = field(default_factory=dict)
    recent_ids: tuple[int, ...] = ()
    model_id: str = ""  # of the vector; a vector is never scored against another model
    vector: F32 = field(default_factory=lambda: _EMPTY)
    hops: Hops = Hops()

    def truth(self) -> "UserState":
        """The state without its cache: what a rebuild must reproduce."""
        return UserState(
            events=self.events, interactions=self.interactions, recent_ids=self.recent_ids
        )


def key(namespace: str, partition: int, user_id: str) -> str:
    """The Redis key; the braces put a partition's users and its offset in one slot."""
    return f"u:{{{namespace}.{partition}}}:{user_id}"


def fold(state: UserState, events: Iterable[Event]) -> UserState:
    """The truth after these events of one user.

    Joining twice changes nothing, so an event is joined whatever its id; the remembered ids only
    keep it from being counted twice. Up to MAX_ITEMS items the order of events does not matter;
    beyond, it decides which of the oldest are kept.
    """
    interactions = dict(state.interactions)
    ids = list(state.recent_ids)
    count = state.events
    for event in events:
        name = event_hash(event.event_id)
        if name not in ids:
            ids = [*ids, name][-MAX_IDS:]
            count += 1
        new = from_event(event)
        if new is not None and event.item_id is not None:
            item = item_hash(event.item_id)
            known = interactions.get(item)
            interactions[item] = join(known, new) if known else new
    return replace(state, events=count, interactions=_newest(interactions), recent_ids=tuple(ids))


def _newest(interactions: dict[int, Interaction]) -> dict[int, Interaction]:
    if len(interactions) <= MAX_ITEMS:
        return interactions
    kept = sorted(interactions.items(), key=lambda pair: (pair[1].at, pair[0]))[-MAX_ITEMS:]
    return dict(kept)


def encode_state(state: UserState) -> bytes:
    """The bytes that Redis holds; equal truths give equal bytes."""
    model = state.model_id.encode()
    head = _HEAD.pack(
        b"MQ", VERSION, 0, state.events, len(state.interactions), len(state.recent_ids), len(model)
    )
    items = b"".join(
        _ITEM.pack(item, i.kind, i.strength, i.at & 0xFFFFFFFF, i.at >> 32)
        for item, i in sorted(state.interactions.items())
    )
    hops = (state.hops.accepted_at, state.hops.consumed_at, state.hops.folded_at)
    body = b"".join(
        (
            head,
            model,
            struct.pack("<H", len(state.vector)),
            items,
            struct.pack(f"<{len(state.recent_ids)}I", *state.recent_ids),
            state.vector.astype("<f4").tobytes(),
            *(hop.to_bytes(6, "little") for hop in hops),
        )
    )
    return body + struct.pack("<I", zlib.crc32(body))


def decode_state(data: bytes) -> UserState:
    """Raises BadState: wrong magic, length or checksum; LaterState: whole, of another version.

    Every version starts with the magic and its number and ends with the CRC-32.
    """
    if len(data) < _HEAD.size + 24:
        raise BadState("shorter than an empty state")
    magic, version, _, events, n_items, n_ids, n_model = _HEAD.unpack_from(data)
    if magic != b"MQ" or zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise BadState("magic or checksum does not match")
    if version != VERSION:
        raise LaterState(f"a user state has version {version}, this reader knows {VERSION}")
    at = _HEAD.size + n_model
    d = int.from_bytes(data[at : at + 2], "little")
    items_at = at + 2
    ids_at = items_at + n_items * _ITEM.size
    vector_at = ids_at + 4 * n_ids
    hops_at = vector_at + 4 * d
    if len(data) != hops_at + 22:
        raise BadState("length does not match its header")
    try:
        model_id = data[_HEAD.size : at].decode()
    except UnicodeDecodeError as error:
        raise BadState("model id is not UTF-8") from error
    return UserState(
        events=events,
        interactions={
            item: Interaction(kind, strength, high << 32 | low)
            for item, kind, strength, low, high in _ITEM.iter_unpack(data[items_at:ids_at])
        },
        recent_ids=struct.unpack_from(f"<{n_ids}I", data, ids_at),
        model_id=model_id,
        vector=np.frombuffer(data, "<f4", d, vector_at),
        hops=_hops(data[hops_at:-4]),
    )


def _hops(data: bytes) -> Hops:
    accepted, consumed, folded = (int.from_bytes(data[p : p + 6], "little") for p in (0, 6, 12))
    return Hops(accepted_at=accepted, consumed_at=consumed, folded_at=folded)
