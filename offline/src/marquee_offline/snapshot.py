"""Snapshot: the list of archive objects that one run reads, whatever arrives meanwhile."""

import hashlib
import io
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from marquee_shared.archive import (
    LAST,
    ArchiveObject,
    Kind,
    Snapshot,
    chains,
    parse,
    prefix,
    snapshot_key,
)
from marquee_shared.errors import BadInput
from marquee_shared.store import Store

READERS = 8  # footers read at once; they wait for the store, not for the processor


def pin(store: Store, *, now: datetime) -> Snapshot:
    """Write `snapshots/<id>.json` over all events there are now, every chain checked.

    Raises BadInput for a foreign name, a gap, an unreadable footer or an empty archive.
    """
    chained = chained_objects(store, "events")
    if not chained:
        raise BadInput("archive", "holds no events; import or collect some first")
    through: dict[str, dict[str, int]] = defaultdict(dict)
    for item, last in chained:
        through[item.source][str(item.partition)] = last
    names = tuple(item.name for item, _ in chained)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    snapshot = Snapshot(
        snapshot_id=f"{now:%Y%m%dt%H%M%S%fz}-{digest}",
        at=now.isoformat(),
        objects=names,
        through=dict(through),
    )
    store.create(snapshot_key(snapshot.snapshot_id), msgspec.json.encode(snapshot))
    return snapshot


def chained_objects(store: Store, kind: Kind) -> list[tuple[ArchiveObject, int]]:
    """The objects of a kind that count now, each with its last offset, in chain order.

    Raises BadInput for a foreign name, a gap or an unreadable footer.
    """
    objects = [parse(name) for name in store.list(prefix(kind))]
    with ThreadPoolExecutor(READERS) as pool:
        lasts = dict(zip(objects, pool.map(lambda o: _last(store, o), objects), strict=True))
    return list(chains(objects, lasts.__getitem__))


def _last(store: Store, item: ArchiveObject) -> int:
    try:
        metadata = pq.read_schema(io.BytesIO(store.get(item.name))).metadata or {}
        return int(metadata[LAST])
    except (pa.ArrowInvalid, KeyError, ValueError) as error:
        raise BadInput(item.name, "has no readable footer with its last offset") from error
