"""What a catalogue may say of an item's images, and what a model is told of them."""

import msgspec
import pytest
from models import file_store

from marquee_offline.catalogue import (
    Catalogue,
    Entry,
    item_table,
    read_catalogue,
    write_catalogue,
)
from marquee_shared.artwork import Artwork, decode_artworks
from marquee_shared.errors import BadInput

IMAGE = {"artwork_id": "i.a", "themes": ["Romance"], "url": "https://img.example/a.jpg"}


@pytest.fixture
def folder_store(tmp_path):
    return file_store(tmp_path / "store")


def put(store, digest, *items):
    """A catalogue as somebody else's program writes it."""
    body = {"v": 1, "items": [{"title": "T", **item} for item in items]}
    store.create(f"catalogues/{digest}.json", msgspec.json.encode(body))


def test_item_keeps_the_images_its_catalogue_brings(folder_store):
    put(folder_store, "d", {"item_id": "i", "genres": ["Drama"], "artworks": [IMAGE]})
    (item,) = item_table(folder_store, ["import-d"], ["i"])
    assert decode_artworks(item.artworks) == (
        Artwork(artwork_id="i.a", themes=("Romance",), url="https://img.example/a.jpg"),
    )


def test_item_without_images_gets_one_per_genre_and_a_neutral_one(folder_store):
    put(folder_store, "d", {"item_id": "i", "genres": ["Drama", "Sci-Fi"]})
    described, unknown = item_table(folder_store, ["import-d"], ["i", "j"])
    assert [a.artwork_id for a in decode_artworks(described.artworks)] == [
        "i.drama",
        "i.sci-fi",
        "i.title",
    ]
    assert [a.artwork_id for a in decode_artworks(unknown.artworks)] == ["j.title"]


def test_catalogue_without_images_is_written_as_before(folder_store):
    entries = [Entry(item_id="i", title="T", year=1990, genres=("Drama",))]
    write_catalogue(folder_store, "d", entries)
    assert folder_store.get("catalogues/d.json") == (
        b'{"v":1,"items":[{"item_id":"i","title":"T","year":1990,"genres":["Drama"]}]}'
    )
    assert read_catalogue(folder_store, "import-d") == tuple(entries)


def test_images_survive_being_written_and_read(folder_store):
    image = Artwork(artwork_id="a", themes=("War",), locales=("de-DE",), devices=("tv",))
    entry = Entry(item_id="i", title="T", artworks=(image,))
    write_catalogue(folder_store, "d", [entry])
    assert read_catalogue(folder_store, "import-d") == Catalogue(items=(entry,)).items


@pytest.mark.parametrize(
    ("images", "place"),
    [
        ([IMAGE, IMAGE], r"items\[1\]\.artworks: .*twice"),
        ([{**IMAGE, "artwork_id": "a b"}], r"\$\.items\[1\]\.artworks\[0\]\.artwork_id"),
        ([IMAGE, {**IMAGE, "url": "javascript:x"}], r"\$\.items\[1\]\.artworks\[1\]\.url"),
        ([{**IMAGE, "url": "ftp://h/a"}], "url"),
        ([{**IMAGE, "themes": [""]}], r"themes\[0\]"),
        ([{**IMAGE, "themes": [" "]}], r"themes\[0\]"),
        ([{"artwork_id": "a"}], "themes"),
        ([{**IMAGE, "devices": ["tv", "fridge"]}], r"artworks\[0\]\.devices: expected some of tv"),
        ([{**IMAGE, "locales": ["german"]}], r"locales\[0\]"),
        ({}, "artworks"),
    ],
)
def test_wrong_image_is_refused_and_its_place_named(folder_store, images, place):
    put(folder_store, "d", {"item_id": "h"}, {"item_id": "i", "artworks": images})
    with pytest.raises(BadInput, match=rf"catalogues/d\.json.*{place}"):
        item_table(folder_store, ["import-d"], ["i"])


def test_two_items_that_name_an_image_alike_are_refused(folder_store):
    put(folder_store, "d", {"item_id": "h", "artworks": [IMAGE]})
    put(folder_store, "e", {"item_id": "i", "artworks": [IMAGE]})
    with pytest.raises(BadInput, match=r"i\.a: h and i have an artwork of one id"):
        item_table(folder_store, ["import-d", "import-e"], ["h", "i"])
