"""A model as files: what is written is read; nothing half-written is left behind."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from models import small_model

from marquee_shared.artifact import part_key, read_manifest, read_model, write_model
from marquee_shared.errors import AlreadyExists, BadArtifact, NotFound, StoreError
from marquee_shared.manifest import Metric
from marquee_shared.model import Item, ItemItem, Model
from marquee_shared.store import Store

CREATED = datetime(2026, 11, 23, 13, 30, 44, tzinfo=UTC)


def write(store: Store, model: Model) -> str:
    return write_model(store, model, created=CREATED)


def with_fields(model: Model, **changes: object) -> Model:
    fields = {name: getattr(model, name) for name in Model.__dataclass_fields__}
    return Model(**(fields | changes))  # type: ignore[arg-type]


def test_written_model_is_read_back(store: Store, tmp_path: Path):
    model = small_model()
    found = read_model(store, write(store, model), tmp_path / "cache")
    assert found.items == model.items
    assert found.row_of == model.row_of
    assert found.row_of_hash == model.row_of_hash
    for name in ("factors", "gram", "popularity"):
        assert getattr(found, name).tobytes() == getattr(model, name).tobytes()
    for name in ("indptr", "indices", "values"):
        ours, theirs = getattr(found.item_item, name), getattr(model.item_item, name)
        assert (ours.dtype, ours.tolist()) == (theirs.dtype, theirs.tolist())
    assert found.context["device"].tolist() == model.context["device"].tolist()


def test_read_arrays_cannot_be_written_to(store: Store, tmp_path: Path):
    found = read_model(store, write(store, small_model()), tmp_path / "cache")
    with pytest.raises(ValueError, match="read-only"):
        found.factors[0, 0] = 1


def test_texts_and_lists_survive(store: Store, tmp_path: Path):
    model = small_model(2)
    items = [
        Item(item_id="m0", title="", year=0, genres=()),
        Item(
            item_id="m1",
            title="Le fabuleux destin d’Amélie \N{CLAPPER BOARD}",
            year=2001,
            genres=("Comedy", "Romance"),
            tags=("paris",),
            artworks=b'[{"id":"a"}]',
        ),
    ]
    found = read_model(store, write(store, with_fields(model, items=items)), tmp_path / "cache")
    assert found.items == items


def test_model_without_neighbours_context_or_texts_is_a_model(store: Store, tmp_path: Path):
    n = 5
    nobody = ItemItem(
        indptr=np.zeros(n + 1, np.int64), indices=np.zeros(0, np.int32), values=np.zeros(0, "f4")
    )
    plain = small_model(n)
    manifest = msgspec.structs.replace(plain.manifest, context={})
    model = with_fields(plain, item_item=nobody, context={}, manifest=manifest)
    found = read_model(store, write(store, model), tmp_path / "cache")
    assert not len(found.item_item.indices)
    assert "context" not in found.manifest.parts


def test_id_tells_the_time_and_follows_from_the_contents(store: Store):
    first, second = write(store, small_model(seed=0)), write(store, small_model(seed=1))
    assert first.startswith("20261123t133044z-")
    assert first != second


def test_same_model_written_again_is_the_same_model(store: Store):
    assert write(store, small_model()) == write(store, small_model())


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_model_with_a_figure_that_json_cannot_hold_is_not_written(store: Store, figure: float):
    model = small_model()
    metrics = {"ndcg@10": Metric(value=figure, low=0, high=1)}
    manifest = msgspec.structs.replace(model.manifest, metrics=metrics)
    with pytest.raises(BadArtifact, match="manifest"):
        write(store, with_fields(model, manifest=manifest))
    assert store.list("models/") == []


def test_part_that_holds_something_else_is_never_overwritten(store: Store):
    model_id = write(store, small_model())
    store.put_hint(part_key(model_id, "items"), b"other")
    with pytest.raises(AlreadyExists):
        write(store, small_model())


class CutStore(Store):
    """A store whose uploads end after so many objects, or whose downloads end midway."""

    def __init__(self, url: str, creates: int = 99) -> None:
        super().__init__(url)
        self.creates = creates

    def create(self, key: str, data: bytes) -> None:
        if not self.creates:
            raise StoreError("cut off")
        self.creates -= 1
        super().create(key, data)

    def stream(self, key: str) -> Iterator[bytes]:
        yield self.get(key)[:10]
        raise StoreError("cut off")


@pytest.mark.parametrize("creates", range(6))
def test_upload_that_was_cut_short_has_no_manifest_and_can_be_repeated(store, tmp_path, creates):
    with pytest.raises(StoreError):
        write(CutStore(store.url, creates), small_model())
    assert not [key for key in store.list("models/") if key.endswith("manifest.json")]
    read_model(store, write(store, small_model()), tmp_path / "cache")


def test_download_that_was_cut_short_leaves_nothing_behind(store: Store, tmp_path: Path):
    model_id = write(store, small_model())
    with pytest.raises(StoreError):
        read_model(CutStore(store.url), model_id, tmp_path / "cache")
    assert list((tmp_path / "cache" / model_id).iterdir()) == []


def test_damaged_download_leaves_nothing_behind(store: Store, tmp_path: Path):
    model_id = write(store, small_model())
    for name in ("factors", "items", "item-item", "popularity", "context"):
        key = part_key(model_id, name)
        store.put_hint(key, store.get(key)[:-1] + b"\x7f")
    with pytest.raises(BadArtifact, match="checksum"):
        read_model(store, model_id, tmp_path / "cache")
    assert list((tmp_path / "cache" / model_id).iterdir()) == []


def test_absent_model_is_not_found(store: Store, tmp_path: Path):
    with pytest.raises(NotFound):
        read_model(store, "20261122t000000z-0123456789ab", tmp_path / "cache")


def test_manifest_is_text_that_people_can_read(store: Store):
    model_id = write(store, small_model())
    text = store.get(f"models/{model_id}/manifest.json").decode()
    assert text.startswith('{\n "format": 1,\n')
    assert read_manifest(store, model_id).created_at == CREATED.isoformat()
