import io
from datetime import timedelta

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tastes import NOW, rating

from marquee_offline.archive_write import SCHEMA, write_source
from marquee_offline.snapshot import pin
from marquee_offline.train import load
from marquee_shared.archive import LAST, Snapshot, snapshot_key
from marquee_shared.errors import BadInput
from marquee_shared.event import encode_event
from marquee_shared.store import Store


def test_objects_that_arrive_later_do_not_change_a_snapshot(
    spark: SparkSession, store: Store
) -> None:
    write_source(store, "simulated-1", [rating("u1", "a", 5), rating("u2", "b", 4)])
    snapshot = pin(store, now=NOW)
    write_source(store, "simulated-2", [rating("u3", "c", 5)])
    kept = msgspec.json.decode(store.get(snapshot_key(snapshot.snapshot_id)), type=Snapshot)
    assert kept == snapshot
    assert load(spark, store, kept, 2).vocabulary.items == ("a", "b")
    later = pin(store, now=NOW + timedelta(seconds=1))
    assert load(spark, store, later, 2).vocabulary.items == ("a", "b", "c")


def test_snapshot_names_the_last_offset_of_each_partition(store: Store) -> None:
    write_source(store, "simulated-1", [rating("u1", f"i{n}", 5, n) for n in range(7)])
    (partitions,) = pin(store, now=NOW).through.values()
    assert list(partitions.values()) == [6]


def test_missing_object_in_a_chain_is_refused(store: Store) -> None:
    events = [rating("u1", f"i{n}", 5, n) for n in range(6)]
    write_source(store, "simulated-1", events, rows_per_object=2)
    store.delete(store.list("events/")[1])
    with pytest.raises(BadInput, match="offsets 2 to 3 are missing"):
        pin(store, now=NOW)


def test_object_without_its_footer_is_refused(store: Store) -> None:
    store.create(f"events/v1/simulated-1/p=00/{0:020d}-g0.parquet", b"not Parquet")
    with pytest.raises(BadInput, match="no readable footer"):
        pin(store, now=NOW)


def test_empty_archive_is_refused(store: Store) -> None:
    with pytest.raises(BadInput, match="holds no events"):
        pin(store, now=NOW)


def test_item_called_other_is_an_item_and_a_message_under_another_key_says_nothing(
    spark: SparkSession, store: Store
) -> None:
    write_source(store, "simulated-1", [rating("u1", "other", 5), rating("u1", "a", 4)])
    table = pa.table(
        {
            "offset": [0],
            "timestamp": [0],
            "key": [b"u2"],
            "value": [encode_event(rating("u1", "under-another-key", 5))],
        },
        schema=SCHEMA.with_metadata({LAST: "0"}),
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    store.create(f"events/v1/simulated-2/p=00/{0:020d}-g0.parquet", target.getvalue())
    assert load(spark, store, pin(store, now=NOW), 2).vocabulary.items == ("a", "other")
