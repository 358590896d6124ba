"""Archive log: the platform's own log of artwork choices, as arrays for off-policy evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from marquee_offline.catalogue import item_table
from marquee_offline.impressions import Counts, read_impressions
from marquee_offline.ope.logged import Log
from marquee_offline.snapshot import chained_objects
from marquee_shared.archive import Kind, is_simulated
from marquee_shared.artwork import decode_artworks
from marquee_shared.context import Context
from marquee_shared.errors import BadInput
from marquee_shared.fold_in import F64
from marquee_shared.ids import item_hash
from marquee_shared.model import I64, Item
from marquee_shared.store import Store
from marquee_shared.sums import Reward
from marquee_shared.taste import (
    BUCKETS,
    USER_FEATURES,
    image_features,
    image_key,
    theme_vector,
    user_features,
)

MAX_ROWS = 200_000  # of a sample of users beyond: the intervals are narrow enough
_SLOTS = 1_000  # that users are hashed into for the sample
_COLUMNS = (
    "user_id",
    "item_id",
    "device",
    "daypart",
    "candidates",
    "artwork",
    "propensity",
    "taste",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLog:
    """The log, what the join left out, and the sources that it comes from."""

    log: Log
    counts: Counts
    sources: tuple[str, ...]


def read_archive_log(spark: SparkSession, store: Store, reward: Reward) -> ArchiveLog:
    """Every impression of the archive whose window is over, of all users or a sample of them.

    Where real decisions were archived, simulated sources are left out. Raises BadInput where there
    are no decisions, or none whose artwork was seen. A click whose end was not told has no quality.
    """
    kinds: tuple[Kind, ...] = ("decisions", "events")  # events last: they reach further
    found = [[item for item, _ in chained_objects(store, kind)] for kind in kinds]
    if not all(found):
        raise BadInput("archive", "holds no decisions or no events; nothing was logged to judge by")
    if any(not is_simulated(item.source) for item in found[0]):
        found = [[item for item in own if not is_simulated(item.source)] for own in found]
    decisions, events = ([item.name for item in own] for own in found)
    rows, counts = read_impressions(spark, store.url, decisions, events)
    known = counts.impressions - (counts.unended if reward == "quality" else 0)
    if not known:
        raise BadInput(
            "archive", f"no artwork was seen whose window is over; {counts.open} windows are open"
        )
    table = _sample(rows, known, reward)
    sources = tuple(sorted({item.source for item in found[0]}))
    described = {item.source for own in found for item in own}
    items = item_table(store, described, sorted(set(table.column("item_id").to_pylist())))
    return ArchiveLog(log=to_log(table, items), counts=counts, sources=sources)


def to_log(table: pa.Table, items: Sequence[Item]) -> Log:
    """Rows as `_sample` brings them. Raises BadArtifact for artworks that cannot be read."""
    column = {name: table.column(name).to_pylist() for name in table.column_names}
    user = np.unique(column["user_id"], return_inverse=True)[1]
    sizes = np.array([len(own) for own in column["candidates"]], np.int64)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    who = np.array(
        [
            _user(*one)
            for one in zip(column["taste"], column["device"], column["daypart"], strict=True)
        ]
    )
    images, themes = _images(column["item_id"], column["candidates"], items)
    return Log(
        user=user.astype(np.int64),
        reward=np.array(column["reward"], np.float64),
        propensity=np.array(column["propensity"], np.float64),
        starts=starts,
        shown=starts[:-1] + np.array(column["artwork"], np.int64),
        features=image_features(np.repeat(who, sizes, axis=0), themes),
        images=images,
    )


def _sample(rows: DataFrame, n: int, reward: Reward) -> pa.Table:
    """The closed rows whose reward is known, in an order that does not depend on luck."""
    slots = max(1, int(_SLOTS * min(1.0, MAX_ROWS / n)))
    closed = rows.where("closed").where(F.col(reward).isNotNull())
    told = closed.where(F.pmod(F.xxhash64("user_id"), F.lit(_SLOTS)) < slots)
    ordered = told.orderBy("user_id", "at", "decision_id", "row", "position")
    return ordered.select(*_COLUMNS, F.col(reward).alias("reward")).toArrow()


def _user(taste: Sequence[float], device: str, daypart: str) -> F64:
    """The decision's features; of one that has none or others, the context alone."""
    told = np.array(taste, np.float64)
    if len(told) == USER_FEATURES:
        return told
    return user_features(np.zeros(BUCKETS), Context(device=device, daypart=daypart))


def _images(
    of: Sequence[str], candidates: Sequence[Sequence[str]], items: Sequence[Item]
) -> tuple[I64, F64]:
    """Keys `(m,)` and themes `(m, BUCKETS)`. An image that the catalogue has not has no themes,
    and a number beyond those it has."""
    known: dict[str, Mapping[str, tuple[int, F64]]] = {
        item.item_id: {
            artwork.artwork_id: (index, theme_vector(artwork.themes))
            for index, artwork in enumerate(decode_artworks(item.artworks))
        }
        for item in items
    }
    keys, themes, nothing = [], [], np.zeros(BUCKETS)
    for item, own in zip(of, candidates, strict=True):
        artworks, number = known.get(item, {}), item_hash(item)
        for place, artwork in enumerate(own):
            index, vector = artworks.get(artwork, (len(artworks) + place, nothing))
            keys.append(image_key(number, min(index, 255)))
            themes.append(vector)
    return np.array(keys, np.int64), np.array(themes)
