"""Popularity: what is liked by all, and by those on one device or at one time of day."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame

from marquee_offline.events import Vocabulary
from marquee_offline.histories import Histories
from marquee_offline.per_block import Arrays, per_block, total
from marquee_shared.fold_in import F32, F64
from marquee_shared.model import I64

SEGMENTED = ("device", "daypart")  # fields with a popularity of their own
PRIOR = 200.0  # weight of `all` in a segment's counts: a segment with little data is mostly `all`


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Counts over all blocks."""

    users: int  # with at least one interaction
    interactions: int
    likes: I64  # (n_items,) users with a positive interaction
    weight: F64  # (n_items,) sum of positive weights
    values: dict[str, F64]  # field -> (n_values,) occasions
    segments: dict[str, F64]  # field -> (n_values, n_items) weight of its occasions


def tally(histories: DataFrame, vocabulary: Vocabulary) -> Tally:
    """One pass over the blocks."""
    parts = per_block(histories, lambda block: block_tally(block, vocabulary))
    fields = vocabulary.fields
    return Tally(
        users=total(parts, "users").item(),
        interactions=total(parts, "interactions").item(),
        likes=total(parts, "likes"),
        weight=total(parts, "weight"),
        values={field: total(parts, f"values.{field}") for field in fields},
        segments={f: total(parts, f"segments.{f}") for f in fields if f in SEGMENTED},
    )


def block_tally(block: Histories, vocabulary: Vocabulary) -> Arrays:
    """The counts of one block, to be added up."""
    n = len(vocabulary.items)
    known, seen = block.known, block.occasions
    positive = np.maximum(known.weights, 0)
    arrays = {
        "users": np.array((np.diff(known.starts) > 0).sum(), np.int64),
        "interactions": np.array(len(known.rows), np.int64),
        "likes": np.bincount(known.rows[known.weights > 0], minlength=n),
        "weight": np.bincount(known.rows, positive, minlength=n),
    }
    for column, (field, values) in enumerate(vocabulary.fields.items()):
        codes = seen.codes[:, column]
        told = codes >= 0
        arrays[f"values.{field}"] = np.bincount(codes[told], minlength=len(values)).astype(float)
        if field in SEGMENTED:
            cells = codes[told].astype(np.int64) * n + seen.rows[told]
            weights = np.bincount(cells, seen.weights[told], minlength=len(values) * n)
            arrays[f"segments.{field}"] = weights.reshape(len(values), n)
    return arrays


def popularity(counted: Tally, vocabulary: Vocabulary) -> tuple[tuple[str, ...], F32]:
    """Segment names and `(n_segments, n_items) float32`; row 0 is `all`.

    A segment's counts are drawn towards `all` as if PRIOR of its weight had come from there.
    """
    everybody = counted.weight
    prior = PRIOR * everybody / max(everybody.sum(), 1e-9)
    names, rows = ["all"], [everybody]
    for field, segments in counted.segments.items():
        names += [f"{field}={value}" for value in vocabulary.fields[field]]
        rows += [own + prior for own in segments]
    return tuple(names), np.array(rows, np.float32)
