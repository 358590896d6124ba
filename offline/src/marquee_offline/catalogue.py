"""Catalogue: what is known of items beside what users did with them.

`catalogues/<sha256>.json`, create-only, under the digest that also names the import source.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from marquee_shared.errors import AlreadyExists, BadInput, NotFound
from marquee_shared.ids import Id
from marquee_shared.model import Item
from marquee_shared.store import Store

SOURCE = "import-"  # the sources that bring a catalogue


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item as it is catalogued."""

    item_id: Id
    title: str
    year: int = 0  # 0: unknown
    genres: tuple[str, ...] = ()


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Entries in order of how often the import rated them, most often first."""

    v: Literal[1] = 1
    items: tuple[Entry, ...]


def write_catalogue(store: Store, digest: str, items: Iterable[Entry]) -> None:
    """Store a catalogue once; the digest stands for its contents."""
    try:
        store.create(_key(digest), msgspec.json.encode(Catalogue(items=tuple(items))))
    except AlreadyExists:
        return


def read_catalogue(store: Store, source: str) -> tuple[Entry, ...]:
    """The entries that came with a source; none for a source without. Raises BadInput."""
    if not source.startswith(SOURCE):
        return ()
    key = _key(source.removeprefix(SOURCE))
    try:
        return msgspec.json.decode(store.get(key), type=Catalogue).items
    except NotFound:
        return ()
    except msgspec.DecodeError as error:
        raise BadInput(key, str(error)) from error


def item_table(store: Store, sources: Iterable[str], item_ids: Iterable[str]) -> list[Item]:
    """The items by id, described by the catalogues of these sources, the last one's words counting.

    An item without an entry is shown under its id.
    """
    known = {e.item_id: e for source in sorted(sources) for e in read_catalogue(store, source)}
    found = (known.get(item, Entry(item_id=item, title=item)) for item in item_ids)
    return [Item(item_id=e.item_id, title=e.title, year=e.year, genres=e.genres) for e in found]


def _key(digest: str) -> str:
    return f"catalogues/{digest}.json"
