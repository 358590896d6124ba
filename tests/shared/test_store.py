"""The object store on a folder: create-only, and proven to be."""

from pathlib import Path

import pytest
from models import file_store

from marquee_shared.errors import AlreadyExists, BadSetting, NotFound, StoreError, UnsafeStore
from marquee_shared.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return file_store(tmp_path / "store")


class LyingStore(Store):
    """A store that accepts conditional writes and ignores the condition, as some do."""

    def create(self, key: str, data: bytes) -> None:
        self.put_hint(key, data)


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


def test_absent_object_is_not_found(store: Store):
    for ask in (store.get, store.size, store.delete, lambda key: list(store.stream(key))):
        with pytest.raises(NotFound):
            ask("absent")


def test_deleted_object_is_gone_and_may_be_created_again(store: Store):
    store.create("a", b"1")
    store.delete("a")
    with pytest.raises(NotFound):
        store.get("a")
    store.create("a", b"2")


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


def test_probe_passes_on_a_folder_and_leaves_nothing_behind(store: Store):
    store.probe()
    assert store.list("") == []


def test_store_that_ignores_conditional_writes_is_caught(tmp_path: Path):
    with pytest.raises(UnsafeStore, match="8 of 8"):
        LyingStore(tmp_path.as_uri()).probe()


def test_store_that_refuses_every_create_is_caught(tmp_path: Path):
    with pytest.raises(UnsafeStore, match="0 of 8"):
        DeafStore(tmp_path.as_uri()).probe()
