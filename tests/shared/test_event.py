"""Events at the two doors: strict over HTTP, tolerant on the topic."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.context import Context
from marquee_shared.errors import BadInput
from marquee_shared.event import (
    EVENT_TYPES,
    MAX_SKEW_MS,
    Event,
    Seen,
    accept_event,
    decode_event,
    encode_event,
)

NOW = 1_795_464_000_000
PLAY = {"user_id": "u1", "item_id": "m1", "type": "play"}
STOP = PLAY | {"type": "stop", "watched_s": 60, "runtime_s": 120}
RATING = PLAY | {"type": "rating", "rating": 4.5}
SEEN = {"item_id": "m1", "row": 0, "position": 3}
IMPRESSIONS = {"user_id": "u1", "type": "impressions", "seen": [SEEN]}
TOPIC = PLAY | {"event_id": "e1", "at": NOW}


def accept(body: dict[str, object] | bytes) -> Event:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return accept_event(data, event_id="given", now_ms=NOW)[0]


def raw(number: str, field: str = "at") -> bytes:
    """A play with a number that json.dumps would not write."""
    return json.dumps(PLAY)[:-1].encode() + f', "{field}": {number}}}'.encode()


# --- HTTP: what is accepted ------------------------------------------------------------------


def test_smallest_event_is_completed_by_the_server():
    assert accept(PLAY) == Event(
        event_id="given", user_id="u1", item_id="m1", type="play", at=NOW, accepted_at=NOW
    )


def test_clients_event_id_and_time_are_kept():
    event = accept(PLAY | {"event_id": "mine", "at": NOW - 5000})
    assert (event.event_id, event.at, event.accepted_at) == ("mine", NOW - 5000, NOW)


@pytest.mark.parametrize("ahead", [1, MAX_SKEW_MS])
def test_clock_up_to_five_minutes_ahead_is_clamped_to_now(ahead):
    assert accept(PLAY | {"at": NOW + ahead}).at == NOW


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES - {"stop", "rating", "impressions"}))
def test_every_plain_type_needs_only_an_item(kind):
    assert accept(PLAY | {"type": kind}).type == kind


@pytest.mark.parametrize("rating", [0.5, 1, 2.5, 5])
def test_half_star_ratings_are_accepted(rating):
    assert accept(RATING | {"rating": rating}).rating == rating


def test_title_watched_to_the_last_second_is_accepted():
    assert accept(STOP | {"watched_s": 120}).watched_s == 120


def test_accepted_event_holds_plain_parts_of_the_topics_schema():
    event = accept(IMPRESSIONS | {"context": {"device": "tv"}})
    assert event.seen == (Seen(item_id="m1", row=0, position=3),)
    assert event.context == Context(device="tv")


def test_unknown_context_values_become_other_and_are_counted():
    body = PLAY | {"context": {"device": "fridge", "country": "de", "daypart": "night"}}
    event, unknown = accept_event(json.dumps(body).encode(), event_id="e", now_ms=NOW)
    assert (event.context, unknown) == (Context(daypart="night"), 2)


# --- HTTP: what is refused -------------------------------------------------------------------

WRONG: list[tuple[str, dict[str, object] | bytes]] = [
    # ids: every character that could move a key, every length outside 1..128
    *(
        (field, PLAY | {field: value})
        for field in ("event_id", "user_id", "item_id", "session_id", "decision_id", "artwork_id")
        for value in ("", "x" * 129, "a{b", "a}b", "a/b", "a b", "\U0001f4a9", "zwölf", "a\n", 7)
    ),
    ("user_id", {"type": "play", "item_id": "m1"}),
    ("user_id", PLAY | {"user_id": None}),
    ("user_id", PLAY | {"user_id": ["u1"]}),
    # type
    ("type", {"user_id": "u1", "item_id": "m1"}),
    ("type", PLAY | {"type": "sneeze-secret"}),
    ("type", PLAY | {"type": "Play"}),
    ("type", PLAY | {"type": 3}),
    ("type", PLAY | {"type": "unknown field `secret`"}),
    ("type", PLAY | {"type": "Object missing required field `secret`"}),
    ("v", PLAY | {"v": 2}),
    ("v", PLAY | {"v": "1"}),
    # time
    ("at", PLAY | {"at": NOW // 1000}),
    ("at", PLAY | {"at": 946_684_799_999}),
    ("at", PLAY | {"at": NOW + MAX_SKEW_MS + 1}),
    ("at", PLAY | {"at": -1}),
    ("at", PLAY | {"at": "2026-01-01"}),
    ("at", PLAY | {"at": NOW + 0.5}),
    ("at", PLAY | {"at": True}),
    ("at", raw("9" * 30)),
    ("at", raw("9" * 5000)),
    ("at", raw("-" + "9" * 30)),
    ("at", raw("1e400")),
    ("accepted_at", PLAY | {"accepted_at": NOW}),
    # what a type needs
    *(("item_id", {"user_id": "u1", "type": t}) for t in sorted(EVENT_TYPES - {"impressions"})),
    ("rating", PLAY | {"type": "rating"}),
    *(("rating", RATING | {"rating": r}) for r in (0, 0.4, 3.3, 5.5, -1, "5", None, [4])),
    ("rating", raw("1e999", "rating")),
    ("watched_s", PLAY | {"type": "stop", "runtime_s": 10}),
    ("runtime_s", PLAY | {"type": "stop", "watched_s": 10}),
    ("runtime_s", STOP | {"watched_s": 0, "runtime_s": 0}),
    ("runtime_s", STOP | {"runtime_s": 7 * 24 * 3600 + 1}),
    ("watched_s", STOP | {"watched_s": 120.5}),
    ("watched_s", STOP | {"watched_s": -1}),
    ("seen", {"user_id": "u1", "type": "impressions"}),
    ("seen", IMPRESSIONS | {"seen": []}),
    ("seen", IMPRESSIONS | {"seen": [SEEN] * 501}),
    ("seen", IMPRESSIONS | {"seen": "secret"}),
    ("seen[0].item_id", IMPRESSIONS | {"seen": [{"row": 0, "position": 0}]}),
    ("seen[1].row", IMPRESSIONS | {"seen": [SEEN, SEEN | {"row": -1}]}),
    ("seen[0].position", IMPRESSIONS | {"seen": [SEEN | {"position": 1000}]}),
    ("seen[0].artwork", IMPRESSIONS | {"seen": [SEEN | {"artwork": "secret"}]}),
    # places, tokens, context
    *((field, PLAY | {field: v}) for field in ("row", "position") for v in (-1, 1000, 1.5, "0")),
    ("credit", PLAY | {"credit": "x" * 4097}),
    ("credit", PLAY | {"credit": 5}),
    ("context", PLAY | {"context": None}),
    ("context", PLAY | {"context": "tv"}),
    ("context.device", PLAY | {"context": {"device": 3}}),
    ("context.devise", PLAY | {"context": {"devise": "tv"}}),
    # unknown fields, printable or not
    ("rated", PLAY | {"rated": 5}),
    ("(unprintable)", PLAY | {"\U0001f4a9": 5}),
    ("(unprintable)", PLAY | {"x` - at `$.Secret": 5}),
    # no event at all
    *(("body", data) for data in (b"", b"{", b"[]", b"null", b"7", b'"secret"')),
    ("body", b"\xef\xbb\xbf" + json.dumps(PLAY).encode()),
    ("body", json.dumps(PLAY).encode() * 2),
    ("body", raw("NaN")),
    ("body", raw("Infinity", "rating")),
    ("body", b'{"user_id": "\xff\xfe"}'),
    ("body", b'{"user_id": "u1", "type": "play", "item_id": "\\ud800"}'),
    ("body", b'{"user_id": "u1", "type": "play", "item_id": "m1", "credit": "\\udfff"}'),
    ("body", b"[" * 100_000),
    ("user_id", b'{"user_id": ' + b"[" * 100_000),
    ("deep", b'{"deep": ' + b"[" * 100_000),
]

each_wrong_body = pytest.mark.parametrize(
    ("field", "body"), WRONG, ids=[f"{n}-{field}" for n, (field, _) in enumerate(WRONG)]
)


SECRETS = ("secret", "Secret", "xxxxx", "9" * 16, "zw")


@each_wrong_body
def test_refusal_names_exactly_the_wrong_field(field, body):
    with pytest.raises(BadInput) as refused:
        accept(body)
    assert refused.value.field == field
    assert refused.value.reason


@each_wrong_body
def test_refusal_never_holds_the_value(field, body):
    with pytest.raises(BadInput) as refused:
        accept(body)
    message = str(refused.value)
    assert message.isascii()
    assert message.isprintable()
    assert len(message) < 200
    assert not any(
        part in message for part in ("secret", "Secret", "xxxxx", "9" * 16, "zw", "fridge")
    )


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*Event.__struct_fields__, "other"]), inner, max_size=9),
    max_leaves=20,
))  # fmt: skip
def test_any_json_is_an_event_or_bad_input(value):
    try:
        event = accept(json.dumps(value).encode())
    except BadInput:
        return
    assert decode_event(encode_event(event)) == event


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_bad_input(data):
    for door in (accept, decode_event):
        with pytest.raises(BadInput):
            door(data)


# --- the topic -------------------------------------------------------------------------------


def on_topic(body: dict[str, object]) -> Event:
    return decode_event(json.dumps(body).encode())


def test_unknown_fields_on_the_topic_are_ignored():
    extra = {"mood": {"of": ["the", "day"]}, "context": {"device": "tv", "moon": "full"}}
    assert on_topic(TOPIC | extra).context == Context(device="tv")


def test_event_of_unknown_type_is_kept():
    event = on_topic({"event_id": "e", "user_id": "u", "at": NOW, "type": "dance"})
    assert event.type == "dance"
    assert event.type not in EVENT_TYPES


def test_event_of_version_2_is_refused():
    with pytest.raises(BadInput) as refused:
        on_topic(TOPIC | {"v": 2})
    assert refused.value.field == "v"


@pytest.mark.parametrize("field", ["event_id", "user_id", "at", "type", "item_id"])
def test_message_without_a_needed_field_is_refused_by_its_name(field):
    with pytest.raises(BadInput) as refused:
        on_topic({name: value for name, value in TOPIC.items() if name != field})
    assert refused.value.field == field


@pytest.mark.parametrize("data", [None, b"", b"null"])
def test_message_without_a_value_is_bad_input(data):
    with pytest.raises(BadInput) as refused:
        decode_event(data)
    assert refused.value.field == "body"


def test_context_on_the_topic_is_closed():
    event = on_topic(TOPIC | {"context": {"device": "hologram", "country": "DE\n"}})
    assert event.context == Context()


def test_deeply_nested_unknown_field_on_the_topic_is_bad_input():
    deep = b"[" * 200_000 + b"]" * 200_000
    with pytest.raises(BadInput):
        decode_event(json.dumps(TOPIC)[:-1].encode() + b', "deep": ' + deep + b"}")


def test_encoding_leaves_defaults_out_and_keeps_the_order_of_declaration():
    event = Event(item_id="m1", at=5, type="play", user_id="u1", event_id="e1")
    assert encode_event(event) == (
        b'{"event_id":"e1","user_id":"u1","type":"play","at":5,"item_id":"m1"}'
    )


_ids = st.from_regex(r"\A[A-Za-z0-9_.:-]{1,128}\Z")
_events = st.builds(
    Event,
    event_id=_ids,
    user_id=_ids,
    item_id=_ids,
    type=st.sampled_from(sorted(EVENT_TYPES - {"stop", "rating"})),
    at=st.integers(0, 253_402_300_799_999),
    row=st.none() | st.integers(0, 999),
    seen=st.lists(
        st.builds(Seen, item_id=_ids, row=st.integers(0, 999), position=st.integers(0, 999)),
        min_size=1,
        max_size=3,
    ).map(tuple),
    context=st.builds(Context, device=st.sampled_from(["tv", "phone", "other"])),
)


@given(_events)
def test_event_survives_the_topic(event):
    assert decode_event(encode_event(event)) == event


def test_event_is_frozen():
    event = accept(PLAY)
    with pytest.raises(AttributeError):
        event.user_id = "u2"
    assert msgspec.structs.replace(event, user_id="u2") != event
