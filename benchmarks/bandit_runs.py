"""Policies in simulated worlds, each run a pure function of its seed: what `bandit.py` judges."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from marquee_infra.in_process import Batch, Learner, Oracle, Server, live, slate_of, stream
from marquee_infra.simulator import World, expected, make_world, visits
from marquee_offline.ope.logged import Log, judge
from marquee_shared.bandit import EPSILON, Policy
from marquee_shared.fold_in import F64
from marquee_shared.sums import REWARDS

IMPRESSIONS, TITLES, IMAGES, COLD = 200_000, 50, 6, 10
RANDOM, SINGLE, CONTEXTUAL, SQUARE = "uniform/1", "best-single/1", "lin-ts/1", "squarecb/1"
ORACLE = "oracle"
POLICIES = (RANDOM, SINGLE, CONTEXTUAL, SQUARE)
LOGS = (40_000, IMPRESSIONS)  # lengths of the logs that DR judges the final policy by
VALUED_PAGES = 25_000  # of the truth
DRIFT = 0.5  # in the worlds whose people move: at the end they are half others
PEOPLE, DAYS = 2000, 29  # of a life: days 0 to 28
LEVEL = 0.95
DRAWN = IMPRESSIONS  # of each policy, that its propensities are tested on: 1/p has a long tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one policy did in one world, batch by batch `(batches,)`; sums over impressions."""

    impressions: F64
    value: F64  # exact mean reward of the distributions served
    regret: F64  # what the oracle would have had more
    floor: F64  # the part of it that the exploration floor costs
    cold: F64  # value of the titles that joined midway
    cold_impressions: F64


@dataclass(frozen=True, slots=True, kw_only=True)
class Dr:
    """An estimate of the final policy from another policy's log, and the truth."""

    error: float  # relative
    covered: bool


def interval(values: F64, level: float = LEVEL) -> tuple[float, float]:
    """Mean over worlds, and half the width of Student's interval."""
    half = student.ppf(0.5 + level / 2, len(values) - 1) * values.std(ddof=1)
    return float(values.mean()), float(half / np.sqrt(len(values)))


def run(seed: int) -> tuple[dict[str, Run], list[Dr]]:
    """One world: every policy on the same visitors with the same luck; clicks are the reward."""
    world = make_world(np.random.default_rng(seed), titles=TITLES, images=IMAGES, cold=COLD)
    runs, learners = _runs(world, POLICIES, seed, 1)
    final = learners[CONTEXTUAL].policy()
    return runs, [_dr(world, final, seed, length) for length in LOGS]


def drifting(seed: int) -> dict[str, Run]:
    """The same where people become others: neither the sums nor the tastes known forget."""
    rng = np.random.default_rng(seed)
    world = make_world(rng, titles=TITLES, images=IMAGES, cold=COLD, drift=DRIFT)
    return _runs(world, (SINGLE, CONTEXTUAL), seed, 7)[0]


def _runs(
    world: World, policies: tuple[str, ...], seed: int, draw: int
) -> tuple[dict[str, Run], dict[str, Learner]]:
    """The oracle and each policy, and what these have learnt; `draw` parts their chance."""
    runs, learners = {ORACLE: _run(world, Oracle("click"), ORACLE, seed)}, {}
    for number, name in enumerate(policies):
        rng = np.random.default_rng([seed, draw, number])
        learners[name] = Learner(world, name, "click", rng)
        runs[name] = _run(world, learners[name], name, seed)
    return runs, learners


def _run(world: World, server: Server, name: str, seed: int) -> Run:
    told = [_of(batch, name) for batch in stream(world, server, seed, IMPRESSIONS)]
    return Run(**dict(zip(Run.__slots__, np.array(told).T, strict=True)))


def _of(batch: Batch, name: str) -> tuple[float, ...]:
    """The numbers of a Run, of one batch."""
    truth, p = batch.truth.click, batch.served.distribution
    values, best = (p * truth).sum(axis=1), truth.max(axis=1)
    epsilon = 0.0 if name in (ORACLE, RANDOM) else EPSILON
    exploited = (values - epsilon * truth.mean(axis=1)) / (1 - epsilon)
    cold = batch.seen.title >= TITLES - COLD
    return (
        len(values),
        values.sum(),
        (best - values).sum(),
        (exploited - values).sum(),
        values[cold].sum(),
        cold.sum(),
    )


def _dr(world: World, final: Policy, seed: int, length: int) -> Dr:
    """The log: a younger policy before visits that the final one never learnt from, published after
    every batch. The truth: the exact mean over as many other pages as make it one."""
    young = Learner(world, CONTEXTUAL, "click", np.random.default_rng([seed, 2]))
    batches = list(stream(world, young, seed + 10_000, length, since=0.75))
    rng = np.random.default_rng([seed, 3])
    judged = [final.distribution(slate_of(world, batch.seen), rng) for batch in batches]
    said = judge(_log(world, batches), lambda _: np.concatenate(judged), rng).values["dr"]
    earned = []
    for _ in range(VALUED_PAGES // 1000):
        seen = visits(world, rng, 1000, 1.0)
        p = final.distribution(slate_of(world, seen), rng).reshape(-1, IMAGES)
        earned.append((p * expected(world, seen).click).sum(axis=1))
    truth = float(np.concatenate(earned).mean())
    return Dr(error=said.value / truth - 1, covered=said.low <= truth <= said.high)


def _log(world: World, batches: list[Batch]) -> Log:
    """As the archive would give it."""
    slates = [slate_of(world, batch.seen) for batch in batches]
    image = np.concatenate([batch.served.image for batch in batches])
    person = np.concatenate([batch.seen.person for batch in batches])
    rows = np.arange(len(image))
    p = np.concatenate([batch.served.distribution for batch in batches])
    return Log(
        user=np.unique(person, return_inverse=True)[1],
        reward=np.concatenate([batch.outcomes.click for batch in batches]),
        propensity=p[rows, image],
        starts=np.arange(len(image) + 1) * IMAGES,
        shown=rows * IMAGES + image,
        features=np.concatenate([slate.features for slate in slates]),
        images=np.concatenate([slate.images for slate in slates]),
    )


def drawn(policy: str) -> tuple[F64, F64]:
    """What a policy logged in one world: distributions `(n, images)`, and 1 at what was shown."""
    world = make_world(np.random.default_rng(1))
    server = Learner(world, policy, "quality", np.random.default_rng([1, 1]))
    served = [batch.served for batch in stream(world, server, 1, DRAWN)]
    image = np.concatenate([part.image for part in served])
    return np.concatenate([part.distribution for part in served]), np.eye(IMAGES)[image]


def lives(seed: int) -> dict[str, F64]:
    """Who came on day 28 `(people,)`, by what served everybody for the days before: a policy that
    learns from clicks or from quality, and an oracle of either. Same people, same luck."""
    world = make_world(np.random.default_rng([seed, 4]), people=PEOPLE, cold=0)
    came = {}
    for reward in REWARDS:
        learner = Learner(world, CONTEXTUAL, reward, np.random.default_rng([seed, 5]))
        came[reward] = live(world, learner, seed, DAYS)[-1]
        came[f"oracle {reward}"] = live(world, Oracle(reward), seed, DAYS)[-1]
    return came
