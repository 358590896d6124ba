"""Images: a model's artworks, found by item and index, their themes as vectors."""

import numpy as np

from marquee_shared.artwork import Artwork, decode_artworks
from marquee_shared.errors import BadArtifact
from marquee_shared.fold_in import F64
from marquee_shared.ids import LOW
from marquee_shared.model import Model
from marquee_shared.taste import BUCKETS, image_key, theme_vector


class Images:
    """Decoded as they are asked for, and kept for as long as the model serves."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._row_of = {item & LOW: row for item, row in model.row_of_hash.items()}
        self._known: dict[int, tuple[tuple[Artwork, ...], F64]] = {}
        self._about: dict[int, F64] = {}

    def of(self, row: int) -> tuple[tuple[Artwork, ...], F64]:
        """The artworks of an item's row, and their themes `(n, BUCKETS)`; none where the list
        cannot be read: a title without images is still a title."""
        known = self._known.get(row)
        if known is None:
            artworks = _read(self.model.items[row].artworks)
            vectors = [theme_vector(artwork.themes) for artwork in artworks]
            known = artworks, np.array(vectors).reshape(len(vectors), BUCKETS)
            self._known[row] = known
        return known

    def themes(self, item: int, artwork: int) -> F64 | None:
        """The themes `(BUCKETS,)` of an image by the low bits of its item's hash, or None where
        this model does not know it."""
        row = self._row_of.get(item)
        if row is None:
            return None
        vectors = self.of(row)[1]
        return vectors[artwork] if artwork < len(vectors) else None

    def keys(self, item: int) -> list[int]:
        """The keys of all images of a title, by the low bits of its item's hash."""
        row = self._row_of.get(item)
        return [] if row is None else [image_key(item, n) for n in range(len(self.of(row)[0]))]

    def item_themes(self, row: int) -> F64:
        """What an item is about `(BUCKETS,)`: its genres and tags."""
        about = self._about.get(row)
        if about is None:
            item = self.model.items[row]
            about = self._about[row] = theme_vector((*item.genres, *item.tags))
        return about


def _read(listed: bytes) -> tuple[Artwork, ...]:
    try:
        return decode_artworks(listed)
    except BadArtifact:
        return ()


class ImagesOf:
    """The images of the model that serves, decoded once per model."""

    def __init__(self) -> None:
        self._last: Images | None = None

    def __call__(self, model: Model) -> Images:
        if self._last is None or self._last.model is not model:
            self._last = Images(model)
        return self._last
