"""The object store on a folder and on S3: create-only, and proven to be."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from models import file_store
from s3 import S3

from marquee_shared.errors import AlreadyExists, BadSetting, NotFound, StoreError, UnsafeStore
from marquee_shared.store import Store


class DeafStore(Store):
    """A store that refuses every create as if the object were there."""

    def create(self, key: str, data: bytes) -> None:
        raise AlreadyExists(key)


def test_created_object_is_read_back(store: Store):
    store.create("a/b.bin", b"\x00\x01")
    assert store.get("a/b.bin") == b"\x00\x01"
    assert store.size("a/b.bin") == 2
    assert b"".join(store.stream("a/b.bin")) == b"\x00\x01"


def test_empty_object_is_read_back(store: Store):
    store.create("empty", b"")
    assert (store.get("empty"), store.size("empty")) == (b"", 0)


def test_second_create_fails_and_changes_nothing(store: Store):
    store.create("a", b"first")
    with pytest.raises(AlreadyExists):
        store.create("a", b"second")
    assert store.get("a") == b"first"


def test_of_racing_creators_exactly_one_wins(store: Store):
    def won(racer: int) -> bytes | None:
        data = f"racer {racer % 8}".encode()
        try:
            store.create(f"race/{racer // 8}", data)
        except AlreadyExists:
            return None
        return data

    with ThreadPoolExecutor(8) as pool:
        wins = list(pool.map(won, range(20 * 8)))
    for race in range(20):
        assert [data for data in wins[race * 8 : race * 8 + 8] if data] == [
            store.get(f"race/{race}")
        ]


def test_hint_may_be_overwritten(store: Store):
    store.put_hint("LATEST", b"1")
    store.put_hint("LATEST", b"2")
    assert store.get("LATEST") == b"2"


def test_list_is_sorted_and_bounded_by_its_folder(store: Store):
    for key in ("m/b", "m/a", "m/c/d", "m2/x", "n"):
        store.create(key, b"")
    assert store.list("m/") == ["m/a", "m/b", "m/c/d"]
    assert store.list("") == ["m/a", "m/b", "m/c/d", "m2/x", "n"]
    assert store.list("nothing/") == []


def test_list_goes_on_past_a_page_of_a_thousand(store: Store):
    keys = [f"m/{n:04d}" for n in range(1001)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.create(key, b""), keys))
    assert store.list("m/") == keys


def test_absent_object_is_not_found(store: Store):
    for ask in (store.get, store.size, lambda key: list(store.stream(key))):
        with pytest.raises(NotFound):
            ask("absent")


def test_deleted_object_is_gone_and_may_be_created_again(store: Store):
    store.create("a", b"1")
    store.delete("a")
    with pytest.raises(NotFound):
        store.get("a")
    store.create("a", b"2")


def test_absent_object_may_be_deleted(store: Store):
    store.delete("absent")


def test_large_object_is_read_back(store: Store):
    data = bytes(range(256)) * (20 << 12)  # 20 MB: more than one upload's part would hold
    store.create("large", data)
    assert store.get("large") == b"".join(store.stream("large")) == data


@pytest.mark.parametrize(
    "key",
    ["../x", "a/../../x", "..", ".", "a/./b", "/etc/passwd", "a//b", "a\nb", "a\x00b", "x" * 5000],
)
def test_key_that_leaves_the_folder_is_refused_by_every_operation(store: Store, key: str):
    for ask in (
        lambda: store.create(key, b""),
        lambda: store.put_hint(key, b""),
        lambda: store.get(key),
        lambda: store.size(key),
        lambda: list(store.stream(key)),
        lambda: store.list(key),
        lambda: store.delete(key),
    ):
        with pytest.raises(StoreError) as refused:
            ask()
        assert not isinstance(refused.value, NotFound)


def test_folder_with_spaces_and_umlauts_is_a_store(tmp_path: Path):
    store = file_store(tmp_path / "a b ü%20")
    store.create("k", b"1")
    assert (tmp_path / "a b ü%20" / "k").read_bytes() == b"1"


@pytest.mark.parametrize("url", ["", "/tmp/x", "file:x", "http://host/x", "s3://", "s3:///x"])
def test_address_of_another_form_is_refused_by_its_settings_name(url: str):
    with pytest.raises(BadSetting, match="MARQUEE_STORE"):
        Store(url)


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadSetting, match="MARQUEE_STORE"):
        file_store(tmp_path / "file" / "store")


def test_probe_passes_and_leaves_nothing_behind(store: Store):
    store.probe()
    assert store.list("") == []


def test_server_that_ignores_conditional_writes_is_caught(careless_store: Store):
    with pytest.raises(UnsafeStore, match=r"8 of 8 .* Use a store that honours"):
        careless_store.probe()
    assert careless_store.list("") == []


def test_store_that_refuses_every_create_is_caught(tmp_path: Path):
    with pytest.raises(UnsafeStore, match="0 of 8"):
        DeafStore(tmp_path.as_uri()).probe()


def test_bucket_with_a_prefix_is_a_store_of_its_own(s3: S3):
    bucket = s3.bucket()
    for folder in ("one", "one/two", "on"):
        Store(f"{bucket}/{folder}").create(f"key-of-{folder.replace('/', '-')}", b"")
    assert Store(f"{bucket}/one").list("") == ["key-of-one", "two/key-of-one-two"]
    assert Store(f"{bucket}/one/two/").list("") == ["key-of-one-two"]


def test_absent_bucket_is_named(s3: S3):
    absent = Store("s3://no-such-bucket/prefix")
    for ask in (absent.probe, lambda: absent.create("a", b"")):
        with pytest.raises(StoreError, match="s3://no-such-bucket/prefix: there is no such bucket"):
            ask()
    with pytest.raises(StoreError, match="NoSuchBucket"):
        absent.list("")


def test_wrong_credentials_are_told(s3: S3, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store = Store(s3.bucket())
    for ask in (store.probe, lambda: store.get("a"), lambda: store.list("")):
        with pytest.raises(StoreError, match="SignatureDoesNotMatch") as refused:
            ask()
        assert type(refused.value) is StoreError


def test_endpoint_that_is_down_is_told_within_a_quarter_of_a_minute(monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "marquee")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "marquee")
        store = Store("s3://bucket")
        started = time.monotonic()
        with pytest.raises(StoreError, match="error sending request"):
            store.get("a")
    assert time.monotonic() - started < 15
