"""Decisions as an archive source, for what reads them without a Kafka."""

import io
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.parquet as pq

from marquee_offline.archive_write import SCHEMA
from marquee_shared.archive import LAST, ArchiveObject
from marquee_shared.decision import Decision, encode_decision
from marquee_shared.store import Store


def write_decisions(
    store: Store, decisions: Iterable[Decision], source: str = "simulated-1"
) -> list[str]:
    """All decisions as one object of partition 0; the names written."""
    rows = list(decisions)
    last = len(rows) - 1
    table = pa.table(
        {
            "offset": range(len(rows)),
            "timestamp": [decision.at for decision in rows],
            "key": [(decision.user_id or decision.decision_id).encode() for decision in rows],
            "value": [encode_decision(decision) for decision in rows],
        },
        schema=SCHEMA.with_metadata({LAST: str(last)}),
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    named = ArchiveObject(kind="decisions", source=source, partition=0, first=0)
    store.create(named.name, target.getvalue())
    return [named.name]
