"""Parquet: one archive object as bytes, written and read."""

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from marquee_shared.archive import COLUMNS, LAST
from marquee_shared.errors import BadInput

SCHEMA = pa.schema([pa.field(name, pa.type_for_alias(kind)) for name, kind in COLUMNS.items()])


class Record(NamedTuple):
    """One message as it is archived; fields in the order of the columns."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def encode(records: Sequence[Record]) -> bytes:
    """An object of at least one record; the same records give the same bytes."""
    columns = [
        pa.array(column, field.type)
        for column, field in zip(zip(*records, strict=True), SCHEMA, strict=True)
    ]
    schema = SCHEMA.with_metadata({LAST: str(records[-1].offset).encode()})
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def last_offset(data: bytes, name: str = "archive object") -> int:
    """From the footer. Raises BadInput naming the object."""
    try:
        metadata = pq.read_metadata(io.BytesIO(data)).metadata or {}
        return int(metadata[LAST])
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise BadInput(name, "is not readable, or lacks its last offset") from error


def decode(data: bytes, name: str = "archive object") -> Iterator[Record]:
    """The records in offset order. Raises BadInput naming the object."""
    try:
        table = pq.read_table(io.BytesIO(data), columns=list(COLUMNS))
    except (pa.ArrowException, OSError) as error:
        raise BadInput(name, "is not readable Parquet") from error
    columns = (table.column(column).to_pylist() for column in COLUMNS)
    return map(Record._make, zip(*columns, strict=True))
