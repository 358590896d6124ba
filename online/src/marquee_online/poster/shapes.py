"""Shapes: the few marks that drawn posters are made of, on a canvas of 640 x 360. Pure."""

import math
from collections.abc import Iterable
from random import Random

WIDTH, HEIGHT = 640, 360
Point = tuple[float, float]
Palette = tuple[str, ...]  # top and bottom of the background, then the scene's own colours


def circle(x: float, y: float, r: float, fill: str, opacity: float = 1) -> str:
    return f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.3g}" fill="{fill}"{_seen(opacity)}/>'


def ring(x: float, y: float, r: float, stroke: str, width: float, opacity: float = 1) -> str:
    return (
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.3g}" fill="none" stroke="{stroke}" '
        f'stroke-width="{width:.3g}"{_seen(opacity)}/>'
    )


def rect(
    x: float, y: float, w: float, h: float, fill: str, opacity: float = 1, turn: float = 0
) -> str:
    turned = f' transform="rotate({turn:.0f} {x:.0f} {y:.0f})"' if turn else ""
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{w:.3g}" height="{h:.3g}" '
        f'fill="{fill}"{_seen(opacity)}{turned}/>'
    )


def shape(points: Iterable[Point], fill: str, opacity: float = 1) -> str:
    """A filled polygon."""
    return path("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points) + "Z", fill, opacity)


def path(d: str, fill: str, opacity: float = 1) -> str:
    return f'<path d="{d}" fill="{fill}"{_seen(opacity)}/>'


def line(d: str, stroke: str, width: float, opacity: float = 1) -> str:
    """A stroked path with round ends."""
    return (
        f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:.3g}" '
        f'stroke-linecap="round"{_seen(opacity)}/>'
    )


def placed(mark: str, x: float, y: float, size: float, turn: float = 0) -> str:
    """A mark drawn around the origin, moved, turned and scaled."""
    turned = f" rotate({turn:.0f})" if turn else ""
    return f'<g transform="translate({x:.0f} {y:.0f}){turned} scale({size:.3g})">{mark}</g>'


def glow(x: float, y: float, r: float, colour: str, name: str = "o", opacity: float = 0.9) -> str:
    """Light that fades to nothing at the radius."""
    return (
        f'<radialGradient id="{name}"><stop stop-color="{colour}" stop-opacity="{opacity}"/>'
        f'<stop offset="1" stop-color="{colour}" stop-opacity="0"/></radialGradient>'
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{r:.0f}" fill="url(#{name})"/>'
    )


def dots(dice: Random, n: int, within: tuple[float, float, float, float], colour: str) -> str:
    """Stars: small circles of uneven size and light, as three paths."""
    x0, y0, x1, y1 = within
    bands = []
    for width, opacity in ((1.2, 0.55), (2, 0.8), (3.2, 1)):
        places = [(dice.uniform(x0, x1), dice.uniform(y0, y1)) for _ in range(n)]
        bands.append(
            line("".join(f"M{x:.0f} {y:.0f}h0" for x, y in places), colour, width, opacity)
        )
        n = n // 3
    return "".join(bands)


def ridge(dice: Random, y: float, height: float, steps: int, fill: str, opacity: float = 1) -> str:
    """Mountains: a jagged skyline around y, filled to the bottom."""
    step = WIDTH / steps
    points: list[Point] = [(-5, y)]
    for place in range(steps):
        middle = (place + dice.uniform(0.35, 0.65)) * step
        points.append((middle, y - height * dice.uniform(0.45, 1)))
        points.append(((place + 1) * step + 4, y - height * dice.uniform(0, 0.25)))
    return shape([*points, (WIDTH + 5, HEIGHT), (-5, HEIGHT)], fill, opacity)


def hills(dice: Random, y: float, height: float, fill: str, opacity: float = 1) -> str:
    """Soft land: one long wave, filled to the bottom."""
    a, b, c = (y - height * dice.uniform(-1, 1) for _ in range(3))
    wave = (
        f"C160 {a - height:.0f} 220 {b + height:.0f} 340 {b:.0f}S560 {c - height:.0f} 640 {c:.0f}"
    )
    return path(f"M0 {a:.0f}{wave}V360H0Z", fill, opacity)


def star(x: float, y: float, r: float, fill: str, opacity: float = 1) -> str:
    """A four-pointed sparkle."""
    r = round(r)
    d = f"M{x:.0f} {y - r:.0f}q0 {r} {r} {r}q-{r} 0-{r} {r}q0-{r}-{r}-{r}q{r} 0 {r}-{r}Z"
    return path(d, fill, opacity)


def around(x: float, y: float, r: float, degrees: float) -> Point:
    """The point at this angle of a circle; 0 points right, 90 down."""
    angle = math.radians(degrees)
    return x + r * math.cos(angle), y + r * math.sin(angle)


def _seen(opacity: float) -> str:
    return "" if opacity >= 1 else f' opacity="{opacity:.2g}"'
