"""`marquee-offline report outcomes` as people run it, on an archive as it lies in a store."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from decision_log import write_decisions
from models import file_store
from pyspark.sql import SparkSession

from marquee_offline.archive_write import PARTITIONS, write_source
from marquee_offline.outcomes.count import read_outcomes
from marquee_shared.context import Context
from marquee_shared.decision import Choice, Decision, Row
from marquee_shared.event import Event, Seen
from marquee_shared.experiment import arms_of, read_experiments
from marquee_shared.signals import DAY_MS

T0 = 1_796_083_200_000  # 2026-12-01 00:00 UTC
USERS = 60
NOW = datetime(2026, 12, 20, tzinfo=UTC)
FILE = """
[[experiment]]
name = "pictures"
salt = "s"
start = 2026-12-01
end = 2026-12-20
share = 1
arms = [{name = "plain", artwork = "uniform/1"}, {name = "better", artwork = "lin-ts/1"}]
"""
REAL = f"kafka-{'x' * 22}"


def offered(number: int) -> Decision:
    user = f"u{number}"
    arms = arms_of(read_experiments(FILE.encode()), user, T0)
    drawn = Choice(
        item_id="i",
        score=1,
        source="ials",
        artwork_id="i.a",
        candidates=("i.a", "i.b"),
        distribution=(0.5, 0.5),
    )
    return Decision(
        decision_id=f"d{number}",
        user_id=user,
        at=T0 + number,
        context=Context(device="tv", daypart="night"),
        policies={"artwork": "lin-ts/1"},
        arms=arms,
        rows=(Row(name="top_picks", title="Top", items=(drawn,)),),
    )


def said(number: int) -> list[Event]:
    """Everybody sees the item; every third user clicks; every second is there on day 1."""
    about = {"user_id": f"u{number}", "decision_id": f"d{number}"}
    events = [
        Event(
            event_id=f"s{number}",
            type="impressions",
            at=T0 + number + 1,
            seen=(Seen(item_id="i", row=0, position=0),),
            **about,
        )
    ]
    if number % 3 == 0:
        click = Event(event_id=f"c{number}", type="click", item_id="i", at=T0 + number + 2, **about)
        events.append(click)
    if number % 2 == 0:
        later = T0 + number + DAY_MS
        events.append(
            Event(event_id=f"p{number}", type="play", item_id="x", at=later, user_id=f"u{number}")
        )
    return events


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    store = file_store(folder)
    write_decisions(store, map(offered, range(USERS)))
    after = T0 + 3 * DAY_MS  # whoever it is of: every partition reaches to it
    last = [
        Event(event_id=f"z{n}", type="click", item_id="x", at=after, user_id=f"other{n}")
        for n in range(10 * PARTITIONS)
    ]
    write_source(store, "simulated-1", [*(e for n in range(USERS) for e in said(n)), *last])
    (tmp_path / "experiments.toml").write_text(FILE)
    return folder


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    command = [sys.executable, "-m", "marquee_offline.main", "report", "outcomes", *arguments]
    return subprocess.run(
        command, env=inherited | settings, capture_output=True, text=True, timeout=180, check=False
    )


def test_the_command_tells_json_and_writes_the_page(archive: Path, tmp_path: Path):
    html = tmp_path / "outcomes.html"

    done = run(
        *("--json", "--html", str(html), "--experiments", str(tmp_path / "experiments.toml")),
        MARQUEE_STORE=archive.as_uri(),
        MARQUEE_CACHE_DIR=str(tmp_path / "cache"),
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["sources"] == ["simulated-1"]
    assert told["impressions"]["impressions"] == USERS
    (everything,) = told["by"]["all"]
    assert everything["ctr"]["value"] == pytest.approx(1 / 3)
    (experiment,) = told["experiments"]
    assert [arm["arm"] for arm in experiment["arms"]] == ["plain", "better"]
    assert sum(arm["users"] for arm in experiment["arms"]) == USERS
    first_days = [arm["days"][0] for arm in experiment["arms"]]
    assert sum(day["returned"] for day in first_days) == USERS // 2
    assert all(arm["days"][2]["share"] is None for arm in experiment["arms"])
    assert set(experiment["arms"][1]["minus_control"]) == {"ctr", "quality", "day 1 return"}
    assert "Experiment pictures" in html.read_text()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("none.toml", "none.toml: No such file"),
        ("wrong.toml", "wrong.toml: experiment[0].share: Expected"),
    ],
)
def test_an_unusable_file_of_experiments_is_one_sentence(
    archive: Path, tmp_path: Path, file, words
):
    (tmp_path / "wrong.toml").write_text(FILE.replace("share = 1", "share = 2"))

    done = run("--experiments", str(tmp_path / file), MARQUEE_STORE=archive.as_uri())

    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_archive_without_decisions_says_so(tmp_path: Path):
    done = run(MARQUEE_STORE=f"file://{tmp_path}", MARQUEE_CACHE_DIR=str(tmp_path / "cache"))

    assert (done.returncode, "holds no decisions" in done.stderr) == (1, True)


def test_synthetic_decisions_are_left_out_where_there_are_real_ones(
    spark: SparkSession, archive: Path
):
    store = file_store(archive)
    write_decisions(store, [offered(1), offered(2)], source=REAL)

    told = read_outcomes(spark, store, [], now=NOW)

    assert told.sources == (REAL,)
    assert sum(arm.users for arm in told.experiments[0].arms) == 2
    assert told.through == 0  # the events are all synthetic
