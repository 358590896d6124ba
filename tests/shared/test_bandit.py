"""The artwork bandit: exact probabilities, and the posterior of the model that its page states."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.bandit import (
    EPSILON,
    POLICIES,
    BestSingle,
    LinearThompson,
    SquareCB,
    choose,
)
from marquee_shared.posterior import PRIOR_OWN, Prior, Slate, against, no_prior, posterior
from marquee_shared.sums import Sums
from marquee_shared.taste import FEATURES

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=8)
SEEDS = st.integers(0, 2**32 - 1)
NAMES = sorted(POLICIES)


def slate_of(sizes: list[int], seed: int = 0) -> Slate:
    """Titles with so many images; every third image has never been seen."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(sum(sizes), FEATURES)) / 4
    features[:, 0] = 1.0
    return Slate(
        features=features,
        images=np.arange(sum(sizes)) * 3,
        starts=np.cumsum([0, *sizes]),
    )


def log_of(images: int, events: int, seed: int) -> list[tuple[int, np.ndarray, float]]:
    rng = np.random.default_rng(seed)
    told = []
    for _ in range(events):
        x = np.concatenate([[1.0], rng.normal(size=FEATURES - 1) / 4])
        told.append((int(rng.integers(images)), x, float(rng.random() < 0.2)))
    return told


def learnt(log: list[tuple[int, np.ndarray, float]]) -> Sums:
    sums = Sums()
    for image, x, reward in log:
        sums.see(image, x)
        sums.reward(image, x, {"click": reward, "quality": reward / 2})
    return sums


@pytest.mark.parametrize("name", NAMES)
@given(sizes=SIZES, seed=SEEDS, events=st.integers(0, 60))
def test_each_titles_probabilities_sum_to_1_above_the_floor(name, sizes, seed, events):
    slate = slate_of(sizes, seed)
    policy = POLICIES[name](posterior(learnt(log_of(20, events, seed)), "click"))
    p = policy.distribution(slate, np.random.default_rng(seed))
    titles = np.split(p, slate.starts[1:-1])
    assert p.shape == (sum(sizes),)
    for title, size in zip(titles, sizes, strict=True):
        assert title.sum() == pytest.approx(1)
        assert title.min() >= EPSILON / size - 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_policy_names_carry_a_version_and_are_what_they_are_found_by(name):
    assert POLICIES[name](posterior(Sums(), "click")).name == name
    assert name.rpartition("/")[2].isdigit()


@pytest.mark.parametrize("name", NAMES)
def test_equal_generators_give_equal_probabilities(name):
    policy = POLICIES[name](posterior(learnt(log_of(20, 50, 1)), "quality"))
    first, again = (
        policy.distribution(slate_of([6] * 10), np.random.default_rng(5)) for _ in range(2)
    )
    assert first.tolist() == again.tolist()


def test_choices_come_as_often_as_their_probability_says():
    slate = slate_of([1, 2, 6, 9])
    policy = LinearThompson(posterior(learnt(log_of(20, 200, 2)), "click"))
    rng = np.random.default_rng(3)
    p = policy.distribution(slate, rng)
    draws = 20_000
    counts = np.bincount(
        np.concatenate([choose(p, slate, rng) for _ in range(draws)]), minlength=len(p)
    )
    chi_square = ((counts - draws * p) ** 2 / (draws * p)).sum()
    freedom = len(p) - 4
    assert chi_square < freedom + 4 * np.sqrt(2 * freedom)  # four standard deviations
    assert np.add.reduceat(counts, slate.starts[:-1]).tolist() == [draws] * 4


@given(SIZES, SEEDS)
def test_every_choice_is_among_its_titles_candidates(sizes, seed):
    slate = slate_of(sizes)
    rng = np.random.default_rng(seed)
    p = np.concatenate([rng.dirichlet(np.ones(size)) for size in sizes])
    chosen = choose(p, slate, rng)
    assert (chosen >= slate.starts[:-1]).all()
    assert (chosen < slate.starts[1:]).all()


@pytest.mark.parametrize("reward", ["click", "quality"])
def test_scores_are_those_of_regression_with_a_column_per_title_and_image(reward):
    """Of two images of one title, one of another; beside them an image that nobody has seen of the
    first title, and one of a title that nobody has seen."""
    keys, titles = [1, 2, 256, 3, 512], [0, 0, 1, 0, 2]
    log = [(keys[n], x, r) for n, x, r in log_of(3, 40, 4)]
    rng = np.random.default_rng(5)
    root = rng.normal(size=(FEATURES, FEATURES)) / 4
    prior = Prior(mean=rng.normal(size=FEATURES), precision=root @ root.T + 3 * np.eye(FEATURES))

    def row(x, key):
        place = keys.index(key)
        return np.concatenate([x, np.eye(3)[titles[place]], np.eye(5)[place]])

    design = np.array([row(x, key) for key, x, _ in log])
    earned = np.array([r if reward == "click" else r / 2 for _, _, r in log])
    believed = np.zeros((FEATURES + 8, FEATURES + 8))
    believed[:FEATURES, :FEATURES] = prior.precision
    believed[FEATURES:, FEATURES:] = PRIOR_OWN * np.eye(8)
    covariance = np.linalg.inv(design.T @ design + believed)
    response = design.T @ earned
    response[:FEATURES] += prior.precision @ prior.mean
    found = posterior(learnt(log), reward, prior)
    candidates = rng.normal(size=(5, FEATURES))
    slate = Slate(features=candidates, images=np.array(keys), starts=np.array([0, 5]))
    wanted = np.array([row(x, key) for x, key in zip(candidates, keys, strict=True)])

    known = against(found, slate)

    assert found.theta == pytest.approx((covariance @ response)[:FEATURES])
    scores = known.features @ found.theta + known.intercept
    assert scores == pytest.approx(wanted @ covariance @ response)
    shared = ((known.features @ found.root / found.noise) ** 2).sum(axis=1)
    spread = np.einsum("nd,de,ne->n", wanted, covariance, wanted)
    assert shared + known.own**2 + known.title**2 == pytest.approx(spread)


def test_thompsons_probabilities_are_those_of_the_posterior_drawn_half_as_far():
    """Of an image that was seen, and of one of its title that was not."""
    found = posterior(learnt(log_of(3, 300, 6)), "click")
    x = np.random.default_rng(10).normal(size=(2, FEATURES)) / 2
    slate = Slate(features=x, images=np.array([1, 7]), starts=np.array([0, 2]))
    known = against(found, slate)
    mean = known.features @ found.theta + known.intercept
    shared = ((known.features[0] - known.features[1]) @ found.root) ** 2
    apart = (known.own**2).sum() + (known.title[0] - known.title[1]) ** 2  # one title's own
    spread = np.sqrt(shared.sum() + found.noise**2 * apart)
    exact = NormalDist().cdf(float((mean[0] - mean[1]) / (0.5 * spread)))
    rng = np.random.default_rng(8)
    p = [LinearThompson(found).distribution(slate, rng)[0] for _ in range(1_000)]
    assert 0.15 < exact < 0.4 or 0.6 < exact < 0.85
    assert np.mean(p) == pytest.approx(0.99 * exact + 0.005, abs=0.01)


def test_new_image_starts_from_what_its_title_earns():
    sums, x = Sums(), np.eye(FEATURES)[:1]
    for n in range(400):
        sums.see(1 if n % 2 else 257, x[0])
        sums.reward(1, x[0], {"click": float(n % 2)})  # the title of image 1 earns, 257's does not
    found = posterior(sums, "click")
    slate = Slate(features=x.repeat(2, 0), images=np.array([2, 258]), starts=np.array([0, 2]))
    earns, does_not = against(found, slate).intercept
    assert earns > does_not + 0.2


def two_themes() -> tuple[Sums, Slate]:
    """What was seen: of two kinds of image, told apart by feature 2, one earns and one does not.
    The slate: an image of either kind that nobody has seen."""
    x = np.zeros((2, FEATURES))
    x[:, 0] = 1.0
    x[:, 2] = 1.0, -1.0
    sums = Sums()
    for n in range(4_000):
        sums.see(n % 20, x[n % 2])
        if n % 2 == 0 and n % 4 == 0:
            sums.reward(n % 20, x[0], {"click": 1.0})
    return sums, Slate(features=x, images=np.array([500, 501]), starts=np.array([0, 2]))


@pytest.mark.parametrize("kind", [LinearThompson, SquareCB])
def test_new_image_starts_from_what_its_features_promise(kind):
    sums, slate = two_themes()
    found = posterior(sums, "click")
    assert found.theta @ slate.features[0] > 0.4 > 0.1 > found.theta @ slate.features[1]
    p = kind(found).distribution(slate, np.random.default_rng(0))
    assert p[0] > 0.9


def test_best_single_cannot_tell_new_images_apart():
    sums, slate = two_themes()
    p = BestSingle(posterior(sums, "click")).distribution(slate, np.random.default_rng(0))
    assert 0.25 < p[0] < 0.75


@pytest.mark.parametrize("kind", [BestSingle, LinearThompson, SquareCB])
def test_image_that_earns_more_is_shown_more_whoever_looks(kind):
    sums, x = Sums(), np.eye(FEATURES)[0]
    for n in range(2_000):
        sums.see(n % 2, x)
        if n % 20 == 0:  # 10 % of image 0, none of image 1
            sums.reward(0, x, {"click": 1.0})
    slate = Slate(features=np.array([x, x]), images=np.array([0, 1]), starts=np.array([0, 2]))
    p = kind(posterior(sums, "click")).distribution(slate, np.random.default_rng(0))
    assert p[0] > 0.9


def test_images_that_never_earned_anything_still_share_a_probability_of_1():
    sums, x = Sums(), np.eye(FEATURES)[0]
    for n in range(20_000):  # a Beta so close to 0 that most draws of it are 0
        sums.see(n % 3, x)
    slate = Slate(features=np.array([x] * 3), images=np.arange(3), starts=np.array([0, 3]))
    p = BestSingle(posterior(sums, "quality")).distribution(slate, np.random.default_rng(0))
    assert p.sum() == pytest.approx(1)


def test_nothing_learnt_means_uniform_for_squarecb_and_nearly_so_for_sampling():
    slate = slate_of([6] * 50)
    for name in NAMES:
        p = POLICIES[name](posterior(Sums(), "click")).distribution(slate, np.random.default_rng(1))
        assert p.reshape(50, 6).mean(axis=0) == pytest.approx(np.full(6, 1 / 6), abs=0.1)


def test_prior_alone_is_the_posterior_of_no_sums():
    prior = Prior(mean=np.arange(FEATURES) / 10, precision=no_prior().precision)
    assert posterior(Sums(), "click", prior).theta == pytest.approx(prior.mean)
