"""The artwork bandit against a truth that is known: the simulator's people, policies in process.

Needs nothing but this machine; some ten minutes on two cores. The regret of the policies goes
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
from statistics import NormalDist

import numpy as np
import ope
from bandit_limits import FORMS, limits
from bandit_runs import (
    CONTEXTUAL,
    IMAGES,
    IMPRESSIONS,
    LEVEL,
    LOGS,
    ORACLE,
    POLICIES,
    RANDOM,
    SINGLE,
    SQUARE,
    Dr,
    Run,
    drawn,
    drifting,
    interval,
    lives,
    run,
)
from ope import Row
from regret import regret_rows

from marquee_infra.in_process import slate_of
from marquee_infra.simulator import Visits, make_world
from marquee_offline.outcomes.interval import bootstrap_share, from_draws
from marquee_shared.bandit import POLICIES as BY_NAME
from marquee_shared.experiment import Arm, Experiment, arm_of
from marquee_shared.fold_in import F64
from marquee_shared.posterior import posterior
from marquee_shared.sums import Sums

SEEDS = 20
WORKERS = 2  # each with one BLAS thread, as the Makefile says
ORDER = (RANDOM, SINGLE, CONTEXTUAL, ORACLE)
CLOSED_BAR = 0.7  # of best-single to oracle
DR_ERROR, DR_COVERAGE = 0.05, 0.9
LIVES = 5  # worlds that retention, drift and the limits of what can be known are measured in
SALTS = 1000  # of experiments that split the people of each world into A and A
COVERAGE = (0.94, 0.96)  # of 95 % intervals over 5,000 splits, whose own error is 0.3 %
PAGE_TITLES, DRAWS_TIMED, DRAW_MS = 40, 500, 0.3


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
            mean, half = interval(closed(results, policy, until))
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


def drift_rows(still: list[dict[str, Run]], moved: list[dict[str, Run]]) -> Iterator[Row]:
    """People who become others: what it costs that neither sums nor the tastes known forget. The
    platform's tastes do, by new plays; the simulator's are those of time 0."""
    costs = closed(still[: len(moved)], CONTEXTUAL, 1) - closed(moved, CONTEXTUAL, 1)
    mean, half = interval(costs)
    what = f"people half become others, nobody's taste is told anew: {CONTEXTUAL} closes less by"
    yield f"latter half: {what}", f"{mean:.1%} +- {half:.1%}", "told only", True


def closed(results: list[dict[str, Run]], policy: str, half: int) -> F64:
    """Of the way from the best single image to the oracle, per world; half 1 is the latter."""
    single, other, best = (
        np.array([_mean(r[name], half) for r in results]) for name in (SINGLE, policy, ORACLE)
    )
    return np.asarray((other - single) / (best - single))


def _mean(one: Run, half: int) -> float:
    first = half * len(one.value) // 2
    return float(one.value[first:].sum() / one.impressions[first:].sum())


def dr_rows(estimates: list[list[Dr]]) -> Iterator[Row]:
    """Judged by a log as long as the run; a shorter one tells what length it takes."""
    for length, found in zip(LOGS, zip(*estimates, strict=True), strict=True):
        errors = np.abs([one.error for one in found])
        worst, covered = float(errors.max()), float(np.mean([one.covered for one in found]))
        told = length < IMPRESSIONS
        log = f"DR v truth of the final policy, {len(found)} seeds, a log of {length:,}:"
        yield (
            f"{log} mean |error| {errors.mean():.1%}, worst",
            f"{worst:.1%}",
            "told only" if told else f"at most {DR_ERROR:.0%}",
            told or worst <= DR_ERROR,
        )
        yield (
            f"{log} its interval covers",
            f"{covered:.0%}",
            "told only" if told else f"at least {DR_COVERAGE:.0%}",
            told or covered >= DR_COVERAGE,
        )


def propensity_rows() -> Iterator[Row]:
    """Every slot of every policy, and every mean of 1/p, are tested together: each at the level
    that makes it 95 % for all."""
    bound = NormalDist().inv_cdf(1 - (1 - LEVEL) / (2 * len(POLICIES) * (IMAGES + 1)))
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
        half = bound * weights.std(ddof=1) / np.sqrt(len(weights))
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
        moved = list(pool.map(drifting, range(LIVES)))
    results = [result for result, _ in runs]
    yield from order_rows(results)
    yield from limit_rows(known)
    if seeds >= LIVES:  # the same worlds with and without
        yield from drift_rows(results, moved)
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
