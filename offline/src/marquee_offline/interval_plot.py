"""Interval plot: values with their intervals as inline SVG, without a script or a request."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from marquee_shared.manifest import Metric

WIDTH, LEFT, RIGHT = 520, 160, 90  # units of the drawing; labels left, figures right
ROW, AXIS = 26, 30
TICKS = 5  # at most
SPACE = "\N{NO-BREAK SPACE}"
LETTERS = 22  # of a label that fit; a tooltip has the rest
HEAD = 0.04  # share of the axis left empty at either end

CSS = """
.plot { width: 100%; max-width: 580px; height: auto; display: block; font-size: 13px; }
.plot text { fill: var(--ink); }
.plot .quiet { fill: var(--quiet); }
.plot .grid { stroke: var(--line); }
.plot .zero { stroke: var(--ink); stroke-dasharray: 3 3; }
.plot .span { stroke: var(--accent); stroke-width: 3; stroke-linecap: round; opacity: .45; }
.plot .dot { fill: var(--accent); }
.plot .apart .span { stroke: var(--apart); }
.plot .apart .dot { fill: var(--apart); }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of a plot."""

    label: str
    metric: Metric
    apart: bool = False  # drawn in the second colour: an interval that excludes 0


def interval_plot(bars: Sequence[Bar], *, title: str, zero: bool = False) -> str:
    """The bars from top to bottom on one axis in percent.

    `zero`: the bars are differences, in percentage points; 0 is drawn and lies on the axis.
    """
    if not bars:
        return ""
    low, high = _range(bars, zero)
    inner = WIDTH - LEFT - RIGHT

    def x(value: float) -> float:
        return LEFT + inner * (value - low) / (high - low)

    bottom = ROW * len(bars) + 6
    unit = "" if zero else " %"
    parts = [_tick(x(t), f"{t * 100:.6g}{unit}", bottom) for t in _ticks(low, high)]
    if zero:
        parts.append(f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{bottom}"/>')
    parts += [_bar(bar, number, x, points if zero else percent) for number, bar in enumerate(bars)]
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {bottom + AXIS}" role="img"'
        f' aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )


def percent(value: float) -> str:
    """Three significant digits are enough for a share: 12.3 %, 0.123 %."""
    size = abs(value) * 100
    digits = 1 if size >= 9.995 or size == 0 else min(4, 2 - math.floor(math.log10(size)))
    return f"{value * 100:.{digits}f}{SPACE}%"


def points(value: float) -> str:
    """A difference of two shares in percentage points: +1.23."""
    return f"{'+' if value > 0 else ''}{percent(value)[:-2]}"


def _range(bars: Sequence[Bar], zero: bool) -> tuple[float, float]:
    ends = [end for bar in bars for end in (bar.metric.low, bar.metric.high)]
    low, high = min(ends + [0.0] * zero), max(ends + [0.0] * zero)
    room = (high - low) * HEAD or 0.01
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within the range."""
    rough = (high - low) / TICKS
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * f for f in (1, 2, 5, 10) if unit * f >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _tick(at: float, text: str, bottom: int) -> str:
    return (
        f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{bottom}"/>'
        f'<text class="quiet" x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{text}</text>'
    )


def _bar(bar: Bar, number: int, x: Callable[[float], float], say: Callable[[float], str]) -> str:
    y, metric = ROW * number + ROW / 2 + 3, bar.metric
    low, at, high = (f"{x(v):.1f}" for v in (metric.low, metric.value, metric.high))
    figures = f"{say(metric.value)}, 95 %: {say(metric.low)} to {say(metric.high)}"
    label = bar.label if len(bar.label) <= LETTERS else f"{bar.label[: LETTERS - 1]}…"
    kind = "apart" if bar.apart else "bar"
    return (
        f'<g class="{kind}"><title>{escape(bar.label)}: {figures}</title>'
        f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end">{escape(label)}</text>'
        f'<line class="span" x1="{low}" x2="{high}" y1="{y}" y2="{y}"/>'
        f'<circle class="dot" cx="{at}" cy="{y}" r="4.5"/>'
        f'<text x="{WIDTH - RIGHT + 12}" y="{y + 4}">{say(metric.value)}</text></g>'
    )
