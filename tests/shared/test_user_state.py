"""A user's blob: the same truth, the same bytes; anything else is refused."""

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.errors import BadState
from marquee_shared.event import Event
from marquee_shared.ids import event_hash, item_hash
from marquee_shared.interaction import KINDS, RATING, THUMBS_UP, Interaction
from marquee_shared.user_state import (
    MAX_IDS,
    MAX_ITEMS,
    Hops,
    UserState,
    decode_state,
    encode_state,
    fold,
    key,
)

MODEL = "20261123t133044z-abebd1bc40d0"  # 29 characters
BUDGET = 2355  # bytes: 2.3 KB at 100 items

u48 = st.integers(0, 2**48 - 1)
interactions = st.builds(
    Interaction, st.sampled_from(list(KINDS.values())), st.integers(0, 2**16 - 1), u48
)
states = st.builds(
    UserState,
    events=st.integers(0, 2**32 - 1),
    interactions=st.dictionaries(st.integers(0, 2**64 - 1), interactions, max_size=20),
    recent_ids=st.lists(st.integers(0, 2**32 - 1), max_size=MAX_IDS).map(tuple),
    model_id=st.sampled_from(["", MODEL]),
    vector=st.lists(st.floats(width=32, allow_nan=False), max_size=9).map(
        lambda values: np.array(values, np.float32)
    ),
    hops=st.builds(Hops, accepted_at=u48, consumed_at=u48, folded_at=u48),
)


def same(a: UserState, b: UserState) -> bool:
    cache_free = (replace(a, vector=None), replace(b, vector=None))
    return cache_free[0] == cache_free[1] and a.vector.tolist() == b.vector.tolist()


def event(n: int, kind: str = "complete", at: int = 1, item: str = "m1", **fields: float) -> Event:
    return Event(event_id=f"e{n}", user_id="u", item_id=item, type=kind, at=at, **fields)  # type: ignore[arg-type]


def full_state(items: int = 100, d: int = 64) -> UserState:
    return UserState(
        events=1000,
        interactions={
            item_hash(f"m{n}"): Interaction(RATING, 4500, 10**12 + n) for n in range(items)
        },
        recent_ids=tuple(range(MAX_IDS)),
        model_id=MODEL,
        vector=np.linspace(-1, 1, d, dtype=np.float32),
        hops=Hops(accepted_at=1, consumed_at=2, folded_at=3),
    )


# --- bytes -----------------------------------------------------------------------------------


@given(states)
def test_state_survives_its_bytes(state):
    data = encode_state(state)
    assert same(decode_state(data), state)
    assert encode_state(decode_state(data)) == data


@given(states, st.randoms(use_true_random=False))
def test_equal_truths_give_equal_bytes(state, random):
    pairs = list(state.interactions.items())
    random.shuffle(pairs)
    shuffled = replace(state, interactions=dict(pairs))
    assert encode_state(shuffled.truth()) == encode_state(state.truth())


def test_truth_is_free_of_the_cache():
    state = full_state()
    other_cache = replace(state, model_id="", vector=np.zeros(2, np.float32), hops=Hops())
    assert encode_state(other_cache.truth()) == encode_state(state.truth())


def test_hundred_items_stay_within_the_budget():
    assert len(encode_state(full_state())) <= BUDGET


def test_empty_state_is_36_bytes():
    assert len(encode_state(UserState())) == 36


@pytest.mark.parametrize("state", [UserState(), full_state(items=3, d=4)], ids=["empty", "typical"])
def test_every_changed_byte_is_noticed(state):
    data = encode_state(state)
    for place in range(len(data)):
        for flip in (0x01, 0x80, 0xFF):
            corrupt = bytearray(data)
            corrupt[place] ^= flip
            with pytest.raises(BadState):
                decode_state(bytes(corrupt))


@pytest.mark.parametrize("state", [UserState(), full_state(items=3, d=4)], ids=["empty", "typical"])
def test_every_truncation_and_extension_is_noticed(state):
    data = encode_state(state)
    for wrong in (*(data[:n] for n in range(len(data))), data + b"\0", b"\0" + data, data * 2):
        with pytest.raises(BadState):
            decode_state(wrong)


@given(st.binary(max_size=120))
def test_bytes_with_a_right_checksum_are_a_state_or_bad_state(body):
    """Another program's checksum may be right as well: nothing but BadState may come of it."""
    framed = b"MQ\x01\x00" + body
    try:
        decode_state(framed + struct.pack("<I", zlib.crc32(framed)))
    except BadState:
        return


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [(0, b"X", "magic"), (2, b"\x02", "version 2"), (11, b"\xff", "length")],
)
def test_refusal_tells_what_is_wrong(place, value, reason):
    body = bytearray(encode_state(UserState())[:-4])
    body[place : place + 1] = value
    with pytest.raises(BadState, match=reason):
        decode_state(bytes(body) + struct.pack("<I", zlib.crc32(body)))


def test_model_id_that_is_no_text_is_refused():
    body = encode_state(UserState(model_id="abc"))[:-4].replace(b"abc", b"\xff\xfe\xfd")
    with pytest.raises(BadState, match="UTF-8"):
        decode_state(body + struct.pack("<I", zlib.crc32(body)))


def test_key_keeps_a_partition_in_one_slot():
    assert key("n1", 3, "ml-1") == "u:{n1.3}:ml-1"


# --- fold ------------------------------------------------------------------------------------

events = st.builds(
    lambda n, kind, at, item: event(n, kind, at, item, watched_s=1, runtime_s=2, rating=4.0),
    st.integers(0, 10**9),
    st.sampled_from([*KINDS, "click"]),
    st.integers(0, 5),
    st.sampled_from(["m1", "m2", "m3"]),
)
histories = st.lists(events, max_size=30, unique_by=lambda e: e.event_id)


def test_fold_by_hand():
    state = fold(UserState(), [event(1, at=7), event(2, "thumbs_up", at=9), event(3, "click")])
    assert state.events == 3
    assert state.interactions == {item_hash("m1"): Interaction(THUMBS_UP, 1000, 9)}
    assert state.recent_ids == (event_hash("e1"), event_hash("e2"), event_hash("e3"))


@given(histories)
def test_second_delivery_changes_nothing(history):
    once = fold(UserState(), history)
    assert encode_state(fold(once, history)) == encode_state(once)


@given(histories, st.randoms(use_true_random=False))
def test_order_of_delivery_does_not_change_the_interactions(history, random):
    shuffled = list(history)
    random.shuffle(shuffled)
    assert fold(UserState(), shuffled).interactions == fold(UserState(), history).interactions


@given(histories, st.integers(0, 30))
def test_batches_fold_as_their_events(history, cut):
    halves = fold(fold(UserState(), history[:cut]), history[cut:])
    assert encode_state(halves) == encode_state(fold(UserState(), history))


def test_remembered_id_is_not_counted_again_and_still_joined():
    state = fold(UserState(), [event(1, "play"), event(1, "thumbs_up")])
    assert state.events == 1
    assert state.interactions[item_hash("m1")].kind == THUMBS_UP


def test_fold_leaves_its_argument_and_the_cache_alone():
    before = full_state()
    data = encode_state(before)
    after = fold(before, [event(1)])
    assert encode_state(before) == data
    assert (after.model_id, after.hops) == (before.model_id, before.hops)
    assert after.vector is before.vector


def test_only_the_newest_512_items_are_kept():
    history = [event(n, at=n, item=f"m{n}") for n in range(MAX_ITEMS + 10)]
    kept = fold(UserState(), reversed(history)).interactions
    assert kept.keys() == {item_hash(f"m{n}") for n in range(10, MAX_ITEMS + 10)}


def test_only_the_last_64_event_ids_are_remembered():
    state = fold(UserState(), [event(n) for n in range(100)])
    assert state.recent_ids == tuple(event_hash(f"e{n}") for n in range(36, 100))
    assert state.events == 100


def test_event_of_unknown_type_is_counted_and_says_nothing():
    state = fold(UserState(), [event(1, "dance")])
    assert (state.events, dict(state.interactions)) == (1, {})


def test_largest_state_survives_its_bytes():
    state = full_state(items=MAX_ITEMS, d=128)
    assert same(decode_state(encode_state(state)), state)
