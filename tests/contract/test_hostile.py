"""Models that must not serve: every one is refused as BadArtifact, and the good one keeps serving.

Each case is the golden model with one thing wrong. Unless the case is about checksums, sizes and
checksums are told anew, as whoever means harm would do.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from marquee_shared.artifact import MAX_MANIFEST, part_key, read_model
from marquee_shared.channel import publish_entry
from marquee_shared.errors import BadArtifact
from marquee_shared.fold_in import gram
from marquee_shared.follow import Follower
from marquee_shared.manifest import DTYPES
from marquee_shared.store import Store

MODELS = Path(__file__).parent / "golden" / "model-v1" / "models"
GOOD = sorted(path.name for path in MODELS.iterdir())[0]
HOSTILE = "20261124t000000z-0123456789ab"
DTYPE_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
NAN, INF = float("nan"), float("inf")


@dataclass
class Artifact:
    """A model as it lies in the store: the manifest as JSON, the parts as bytes."""

    manifest: dict[str, Any]
    parts: dict[str, bytes]
    text: bytes | None = None  # instead of the manifest
    absent: set[str] = field(default_factory=set)  # parts that the store lacks

    def retell(self, part: str) -> None:
        """Let the manifest tell the part's true size and checksum."""
        data = self.parts[part]
        told = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self.manifest["parts"][part] |= told

    def put(self, part: str, **tensors: Any) -> None:
        """Replace tensors of a part, and tell the manifest."""
        known = dict(safetensors.numpy.load(self.parts[part]))
        for name, value in tensors.items():
            array = np.ascontiguousarray(value).reshape(np.shape(value))
            known[name.replace("__", ".")] = array
        self.parts[part] = safetensors.numpy.save(known)
        self.manifest["parts"][part]["tensors"] = {
            name: {"dtype": DTYPE_NAMES[array.dtype], "shape": list(array.shape)}
            for name, array in known.items()
        }
        self.retell(part)

    def get(self, part: str, tensor: str) -> Any:
        return safetensors.numpy.load(self.parts[part])[tensor].copy()

    def factors(self, factors: Any, **manifest: Any) -> None:
        """Replace the factors and, where it is defined, the Gram matrix."""
        array = np.asarray(factors, np.float32)
        self.put("factors", factors=array)
        if array.ndim == 2 and np.isfinite(array).all():
            self.put("factors", gram=gram(array))

    def strings(self, name: str, values: list[bytes]) -> None:
        offsets = np.cumsum([0, *map(len, values)]).astype(np.int64)
        data = np.frombuffer(b"".join(values), np.uint8)
        self.put("items", **{f"{name}__offsets": offsets, f"{name}__bytes": data})

    def header(self, part: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Rewrite the header in front of a part's data."""
        length = int.from_bytes(self.parts[part][:8], "little")
        header = json.loads(self.parts[part][8 : 8 + length])
        change(header)
        self.raw_header(part, json.dumps(header).encode())

    def raw_header(self, part: str, header: bytes, length: int | None = None) -> None:
        old = int.from_bytes(self.parts[part][:8], "little")
        said = len(header) if length is None else length
        self.parts[part] = said.to_bytes(8, "little") + header + self.parts[part][8 + old :]
        self.retell(part)


def golden() -> Artifact:
    """The golden model under another name."""
    manifest = json.loads((MODELS / GOOD / "manifest.json").read_bytes())
    parts = {path.stem: path.read_bytes() for path in (MODELS / GOOD).glob("*.safetensors")}
    return Artifact(manifest=manifest | {"model_id": HOSTILE}, parts=parts)


def upload(store: Store, model_id: str, artifact: Artifact) -> None:
    for name, data in artifact.parts.items():
        if name not in artifact.absent:
            store.create(part_key(model_id, name), data)
    text = artifact.text
    manifest = json.dumps(artifact.manifest).encode() if text is None else text
    store.create(f"models/{model_id}/manifest.json", manifest)


# --- the cases: a change and what the refusal tells ------------------------------------------

Change = Callable[[Artifact], object]
CASES: dict[str, tuple[Change, str]] = {}


def case(name: str, tells: str, change: Change) -> None:
    assert name not in CASES
    CASES[name] = (change, tells)


def told(**fields: Any) -> Change:
    """Other fields in the manifest."""
    return lambda a: a.manifest.update(fields)


def nested(*path: str, value: Any) -> Change:
    """Another value deep in the manifest."""

    def change(a: Artifact) -> None:
        *folders, last = path
        place = a.manifest
        for folder in folders:
            place = place[folder]
        place[last] = value

    return change


def text(data: bytes) -> Change:
    return lambda a: setattr(a, "text", data)


def renamed_part(name: str) -> Change:
    def change(a: Artifact) -> None:
        a.manifest["parts"][name] = a.manifest["parts"]["context"]

    return change


def renamed_tensor(name: str) -> Change:
    def change(a: Artifact) -> None:
        tensors = a.manifest["parts"]["context"]["tensors"]
        tensors[name] = tensors["device"]

    return change


def without(*path: str) -> Change:
    def change(a: Artifact) -> None:
        *folders, last = path
        place = a.manifest
        for folder in folders:
            place = place[folder]
        del place[last]

    return change


def raw(part: str, change: Callable[[bytes], bytes], *, retell: bool = True) -> Change:
    """Other bytes of a part, checksum told anew or not."""

    def apply(a: Artifact) -> None:
        a.parts[part] = change(a.parts[part])
        if retell:
            a.retell(part)

    return apply


def array(part: str, tensor: str, change: Callable[[Any], Any]) -> Change:
    """Another array in a part."""
    return lambda a: a.put(part, **{tensor: change(a.get(part, tensor.replace("__", ".")))})


def filled(place: Any, value: Any) -> Callable[[Any], Any]:
    def change(values: Any) -> Any:
        values[place] = value
        return values

    return change


def offsets_of(tensor: str, begin: int, end: int) -> Callable[[dict[str, Any]], None]:
    return lambda header: header[tensor].update(data_offsets=[begin, end])


def ids(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    return lambda a: a.strings("id", change([b"ml-%d" % n for n in range(1, 13)]))


# The manifest.
case("manifest of format 2", "format 2 is not 1", told(format=2))
case("manifest of format '1'", "manifest", told(format="1"))
case("manifest without a format", "manifest", without("format"))
case("manifest naming another model", "names another model", told(model_id=GOOD))
case("manifest naming a path", "manifest", told(model_id="../../etc"))
case("manifest whose name ends in a line feed", "manifest", told(model_id=HOSTILE + "\n"))
case("manifest of nothing", "manifest", text(b""))
case("manifest of no JSON", "manifest", text(b"\xff\xfe{"))
case("manifest of a list", "manifest", text(b"[]"))
case("manifest of endless depth", "manifest", text(b'{"format":1,"model_id":' + b"[" * 500_000))
case("manifest beyond its size", "larger than", text(b" " * (MAX_MANIFEST + 1)))
case("mix above 1", "manifest", told(mix=1.5))
case("mix of infinity", "manifest", text(b'{"format":1,"mix":1e999}'))
case("no segment", "manifest", told(segments=[]))
case("first segment of some", "segments: the first", told(segments=["device=tv", "all"]))
case("no ridge", "manifest", nested("objective", "lam", value=0))
case("negative ridge", "manifest", nested("objective", "lam", value=-1))
case("negative weight of the unseen", "manifest", nested("objective", "a0", value=-0.5))
case("power beyond floats", "manifest", nested("objective", "nu", value=1000))
case("power of infinity", "manifest", nested("objective", "nu", value="Infinity"))
case("nine rating weights", "manifest", nested("signals", "ratings", value=[0.5] * 9))
case("negative half-life", "manifest", nested("signals", "half_life_days", value=-1))
for odd in ("../x", "/etc/passwd", "a/b", "Factors", "", "..", ".hidden", "x" * 65, "factors\n"):
    case(f"part called {odd!r}", "manifest", renamed_part(odd))
    case(f"tensor called {odd!r}", "manifest", renamed_tensor(odd))

# Parts as files.
for part in ("factors", "item-item", "popularity", "items"):
    case(f"no {part} in the manifest", f"part missing: {part}", without("parts", part))
for part in ("factors", "item-item", "popularity", "items", "context"):
    case(
        f"no {part} in the store",
        f"{part}: part missing from the store",
        lambda a, part=part: a.absent.add(part),
    )
    case(f"{part} cut short", f"{part}: size differs", raw(part, lambda d: d[:-1], retell=False))
    case(f"{part} too long", f"{part}: size differs", raw(part, lambda d: d + b"\0", retell=False))
    case(
        f"{part} changed in one byte",
        f"{part}: checksum differs",
        raw(part, lambda d: d[:-1] + bytes([d[-1] ^ 1]), retell=False),
    )
    case(f"{part} cut short and retold", f"{part}: ", raw(part, lambda d: d[:-1]))
    case(f"{part} too long and retold", f"{part}: ", raw(part, lambda d: d + b"\0"))
    case(f"{part} of no bytes", f"{part}: ", raw(part, lambda d: b""))
    case(f"{part} of seven bytes", f"{part}: ", raw(part, lambda d: d[:7]))
    case(f"{part} of eight bytes", f"{part}: ", raw(part, lambda d: d[:8]))
case("part of absurd size", "size differs", nested("parts", "factors", "bytes", value=2**62))
case("part of negative size", "manifest", nested("parts", "factors", "bytes", value=-1))
case("checksum of another form", "manifest", nested("parts", "factors", "sha256", value="0" * 63))

# Headers: the golden factors are 12 x 4 float32 (192 bytes) and the gram 4 x 4 float64 (128).
for length in (2**64 - 1, 2**63, 2**32, (1 << 20) + 1):
    case(
        f"header of {length} bytes",
        "header larger than",
        lambda a, n=length: a.raw_header("factors", b"{}", n),
    )
case("header beyond the file", "factors: ", lambda a: a.raw_header("factors", b"{}", 5000))
case("header of no JSON", "factors: ", lambda a: a.raw_header("factors", b"{nothing"))
case("header of no text", "factors: ", lambda a: a.raw_header("factors", b'{"\xff": 1}'))
case("header of a list", "factors: ", lambda a: a.raw_header("factors", b"[]"))
case("header of nothing", "factors: ", lambda a: a.raw_header("factors", b"{}"))
case("header of endless depth", "factors: ", lambda a: a.raw_header("factors", b"[" * 500_000))
HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "hole": lambda h: (h["factors"].update(data_offsets=[8, 200]), h["factors"].update(shape=[48])),
    "overlap": offsets_of("factors", 64, 256),
    "data beyond the end": offsets_of("factors", 128, 10_000),
    "reversed offsets": offsets_of("factors", 192, 0),
    "negative offsets": offsets_of("factors", -8, 184),
    "offsets beyond 64 bits": offsets_of("factors", 0, 2**70),
    "no offsets": lambda h: h["factors"].pop("data_offsets"),
    "three offsets": lambda h: h["factors"].update(data_offsets=[0, 1, 192]),
    "unknown dtype": lambda h: h["factors"].update(dtype="F31"),
    "dtype of another size": lambda h: h["factors"].update(dtype="F64"),
    "dtype of the same size": lambda h: h["factors"].update(dtype="I32"),
    "dtype that is not ours": lambda h: h["factors"].update(dtype="BF16", shape=[12, 8]),
    "shape larger than the data": lambda h: h["factors"].update(shape=[13, 4]),
    "shape beyond 64 bits": lambda h: h["factors"].update(shape=[2**40, 2**40]),
    "negative shape": lambda h: h["factors"].update(shape=[-12, -4]),
    "shape of the same size": lambda h: h["factors"].update(shape=[4, 12]),
    "tensor renamed": lambda h: h.update(other=h.pop("factors")),
    "tensor that the manifest lacks": lambda h: h.update(
        extra={"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    ),
    "metadata of a number": lambda h: h.update(__metadata__=5),
}
for name, edit in HEADERS.items():
    case(f"header: {name}", "factors: ", lambda a, edit=edit: a.header("factors", edit))


def doubled_tensor(a: Artifact) -> None:
    """A header in which one name stands twice: one reading is within the data, the other not."""
    length = int.from_bytes(a.parts["factors"][:8], "little")
    header = a.parts["factors"][8 : 8 + length].rstrip()
    again = b',"factors":{"dtype":"F32","shape":[12,4],"data_offsets":[4096,4288]}}'
    a.raw_header("factors", header[:-1] + again)


case("header: tensor that stands twice", "factors: ", doubled_tensor)

# What the manifest says of arrays.
TENSOR = ("parts", "factors", "tensors", "factors")
case("manifest of another shape", "tensors differ", nested(*TENSOR, "shape", value=[4, 12]))
case("manifest of absurd shape", "tensors differ", nested(*TENSOR, "shape", value=[2**62, 2**62]))
case("manifest of negative shape", "manifest", nested(*TENSOR, "shape", value=[-12, 4]))
case("manifest of five dimensions", "manifest", nested(*TENSOR, "shape", value=[1] * 5))
case("manifest of another dtype", "no tensor factors", nested(*TENSOR, "dtype", value="I32"))
case("manifest of an unknown dtype", "manifest", nested(*TENSOR, "dtype", value="F16"))
case("manifest without a tensor", "no tensor gram", without("parts", "factors", "tensors", "gram"))

# Factors and their Gram matrix.
for value in (NAN, INF, -INF):
    bad = filled((3, 2), value)
    case(f"factor {value}", "factors: not finite", array("factors", "factors", bad))
    case(f"gram {value}", "gram: does not belong", array("factors", "gram", bad))
    case(
        f"count {value}",
        "popularity: not finite",
        array("popularity", "counts", filled((0, 2), value)),
    )
    case(f"neighbour {value}", "item-item: not", array("item-item", "values", filled(1, value)))
    case(
        f"context {value}", "context: not finite", array("context", "device", filled((1, 1), value))
    )
case("all factors zero", "factors: all zero", lambda a: a.factors(np.zeros((12, 4))))
case("factors of 11 items", "items: count differs", lambda a: a.factors(np.ones((11, 4))))
case("factors of 5 dimensions", "dimensions differ", lambda a: a.factors(np.ones((12, 5))))
case("factors of no items", "factors: no items", lambda a: a.factors(np.ones((0, 4))))
case("factors of no dimensions", "factors: no items", lambda a: a.factors(np.ones((12, 0))))
case("flat factors", "no tensor factors", lambda a: a.factors(np.ones(48)))
case("factors of a number", "no tensor factors", lambda a: a.factors(np.float32(1)))
case("cubic factors", "no tensor factors", lambda a: a.factors(np.ones((3, 4, 4))))
case(
    "flat factors with an empty gram",
    "no tensor factors",
    lambda a: a.put("factors", factors=np.ones(48, "f4"), gram=np.ones((0, 0))),
)
case(
    "factors of float64", "no tensor factors", array("factors", "factors", lambda v: v.astype("f8"))
)
case("gram of float32", "no tensor gram", array("factors", "gram", lambda v: v.astype("f4")))
case("gram of others", "gram: does not belong", array("factors", "gram", lambda v: v + 0.01))
case("gram of other shape", "gram: does not belong", array("factors", "gram", lambda v: v[:3, :3]))
case("gram of nothing", "gram: does not belong", array("factors", "gram", lambda v: v[:0, :0]))
case("sizes of other dimensions", "dimensions differ", nested("sizes", "dimensions", value=5))
case("sizes of other items", "items: count differs", nested("sizes", "items", value=13))

# Popularity, neighbours, context.
case("counts of one segment", "popularity: shape", array("popularity", "counts", lambda v: v[:1]))
case("counts of 11 items", "popularity: shape", array("popularity", "counts", lambda v: v[:, :11]))
case("flat counts", "no tensor counts", array("popularity", "counts", lambda v: v.ravel()))
case(
    "counts of integers",
    "no tensor counts",
    array("popularity", "counts", lambda v: v.astype("i4")),
)
CSR = "item-item: not a sparse matrix"
case("neighbour beyond the items", CSR, array("item-item", "indices", filled(0, 12)))
case("negative neighbour", CSR, array("item-item", "indices", filled(0, -1)))
case("decreasing row ends", CSR, array("item-item", "indptr", filled(5, 1)))
case("row ends beyond the entries", CSR, array("item-item", "indptr", filled(-1, 99)))
case("row ends within the entries", CSR, array("item-item", "indptr", filled(-1, 12)))
case("row ends that begin late", CSR, array("item-item", "indptr", filled(0, 1)))
case(
    "row ends that wrap around",
    CSR,
    array("item-item", "indptr", filled([4, 5], [2**62, -(2**62)])),
)
case("row ends of 11 items", CSR, array("item-item", "indptr", lambda v: np.r_[v[:-2], v[-1:]]))
case("row ends of nothing", CSR, array("item-item", "indptr", lambda v: v[:0]))
case("fewer values than neighbours", CSR, array("item-item", "values", lambda v: v[:-1]))
case(
    "values of one number",
    "no tensor values",
    array("item-item", "values", lambda v: np.float32(1)),
)
case(
    "neighbours in a column",
    "no tensor indices",
    array("item-item", "indices", lambda v: v[:, None]),
)
case(
    "neighbours of int64",
    "no tensor indices",
    array("item-item", "indices", lambda v: v.astype("i8")),
)
case("context of 3 dimensions", "context: vectors", array("context", "device", lambda v: v[:, :3]))
case("context of one value", "context: vectors", array("context", "device", lambda v: v[:1]))
case("context of float64", "no tensor device", array("context", "device", lambda v: v.astype("f8")))
case("flat context", "no tensor device", array("context", "device", lambda v: v.ravel()))
case("context without vectors", "no tensor device", without("parts", "context"))
case(
    "context of an unheard-of field",
    "no tensor moon",
    nested("context", "moon", value={"values": ["full"], "gain": 1}),
)
case(
    "context of infinite gain",
    "manifest",
    lambda a: text(json.dumps(a.manifest).replace('"gain": 0.5', '"gain": 1e999').encode())(a),
)

# Items and their texts.
case("an id that stands twice", "stands twice", ids(lambda v: [*v[:-1], v[0]]))
for odd_id in (b"", b"a/b", b"a{b}", b"x" * 129, b"a b", b"ml-1\n", "é".encode()):
    case(f"id {odd_id!r}", "not a valid id", ids(lambda v, odd_id=odd_id: [odd_id, *v[1:]]))
case("id that is no text", "items: unreadable", ids(lambda v: [b"\xff\xfe", *v[1:]]))
case("11 ids", "items: ", ids(lambda v: v[:-1]))
case("no ids", "items: ", ids(lambda v: []))
case("13 titles", "items: ", lambda a: a.strings("title", [b"t"] * 13))
case("title cut within a character", "items: ", array("items", "title__offsets", filled(4, 44)))
for column in ("id", "title", "genres", "tags", "artworks"):
    fits = f"items: offsets of {column} do not fit"
    tensor = f"{column}__offsets"
    case(f"decreasing offsets of {column}", fits, array("items", tensor, filled(6, -1)))
    case(f"offsets of {column} beyond the bytes", fits, array("items", tensor, filled(-1, 10**6)))
    case(f"offsets of {column} that begin late", fits, array("items", tensor, filled(0, 1)))
    case(f"offsets of {column} out of order", fits, array("items", tensor, filled(3, 10**6)))
    case(
        f"offsets of {column} that wrap around",
        fits,
        array("items", tensor, filled([3, 4], [6 * 10**18, -6 * 10**18])),
    )
    case(f"no offsets of {column}", "items: ", array("items", tensor, lambda v: v[:0]))
    case(
        f"offsets of {column} in a column",
        f"no tensor {column}.offsets",
        array("items", tensor, lambda v: v[:, None]),
    )
    case(
        f"offsets of {column} in int32",
        f"no tensor {column}.offsets",
        array("items", tensor, lambda v: v.astype("i4")),
    )
case("11 years", "items: ", array("items", "year", lambda v: v[:-1]))
case("years in a column", "no tensor year", array("items", "year", lambda v: v[:, None]))
case("one year", "no tensor year", array("items", "year", lambda v: np.int32(1999)))

# Readable, and yet not sane: the smoke query's.


def shapeless(objective: dict[str, float], change: Callable[[Any], Any]) -> Change:
    """Factors and an objective that only a query shows to be useless."""

    def apply(a: Artifact) -> None:
        a.factors(change(a.get("factors", "factors")))
        a.manifest["objective"].update(objective)

    return apply


FLAT = np.outer(np.arange(12), [1000, 1000, 0, 0])  # rank 1 of 4
INSANE: dict[str, tuple[Change, str]] = {
    "every item is the same": (shapeless({}, np.ones_like), "every item scores the same"),
    "no measure": (shapeless({"a0": 0, "lam": 1e-12}, lambda v: v * 1e-6), "a vector of length"),
    "singular": (shapeless({"a0": 0, "lam": 1e-300}, lambda v: FLAT), "smoke query: "),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store((tmp_path / "store").as_uri())


each_case = pytest.mark.parametrize(("change", "tells"), list(CASES.values()), ids=list(CASES))


@each_case
def test_hostile_model_is_refused_and_told(
    store: Store, tmp_path: Path, change: Change, tells: str
):
    artifact = golden()
    change(artifact)
    upload(store, HOSTILE, artifact)
    with pytest.raises(BadArtifact) as refused:
        read_model(store, HOSTILE, tmp_path / "cache")
    assert tells in str(refused.value)
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    inside = {path for folder in ("store", "cache") for path in (tmp_path / folder).rglob("*")}
    assert files <= inside


@pytest.mark.parametrize(
    ("change", "tells"),
    [*CASES.values(), *INSANE.values()],
    ids=[*CASES, *INSANE],
)
def test_good_model_keeps_serving(store: Store, tmp_path: Path, change: Change, tells: str):
    upload(store, GOOD, Artifact(golden().manifest | {"model_id": GOOD}, golden().parts))
    publish_entry(store, "prod", GOOD, at="")
    follower = Follower(store, "prod", tmp_path / "cache")
    assert follower.check()
    artifact = golden()
    change(artifact)
    upload(store, HOSTILE, artifact)
    publish_entry(store, "prod", HOSTILE, at="")
    assert not follower.check()
    assert tells in follower.refused
    assert (follower.model.model_id, follower.seq) == (GOOD, 1)
    assert np.isfinite(follower.model.factors).all()


def test_unharmed_copy_is_accepted(store: Store, tmp_path: Path):
    """The cases above differ from this one by their change alone."""
    artifact = golden()
    for part, tensor in (("factors", "factors"), ("items", "year"), ("item-item", "indices")):
        artifact.put(part, **{tensor: artifact.get(part, tensor)})
    artifact.header("popularity", lambda header: header)
    ids(lambda values: values)(artifact)
    upload(store, HOSTILE, artifact)
    model = read_model(store, HOSTILE, tmp_path / "cache")
    assert model.items[0].item_id == "ml-1"


def test_part_that_this_reader_does_not_know_is_no_harm(store: Store, tmp_path: Path):
    artifact = golden()
    artifact.parts["serving-index"] = artifact.parts["popularity"]
    artifact.manifest["parts"]["serving-index"] = artifact.manifest["parts"]["popularity"]
    artifact.manifest["mood"] = "of the day"
    upload(store, HOSTILE, artifact)
    assert read_model(store, HOSTILE, tmp_path / "cache").model_id == HOSTILE
