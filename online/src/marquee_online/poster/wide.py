"""Wide: scenes of the themes of land and horizon, as in bright.py. Pure."""

import math
from random import Random

from marquee_online.poster.shapes import (
    Palette,
    around,
    circle,
    dots,
    glow,
    hills,
    line,
    path,
    placed,
    rect,
    ridge,
    ring,
    shape,
)

_PLANE = (
    "M0-14Q3-10 3-3L26 6V11L3 7L2 16L8 20V23L0 21L-8 23V20L-2 16L-3 7L-26 11V6L-3-3Q-3-10 0-14Z"
)


def drama(dice: Random, c: Palette) -> str:
    x, y = dice.uniform(390, 540), dice.uniform(140, 190)
    tree_x, ground = dice.uniform(400, 560), 262
    figure = path(
        "M-4-30a4 4 0 1 1 8 0a4 4 0 1 1-8 0ZM-6-24Q0-28 6-24L8 0H3L1 22H-1L-3 0H-8Z", c[4]
    )
    crown = "".join(
        circle(
            tree_x + dice.uniform(-26, 26),
            ground - 78 + dice.uniform(-22, 16),
            dice.uniform(16, 27),
            c[4],
        )
        for _ in range(8)
    )
    return (
        glow(x, y, 230, c[2], opacity=0.85)
        + circle(x, y, dice.uniform(42, 62), c[2])
        + hills(dice, 236, 20, c[3], 0.75)
        + line(f"M{tree_x:.0f} {ground + 20}V{ground - 70}", c[4], 6)
        + crown
        + placed(figure, tree_x - dice.uniform(60, 110), ground - 2, 1.25)
        + hills(dice, 272, 8, c[4])
    )


def adventure(dice: Random, c: Palette) -> str:
    x = dice.uniform(380, 520)
    beams = "".join(
        shape([(x, 190), around(x, 190, 620, a), around(x, 190, 620, a + 6)], "#fff", 0.1)
        for a in range(190, 352, 14)
    )
    birds = "".join(
        f"M{dice.uniform(330, 600):.0f} {dice.uniform(40, 110):.0f}q5-8 11 0q5-8 11 0"
        for _ in range(6)
    )
    peak = dice.uniform(430, 540)
    return (
        glow(x, 190, 300, c[2], opacity=0.95)
        + beams
        + circle(x, 190, 46, "#fff8e1")
        + ridge(dice, 246, 90, 6, c[3], 0.75)
        + path(f"M{peak - 190:.0f} 330L{peak:.0f} 96l170 234Z", c[4])
        + path(f"M{peak:.0f} 96l38 52l-22-8l-14 24l-18-22l-20-1Z", "#fff")
        + ridge(dice, 296, 56, 7, c[4])
        + ridge(dice, 342, 44, 9, c[5])
        + line(birds, c[5], 2.4)
    )


def western(dice: Random, c: Palette) -> str:
    x = dice.uniform(400, 520)
    sun = circle(x, 196, 92, c[2]) + "".join(
        rect(x - 100, 150 + k * 17, 200, 3 + k * 1.8, c[1]) for k in range(6)
    )
    mesas = ""
    for _ in range(3):
        a, w, h = dice.uniform(-40, 560), dice.uniform(90, 150), dice.uniform(50, 96)
        mesas += shape(
            [(a, 262), (a + 16, 262 - h), (a + w - 14, 262 - h), (a + w, 262)], c[3], 0.9
        )
    cactus = line("M0 0V-92M0-34H-22V-62M0-24H20V-50", c[4], 13)
    return (
        glow(x, 196, 280, c[2], opacity=0.5)
        + sun
        + mesas
        + rect(0, 260, 640, 100, c[3])
        + placed(cactus, dice.uniform(540, 600), 306, 1.1)
        + placed(cactus, dice.uniform(300, 380), 288, 0.5)
        + hills(dice, 302, 10, c[4])
    )


def war(dice: Random, c: Palette) -> str:
    beams = "".join(
        shape([(x, 300), around(x, 300, 420, a), around(x, 300, 420, a + 7)], c[3], 0.3)
        for x, a in (
            (dice.uniform(340, 440), -60),
            (dice.uniform(500, 610), dice.uniform(-125, -100)),
        )
    )
    smoke = "".join(
        circle(x + k * lean + dice.uniform(-8, 8), 290 - k * 24, 16 + k * 5.5, c[4], 0.5)
        for x, lean in ((dice.uniform(360, 430), 11), (dice.uniform(520, 590), 7))
        for k in range(9)
    )
    planes = "".join(
        placed(
            path(_PLANE, c[5]),
            dice.uniform(60, 600),
            dice.uniform(30, 110),
            dice.uniform(0.6, 1),
            70,
        )
        for _ in range(3)
    )
    wires = "".join(_barbed(y, dice.uniform(8, 36)) for y in (262, 300))
    posts = "".join(rect(x, 236, 9, 124, c[5], turn=dice.uniform(-6, 6)) for x in (40, 320, 596))
    return (
        glow(460, 300, 330, c[2], opacity=0.85)
        + beams
        + smoke
        + planes
        + ridge(dice, 322, 30, 18, c[5])
        + posts
        + line(wires, c[5], 2.4)
    )


def _barbed(y: float, sag: float) -> str:
    """Wire that hangs through, a barb each 40 px."""
    d = f"M0 {y}Q320 {y + sag:.0f} 640 {y}"
    for k in range(1, 16):
        at = y + 2 * sag * (k / 16) * (1 - k / 16)
        d += f"M{k * 40 - 5} {at - 6:.0f}l10 12m0-12l-10 12"
    return d


def documentary(dice: Random, c: Palette) -> str:
    x, y = dice.uniform(470, 560), dice.uniform(120, 230)
    a, b = dice.uniform(0, 6.3), dice.uniform(0, 6.3)
    bends = [1 + 0.16 * math.sin(k * 0.785 + a) + 0.1 * math.sin(k * 1.309 + b) for k in range(24)]
    contours = ""
    for r in range(24, 250, 25):
        points = (around(x, y, r * bend, k * 15) for k, bend in enumerate(bends))
        contours += "M" + "L".join(f"{px:.0f} {py:.0f}" for px, py in points) + "Z"
    return (
        line(contours, c[3], 1.6, 0.55)
        + circle(x, y, 7, c[2])
        + ring(x, y, 15, c[2], 2)
        + rect(36, 40, 62, 9, c[2])
        + line(f"M36 330H{dice.uniform(180, 320):.0f}", c[3], 1.5, 0.6)
    )


def imax(dice: Random, c: Palette) -> str:
    x, r = dice.uniform(180, 460), 620
    top = dice.uniform(196, 224)
    lights = "".join(
        f"M{px:.0f} {py:.0f}h0"
        for px, py in (
            around(x, top + r, r - dice.uniform(16, 130), dice.uniform(-120, -60))
            for _ in range(46)
        )
    )
    return (
        dots(dice, 60, (0, 0, 640, 230), "#fff")
        + glow(x + dice.uniform(-160, 160), top, 240, c[2], opacity=0.95)
        + circle(x, top + r, r + 9, c[3], 0.5)
        + circle(x, top + r, r + 3, "#fff", 0.85)
        + circle(x, top + r, r, c[4])
        + line(lights, c[5], 2.6, 0.85)
    )
