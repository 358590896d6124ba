"""Artwork prior: what the archived log says of images, for a bandit that has few sums yet.

Its mean is the posterior's on the log; its precision is scaled down to WORTH impressions, for
nearline adds up the same log from its own side, and must soon outweigh what is told twice.

It goes into the model only if the policy that it makes is credibly estimated on the log, without a
doubt, and not to earn less than what logged it. Judged is LinearThompson with such a prior and no
sums, as it serves on its first page: each half of the users by the prior of the other half, so that
nobody is judged by what they taught. The prior that is promoted is that of all users.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from pyspark.sql import SparkSession

from marquee_offline.ope.archive_log import read_archive_log
from marquee_offline.ope.candidates import sums_of, trained_apart
from marquee_offline.ope.estimators import Estimates
from marquee_offline.ope.logged import Log, judge
from marquee_shared.bandit import LinearThompson
from marquee_shared.errors import BadInput
from marquee_shared.fold_in import F64
from marquee_shared.model import I64
from marquee_shared.posterior import Posterior, Prior, no_prior, posterior
from marquee_shared.store import Store
from marquee_shared.sums import REWARDS, Reward, Sums

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
        found = judge(log, partial(believed, reward=reward), np.random.default_rng(SEED))
        objection = objects(found)
        verdicts[reward] = f"no prior: {objection}" if objection else earns(found)
        if not objection:
            priors[reward] = prior_of(log, np.arange(len(log.shown)), reward)
    return Learnt(priors=priors, verdicts=verdicts)


def objects(found: Estimates) -> str:
    """Why a policy must not be promoted by this estimate, or ''."""
    if found.refused or found.doubt:
        return found.refused or found.doubt
    if found.gain is not None and found.gain.high < 0:
        return f"it would earn less than what logged it ({found.gain.value:+.4f} by DR)"
    return ""


def believed(log: Log, reward: Reward) -> F64:
    """Every candidate's probability `(m,)`, by the policy that the prior of the other half's users
    makes before there are sums."""

    def learn(log: Log, rows: I64) -> Posterior:
        return posterior(Sums(), reward, prior_of(log, rows, reward))

    return trained_apart(log, LinearThompson.name, learn)


def prior_of(log: Log, rows: I64, reward: Reward) -> Prior:
    """Mean and precision of theta from these rows, its precision that of WORTH impressions at
    most."""
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
