"""Per block: a function of every block's histories, its arrays brought to the driver."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import safetensors.numpy
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from marquee_offline.histories import Histories, from_batches

Arrays = Mapping[str, NDArray[Any]]
ROW = "block int, arrays binary"


def per_block(histories: DataFrame, compute: Callable[[Histories], Arrays]) -> list[Arrays]:
    """What `compute` makes of each block, in order of block: so that sums do not depend on luck.

    For results whose size depends on items, or on a sample of users; never on all of them.
    """

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for block in from_batches(batches):
            arrays = {k: np.ascontiguousarray(v) for k, v in compute(block).items()}
            columns = {
                "block": pa.array([block.block], pa.int32()),
                "arrays": pa.array([safetensors.numpy.save(arrays)], pa.binary()),
            }
            yield pa.RecordBatch.from_pydict(columns)

    found = histories.mapInArrow(rows, ROW).collect()
    ordered = sorted(found, key=lambda row: row["block"])
    return [safetensors.numpy.load(bytes(row["arrays"])) for row in ordered]


def total(parts: list[Arrays], name: str) -> NDArray[Any]:
    """The sum of one array over the blocks, in their order."""
    summed: NDArray[Any] = np.sum([part[name] for part in parts], axis=0)
    return summed
