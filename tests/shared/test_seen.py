"""What a user has seen, as bytes."""

import zlib

import numpy as np
import pytest

from marquee_shared.errors import BadState
from marquee_shared.seen import MOST, Showing, decode_seen, encode_seen, newest
from marquee_shared.taste import USER_FEATURES


def showing(number: int) -> Showing:
    half = np.random.default_rng(number).uniform(-1, 1, USER_FEATURES).astype(np.float16)
    return Showing(
        item=number,
        artwork=number % 256,
        decision_id=f"d{number}",
        session=number % 3,
        at=1_800_000_000_000 + number,
        taste=tuple(half.astype(float).tolist()),
        clicked=bool(number % 2),
        quality=number % 256,
    )


def summed(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_as_many_showings_as_the_window_allows_come_back_as_they_were():
    showings = tuple(showing(n) for n in range(MOST))

    assert decode_seen(encode_seen(showings)) == showings
    assert decode_seen(encode_seen(())) == decode_seen(None) == ()


@pytest.mark.parametrize("length", [0, 4, 8, 9, 60])
def test_truncated_bytes_are_refused(length):
    with pytest.raises(BadState, match="truncated"):
        decode_seen(encode_seen([showing(1)])[:length])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"MT\x01\x00\x00", "version 1"),
        (b"MS\x02\x00\x00", "version 2"),
        (b"MS\x01\x01\x00", "unreadable"),
        (b"MS\x01\x00\x00more", "length"),
        (encode_seen([showing(1), showing(2)])[:-6], "unreadable|length"),
    ],
)
def test_bytes_that_are_no_record_of_this_version_are_refused_with_a_true_checksum(body, why):
    with pytest.raises(BadState, match=why):
        decode_seen(summed(body))


def test_the_newest_are_those_since_a_moment_in_their_order():
    showings = [showing(n) for n in range(5)]

    assert newest(showings, showings[3].at) == tuple(showings[3:])
