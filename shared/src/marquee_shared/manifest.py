"""Manifest: what a model is, before any of its bytes is trusted."""

from typing import Annotated, Literal

import msgspec

from marquee_shared.errors import BadArtifact
from marquee_shared.fold_in import Objective
from marquee_shared.signals import SignalWeights

FORMAT = 1
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}\Z"  # no slash, no '..' at the start, no capital
MODEL_ID_PATTERN = r"^[0-9]{8}t[0-9]{6}z-[0-9a-f]{12}\Z"
Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)]
Count = Annotated[int, msgspec.Meta(ge=0)]
DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}


class Tensor(msgspec.Struct, frozen=True, kw_only=True):
    """One array of a part: safetensors dtype name and shape, row-major."""

    dtype: Literal["F32", "F64", "I32", "I64", "U8"]
    shape: Annotated[tuple[Count, ...], msgspec.Meta(max_length=4)]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file, `models/<model_id>/<name>.safetensors`."""

    bytes: Count
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    tensors: dict[Name, Tensor]


class ContextField(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one context field, in the row order of its vectors, and the field's gain."""

    values: tuple[str, ...]
    gain: Annotated[float, msgspec.Meta(ge=0, le=100)]  # 0: the field has no effect


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Enough to train the same model again."""

    snapshot: str
    code: str  # version of the trainer
    seed: int
    sources: tuple[str, ...] = ()  # archive sources; `simulated-<seed>` is synthetic


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """What the model was trained on."""

    items: Count
    users: Count
    interactions: Count
    dimensions: Count


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`models/<model_id>/manifest.json`, written last."""

    format: int
    model_id: Annotated[str, msgspec.Meta(pattern=MODEL_ID_PATTERN)]
    created_at: str  # ISO 8601, UTC
    objective: Objective
    signals: SignalWeights
    mix: Annotated[float, msgspec.Meta(ge=0, le=1)]  # share of iALS against item-item
    sizes: Sizes
    lineage: Lineage
    parts: dict[Name, Part]
    context: dict[Name, ContextField] = {}
    # Rows of the popularity table.
    segments: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("all",)
    metrics: dict[str, Metric] = {}
    verdict: str = ""  # the evaluation's own words
    trained_through: dict[str, dict[str, int]] = {}  # source -> partition -> last offset


class _Version(msgspec.Struct):
    format: int


def encode_manifest(manifest: Manifest) -> bytes:
    """Indented JSON: people read it too."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def decode_manifest(data: bytes) -> Manifest:
    """Raises BadArtifact: unknown format (before anything else is read), or a wrong field."""
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version != FORMAT:
            raise BadArtifact(f"manifest: format {version} is not {FORMAT}; upgrade this reader")
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadArtifact(f"manifest: {error}") from error
