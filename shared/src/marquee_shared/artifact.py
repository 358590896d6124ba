"""Artifact: a model as files. Parts first, manifest last, by create-only PUT; read verified."""

import hashlib
import json
import mmap
import os
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from marquee_shared.errors import AlreadyExists, BadArtifact, NotFound
from marquee_shared.ids import ModelId
from marquee_shared.item_table import TENSORS, Array, Tensors, decode_items, encode_items
from marquee_shared.manifest import (
    DTYPES,
    Manifest,
    Part,
    Tensor,
    decode_manifest,
    encode_manifest,
)
from marquee_shared.model import ItemItem, Model, index_items
from marquee_shared.posterior import Prior, proper
from marquee_shared.store import Store
from marquee_shared.sums import REWARDS
from marquee_shared.taste import FEATURES
from marquee_shared.verify import check_model

Progress = Callable[[str], None]

PREFIX = "models"
MAX_MANIFEST = 4 << 20  # bytes
MAX_PART = 64 << 30  # bytes; 100M items x 128 float32 would still fit
MAX_HEADER = 1 << 20  # bytes of JSON in front of a part's tensors
ARTWORK = "artwork"  # the part of the bandit's priors
# What every model has: part -> tensor -> dtype and dimensions. `context` and `artwork` may be
# there besides.
REQUIRED = {
    "factors": {"factors": ("F32", 2), "gram": ("F64", 2)},
    "item-item": {"indptr": ("I64", 1), "indices": ("I32", 1), "values": ("F32", 1)},
    "popularity": {"counts": ("F32", 2)},
    "items": TENSORS,
}
_DTYPE_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


# --- writing ---------------------------------------------------------------------------------


def model_parts(model: Model) -> dict[str, Tensors]:
    """The arrays of a model as parts, strings as int64 offsets and UTF-8 bytes."""
    return {
        "factors": {"factors": model.factors, "gram": model.gram},
        "item-item": {
            "indptr": model.item_item.indptr,
            "indices": model.item_item.indices,
            "values": model.item_item.values,
        },
        "popularity": {"counts": model.popularity},
        "context": dict(model.context),
        ARTWORK: {
            f"{reward}.{name}": array
            for reward, prior in model.priors.items()
            for name, array in (("mean", prior.mean), ("precision", prior.precision))
        },
        "items": encode_items(model.items),
    }


def write_model(
    store: Store, model: Model, *, created: datetime, progress: Progress = lambda _: None
) -> ModelId:
    """Upload a model under the id that follows from its contents; invisible until a channel names
    it. The manifest's `model_id`, `created_at` and `parts` are filled in here. Raises BadArtifact
    when no reader could read it, AlreadyExists, StoreError."""
    parts = {name: tensors for name, tensors in model_parts(model).items() if tensors}
    files = {
        name: safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in tensors.items()})
        for name, tensors in parts.items()
    }
    described = {name: _describe(data, parts[name]) for name, data in files.items()}
    blank = msgspec.structs.replace(
        model.manifest, model_id="", created_at=created.isoformat(), parts=described
    )
    digest = hashlib.sha256(encode_manifest(blank)).hexdigest()[:12]
    model_id = f"{created:%Y%m%dt%H%M%Sz}-{digest}"
    manifest = encode_manifest(msgspec.structs.replace(blank, model_id=model_id))
    decode_manifest(manifest)  # a figure that is not finite would make it unreadable
    for name, data in files.items():
        progress(name)
        _create_once(store, part_key(model_id, name), data)
    _create_once(store, f"{PREFIX}/{model_id}/manifest.json", manifest)
    return ModelId(model_id)


def part_key(model_id: str, name: str) -> str:
    """Where a part lies in the store."""
    return f"{PREFIX}/{model_id}/{name}.safetensors"


def _create_once(store: Store, key: str, data: bytes) -> None:
    """Create; an object that is there already with the same bytes is our own retried write."""
    try:
        store.create(key, data)
    except AlreadyExists:
        if store.get(key) != data:
            raise


def _describe(data: bytes, tensors: Tensors) -> Part:
    return Part(
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        tensors={
            name: Tensor(dtype=_DTYPE_NAMES[array.dtype], shape=array.shape)  # type: ignore[arg-type]
            for name, array in tensors.items()
        },
    )


# --- reading ---------------------------------------------------------------------------------


def read_model(store: Store, model_id: str, cache: Path) -> Model:
    """Fetch, verify and map a model. Raises BadArtifact, NotFound, StoreError.

    Parts are downloaded once to `cache/<model_id>/`, checked against size and SHA-256, and only
    then mapped.
    """
    manifest = read_manifest(store, model_id)
    folder = cache / model_id
    folder.mkdir(parents=True, exist_ok=True)
    _check_tensors(manifest)
    parts = {
        name: _map_part(_fetch(store, model_id, name, part, folder), name, part)
        for name, part in manifest.parts.items()
    }
    return _assemble(manifest, parts)


def read_manifest(store: Store, model_id: str) -> Manifest:
    """The manifest of a model. Raises BadArtifact, NotFound, StoreError."""
    key = f"{PREFIX}/{model_id}/manifest.json"
    if store.size(key) > MAX_MANIFEST:
        raise BadArtifact(f"manifest: larger than {MAX_MANIFEST} bytes")
    manifest = decode_manifest(store.get(key))
    if manifest.model_id != model_id:
        raise BadArtifact("manifest: names another model")
    return manifest


def _check_tensors(manifest: Manifest) -> None:
    for name, tensors in REQUIRED.items():
        part = manifest.parts.get(name)
        if part is None:
            raise BadArtifact(f"part missing: {name}")
        for tensor, (dtype, dimensions) in tensors.items():
            _check_tensor(name, tensor, part.tensors.get(tensor), dtype, dimensions)
    for field in manifest.context:
        vectors = manifest.parts["context"].tensors if "context" in manifest.parts else {}
        _check_tensor("context", field, vectors.get(field), "F32", 2)


def _check_tensor(part: str, name: str, found: Tensor | None, dtype: str, dimensions: int) -> None:
    if found is None or found.dtype != dtype or len(found.shape) != dimensions:
        raise BadArtifact(f"{part}: no tensor {name} of type {dtype} in {dimensions} dimensions")


def _fetch(store: Store, model_id: str, name: str, part: Part, folder: Path) -> Path:
    path = folder / f"{name}.safetensors"
    if path.exists() and path.stat().st_size == part.bytes:
        with path.open("rb") as known:
            if hashlib.file_digest(known, "sha256").hexdigest() == part.sha256:
                return path
    try:
        _download(store, part_key(model_id, name), name, part, path)
    except NotFound as error:  # the manifest is written last: nobody will bring the part
        raise BadArtifact(f"{name}: part missing from the store") from error
    return path


def _download(store: Store, key: str, name: str, part: Part, path: Path) -> None:
    if part.bytes > MAX_PART or store.size(key) != part.bytes:
        raise BadArtifact(f"{name}: size differs from the manifest")
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as target:
        try:
            for chunk in store.stream(key):
                digest.update(chunk)
                target.write(chunk)
            if digest.hexdigest() != part.sha256:
                raise BadArtifact(f"{name}: checksum differs from the manifest")
            target.flush()
            os.replace(target.name, path)
        except BaseException:  # else every try against a failing store leaves a part behind
            os.unlink(target.name)
            raise


def _map_part(path: Path, name: str, part: Part) -> dict[str, Array]:
    """The tensors of a part as read-only views. Raises BadArtifact."""
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > MAX_HEADER:
            raise BadArtifact(f"{name}: header larger than {MAX_HEADER} bytes")
    try:
        with safe_open(path, framework="np"):
            pass  # the library refuses holes, overlaps, unknown dtypes and short files
    except (SafetensorError, ValueError) as error:
        raise BadArtifact(f"{name}: {error}") from error
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    length = int.from_bytes(view[:8], "little")
    header = json.loads(bytes(view[8 : 8 + length]))
    header.pop("__metadata__", None)
    if {k: (v["dtype"], tuple(v["shape"])) for k, v in header.items()} != {
        k: (t.dtype, t.shape) for k, t in part.tensors.items()
    }:
        raise BadArtifact(f"{name}: tensors differ from the manifest")
    return {
        tensor: np.frombuffer(
            view[8 + length + spec["data_offsets"][0] : 8 + length + spec["data_offsets"][1]],
            DTYPES[spec["dtype"]],
        ).reshape(spec["shape"])
        for tensor, spec in header.items()
    }


def _assemble(manifest: Manifest, parts: Mapping[str, dict[str, Array]]) -> Model:
    try:
        table, neighbours = parts["items"], parts["item-item"]
        items = decode_items(table)
        by_id, by_hash = index_items([item.item_id for item in items])
        model = Model(
            manifest=manifest,
            items=items,
            factors=parts["factors"]["factors"],
            gram=parts["factors"]["gram"],
            item_item=ItemItem(
                indptr=neighbours["indptr"],
                indices=neighbours["indices"],
                values=neighbours["values"],
            ),
            popularity=parts["popularity"]["counts"],
            context=parts.get("context", {}),
            priors=_priors(parts.get(ARTWORK, {})),
            row_of=by_id,
            row_of_hash=by_hash,
        )
    except (ValueError, IndexError) as error:  # UnicodeDecodeError is a ValueError
        raise BadArtifact(f"items: unreadable: {error}") from error
    check_model(model)
    return model


def _priors(tensors: Mapping[str, Array]) -> dict[str, Prior]:
    """By reward. Of another number of features, or not there: none, the bandit starts without."""
    found: dict[str, Prior] = {}
    for reward in REWARDS:
        mean, precision = tensors.get(f"{reward}.mean"), tensors.get(f"{reward}.precision")
        if mean is None or precision is None or precision.shape != (FEATURES, FEATURES):
            continue
        prior = Prior(mean=mean, precision=precision)
        if mean.shape != (FEATURES,) or not proper(prior):
            raise BadArtifact(f"{ARTWORK}: the prior of {reward} is no distribution")
        found[reward] = prior
    return found
