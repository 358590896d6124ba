"""Bright: scenes of the themes of colour and play. Pure.

A scene gets dice and a palette, and gives marks. The same dice give the same marks: two posters of
one theme differ, and belong together. The place of the words (see themes.py) is kept calm.
"""

from random import Random

from marquee_online.poster.shapes import (
    HEIGHT,
    WIDTH,
    Palette,
    around,
    circle,
    glow,
    hills,
    line,
    path,
    placed,
    rect,
    ridge,
    ring,
    shape,
    star,
)

_HEART = "M0 9C-14-2-8-12 0-5C8-12 14-2 0 9Z"
_BLOB = "M-50-10C-60-55-10-62 18-50S72-18 58 18S20 62-14 52S-42 24-50-10Z"
_NOTE = "M-5 30a11 8-20 1 0 6 7L6-12L40-20V22a11 8-20 1 0 6 7L46-46L0-34Z"


def romance(dice: Random, c: Palette) -> str:
    x, y = dice.uniform(400, 450), dice.uniform(140, 185)
    dx, dy, r = dice.uniform(75, 100), dice.uniform(-35, 35), dice.uniform(95, 120)
    hearts = "".join(
        placed(
            path(_HEART, dice.choice(c[3:]), dice.uniform(0.35, 0.95)),
            dice.uniform(20, 620),
            dice.uniform(15, 330),
            dice.uniform(0.5, 1.9),
            dice.uniform(-25, 25),
        )
        for _ in range(16)
    )
    return (
        glow(x + dx / 2, y, 300, c[3], opacity=0.55)
        + circle(x, y, r, c[2], 0.75)
        + circle(x + dx, y + dy, r * 0.92, c[3], 0.6)
        + hearts
        + placed(path(_HEART, "#fff", 0.92), x + dx / 2, y + dy / 2 + 4, r / 26, dy / 5)
    )


def comedy(dice: Random, c: Palette) -> str:
    arcs = []
    for x, y in ((dice.uniform(-20, 90), 372), (dice.uniform(540, 660), dice.choice((-10, 370)))):
        r = dice.uniform(120, 165)
        order = dice.sample(c[2:5], 3)
        arcs += [circle(x, y, r * k, fill) for k, fill in zip((1, 0.7, 0.4), order, strict=True)]
    confetti = [
        rect(
            dice.uniform(0, WIDTH),
            dice.choice((dice.uniform(0, 95), dice.uniform(265, HEIGHT))),
            dice.uniform(7, 18),
            dice.uniform(6, 9),
            dice.choice(c[2:]),
            turn=dice.uniform(0, 180),
        )
        for _ in range(30)
    ]
    return "".join(arcs + confetti)


def children(dice: Random, c: Palette) -> str:
    sun_x = dice.choice((dice.uniform(60, 130), dice.uniform(520, 590)))
    rays = "".join(
        f"M{sun_x + 58 * cos:.0f} {66 + 58 * sin:.0f}l{20 * cos:.0f} {20 * sin:.0f}"
        for cos, sin in (around(0, 0, 1, k * 30) for k in range(12))
    )
    clouds = "".join(
        placed(
            path("M-40 12a16 16 0 0 1 6-31a24 24 0 0 1 44-4a19 19 0 0 1 26 35Z", "#fff", 0.92),
            dice.uniform(40, 600),
            dice.uniform(40, 110),
            dice.uniform(0.7, 1.3),
        )
        for _ in range(3)
    )
    balloons = "".join(
        placed(
            line("M0 26Q6 45-2 66", "#fff", 1.6)
            + path("M0 28C-34 8-24-30 0-30S34 8 0 28Z", dice.choice(c[4:]))
            + circle(-8, -14, 5, "#fff", 0.5),
            640 - sun_x + dice.uniform(-90, 90),
            dice.uniform(70, 150),
            dice.uniform(0.8, 1.3),
        )
        for _ in range(3)
    )
    flowers = "".join(
        circle(dice.uniform(0, 640), dice.uniform(325, 352), 5, dice.choice(c[4:]))
        for _ in range(14)
    )
    return (
        line(rays, c[4], 7)
        + circle(sun_x, 66, 46, c[4])
        + clouds
        + balloons
        + hills(dice, 262, 22, c[2])
        + hills(dice, 302, 16, c[3])
        + flowers
    )


def animation(dice: Random, c: Palette) -> str:
    blobs = "".join(
        placed(
            path(_BLOB, dice.choice(c[2:5]), 0.9),
            x + dice.uniform(-30, 30),
            dice.choice((dice.uniform(-10, 50), dice.uniform(310, 370))),
            dice.uniform(0.9, 2),
            dice.uniform(0, 360),
        )
        for x in range(20, 680, 100)
    )
    ground, hop = 318, dice.uniform(150, 190)
    ball = []
    for k in range(13):
        x = 40 + k * 46
        height = abs(1 - 2 * (k * 46 % hop) / hop)
        ball.append(circle(x, ground - 200 * (1 - height**2) * 0.55, 15, c[5], 0.12 + 0.07 * k))
    return blobs + "".join(ball)


def musical(dice: Random, c: Palette) -> str:
    beams = "".join(
        shape([(x, -10), (to - 70, 360), (to + 70, 360)], fill, 0.3)
        for x, to, fill in (
            (90, dice.uniform(240, 460), c[2]),
            (550, dice.uniform(200, 420), c[3]),
            (dice.uniform(260, 380), dice.uniform(380, 560), c[2]),
        )
    )
    bulbs = "".join(
        circle(x, y, 5.5, c[4] if (k + lit) % 2 else "#fff8e1")
        for lit in (dice.randrange(2),)
        for k, (x, y) in enumerate(
            [(18 + k * 31.8, 15) for k in range(20)] + [(18 + k * 31.8, 345) for k in range(20)]
        )
    )
    sway = dice.uniform(-30, 30)
    staff = "".join(
        f"M-10 {y}C180 {y - 60 + sway:.0f} 400 {y + 70 + sway:.0f} 650 {y - 40}"
        for y in range(60, 121, 12)
    )
    notes = "".join(
        placed(
            path(_NOTE, dice.choice((c[4], c[3], "#fff8e1"))),
            x + dice.uniform(-20, 20),
            dice.uniform(70, 112),
            dice.uniform(0.7, 1.05),
            dice.uniform(-12, 12),
        )
        for x in (110, 250, 400, 540)
    )
    rails = rect(0, 0, 640, 30, c[5]) + rect(0, 330, 640, 30, c[5])
    return beams + line(staff, c[4], 1.6, 0.7) + notes + rails + bulbs


def fantasy(dice: Random, c: Palette) -> str:
    x, y, r = dice.uniform(420, 540), dice.uniform(85, 120), dice.uniform(40, 60)
    veils = "".join(_veil(dice, fill) for fill in (c[2], c[3], c[2], c[3]))
    left = dice.uniform(385, 450)
    towers = "".join(
        _tower(left + k * 34, dice.uniform(18, 30), h + dice.uniform(50, 75), c)
        for k, h in enumerate((60, 90, 140, 80, 40))
    )
    sparkles = "".join(
        star(dice.uniform(0, 640), dice.uniform(10, 250), dice.uniform(4, 13), c[5])
        for _ in range(16)
    )
    return (
        veils
        + glow(x, y, r * 3, c[5], opacity=0.6)
        + circle(x, y, r, "#fffbe6", 0.95)
        + sparkles
        + ridge(dice, 290, 34, 7, c[3], 0.4)
        + towers
        + hills(dice, 304, 14, c[4])
    )


def _veil(dice: Random, fill: str) -> str:
    """A band of light across the sky."""
    y = dice.uniform(40, 170)
    d = f"M-20 {y:.0f}C160 {y - 110:.0f} 300 {y + 120:.0f} 660 {y - 50:.0f}"
    return line(d, fill, dice.uniform(22, 60), 0.22)


def _tower(x: float, w: float, h: float, c: Palette) -> str:
    """A tower with a pointed roof and one lit window."""
    y = 300 - h
    roof = [(x - 6, y), (x + w / 2, y - w * 1.9), (x + w + 6, y)]
    window = rect(x + w / 2 - 2, y + 12, 4, 9, c[5])
    return rect(x, y, w, h, c[4]) + shape(roof, c[4]) + window


def neutral(dice: Random, c: Palette) -> str:
    marks = "".join(
        circle(dice.uniform(330, 640), dice.uniform(-20, 380), dice.uniform(60, 150), fill, 0.3)
        for fill in (*c[2:5], *c[2:4])
    )
    x = dice.uniform(440, 560)
    return marks + "".join(ring(x, 180, 40 + 26 * k, "#fff", 1.4, 0.4 - k * 0.06) for k in range(5))
