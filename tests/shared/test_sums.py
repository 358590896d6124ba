"""Sums of the artwork bandit: additive, exact, and refused when a byte of them is wrong."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.errors import BadState
from marquee_shared.sums import (
    HEAD,
    IMAGE,
    REWARDS,
    SHARED,
    Sums,
    decode_sums,
    encode_sums,
    merged,
    number_of,
)
from marquee_shared.taste import FEATURES

SEEDS = st.integers(0, 2**32 - 1)


def learnt(seed: int, events: int = 20) -> Sums:
    rng = np.random.default_rng(seed)
    sums = Sums()
    for _ in range(events):
        image, x = int(rng.integers(5)) << 8, features(rng)
        sums.see(image, x)
        if rng.random() < 0.3:
            sums.reward(image, x, {"click": 1.0, "quality": float(rng.random())})
    return sums


def features(rng: np.random.Generator) -> np.ndarray:
    x = rng.normal(size=FEATURES)
    x[0] = 1.0
    return x


def same(a: Sums, b: Sums) -> bool:
    return encode_sums(a) == encode_sums(b)


def test_one_impression_and_its_reward_by_hand():
    x = features(np.random.default_rng(1))
    sums = Sums()
    sums.see(7, x)
    sums.reward(7, x, {"click": 1.0})
    sums.reward(7, x, {"quality": 0.25})
    assert sums.impressions == 1.0
    assert sums.precision.tolist() == np.outer(x, x).tolist()
    assert sums.response("click").tolist() == x.tolist()
    assert sums.response("quality").tolist() == (0.25 * x).tolist()
    assert sums.images[7].tolist() == [*x, 1.0, 0.25]
    assert len(sums.shared) == SHARED
    assert len(sums.images[7]) == IMAGE == FEATURES + len(REWARDS)


def test_late_reward_adds_only_what_was_not_known():
    x = features(np.random.default_rng(2))
    once, twice = Sums(), Sums()
    for sums, parts in ((once, (0.75,)), (twice, (0.5, 0.25))):
        sums.see(1, x)
        for part in parts:
            sums.reward(1, x, {"quality": part})
    assert twice.response("quality") == pytest.approx(once.response("quality"))


@given(st.lists(SEEDS, min_size=1, max_size=4))
def test_partitions_merged_in_their_order_are_the_same_to_the_last_bit(seeds):
    by_hand = Sums()
    for seed in seeds:
        by_hand.shared += learnt(seed).shared
        for image, numbers in learnt(seed).images.items():
            by_hand.images[image] = by_hand.images.get(image, np.zeros(IMAGE)) + numbers
    assert same(merged(map(learnt, seeds)), by_hand)
    assert same(merged(map(learnt, seeds)), merged(map(learnt, seeds)))


def test_merged_partitions_are_their_logs_one_after_the_other():
    whole, parts = learnt(3), [Sums(), Sums()]
    rng = np.random.default_rng(3)
    for event in range(20):
        part = parts[event >= 10]
        image, x = int(rng.integers(5)) << 8, features(rng)
        part.see(image, x)
        if rng.random() < 0.3:
            part.reward(image, x, {"click": 1.0, "quality": float(rng.random())})
    assert merged(parts).shared == pytest.approx(whole.shared)
    assert merged(parts).images.keys() == whole.images.keys()


def test_merging_leaves_the_parts_as_they_were():
    part = learnt(4)
    before = encode_sums(part)
    merged([part, learnt(5)]).see(0, np.ones(FEATURES))
    assert encode_sums(part) == before


@given(SEEDS, st.integers(0, 40), st.integers(0, 2**64 - 1))
def test_encoded_sums_decode_to_the_last_bit_and_say_their_number(seed, events, number):
    sums = learnt(seed, events)
    data = encode_sums(sums, number)
    back = decode_sums(data)
    assert encode_sums(back, number) == data
    assert number_of(data[:HEAD]) == number
    back.see(3, np.ones(FEATURES))  # what was read may be added to


def test_no_bytes_have_no_number():
    assert number_of(b"") == -1


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_sums_with_any_byte_changed_are_refused(place, flip):
    data = bytearray(encode_sums(learnt(6)))
    data[place % len(data)] ^= flip
    with pytest.raises(BadState):
        decode_sums(bytes(data))


@given(st.integers(0, 10_000))
def test_truncated_sums_are_refused(length):
    data = encode_sums(learnt(6))
    with pytest.raises(BadState):
        decode_sums(data[: length % len(data)])


@pytest.mark.parametrize("place", [0, 2, 3])
def test_other_magic_version_or_number_of_features_is_refused_with_a_true_checksum(place):
    body = bytearray(encode_sums(learnt(7))[:-4])
    body[place] += 1
    with pytest.raises(BadState):
        decode_sums(bytes(body) + zlib.crc32(body).to_bytes(4, "little"))


def test_length_that_does_not_match_the_header_is_refused():
    body = encode_sums(learnt(7))[:-4] + bytes(8)
    with pytest.raises(BadState, match="length"):
        decode_sums(body + zlib.crc32(body).to_bytes(4, "little"))
