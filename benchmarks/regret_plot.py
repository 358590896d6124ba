"""A log-log plot of cumulative regret as SVG, without a plotting library."""

from collections.abc import Mapping

import numpy as np

from marquee_shared.fold_in import F64

WIDTH, HEIGHT, MARGIN = 760, 480, 70
COLOURS = ("#7a7a7a", "#c77700", "#0b62a4", "#3a8f3a", "#a4308f")


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
