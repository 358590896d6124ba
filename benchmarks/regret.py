"""Regret: how its sum grows with the impressions, in rows and as a log-log plot in SVG."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from bandit_runs import CONTEXTUAL, IMPRESSIONS, RANDOM, SINGLE, SQUARE, Run, interval
from ope import Row

from marquee_shared.fold_in import F64

OUT = Path(__file__).parent / "out"
WIDTH, HEIGHT, MARGIN = 760, 480, 70
COLOURS = ("#7a7a7a", "#c77700", "#0b62a4", "#3a8f3a", "#a4308f")


def regret_rows(results: list[dict[str, Run]]) -> Iterator[Row]:
    """Slope of log cumulative regret over log impressions, from 2 % of the run on."""
    curves = {}
    for name in (RANDOM, SINGLE, CONTEXTUAL, SQUARE):
        whole = [_curve(r[name]) for r in results]
        above = [_curve(r[name], less=r[name].floor) for r in results]
        grid = np.geomspace(1_000, IMPRESSIONS, 100)  # runs end with a batch, not with a number
        curves[name] = grid, np.mean([np.interp(grid, *line) for line in whole], axis=0)
        for what, lines in (("regret", whole), ("regret less what the floor costs", above)):
            mean, half = interval(np.array([_slope(*line) for line in lines]))
            judged = name == CONTEXTUAL
            yield (
                f"{name}: log-log slope of {what}",
                f"{mean:.3f} +- {half:.3f}",
                "below 1" if judged else "told only",
                mean + half < 1 or not judged,
            )
    late = [_slope(*_curve(r[CONTEXTUAL]), since=0.5) for r in results]
    mean, half = interval(np.array(late))
    what = f"{CONTEXTUAL}: slope in the latter half, cold titles in it; it tends to 1, for the "
    yield (
        what + "floor and what the model cannot tell stay",
        f"{mean:.3f} +- {half:.3f}",
        "told only",
        True,
    )
    OUT.mkdir(exist_ok=True)
    (OUT / "bandit-regret.svg").write_text(draw(curves))


def _curve(one: Run, less: F64 | float = 0.0) -> tuple[F64, F64]:
    return np.cumsum(one.impressions), np.cumsum(one.regret - less)


def _slope(seen: F64, regret: F64, since: float = 0.02) -> float:
    late = seen > since * seen[-1]
    even = np.geomspace(seen[late][0], seen[-1], 50)  # every factor counts alike
    return float(np.polyfit(np.log(even), np.log(np.interp(even, seen, regret)), 1)[0])


def draw(curves: Mapping[str, tuple[F64, F64]]) -> str:
    """`curves`: impressions and cumulative regret `(n,)` by policy, all above 0."""
    x, y = (np.log10(np.concatenate([curve[axis] for curve in curves.values()])) for axis in (0, 1))
    ordered = sorted(curves.items(), key=lambda named: named[1][1][-1])  # lowest line first
    box = (x.min(), x.max(), np.floor(y.min()), np.ceil(y.max()))
    parts, above = [_grid(*box)], HEIGHT
    for colour, (name, (seen, regret)) in zip(COLOURS, ordered, strict=False):
        points = list(zip(*_place(np.log10(seen), np.log10(regret), *box), strict=True))
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        a, above = points[-1][0], min(points[-1][1], above - 16)  # names do not overlap
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{a + 6:.1f}" y="{above + 4:.1f}" fill="{colour}">{name}</text>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>'
        '<text x="70" y="28" font-size="16">Cumulative regret against the oracle, clicks</text>'
    )
    return "\n".join((head, *parts, "</svg>\n"))


def _place(x: F64, y: F64, left: float, right: float, low: float, high: float) -> tuple[F64, F64]:
    wide, tall = WIDTH - 2.2 * MARGIN, HEIGHT - 2 * MARGIN
    across = MARGIN + (x - left) / (right - left) * wide
    return across, HEIGHT - MARGIN - (y - low) / (high - low) * tall


def _grid(*box: float) -> str:
    """Decades, and the slope that linear regret would have."""
    left, right, low, high = box
    lines = []
    for decade in range(int(np.ceil(left)), int(right) + 1):
        (a,), _ = _place(np.array([decade]), np.array([low]), *box)
        lines.append(_line(a, MARGIN, a, HEIGHT - MARGIN))
        lines.append(f'<text x="{a:.1f}" y="{HEIGHT - 48}">{10**decade:,}</text>')
    for decade in range(int(low), int(high) + 1):
        _, (b,) = _place(np.array([left]), np.array([decade]), *box)
        lines.append(_line(MARGIN, b, WIDTH - 1.2 * MARGIN, b))
        lines.append(f'<text x="16" y="{b + 4:.1f}">{10**decade:,}</text>')
    a, b = _place(np.array([left, right]), np.array([low, low + right - left]), *box)
    lines.append(_line(a[0], b[0], a[1], b[1], ' stroke-dasharray="5 5"'))
    lines.append(f'<text x="70" y="{HEIGHT - 16}">impressions; dashed: slope 1, linear</text>')
    return "\n".join(lines)


def _line(a: float, b: float, c: float, d: float, more: str = "") -> str:
    return f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}" stroke="#ddd"{more}/>'
