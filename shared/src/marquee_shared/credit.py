"""Credit token: carries each artwork choice to the client and back, so credit needs no join.

Layout before base64url (no padding), little-endian:

    u8 version=1 | u8 n, key id | u8 n, decision id | u64 user hash | u48 issued at (ms)
    | u8 n, taste f16[n] | u8 n, policies (u8 n, text)[n]
    | u8 n, choices (u32 item hash, u8 artwork index, u8 policy index, f16 propensity)[n]
    | 16 bytes: HMAC-SHA-256 of all before, truncated
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from marquee_shared.errors import BadToken
from marquee_shared.ids import item_hash

VERSION = 1
MAC_BYTES = 16
MIN_KEY_BYTES = 16
ATTRIBUTION_MS = 6 * 3600 * 1000  # an outcome earns credit for so long after the page was made
MAX_CLOCK_MS = 5_000  # by which the clocks of two hosts may differ
MAX_TOKEN = 4096  # characters; a page of 40 takes some 600
CHOICE = struct.Struct("<IBBe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """One artwork as it was served: which, by which policy, with which probability."""

    item: int  # low 32 bits of item_hash
    artwork: int  # index among the item's artworks
    policy: str
    propensity: float  # (0, 1], to half precision


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What a token says, once its signature holds."""

    decision_id: str
    user: int  # item_hash of the user id
    issued_at: int  # ms since epoch
    taste: tuple[float, ...]  # features of the user as they were when the choice was made
    choices: tuple[Credited, ...]


def parse_keys(value: str) -> dict[str, bytes]:
    """`id:hex[,id:hex]` as keys by id, in order. Raises ValueError."""
    keys = {}
    for pair in value.split(","):
        name, separator, digits = pair.partition(":")
        key = bytes.fromhex(digits)
        if not name or not separator or len(name) > 32 or len(key) < MIN_KEY_BYTES:
            raise ValueError(f"expected id:hex with at least {MIN_KEY_BYTES} bytes of key")
        keys[name] = key
    return keys


def sign(credit: Credit, key_id: str, key: bytes) -> str:
    """The token of a page. At most 255 choices."""
    policies = sorted({choice.policy for choice in credit.choices})
    body = b"".join(
        (
            bytes([VERSION]),
            _text(key_id),
            _text(credit.decision_id),
            struct.pack("<Q", credit.user),
            credit.issued_at.to_bytes(6, "little"),
            bytes([len(credit.taste)]),
            np.asarray(credit.taste, "<f2").tobytes(),
            bytes([len(policies)]),
            *map(_text, policies),
            bytes([len(credit.choices)]),
            *(
                CHOICE.pack(c.item, c.artwork, policies.index(c.policy), c.propensity)
                for c in credit.choices
            ),
        )
    )
    return _encoded(body + _mac(key, body))


def verify(
    token: str, keys: Mapping[str, bytes], *, user_id: str, now_ms: int, window_ms: int
) -> Credit:
    """What the token says. Raises BadToken: forged, foreign, expired, malformed."""
    credit = _read(token, keys)
    if credit.user != item_hash(user_id):
        raise BadToken("issued to another user", "foreign")
    if not -MAX_CLOCK_MS <= now_ms - credit.issued_at <= window_ms:
        raise BadToken("outside the attribution window", "late")
    return credit


def _read(token: str, keys: Mapping[str, bytes]) -> Credit:
    if len(token) > MAX_TOKEN:
        raise BadToken("too long", "malformed")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        if _encoded(raw) != token:  # base64 has spare bits: one credit has one spelling
            raise BadToken("malformed", "malformed")
        reader = _Reader(raw[:-MAC_BYTES])
        if reader.byte() != VERSION:
            raise BadToken("unknown version", "malformed")
        key_id = reader.text()
        if not _holds(keys.get(key_id), reader.data, raw[-MAC_BYTES:]):
            raise BadToken("signature does not hold", "forged")
        return _parse(reader)
    except (binascii.Error, ValueError, struct.error, IndexError) as error:
        raise BadToken("malformed", "malformed") from error


def _holds(key: bytes | None, body: bytes, mac: bytes) -> bool:
    return key is not None and hmac.compare_digest(_mac(key, body), mac)


def _parse(reader: "_Reader") -> Credit:
    decision_id = reader.text()
    user = int.from_bytes(reader.take(8), "little")
    issued_at = int.from_bytes(reader.take(6), "little")
    taste = np.frombuffer(reader.take(2 * reader.byte()), "<f2")
    policies = [reader.text() for _ in range(reader.byte())]
    choices = []
    for _ in range(reader.byte()):
        item, artwork, policy, propensity = CHOICE.unpack(reader.take(CHOICE.size))
        choices.append(
            Credited(item=item, artwork=artwork, policy=policies[policy], propensity=propensity)
        )
    return Credit(
        decision_id=decision_id,
        user=user,
        issued_at=issued_at,
        taste=tuple(taste.astype(float).tolist()),
        choices=tuple(choices),
    )


class _Reader:
    """A cursor over bytes that never reads past the end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._at = 0

    def take(self, n: int) -> bytes:
        if self._at + n > len(self.data):
            raise ValueError("truncated")
        self._at += n
        return self.data[self._at - n : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def text(self) -> str:
        return self.take(self.byte()).decode()


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _text(value: str) -> bytes:
    encoded = value.encode()
    return bytes([len(encoded)]) + encoded


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()[:MAC_BYTES]
