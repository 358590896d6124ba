"""Posters: well-formed, small, alike for one id, told apart by theme, whatever the title is."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_online.draw import MAX_LINES, as_said, draw, fit, width_of
from marquee_online.poster.themes import THEMES, theme_of

MAX_BYTES = 6_000
SVG = "{http://www.w3.org/2000/svg}"
GENRES = [
    *("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "IMAX", "Musical", "Mystery", "Romance", "Sci-Fi"),
    *("Thriller", "War", "Western"),
]
WEIRD = [
    "",
    " ",
    "</title><script>alert(1)</script>",
    "\"><image href='http://host/a.png'/>",
    'Tom & Jerry\'s "<Best>" &amp; ]]> <!-- -->',
    "\x00\x07\x1b\x7f\ufffe\uffff nul",
    "\ud800",
    "a\nb\tc\u2028d",
    "千と千尋の神隠し",
    "Все о моей матери, или Как я перестал бояться",
    "ألف ليلة وليلة",
    "e\u0301\u0302\u0303" * 200,
    "👩\u200d👩\u200d👧\u200d👦" * 20,
    "W" * 5000,
    "word " * 1000,
    "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb",
    ", The",
    "()",
    "%s {0} ${x}",
]


def checked(svg):
    """The root of a poster that a browser may show without a second thought."""
    root = ET.fromstring(svg)
    assert root.tag == SVG + "svg"
    assert root.get("role") == "img"
    assert root.find(SVG + "title") is not None
    assert len(svg) < MAX_BYTES
    allowed = {"svg", "title", "linearGradient", "radialGradient", "stop", "g", "path", "rect"}
    allowed |= {"circle", "ellipse", "text", "tspan"}
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in allowed
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "href" not in name
            assert "url(" not in value or re.fullmatch(r"url\(#\w\)", value)
    return root


def words(root):
    return " ".join("".join(text.itertext()) for text in root.iter(SVG + "text"))


@pytest.mark.parametrize("theme", [*GENRES, "Space Opera", ""])
@pytest.mark.parametrize("title", WEIRD)
def test_weird_title_gives_a_small_well_formed_poster(theme, title):
    checked(draw("i.a", title, 1994, (theme,)))


@given(st.text(), st.text(), st.integers(0, 9999))
def test_any_title_and_theme_give_a_small_well_formed_poster(title, theme, year):
    checked(draw("i.a", title, year, (theme,)))


@pytest.mark.parametrize("theme", GENRES)
def test_posters_stay_small_wherever_their_shapes_fall(theme):
    for number in range(60):
        checked(draw(f"ml-{number}.x", "The Lord of the Rings: The Return", 2003, (theme,)))


def test_every_genre_of_the_shipped_data_has_a_look_of_its_own():
    looks = [theme_of((genre,)) for genre in GENRES]
    assert all(a is not b for a, b in itertools.combinations(looks, 2))
    assert THEMES["neutral"] not in looks


def test_words_for_a_theme_are_understood_in_any_spelling():
    assert theme_of(("sci fi",)) is theme_of(("Science Fiction",)) is theme_of(("Sci-Fi",))
    assert theme_of(("Unheard of", "Romance")) is theme_of(("Romance",))
    assert theme_of(()) is theme_of(("Unheard of",)) is THEMES["neutral"]


def test_no_two_themes_share_a_background():
    grounds = [palette[:2] for theme in THEMES.values() for palette in theme.palettes]
    assert len(set(grounds)) == len(grounds)


def test_equal_ids_give_equal_bytes_and_others_differ():
    first = draw("ml-1.romance", "Titanic", 1997, ("Romance",))
    assert draw("ml-1.romance", "Titanic", 1997, ("Romance",)) == first
    assert draw("ml-2.romance", "Titanic", 1997, ("Romance",)) != first


def test_poster_shows_title_and_year_and_is_named_for_those_who_cannot_see_it():
    root = checked(draw("i.a", "Tom & Jerry", 1940, ("Comedy",)))
    assert words(root) == "Tom & Jerry 1940"
    assert root.findtext(SVG + "title") == "Tom & Jerry (1940): Comedy"


def test_unknown_year_is_left_out():
    root = checked(draw("i.a", "Cosmos", 0, ()))
    assert words(root) == "Cosmos"
    assert root.findtext(SVG + "title") == "Cosmos"


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Matrix, The", "The Matrix"),
        ("American President, The", "The American President"),
        ("Beautiful Mind, A", "A Beautiful Mind"),
        ("City of Lost Children, The (Cité des enfants perdus, La)", "The City of Lost Children"),
        ("Dolce Vita, La", "La Dolce Vita"),
        ("Avventura, L' (Adventure, The)", "L'Avventura"),
        ("Good, the Bad and the Ugly, The", "The Good, the Bad and the Ugly"),
        ("Heat", "Heat"),
        ("Me, Myself and I", "Me, Myself and I"),
        ("(500) Days of Summer", "(500) Days of Summer"),
        ("(A)", "(A)"),
    ],
)
def test_title_is_shown_as_people_say_it(title, said):
    assert as_said(title) == said


@given(st.text(alphabet=st.characters(min_codepoint=32), max_size=200), st.sampled_from([*THEMES]))
def test_lines_fit_their_box(title, name):
    style = THEMES[name].type
    lines, size = fit(title, style)
    assert 1 <= len(lines) <= MAX_LINES
    assert size <= style.largest
    _, _, width, height = style.box
    assert max(width_of(line, style) for line in lines) * size <= width * 1.001
    assert len(lines) * size * style.leading <= height


def test_short_title_is_one_line_and_a_long_one_is_broken_between_words():
    style = THEMES["drama"].type
    assert fit("Heat", style)[0] == ["Heat"]
    lines, _ = fit("The Assassination of Jesse James", style)
    assert len(lines) > 1
    assert " ".join(lines) == "The Assassination of Jesse James"
