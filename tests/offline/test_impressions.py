"""Decisions and events to rows, from an archive as it lies in a store."""

import pytest
from decision_log import write_decisions
from models import file_store
from pyspark.sql import SparkSession

from marquee_offline.archive_write import PARTITIONS, write_source
from marquee_offline.impressions import Counts, read_impressions
from marquee_offline.snapshot import chained_objects
from marquee_shared.context import Context
from marquee_shared.credit import ATTRIBUTION_MS
from marquee_shared.decision import Choice, Decision, Row
from marquee_shared.event import Event, Seen
from marquee_shared.ids import partition_of
from marquee_shared.seen import IMPRESSIONS_PER_HOUR

START = 1_800_000_000_000
WITHIN, LATE = START + 1000, START + ATTRIBUTION_MS + 1
END = START + 2 * ATTRIBUTION_MS


def far(user: str) -> Event:
    """By it the log of the user's partition reaches to END."""
    return Event(event_id=f"far-{user}", user_id=user, type="rating", item_id="x", rating=3, at=END)


def choice(item: str) -> Choice:
    return Choice(
        item_id=item,
        score=1,
        source="ials",
        artwork_id=f"{item}.comedy",
        candidates=(f"{item}.romance", f"{item}.comedy", f"{item}.title"),
        distribution=(0.25, 0.7, 0.05),
    )


def again(item: str, first: str) -> Choice:
    """As online logs it: the image that the first decision drew, and nothing drawn now."""
    return Choice(
        item_id=item, score=1, source="ials", artwork_id=f"{item}.comedy", repeat_of=first
    )


def page(
    number: str,
    *items: Choice,
    user: str = "u",
    at: int = START,
    session: str | None = None,
    taste: tuple[float, ...] = (0.5, -0.25),
) -> Decision:
    return Decision(
        decision_id=number,
        user_id=user,
        session_id=session,
        at=at,
        context=Context(device="tv", daypart="night"),
        policies={"artwork": "lin-ts/1"},
        arms={"rail": "a"},
        taste=taste,
        rows=(Row(name="top_picks", title="Top", items=items),),
    )


def seen(number: str, *items: str, user: str = "u", at: int = WITHIN) -> Event:
    return Event(
        event_id=f"seen-{number}-{items[0]}-{at}",
        user_id=user,
        type="impressions",
        at=at,
        decision_id=number,
        seen=tuple(Seen(item_id=item, row=0, position=0) for item in items),
    )


def did(kind: str, number: str, item: str, user: str = "u", at: int = WITHIN, **more) -> Event:
    return Event(
        event_id=f"{kind}-{number}-{item}-{at}",
        user_id=user,
        type=kind,
        item_id=item,
        at=at,
        decision_id=number,
        **more,
    )


CROWD = IMPRESSIONS_PER_HOUR + 1
# A user whose partition is nobody else's: it is archived less far than the others are.
BEHIND = next(
    f"behind-{n}"
    for n in range(100)
    if partition_of(f"behind-{n}", PARTITIONS)
    not in {partition_of(user, PARTITIONS) for user in ("u", "crowd")}
)

# Every case has a decision of its own; one join reads them all.
DECISIONS = [
    page("seen", choice("i"), choice("unseen")),
    page("played", choice("i"), choice("j")),
    *[page("twice", choice("i"), choice("i"))] * 2,
    page("first", choice("i"), session="s"),
    page("repeat", again("i", "first"), session="s", taste=(0.9,)),
    page("early", choice("i"), choice("j"), session="t"),
    page("soon", choice("i"), choice("j"), at=START + 1, session="t"),
    page("begun", choice("i"), choice("j")),
    page("crowd", *(choice(f"c{n}") for n in range(CROWD)), user="crowd"),
    page("behind", choice("i"), user=BEHIND),
    page("late", choice("i"), choice("j")),
    page("open", choice("i"), at=END - ATTRIBUTION_MS),
    page("proven", choice("i")),
    page("foreign", choice("i")),
    page("plain", Choice(item_id="i", score=1, source="ials")),
]
EVENTS = [
    seen("seen", "i"),
    seen("played", "i", "j"),
    did("play", "played", "i"),
    did("stop", "played", "i", watched_s=30, runtime_s=100),
    did("stop", "played", "i", at=WITHIN + 1, watched_s=20, runtime_s=100),
    did("complete", "played", "j"),
    *[seen("twice", "i"), did("click", "twice", "i")] * 2,
    seen("first", "i"),
    seen("repeat", "i", at=WITHIN + 1),
    did("complete", "repeat", "i", at=WITHIN + 2),
    seen("early", "i"),
    seen("soon", "i", "j", at=WITHIN + 1),
    did("complete", "soon", "i", at=WITHIN + 2),
    seen("begun", "i", "j"),
    did("play", "begun", "i"),
    did("play", "begun", "j"),
    did("stop", "begun", "j", watched_s=0, runtime_s=100),
    seen("crowd", *(f"c{n}" for n in range(CROWD - 1)), user="crowd"),
    seen("crowd", f"c{CROWD - 1}", user="crowd", at=WITHIN + 1),
    seen("behind", "i", user=BEHIND),
    seen("late", "i", "j"),
    did("click", "late", "i", at=LATE),
    did("click", "late", "j", at=LATE - 1),
    seen("open", "i", at=END),
    did("click", "proven", "i"),
    seen("foreign", "i", user="other"),
    did("click", "gone", "i"),
    seen("plain", "i"),
    far("u"),
    far("crowd"),
]


@pytest.fixture(scope="module")
def joined(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory):
    store = file_store(tmp_path_factory.mktemp("log"))
    names = write_decisions(store, DECISIONS)
    write_source(store, "simulated-1", EVENTS)
    told = [item.name for item, _ in chained_objects(store, "events")]
    rows, counts = read_impressions(spark, store.url, names, told)
    return {(row.decision_id, row.item_id): row for row in rows.collect()}, counts


@pytest.fixture
def rows(joined):
    return joined[0]


def test_seen_item_becomes_a_row_that_tells_what_was_drawn_and_from_what(rows) -> None:
    row = rows["seen", "i"]
    assert (row.user_id, row.row, row.position, row.device) == ("u", 0, 0, "tv")
    assert (row.daypart, row.policy, row.arms, row.at) == (
        "night",
        "lin-ts/1",
        {"rail": "a"},
        START,
    )
    assert (row.artwork, row.K, row.propensity) == (1, 3, 0.7)
    assert (row.candidates[1], row.distribution) == ("i.comedy", [0.25, 0.7, 0.05])
    assert (row.click, row.quality, row.closed, row.late) == (0, 0, True, False)
    assert row.taste == [0.5, -0.25]


def test_item_that_was_not_seen_makes_no_row(rows) -> None:
    assert ("seen", "unseen") not in rows


def test_click_counts_once_and_quality_is_the_best_share_watched(rows) -> None:
    assert [rows["played", item].click for item in "ij"] == [1, 1]
    assert [rows["played", item].quality for item in "ij"] == [0.3, 1.0]


def test_message_that_came_twice_makes_one_row_at_the_best_place(rows) -> None:
    assert (rows["twice", "i"].position, rows["twice", "i"].click) == (0, 1)


def test_outcome_on_a_repeat_is_the_first_showings_and_so_are_the_features(rows) -> None:
    assert ("repeat", "i") not in rows
    row = rows["first", "i"]
    assert (row.session_id, row.click, row.quality, row.taste) == ("s", 1, 1.0, [0.5, -0.25])


def test_title_drawn_twice_in_a_session_counts_where_it_was_first_seen(rows) -> None:
    assert ("soon", "i") not in rows
    assert (rows["early", "i"].click, rows["early", "i"].quality) == (1, 1.0)
    assert ("early", "j") not in rows
    assert rows["soon", "j"].click == 0


def test_play_whose_end_is_not_told_has_no_quality(rows) -> None:
    assert (rows["begun", "i"].click, rows["begun", "i"].quality) == (1, None)
    assert (rows["begun", "j"].click, rows["begun", "j"].quality) == (1, 0.0)


def test_beyond_the_hourly_cap_a_user_counts_no_more(rows) -> None:
    shown = [item for number, item in rows if number == "crowd"]
    assert len(shown) == IMPRESSIONS_PER_HOUR
    assert f"c{CROWD - 1}" not in shown


def test_impression_is_open_as_long_as_its_own_partition_is_not_archived_beyond_it(rows) -> None:
    assert not rows["behind", "i"].closed


def test_outcome_after_the_window_is_late_and_no_click(rows) -> None:
    assert [(rows["late", item].click, rows["late", item].late) for item in "ij"] == [
        (0, True),
        (1, False),
    ]


def test_impression_whose_window_is_not_over_is_open(rows) -> None:
    assert not rows["open", "i"].closed


def test_outcome_proves_that_its_item_was_seen(rows) -> None:
    assert rows["proven", "i"].click == 1


def test_nobody_sees_another_users_page(rows) -> None:
    assert ("foreign", "i") not in rows


def test_choice_without_a_drawn_artwork_makes_no_row(rows) -> None:
    assert ("plain", "i") not in rows


def test_counts_tell_what_counts_and_what_is_left_out(joined) -> None:
    rows, counts = joined
    assert len(rows) == 10 + 3 + IMPRESSIONS_PER_HOUR + 1
    orphans = ("gone", "foreign", "plain")
    assert counts == Counts(
        impressions=9 + 3 + IMPRESSIONS_PER_HOUR,
        clicked=5 + 4,
        unended=3 + 1,
        open=2,
        late=1,
        capped=1,
        orphans=len(orphans),
    )
