"""Off-policy: one candidate policy judged on one log, as `marquee-offline ope` does it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from pyspark.sql import SparkSession

from marquee_offline.impressions import Counts
from marquee_offline.ope.archive_log import read_archive_log
from marquee_offline.ope.candidates import candidate
from marquee_offline.ope.estimators import Estimates
from marquee_offline.ope.logged import judge, uniform
from marquee_offline.ope.obd import read_obd, thompson
from marquee_shared.archive import is_simulated
from marquee_shared.errors import BadInput
from marquee_shared.store import Store
from marquee_shared.sums import REWARDS, Reward

ARCHIVE = "archive"
OBD = "obd:"
OBD_POLICIES = ("uniform", "bts")
SEED = 7  # of folds and bootstrap: the same log gives the same report


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. Intervals are 95 %, over users."""

    log: str
    policy: str
    reward: str
    unit: str  # what is resampled
    estimates: Estimates
    counts: Counts | None = None  # of the archive's join
    simulated: tuple[str, ...] = ()  # sources of synthetic users


def judge_archive(spark: SparkSession, store: Store, policy: str, reward: str) -> Judged:
    """A policy of `marquee_shared.bandit` on the platform's own log. Raises BadInput."""
    wanted = reward_of(reward)
    chosen = candidate(policy, wanted)  # before the work: a name that is none is told at once
    read = read_archive_log(spark, store, wanted)
    return Judged(
        log=store.url,
        policy=policy,
        reward=reward,
        unit="users",
        estimates=judge(read.log, chosen, np.random.default_rng(SEED)),
        counts=read.counts,
        simulated=tuple(source for source in read.sources if is_simulated(source)),
    )


def judge_obd(where: str, policy: str) -> Judged:
    """A policy on `obd:FOLDER[:CAMPAIGN]`, FOLDER that of the policy that logged. Raises
    BadInput."""
    folder, campaign = _parsed(where)
    if policy not in OBD_POLICIES:
        raise BadInput("policy", f"expected one of {', '.join(OBD_POLICIES)} for this log")
    chosen = uniform if policy == "uniform" else thompson(folder, campaign)
    return Judged(
        log=f"Open Bandit, {campaign}, logged by {folder.name}",
        policy=policy,
        reward="click",
        unit="rows, for the format does not tell users apart",
        estimates=judge(read_obd(folder, campaign), chosen, np.random.default_rng(SEED)),
    )


def reward_of(name: str) -> Reward:
    """Raises BadInput for what is no reward."""
    for reward in REWARDS:
        if reward == name:
            return reward
    raise BadInput("reward", f"expected one of {', '.join(REWARDS)}")


def _parsed(where: str) -> tuple[Path, str]:
    parts: Sequence[str] = where.removeprefix(OBD).split(":")
    if not where.startswith(OBD) or not parts[0] or len(parts) > 2:
        raise BadInput("log", f"expected {ARCHIVE} or {OBD}FOLDER[:CAMPAIGN]")
    return Path(parts[0]).resolve(), parts[1] if len(parts) == 2 else "all"
