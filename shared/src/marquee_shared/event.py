"""Event: what a user did. One schema for HTTP (strict) and for the topic (tolerant)."""

import re
from typing import Annotated, Literal, TypeVar, get_args

import msgspec

from marquee_shared.context import Context, closed
from marquee_shared.errors import BadInput
from marquee_shared.ids import Id

TOPIC = "marquee.events.v1"
DEAD_LETTERS = "marquee.dead-letters.v1"

EventType = Literal[
    "play",
    "stop",
    "complete",
    "thumbs_up",
    "thumbs_down",
    "rating",
    "list_add",
    "list_remove",
    "click",
    "impressions",
]
EVENT_TYPES: frozenset[str] = frozenset(get_args(EventType))
OUTCOMES = frozenset({"click", "play", "stop", "complete"})  # what an image of a title earns by

MAX_SKEW_MS = 5 * 60 * 1000  # a client's clock may run this far ahead; the event is then 'now'
EARLIEST_MS = 946_684_800_000  # 2000-01-01; lower over HTTP means seconds were sent
MAX_SECONDS = 7 * 24 * 3600.0  # longest runtime of one title

Millis = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]  # up to year 9999
Seconds = Annotated[float, msgspec.Meta(ge=0, le=MAX_SECONDS)]
Place = Annotated[int, msgspec.Meta(ge=0, le=999)]
Token = Annotated[str, msgspec.Meta(max_length=4096)]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One position that was really in the viewport."""

    item_id: Id
    row: Place
    position: Place
    artwork_id: Id | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as it lies on the topic. Readers ignore unknown fields and unknown types."""

    v: Literal[1] = 1
    event_id: Id
    user_id: Id
    type: Annotated[str, msgspec.Meta(max_length=64)]
    at: Millis  # the client's clock, UTC
    accepted_at: Millis = 0  # ours
    item_id: Id | None = None
    context: Context = Context()
    session_id: Id | None = None
    decision_id: Id | None = None
    row: Place | None = None
    position: Place | None = None
    artwork_id: Id | None = None
    watched_s: Seconds | None = None  # stop: seconds watched
    runtime_s: Seconds | None = None  # stop: length of the title
    rating: Annotated[float, msgspec.Meta(ge=0.5, le=5)] | None = None
    seen: Annotated[tuple[Seen, ...], msgspec.Meta(max_length=500)] = ()  # impressions
    credit: Token | None = None  # the page's credit token, with impressions and outcomes


def watched_share(event: Event) -> float | None:
    """The share of the title (0 to 1) that was watched; None where the event does not tell."""
    if event.type == "complete":
        return 1.0
    if event.type == "stop" and event.watched_s is not None and event.runtime_s:
        return min(1.0, event.watched_s / event.runtime_s)
    return None


class PostedContext(Context, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A context as a client posts it."""


class PostedSeen(Seen, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A position as a client posts it."""


class PostedEvent(Event, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event as a client posts it: the server fills what is missing, and refuses what is odd."""

    event_id: Id | None = None  # type: ignore[assignment]
    type: EventType
    at: Millis | None = None  # type: ignore[assignment]
    context: PostedContext = PostedContext()
    seen: Annotated[tuple[PostedSeen, ...], msgspec.Meta(max_length=500)] = ()


_on_topic = msgspec.json.Decoder(Event)
_posted = msgspec.json.Decoder(PostedEvent, strict=True)
_encoder = msgspec.json.Encoder()


def encode_event(event: Event) -> bytes:
    """JSON bytes, fields in declaration order, defaults left out."""
    return _encoder.encode(event)


def decode_event(data: bytes | None) -> Event:
    """A message of the topic as an event, its context closed.

    Raises BadInput naming the field; a message without a value (None) is no event either. An
    unknown type is not an error: `EVENT_TYPES` tells.
    """
    if data is None:
        raise BadInput("body", "is absent")
    event = _decode(_on_topic, data)
    if event.type in EVENT_TYPES:
        _check_type(event)
    return msgspec.structs.replace(event, context=closed(event.context)[0])


def read_event(key: bytes | None, value: bytes | None) -> Event:
    """A message of the topic, or of the archive, as an event.

    Raises BadInput, also where the key is not the user: the message then lies in a partition that
    is not the user's.
    """
    event = decode_event(value)
    if key != event.user_id.encode():
        raise BadInput("key", "is not the user id")
    return event


def accept_event(data: bytes, *, event_id: str, now_ms: int) -> tuple[Event, int]:
    """A posted body as the event that goes to the topic, and how many context values were unknown.

    Raises BadInput naming the field, never quoting the value.
    """
    posted = _decode(_posted, data)
    if posted.accepted_at:
        raise BadInput("accepted_at", "is set by the server")
    at = _checked_time(posted.at, now_ms)
    _check_type(posted)
    context, unknown = closed(Context(**msgspec.structs.asdict(posted.context)))
    fields = msgspec.structs.asdict(posted) | {
        "event_id": posted.event_id or event_id,
        "at": at,
        "accepted_at": now_ms,
        "context": context,
        "seen": tuple(Seen(**msgspec.structs.asdict(place)) for place in posted.seen),
    }
    return Event(**fields), unknown


def _checked_time(at: int | None, now_ms: int) -> int:
    if at is None:
        return now_ms
    if at < EARLIEST_MS:
        raise BadInput("at", "expected milliseconds since 1970, after the year 2000")
    if at > now_ms + MAX_SKEW_MS:
        raise BadInput("at", "lies more than 5 minutes in the future")
    return min(at, now_ms)


def _check_type(event: Event) -> None:
    if event.type == "impressions":
        if not event.seen:
            raise BadInput("seen", "impressions need at least one position")
        return
    if event.item_id is None:
        raise BadInput("item_id", f"required for {event.type}")
    if event.type == "rating" and (event.rating is None or event.rating * 2 % 1):
        raise BadInput("rating", "required: 0.5 to 5 in half steps")
    if event.type == "stop":
        if event.watched_s is None:
            raise BadInput("watched_s", "required for stop")
        if not event.runtime_s:
            raise BadInput("runtime_s", "required for stop, more than 0")
        if event.watched_s > event.runtime_s:
            raise BadInput("watched_s", "is more than runtime_s")


_E = TypeVar("_E")
_PATH = re.compile(r"`\$\.?([a-z_.\[\]0-9]{0,60})`\Z")
# Whole, so that a field's name which imitates the library's words earns no echo.
_UNKNOWN = re.compile(
    r"Object contains unknown field `([a-z_]{1,40})`( - at `\$[a-z_.\[\]0-9]{0,60}`)?"
)


def _decode(decoder: msgspec.json.Decoder[_E], data: bytes) -> _E:
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None  # the library's message may quote the value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("body", "is not valid JSON") from error


def _named(message: str) -> BadInput:
    """The library's message as a field and a reason, without the value it may quote."""
    path = _PATH.search(message)
    where = path.group(1) if path else ""
    if message.startswith("Invalid enum value"):  # first: it quotes the value
        known = f": {', '.join(get_args(EventType))}" if where == "type" else ""
        return BadInput(where or "body", f"not one of the known values{known}")
    if message.startswith("Object contains unknown field"):
        unknown = _UNKNOWN.fullmatch(message)
        name = f"{where}.{unknown.group(1)}".lstrip(".") if unknown else "(unprintable)"
        return BadInput(name, "unknown field")
    if message.startswith("Object missing required field"):
        name = message.split("`")[1]
        return BadInput(f"{where}.{name}".lstrip("."), "required")
    reason = message.split(" - at ")[0]
    return BadInput(where or "body", reason[:1].lower() + reason[1:])
