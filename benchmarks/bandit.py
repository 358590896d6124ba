"""The artwork bandit against a truth that is known: the simulator's people, policies in process.

Needs nothing but this machine; some fifteen minutes on two cores. The regret of the policies goes
as a plot to `benchmarks/out/bandit-regret.svg`. With a number as argument, so many seeds instead of
20. The last rows are of the whole platform, see `artwork_loop.py`.
"""

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import NormalDist

import numpy as np
import ope
from bandit_limits import FORMS, limits
from bandit_runs import (
    CONTEXTUAL,
    IMAGES,
    IMPRESSIONS,
    ORACLE,
    POLICIES,
    RANDOM,
    SINGLE,
    SQUARE,
    Dr,
    Run,
    drawn,
    lives,
    run,
)
from ope import Row
from regret_plot import draw
from scipy.stats import t as student

from marquee_infra.in_process import slate_of
from marquee_infra.simulator import Visits, make_world
from marquee_offline.outcomes.interval import bootstrap_share, from_draws
from marquee_shared.bandit import POLICIES as BY_NAME
from marquee_shared.bandit import posterior
from marquee_shared.experiment import Arm, Experiment, arm_of
from marquee_shared.fold_in import F64
from marquee_shared.sums import Sums

OUT = Path(__file__).parent / "out"
SEEDS = 20
WORKERS = 2  # each with one BLAS thread, as the Makefile says
ORDER = (RANDOM, SINGLE, CONTEXTUAL, ORACLE)
CLOSED_BAR = 0.7  # of best-single to oracle
DR_ERROR, DR_COVERAGE = 0.05, 0.9
LIVES = 5  # worlds that retention is measured in, and the limits of what can be known
SALTS = 200  # of experiments that split the people of each world into A and A
COVERAGE = (0.93, 0.97)  # of 95 % intervals over 1,000 splits, whose own error is 0.7 %
PAGE_TITLES, DRAWS_TIMED, DRAW_MS = 40, 500, 0.3
LEVEL = 0.95


def interval(values: F64, level: float = LEVEL) -> tuple[float, float]:
    """Mean, and half the width of Student's interval."""
    half = student.ppf(0.5 + level / 2, len(values) - 1) * values.std(ddof=1)
    return float(values.mean()), float(half / np.sqrt(len(values)))


def order_rows(results: list[dict[str, Run]]) -> Iterator[Row]:
    """Mean rewards in order; what of the way to the oracle is closed."""
    for name, until in (("whole run, learning paid", 0), ("latter half", 1)):
        means = {n: np.array([_mean(r[n], until) for r in results]) for n in results[0]}
        for low, high in pairwise(ORDER):
            mean, half = interval(means[high] - means[low])
            yield (
                f"{name}: {high} {means[high].mean():.4f} less {low} {means[low].mean():.4f}",
                f"{mean:+.4f} +- {half:.4f}",
                "above 0",
                mean - half > 0,
            )
        for policy in (CONTEXTUAL, SQUARE):
            way = means[ORACLE] - means[SINGLE]
            mean, half = interval((means[policy] - means[SINGLE]) / way)
            judged = policy == CONTEXTUAL
            yield (
                f"{name}: {policy} closes of {SINGLE} -> {ORACLE}, floor of exploration paid",
                f"{mean:.1%} +- {half:.1%}",
                f"at least {CLOSED_BAR:.0%}" if judged else "told only",
                mean >= CLOSED_BAR or not judged,
            )
    colds = [r[CONTEXTUAL].cold.sum() / r[CONTEXTUAL].cold_impressions.sum() for r in results]
    single = [r[SINGLE].cold.sum() / r[SINGLE].cold_impressions.sum() for r in results]
    mean, half = interval(np.array(colds) - np.array(single))
    what = f"titles cold midway: {CONTEXTUAL} less {SINGLE}"
    yield what, f"{mean:+.4f} +- {half:.4f}", "above 0", mean - half > 0


def limit_rows(known: list[dict[str, float]]) -> Iterator[Row]:
    """Why it is no more: what the history tells of a person ends below the oracle."""
    for form in FORMS:
        mean, half = interval(np.array([one[form] for one in known]))
        what = f"with endless data and no exploration, {form}: closes of best image -> {ORACLE}"
        yield what, f"{mean:.1%} +- {half:.1%}", "told only", True


def _mean(one: Run, half: int) -> float:
    first = half * len(one.value) // 2
    return float(one.value[first:].sum() / one.impressions[first:].sum())


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


def dr_rows(estimates: list[Dr]) -> Iterator[Row]:
    errors = np.array([one.error for one in estimates])
    worst, mean = float(np.abs(errors).max()), float(np.abs(errors).mean())
    what = f"DR v truth of the final policy, {len(errors)} seeds: mean |error| {mean:.1%}, worst"
    yield what, f"{worst:.1%}", f"at most {DR_ERROR:.0%}", worst <= DR_ERROR
    covered = float(np.mean([one.covered for one in estimates]))
    yield (
        "DR's interval covers the truth",
        f"{covered:.0%}",
        f"{DR_COVERAGE:.0%}",
        (covered >= DR_COVERAGE),
    )


def propensity_rows() -> Iterator[Row]:
    """Six slots per policy are tested together, so each at the level that makes it 95 % for all."""
    bound = NormalDist().inv_cdf(1 - (1 - LEVEL) / (2 * IMAGES))
    for policy in POLICIES:
        p, shown = drawn(policy)
        off = shown - p
        z = off.mean(axis=0) / (off.std(axis=0, ddof=1) / np.sqrt(len(off)))
        worst = int(np.abs(z).argmax())
        yield (
            f"{policy}: mean of 1[a] - p by slot, {len(p):,} impressions; the worst of {IMAGES}",
            f"{off.mean(axis=0)[worst]:+.5f}, z {z[worst]:+.2f}",
            f"|z| at most {bound:.2f}",
            bool(np.abs(z).max() <= bound),
        )
        weights = 1 / (p * shown).sum(axis=1)
        half = NormalDist().inv_cdf(0.5 + LEVEL / 2) * weights.std(ddof=1) / np.sqrt(len(weights))
        mean = float(weights.mean())
        yield (
            f"{policy}: mean of 1/p",
            f"{mean:.3f} +- {half:.3f}",
            f"{IMAGES}",
            (abs(mean - IMAGES) <= half + 1e-9),
        )


def retention_rows(worlds: list[dict[str, F64]]) -> Iterator[Row]:
    """Day-28 return; the same people with the same luck under both arms, worlds as units."""
    signs = {}
    for name in ("oracle ", ""):
        differences = np.array([w[f"{name}quality"] - w[f"{name}click"] for w in worlds])
        arms = [np.mean([w[f"{name}{arm}"].mean() for w in worlds]) for arm in ("quality", "click")]
        mean, half = interval(differences.mean(axis=1))
        signs[name] = mean
        yield (
            f"day-28 return, {name or 'lin-ts: '}quality play {arms[0]:.1%} less click-greedy "
            f"{arms[1]:.1%}, {len(worlds)} worlds",
            f"{mean:+.2%} +- {half:.2%}",
            "the oracle's sign" if not name else "told only",
            bool(name) or mean * signs["oracle "] > 0,
        )
    covered = [covers for w in worlds for covers in same_arms(w["quality"])]
    share, (low, high) = float(np.mean(covered)), COVERAGE
    yield (
        f"A/A: {len(covered)} splits by arm_of; the report's intervals of the difference cover 0",
        f"{share:.1%}",
        f"{low:.0%} to {high:.0%}",
        low <= share <= high,
    )


def same_arms(came: F64) -> Iterator[bool]:
    """Of SALTS experiments whose arms do the same: does the report's interval cover 0."""
    rng = np.random.default_rng(0)
    start, end = date(2026, 1, 1), date(2027, 1, 1)
    now = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000)
    for salt in range(SALTS):
        arms = (Arm(name="a"), Arm(name="b"))
        split = Experiment(name="aa", salt=f"aa-{salt}", start=start, end=end, share=1, arms=arms)
        first = np.array([arm_of(split, f"u{n}", now) == arms[0] for n in range(len(came))])
        counts = [(int(own.sum()), len(own)) for own in (came[first], came[~first])]
        one, other = (bootstrap_share(returned, users, rng) for returned, users in counts)
        gap = from_draws(float(came[first].mean() - came[~first].mean()), one - other)
        yield gap.low <= 0 <= gap.high


def time_rows() -> Iterator[Row]:
    """A page of 40 titles, one visitor; the posterior is read in the background, not here."""
    world = make_world(np.random.default_rng(0), titles=PAGE_TITLES, people=200, cold=0)
    one = np.zeros(PAGE_TITLES, np.int64)
    titles = np.arange(PAGE_TITLES)
    seen = Visits(
        person=one, device=one, daypart=one, title=titles, position=titles,
        time=np.zeros(PAGE_TITLES), luck=np.zeros((PAGE_TITLES, 4)),
    )  # fmt: skip
    slate, rng = slate_of(world, seen), np.random.default_rng(0)
    sums = Sums()
    for image, x in zip(slate.images.tolist(), slate.features, strict=True):
        sums.see(image, x)
    medians = {}
    for policy in POLICIES:
        made = BY_NAME[policy](posterior(sums, "quality"))
        took = []
        for _ in range(DRAWS_TIMED):
            start = time.perf_counter()
            made.distribution(slate, rng)
            took.append(time.perf_counter() - start)
        medians[policy] = float(np.median(took)) * 1000
        yield (
            f"{policy}: probabilities of {PAGE_TITLES} titles x {IMAGES}, median of {DRAWS_TIMED}",
            f"{medians[policy]:.3f} ms, {medians[policy] / medians[RANDOM]:.0f} x uniform",
            f"at most {DRAW_MS} ms" if policy == CONTEXTUAL else "told only",
            medians[policy] <= DRAW_MS or policy != CONTEXTUAL,
        )


def simulated(seeds: int) -> Iterator[Row]:
    """The rows that need whole runs, two processes at a time."""
    with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
        runs = list(pool.map(run, range(seeds)))
        worlds = list(pool.map(lives, range(LIVES)))
        known = list(pool.map(limits, range(LIVES)))
    results = [result for result, _ in runs]
    yield from order_rows(results)
    yield from limit_rows(known)
    yield from regret_rows(results)
    yield from dr_rows([estimate for _, estimate in runs])
    yield from retention_rows(worlds)


def end_to_end() -> Iterator[Row]:
    """Imported here: it is the only part that needs the whole platform."""
    import artwork_loop

    yield from artwork_loop.rows()


def main() -> int:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    parts: tuple[Callable[[], Iterator[Row] | list[Row]], ...] = (
        time_rows, propensity_rows, lambda: simulated(seeds), ope.checks, end_to_end,
    )  # fmt: skip
    return ope.show([row for part in parts for row in part()])


if __name__ == "__main__":
    sys.exit(main())
