"""Verify: what must hold of a model before it may serve."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marquee_shared.context import FIELDS, Context
from marquee_shared.errors import BadArtifact
from marquee_shared.fold_in import F32, F64, gram
from marquee_shared.ids import ID_PATTERN
from marquee_shared.model import ItemItem, Model
from marquee_shared.score import score

SMOKE_ITEMS = 3  # most popular items that the smoke query pretends to have been liked
MAX_NORM = 1e3  # a folded-in vector longer than this is no sane model's
_ID = re.compile(ID_PATTERN)


def check_model(model: Model) -> None:
    """Shapes that fit each other, finite numbers, indices within range. Raises BadArtifact."""
    n, d = model.factors.shape
    sizes = model.manifest.sizes
    _require(all(_valid_id(i.item_id) for i in model.items), "items: an id is not a valid id")
    _require(n > 0 and d > 0, "factors: no items or no dimensions")
    _require(len(model.items) == n == sizes.items, "items: count differs from the factors")
    _require(d == sizes.dimensions, "factors: dimensions differ from the manifest")
    _require(_finite(model.factors), "factors: not finite")
    _require(model.factors.any(), "factors: all zero")
    _require(_is_gram(model.gram, model.factors), "gram: does not belong to the factors")
    shape = (len(model.manifest.segments), n)
    _require(model.manifest.segments[:1] == ("all",), "segments: the first is not `all`")
    _require(model.popularity.shape == shape, "popularity: shape differs from the segments")
    _require(_finite(model.popularity), "popularity: not finite")
    _require(_is_csr(model.item_item, n), "item-item: not a sparse matrix over the items")
    for name, field in model.manifest.context.items():
        fits = name in model.context and model.context[name].shape == (len(field.values), d)
        _require(fits, "context: vectors do not fit the manifest")
        _require(_finite(model.context[name]), "context: not finite")


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise BadArtifact(otherwise)


def _finite(array: NDArray[Any]) -> bool:
    return bool(np.isfinite(array).all())


def _is_gram(matrix: F64, factors: F32) -> bool:
    own = gram(factors)
    return matrix.shape == own.shape and np.allclose(matrix, own, rtol=1e-6, atol=1e-6)


def _valid_id(value: str) -> bool:
    return _ID.fullmatch(value) is not None


def _is_csr(matrix: ItemItem, n: int) -> bool:
    return bool(
        matrix.indptr.shape == (n + 1,)
        and matrix.indptr[0] == 0
        and matrix.indptr[-1] == len(matrix.indices) == len(matrix.values)
        and (matrix.indptr[1:] >= matrix.indptr[:-1]).all()
        and (not len(matrix.indices) or 0 <= matrix.indices.min() <= matrix.indices.max() < n)
        and np.isfinite(matrix.values).all()
    )


@np.errstate(all="ignore")  # what overflows is judged by its result
def smoke_query(model: Model) -> None:
    """One user through the model, before it may serve. Raises BadArtifact."""
    favourites = np.sort(np.argsort(-model.popularity[0], kind="stable")[:SMOKE_ITEMS])
    favourites = favourites.astype(np.int64)
    try:
        vector = model.fold_in(favourites, np.ones(len(favourites)))
    except np.linalg.LinAlgError as error:
        raise BadArtifact(f"smoke query: {error}") from error
    norm = float(np.linalg.norm(vector))
    if not 0 < norm < MAX_NORM:
        raise BadArtifact(f"smoke query: a vector of length {norm:.3g}")
    weights = np.ones(len(favourites))
    for context in _contexts(model):
        scores = score(model, vector, favourites, weights, context, favourites[:0])
        if not np.isfinite(scores.total).all():
            raise BadArtifact(f"smoke query: scores are not finite in {context}")
        if np.ptp(scores.ials) == 0:
            raise BadArtifact("smoke query: every item scores the same")


def _contexts(model: Model) -> Iterator[Context]:
    """No context, and each that the model knows of."""
    yield Context()
    for name, field in model.manifest.context.items():
        yield from (Context(**{name: value}) for value in field.values if name in FIELDS)
