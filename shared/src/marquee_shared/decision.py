"""Decision: what a user was offered, with all that explains it. Nearline never reads it."""

from typing import Literal

import msgspec

from marquee_shared.context import Context
from marquee_shared.errors import BadInput
from marquee_shared.ids import Id

TOPIC = "marquee.decisions.v1"


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of the page and, where it has artwork, the draw that chose the image."""

    item_id: Id
    score: float
    source: str  # ials+item-item, similar, popular:<segment>, ...
    artwork_id: Id | None = None
    candidates: tuple[str, ...] = ()  # artwork ids
    distribution: tuple[float, ...] = ()  # probability of each candidate, sums to 1
    repeat_of: Id | None = None  # decision that first showed this item in this session


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row of the page, best first. `position` is the index in `items`."""

    name: str  # top_picks, because_you_watched, popular
    title: str
    items: tuple[Choice, ...]
    because: Id | None = None  # the item that the row leans on


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answered page."""

    v: Literal[1] = 1
    decision_id: Id
    user_id: Id | None = None
    session_id: Id | None = None
    at: int  # ms since epoch, UTC
    context: Context = Context()
    model_id: str = ""
    policies: dict[str, str] = {}  # decision kind -> policy version
    arms: dict[str, str] = {}  # experiment -> arm
    seed: int = 0  # every draw of this page follows from it
    taste: tuple[float, ...] = ()  # `taste.USER_FEATURES` that images were drawn by
    degraded: tuple[str, ...] = ()  # rungs of the fallback ladder that were taken
    rows: tuple[Row, ...] = ()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Decision)


def encode_decision(decision: Decision) -> bytes:
    """JSON bytes, fields in declaration order, defaults left out."""
    return _encoder.encode(decision)


def decode_decision(data: bytes) -> Decision:
    """Raises BadInput when the bytes are no decision of version 1."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("decision", "is not a decision of version 1") from error
