"""Dark: scenes of the themes of night and danger, as in bright.py. Pure."""

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
    ring,
    shape,
)

_HAT = "M-30 0Q0-9 30 0Q0 7-30 0ZM-17-3Q-15-24 0-19Q15-24 17-3Z"
_COAT = "M-11 4H11L13 18Q40 26 46 60L56 190H-56L-46 60Q-40 26-13 18Z"
_BAT = "M0 0Q-4-6-8-2Q-14-8-20 0Q-12-2-9 4Q-4 0 0 5Q4 0 9 4Q12-2 20 0Q14-8 8-2Q4-6 0 0Z"
_MAN = "M-5-34a6 7 0 1 1 10 0a6 7 0 1 1-10 0ZM-13-22Q0-29 13-22L16 14H9L8 54L0 24L-8 54L-9 14H-16Z"


def horror(dice: Random, c: Palette) -> str:
    x, y, r = dice.uniform(250, 500), dice.uniform(105, 140), dice.uniform(78, 100)
    side = dice.choice((0, 1))
    trees = _tree(dice, 640 * side, 380, 270 if side else -90, 118) + _tree(
        dice, 640 - 640 * side + dice.uniform(-40, 40), 380, -90, 80
    )
    bats = "".join(
        placed(
            path(_BAT, c[4]),
            x + dice.uniform(-90, 90),
            y + dice.uniform(-70, 60),
            dice.uniform(0.5, 1.1),
            dice.uniform(-20, 20),
        )
        for _ in range(5)
    )
    return (
        glow(x, y, r * 4.2, c[2], opacity=0.85)
        + circle(x, y, r, c[3])
        + circle(x - r * 0.25, y - r * 0.3, r * 0.2, c[2], 0.4)
        + circle(x + r * 0.35, y + r * 0.2, r * 0.28, c[2], 0.35)
        + bats
        + line(trees, c[4], 7)
        + hills(dice, 330, 14, c[4])
    )


def _tree(dice: Random, x: float, y: float, angle: float, length: float) -> str:
    """Bare branches, each a fork of the one before."""
    if length < 22:
        return ""
    x1, y1 = around(x, y, length, angle)
    forks = "".join(
        _tree(dice, x1, y1, angle + turn * dice.uniform(18, 42), length * dice.uniform(0.6, 0.78))
        for turn in (-1, 1)
    )
    return f"M{x:.0f} {y:.0f}L{x1:.0f} {y1:.0f}{forks}"


def action(dice: Random, c: Palette) -> str:
    bands, x = [], 250.0
    while x < 760:
        w = dice.uniform(18, 84)
        bands.append(_slash(x, w, dice.choice(c[2:])))
        x += w + dice.uniform(0, 26)
    speed = "".join(
        f"M{dice.uniform(-40, 420):.0f} {y}l{dice.uniform(60, 260):.0f} {-dice.uniform(0, 6):.0f}"
        for y in range(14, 350, 22)
    )
    x, y = dice.uniform(470, 560), dice.uniform(90, 150)
    burst = [around(x, y, dice.uniform(60, 115) if k % 2 else 26, k * 15) for k in range(24)]
    return (
        "".join(bands)
        + line(speed, c[4], 2, 0.28)
        + shape(burst, c[3])
        + shape([(x + (a - x) * 0.55, y + (b - y) * 0.55) for a, b in burst], "#fff")
    )


def _slash(x: float, w: float, fill: str) -> str:
    lean = 170
    return shape([(x + lean, 0), (x + w + lean, 0), (x + w - 40, 360), (x - 40, 360)], fill)


def sci_fi(dice: Random, c: Palette) -> str:
    horizon, middle = 258, dice.uniform(230, 410)
    rays = "".join(
        f"M{middle + k * 16:.0f} {horizon}L{middle + k * 110:.0f} 360" for k in range(-9, 10)
    )
    floors = "".join(f"M0 {horizon + 2.1 * k * k:.0f}H640" for k in range(1, 8))
    x, y, r = (
        dice.choice((dice.uniform(90, 170), dice.uniform(470, 550))),
        105,
        dice.uniform(50, 76),
    )
    tilt = dice.uniform(-28, 28)
    halo = (
        f'<ellipse rx="{r * 1.75:.0f}" ry="{r * 0.32:.0f}" fill="none" stroke="{c[4]}" '
        'stroke-width="4" opacity=".8"/>'
    )
    shade = (
        f"M0-{r:.0f}A{r:.0f} {r:.0f} 0 0 1 0 {r:.0f}A{r * 1.5:.0f} {r * 1.2:.0f} 0 0 0 0-{r:.0f}Z"
    )
    return (
        dots(dice, 70, (0, 0, 640, 250), "#fff")
        + glow(middle, horizon, 260, c[3], opacity=0.75)
        + rect(0, horizon, 640, 102, c[0])
        + placed(circle(0, 0, r, c[2]) + path(shade, c[0], 0.45) + halo, x, y, 1, tilt)
        + line(rays + floors, c[4], 1.4, 0.75)
        + line(f"M0 {horizon}H640", "#fff", 1.6, 0.9)
    )


def thriller(dice: Random, c: Palette) -> str:
    x, y = dice.uniform(430, 500), dice.uniform(150, 185)
    frames = [
        rect(x - w, y - w * 0.75, 2 * w, 1.7 * w, fill, 0.5)
        for w, fill in ((330, c[2]), (210, c[1]), (130, c[2]), (84, c[1]))
    ]
    door = rect(x - 34, y - 62, 68, 138, c[3])
    light = shape([(x - 34, y + 76), (x + 34, y + 76), (x + 190, 360), (x - 190, 360)], c[3], 0.32)
    shadow = shape([(x - 7, y + 78), (x + 7, y + 78), (x + 60, 360), (x - 4, 360)], c[0], 0.75)
    edges = "".join(
        f"M{x + a * 34:.0f} {y + b:.0f}L{x + a * 420:.0f} {y + b * 9:.0f}"
        for a in (-1, 1)
        for b in (-62, 76)
    )
    return (
        "".join(frames)
        + line(edges, c[2], 2, 0.9)
        + glow(x, y, 200, c[3], opacity=0.5)
        + light
        + door
        + shadow
        + placed(path(_MAN, c[0]), x + dice.uniform(-8, 8), y + 20, 1.1)
        + rect(0, dice.uniform(40, 70), dice.uniform(90, 200), 5, c[4])
    )


def crime(dice: Random, c: Palette) -> str:
    lean, x = dice.uniform(-0.16, -0.08), dice.uniform(280, 360)
    slats = "".join(
        path(f"M{x:.0f} {y}L650 {y + lean * (650 - x):.0f}v15L{x:.0f} {y + 15}Z", c[2], 0.92)
        for y in range(24, 480, 27)
    )
    faint = "".join(rect(0, y, x - 14, 14, c[2], 0.07) for y in range(20, 360, 27))
    man = path(_HAT, c[0]) + path("M-14 0Q-16 20 0 27Q16 20 14 0Z", c[0]) + path(_COAT, c[0])
    return (
        glow(520, 150, 330, c[2], opacity=0.6)
        + faint
        + slats
        + rect(x - 14, 0, 14, 360, c[0], 0.9)
        + placed(man, dice.uniform(480, 560), dice.uniform(130, 160), 1.5)
    )


def film_noir(dice: Random, c: Palette) -> str:
    x = dice.uniform(430, 530)
    rain = "".join(
        f"M{dice.uniform(0, 680):.0f} {dice.uniform(-20, 340):.0f}l-7 {dice.uniform(16, 34):.0f}"
        for _ in range(90)
    )
    man = path(_HAT, c[0]) + path("M-12 0Q-14 18 0 24Q14 18 12 0Z", c[0]) + path(_COAT, c[0])
    return (
        shape([(x, 40), (x + 200, 360), (x - 200, 360)], c[2], 0.5)
        + shape([(x, 40), (x + 110, 360), (x - 110, 360)], c[2], 0.55)
        + glow(x, 44, 120, c[2])
        + line(f"M{x + 26:.0f} 360V56Q{x + 24:.0f} 30 {x:.0f} 32", c[0], 7)
        + path(f"M{x - 20:.0f} 46Q{x:.0f} 14 {x + 20:.0f} 46Z", c[0])
        + f'<ellipse cx="{x - 30:.0f}" cy="344" rx="190" ry="15" fill="{c[2]}" opacity=".6"/>'
        + placed(man, x - dice.uniform(40, 70), 222, 0.72)
        + line(rain, "#fff", 1.1, 0.35)
    )


def mystery(dice: Random, c: Palette) -> str:
    x, y, s = dice.uniform(455, 535), dice.uniform(125, 150), dice.uniform(0.95, 1.2)
    hole = "M-34 16A44 44 0 1 1 34 16L54 132H-54Z"
    swirls = "".join(_mist(dice, c[3]) for _ in range(6))
    rings = "".join(ring(x, y, 92 * s + k * 34, c[3], 1.5, 0.5 - k * 0.08) for k in range(6))
    return (
        glow(x, y + 20, 290, c[2], opacity=0.7)
        + rings
        + circle(x, y + 24, 104 * s, c[4], 0.95)
        + glow(x, y + 40, 110, c[2], "k")
        + placed(path(hole, "#fff8dc"), x, y, s * 0.8)
        + path(
            f"M{x - 42 * s:.0f} {y + 106 * s:.0f}h{84 * s:.0f}L{x + 150:.0f} 360h-300Z", c[2], 0.22
        )
        + swirls
    )


def _mist(dice: Random, fill: str) -> str:
    y = dice.uniform(210, 350)
    wave = f"C140 {y - 60:.0f} 260 {y + 50:.0f} 420 {y - 16:.0f}S600 {y - 50:.0f} 660 {y:.0f}"
    return line(f"M-20 {y:.0f}{wave}", fill, dice.uniform(20, 44), 0.16)
