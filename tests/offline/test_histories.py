import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tastes import said, watched

from marquee_offline.histories import PARTS, Cut, build, from_batches, in_sample, to_batch
from marquee_shared.signals import SignalWeights
from marquee_shared.user_state import MAX_ITEMS

TABLE = SignalWeights()


def known(events, cut=Cut()):  # noqa: B008 a frozen value
    return build(0, [events], 0, cut, TABLE).known


def test_latest_rating_of_an_item_counts_and_items_go_by_row() -> None:
    rows, weights, _ = known(said("u", (7, 5, 1), (3, 4, 2), (7, 1, 3))).of(0)
    assert rows.tolist() == [3, 7]
    assert weights == pytest.approx([TABLE.ratings[7], TABLE.ratings[1]])


def test_share_cut_holds_back_the_last_items_and_never_a_known_one() -> None:
    events = said("u", (0, 5, 1), (1, 5, 2), (2, 5, 3), (3, 5, 4), (0, 5, 5))
    block = build(0, [events], 0, Cut(share=0.6), TABLE)
    assert block.known.rows.tolist() == [0, 1, 2]
    assert block.held.rows.tolist() == [3]


def test_time_cut_is_one_moment_for_all_but_synthetic_users() -> None:
    cut = Cut(through=20, share=0.5)
    early = [(row, 5.0, at) for row, at in enumerate((10, 20, 30, 40, 50, 60))]
    block = build(0, [said("a", *early), said("b", *early, simulated=True)], 0, cut, TABLE)
    assert [len(block.known.of(user)[0]) for user in (0, 1)] == [2, 3]


def test_history_keeps_the_newest_items_like_the_users_state() -> None:
    events = said("u", *((row, 5.0, row) for row in range(MAX_ITEMS + 5)))
    assert known(events).rows.tolist() == list(range(5, MAX_ITEMS + 5))


def test_weights_age_in_what_is_known_and_not_in_what_is_held_back() -> None:
    years = [n * 365 * 86_400_000 for n in range(10)]
    events = said("u", *((row, 5.0, at) for row, at in enumerate(years)))
    block = build(0, [events], 0, Cut(share=0.5), SignalWeights(half_life_days=365))
    assert block.known.weights == pytest.approx([1.4 * 0.5**n for n in (4, 3, 2, 1, 0)])
    assert block.held.weights == pytest.approx([1.4] * 5)


def test_one_viewing_is_one_occasion_and_another_context_another() -> None:
    events = watched("u", (4, 1, (0, 2)), (4, 2, (0, 2)), (4, 3, (1, -1)), (5, 4, (-1, -1)))
    occasions = build(0, [events], 2, Cut(), TABLE).occasions
    assert occasions.rows.tolist() == [4, 4]
    assert occasions.codes.tolist() == [[0, 2], [1, -1]]


user_events = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([0.5, 2.0, 3.0, 4.0, 5.0]), st.integers(0, 50)),
    max_size=12,
).map(lambda entries: said("u", *sorted(entries, key=lambda e: e[2])))


@settings(deadline=None)  # the first example pays for imports
@given(st.lists(user_events, max_size=4), st.sampled_from([0.5, 0.8, 1.0]))
def test_block_survives_its_row(users, share) -> None:
    block = build(3, users, 0, Cut(share=share), TABLE)
    (back,) = from_batches([to_batch(block)])
    assert (back.block, back.users) == (block.block, block.users)
    for part in PARTS:
        for name in ("starts", "rows", "weights", "codes"):
            there, here = getattr(getattr(back, part), name), getattr(getattr(block, part), name)
            assert np.array_equal(there, here)


@given(user_events, st.sampled_from([0.5, 0.8]))
def test_held_items_are_never_known(events, share) -> None:
    block = build(0, [events], 0, Cut(share=share), TABLE)
    assert not set(block.held.rows.tolist()) & set(block.known.rows.tolist())
    assert (block.held.weights > 0).all()


def test_sample_is_stable_and_of_the_right_size() -> None:
    chosen = [in_sample(f"u{n}", 0.25) for n in range(4000)]
    assert chosen == [in_sample(f"u{n}", 0.25) for n in range(4000)]
    assert 0.22 < np.mean(chosen) < 0.28
