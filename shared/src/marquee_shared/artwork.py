"""Artwork: the images that a title may be shown with, what they tell of it, and where they fit."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from marquee_shared.context import Context
from marquee_shared.errors import BadArtifact
from marquee_shared.ids import ID_PATTERN, Id

MAX_DEFAULT_THEMES = 5  # of the images that a title without any is given; the neutral one comes on
NEUTRAL = "title"  # last part of the neutral image's id
WEB = r"^(https?://[^/\s\"'<>\\][^\s\"'<>\\]*)?(?!\n)$"  # a browser follows it, and nothing else
LOCALE = r"^([a-z]{2,3}-)?[A-Z]{2}(?!\n)$"  # DE, de-DE: told apart by country, see Context

Theme = Annotated[str, msgspec.Meta(pattern=r"\S")]
Url = Annotated[str, msgspec.Meta(pattern=WEB, max_length=2048)]
Locale = Annotated[str, msgspec.Meta(pattern=LOCALE)]

_SLUG = re.compile(r"[^a-z0-9]+")


class Artwork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One image of a title. Its index in the title's list is its identity in tokens and sums."""

    artwork_id: Id
    themes: tuple[Theme, ...]  # words of the space of `Item.genres` and `tags`; none: neutral
    url: Url = ""  # empty: drawn by GET /v1/artworks/{artwork_id}.svg
    locales: tuple[Locale, ...] = ()  # none: everywhere
    devices: tuple[str, ...] = ()  # none: on every device


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[Artwork, ...])


def encode_artworks(artworks: tuple[Artwork, ...]) -> bytes:
    """The JSON list of `Item.artworks`."""
    return _encoder.encode(artworks)


def decode_artworks(data: bytes) -> tuple[Artwork, ...]:
    """A title's images, in the order that names them. Raises BadArtifact."""
    try:
        artworks = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadArtifact("artworks: is not a list of artworks") from error
    if twice(artworks):
        raise BadArtifact("artworks: an id stands twice")
    return artworks


def twice(artworks: Sequence[Artwork]) -> bool:
    """Does an id stand twice?"""
    return len({artwork.artwork_id for artwork in artworks}) < len(artworks)


def default_artworks(item_id: str, genres: Sequence[str]) -> tuple[Artwork, ...]:
    """The images of a title whose catalogue brings none: one per genre, and a neutral one.

    `ml-1704` with Romance has `ml-1704.romance` and `ml-1704.title`; all are drawn.
    """
    names = {NEUTRAL}
    artworks = []
    for genre in _distinct(genres):
        name = _slug(genre)
        name = _hashed(genre) if not name or name in names else name
        names.add(name)
        artworks.append(Artwork(artwork_id=_id(item_id, name), themes=(genre,)))
    return (*artworks, Artwork(artwork_id=_id(item_id, NEUTRAL), themes=()))


def fits(artwork: Artwork, context: Context) -> bool:
    """May the image be shown there? One that names devices or locales only where one is known."""
    countries = {locale[-2:] for locale in artwork.locales}
    return (not artwork.devices or context.device in artwork.devices) and (
        not countries or context.country in countries
    )


def _distinct(genres: Sequence[str]) -> Iterator[str]:
    found = dict.fromkeys(genre.strip() for genre in genres)
    return iter([genre for genre in found if genre][:MAX_DEFAULT_THEMES])


def _slug(genre: str) -> str:
    return _SLUG.sub("-", genre.lower()).strip("-")


def _id(item_id: str, name: str) -> str:
    """`<item>.<name>`, or with a hash for a part that would make it too long for an id."""
    whole = f"{item_id}.{name}"
    if re.fullmatch(ID_PATTERN, whole):
        return whole
    return f"{_hashed(item_id)}.{name if len(name) <= 64 else _hashed(name)}"


def _hashed(word: str) -> str:
    """16 hex digits: the name of what has no slug, or one that another genre has."""
    return hashlib.blake2b(word.encode(), digest_size=8).hexdigest()
