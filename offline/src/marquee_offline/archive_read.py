"""Archive reader: the messages of archive objects, and what they say as a Spark table."""

import io
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from marquee_shared.errors import BadInput
from marquee_shared.store import Store

Message = tuple[bytes | None, bytes | None]  # key, value
Row = tuple[object, ...]


def messages(store: Store, name: str) -> Iterator[Message]:
    """Keys and values of an archive object. Raises BadInput naming it."""
    try:
        table = pq.read_table(io.BytesIO(store.get(name)), columns=["key", "value"])
    except (pa.ArrowException, OSError) as error:
        raise BadInput(name, "is not readable Parquet") from error
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def read_archive(
    spark: SparkSession,
    url: str,
    names: Sequence[str],
    schema: pa.Schema,
    say: Callable[[Message, str], Iterator[Row]],
) -> DataFrame:
    """What the messages of these objects say, as rows of the schema: strings and integers.

    `say` gets a message and the folder it lies in, which stands for its source and partition.
    """

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = Store(url)
        for batch in batches:
            for name in batch.column("name").to_pylist():
                log = name.rpartition("/")[0]
                said = [row for message in messages(store, name) for row in say(message, log)]
                columns = list(zip(*said, strict=True)) or [()] * len(schema)
                arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    objects = spark.createDataFrame([(name,) for name in names], "name string")
    spread = objects.repartition(spark.sparkContext.defaultParallelism)
    return spread.mapInArrow(rows, _ddl(schema))


def _ddl(schema: pa.Schema) -> str:
    kinds = {pa.string(): "string", pa.int64(): "bigint"}
    return ", ".join(f"{field.name} {kinds[field.type]}" for field in schema)
