"""Histories: a block of users with all that a fit and its evaluation need of them, as arrays.

Users are hashed into blocks. A block is one row of a DataFrame, its arrays as bytes; it stays on
the executor that holds it, and so do its users' vectors.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from marquee_shared.fold_in import F32, F64, Objective, fold_in
from marquee_shared.interaction import Interaction, join
from marquee_shared.model import I64
from marquee_shared.signals import SignalWeights, weigh
from marquee_shared.user_state import MAX_ITEMS

I8 = NDArray[np.int8]
PARTS = ("known", "occasions", "held")
ARRAYS = {"starts": "<i8", "rows": "<i8", "weights": "<f8", "codes": "|i1"}
SCHEMA = "block int, users array<string>, simulated binary, " + ", ".join(
    f"{part}_{name} binary" for part in PARTS for name in ARRAYS
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """Some entries per user: those of user u lie at `starts[u]:starts[u + 1]`."""

    starts: I64  # (n_users + 1,)
    rows: I64  # (n,) item rows
    weights: F64  # (n,) signed
    codes: I8  # (n, n_fields) context values, -1 where `other`; no fields in `known`

    def of(self, user: int) -> tuple[I64, F64, I8]:
        """Rows, weights and codes of one user."""
        own = slice(self.starts[user], self.starts[user + 1])
        return self.rows[own], self.weights[own], self.codes[own]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """One block."""

    block: int
    users: tuple[str, ...]
    simulated: NDArray[np.bool_]  # (n_users,) seen in synthetic sources only
    known: Ragged  # one entry per item, by row; the newest MAX_ITEMS, as in the user's state
    occasions: Ragged  # positives of `known` by distinct context, where any is told
    held: Ragged  # what the cut kept back: items not yet known, by distinct context

    def vectors(self, factors: F32, item_gram: F64, objective: Objective) -> F32:
        """The exact user half-step `(n_users, d)`."""
        vectors = np.zeros((len(self.users), factors.shape[1]), np.float32)
        for user in range(len(self.users)):
            rows, weights, _ = self.known.of(user)
            vectors[user] = fold_in(factors, item_gram, rows, weights, objective)
        return vectors


def in_sample(user: str, share: float) -> bool:
    """True for the same `share` of users every time."""
    return share >= 1 or zlib.crc32(user.encode()) < share * 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which of a user's events a fit may know: those up to `through` (ms), or where that is None,
    and for synthetic users always, the first `share` by time."""

    through: int | None = None
    share: float = 1.0

    def count(self, at: I64, simulated: bool) -> int:
        """How many of these times, in order, lie before the cut."""
        if self.share == 1:
            return len(at)
        if self.through is None or simulated:
            return int(np.ceil(self.share * len(at)))
        return int(np.searchsorted(at, self.through, side="right"))


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEvents:
    """One user's events in order of time, each with its item row and context codes."""

    user: str
    simulated: bool
    rows: list[int]
    said: list[Interaction]
    codes: list[tuple[int, ...]]


Entries = list[tuple[int, float, tuple[int, ...]]]


def build(
    block: int, users: Iterable[UserEvents], n_fields: int, cut: Cut, signals: SignalWeights
) -> Histories:
    """One block from its users' events, in the order they come."""
    names, simulated = [], []
    parts: dict[str, list[Entries]] = {part: [] for part in PARTS}
    for events in users:
        names.append(events.user)
        simulated.append(events.simulated)
        for part, entries in zip(PARTS, _divide(events, cut, signals), strict=True):
            parts[part].append(entries)
    widths = {"known": 0, "occasions": n_fields, "held": n_fields}
    ragged = {part: _ragged(entries, widths[part]) for part, entries in parts.items()}
    flags = np.array(simulated, np.bool_)
    return Histories(block=block, users=tuple(names), simulated=flags, **ragged)


def _divide(events: UserEvents, cut: Cut, signals: SignalWeights) -> tuple[Entries, ...]:
    at = np.array([said.at for said in events.said], np.int64)
    n = cut.count(at, events.simulated)
    before, after = range(n), range(n, len(at))
    known = _weights(events, before, signals)
    ever = {events.rows[i] for i in before}
    # What a user liked later is liked in full, whatever its age.
    held = _weights(events, after, msgspec.structs.replace(signals, half_life_days=0.0))
    fresh = {row: weight for row, weight in held.items() if row not in ever}
    return (
        [(row, weight, ()) for row, weight in sorted(known.items())],
        [entry for entry in _by_context(events, before, known) if max(entry[2], default=-1) >= 0],
        _by_context(events, after, fresh),
    )


def _weights(events: UserEvents, among: range, signals: SignalWeights) -> dict[int, float]:
    joined: dict[int, Interaction] = {}
    for i in among:
        row, said = events.rows[i], events.said[i]
        joined[row] = join(joined[row], said) if row in joined else said
    kept = sorted(joined.items(), key=lambda pair: (pair[1].at, pair[0]))[-MAX_ITEMS:]
    weights = weigh([said for _, said in kept], signals).tolist()
    return {row: weight for (row, _), weight in zip(kept, weights, strict=True) if weight}


def _by_context(events: UserEvents, among: range, weights: dict[int, float]) -> Entries:
    """Each positive item once per distinct context, so that play and stop count as one viewing."""
    distinct = {(events.rows[i], events.codes[i]) for i in among}
    return [
        (row, weights[row], codes) for row, codes in sorted(distinct) if weights.get(row, 0) > 0
    ]


def _ragged(users: list[Entries], n_fields: int) -> Ragged:
    starts = np.zeros(len(users) + 1, np.int64)
    np.cumsum([len(entries) for entries in users], out=starts[1:])
    flat = [entry for entries in users for entry in entries]
    return Ragged(
        starts=starts,
        rows=np.array([row for row, _, _ in flat], np.int64),
        weights=np.array([weight for _, weight, _ in flat], np.float64),
        codes=np.array([codes for _, _, codes in flat], np.int8).reshape(len(flat), n_fields),
    )


# --- a block as a row ------------------------------------------------------------------------


def to_batch(histories: Histories) -> pa.RecordBatch:
    """One row of SCHEMA."""
    columns = {
        "block": pa.array([histories.block], pa.int32()),
        "users": pa.array([list(histories.users)], pa.list_(pa.string())),
        "simulated": _bytes(histories.simulated),
    }
    for part in PARTS:
        ragged = getattr(histories, part)
        for name, dtype in ARRAYS.items():
            columns[f"{part}_{name}"] = _bytes(getattr(ragged, name).astype(dtype))
    return pa.RecordBatch.from_pydict(columns)


def from_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[Histories]:
    """The blocks of these rows, arrays as read-only views."""
    for batch in batches:
        for row in batch.to_pylist():
            yield Histories(
                block=row["block"],
                users=tuple(row["users"]),
                simulated=np.frombuffer(row["simulated"], np.bool_),
                **{part: _ragged_of(row, part) for part in PARTS},
            )


def _bytes(array: NDArray[np.generic]) -> pa.Array:
    return pa.array([array.tobytes()], pa.binary())


def _ragged_of(row: dict[str, bytes], part: str) -> Ragged:
    arrays = {
        name: np.frombuffer(row[f"{part}_{name}"], dtype)
        for name, dtype in ARRAYS.items()
        if name != "codes"
    }
    n = len(arrays["rows"])
    codes = np.frombuffer(row[f"{part}_codes"], np.int8)
    return Ragged(**arrays, codes=codes.reshape(n, len(codes) // n if n else 0))
