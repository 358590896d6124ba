"""Item table: what a model tells of its items, as arrays: strings as offsets and UTF-8 bytes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marquee_shared.errors import BadArtifact
from marquee_shared.model import Item

Array = NDArray[Any]
Tensors = Mapping[str, Array]
STRINGS = ("id", "title", "genres", "tags", "artworks")
TENSORS = {  # tensor -> dtype and dimensions
    **{f"{name}.offsets": ("I64", 1) for name in STRINGS},
    **{f"{name}.bytes": ("U8", 1) for name in STRINGS},
    "year": ("I32", 1),
}


def encode_items(items: Sequence[Item]) -> dict[str, Array]:
    """The table of these items, in their order."""
    return {
        **_strings("id", [item.item_id for item in items]),
        **_strings("title", [item.title for item in items]),
        **_strings("genres", ["|".join(item.genres) for item in items]),
        **_strings("tags", ["|".join(item.tags) for item in items]),
        **_strings("artworks", [item.artworks.decode() for item in items]),
        "year": np.array([item.year for item in items], np.int32),
    }


def decode_items(table: Mapping[str, Array]) -> list[Item]:
    """The items of a table, in its order. Raises BadArtifact, ValueError, IndexError."""
    columns = {name: _read_strings(table, name) for name in ("id", "title", "genres", "tags")}
    artworks = _read_strings(table, "artworks")
    return [
        Item(
            item_id=item_id,
            title=title,
            year=year,
            genres=tuple(genres.split("|")) if genres else (),
            tags=tuple(tags.split("|")) if tags else (),
            artworks=artwork.encode(),
        )
        for item_id, title, genres, tags, artwork, year in zip(
            *columns.values(), artworks, table["year"].tolist(), strict=True
        )
    ]


def _read_strings(table: Mapping[str, Array], name: str) -> list[str]:
    offsets, data = table[f"{name}.offsets"], bytes(table[f"{name}.bytes"])
    if offsets[0] != 0 or offsets[-1] != len(data) or (offsets[1:] < offsets[:-1]).any():
        raise BadArtifact(f"items: offsets of {name} do not fit its bytes")
    bounds = offsets.tolist()
    return [data[a:b].decode() for a, b in pairwise(bounds)]


def _strings(name: str, values: list[str]) -> dict[str, Array]:
    encoded = [value.encode() for value in values]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(value) for value in encoded], out=offsets[1:])
    return {
        f"{name}.offsets": offsets,
        f"{name}.bytes": np.frombuffer(b"".join(encoded), np.uint8),
    }
