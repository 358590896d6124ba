"""Equations that a library and this project must agree on."""

import pytest
from confluent_kafka import murmur2
from hypothesis import example, given
from hypothesis import strategies as st

from marquee_shared.ids import partition_of

PARTITION_COUNTS = (1, 3, 8, 256, 1024)
ids = st.from_regex(r"\A[A-Za-z0-9_.:-]{1,128}\Z") | st.text(min_size=1, max_size=40)


@given(ids)
@example("a")
@example("abcd")
@example("ml-1")
def test_partition_of_a_user_is_the_producers(user: str):
    for partitions in PARTITION_COUNTS:
        assert partition_of(user, partitions) == murmur2(user.encode(), partitions)


@pytest.mark.parametrize("form", ["ml-{}", "u{:08d}", "{}", "sim:{}:x"])
def test_partition_of_many_users_is_the_producers(form: str):
    users = [form.format(n) for n in range(2000)]
    many = 2**31 - 1
    assert [partition_of(user, many) for user in users] == [
        murmur2(user.encode(), many) for user in users
    ]


def test_users_spread_over_the_partitions():
    counts = [0] * 8
    for n in range(8000):
        counts[partition_of(f"ml-{n}", 8)] += 1
    assert min(counts) > 800
