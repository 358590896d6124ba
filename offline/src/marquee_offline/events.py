"""Events: the archive objects of a snapshot as a table, and that table as blocks of histories."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from marquee_offline.archive_read import messages
from marquee_offline.histories import SCHEMA as HISTORIES
from marquee_offline.histories import Cut, UserEvents, build, to_batch
from marquee_shared.archive import Snapshot, is_simulated, parse
from marquee_shared.context import FIELDS, OTHER, VALUES
from marquee_shared.errors import BadInput
from marquee_shared.event import Event, read_event
from marquee_shared.interaction import Interaction, from_event
from marquee_shared.signals import SignalWeights
from marquee_shared.store import Store

COLUMNS = {
    "user": pa.string(),
    "event_id": pa.string(),
    "item": pa.string(),
    "kind": pa.int32(),
    "strength": pa.int32(),
    "at": pa.int64(),
    "simulated": pa.bool_(),
    **{field: pa.string() for field in FIELDS},
}
TABLE = (
    "user string, event_id string, item string, kind int, strength int, at bigint, "
    "simulated boolean, " + ", ".join(f"{field} string" for field in FIELDS)
)
MAX_COUNTRIES = 50  # the commonest; the others have no effect of their own
MIN_TEST_USERS = 200  # fewer give no verdict
TRAIN_SHARE = 0.8  # of the events, by time
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Row by row: the items that anybody said something of, and each context field's values."""

    items: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]


def read_events(spark: SparkSession, url: str, snapshot: Snapshot, blocks: int) -> DataFrame:
    """What the snapshot's events say of items: TABLE and the user's `block`, cached.

    Clicks and impressions are outcomes, not taste, and are left out; so is a message that cannot
    be read, which nearline dead-letters too.
    """
    names = spark.createDataFrame([(name,) for name in snapshot.objects], "name string")

    def rows(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        store = Store(url)
        for batch in batches:
            for name in batch.column("name").to_pylist():
                yield _read_object(store, name)

    said = names.repartition(spark.sparkContext.defaultParallelism).mapInArrow(rows, TABLE)
    block = F.pmod(F.hash("user"), F.lit(blocks)).cast("int")
    return said.withColumn("block", block).repartition(blocks, "block").cache()


def _read_object(store: Store, name: str) -> pa.RecordBatch:
    simulated = is_simulated(parse(name).source)
    rows = [row for key, value in messages(store, name) if (row := _row(key, value, simulated))]
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    arrays = [pa.array(c, kind) for c, kind in zip(columns, COLUMNS.values(), strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(COLUMNS))


def _row(key: bytes | None, value: bytes | None, simulated: bool) -> tuple[object, ...] | None:
    try:
        event = read_event(key, value)
    except BadInput:
        return None
    said = from_event(event)
    if said is None:
        return None
    return (event.user_id, event.event_id, event.item_id, *said, simulated, *_context(event))


def _context(event: Event) -> Iterator[str]:
    return (getattr(event.context, field) for field in FIELDS)


def vocabulary(events: DataFrame) -> Vocabulary:
    """The items in order of id, and the context values that occur. Raises BadInput for none."""
    names = ("item", *FIELDS)
    pairs = F.explode(
        F.array(*(F.struct(F.lit(n).alias("of"), F.col(n).alias("v")) for n in names))
    )
    told = events.select(pairs.alias("pair")).where(
        (F.col("pair.of") == "item") | (F.col("pair.v") != OTHER)  # an item may be called that
    )
    table = told.groupBy("pair.of", "pair.v").count().toArrow()
    found: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
    for of, value, n in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found[of].append((-n, value))
    items = tuple(sorted(value for _, value in found.pop("item")))
    if not items:
        raise BadInput("archive", "no event of the snapshot says anything of an item")
    fields = {field: _values(field, counted) for field, counted in found.items() if counted}
    return Vocabulary(items=items, fields=fields)


def _values(field: str, counted: list[tuple[int, str]]) -> tuple[str, ...]:
    present = {value for _, value in sorted(counted)[:MAX_COUNTRIES]}
    return tuple(value for value in VALUES.get(field, sorted(present)) if value in present)


def choose_cut(events: DataFrame) -> tuple[Cut, str]:
    """The evaluation's cut and its description.

    One moment for everybody where enough users have a history on both sides of it, so that no
    user's future is known to the model; else each user's own last events.
    """
    real = events.where(~F.col("simulated"))
    minutes = F.floor(F.col("at") / MINUTE_MS)  # few distinct values: an exact quantile at any size
    (minute,) = real.select(F.percentile(minutes, F.lit(TRAIN_SHARE))).first()
    if minute is not None:
        moment = int(minute) * MINUTE_MS
        sides = real.groupBy("user").agg(F.min("at").alias("first"), F.max("at").alias("last"))
        both = sides.where((F.col("first") <= moment) & (F.col("last") > moment)).count()
        if both >= MIN_TEST_USERS:
            words = f"split at the {TRAIN_SHARE:.0%} quantile of time, {both} users on both sides"
            return Cut(through=moment, share=TRAIN_SHARE), words
    return Cut(share=TRAIN_SHARE), (
        "split by each user's own last fifth by time, for too few users have a history on both "
        "sides of one moment: so what others did later is known to the model"
    )


def build_histories(
    events: DataFrame, vocabulary: Vocabulary, cut: Cut, signals: SignalWeights
) -> DataFrame:
    """The blocks of histories under a cut, cached where they are built."""
    words = events.sparkSession.sparkContext.broadcast(vocabulary)

    def block(key: tuple[pa.Scalar], table: pa.Table) -> pa.Table:
        users = split_users(table, words.value)
        n_fields = len(words.value.fields)
        histories = build(key[0].as_py(), users, n_fields, cut, signals)
        return pa.Table.from_batches([to_batch(histories)])

    make: Callable[..., pa.Table] = block
    return events.groupBy("block").applyInArrow(make, HISTORIES).cache()


def split_users(table: pa.Table, vocabulary: Vocabulary) -> Iterator[UserEvents]:
    """Each user's events in order of time; one event id of a user counts once."""
    ordered = table.sort_by([(name, "ascending") for name in ("user", "at", "event_id")])
    users = ordered.column("user").to_numpy()
    ids = ordered.column("event_id").to_numpy()
    again = np.concatenate([[False], (users[1:] == users[:-1]) & (ids[1:] == ids[:-1])])
    ordered = ordered.filter(pa.array(~again))
    users = users[~again]
    rows = pc.index_in(ordered.column("item"), pa.array(vocabulary.items)).to_pylist()
    columns = (ordered.column(name).to_pylist() for name in ("kind", "strength", "at"))
    said = [Interaction(*triple) for triple in zip(*columns, strict=True)]
    codes = _codes(ordered, vocabulary)
    simulated = ordered.column("simulated").to_numpy()
    borders = [0, *(np.flatnonzero(users[1:] != users[:-1]) + 1).tolist(), len(users)]
    for start, stop in pairwise(borders):
        yield UserEvents(
            user=str(users[start]),
            simulated=bool(simulated[start:stop].all()),
            rows=rows[start:stop],
            said=said[start:stop],
            codes=codes[start:stop],
        )


def _codes(table: pa.Table, vocabulary: Vocabulary) -> list[tuple[int, ...]]:
    columns = [
        pc.fill_null(pc.index_in(table.column(field), pa.array(values)), -1).to_pylist()
        for field, values in vocabulary.fields.items()
    ]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows
