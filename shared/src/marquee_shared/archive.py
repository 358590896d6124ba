"""Archive: the names under which the log lies in the object store, and how a chain of them reads.

`<kind>/v1/<source>/p=<nn>/<first:020d>-g<generation>.parquet`. The name holds only the first
offset; the last is in the Parquet footer (key LAST), and the next object starts at last + 1. So
two archivers that race create the same name, and one wins. A higher generation (compaction,
erasure) hides what it covers.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import msgspec

from marquee_shared.errors import BadInput

Kind = Literal["events", "decisions"]

# One row per message, lossless: what the bytes mean is decided by who reads them.
COLUMNS = {
    "offset": "int64",  # dense within a partition
    "timestamp": "int64",  # the broker's, ms since epoch
    "key": "binary",  # the user id
    "value": "binary",  # the message, as it came
}
LAST = b"marquee.last_offset"  # footer metadata: decimal offset of the last row

_NAME = re.compile(
    r"(events|decisions)/v1/"
    r"(kafka-[A-Za-z0-9_-]{22}|import-[0-9a-f]{64}|simulated-[0-9]{1,10})/"
    r"p=([0-9]{2,5})/([0-9]{20})-g([0-9]{1,6})\.parquet"
)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ArchiveObject:
    """One object of the archive, by its name. Orders by source, partition, first offset."""

    kind: str
    source: str
    partition: int
    first: int
    generation: int = 0

    @property
    def name(self) -> str:
        folder = prefix(self.kind, self.source, self.partition)
        return f"{folder}{self.first:020d}-g{self.generation}.parquet"


def prefix(kind: str, source: str = "", partition: int | None = None) -> str:
    """The folder of a kind, of one source, or of one partition; ends in '/'."""
    parts = [kind, "v1", *([source] if source else [])]
    if partition is not None:
        parts.append(f"p={partition:02d}")
    return "/".join(parts) + "/"


def parse(name: str) -> ArchiveObject:
    """Raises BadInput for a name that is none of the archive's."""
    match = _NAME.fullmatch(name)
    if not match:
        raise BadInput(name, "is not the name of an archive object")
    kind, source, partition, first, generation = match.groups()
    parsed = ArchiveObject(
        kind=kind,
        source=source,
        partition=int(partition),
        first=int(first),
        generation=int(generation),
    )
    if parsed.name != name:  # p=007, g00: a second name for one object
        raise BadInput(name, "is not the name of an archive object")
    return parsed


def is_simulated(source: str) -> bool:
    """True for a synthetic history, which is labelled wherever it shows."""
    return source.startswith("simulated-")


def chains(
    objects: Iterable[ArchiveObject], last_of: Callable[[ArchiveObject], int]
) -> Iterator[tuple[ArchiveObject, int]]:
    """The objects that count and the last offset of each, by source, partition and offset.

    Per first offset the highest generation counts; an object that starts within what a higher
    generation covers does not. `last_of` reads an object's footer. Raises BadInput at a gap: a
    missing object is never skipped in silence.
    """
    ordered = sorted(objects)
    for (source, partition), chain in groupby(ordered, key=lambda o: (o.source, o.partition)):
        by_first = {o.first: o for o in chain}  # sorted: the highest generation comes last
        covered, following = -1, None
        for first, candidate in by_first.items():
            if first <= covered:
                continue
            if following is not None and first != following:
                raise BadInput(
                    f"archive {source} p={partition:02d}",
                    f"offsets {following} to {first - 1} are missing",
                )
            covered = last_of(candidate)
            following = covered + 1
            yield candidate, covered


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`snapshots/<id>.json`: the object list that one training run is pinned to."""

    v: Literal[1] = 1
    snapshot_id: str
    at: str  # ISO 8601, UTC
    objects: tuple[str, ...]  # names, in chain order
    through: dict[str, dict[str, int]]  # source -> partition -> last offset


def snapshot_key(snapshot_id: str) -> str:
    """Where a snapshot lies in the store."""
    return f"snapshots/{snapshot_id}.json"
