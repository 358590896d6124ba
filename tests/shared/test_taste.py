"""Taste in buckets of tags, whatever the model, the letter case and how much somebody plays."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marquee_shared.context import VALUES, Context
from marquee_shared.taste import (
    AXES,
    BUCKETS,
    DAYPARTS,
    DEVICES,
    FEATURES,
    PLACES,
    USER_FEATURES,
    bucket,
    image_features,
    image_key,
    taste,
    theme_vector,
    user_features,
)

SMALL = Path(__file__).parents[2] / "infra" / "datasets" / "ml-latest-small"
GENRES = ("Romance", "Horror")
RARE = {"animation", "mystery", "musical", "war", "western", "film-noir"}  # share a bucket
TAGS = st.sampled_from([*PLACES, "based on a book", "cult", "80s", "Ärzte"])
TOLD = st.tuples(st.lists(TAGS, min_size=1, max_size=4), st.sampled_from([-1.0, 0.3, 1.0, 1.5]))
HISTORIES = st.lists(TOLD, min_size=1, max_size=8)


def told(history, scale=1.0):
    themes = np.array([theme_vector(tags) for tags, _ in history])
    return taste(themes, scale * np.array([weight for _, weight in history]))


@given(st.text(max_size=20))
def test_every_tag_has_a_bucket(tag):
    assert 0 <= bucket(tag) < BUCKETS


@pytest.mark.parametrize("tag", [*PLACES, "cult"])
def test_letter_case_and_space_around_a_tag_do_not_matter(tag):
    assert bucket(tag) == bucket(tag.upper()) == bucket(f" {tag.title()} ")


def test_buckets_are_those_that_logged_tokens_and_sums_were_made_with():
    found = [bucket(tag) for tag in ("Romance", "COMEDY", "horror", "cult", "heist")]
    assert found == [0, 1, 4, 8, 7]  # the last two: CRC-32 modulo 12


def test_genres_that_an_image_must_tell_apart_do_not_fall_together():
    assert len({bucket(tag) for tag in set(PLACES) - RARE}) == BUCKETS


def test_theme_vector_has_length_1_and_is_zero_without_tags():
    found = theme_vector(("Romance", "Comedy", "comedy"))
    assert sorted(found[found > 0]) == pytest.approx([0.5**0.5] * 2)
    assert not theme_vector(()).any()


@given(HISTORIES)
def test_taste_has_length_1_or_none_and_leans_as_much_away_as_towards(history):
    found = told(history)
    assert np.linalg.norm(found) == pytest.approx(1) or not found.any()
    assert found.sum() == pytest.approx(0, abs=1e-9)


@given(HISTORIES, st.sampled_from([0.5, 2.0, 8.0]))
def test_taste_does_not_depend_on_the_scale_of_the_weights(history, scale):
    assert told(history, scale) == pytest.approx(told(history), abs=1e-9)


def test_nobody_leans_anywhere_without_a_history():
    assert not taste(np.zeros((0, BUCKETS)), np.zeros(0)).any()


def test_history_of_romances_leans_to_romance_and_disliked_horror_away_from_it():
    found = told([(["Romance"], 1.0), (["Romance", "Drama"], 1.0), (["Horror"], -1.0)])
    assert found.argmax() == bucket("romance")
    assert found.argmin() == bucket("horror")


def test_user_features_mark_one_device_and_one_daypart_and_none_for_other():
    lean = told([(["Romance"], 1.0)])
    known = user_features(lean, Context(device="tv", daypart="night"))
    assert known.shape == (USER_FEATURES,)
    assert known[:BUCKETS].tolist() == lean.tolist()
    assert known[BUCKETS + DEVICES.index("tv")] == 1.0
    assert known[BUCKETS + len(DEVICES) + DAYPARTS.index("night")] == 1.0
    assert known[BUCKETS:].sum() == 2.0
    assert not user_features(lean, Context())[BUCKETS:].any()


def test_every_device_and_daypart_of_the_context_has_a_feature():
    assert set(DEVICES) == set(VALUES["device"])
    assert set(DAYPARTS) == set(VALUES["daypart"])


def test_image_features_are_one_then_the_match_its_circumstances_and_pairs_of_axes():
    lean = told([(["Romance"], 1.0)])
    user = user_features(lean, Context(device="tv", daypart="evening"))
    themes = np.array([theme_vector(("Romance",)), theme_vector(("Horror",)), theme_vector(())])
    found = image_features(user, themes)
    assert found.shape == (3, FEATURES)
    assert FEATURES <= 32
    assert found[:, 0].tolist() == [1.0, 1.0, 1.0]
    match = [lean[bucket("romance")], lean[bucket("horror")], 0.0]
    assert found[:, 1] == pytest.approx(match)
    assert match[0] > 0 > match[1]
    circumstances = np.outer(match, [0, 1, 0, -1, 0])  # phone, TV, tablet, and the clock
    assert found[:, 2:7] == pytest.approx(circumstances)
    pairs = [np.outer(theme @ AXES, lean @ AXES).ravel() for theme in themes]
    assert found[:, 7:] == pytest.approx(np.array(pairs))
    assert not found[2, 1:].any()


@pytest.mark.parametrize(
    ("context", "features"),
    [
        (Context(), [0, 0, 0, 0, 0]),
        (Context(device="phone", daypart="morning"), [1, 0, 0, 1, 0]),
        (Context(device="tablet", daypart="night"), [0, 0, 1, 0, -1]),
        (Context(device="web", daypart="day"), [0, 0, 0, 0, 1]),
    ],
)
def test_match_counts_apart_by_device_and_by_the_clock(context, features):
    user = user_features(told([(["Horror"], 1.0)]), context)
    found = image_features(user, theme_vector(("Horror",))[None])[0]
    assert found[2:7] == pytest.approx(found[1] * np.array(features, float))


def test_image_of_two_themes_matches_as_its_better_one_does():
    user = user_features(told([(["Romance"], 1.0), (["Horror"], -1.0)]), Context())
    both, one = (image_features(user, theme_vector(t)[None])[0, 1] for t in (GENRES, GENRES[:1]))
    assert both == one > 0


def test_axes_are_those_on_which_the_people_of_ml_latest_small_differ():
    """Halves of each person's ratings, in order of time: the axes of what both tell alike."""
    with (SMALL / "movies.csv").open(encoding="utf-8", newline="") as file:
        genres = {m["movieId"]: m["genres"].split("|") for m in csv.DictReader(file)}
    themes = {m: theme_vector(g) for m, g in genres.items() if g != ["(no genres listed)"]}
    rated = defaultdict(list)
    with (SMALL / "ratings.csv").open(encoding="utf-8", newline="") as file:
        for r in csv.DictReader(file):
            rated[r["userId"]].append((int(r["timestamp"]), int(r["movieId"])))
    leans = []
    for own in rated.values():
        seen = np.array([themes.get(str(movie), theme_vector(())) for _, movie in sorted(own)])
        leans.append([taste(half, np.ones(len(half))) for half in (seen[::2], seen[1::2])])
    one, other = np.moveaxis(leans - np.mean(leans, axis=0), 1, 0)
    alike, axes = np.linalg.eigh(one.T @ other + other.T @ one)
    first = axes[:, ::-1][:, : AXES.shape[1]]
    first *= np.sign((first * AXES).sum(axis=0))  # an axis has no direction
    assert np.abs(first - AXES).max() <= 0.005 + 1e-9  # two digits
    assert alike[::-1][: AXES.shape[1]].sum() / alike.sum() == pytest.approx(0.9, abs=0.01)


def test_features_are_the_same_to_the_last_bit_however_many_rows_are_made_at_once():
    rng = np.random.default_rng(0)
    user, themes = rng.normal(size=USER_FEATURES), rng.random((60, BUCKETS))
    together = image_features(user, themes)
    one_by_one = [image_features(user, row[None])[0] for row in themes]
    assert together.tobytes() == np.array(one_by_one).tobytes()


def test_no_images_have_no_rows():
    assert image_features(np.zeros(USER_FEATURES), np.zeros((0, BUCKETS))).shape == (0, FEATURES)


def test_many_users_before_an_image_each_are_as_one_by_one():
    rng = np.random.default_rng(0)
    users, themes = rng.normal(size=(5, USER_FEATURES)), rng.random((5, BUCKETS))
    one_by_one = [image_features(u, t[None])[0] for u, t in zip(users, themes, strict=True)]
    assert image_features(users, themes) == pytest.approx(np.array(one_by_one))


def test_image_key_holds_the_low_half_of_the_hash_and_the_index():
    assert image_key(0x1234567890ABCDEF, 7) == 0x90ABCDEF07
