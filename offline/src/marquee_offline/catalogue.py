"""Catalogue: what is known of items beside what users did with them.

`catalogues/<sha256>.json`, create-only, under the digest that also names the import source.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from marquee_shared.artwork import Artwork, default_artworks, encode_artworks, twice
from marquee_shared.context import VALUES
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
    artworks: tuple[Artwork, ...] = ()  # none: drawn ones, see `default_artworks`


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
        items = msgspec.json.decode(store.get(key), type=Catalogue).items
    except NotFound:
        return ()
    except msgspec.DecodeError as error:
        raise BadInput(key, str(error)) from error
    for place, item in enumerate(items):
        _check(item.artworks, f"{key} at $.items[{place}].artworks")
    return items


def item_table(store: Store, sources: Iterable[str], item_ids: Iterable[str]) -> list[Item]:
    """The items by id, described by the catalogues of these sources, the last one's words counting.

    An item without an entry is shown under its id. Raises BadInput when two items name an image
    alike.
    """
    known = {e.item_id: e for source in sorted(sources) for e in read_catalogue(store, source)}
    found = (known.get(item, Entry(item_id=item, title=item)) for item in item_ids)
    return _once([(entry, _artworks(entry)) for entry in found])


def _once(entries: list[tuple[Entry, tuple[Artwork, ...]]]) -> list[Item]:
    """The items, once it is sure that an image's id leads to one of them."""
    owner: dict[str, str] = {}
    for entry, artworks in entries:
        for artwork in artworks:
            other = owner.setdefault(artwork.artwork_id, entry.item_id)
            if other != entry.item_id:
                reason = f"{other} and {entry.item_id} have an artwork of one id; rename one"
                raise BadInput(f"catalogue artwork {artwork.artwork_id}", reason)
    return [
        Item(
            item_id=entry.item_id,
            title=entry.title,
            year=entry.year,
            genres=entry.genres,
            artworks=encode_artworks(artworks),
        )
        for entry, artworks in entries
    ]


def _artworks(entry: Entry) -> tuple[Artwork, ...]:
    return entry.artworks or default_artworks(entry.item_id, entry.genres)


def _check(artworks: tuple[Artwork, ...], where: str) -> None:
    if twice(artworks):
        raise BadInput(where, "an artwork_id stands twice")
    for place, artwork in enumerate(artworks):
        if not set(artwork.devices) <= set(VALUES["device"]):
            known = ", ".join(VALUES["device"])
            raise BadInput(f"{where}[{place}].devices", f"expected some of {known}")


def _key(digest: str) -> str:
    return f"catalogues/{digest}.json"
