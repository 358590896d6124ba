"""What becomes of the bytes on the topic before anything is folded."""

import pytest

from marquee_nearline.errors import Interrupted
from marquee_nearline.parquet import Record, decode, encode, last_offset
from marquee_nearline.rebuild import compare
from marquee_nearline.sessions import keep_going
from marquee_nearline.settings import load_settings
from marquee_shared.errors import BadInput, BadSetting
from marquee_shared.event import Event, encode_event, read_event
from marquee_shared.interaction import RATING, Interaction
from marquee_shared.user_state import MAX_ITEMS, UserState

PLAY = encode_event(Event(event_id="e1", user_id="u1", type="play", item_id="m1", at=1_000))


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        (b"u1", b"", "body"),
        (b"u1", None, "body"),
        (b"u1", b"\xff\x00", "body"),
        (b"u1", b'{"event_id":"e"', "body"),
        (b"u1", PLAY.replace(b'"m1"', b"7"), "item_id"),
        (b"u1", PLAY.replace(b'"at":1000', b'"at":-1'), "at"),
        (b"u1", b'{"v":2,' + PLAY[1:], "v"),
        (b"u2", PLAY, "key"),
        (None, PLAY, "key"),
    ],
)
def test_a_message_that_is_no_event_is_refused_by_field(key, value, field):
    with pytest.raises(BadInput) as refusal:
        read_event(key, value)

    assert refusal.value.field == field


def test_fields_of_a_later_version_are_ignored():
    event = read_event(b"u1", PLAY[:-1] + b',"mood":"calm"}')

    assert event.item_id == "m1"


def test_an_archive_object_keeps_every_byte_of_every_message():
    records = [
        Record(5, 1_000, b"u1", PLAY),
        Record(6, 1_001, None, b"\xff"),
        Record(7, 2, b"u", None),
    ]

    data = encode(records)

    assert list(decode(data)) == records
    assert last_offset(data) == 7
    assert encode(records) == data


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 100, encode([Record(0, 0, b"", b"")])[:-9]])
def test_a_broken_archive_object_is_refused(data):
    with pytest.raises(BadInput):
        last_offset(data)
    with pytest.raises(BadInput):
        list(decode(data))


def test_a_rebuild_that_lacks_an_interaction_is_lost_and_one_with_more_has_grown():
    liked, rated = Interaction(3, 500, 10), Interaction(RATING, 4000, 5)
    old = UserState(interactions={1: liked})

    assert compare(old, UserState(interactions={1: liked})) == "equal"
    assert compare(old, UserState(interactions={1: liked, 2: rated})) == "grown"
    assert compare(old, UserState(interactions={1: rated})) == "grown"
    assert compare(old, UserState(interactions={2: rated})) == "lost"
    assert compare(UserState(interactions={1: rated}), old) == "lost"


def test_what_newer_items_have_pushed_out_is_not_lost():
    old = UserState(interactions={0: Interaction(3, 500, 1)})
    new = UserState(interactions={i: Interaction(3, 500, 100) for i in range(1, MAX_ITEMS + 1)})

    assert compare(old, new) == "grown"


def test_what_the_archive_has_and_a_full_history_pushed_out_is_not_lost():
    replayed, pushed_out = Interaction(3, 500, 5_000), 0
    old = UserState(interactions={pushed_out: replayed})
    new = UserState(interactions={i: Interaction(3, 500, 4_000) for i in range(1, MAX_ITEMS + 1)})

    assert compare(old, new) == "lost"
    assert compare(old, new, {pushed_out}) == "grown"


def test_a_session_that_is_interrupted_starts_again():
    import threading

    stop, starts = threading.Event(), []

    def session(stop):
        starts.append(1)
        if len(starts) < 3:
            raise Interrupted("again")
        stop.set()

    keep_going(session, stop)

    assert len(starts) == 3


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MARQUEE_KAFKA", "localhost"),
        ("MARQUEE_REDIS", "http://localhost"),
        ("MARQUEE_REDIS", "redis://h:abc"),
        ("MARQUEE_REDIS_TIMOUT_MS", "50"),
        ("MARQUEE_STORE", "ftp://x"),
        ("MARQUEE_METRICS_PORT", "70000"),
        ("MARQUEE_ARCHIVE_FLUSH_SECONDS", "0"),
        ("MARQUEE_PARTITIONS", "none"),
    ],
)
def test_a_wrong_setting_refuses_to_start_and_names_the_variable(monkeypatch, variable, value):
    monkeypatch.setenv("MARQUEE_KAFKA", "127.0.0.1:9092")
    monkeypatch.setenv("MARQUEE_REDIS", "redis://127.0.0.1:6379")
    monkeypatch.setenv("MARQUEE_STORE", "file:///tmp/x")
    monkeypatch.setenv(variable, value)

    with pytest.raises(BadSetting, match=variable):
        load_settings()


def test_a_missing_setting_names_the_variable(monkeypatch):
    monkeypatch.delenv("MARQUEE_KAFKA", raising=False)

    with pytest.raises(BadSetting, match="MARQUEE_KAFKA"):
        load_settings()
