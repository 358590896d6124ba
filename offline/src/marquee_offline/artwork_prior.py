"""Artwork prior: what the archived log says of images, for a bandit that has few sums yet.

Its mean is the posterior's on the log; its precision is scaled down to WORTH impressions, for
nearline adds up the same log from its own side, and must soon outweigh what is told twice. It goes
into the model only if the policy that it makes is credibly estimated on the log, and not to earn
less than what logged it.
"""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import SparkSession

from marquee_offline.ope.archive_log import read_archive_log
from marquee_offline.ope.candidates import candidate, sums_of
from marquee_offline.ope.estimators import Estimates
from marquee_offline.ope.logged import Log, judge
from marquee_shared.bandit import LinearThompson, Prior, no_prior, posterior
from marquee_shared.errors import BadInput
from marquee_shared.store import Store
from marquee_shared.sums import REWARDS, Reward

WORTH = 500.0  # impressions that a prior weighs as much as
SEED = 17  # of the estimate's folds and resamples


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """The priors that may be promoted, by reward, and a sentence on each that may be or not."""

    priors: dict[str, Prior]
    verdicts: dict[str, str]


def learn_priors(spark: SparkSession, store: Store) -> Learnt:
    """From the archived log, if there is one."""
    priors: dict[str, Prior] = {}
    verdicts: dict[str, str] = {}
    for reward in REWARDS:
        try:
            log = read_archive_log(spark, store, reward).log
        except BadInput as error:
            verdicts[reward] = f"no prior: {error}"
            continue
        found = judge(log, candidate(LinearThompson.name, reward), np.random.default_rng(SEED))
        objection = objects(found)
        verdicts[reward] = f"no prior: {objection}" if objection else earns(found)
        if not objection:
            priors[reward] = prior_of(log, reward)
    return Learnt(priors=priors, verdicts=verdicts)


def objects(found: Estimates) -> str:
    """Why a policy must not be promoted by this estimate, or ''."""
    if found.refused:
        return found.refused
    if found.gain is not None and found.gain.high < 0:
        return f"it would earn less than what logged it ({found.gain.value:+.4f} by DR)"
    return ""


def prior_of(log: Log, reward: Reward) -> Prior:
    """Mean and precision of theta, its precision that of WORTH impressions at most."""
    rows = np.arange(len(log.shown))
    learnt = posterior(sums_of(log, rows, reward), reward)
    covariance = learnt.root @ learnt.root.T / learnt.noise**2
    told = np.linalg.inv(covariance)
    share = min(1.0, WORTH / max(learnt.impressions, 1.0))
    precision = share * (told + told.T) / 2 + (1 - share) * no_prior().precision
    return Prior(mean=learnt.theta, precision=precision)


def earns(found: Estimates) -> str:
    """What a policy is estimated to earn, and how surely."""
    value, size = found.values["dr"], found.diagnostics.effective
    return (
        f"prior of {LinearThompson.name}: {value.value:.4f} by DR (95 % from {value.low:.4f} to "
        f"{value.high:.4f}), logged {found.logged.value:.4f}, effective sample size {size:.0f}"
    )
