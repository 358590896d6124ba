"""The pure half of online: a user, a context and a model in, rows out."""

import numpy as np
from models import small_model

from marquee_online.rank import personal_rows, popular_rows, similar_scores, taste_of
from marquee_shared.context import Context
from marquee_shared.ids import item_hash
from marquee_shared.interaction import COMPLETE, LIST_ADD, THUMBS_DOWN, Interaction
from marquee_shared.score import top

MODEL = small_model()


def watched(*items, kind=COMPLETE, at=1_000):
    return {item_hash(item): Interaction(kind, 1000, at + i) for i, item in enumerate(items)}


def share_of(row, genre):
    genres = [MODEL.items[MODEL.row_of[choice.item_id]].genres[0] for choice in row.items]
    return genres.count(genre) / len(genres)


def test_top_picks_follow_the_taste():
    comedies = taste_of(MODEL, watched("m0", "m2", "m4"))
    thrillers = taste_of(MODEL, watched("m1", "m3", "m5"))

    assert share_of(personal_rows(MODEL, comedies, Context()).rows[0], "Comedy") > 0.8
    assert share_of(personal_rows(MODEL, thrillers, Context()).rows[0], "Thriller") > 0.8


def test_an_item_stands_in_one_row_only_and_a_seen_one_in_none():
    history = watched("m0", "m2") | watched("m9", kind=THUMBS_DOWN)
    rows = personal_rows(MODEL, taste_of(MODEL, history), Context(device="tv")).rows

    shown = [choice.item_id for row in rows for choice in row.items]
    assert len(shown) == len(set(shown))
    assert not {"m0", "m2", "m9"} & set(shown)
    assert [row.name for row in rows] == ["top_picks", "because_you_watched", "popular"]


def test_what_is_only_on_the_list_is_still_offered():
    history = watched("m0", "m2") | watched("m6", kind=LIST_ADD)

    rows = personal_rows(MODEL, taste_of(MODEL, history), Context()).rows

    assert "m6" in [choice.item_id for choice in rows[0].items]


def test_a_popular_page_leaves_out_what_was_disliked():
    taste = taste_of(MODEL, watched("m0", kind=THUMBS_DOWN))

    rows = popular_rows(MODEL, Context(), taste)

    assert rows[0].items[0].item_id == "m1"


def test_because_you_watched_leans_on_the_newest_liked_item():
    history = watched("m0", "m10", "m20") | watched("m30", kind=THUMBS_DOWN, at=9_000)

    row = personal_rows(MODEL, taste_of(MODEL, history), Context()).rows[1]

    assert row.because == "m20"
    assert row.title == "Because you watched Title 20"


def test_what_is_only_on_the_list_was_not_watched_and_what_was_liked_long_ago_was():
    years = 365 * 86_400_000
    old = watched("m0", at=0)

    listed = personal_rows(
        MODEL, taste_of(MODEL, old | watched("m4", kind=LIST_ADD)), Context()
    ).rows
    aged = watched("m1", kind=THUMBS_DOWN, at=30 * years)
    long_ago = personal_rows(MODEL, taste_of(MODEL, old | aged), Context()).rows

    assert listed[1].because == "m0"
    assert long_ago[1].because == "m0"


def test_the_context_moves_the_page_and_a_gain_of_zero_does_not():
    taste = taste_of(MODEL, watched("m0", "m1", "m2", "m3"))
    still = small_model(gain=0.0)

    phone = personal_rows(MODEL, taste, Context(device="phone")).rows[0]
    tv = personal_rows(MODEL, taste, Context(device="tv")).rows[0]

    assert share_of(phone, "Comedy") > share_of(tv, "Comedy")
    assert (
        personal_rows(still, taste, Context(device="phone")).rows[0]
        == personal_rows(still, taste, Context(device="tv")).rows[0]
    )


def test_a_cached_vector_is_used_as_it_is():
    vector = np.zeros(MODEL.factors.shape[1], np.float32)

    assert taste_of(MODEL, watched("m0"), vector).vector is vector


def test_popular_is_by_segment_where_the_model_has_one():
    tv, other = popular_rows(MODEL, Context(device="tv"))

    assert tv.items[0].source == "popular:device=tv"
    assert tv.items[0].item_id == "m119"
    assert other.items[0].item_id == "m0"
    assert popular_rows(MODEL, Context(device="phone"))[0].items[0].source == "popular:all"


def test_similar_items_are_of_the_same_kind_and_never_the_item_itself():
    best = top(similar_scores(MODEL, 10), 20).tolist()

    assert 10 not in best
    assert sum(row % 2 == 0 for row in best) == 20
    assert best[0] == 12
