"""Outcomes page: the report as one HTML file that asks nobody for anything."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from marquee_offline.impressions import Counts
from marquee_offline.interval_plot import CSS as PLOT_CSS
from marquee_offline.interval_plot import Bar, interval_plot, percent
from marquee_offline.outcomes.arms import ArmOutcome, Cell, ExperimentOutcome
from marquee_offline.outcomes.count import ALL, Outcomes
from marquee_shared.archive import is_simulated
from marquee_shared.manifest import Metric

CSS = (
    """
:root { color-scheme: light dark; --ink: #1d2433; --quiet: #626b7d; --line: #e3e6ec;
  --page: #f6f7f9; --card: #fff; --accent: #2f6fde; --apart: #c2410c; --bad: #b42318;
  --good: #137a4b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --quiet: #98a2b5; --line: #2b3242;
  --page: #11151d; --card: #191f2b; --accent: #6ea3ff; --apart: #ff9a57; --bad: #ff8a80;
  --good: #5fd39b; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2.5rem 1.25rem 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; }
h1 { font-size: 1.9rem; margin: 0 0 .25rem; letter-spacing: -.02em; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: .95rem; margin: 1.25rem 0 .5rem; }
.quiet { color: var(--quiet); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1rem 1.25rem 1.25rem; margin: 0 0 1rem; overflow-x: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1rem;
  margin-top: 1.5rem; }
.tiles .card { margin: 0; }
.tiles b { display: block; font-size: 1.6rem; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.note { border-left: 4px solid var(--good); padding: .4rem .9rem; margin: .5rem 0 1rem; }
.note.bad { border-color: var(--bad); color: var(--bad); }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: 0 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; color: var(--quiet); font-size: .85rem; }
"""
    + PLOT_CSS
)


def page(told: Outcomes) -> str:
    """The whole file."""
    moment = datetime.fromtimestamp(told.through / 1000, UTC)
    parts = [
        f"<h1>Outcomes</h1><p class=quiet>What is known through {moment:%Y-%m-%d %H:%M} UTC."
        " Intervals are 95 %, over users.</p>",
        *_synthetic(told.sources),
        _tiles(told),
        *(_experiment(experiment) for experiment in told.experiments),
        *(_dimension(name, cells) for name, cells in told.by.items() if name != ALL),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Outcomes</title><style>{CSS}</style><main>{''.join(parts)}</main></html>\n"
    )


def _synthetic(sources: Sequence[str]) -> Iterator[str]:
    if made := [source for source in sources if is_simulated(source)]:
        yield f'<p class="note bad">Synthetic users: {escape(", ".join(made))}.</p>'


def _tiles(told: Outcomes) -> str:
    tiles = [
        *(
            (f"{c.impressions:,}", f"impressions of {c.users:,} users")
            for c in told.by.get(ALL, ())
        ),
        (f"{told.impressions.open:,}", f"left out, outcome open; {_missed(told.impressions)}"),
        *((percent(c.ctr.value), f"clicked, {_between(c.ctr)}") for c in told.by.get(ALL, ())),
        *(
            (percent(c.quality.value), f"watched, {_between(c.quality)}")
            for c in told.by.get(ALL, ())
            if c.quality
        ),
    ]
    cards = (f"<div class=card><b>{n}</b><span class=quiet>{w}</span></div>" for n, w in tiles)
    return f"<div class=tiles>{''.join(cards)}</div>"


def _missed(counts: Counts) -> str:
    return (
        f"{counts.late:,} clicked too late, {counts.unended:,} clicks without an end, "
        f"{counts.capped:,} beyond the hourly cap, {counts.orphans:,} without their decision"
    )


def _between(metric: Metric) -> str:
    return f"{percent(metric.low)} to {percent(metric.high)}"


def _experiment(told: ExperimentOutcome) -> str:
    control = told.arms[0].arm if told.arms else ""
    shares = [
        Bar(label=f"day {day.day}, {arm.arm}", metric=day.share)
        for arm, day in sorted(
            ((arm, day) for arm in told.arms for day in arm.days), key=lambda pair: pair[1].day
        )
        if day.share
    ]
    changes = [
        Bar(
            label=f"{name}, {arm.arm}",
            metric=metric,
            apart=not told.sample_ratio_mismatch and _apart(metric),
        )
        for arm in told.arms
        for name, metric in arm.minus_control.items()
    ]
    return (
        f"<h2>Experiment {escape(told.experiment)}</h2><div class=card>"
        + _sample_ratio(told)
        + _arms(told.arms)
        + "<div class=two>"
        + _plot(
            "Share of users who came back", interval_plot(shares, title="return by day and arm")
        )
        + _plot(
            f"Difference from {control}, in percentage points",
            interval_plot(changes, title=f"difference from {control}", zero=True),
        )
        + "</div></div>"
    )


def _plot(head: str, plot: str) -> str:
    return f"<div><h3>{escape(head)}</h3>{plot}</div>" if plot else ""


def _apart(metric: Metric) -> bool:
    """The interval excludes 0."""
    return metric.low > 0 or metric.high < 0


def _sample_ratio(told: ExperimentOutcome) -> str:
    moved = f" {told.moved:,} users changed their arm and are left out." if told.moved else ""
    of = "the file" if told.weights == "file" else "equal arms"
    p = f"p = {told.sample_ratio_p:.2g}"
    if told.sample_ratio_mismatch:
        words = f"Sample ratio mismatch ({p} against {of}): believe no difference below."
        return f'<p class="note bad">{words}{moved}</p>'
    return f"<p class=note>Arms are as large as {of} would have it ({p}).{moved}</p>"


def _arms(arms: Sequence[ArmOutcome]) -> str:
    days = sorted({day.day for arm in arms for day in arm.days})
    head = ["arm", "users", "expected", "impressions", "CTR", "quality"]
    head += [f"day {day}" for day in days]
    return _table(head, (_arm(arm) for arm in arms))


def _arm(arm: ArmOutcome) -> list[str]:
    shown = arm.shown
    cells = (
        [
            f"{shown.impressions:,}",
            percent(shown.ctr.value),
            percent(shown.quality.value) if shown.quality else "–",
        ]
        if shown
        else ["–"] * 3
    )
    days = [
        (percent(d.share.value) if d.share else "–") + (f" ({d.open:,} open)" if d.open else "")
        for d in arm.days
    ]
    return [arm.arm, f"{arm.users:,}", percent(arm.expected_share), *cells, *days]


def _table(head: Sequence[str], rows: Iterator[list[str]]) -> str:
    def line(tag: str, values: Sequence[str]) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(v)}</{tag}>" for v in values) + "</tr>"

    return f"<table>{line('th', head)}{''.join(line('td', row) for row in rows)}</table>"


def _dimension(name: str, cells: Sequence[Cell]) -> str:
    labels = [f"{cell.value or '(none)'} · {cell.impressions:,}" for cell in cells]
    ctr = [Bar(label=n, metric=c.ctr) for n, c in zip(labels, cells, strict=True)]
    quality = [
        Bar(label=n, metric=c.quality) for n, c in zip(labels, cells, strict=True) if c.quality
    ]
    return (
        f"<h2>By {escape(name)} <small class=quiet>· impressions</small></h2>"
        "<div class='card two'>"
        + _plot("Clicked, of impressions", interval_plot(ctr, title=f"clicked by {name}"))
        + _plot("Watched share (quality)", interval_plot(quality, title=f"watched by {name}"))
        + "</div>"
    )
