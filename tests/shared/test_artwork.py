"""Which images a title has, how they are named, and where they may be shown."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.artwork import (
    Artwork,
    decode_artworks,
    default_artworks,
    encode_artworks,
    fits,
)
from marquee_shared.context import Context
from marquee_shared.errors import BadArtifact
from marquee_shared.ids import ID_PATTERN

item_ids = st.from_regex(re.compile(r"[A-Za-z0-9_.:-]{1,128}", re.ASCII), fullmatch=True)


def ids(artworks):
    return [artwork.artwork_id for artwork in artworks]


def test_title_without_images_has_one_per_genre_and_a_neutral_one():
    artworks = default_artworks("ml-1704", ("Drama", "Romance"))
    assert ids(artworks) == ["ml-1704.drama", "ml-1704.romance", "ml-1704.title"]
    assert [artwork.themes for artwork in artworks] == [("Drama",), ("Romance",), ()]
    assert not any(artwork.url for artwork in artworks)


def test_title_without_genres_has_the_neutral_image():
    assert ids(default_artworks("i", ())) == ["i.title"]


def test_only_the_first_five_genres_have_an_image():
    assert ids(default_artworks("i", tuple("abcdefg"))) == [
        *(f"i.{name}" for name in "abcde"),
        "i.title",
    ]


def test_genres_of_one_slug_and_without_a_slug_keep_ids_of_their_own():
    artworks = default_artworks("i", ("Sci-Fi", "sci fi", "Комедия", "Title", "Sci-Fi"))
    assert [artwork.themes for artwork in artworks] == [
        ("Sci-Fi",), ("sci fi",), ("Комедия",), ("Title",), (),
    ]  # fmt: skip
    assert len(set(ids(artworks))) == 5
    assert artworks[0].artwork_id == "i.sci-fi"


@given(item_ids, st.lists(st.text()))
def test_default_images_can_be_read_back_whatever_the_genres(item_id, genres):
    artworks = default_artworks(item_id, genres)
    assert decode_artworks(encode_artworks(artworks)) == artworks
    assert all(re.fullmatch(ID_PATTERN, found) for found in ids(artworks))


@given(st.lists(item_ids, unique=True, max_size=8), st.lists(st.text(), max_size=8))
def test_default_images_of_two_titles_never_share_an_id(titles, genres):
    found = [name for item in titles for name in ids(default_artworks(item, genres))]
    assert len(set(found)) == len(found)


def test_default_order_never_depends_on_what_comes_later():
    few, many = default_artworks("i", ("a", "b")), default_artworks("i", ("a", "b", "c"))
    assert few[:2] == many[:2]


def test_own_images_are_encoded_without_what_they_leave_open():
    own = (
        Artwork(artwork_id="a", themes=("Romance",), url="https://img.example/a.jpg"),
        Artwork(artwork_id="b", themes=(), locales=("de-DE", "AT"), devices=("tv",)),
    )
    assert decode_artworks(encode_artworks(own)) == own
    assert msgspec.json.decode(encode_artworks(own[:1])) == [
        {"artwork_id": "a", "themes": ["Romance"], "url": "https://img.example/a.jpg"}
    ]


def test_reader_ignores_fields_that_a_later_writer_adds():
    data = b'[{"artwork_id":"a","themes":[],"focus":[0.5,0.2]}]'
    assert ids(decode_artworks(data)) == ["a"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"[",
        b"\xff",
        b"[" * 100_000,
        b'[{"themes":[]}]',
        b'[{"artwork_id":"a"}]',
        b'[{"artwork_id":"a/b","themes":[]}]',
        b'[{"artwork_id":"a","themes":[""]}]',
        b'[{"artwork_id":"a","themes":[" "]}]',
        b'[{"artwork_id":"a","themes":"Romance"}]',
        b'[{"artwork_id":"a","themes":[]},{"artwork_id":"a","themes":[]}]',
        b'[{"artwork_id":"a","themes":[],"locales":["de"]}]',
        b'[{"artwork_id":"a","themes":[],"locales":["DE\\n"]}]',
    ],
)
def test_what_is_no_list_of_artworks_is_refused(data):
    with pytest.raises(BadArtifact):
        decode_artworks(data)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:image/svg+xml,x",
        "//host/a.jpg",
        "/a.jpg",
        "a.jpg",
        "http://",
        "https:///a",
        "https://a b",
        "https://a\"onerror='x",
        "https://a\n",
        " https://a",
        "https://a/" + "x" * 2048,
    ],
)
def test_address_that_is_not_of_the_web_is_refused(url):
    data = msgspec.json.encode([{"artwork_id": "a", "themes": [], "url": url}])
    with pytest.raises(BadArtifact):
        decode_artworks(data)


def test_image_without_wishes_fits_everywhere():
    free = Artwork(artwork_id="a", themes=())
    assert fits(free, Context())
    assert fits(free, Context(device="tv", country="DE"))


def test_image_for_devices_and_locales_fits_only_there():
    bound = Artwork(artwork_id="a", themes=(), devices=("tv", "web"), locales=("de-DE", "AT"))
    assert fits(bound, Context(device="tv", country="DE"))
    assert fits(bound, Context(device="web", country="AT"))
    assert not fits(bound, Context(device="phone", country="DE"))
    assert not fits(bound, Context(device="tv", country="US"))
    assert not fits(bound, Context(device="tv"))
    assert not fits(bound, Context(country="DE"))
