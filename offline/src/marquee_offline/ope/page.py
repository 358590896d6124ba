"""Off-policy page: the same report as one HTML file that asks nobody for anything."""

from collections.abc import Iterator
from html import escape

from marquee_offline.interval_plot import Bar, interval_plot, percent, points
from marquee_offline.ope.estimators import WEIGHTS_UP_TO, Diagnostics
from marquee_offline.ope.judge import Judged
from marquee_offline.ope.report import figures, interval_words, rate
from marquee_offline.outcomes.page import CSS

WIDTH, HIGH, FOOT, HEAD = 640, 150, 34, 18  # units of the histogram's drawing
BAR = 0.38  # width of one of a bin's two bars, of the bin's
LABELLED = 0.01  # a bar of a smaller share has no figure beside it
HISTOGRAM_CSS = """
.plot .rows { fill: var(--line); stroke: var(--quiet); stroke-width: .5; }
.plot .held { fill: var(--accent); }
.card > .plot { margin: 0 auto; }
td.words, th.words { text-align: left; white-space: normal; color: var(--quiet); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .3em 0 1em; }
"""
ABOUT = {
    "ips": "mean of weight x reward: unbiased, wide",
    "snips": "the same over the mean weight: less wide, a little biased",
    "dm": "the reward model alone: narrow, and only as right as the model",
    "dr": "the model, corrected by what it missed: the figure to decide by",
    "sndr": "DR with the correction over the mean weight",
}


def page(told: Judged) -> str:
    """The whole file."""
    parts = [
        f"<h1>What {escape(told.policy)} would have earned</h1>",
        f"<p class=quiet>Log: {escape(told.log)}. Reward: {escape(told.reward)}. Intervals are"
        f" 95 %, resampled over {escape(told.unit)}.</p>",
        *_notes(told),
        _tiles(told),
        *_values(told),
        _weights(told.estimates.diagnostics),
        _log(told),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Off-policy evaluation</title><style>{CSS}{HISTOGRAM_CSS}</style>"
        f"<main>{''.join(parts)}</main></html>\n"
    )


def _notes(told: Judged) -> Iterator[str]:
    found = told.estimates
    if told.simulated:
        yield f'<p class="note bad">Synthetic users: {escape(", ".join(told.simulated))}.</p>'
    if found.refused:
        yield f'<p class="note bad">Refused. {escape(found.refused.capitalize())}.</p>'
    elif found.doubt:
        yield f'<p class="note bad">In doubt: {escape(found.doubt)}.</p>'


def _tiles(told: Judged) -> str:
    found = told.estimates
    log = found.diagnostics
    tiles = [
        (f"{log.effective:,.0f}", f"effective sample size, of {log.rows:,} rows"),
        (percent(found.logged.value), f"{rate(told)} in the log"),
    ]
    if dr := found.values.get("dr"):
        between = f"{percent(dr.low)} to {percent(dr.high)}"
        tiles.insert(0, (percent(dr.value), f"{rate(told)} of the candidate by DR, {between}"))
    if found.gain:
        between = f"{points(found.gain.low)} to {points(found.gain.high)}"
        tiles.append((points(found.gain.value), f"points against the log, {between}"))
    cards = (
        f"<div class=card><b>{escape(n)}</b><span class=quiet>{escape(w)}</span></div>"
        for n, w in tiles
    )
    return f"<div class=tiles>{''.join(cards)}</div>"


def _values(told: Judged) -> Iterator[str]:
    values = told.estimates.values
    if not values:
        return
    bars = [Bar(label="in the log", metric=told.estimates.logged, apart=True)]
    bars += [Bar(label=name.upper(), metric=metric) for name, metric in values.items()]
    rows = "".join(
        f"<tr><td>{name.upper()}<td>{interval_words(metric)}<td class=words>{ABOUT[name]}"
        for name, metric in values.items()
    )
    plot = interval_plot(bars, title=f"{rate(told)} by estimator, with 95 % intervals")
    yield (
        f"<h2>Estimates</h2><div class=card>{plot}</div><div class=card><table><tr><th>estimator"
        f"<th>{rate(told)}, 95 %<th class=words>what it is</tr>{rows}</table></div>"
    )


def _weights(found: Diagnostics) -> str:
    return (
        "<h2>Weights</h2><p>How often the candidate would have shown what was shown, over how often"
        " the log did. A sound log has its weight where its rows are; weight far to the right that"
        " few rows hold is what makes an estimate worthless.</p><div class=card>"
        f"{histogram(found)}<p class=quiet><span class=key style='background:var(--line)'></span>"
        "share of rows<span class=key style='background:var(--accent)'></span>share of weight</p>"
        "</div>"
    )


def histogram(found: Diagnostics) -> str:
    """Share of rows and of weight by size of the weight, as inline SVG."""
    bins = list(zip(WEIGHTS_UP_TO, found.histogram, strict=True))
    step = WIDTH / len(bins)
    tallest = max(max(rows / found.rows, held) for _, (rows, held) in bins)
    parts = []
    for place, (top, (rows, held)) in enumerate(bins):
        words = f"up to {top:g}" if place < len(bins) - 1 else "more"
        left, share = place * step, rows / found.rows
        parts.append(
            f"<g><title>weight {words}: {rows:,} rows, {held:.1%} of the weight</title>"
            f"{_column('rows', left + step * (0.5 - BAR), step * BAR, share, tallest)}"
            f"{_column('held', left + step / 2, step * BAR, held, tallest)}"
            f'<text class="quiet" x="{left + step / 2:.1f}" y="{HEAD + HIGH + 16}"'
            f' text-anchor="middle">{_short(top)}</text></g>'
        )
    title = "Share of rows and of weight, by size of the weight"
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEAD + HIGH + FOOT}" role="img"'
        f' aria-label="{title}"><title>{title}</title>{"".join(parts)}'
        f'<text class="quiet" x="0" y="{HEAD + HIGH + 31}">weight, up to</text></svg>'
    )


def _column(kind: str, x: float, width: float, share: float, tallest: float) -> str:
    height, middle = HIGH * share / tallest, x + width / 2
    label = (
        f'<text class="quiet" x="{middle:.1f}" y="{HEAD + HIGH - height - 4:.1f}"'
        f' text-anchor="middle" font-size="9">{share:.0%}</text>'
    )
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{HEAD + HIGH - height:.1f}" width="{width:.1f}"'
        f' height="{height:.1f}"/>{label if share >= LABELLED else ""}'
    )


def _short(top: float) -> str:
    if top == float("inf"):
        return "more"
    return f"{top:g}" if top >= 1 else f"1/{1 / top:g}"


def _log(told: Judged) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}<td>{escape(figure)}"
        for name, figure in figures(told, told.estimates.diagnostics)
    )
    words = f"<p class=quiet>{escape(told.counts.left_out())}.</p>" if told.counts else ""
    return f"<h2>What the log can say</h2><div class=card><table>{rows}</table>{words}</div>"
