"""The prior of the artwork bandit: what it believes, how firmly, and when it is left out."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from models import publish, small_model

from marquee_offline.artwork_prior import WORTH, believed, earns, objects, prior_of
from marquee_offline.ope.logged import Log, judge
from marquee_shared.artifact import read_model
from marquee_shared.posterior import Slate, no_prior, posterior, proper
from marquee_shared.sums import Sums
from marquee_shared.taste import BUCKETS, FEATURES, USER_FEATURES, image_features

IMAGES = 3


def log_of(n=4000, users=200, seed=1, effect=0.4):
    """Uniformly logged choices among three images whose match with the user decides the reward."""
    rng = np.random.default_rng(seed)
    who = rng.normal(0, 0.5, (users, USER_FEATURES))
    user = rng.integers(users, size=n)
    themes = np.eye(BUCKETS)[rng.integers(BUCKETS, size=(n, IMAGES))]
    features = image_features(np.repeat(who[user], IMAGES, axis=0), themes.reshape(-1, BUCKETS))
    starts = np.arange(0, n * IMAGES + 1, IMAGES)
    shown = starts[:-1] + rng.integers(IMAGES, size=n)
    reward = (rng.random(n) < np.clip(0.3 + effect * features[shown, 1], 0, 1)).astype(float)
    return Log(
        user=np.unique(user, return_inverse=True)[1],
        reward=reward,
        propensity=np.full(n, 1 / IMAGES),
        starts=starts,
        shown=shown,
        features=features,
        images=np.tile(np.arange(IMAGES), n),
    )


def prior_of_all(log, reward):
    return prior_of(log, np.arange(len(log.shown)), reward)


def judged(log):
    return judge(log, partial(believed, reward="click"), np.random.default_rng(0))


def test_a_prior_prefers_what_the_log_rewarded_before_any_sum():
    prior = prior_of_all(log_of(), "click")
    fresh = posterior(Sums(), "click", prior)
    user = np.zeros(USER_FEATURES)
    user[0] = 1.0
    slate = Slate(
        features=image_features(user, np.eye(BUCKETS)[:2]),
        images=np.array([1, 2]),
        starts=np.array([0, 2]),
    )

    matched, other = slate.features @ fresh.theta
    assert matched > other + 0.1


def test_a_prior_weighs_as_much_as_it_says_and_no_more():
    prior = prior_of_all(log_of(n=8000), "click")

    assert proper(prior)
    assert prior.precision[0, 0] < 2 * WORTH + no_prior().precision[0, 0]


def test_a_credible_estimate_has_no_objection_and_one_with_few_rows_has():
    assert objects(judged(log_of())) == ""
    assert "effective sample size" in earns(judged(log_of()))
    assert "effective sample size" in objects(judged(log_of(n=60, users=30)))


def test_what_is_judged_is_the_prior_without_a_sum_of_the_users_own():
    log = log_of(users=20, n=400)
    before = believed(log, "click").reshape(-1, IMAGES)
    log.reward[log.user == 0] = 1 - log.reward[log.user == 0]
    after = believed(log, "click").reshape(-1, IMAGES)

    changed = {int(u) for u, a, b in zip(log.user, before, after, strict=True) if (a != b).any()}
    assert 0 not in changed
    assert len(changed) == 10


def test_an_estimate_in_doubt_is_an_objection():
    log = log_of()
    wrong = replace(log, propensity=np.full(len(log.shown), 0.5))

    assert "the logged probabilities are wrong" in objects(judged(wrong))


def test_a_model_brings_its_priors_through_the_store(store, tmp_path):
    prior = prior_of_all(log_of(n=500), "quality")

    model_id = publish(store, replace(small_model(), priors={"quality": prior}))
    read = read_model(store, model_id, tmp_path).priors

    assert list(read) == ["quality"]
    np.testing.assert_array_equal(read["quality"].mean, prior.mean)
    np.testing.assert_array_equal(read["quality"].precision, prior.precision)


def test_a_prior_of_other_features_is_left_out_and_the_model_serves(store, tmp_path):
    prior = replace(no_prior(), mean=np.zeros(3), precision=np.eye(3))

    model_id = publish(store, replace(small_model(), priors={"click": prior}))

    assert read_model(store, model_id, tmp_path).priors == {}


def test_a_prior_that_is_no_distribution_is_refused(store, tmp_path):
    from marquee_shared.errors import BadArtifact

    bad = replace(no_prior(), precision=-np.eye(FEATURES))
    model_id = publish(store, replace(small_model(), priors={"click": bad}))

    with pytest.raises(BadArtifact, match="artwork: the prior of click"):
        read_model(store, model_id, tmp_path)
