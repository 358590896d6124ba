"""Where an archiver goes on: behind the last object that the store holds of its partition."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from marquee_nearline.archive import next_offset
from marquee_nearline.parquet import Record, decode, encode
from marquee_shared.archive import ArchiveObject
from marquee_shared.errors import AlreadyExists, BadInput
from marquee_shared.store import Store

SOURCE = "kafka-AbCdEfGhIjKlMnOpQrStUv"


def name(first: int, generation: int = 0, partition: int = 3) -> str:
    return ArchiveObject(
        kind="events", source=SOURCE, partition=partition, first=first, generation=generation
    ).name


def rows(first: int, last: int, value: bytes = b"{}") -> bytes:
    return encode([Record(offset, 1_000, b"u1", value) for offset in range(first, last + 1)])


def following(store: Store) -> int | None:
    return next_offset(store, "events", SOURCE, 3)


def test_partition_without_objects_has_no_next_offset(store: Store) -> None:
    store.create(name(0, partition=4), rows(0, 9))
    store.create(name(0, partition=33), rows(0, 9))
    assert following(store) is None


def test_next_object_starts_behind_the_last_one(store: Store) -> None:
    store.create(name(0), rows(0, 9))
    assert following(store) == 10
    store.create(name(10), rows(10, 12))
    assert following(store) == 13


def test_rewritten_object_ends_where_its_footer_says(store: Store) -> None:
    store.create(name(0), rows(0, 9))
    store.create(name(10), rows(10, 12))
    store.create(name(10, generation=1), rows(10, 20))
    assert following(store) == 21


def test_object_without_a_footer_is_named(store: Store) -> None:
    store.create(name(0), b"not Parquet")
    with pytest.raises(BadInput, match="p=03"):
        following(store)


def test_archivers_that_race_for_a_name_leave_one_of_their_objects_whole(store: Store) -> None:
    def create(archiver: int) -> int | None:
        try:
            store.create(name(0), rows(0, archiver, b"%d" % archiver))
        except AlreadyExists:
            return None
        return archiver

    with ThreadPoolExecutor(8) as pool:
        (winner,) = [won for won in pool.map(create, range(8)) if won is not None]
    assert following(store) == winner + 1
    assert {record.value for record in decode(store.get(name(0)))} == {b"%d" % winner}
