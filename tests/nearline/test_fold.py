"""The pure half of nearline: events and blobs in, blobs out."""

import zlib

import pytest
from models import small_model

from marquee_nearline.fold import by_user, fold_batch, with_vector
from marquee_shared.errors import LaterState
from marquee_shared.event import Event
from marquee_shared.user_state import UserState, decode_state, encode_state, fold


def play(user: str, item: str, event_id: str, at: int = 1_000) -> Event:
    return Event(
        event_id=event_id, user_id=user, type="play", item_id=item, at=at, accepted_at=at + 1
    )


def test_events_are_grouped_by_user_in_their_order():
    events = [play("a", "m1", "1"), play("b", "m2", "2"), play("a", "m3", "3")]

    grouped = by_user(events)

    assert list(grouped) == ["a", "b"]
    assert [event.event_id for event in grouped["a"]] == ["1", "3"]


def test_a_first_event_makes_a_state_with_vector_and_hops():
    model = small_model()

    folded = fold_batch(
        by_user([play("a", "m4", "1")]), [None], model, consumed_at=1_005, folded_at=1_006
    )

    state = decode_state(folded.blobs["a"])
    assert state.events == 1
    assert len(state.interactions) == 1
    assert state.model_id == model.model_id
    assert (state.vector == model.fold_in(*model.history(state.interactions))).all()
    hops = state.hops
    assert (hops.accepted_at, hops.consumed_at, hops.folded_at) == (1_001, 1_005, 1_006)


def test_folding_one_by_one_equals_folding_at_once():
    model = small_model()
    events = [play("a", f"m{i}", str(i), at=1_000 + i) for i in range(10)]
    blob = None

    for event in events:
        one = fold_batch({"a": [event]}, [blob], model, consumed_at=7, folded_at=8)
        blob = one.blobs["a"]
    at_once = fold_batch({"a": events}, [None], model, consumed_at=7, folded_at=8)

    assert blob == at_once.blobs["a"]


def test_an_event_delivered_twice_counts_once():
    event = play("a", "m1", "same")

    once = fold(UserState(), [event])
    twice = fold(UserState(), [event, event])

    assert once.truth() == twice.truth()
    assert once.events == 1


def test_without_a_model_the_truth_is_kept_and_no_vector():
    folded = fold_batch(by_user([play("a", "m1", "1")]), [None], None, consumed_at=1, folded_at=1)

    state = decode_state(folded.blobs["a"])
    assert state.model_id == ""
    assert len(state.vector) == 0
    assert state.events == 1


def test_an_unreadable_blob_starts_anew_and_is_counted():
    good = encode_state(fold(UserState(), [play("a", "m1", "1")]))
    bad = good[:-1] + bytes([good[-1] ^ 1])

    folded = fold_batch(by_user([play("a", "m2", "2")]), [bad], None, consumed_at=1, folded_at=1)

    assert folded.unreadable == 1
    assert decode_state(folded.blobs["a"]).events == 1


def test_a_state_of_a_later_version_is_never_overwritten():
    body = bytearray(encode_state(UserState())[:-4])
    body[2] = 2
    later = bytes(body) + zlib.crc32(body).to_bytes(4, "little")

    with pytest.raises(LaterState, match="version 2"):
        fold_batch(by_user([play("a", "m2", "2")]), [later], None, consumed_at=1, folded_at=1)


def test_an_item_unknown_to_the_model_stays_in_the_history():
    model = small_model()

    state = with_vector(fold(UserState(), [play("a", "brand-new", "1")]), model)

    assert len(state.interactions) == 1
    assert not state.vector.any()
