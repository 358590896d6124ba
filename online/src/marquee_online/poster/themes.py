"""Themes: palettes, type and place of the words for each theme, and which words name it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from marquee_online.poster import bright, dark, wide
from marquee_online.poster.shapes import Palette

# Generic families with the names that systems give to what is meant; nothing is fetched.
SANS = "'Helvetica Neue',Arial,'Liberation Sans',sans-serif"
ROUND = "ui-rounded,'Arial Rounded MT Bold','Trebuchet MS','DejaVu Sans',sans-serif"
SERIF = "Georgia,'Times New Roman','Liberation Serif',serif"
SLAB = "Rockwell,'Roboto Slab','Courier New','Liberation Mono',serif"
TYPEWRITER = "'Courier New','Liberation Mono',monospace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """How the title is set, and in which box of the canvas."""

    family: str = SANS
    em: float = 1.0  # width of its letters against those of a plain sans
    weight: int = 700
    italic: bool = False
    upper: bool = False
    spacing: float = 0  # between letters, em
    squeeze: float = 1  # horizontal scale: below 1 condensed, above 1 wide, in any font
    tilt: float = 0  # degrees
    fill: tuple[str, ...] = ("#fff",)  # one colour, or one for each word in turn
    edge: tuple[str, float] = ("#000", 0)  # colour and width of the outline
    box: tuple[float, float, float, float] = (36, 180, 400, 146)  # x, y, width, height
    middle: bool = False  # centred in the box; else left
    top: bool = False  # hangs from the top of the box; else stands on its bottom
    largest: float = 64  # size in px
    leading: float = 1.06


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """One look. A palette is the background's top and bottom, then the scene's own colours."""

    scene: Callable[[Random, Palette], str]
    type: Type
    palettes: tuple[Palette, ...]
    scrim: str = ""  # colour that darkens the ground of the words


def _split(*palettes: str) -> tuple[Palette, ...]:
    return tuple(tuple(f"#{colour}" for colour in palette.split()) for palette in palettes)


# fmt: off
THEMES = {
    "romance": Theme(
        scene=bright.romance,
        type=Type(family=SERIF, em=0.86, weight=400, italic=True, largest=76,
                  box=(36, 90, 350, 236)),
        palettes=_split("f7879a 8e1b4b ffd0c2 ff9fb2 ffe3dc",
                        "ff9a76 a3214f ffe0b8 ff86a0 ffd9cf", "d76d9b 541a52 ffc4d8 f08db8 ffe6f0"),
        scrim="5a0f35",
    ),
    "comedy": Theme(
        scene=bright.comedy,
        type=Type(family=ROUND, em=1.12, weight=900, tilt=-4, fill=("#27213c",),
                  edge=("#27213c", 3), box=(60, 84, 520, 190), middle=True, largest=84,
                  leading=1.02),
        palettes=_split("ffe14d ffc61a ff5d8f 2ec4b6 ff8a1f 6a4cff",
                        "ffdd33 ffb703 1fa2ff ff4f79 ff7a00 12b886",
                        "fff056 ffd000 ff6b35 00b4d8 e63fa0 2b9348"),
    ),
    "horror": Theme(
        scene=dark.horror,
        type=Type(weight=700, upper=True, squeeze=0.62, spacing=0.05, fill=("#f4ece4",),
                  box=(60, 150, 520, 176), middle=True, largest=94, leading=0.98,
                  edge=("#0a0507", 8)),
        palettes=_split("3a0d14 0c0406 6d0a12 d3202a 020102",
                        "2c0c1a 090408 7a0f10 e23a1e 010101", "241626 08060b 5c0a1c b8122f 010102"),
    ),
    "action": Theme(
        scene=dark.action,
        type=Type(em=1.05, weight=900, italic=True, upper=True, largest=78,
                  box=(32, 110, 440, 216), tilt=-3, fill=("#fff",), edge=("#140a08", 8),
                  leading=0.98),
        palettes=_split("2b0d0a 120606 e5261f ff8a00 ffd23f",
                        "10151f 06080d ff5a1f d7263d ffc93c", "1d1206 0b0704 ff7b00 b3140b ffe04a"),
    ),
    "scifi": Theme(
        scene=dark.sci_fi,
        type=Type(weight=300, upper=True, spacing=0.14, squeeze=1.12, largest=58, middle=True,
                  box=(44, 110, 552, 140), fill=("#eafcff",), edge=("#071033", 6), leading=1.16),
        palettes=_split("050a24 1c1250 4a7cff b14dff 35e0ff",
                        "03121f 0b2a4a 18c6b8 1f7bff 6ffcf0", "12062b 34104f ff5fa8 ff4d6d c08bff"),
    ),
    "drama": Theme(
        scene=wide.drama,
        type=Type(family=SERIF, em=0.88, weight=400, largest=68, box=(40, 36, 350, 200), top=True,
                  leading=1.1),
        palettes=_split("41626e d9a066 ffe2b0 8a5a44 23232b",
                        "5b4a6b e08e79 ffd9c0 85576a 26202f", "2f4f5f 9fb8ad f6ecd0 5c7f80 1b2a2f"),
        scrim="1d2630",
    ),
    "thriller": Theme(
        scene=dark.thriller,
        type=Type(weight=700, upper=True, squeeze=0.78, spacing=0.02, largest=74,
                  box=(36, 90, 330, 236), leading=1.0),
        palettes=_split("07161c 030a0e 1d4552 d9fff2 e5383b",
                        "0a1220 04070d 2a3f63 fff1c9 ff4d4d", "0c1512 040807 2b4a3c e6ffd6 f25f3a"),
        scrim="02070a",
    ),
    "children": Theme(
        scene=bright.children,
        type=Type(family=ROUND, em=1.12, weight=900, largest=74, middle=True,
                  box=(60, 110, 520, 160),
                  fill=("#ff4f6d", "#ff8f00", "#7a3ff2", "#0a9f6b", "#1769e0"), edge=("#fff", 11)),
        palettes=_split("5cc8ff c9f0ff 8bd450 4fae3d ffd23f ff6b6b ff8fd0 9b6bff",
                        "7ad9f5 fdf3d0 a4d65e 5aa845 ffc83d ff7a59 5b8cff f25fa8"),
    ),
    "animation": Theme(
        scene=bright.animation,
        type=Type(family=ROUND, em=1.12, weight=900, largest=80, middle=True,
                  box=(60, 96, 520, 168), tilt=3, edge=("#2a0a4f", 12)),
        palettes=_split("8b2cf5 ff4fa0 ffb703 00d1c7 5b1fd1 fff066",
                        "00a3a3 0bd38a ff5d8f ffd23f 005f86 fff",
                        "ff6a3d ff2e88 ffd000 7a2cff 00c2ff fff"),
    ),
    "adventure": Theme(
        scene=wide.adventure,
        type=Type(family=SERIF, em=1.06, weight=900, upper=True, spacing=0.03, largest=62,
                  top=True, box=(36, 40, 380, 200), fill=("#fff8e7",), edge=("#3a2410", 5)),
        palettes=_split("1d6f8a f2a65a ffe0a3 b97a56 3f5d5a 17302e",
                        "b3541e f6c667 fff0b8 a0522d 6b3a24 2c1810",
                        "2a4d8f f4b6a6 ffe8c9 8d7aa8 44507e 1c2447"),
    ),
    "crime": Theme(
        scene=dark.crime,
        type=Type(family=TYPEWRITER, em=1.06, weight=700, largest=46, box=(34, 60, 236, 262),
                  fill=("#ffe9bd",), leading=1.12),
        palettes=_split("100c08 1b130a f5b43c", "07120f 0c1d18 9fd8a4", "0c0d14 151828 e8a15a"),
    ),
    "documentary": Theme(
        scene=wide.documentary,
        type=Type(weight=700, em=0.95, largest=66, top=True, box=(36, 66, 400, 246),
                  fill=("#16181c",)),
        palettes=_split("f6f2e9 e8e1d2 d7263d 3a3f47", "eef2f3 dbe4e6 0a6fb5 33414a",
                        "f4f0e4 e3e2cc 1b7f4d 3b4636"),
    ),
    "fantasy": Theme(
        scene=bright.fantasy,
        type=Type(family=SERIF, em=1.02, weight=700, spacing=0.05, largest=62,
                  box=(30, 50, 372, 220), fill=("#ffe9a8",), edge=("#170a33", 6), middle=True),
        palettes=_split("221052 6a2c91 38d6b5 b06bff 120833 ffe38a",
                        "0b2e4f 1f7a78 7fffd4 5aa0ff 06192e fff0a0",
                        "3a0f4a b23a7a ff9ad5 8f6bff 1d0728 ffdf91"),
    ),
    "mystery": Theme(
        scene=dark.mystery,
        type=Type(family=SERIF, em=0.9, weight=400, spacing=0.08, largest=60,
                  box=(36, 90, 330, 220), fill=("#e9fff6",), leading=1.14),
        palettes=_split("06262b 03110f e8c66a 4fa39a 041416",
                        "1b1836 0a0918 d9b8ff 7d73b8 0c0a1e", "0d2418 050d09 d8e07a 62a07c 06120b"),
        scrim="021012",
    ),
    "war": Theme(
        scene=wide.war,
        type=Type(weight=900, upper=True, squeeze=0.74, spacing=0.09, largest=72,
                  box=(36, 30, 420, 190), top=True, fill=("#f3ead2",), edge=("#1b1a10", 4),
                  leading=1.02),
        palettes=_split("3b3d2a b0713a ffb45e ffe7b0 2a2a20 14140e",
                        "4a4238 8a5a3c ff9a52 ffdcb0 2e2824 15110e",
                        "2f3a3a 8c8a64 ffd27a f6efc8 29302d 101513"),
    ),
    "western": Theme(
        scene=wide.western,
        type=Type(family=SLAB, em=1.08, weight=900, upper=True, squeeze=0.84, largest=66,
                  top=True, box=(36, 34, 420, 160), fill=("#fff0c9",), edge=("#4a1a08", 6),
                  leading=1.0),
        palettes=_split("c4461f f7a440 ffd76a 8a2f14 3a1408",
                        "a83a2a f08a4b ffe08a 7a2a1e 2e100b", "d86a24 ffc15e fff0a6 98431a 41190a"),
    ),
    "musical": Theme(
        scene=bright.musical,
        type=Type(family=SERIF, em=1.0, weight=700, italic=True, largest=70, middle=True,
                  box=(70, 130, 500, 176), fill=("#fff3c4",), edge=("#3a0630", 7)),
        palettes=_split("7a0f52 2b0630 ff7ac0 ffd36b ffd34d 1c0422",
                        "7a1218 2a0508 ff8f6b ffe08a ffcf40 1d0305",
                        "1f1a7a 0b0830 7aa8ff ff9ae0 ffd84d 06041f"),
    ),
    "filmnoir": Theme(
        scene=dark.film_noir,
        type=Type(family=SERIF, em=1.04, weight=700, upper=True, spacing=0.04, squeeze=0.86,
                  largest=66, box=(36, 60, 330, 250), leading=1.04),
        palettes=_split("2c2c2e 08080a e8e8e4", "35322e 0a0908 efe6d4", "262b30 07090b dfe8ec"),
        scrim="000000",
    ),
    "imax": Theme(
        scene=wide.imax,
        type=Type(weight=900, upper=True, squeeze=1.2, spacing=0.1, largest=52, middle=True,
                  box=(40, 40, 560, 150), leading=1.1),
        palettes=_split("01030c 061a3d 4fb3ff 58c7ff 04122b ffd98a",
                        "040208 24104a ff9a5a ffb27a 120822 ffe0a0"),
    ),
    "neutral": Theme(
        scene=bright.neutral,
        type=Type(weight=600, largest=58, box=(36, 100, 380, 226), leading=1.08),
        palettes=_split("34495e 1b2631 5d8aa8 7fb3d5 48c9b0",
                        "4a4063 1f1b2e 8e7cc3 c39bd3 5dade2",
                        "2f5d50 14261f 76b39d c7d59f 3d8f7a",
                        "6b4b3e 2a1c17 c08b6b e6b89c a0695a", "3d4f6b 161f2e 6f8fc9 a9c1ea f2a65a"),
        scrim="101418",
    ),
}

_NAMES = {  # other words for them
    "sciencefiction": "scifi", "kids": "children", "family": "children", "childrens": "children",
    "anime": "animation", "music": "musical", "musicals": "musical", "noir": "filmnoir",
    "lovestory": "romance", "romantic": "romance", "funny": "comedy", "scary": "horror",
    "suspense": "thriller", "nature": "documentary", "space": "scifi", "magic": "fantasy",
    "detective": "mystery", "heist": "crime", "gangster": "crime", "military": "war",
}
# fmt: on


def theme_of(words: tuple[str, ...]) -> Theme:
    """The look of the first word that has one; the neutral look where none has."""
    for word in words:
        key = "".join(letter for letter in word.lower() if letter.isalnum())
        if found := THEMES.get(_NAMES.get(key, key)):
            return found
    return THEMES["neutral"]
