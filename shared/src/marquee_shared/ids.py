"""Identifiers: who may be called what, where a user lives, and how an item is hashed."""

import hashlib
from typing import Annotated, NewType

import msgspec

ModelId = NewType("ModelId", str)

# No '/', '{', '}', space or control character: an id becomes part of object names and Redis keys,
# where a brace would move the hash tag.
ID_PATTERN = r"^[A-Za-z0-9_.:-]{1,128}$"
# Python's `$` also matches before a last line feed. (`\Z` is unknown to JSON Schema, a lookahead to
# the engine that checks query parameters.)
Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN.removesuffix("$") + r"(?!\n)$")]


def item_hash(item_id: str) -> int:
    """64-bit name of an item inside a user's state: BLAKE2b-64, little-endian, unsigned."""
    return int.from_bytes(hashlib.blake2b(item_id.encode(), digest_size=8).digest(), "little")


LOW = 0xFFFFFFFF  # the part of an item's hash that tokens, showings and sums hold


def low_hash(item_id: str) -> int:
    """32-bit name of an item in tokens, showings and sums: the low bits of its hash."""
    return item_hash(item_id) & LOW


def event_hash(event_id: str) -> int:
    """32-bit name of an event inside a user's ring of recent ids: BLAKE2b-32, little-endian."""
    return int.from_bytes(hashlib.blake2b(event_id.encode(), digest_size=4).digest(), "little")


def partition_of(user_id: str, partitions: int) -> int:
    """The Kafka partition of a user, and with it the user's Redis slot.

    Equals `partitioner=murmur2_random` of librdkafka and the Java client's default for keyed
    messages: (murmur2(key) & 0x7fffffff) mod partitions.
    """
    return (_murmur2(user_id.encode()) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 with Kafka's seed (org.apache.kafka.common.utils.Utils.murmur2)."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    tail = data[whole:]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)
