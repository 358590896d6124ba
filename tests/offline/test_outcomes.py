"""The report of outcomes: hand-worked logs, and experiments whose truth is known."""

import re
from collections.abc import Iterable
from datetime import date
from html.parser import HTMLParser
from io import StringIO

import msgspec
import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from rich.console import Console

from marquee_offline.impressions import Counts
from marquee_offline.outcomes.arms import ExperimentOutcome, judge
from marquee_offline.outcomes.count import Outcomes, cells, outcomes
from marquee_offline.outcomes.page import page
from marquee_offline.outcomes.report import show_outcomes
from marquee_offline.outcomes.retention import DAYS, ArmUsers, Counted, Returned, count_returns
from marquee_shared.errors import BadInput
from marquee_shared.experiment import Arm, Experiment, arms_of
from marquee_shared.signals import DAY_MS

T0 = 1_796_083_200_000  # 2026-12-01 00:00 UTC
SEEDS = 100
COLUMNS = (
    "user_id string, row int, position int, device string, daypart string, policy string, "
    "arms map<string,string>, click int, quality double, closed boolean"
)
FILE = Experiment(
    name="e",
    salt="s",
    start=date(2026, 12, 1),
    end=date(2027, 1, 1),
    share=1.0,
    arms=(Arm(name="plain"), Arm(name="better")),
)


def log(spark: SparkSession, rows: Iterable[tuple[object, ...]]) -> DataFrame:
    """Impressions from (user, row, position, arm, click, quality, closed)."""
    full = [
        (
            user,
            row,
            position,
            "tv" if row else "phone",
            "evening",
            "lin-ts/1",
            {"e": arm} if arm else {},
            *rest,
        )
        for user, row, position, arm, *rest in rows
    ]
    return spark.createDataFrame(full, COLUMNS)


def people(
    arm: str, users: int, returned: int, still_open: int = 0, experiment: str = "e"
) -> ArmUsers:
    days = tuple(
        Returned(day=n, closed=users - still_open, returned=returned, open=still_open) for n in DAYS
    )
    return ArmUsers(experiment=experiment, arm=arm, users=users, days=days)


def judged(
    *arms: ArmUsers, file: Iterable[Experiment] = (FILE,), seed: int = 1
) -> ExperimentOutcome:
    counted = Counted(arms=arms, moved={})
    (found,) = judge(counted, {}, list(file), np.random.default_rng(seed))
    return found


def test_outcomes_of_six_impressions_by_hand(spark: SparkSession):
    found = cells(
        log(
            spark,
            [
                ("u", 0, 0, "plain", 1, 0.5, True),
                ("u", 0, 1, "plain", 0, 0.0, True),
                ("u", 1, 0, "plain", 0, 0.0, True),
                ("v", 0, 0, "better", 1, 1.0, True),
                ("w", 1, 0, None, 0, 0.0, True),
                ("w", 1, 1, None, 1, 1.0, False),  # its window is not over
            ],
        )
    )

    def said(of: str) -> dict[str, tuple[int, int, float, float]]:
        return {
            value: (c.impressions, c.users, c.ctr.value, c.quality.value)
            for value, c in found[of].items()
        }

    assert said("all") == {"all": (5, 3, 0.4, 0.3)}
    assert said("row") == {"0": (3, 2, 2 / 3, 0.5), "1": (2, 2, 0.0, 0.0)}
    assert said("position") == {"0": (4, 3, 0.5, 0.375), "1": (1, 1, 0.0, 0.0)}
    assert said("device") == {"phone": (3, 2, 2 / 3, 0.5), "tv": (2, 2, 0.0, 0.0)}
    assert said("daypart") == {"evening": (5, 3, 0.4, 0.3)}
    assert said("policy") == {"lin-ts/1": (5, 3, 0.4, 0.3)}
    assert said("arm") == {
        "e=plain": (3, 1, 1 / 3, pytest.approx(1 / 6)),
        "e=better": (1, 1, 1.0, 1.0),
    }


def test_quality_is_over_the_impressions_whose_quality_is_known(spark: SparkSession):
    found = cells(
        log(
            spark,
            [
                ("u", 0, 0, None, 1, 1.0, True),
                ("u", 0, 1, None, 0, 0.0, True),
                ("v", 1, 0, None, 1, None, True),  # no end was told
            ],
        )
    )

    every = found["all"]["all"]
    assert (every.impressions, every.users, every.ctr.value) == (3, 2, 2 / 3)
    assert every.quality is not None
    assert every.quality.value == 0.5
    assert found["row"]["1"].quality is None


def test_intervals_know_that_one_users_impressions_are_no_crowd(spark: SparkSession):
    of_one = [("u", 0, n, None, n % 2, 0.0, True) for n in range(50)]
    of_all = [(f"v{n}", 0, n, None, n % 2, 0.0, True) for n in range(50)]
    alike = [(f"w{n // 10}", 0, n, None, n // 10 % 2, 0.0, True) for n in range(50)]

    one, crowd, few = (
        cells(log(spark, rows))["all"]["all"].ctr for rows in (of_one, of_all, alike)
    )

    assert one.high - one.low > few.high - few.low > crowd.high - crowd.low


def test_positions_come_in_order_of_number_and_open_impressions_are_counted(spark: SparkSession):
    rows = [("u", 0, n, None, 0, 0.0, True) for n in (10, 9, 2)]
    told = report(log(spark, [*rows, ("u", 0, 1, None, 0, 0.0, False)]))

    assert [cell.value for cell in told.by["position"]] == ["2", "9", "10"]
    assert told.impressions.open == 1


def test_a_log_without_impressions_is_an_empty_report(spark: SparkSession):
    told = report(log(spark, []))

    assert (told.by, told.experiments) == ({}, ())
    assert "<svg" not in page(told)


def report(
    impressions: DataFrame, *arms: ArmUsers, file: Iterable[Experiment] = (FILE,)
) -> Outcomes:
    counted = Counted(arms=arms, moved={"e": 3} if arms else {})
    counts = Counts(open=impressions.where("not closed").count(), late=2, unended=6, orphans=4)
    return outcomes(impressions, counts, counted, list(file), through=T0, sources=["simulated-7"])


def test_a_a_differences_of_day_n_return_cover_0():
    hits = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        one, other = (people(arm, 400, rng.binomial(400, 0.3)) for arm in ("plain", "better"))
        control, arm = judged(one, other, seed=seed).arms
        assert control.minus_control == {}
        hits += [metric.low <= 0 <= metric.high for metric in arm.minus_control.values()]

    assert len(hits) == SEEDS * len(DAYS)
    assert np.mean(hits) >= 0.9


def test_a_planted_difference_of_retention_is_found(spark: SparkSession):
    """Users assigned by the file's own hash; those of one arm come back half as often again."""
    rng = np.random.default_rng(3)
    exposures, visits = [], []
    for n in range(4000):
        user = f"u{n}"
        (arm,) = arms_of([FILE], user, T0).values()
        first = T0 + int(rng.integers(0, 3 * DAY_MS))
        exposures.append((user, "e", arm, first))
        for day in DAYS:
            if rng.random() < {"plain": 0.2, "better": 0.3}[arm]:
                visits.append((user, first + day * DAY_MS + int(rng.integers(0, DAY_MS))))
    counted = count_returns(
        spark.createDataFrame(exposures, "user string, experiment string, arm string, at bigint"),
        spark.createDataFrame(visits, "user string, at bigint"),
        T0 + 40 * DAY_MS,
    )

    (found,) = judge(counted, {}, [FILE], np.random.default_rng(1))

    plain, better = found.arms
    assert not found.sample_ratio_mismatch
    assert sum(arm.users for arm in found.arms) == 4000
    for day in better.days:
        change = better.minus_control[f"day {day.day} return"]
        assert 0 < change.low < 0.1 < change.high
        assert day.share is not None
        assert day.share.low < 0.3 < day.share.high
    assert plain.arm == "plain"


def test_60_of_40_where_50_of_50_should_be_is_a_sample_ratio_mismatch():
    assert judged(people("plain", 600, 100), people("better", 400, 100)).sample_ratio_mismatch
    assert not judged(people("plain", 510, 100), people("better", 490, 100)).sample_ratio_mismatch


def test_arms_of_60_to_40_that_the_file_wants_are_no_mismatch():
    file = msgspec.structs.replace(
        FILE, arms=(Arm(name="plain", weight=3), Arm(name="better", weight=2))
    )

    found = judged(people("plain", 600, 100), people("better", 400, 100), file=[file])

    assert not found.sample_ratio_mismatch
    assert [arm.expected_share for arm in found.arms] == [0.6, 0.4]


def test_an_arm_of_the_file_that_nobody_saw_is_a_mismatch_and_has_no_figures():
    found = judged(people("plain", 600, 100))

    assert found.sample_ratio_mismatch
    assert (found.arms[1].users, found.arms[1].days, found.arms[1].minus_control) == (0, (), {})


def test_an_experiment_without_a_file_is_compared_with_its_control():
    found = judged(people("a", 500, 100), people("control", 500, 100), file=[])

    assert ([arm.arm for arm in found.arms], found.weights) == (["control", "a"], "equal")


def test_an_arm_that_the_file_does_not_have_is_refused():
    with pytest.raises(BadInput, match="experiment e: the log has arm other, the file has not"):
        judged(people("other", 500, 100))


def test_an_arm_whose_days_are_all_open_has_no_share_and_no_difference():
    found = judged(people("plain", 9, 3), people("better", 9, 0, still_open=9))

    assert [day.share for day in found.arms[1].days] == [None] * 3
    assert [day.open for day in found.arms[1].days] == [9] * 3
    assert found.arms[1].minus_control == {}


def test_the_same_log_gives_the_same_report(spark: SparkSession):
    impressions = log(spark, [("u", 0, 0, "plain", 1, 0.5, True)])
    arms = people("plain", 50, 9), people("better", 50, 12)

    assert report(impressions, *arms) == report(impressions, *arms)


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> Outcomes:
    rows = [
        (f"u{n}", n % 2, n % 5, ("plain", "better")[n % 2], int(n % 3 == 0), 0.3, n < 55)
        for n in range(60)
    ]
    return report(log(spark, rows), people("plain", 600, 150, 20), people("better", 400, 150))


class Tags(HTMLParser):
    """Fails at a tag that closes another one; keeps what a page asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []
        self.counts: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.asked += [
            f"{name}={value}" for name, value in attrs if name in ("src", "href", "srcset")
        ]
        if tag not in ("meta", "line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle"):
            assert self.open.pop() == tag


def test_the_page_is_whole_has_plots_and_asks_nobody(told: Outcomes):
    text = page(told)
    tags = Tags()
    tags.feed(text)

    assert tags.open == []
    assert tags.asked == []
    assert not re.search(r"https?://|url\(|@import|<script", text)
    assert tags.counts["svg"] == 2 + 2 * 5  # of the experiment; two per dimension
    assert "Sample ratio mismatch" in text
    assert "Synthetic users: simulated-7" in text
    assert "20 open" in text
    assert "3 users changed their arm" in text


def test_the_page_escapes_what_the_log_says(spark: SparkSession):
    hostile = log(spark, [("u", 0, 0, None, 1, 0.5, True)]).withColumnRenamed("policy", "was")
    hostile = hostile.selectExpr("*", "'<script>alert(1)</script>' as policy")

    text = page(report(hostile))

    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_tables_tell_the_same(told: Outcomes):
    console = Console(width=160, record=True, file=StringIO())
    show_outcomes(console, told)
    text = console.export_text()

    for words in (
        "synthetic users: simulated-7",
        "day 28 return",
        "sample ratio mismatch",
        "5 impressions left out",
        "2 clicked too late",
        "6 clicks without an end",
        "4 without a decision",
    ):
        assert words in text


def test_json_holds_every_figure(told: Outcomes):
    assert msgspec.json.decode(msgspec.json.encode(told), type=Outcomes) == told
