"""Simulated people: an exact oracle, luck that no policy moves, disappointment that tells."""

from dataclasses import replace

import numpy as np
import pytest

from marquee_infra.in_process import (
    Learner,
    Oracle,
    batch_sums,
    live,
    shown_features,
    slate_of,
    stream,
    user_of,
)
from marquee_infra.people import GENRES, return_probability, usually_loved, words
from marquee_infra.simulator import (
    PAGE,
    attention,
    click_probability,
    expected,
    make_world,
    match,
    respond,
    visits,
)
from marquee_shared.context import Context
from marquee_shared.sums import Sums, encode_sums
from marquee_shared.taste import BUCKETS, DAYPARTS, DEVICES, theme_vector, user_features

WORLD = make_world(np.random.default_rng(0), people=300)
POLICIES = ("uniform/1", "best-single/1", "lin-ts/1", "squarecb/1")


def seen_by(seed: int = 0, pages: int = 200, time: float = 0.9):
    return visits(WORLD, np.random.default_rng(seed), pages, time)


def learner(policy: str = "lin-ts/1", seed: int = 1) -> Learner:
    return Learner(WORLD, policy, "quality", np.random.default_rng(seed))


def test_equal_seeds_make_equal_worlds_and_others_do_not():
    again, other = (make_world(np.random.default_rng(seed), people=300) for seed in (0, 1))
    assert (again.pull == WORLD.pull).all()
    assert (again.people.mixture == WORLD.people.mixture).all()
    assert (again.seen_taste == WORLD.seen_taste).all()
    assert not (other.pull == WORLD.pull).any()


@pytest.mark.parametrize("reward", ["click", "quality"])
def test_what_the_oracle_expects_is_what_happens_on_average(reward):
    seen = seen_by()
    truth = expected(WORLD, seen)
    rng = np.random.default_rng(1)
    shown = rng.integers(truth.click.shape[1], size=len(seen.title))
    happened = np.array(
        [
            getattr(respond(truth, replace(seen, luck=rng.random(seen.luck.shape)), shown), reward)
            for _ in range(400)
        ]
    )
    means = getattr(truth, reward)[np.arange(len(shown)), shown]
    error = happened.std(axis=0).mean() / np.sqrt(happened.size)
    assert happened.mean() == pytest.approx(means.mean(), abs=4 * error)
    assert np.corrcoef(happened.mean(axis=0), means)[0, 1] > 0.9


@pytest.mark.parametrize("reward", ["click", "quality"])
def test_no_choice_is_worth_more_than_the_oracles(reward):
    seen = seen_by()
    truth = expected(WORLD, seen)
    worth = getattr(truth, reward)
    served = Oracle(reward).serve(seen, truth)
    assert ((served.distribution * worth).sum(axis=1) == worth.max(axis=1)).all()


def test_same_visitors_come_with_the_same_luck_whatever_serves_them():
    runs = [list(stream(WORLD, learner(policy), 5, 2_000)) for policy in POLICIES]
    for batches in zip(*runs, strict=True):
        for batch in batches[1:]:
            for name in batch.seen.__slots__:
                assert (getattr(batch.seen, name) == getattr(batches[0].seen, name)).all()
            assert (batch.truth.click == batches[0].truth.click).all()


def test_equal_choices_have_equal_outcomes():
    seen = seen_by()
    truth = expected(WORLD, seen)
    a, b = np.zeros(len(seen.title), int), np.arange(len(seen.title)) % 2
    first, second = respond(truth, seen, a), respond(truth, seen, b)
    assert (first.click[a == b] == second.click[a == b]).all()
    assert (first.quality[a == b] == second.quality[a == b]).all()
    assert (first.told_after == second.told_after).all()


def test_better_image_loses_no_click_that_a_worse_one_gets():
    seen = seen_by()
    truth = expected(WORLD, seen)
    best, worst = (respond(truth, seen, of(truth.click, axis=1)) for of in (np.argmax, np.argmin))
    assert (best.click >= worst.click).all()


def test_visitor_who_is_more_satisfied_comes_back_more_surely():
    chances = return_probability(np.linspace(-3, 3, 50))
    assert (np.diff(chances) > 0).all()
    assert 0 < chances[0] < chances[-1] < 1


def test_people_who_get_good_plays_come_back_more_than_those_who_get_bait():
    class Worst:
        def serve(self, seen, truth):
            worst = (truth.quality - truth.click).argmin(axis=1)  # clicked, and soon left
            return type(Oracle("click").serve(seen, truth))(
                image=worst, distribution=np.eye(truth.click.shape[1])[worst]
            )

        def learn(self, seen, served, outcomes):
            return

    good, bad = (live(WORLD, server, 1, 10) for server in (Oracle("quality"), Worst()))
    assert good[0].all()
    assert bad[0].all()
    assert good[5:].mean() > bad[5:].mean() + 0.02


def test_bait_is_clicked_more_and_watched_less_than_the_same_image_without():
    honest = replace(WORLD, bait=np.zeros_like(WORLD.bait), pull=WORLD.pull - 0.7 * WORLD.bait)
    seen = seen_by()
    bait, plain = expected(WORLD, seen), expected(honest, seen)
    where = WORLD.bait[seen.title]
    assert where.any()
    assert (bait.click[where] > plain.click[where]).all()
    assert (bait.quality[where] < plain.quality[where]).all()
    assert bait.click[~where] == pytest.approx(plain.click[~where])


def test_match_counts_the_best_theme_only_and_has_a_threshold():
    loved = np.zeros((1, len(GENRES)))
    loved[0, :2] = 0.9, 0.2
    one, both, other = np.zeros((3, len(GENRES)))
    one[0] = both[:2] = other[1] = 1
    found = match(np.array([[one, both, other]]), loved)
    assert found.tolist() == [[0.9, 0.9, 0.2]]
    odds = np.log(1 / (1 / click_probability(np.array([0, 0.25, 0.5, 0.75, 1]), 0.0) - 1))
    steps = np.diff(odds)
    assert (steps > 0).all()
    assert steps[0] < steps[1] / 3
    assert steps[3] < steps[2]


def test_attention_falls_with_the_position_and_so_do_titles_in_view():
    seen = seen_by(pages=3_000)
    assert (np.diff(attention(np.arange(PAGE))) < 0).all()
    assert seen.position.min() == 0
    counts = np.bincount(seen.position, minlength=PAGE)
    assert counts[0] == 3_000
    assert counts[-1] / 3_000 == pytest.approx(PAGE**-0.7, abs=0.03)


def test_titles_that_join_midway_are_not_seen_before():
    early, late = seen_by(time=0.4), seen_by(time=0.6)
    assert early.title.max() < 40 <= late.title.max()


def test_some_ends_of_plays_are_never_told_and_some_late():
    seen = seen_by(pages=3_000)
    told = respond(expected(WORLD, seen), seen, np.zeros(len(seen.title), int)).told_after
    assert (told < 0).mean() == pytest.approx(0.05, abs=0.01)
    assert told[told >= 0].mean() == pytest.approx(4, abs=1)


def test_late_ends_reach_the_sums_in_the_batch_that_hears_of_them():
    taught = learner("uniform/1")
    batches = list(stream(WORLD, taught, 3, 4_000))
    heard = clicks = 0.0
    for number, batch in enumerate(batches):
        wait = batch.outcomes.told_after
        heard += batch.outcomes.quality[(wait >= 0) & (number + wait <= len(batches))].sum()
        clicks += batch.outcomes.click.sum()
    assert taught.sums.response("click")[0] == pytest.approx(clicks)
    assert taught.sums.response("quality")[0] == pytest.approx(heard)
    assert heard < sum(batch.outcomes.quality.sum() for batch in batches)


def test_sums_of_a_batch_are_those_of_its_impressions_one_by_one():
    seen = seen_by(pages=20)
    features, keys = shown_features(WORLD, seen, np.arange(len(seen.title)) % 6)
    rng = np.random.default_rng(0)
    click = (rng.random(len(keys)) < 0.3).astype(float)
    one_by_one = Sums()
    for key, x, reward in zip(keys.tolist(), features, click.tolist(), strict=True):
        one_by_one.see(key, x)
        one_by_one.reward(key, x, {"click": reward, "quality": reward / 2})
    at_once = batch_sums(features, keys, click, click / 2)
    assert at_once.shared == pytest.approx(one_by_one.shared)
    assert sorted(at_once.images) == sorted(one_by_one.images)
    for key, numbers in one_by_one.images.items():
        assert at_once.images[key] == pytest.approx(numbers)
    assert len(encode_sums(at_once)) == len(encode_sums(one_by_one))


def test_platform_sees_people_and_images_as_online_would():
    seen = seen_by(pages=5)
    for n, user in enumerate(user_of(WORLD, seen)):
        context = Context(device=DEVICES[seen.device[n]], daypart=DAYPARTS[seen.daypart[n]])
        assert user.tolist() == user_features(WORLD.seen_taste[seen.person[n]], context).tolist()
    assert WORLD.seen_themes[3, 2].tolist() == theme_vector(words(WORLD.themes[3, 2])).tolist()
    slate = slate_of(WORLD, seen)
    assert np.diff(slate.starts).tolist() == [6] * len(seen.title)
    features, keys = shown_features(WORLD, seen, np.full(len(seen.title), 4))
    assert slate.features[4::6].tolist() == features.tolist()
    assert slate.images[4::6].tolist() == keys.tolist()


def test_history_is_a_noisy_sign_of_what_people_love():
    true = usually_loved(WORLD.people) @ np.array([theme_vector((genre,)) for genre in GENRES])
    true -= true.mean(axis=1, keepdims=True)
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    seen, longest = WORLD.seen_taste, WORLD.people.plays > 200
    off = [(part - part.mean(axis=0)).ravel() for part in (true, seen)]
    assert 0.5 < np.corrcoef(*off)[0, 1] < 0.95
    errors = ((true - seen) ** 2).sum(axis=1)
    assert errors[longest].mean() < errors[~longest].mean()
    assert seen.shape[1] == BUCKETS < len(GENRES)


def test_drift_moves_people_and_nothing_moves_them_without():
    still, moving = (make_world(np.random.default_rng(0), people=300, drift=d) for d in (0.0, 1.0))
    rows = visits(still, np.random.default_rng(1), 300, 0.0)
    later = replace(rows, time=np.ones(len(rows.title)))
    assert (expected(still, rows).click == expected(still, later).click).all()
    assert (expected(moving, rows).click == expected(still, rows).click).all()
    changed = np.abs(expected(moving, later).click - expected(moving, rows).click)
    assert changed.mean() > 0.01


def test_learning_shows_better_images_than_chance():
    def value(policy):
        batches = list(stream(WORLD, learner(policy), 4, 20_000))[20:]
        worth = [(b.served.distribution * b.truth.quality).sum(axis=1) for b in batches]
        return np.concatenate(worth).mean()

    chance, best, contextual = (value(policy) for policy in POLICIES[:3])
    assert chance < 0.9 * best
    assert chance < 0.9 * contextual
