"""Seen: which images a user has really seen lately, and what each has earned. One value per user.

Layout, little-endian: 'MS' u8 version=1 u8 n | n times: u32 item, u8 artwork, u8 clicked,
u8 quality (0 to 255), u32 session, u48 at, u8 m, decision id (m bytes) | u32 CRC-32 of all before
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marquee_shared.errors import BadState

VERSION = 1
MOST = 255  # showings kept, newest first
FULL_QUALITY = 255  # a play to the end
HOUR_MS = 3600 * 1000
IMPRESSIONS_PER_HOUR = 200  # of one user that are learnt from: nobody alone shall move the sums
CLICKS_PER_HOUR = 40  # of what was shown within an hour of each other, whenever it is clicked
_ENTRY = struct.Struct("<IBBBIIHB")  # at as u32 low, u16 high


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """The first showing of an item in a session, and what is known of its outcome."""

    item: int  # low 32 bits of item_hash
    artwork: int  # index among the item's artworks
    decision_id: str
    session: int  # event_hash of the session id; 0: none was given
    at: int  # when it was seen, ms since epoch by our clock
    clicked: bool = False
    quality: int = 0  # best share of it that was watched so far, of FULL_QUALITY


def seen_key(namespace: str, partition: int, user_id: str) -> str:
    """The Redis key, in the slot of the user's state. It expires with the attribution window."""
    return f"s:{{{namespace}.{partition}}}:{user_id}"


def newest(showings: Iterable[Showing], since: int) -> tuple[Showing, ...]:
    """Those seen at `since` (ms) or later, at most MOST, oldest first."""
    return tuple(showing for showing in showings if showing.at >= since)[-MOST:]


def encode_seen(showings: Sequence[Showing]) -> bytes:
    """At most MOST showings, in the order given."""
    parts = [b"MS", bytes([VERSION, len(showings)])]
    for one in showings:
        decision = one.decision_id.encode()
        head = (one.item, one.artwork, one.clicked, one.quality, one.session)
        parts.append(_ENTRY.pack(*head, one.at & 0xFFFFFFFF, one.at >> 32, len(decision)))
        parts.append(decision)
    body = b"".join(parts)
    return body + zlib.crc32(body).to_bytes(4, "little")


def decode_seen(data: bytes | None) -> tuple[Showing, ...]:
    """None is nobody who has seen anything. Raises BadState: truncated, corrupt, of another
    version."""
    if data is None:
        return ()
    if len(data) < 8 or zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise BadState("seen: truncated or corrupt")
    if data[:3] != b"MS" + bytes([VERSION]):
        raise BadState(f"seen: version {data[2]} is not known here")
    showings, at = [], 4
    try:
        for _ in range(data[3]):
            item, artwork, clicked, quality, session, low, high, m = _ENTRY.unpack_from(data, at)
            at += _ENTRY.size + m
            showings.append(
                Showing(
                    item=item,
                    artwork=artwork,
                    clicked=bool(clicked),
                    quality=quality,
                    session=session,
                    at=high << 32 | low,
                    decision_id=data[at - m : at].decode(),
                )
            )
    except (struct.error, UnicodeDecodeError) as error:
        raise BadState("seen: unreadable") from error
    return tuple(showings)
