"""Seen: which images a user has really seen lately, and what each has earned. One value per user.

Layout, little-endian: 'MS' u8 version=1 u16 n | n times: u32 item, u8 artwork, u8 clicked,
u8 quality (0 to 255), u32 session, u48 at, f16[20] taste, u8 m, decision id (m bytes) | u32 CRC-32
of all before
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from marquee_shared.credit import ATTRIBUTION_MS
from marquee_shared.errors import BadState
from marquee_shared.ids import event_hash
from marquee_shared.taste import USER_FEATURES

VERSION = 1
FULL_QUALITY = 255  # a play to the end
HOUR_MS = 3600 * 1000
IMPRESSIONS_PER_HOUR = 200  # of one user that are learnt from: nobody alone shall move the sums
CLICKS_PER_HOUR = 40  # of what was shown within an hour of each other, whenever it is clicked
MOST = IMPRESSIONS_PER_HOUR * ATTRIBUTION_MS // HOUR_MS  # showings of a user within the window
_HEAD = struct.Struct("<2sBH")
_ENTRY = struct.Struct(f"<IBBBIIH{USER_FEATURES}eB")  # at as u32 low, u16 high


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """The first showing of an item in a session, and what is known of its outcome."""

    item: int  # low 32 bits of item_hash
    artwork: int  # index among the item's artworks
    decision_id: str
    session: int  # `session_of` its id
    at: int  # when it was seen, ms since epoch by our clock
    taste: tuple[float, ...]  # (USER_FEATURES,) that it was drawn by, to half precision
    clicked: bool = False
    quality: int = 0  # best share of it that was watched so far, of FULL_QUALITY


def seen_key(namespace: str, partition: int, user_id: str) -> str:
    """The Redis key, in the slot of the user's state. It expires once the log is gone, too."""
    return f"s:{{{namespace}.{partition}}}:{user_id}"


def session_of(session_id: str | None) -> int:
    """A session as a showing names it; 0: none was given."""
    return event_hash(session_id) if session_id else 0


def newest(showings: Iterable[Showing], since: int) -> tuple[Showing, ...]:
    """Those seen at `since` (ms) or later, in their order."""
    return tuple(showing for showing in showings if showing.at >= since)


def encode_seen(showings: Sequence[Showing]) -> bytes:
    """In the order given, oldest first."""
    parts = [_HEAD.pack(b"MS", VERSION, len(showings))]
    for one in showings:
        decision = one.decision_id.encode()
        head = (one.item, one.artwork, one.clicked, one.quality, one.session)
        at = (one.at & 0xFFFFFFFF, one.at >> 32)
        parts.append(_ENTRY.pack(*head, *at, *one.taste, len(decision)))
        parts.append(decision)
    body = b"".join(parts)
    return body + zlib.crc32(body).to_bytes(4, "little")


def decode_seen(data: bytes | None) -> tuple[Showing, ...]:
    """None is nobody who has seen anything. Raises BadState: truncated, corrupt, of another
    version or length."""
    if data is None:
        return ()
    if len(data) < _HEAD.size + 4 or zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise BadState("seen: truncated or corrupt")
    magic, version, number = _HEAD.unpack_from(data)
    if (magic, version) != (b"MS", VERSION):
        raise BadState(f"seen: version {version} is not known here")
    showings, at = [], _HEAD.size
    try:
        for _ in range(number):
            entry = _ENTRY.unpack_from(data, at)
            item, artwork, clicked, quality, session, low, high, *taste, m = entry
            at += _ENTRY.size + m
            showings.append(
                Showing(
                    item=item,
                    artwork=artwork,
                    clicked=bool(clicked),
                    quality=quality,
                    session=session,
                    at=high << 32 | low,
                    taste=tuple(taste),
                    decision_id=data[at - m : at].decode(),
                )
            )
    except (struct.error, UnicodeDecodeError) as error:
        raise BadState("seen: unreadable") from error
    if at != len(data) - 4:
        raise BadState("seen: length does not match the header")
    return tuple(showings)
