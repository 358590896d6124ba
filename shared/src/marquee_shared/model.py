"""Model: a verified artifact in memory, every array a view of the mapped files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from marquee_shared.context import Context
from marquee_shared.errors import BadArtifact
from marquee_shared.fold_in import F32, F64, fold_in
from marquee_shared.ids import item_hash
from marquee_shared.interaction import Interaction
from marquee_shared.manifest import Manifest
from marquee_shared.posterior import Prior
from marquee_shared.signals import weigh

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemItem:
    """Sparse `(n_items, n_items)`: row h holds what a liked item h adds to every other item."""

    indptr: I64  # (n_items + 1,)
    indices: I32  # (nnz,)
    values: F32  # (nnz,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What people see of an item."""

    item_id: str
    title: str
    year: int  # 0: unknown
    genres: tuple[str, ...]
    tags: tuple[str, ...] = ()
    artworks: bytes = b"[]"  # JSON list


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Everything a tier needs to fold in and to score; rows of all arrays follow `items`."""

    manifest: Manifest
    items: Sequence[Item]
    factors: F32  # (n_items, d)
    gram: F64  # (d, d)
    item_item: ItemItem
    popularity: F32  # (n_segments, n_items), weighted counts
    context: Mapping[str, F32] = field(default_factory=dict)  # field -> (n_values, d)
    priors: Mapping[str, Prior] = field(default_factory=dict)  # reward -> of the artwork bandit
    row_of: Mapping[str, int]  # item id -> row
    row_of_hash: Mapping[int, int]  # item hash -> row

    @property
    def model_id(self) -> str:
        return self.manifest.model_id

    def history(self, interactions: Mapping[int, Interaction]) -> tuple[I64, F64]:
        """Rows `(n,) int64` and signed weights `(n,)` of the interactions this model knows.

        Sorted by row: equal histories give equal bits. Age is taken over all interactions.
        """
        weights = weigh(list(interactions.values()), self.manifest.signals)
        known = [
            (row, weight)
            for item, weight in zip(interactions, weights.tolist(), strict=True)
            if (row := self.row_of_hash.get(item)) is not None and weight
        ]
        known.sort()
        rows = np.array([row for row, _ in known], np.int64)
        return rows, np.array([weight for _, weight in known], np.float64)

    def fold_in(self, rows: I64, weights: F64) -> F32:
        """The user's vector `(d,) float32` under this model."""
        return fold_in(self.factors, self.gram, rows, weights, self.manifest.objective)

    def context_vector(self, context: Context) -> F32:
        """sum_f g_f d_f[c] `(d,)`: what the context adds to any user's vector."""
        total = np.zeros(self.factors.shape[1], np.float32)
        for name, spec in self.manifest.context.items():
            value = getattr(context, name, "")
            if spec.gain and value in spec.values:
                total += np.float32(spec.gain) * self.context[name][spec.values.index(value)]
        return total


def index_items(item_ids: Sequence[str]) -> tuple[dict[str, int], dict[int, int]]:
    """Row by id and by hash. Raises BadArtifact when two ids, or their hashes, are the same."""
    by_id = {item: row for row, item in enumerate(item_ids)}
    by_hash = {item_hash(item): row for row, item in enumerate(item_ids)}
    if len(by_id) != len(item_ids):
        raise BadArtifact("items: an id stands twice")
    if len(by_hash) != len(item_ids):
        raise BadArtifact("items: two ids have one 64-bit hash; rename one of them")
    return by_id, by_hash
