"""Draw: a poster from what is known of a title. Pure: equal words give equal bytes.

An SVG of its own: no script, no font, no address; it cannot fetch anything and needs nothing.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate, combinations
from random import Random
from xml.sax.saxutils import escape

from marquee_online.poster.shapes import HEIGHT, WIDTH
from marquee_online.poster.themes import Theme, Type, theme_of

MAX_LINES = 3
MAX_LETTERS = 80  # of a title as drawn; the rest becomes an ellipsis
MAX_TOLD = 160  # letters of title and themes in the <title>

_ARTICLES = "The|A|An|La|Le|Les|L'|El|Los|Las|Il|Lo|I|Gli|Der|Die|Das|Un|Une|Una|O|Os|De|Det|Den"
_ARTICLE = re.compile(rf"^(.+), ({_ARTICLES})$", re.IGNORECASE)
_REMARK = re.compile(r"\s*\([^()]*\)\s*$")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def draw(artwork_id: str, title: str, year: int, themes: tuple[str, ...]) -> bytes:
    """The poster as SVG in UTF-8, below 6 kB; the id decides where its shapes lie."""
    seed = hashlib.blake2b(artwork_id.encode(), digest_size=8).digest()
    dice = Random(int.from_bytes(seed, "little"))
    theme = theme_of(themes)
    palette = dice.choice(theme.palettes)
    told = " ".join(_NOT_XML.sub("", title).split())
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(_label(told, year, themes))}</title>"
        f'<linearGradient id="b" x2=".25" y2="1"><stop stop-color="{palette[0]}"/>'
        f'<stop offset="1" stop-color="{palette[1]}"/></linearGradient>'
        f'<path d="M0 0H{WIDTH}V{HEIGHT}H0Z" fill="url(#b)"/>'
        f"{theme.scene(dice, palette)}{_scrim(theme)}"
        f"{_words(as_said(told), year, theme.type)}</svg>"
    )
    return svg.encode()


def as_said(title: str) -> str:
    """`Matrix, The (a.k.a. ...)` as people say it: The Matrix."""
    said = title
    while (shorter := _REMARK.sub("", said)) and shorter != said:
        said = shorter
    if found := _ARTICLE.match(said):
        name, article = found.groups()
        return f"{article}{'' if article.endswith(chr(39)) else ' '}{name}"
    return said


def _label(title: str, year: int, themes: tuple[str, ...]) -> str:
    about = _short(", ".join(_NOT_XML.sub("", theme) for theme in themes), MAX_TOLD)
    said = _short(as_said(title), MAX_TOLD)
    return said + (f" ({year})" if year else "") + (f": {about}" if about else "")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _scrim(theme: Theme) -> str:
    if not theme.scrim:
        return ""
    return (
        f'<linearGradient id="s"><stop stop-color="#{theme.scrim}" stop-opacity=".72"/>'
        f'<stop offset=".75" stop-color="#{theme.scrim}" stop-opacity="0"/></linearGradient>'
        f'<path d="M0 0H{WIDTH}V{HEIGHT}H0Z" fill="url(#s)"/>'
    )


def _words(title: str, year: int, style: Type) -> str:
    """The title in its box and the year below it, as large as they fit."""
    lines, size = fit(title.upper() if style.upper else title, style)
    x, y, width, height = style.box
    small = max(16.0, min(21.0, size * 0.36)) / style.squeeze**0.5
    step = size * style.leading
    block = size * 0.74 + step * (len(lines) - 1) + (small * 1.75 if year else 0)
    first = (0 if style.top else (height - block) * (0.5 if style.middle else 1)) + size * 0.74
    rows = "".join(
        f'<text y="{first + k * step:.0f}">{_coloured(line, k, style)}</text>'
        for k, line in enumerate(lines)
    )
    left = x + (width / 2 if style.middle else 0)
    turned = f" rotate({style.tilt})" if style.tilt else ""
    squeezed = f" scale({style.squeeze} 1)" if style.squeeze != 1 else ""
    return (
        f'<g transform="translate({left:.0f} {y:.0f}){turned}{squeezed}" {_set(style, size)}>'
        f"{rows}{_foot(year, first + step * (len(lines) - 1), small, style)}</g>"
    )


def _set(style: Type, size: float) -> str:
    """The type as attributes."""
    edge, thick = style.edge
    outline = (
        f' stroke="{edge}" stroke-width="{thick * size / style.largest:.3g}" '
        'stroke-linejoin="round" paint-order="stroke"'
    )
    return (
        f'font-family="{style.family}" font-size="{size:.3g}" font-weight="{style.weight}" '
        + f'fill="{style.fill[0]}"'
        + (' font-style="italic"' if style.italic else "")
        + (' text-anchor="middle"' if style.middle else "")
        + (f' letter-spacing="{style.spacing * size:.3g}"' if style.spacing else "")
        + (outline if thick else "")
    )


def _foot(year: int, above: float, small: float, style: Type) -> str:
    if not year:
        return ""
    return (
        f'<text y="{above + small * 1.75:.0f}" font-size="{small:.3g}" font-weight="600" '
        f'letter-spacing="2" stroke-width="{style.edge[1] / 3:.2g}" opacity=".9">{year}</text>'
    )


def _coloured(line: str, turn: int, style: Type) -> str:
    """The words of a line, each in its own colour where the type has several."""
    if len(style.fill) == 1:
        return escape(line)
    return " ".join(
        f'<tspan fill="{style.fill[(turn * 2 + k) % len(style.fill)]}">{escape(word)}</tspan>'
        for k, word in enumerate(line.split(" "))
    )


def fit(title: str, style: Type) -> tuple[list[str], float]:
    """The lines of a title (1 to 3) and the size in px at which they fill their box."""
    short = _short(title, MAX_LETTERS)
    pieces = list(_pieces(short)) or [""]
    best: tuple[float, list[str]] = (0.0, [short])
    for count in range(1, min(MAX_LINES, len(pieces)) + 1):
        lines = _balanced(pieces, count, style)
        size = _size(lines, style)
        if size > best[0] * 1.06:  # another line must be worth it
            best = (size, lines)
    return best[1], max(best[0], 1.0)


def _size(lines: list[str], style: Type) -> float:
    _, _, width, height = style.box
    widest = max(max(width_of(line, style) for line in lines), 0.1)
    tall = height / (style.leading * len(lines) + 0.7)
    return min(style.largest, width / widest, tall)


def _balanced(pieces: list[str], count: int, style: Type) -> list[str]:
    """The pieces in so many lines: the widest narrow, broken rather where the title pauses."""
    ends = [0.0, *accumulate(width_of(piece, style) for piece in pieces)]
    n = len(pieces)

    def awkward(cut: tuple[int, ...]) -> float:
        widest = max(ends[b] - ends[a] for a, b in zip((0, *cut), (*cut, n), strict=True))
        pauses = sum(pieces[at - 1].rstrip()[-1:] in ":,;-–—" for at in cut)
        dashes = sum(pieces[at][:1] in "-–—&" for at in cut)
        return widest * (1 - 0.12 * pauses + 0.12 * dashes)

    cut = min(combinations(range(1, n), count - 1), key=awkward)
    return ["".join(pieces[a:b]).rstrip() for a, b in zip((0, *cut), (*cut, n), strict=True)]


def _pieces(title: str) -> Iterator[str]:
    """Where a line may break: after a space, and within what is too long for a line."""
    for word in title.split():
        longest = 9 if _wide(word[0]) else 16
        while len(word) > longest + 2:
            yield word[:longest]
            word = word[longest:]
        yield word + " "


def width_of(line: str, style: Type) -> float:
    """About how wide a line is, in em: fonts are the viewer's own."""
    letters = sum(_em(letter) for letter in line)
    bold = 1.06 if style.weight >= 700 else 1.0
    return (letters * style.em * bold + style.spacing * len(line)) * style.squeeze


def _em(letter: str) -> float:
    if letter in "iljtfrI.,:;'!|()[]-1 ":
        return 0.36
    if letter in "mwMW@%…":
        return 0.9
    if unicodedata.combining(letter):
        return 0.0
    if _wide(letter):
        return 1.05
    return 0.72 if letter.isupper() else 0.58


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"
