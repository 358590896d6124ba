"""Who may be called what; where a user lives; how an item is named inside a state."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.ids import Id, event_hash, item_hash, partition_of

_ids = msgspec.json.Decoder(Id)

# org.apache.kafka.common.utils.UtilsTest.testMurmur2, as signed 32-bit numbers.
KAFKA_VECTORS = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize(("text", "hashed"), KAFKA_VECTORS.items())
def test_partition_equals_kafkas_own_vectors(text, hashed):
    assert partition_of(text, 2**31) == hashed & 0x7FFFFFFF


def test_partition_takes_the_positive_part_of_the_hash():
    assert partition_of("21", 8) == (-973932308 & 0x7FFFFFFF) % 8
    assert partition_of("abc", 1000) == 107


@given(st.text(min_size=1, max_size=64), st.integers(1, 1024))
def test_partition_lies_within_the_count(user, partitions):
    assert 0 <= partition_of(user, partitions) < partitions


def test_hashes_are_the_first_bytes_of_blake2b_little_endian():
    # `printf ml-1 | b2sum -l 64` and `-l 32`, bytes reversed.
    assert item_hash("ml-1") == 0x7176627592A3A1F7
    assert event_hash("ml-1") == 0xA994D5D3
    assert event_hash("e-1") < 2**32 <= 2**64 > item_hash("e-1")


@pytest.mark.parametrize("value", ["a", "ml-1", "A.b:c_d-9", "x" * 128])
def test_plain_id_is_accepted(value):
    assert _ids.decode(msgspec.json.encode(value)) == value


@pytest.mark.parametrize(
    "value", ["", "x" * 129, "a/b", "a{b", "a}b", "a b", "\N{PILE OF POO}", "é", "a\x00", "a\n"]
)
def test_id_that_could_move_a_key_is_refused(value):
    with pytest.raises(msgspec.ValidationError):
        _ids.decode(msgspec.json.encode(value))
