"""The artwork bandit: exact probabilities, and the posterior of the model that its page states."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.bandit import (
    EPSILON,
    POLICIES,
    PRIOR_IMAGE,
    BestSingle,
    LinearThompson,
    Prior,
    Slate,
    SquareCB,
    choose,
    no_prior,
    posterior,
)
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
def test_posterior_is_that_of_regression_with_a_column_per_image(reward):
    images, log = 3, log_of(3, 40, 4)
    rng = np.random.default_rng(5)
    root = rng.normal(size=(FEATURES, FEATURES)) / 4
    prior = Prior(mean=rng.normal(size=FEATURES), precision=root @ root.T + 3 * np.eye(FEATURES))
    design = np.array([np.concatenate([x, np.eye(images)[image]]) for image, x, _ in log])
    earned = np.array([r if reward == "click" else r / 2 for _, _, r in log])
    precision = design.T @ design
    precision[:FEATURES, :FEATURES] += prior.precision
    precision[FEATURES:, FEATURES:] += PRIOR_IMAGE * np.eye(images)
    response = design.T @ earned
    response[:FEATURES] += prior.precision @ prior.mean
    whole = np.linalg.solve(precision, response)
    covariance = np.linalg.inv(precision)

    found = posterior(learnt(log), reward, prior)

    assert found.theta == pytest.approx(whole[:FEATURES])
    intercepts = found.intercept - found.shift @ found.theta
    assert intercepts == pytest.approx(whole[FEATURES:])
    assert found.root @ found.root.T / found.noise**2 == pytest.approx(
        covariance[:FEATURES, :FEATURES]
    )
    spread = 1 / found.weight + ((found.shift @ found.root / found.noise) ** 2).sum(axis=1)
    assert spread == pytest.approx(np.diag(covariance)[FEATURES:])


def test_thompsons_probabilities_are_those_of_the_posterior_drawn_half_as_far():
    found = posterior(learnt(log_of(3, 300, 6)), "click")
    x = np.random.default_rng(7).normal(size=(2, FEATURES)) / 2
    x[:, 0] = 1.0
    slate = Slate(features=x, images=np.array([1, 500]), starts=np.array([0, 2]))  # one is known
    apart = np.array([x[0] - found.shift[1], x[1]])
    mean = apart @ found.theta + [found.intercept[1], 0.0]
    variance = ((apart[0] - apart[1]) @ found.root) ** 2
    own = found.noise**2 * (1 / found.weight[1] + 1 / 15)
    exact = NormalDist().cdf(float((mean[0] - mean[1]) / (0.5 * np.sqrt(variance.sum() + own))))
    rng = np.random.default_rng(8)
    p = [LinearThompson(found).distribution(slate, rng)[0] for _ in range(1_000)]
    assert 0.2 < exact < 0.35  # by the whole spread it would be 0.1 nearer to a half
    assert np.mean(p) == pytest.approx(0.99 * exact + 0.005, abs=0.01)


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
