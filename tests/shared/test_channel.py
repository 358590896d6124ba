"""Which model serves: a gapless sequence in which nobody wins twice."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from marquee_shared.channel import Entry, entries, latest, publish_entry
from marquee_shared.errors import AlreadyExists, BadArtifact, StoreError
from marquee_shared.store import Store

OLD, NEW = "20261122t000000z-0123456789ab", "20261123t000000z-abcdef012345"
AT = "2026-11-23T00:00:00+00:00"
HINT = "channels/prod/LATEST"


def publish(store: Store, model_id: str = OLD, channel: str = "prod", **fields: str) -> Entry:
    return publish_entry(store, channel, model_id, at=AT, **fields)


def test_channel_without_entries_names_no_model(store: Store):
    assert latest(store, "prod") is None
    assert entries(store, "prod") == []


def test_numbers_follow_each_other_from_one(store: Store):
    published = [publish(store, model) for model in (OLD, NEW, OLD)]
    assert [entry.seq for entry in published] == [1, 2, 3]
    assert entries(store, "prod") == published
    assert latest(store, "prod") == published[-1]


def test_entry_lies_under_its_ten_digit_number(store: Store):
    entry = publish(store, reason="published", forced="its NDCG lies below")
    data = store.get("channels/prod/0000000001.json")
    assert msgspec.json.decode(data, type=Entry) == entry
    assert store.get(HINT) == b"1"


def test_rollback_is_a_new_number_naming_an_older_model(store: Store):
    publish(store, OLD)
    publish(store, NEW)
    back = publish(store, OLD, reason="rollback")
    assert (back.seq, back.model_id, back.reason) == (3, OLD, "rollback")
    assert latest(store, "prod") == back


def test_channels_do_not_see_each_other(store: Store):
    publish(store, OLD, "prod")
    publish(store, NEW, "prod2")
    assert latest(store, "prod").model_id == OLD
    assert [entry.model_id for entry in entries(store, "prod2")] == [NEW]


def test_reader_goes_on_from_the_number_it_knows(store: Store):
    for model in (OLD, NEW, OLD):
        publish(store, model)
    store.delete(HINT)
    assert latest(store, "prod", 1).seq == 3
    assert latest(store, "prod", 3).seq == 3
    assert latest(store, "prod", 99) is None


def test_stale_hint_costs_only_steps(store: Store):
    for model in (OLD, NEW, OLD):
        publish(store, model)
    store.put_hint(HINT, b"1")
    assert latest(store, "prod").seq == 3


@pytest.mark.parametrize(
    "hint",
    [b"", b"two", b"-1", b"0", b"99", b" 2", b"1_0", b"2\n", b"\xff", b"9" * 400, b"9" * 9000],
)
def test_wrong_hint_is_replaced_by_a_listing(store: Store, hint: bytes):
    publish(store, OLD)
    publish(store, NEW)
    store.put_hint(HINT, hint)
    assert latest(store, "prod").seq == 2
    assert publish(store, OLD).seq == 3


def test_absent_hint_is_replaced_by_a_listing(store: Store):
    publish(store, OLD)
    publish(store, NEW)
    store.delete(HINT)
    assert latest(store, "prod").model_id == NEW


def test_racing_publishers_never_share_a_number(store: Store):
    def race(n: int) -> Entry | None:
        try:
            return publish(store, OLD if n % 2 else NEW)
        except AlreadyExists:
            return None

    with ThreadPoolExecutor(2) as pool:
        won = [entry for entry in pool.map(race, range(40)) if entry]
    history = entries(store, "prod")
    assert sorted(won, key=lambda entry: entry.seq) == history
    assert [entry.seq for entry in history] == list(range(1, len(won) + 1))
    assert latest(store, "prod") == history[-1]


class RacedStore(Store):
    """A store on which another publisher is always a moment faster."""

    def create(self, key: str, data: bytes) -> None:
        theirs = msgspec.json.decode(data, type=Entry)
        super().create(key, msgspec.json.encode(msgspec.structs.replace(theirs, nonce="theirs")))
        super().create(key, data)


class RetryingStore(Store):
    """A store whose answer to a create is lost, so that the client library sends it again."""

    def create(self, key: str, data: bytes) -> None:
        super().create(key, data)
        super().create(key, data)


def test_publisher_who_loses_the_number_is_told(store: Store):
    with pytest.raises(AlreadyExists):
        publish(RacedStore(store.url))
    assert latest(store, "prod").nonce == "theirs"


def test_own_retried_write_is_success(store: Store):
    entry = publish(RetryingStore(store.url))
    assert latest(store, "prod") == entry


ENTRY = {"v": 1, "seq": 2, "model_id": NEW, "at": AT, "nonce": "n"}
CORRUPT = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    *(
        msgspec.json.encode(ENTRY | change)
        for change in (
            {"v": 2},
            {"seq": 7},
            {"seq": 0},
            {"seq": "2"},
            {"model_id": "../../x"},
            {"model_id": NEW + "\n"},
            {"nonce": None},
        )
    ),
]
each_corrupt_entry = pytest.mark.parametrize("data", CORRUPT, ids=range(len(CORRUPT)))


@each_corrupt_entry
def test_unreadable_newest_entry_is_refused(store: Store, data: bytes):
    publish(store)
    store.create("channels/prod/0000000002.json", data)
    for known in (0, 1, 2):
        with pytest.raises(BadArtifact, match="channel prod entry 2"):
            latest(store, "prod", known)


@each_corrupt_entry
def test_channel_with_an_unreadable_entry_is_mended_by_publishing(store: Store, data: bytes):
    publish(store)
    store.create("channels/prod/0000000002.json", data)
    mended = publish(store, OLD, reason="rollback")
    assert mended.seq == 3
    assert latest(store, "prod") == latest(store, "prod", 1) == mended


def test_unknown_fields_of_an_entry_are_ignored(store: Store):
    store.create("channels/prod/0000000001.json", msgspec.json.encode(ENTRY | {"seq": 1, "x": 5}))
    assert latest(store, "prod").model_id == NEW


@pytest.mark.parametrize("channel", ["..", "../prod", "a//b"])
def test_channel_name_that_leaves_its_folder_is_refused(store: Store, channel: str):
    with pytest.raises(StoreError):
        publish(store, OLD, channel)
