"""Sums: all that the artwork bandit has learnt, as additive statistics.

Per impression, features x `(FEATURES,)` and two rewards, the click and the quality of the play:

    A = sum x x'   b_r = sum x r   and per image  s = sum x   c_r = sum r

Event by event in float64, in the order of the log: the same log gives the same bits. x[0] is 1, so
s[0] is the image's number of impressions. Partitions add up in their order.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from marquee_shared.errors import BadState
from marquee_shared.fold_in import F64
from marquee_shared.taste import FEATURES

Reward = Literal["click", "quality"]
REWARDS: tuple[Reward, ...] = ("click", "quality")
VERSION = 1
IMAGE = FEATURES + len(REWARDS)  # numbers per image: s, then c of each reward
SHARED = FEATURES * FEATURES + len(REWARDS) * FEATURES
_HEAD = struct.Struct("<2sBBQI")  # magic, version, features, number, images


def _shared() -> F64:
    return np.zeros(SHARED)


@dataclass(slots=True, kw_only=True)
class Sums:
    """Mutable: a batch of a partition is added in place, then written whole or not at all."""

    shared: F64 = field(default_factory=_shared)
    images: dict[int, F64] = field(default_factory=dict)  # by image key, (IMAGE,) each

    @property
    def precision(self) -> F64:
        """A `(FEATURES, FEATURES)`, a view."""
        return self.shared[: FEATURES * FEATURES].reshape(FEATURES, FEATURES)

    def response(self, reward: Reward) -> F64:
        """b of a reward `(FEATURES,)`, a view."""
        start = FEATURES * (FEATURES + REWARDS.index(reward))
        return self.shared[start : start + FEATURES]

    @property
    def impressions(self) -> float:
        return float(self.shared[0])

    def see(self, image: int, x: F64) -> None:
        """One impression, its reward still unknown."""
        self.precision[:] += np.outer(x, x)
        self._of(image)[:FEATURES] += x

    def reward(self, image: int, x: F64, amounts: Mapping[Reward, float]) -> None:
        """What an impression with these features has earned more than was known."""
        for name, amount in amounts.items():
            self.response(name)[:] += x * amount
            self._of(image)[FEATURES + REWARDS.index(name)] += amount

    def add(self, other: "Sums") -> None:
        self.shared += other.shared
        for image, numbers in other.images.items():
            self._of(image)[:] += numbers

    @property
    def shared_only(self) -> "Sums":
        """The part that every image has in common."""
        return Sums(shared=self.shared)

    def _of(self, image: int) -> F64:
        return self.images.setdefault(image, np.zeros(IMAGE))


def shared_key(namespace: str, partition: int) -> str:
    """The Redis key of a partition's shared sums, in the slot of its users."""
    return f"b:{{{namespace}.{partition}}}:shared"


def images_key(namespace: str, partition: int) -> str:
    """The Redis hash of a partition's images: field is the key in decimal, value f64[IMAGE]."""
    return f"b:{{{namespace}.{partition}}}:images"


def snapshot_key(namespace: str) -> str:
    """The Redis key of all partitions' sums together, numbered, as online reads them."""
    return f"bandit:{namespace}"


def merged(parts: Iterable[Sums]) -> Sums:
    """The partitions' sums together, added in the order given."""
    total = Sums()
    for part in parts:
        total.add(part)
    return total


def encode_sums(sums: Sums, number: int = 0) -> bytes:
    """'MB' u8 version u8 FEATURES u64 number u32 n | f64 shared | u64 image keys[n], ascending
    | f64 (n, IMAGE) | u32 CRC-32; little-endian."""
    keys = sorted(sums.images)
    table = np.array([sums.images[key] for key in keys], "<f8").reshape(len(keys), IMAGE)
    body = b"".join(
        (
            _HEAD.pack(b"MB", VERSION, FEATURES, number, len(keys)),
            sums.shared.astype("<f8").tobytes(),
            np.array(keys, "<u8").tobytes(),
            table.tobytes(),
        )
    )
    return body + zlib.crc32(body).to_bytes(4, "little")


def number_of(head: bytes) -> int:
    """The number of encoded sums, from their first HEAD bytes; -1 where there are none."""
    return int(_HEAD.unpack(head[: _HEAD.size])[3]) if len(head) >= _HEAD.size else -1


HEAD = _HEAD.size


def decode_sums(data: bytes) -> Sums:
    """Raises BadState: wrong magic, version, number of features, length or checksum."""
    if len(data) < HEAD + 4 or zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise BadState("sums: truncated or corrupt")
    magic, version, features, _, images = _HEAD.unpack_from(data)
    if (magic, version, features) != (b"MB", VERSION, FEATURES):
        raise BadState(f"sums: version {version} with {features} features is not known here")
    if len(data) != HEAD + 8 * (SHARED + images * (1 + IMAGE)) + 4:
        raise BadState("sums: length does not match the header")
    keys_at = HEAD + 8 * SHARED
    keys = np.frombuffer(data, "<u8", images, keys_at).tolist()
    table = np.frombuffer(data, "<f8", images * IMAGE, keys_at + 8 * images)
    return Sums(
        shared=np.frombuffer(data, "<f8", SHARED, HEAD).astype(np.float64),
        images=dict(zip(keys, table.astype(np.float64).reshape(images, IMAGE), strict=True)),
    )
