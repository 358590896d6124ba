"""What the bandit learns from a partition's events, event by event."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from models import small_model

from marquee_nearline.learn import Learnt, credible, image_keys, learn
from marquee_shared.artwork import default_artworks, encode_artworks
from marquee_shared.context import Context
from marquee_shared.credit import ATTRIBUTION_MS, Credit, Credited, sign
from marquee_shared.event import Event, Seen
from marquee_shared.ids import item_hash, low_hash
from marquee_shared.images import Images
from marquee_shared.seen import (
    CLICKS_PER_HOUR,
    FULL_QUALITY,
    HOUR_MS,
    IMPRESSIONS_PER_HOUR,
    MOST,
)
from marquee_shared.sums import Sums
from marquee_shared.taste import image_features, image_key, taste, theme_vector, user_features

KEYS = {"k1": b"0123456789abcdef"}
NOW = 1_800_000_000_000
GENRES = ("Romance", "Comedy")
USER = user_features(
    taste(theme_vector(["Romance"])[None], np.ones(1)), Context(device="tv", daypart="night")
)


@pytest.fixture(scope="module")
def images():
    model = small_model(n_items=4)
    items = [
        replace(
            item,
            genres=GENRES,
            artworks=encode_artworks(default_artworks(item.item_id, GENRES)),
        )
        for item in model.items
    ]
    return Images(replace(model, items=items))


def token(user="u1", decision="d1", items=("m0", "m1"), at=NOW, artwork=1, features=USER):
    choices = tuple(
        Credited(item=low_hash(i), artwork=artwork, policy="lin-ts/1", propensity=0.5)
        for i in items
    )
    credit = Credit(
        decision_id=decision,
        user=item_hash(user),
        issued_at=at,
        taste=tuple(features.tolist()),
        choices=choices,
    )
    return sign(credit, "k1", KEYS["k1"])


def seen(*items, user="u1", at=NOW, session=None, credit=None, number=0):
    return Event(
        event_id=f"seen-{user}-{at}-{number}",
        user_id=user,
        type="impressions",
        at=at,
        accepted_at=at,
        session_id=session,
        seen=tuple(Seen(item_id=i, row=0, position=p) for p, i in enumerate(items)),
        credit=credit or token(user=user),
    )


def outcome(kind, item="m0", user="u1", at=NOW + 1000, credit=None, **fields):
    return Event(
        event_id=f"{kind}-{item}-{at}",
        user_id=user,
        type=kind,
        at=at,
        accepted_at=at,
        item_id=item,
        credit=credit or token(user=user),
        **fields,
    )


def after(events, images, learnt=None):
    learnt = learnt or Learnt(Sums(), {}, Counter())
    found, refused = credible(events, KEYS)
    learnt.counts += refused
    learn(found, learnt, images)
    return learnt


def key(item, artwork=1):
    return image_key(item_hash(item), artwork)


def features(images, item="m0", artwork=1):
    half = USER.astype(np.float16).astype(float)  # what a token carries
    return image_features(half, images.themes(low_hash(item), artwork)[None])[0]


def test_a_seen_image_counts_at_once_with_its_reward_still_unknown(images):
    learnt = after([seen("m0", "m1")], images)

    x = features(images)
    np.testing.assert_array_equal(
        learnt.sums.precision, np.outer(x, x) + np.outer(*[features(images, "m1")] * 2)
    )
    assert learnt.sums.images[key("m0")].tolist() == [*x, 0.0, 0.0]
    assert learnt.sums.response("click").tolist() == [0.0] * len(x)


def test_an_image_that_was_not_seen_teaches_nothing(images):
    learnt = after([seen("m0")], images)

    assert list(learnt.sums.images) == [key("m0")]


def test_a_play_to_the_end_earns_a_click_and_full_quality_once(images):
    events = [seen("m0"), outcome("play"), outcome("complete"), outcome("complete", at=NOW + 2000)]

    learnt = after(events, images)

    assert learnt.sums.images[key("m0")][-2:].tolist() == [1.0, 1.0]
    assert learnt.sums.impressions == 1
    assert learnt.counts["outcome_before"] == 1


def test_quality_is_the_best_share_watched_however_it_is_reported(images):
    stops = [
        outcome("stop", at=NOW + n, watched_s=watched, runtime_s=100.0)
        for n, watched in enumerate((20.0, 60.0, 40.0))
    ]

    learnt = after([seen("m0"), *stops], images)

    expected = round(0.6 * FULL_QUALITY) / FULL_QUALITY
    assert learnt.sums.images[key("m0")][-2:].tolist() == [1.0, pytest.approx(expected)]


def test_an_outcome_without_an_impression_proves_that_it_was_seen(images):
    learnt = after([outcome("click")], images)

    assert learnt.sums.images[key("m0")][0] == 1
    assert learnt.sums.images[key("m0")][-2:].tolist() == [1.0, 0.0]


def test_an_impression_reported_twice_counts_once(images):
    learnt = after([seen("m0"), seen("m0", number=1)], images)

    assert learnt.sums.impressions == 1
    assert learnt.counts["seen_before"] == 1


def test_a_play_on_a_repeat_earns_for_the_first_showing_by_its_own_features(images):
    repeat = token(decision="d2", items=("m1",), features=-USER)  # m0 was shown in s1 before
    events = [
        seen("m0", session="s1"),
        seen("m0", session="s1", credit=repeat, number=1),
        outcome("complete", credit=repeat, session_id="s1"),
        outcome("complete", credit=repeat, session_id="s1", at=NOW + 2000),
    ]

    learnt = after(events, images)

    assert learnt.counts == {"impression": 1, "repeat": 1, "outcome": 1, "outcome_before": 1}
    assert learnt.sums.images[key("m0")].tolist() == [*features(images), 1.0, 1.0]
    assert learnt.sums.response("click").tolist() == features(images).tolist()


def test_the_newest_of_a_title_s_showings_in_the_session_earns(images):
    repeat = token(decision="d3", items=(), at=NOW + 2000)
    events = [
        seen("m0", session="s1", credit=token(decision="d1", artwork=0)),
        seen("m0", session="s2", credit=token(decision="d2", artwork=1), number=1),
        outcome("click", credit=repeat, session_id="s2", at=NOW + 3000),
    ]

    learnt = after(events, images)

    assert learnt.sums.images[key("m0", 0)][-2:].tolist() == [0.0, 0.0]
    assert learnt.sums.images[key("m0", 1)][-2:].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("session", "at"),
    [("s2", NOW + 1000), (None, NOW + 1000), ("s1", NOW + ATTRIBUTION_MS + 1)],
    ids=["another session", "no session", "past the window"],
)
def test_without_a_choice_and_a_showing_in_the_session_nothing_is_earned(images, session, at):
    repeat = token(decision="d2", items=("m1",), at=at)
    events = [
        seen("m0", session="s1"),
        outcome("complete", credit=repeat, session_id=session, at=at),
    ]

    learnt = after(events, images)

    assert learnt.counts == {"impression": 1, "no_choice": 1}


def test_the_images_of_a_batch_hold_all_that_a_play_on_a_repeat_may_be_about(images):
    repeat = token(decision="d2", items=("m1",))
    found, _ = credible([outcome("play", credit=repeat), outcome("play", "m1")], KEYS)

    known = len(images.of(images.model.row_of["m0"])[0])
    both = [key(item, n) for item in ("m0", "m1") for n in range(known)]
    assert image_keys(found, images) == sorted(both)
    assert image_keys(credible([seen("m0")], KEYS)[0], images) == [key("m0")]


def test_within_the_window_a_user_teaches_by_so_many_impressions_and_none_is_pushed_out(images):
    hours = range(NOW, NOW + ATTRIBUTION_MS + 1, HOUR_MS)  # the first is in the window at the last
    times = [hour for hour in hours for _ in range(IMPRESSIONS_PER_HOUR)]
    shows = [seen("m0", at=at, credit=token(decision=f"d{n}", at=at)) for n, at in enumerate(times)]

    learnt = after(shows, images)

    assert learnt.counts == {"impression": MOST, "capped": IMPRESSIONS_PER_HOUR}
    assert [showing.at for showing in learnt.seen["u1"]] == times[:MOST]


def test_a_repeat_within_a_session_is_no_impression_and_in_another_session_it_is(images):
    one, other = token(decision="d1"), token(decision="d2")
    events = [
        seen("m0", session="s1", credit=one),
        seen("m0", session="s1", credit=other, number=1),
        outcome("complete", credit=other, session_id="s1"),
    ]

    learnt = after(events, images)
    assert learnt.sums.impressions == 1
    assert learnt.sums.images[key("m0")][-2:].tolist() == [1.0, 1.0]

    learnt = after([seen("m0", session="s2", credit=other, number=2)], images, learnt)
    assert learnt.sums.impressions == 2


def test_a_second_page_drawn_before_the_first_impression_was_known_earns_for_the_first(images):
    one, other = token(decision="d1", artwork=1), token(decision="d2", artwork=2)
    events = [
        seen("m0", session="s1", credit=one),
        outcome("complete", credit=other, session_id="s1"),
    ]

    learnt = after(events, images)

    assert learnt.sums.images[key("m0", 1)][-2:].tolist() == [1.0, 1.0]
    assert key("m0", 2) not in learnt.sums.images
    found, _ = credible(events, KEYS)
    assert {key("m0", 1), key("m0", 2)} <= set(image_keys(found, images))


@pytest.mark.parametrize(
    ("credit", "user", "at", "reason"),
    [
        (token()[:-4] + "AAAA", "u1", NOW, "forged"),
        (token(user="u2"), "u1", NOW, "foreign"),
        (token(), "u1", NOW + ATTRIBUTION_MS + 1, "late"),
        ("nonsense", "u1", NOW, "malformed"),
    ],
)
def test_a_token_that_does_not_hold_is_refused_and_counted(images, credit, user, at, reason):
    learnt = after([outcome("complete", user=user, at=at, credit=credit)], images)

    assert learnt.counts == {reason: 1}
    assert learnt.sums.images == {}


def test_what_the_page_did_not_offer_earns_nothing(images):
    learnt = after([outcome("complete", item="m3")], images)

    assert learnt.counts == {"no_choice": 1}


def test_an_image_that_the_model_does_not_know_teaches_nothing(images):
    learnt = after([seen("m0", credit=token(artwork=9))], images)

    assert learnt.counts == {"unknown_image": 1}


def test_nobody_alone_moves_the_sums_far(images):
    shows = [
        seen("m0", at=NOW + n, credit=token(decision=f"d{n}"))
        for n in range(IMPRESSIONS_PER_HOUR + 5)
    ]
    learnt = after(shows, images)
    assert learnt.sums.impressions == IMPRESSIONS_PER_HOUR
    assert learnt.counts["capped"] == 5

    clicks = [
        outcome("click", at=NOW + n, credit=token(decision=f"d{n}"), user="u1")
        for n in range(CLICKS_PER_HOUR + 5)
    ]
    learnt = after(clicks, images)
    assert learnt.sums.images[key("m0")][-2] == CLICKS_PER_HOUR


def test_clicks_saved_up_for_another_hour_are_as_few(images):
    credits = [token(decision=f"d{n}") for n in range(CLICKS_PER_HOUR + 5)]
    shows = [seen("m0", at=NOW + n, credit=credit) for n, credit in enumerate(credits)]
    later = NOW + 2 * HOUR_MS
    clicks = [outcome("click", at=later + n, credit=credit) for n, credit in enumerate(credits)]

    learnt = after([*shows, *clicks], images)

    assert learnt.sums.images[key("m0")][-2] == CLICKS_PER_HOUR
    assert learnt.counts["capped"] == 5


def test_a_play_is_of_its_own_item_whatever_else_it_says_was_seen(images):
    claimed = (Seen(item_id="m1", row=0, position=1),)

    learnt = after([outcome("complete", item="m0", seen=claimed)], images)

    assert list(learnt.sums.images) == [key("m0")]


def test_batches_cut_anywhere_give_the_same_bits(images):
    rng = np.random.default_rng(3)
    events = []
    for n in range(60):
        user, decision = f"u{rng.integers(4)}", f"d{n}"
        credit = token(user=user, decision=decision, at=NOW + n)
        session = f"s{n // 9}"
        events.append(seen("m0", "m1", user=user, at=NOW + n, credit=credit, session=session))
        if rng.random() < 0.5:
            repeat = token(user=user, decision=f"r{n}", at=NOW + n, items=(), features=-USER)
            played = repeat if rng.random() < 0.5 else credit
            fields = {"user": user, "at": NOW + n, "credit": played, "session_id": session}
            events.append(outcome("complete", **fields))
    whole = after(events, images)

    for size in (1, 7):
        learnt = Learnt(Sums(), {}, Counter())
        for start in range(0, len(events), size):
            after(events[start : start + size], images, learnt)
            learnt = Learnt.of(learnt.sums, learnt.blobs(), Counter())  # through Redis' bytes
        assert learnt.sums.shared.tobytes() == whole.sums.shared.tobytes()
        assert {k: v.tobytes() for k, v in learnt.sums.images.items()} == {
            k: v.tobytes() for k, v in whole.sums.images.items()
        }
