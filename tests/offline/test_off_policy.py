"""A candidate policy on the platform's own log, and the command as people run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from decision_log import write_decisions
from models import file_store
from pyspark.sql import SparkSession

from marquee_offline.archive_write import PARTITIONS, write_source
from marquee_offline.impressions import Counts
from marquee_offline.ope.archive_log import to_log
from marquee_offline.ope.candidates import NAMES, candidate, sums_of
from marquee_offline.ope.judge import judge_archive
from marquee_offline.ope.logged import Log, judge
from marquee_offline.ope.page import page
from marquee_shared.artwork import default_artworks, encode_artworks
from marquee_shared.bandit import EPSILON, POLICIES
from marquee_shared.context import Context
from marquee_shared.credit import ATTRIBUTION_MS
from marquee_shared.decision import Choice, Decision, Row
from marquee_shared.errors import BadInput
from marquee_shared.event import Event, Seen
from marquee_shared.ids import item_hash
from marquee_shared.model import Item
from marquee_shared.sums import Sums
from marquee_shared.taste import BUCKETS, image_features, image_key, theme_vector, user_features

START = 1_800_000_000_000
GENRES = ("Romance", "Comedy")


def themed(item: str) -> Item:
    artworks = encode_artworks(default_artworks(item, GENRES))
    return Item(item_id=item, title=item, year=2000, genres=GENRES, artworks=artworks)


def made_log(users: int, items: int, seed: int, clicks=(0.1, 0.6)) -> Log:
    """Users of two tastes see each item once, an image drawn evenly; those of their taste click."""
    rng = np.random.default_rng(seed)
    rows = [(user, f"i{item}") for user in range(users) for item in range(items)]
    drawn = rng.integers(0, 3, len(rows))
    fits = drawn == np.array([user % 2 for user, _ in rows])
    table = {
        "user_id": [f"u{user:03d}" for user, _ in rows],
        "item_id": [item for _, item in rows],
        "device": ["tv"] * len(rows),
        "daypart": ["night"] * len(rows),
        "candidates": [[a.artwork_id for a in default_artworks(item, GENRES)] for _, item in rows],
        "artwork": drawn.tolist(),
        "propensity": [1 / 3] * len(rows),
        "taste": [features(user).tolist() for user, _ in rows],
        "reward": (rng.random(len(rows)) < np.where(fits, clicks[1], clicks[0])).tolist(),
    }
    return to_log(pa.table(table), [themed(f"i{item}") for item in range(items)])


def features(user: int) -> np.ndarray:
    own = theme_vector([GENRES[user % 2]]) - theme_vector([GENRES[1 - user % 2]])
    return user_features(own / np.sqrt(2), Context(device="tv", daypart="night"))


@pytest.mark.parametrize("taste", [[], [0.5, -0.5]])  # of a decision without, or of others
def test_image_has_the_key_and_the_themes_that_the_catalogue_gives_it(taste: list[float]) -> None:
    table = {
        "user_id": ["u"],
        "item_id": ["i"],
        "device": ["phone"],
        "daypart": ["morning"],
        "candidates": [["i.comedy", "gone"]],  # not the catalogue's order, nor all of it
        "artwork": [0],
        "propensity": [0.5],
        "taste": [taste],
        "reward": [1],
    }
    log = to_log(pa.table(table), [themed("i")])
    assert log.images.tolist() == [image_key(item_hash("i"), n) for n in (1, 4)]
    themes = np.array([theme_vector(["Comedy"]), np.zeros(BUCKETS)])
    context = user_features(np.zeros(BUCKETS), Context(device="phone", daypart="morning"))
    assert log.features.tolist() == image_features(context, themes).tolist()


def test_sums_of_a_log_are_those_of_its_events_one_by_one() -> None:
    log = made_log(6, 3, seed=1)
    one_by_one = Sums()
    for place, reward in zip(log.shown, log.reward, strict=True):
        image, x = int(log.images[place]), log.features[place]
        one_by_one.see(image, x)
        one_by_one.reward(image, x, {"click": reward})
    together = sums_of(log, np.arange(len(log.shown)), "click")
    assert together.shared == pytest.approx(one_by_one.shared)
    assert together.images.keys() == one_by_one.images.keys()
    for key, numbers in together.images.items():
        assert numbers == pytest.approx(one_by_one.images[key])


@pytest.mark.parametrize("name", sorted(set(POLICIES) - {"uniform/1"}))
def test_candidate_is_a_distribution_with_the_policys_floor(name: str) -> None:
    p = candidate(name, "click")(made_log(20, 5, seed=2)).reshape(-1, 3)
    assert p.sum(axis=1) == pytest.approx(np.ones(100))
    assert p.min() >= EPSILON / 3 - 1e-12


def test_candidate_never_depends_on_what_its_own_half_earned() -> None:
    log = made_log(20, 5, seed=3)
    before = candidate("squarecb", "click")(log).reshape(-1, 15)
    log.reward[:5] = 1 - log.reward[:5]  # all rows of user 0
    after = candidate("squarecb", "click")(log).reshape(-1, 15)
    changed = [user for user in range(20) if not np.array_equal(before[user], after[user])]
    assert 0 not in changed
    assert len(changed) == 10


@pytest.mark.parametrize("name", [*NAMES, *POLICIES])
def test_policy_has_a_name_with_and_without_its_version(name: str) -> None:
    assert callable(candidate(name, "click"))


def test_unknown_policy_is_bad_input_that_names_those_there_are() -> None:
    with pytest.raises(BadInput, match="uniform, best-single, lin-ts, squarecb"):
        candidate("greedy", "click")


# --- on an archive ---------------------------------------------------------------------------


def visit(user: int, rng: np.random.Generator) -> tuple[Decision, list[Event]]:
    """A page of six items seen whole; images of the visitor's taste are clicked more often."""
    number, who = f"d{user}", f"u{user:03d}"
    drawn = rng.integers(0, 3, 6).tolist()
    choices = []
    for item, index in enumerate(drawn):
        ids = tuple(a.artwork_id for a in default_artworks(f"i{item}", GENRES))
        choices.append(
            Choice(
                item_id=f"i{item}",
                score=1,
                source="ials",
                artwork_id=ids[index],
                candidates=ids,
                distribution=(1 / 3, 1 / 3, 1 / 3),
            )
        )
    page = Decision(
        decision_id=number,
        user_id=who,
        at=START,
        context=Context(device="tv", daypart="night"),
        policies={"artwork": "uniform/1"},
        taste=tuple(features(user).tolist()),
        rows=(Row(name="top_picks", title="Top", items=tuple(choices)),),
    )
    clicked = [i for i, n in enumerate(drawn) if rng.random() < (0.7 if n == user % 2 else 0.1)]
    seen = tuple(Seen(item_id=f"i{item}", row=0, position=item) for item in range(6))
    events = [event(who, number, "impressions", seen=seen)]
    return page, events + [event(who, number, "click", item_id=f"i{item}") for item in clicked]


def event(user: str, decision: str, kind: str, **more) -> Event:
    name = f"{kind}-{decision}-{more.get('item_id')}"
    return Event(event_id=name, user_id=user, type=kind, at=START + 1, decision_id=decision, **more)


@pytest.fixture
def archive(tmp_path: Path):
    store, rng = file_store(tmp_path / "store"), np.random.default_rng(7)
    pages, events = zip(*(visit(user, rng) for user in range(120)), strict=True)
    write_decisions(store, pages)
    after = START + 2 * ATTRIBUTION_MS  # whoever it is of: every partition reaches to it
    last = [
        Event(event_id=f"z{n}", user_id=f"z{n}", type="rating", item_id="x", rating=3, at=after)
        for n in range(10 * PARTITIONS)
    ]
    write_source(store, "simulated-1", [*(e for own in events for e in own), *last])
    return store


def test_archived_log_is_judged_and_labelled_as_synthetic(spark: SparkSession, archive) -> None:
    told = judge_archive(spark, archive, "uniform", "click")
    log = told.estimates
    assert told.simulated == ("simulated-1",)
    clicked = round(720 * log.logged.value)
    assert told.counts == Counts(impressions=720, clicked=clicked, unended=clicked)
    assert (log.diagnostics.rows, log.diagnostics.users) == (720, 120)
    assert log.diagnostics.effective == pytest.approx(720)
    assert log.values["ips"].value == pytest.approx(log.logged.value)
    assert "Synthetic users: simulated-1" in page(told)


def test_archive_without_decisions_says_so(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no decisions"):
        judge_archive(spark, file_store(tmp_path / "empty"), "uniform", "click")


def test_contextual_candidate_is_worth_more_than_the_uniform_log() -> None:
    found = judge(made_log(120, 6, seed=4), candidate("lin-ts", "click"), np.random.default_rng(1))
    assert found.credible
    assert found.gain.low > 0


# --- the command ------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    command = [sys.executable, "-m", "marquee_offline.main", "ope", *arguments]
    return subprocess.run(
        command, env=inherited, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def bandit_log(tmp_path: Path) -> str:
    """300 rows of two items, logged evenly but for one row that was next to impossible."""
    campaign = tmp_path / "random" / "men"
    campaign.mkdir(parents=True)
    head = ",timestamp,item_id,position,click,propensity_score"
    rows = [f"{n},t,{n % 2},{n % 3 + 1},{int(n % 5 == 0)},0.5,0.0,0.0" for n in range(300)]
    text = "\n".join([head + ",user-item_affinity_0,user-item_affinity_1", *rows]) + "\n"
    (campaign / "men.csv").write_text(text)
    (campaign / "item_context.csv").write_text(",item_id,item_feature_0\n0,0,1.0\n1,1,2.0\n")
    return f"obd:{tmp_path}/random:men"


def test_command_prints_estimates_and_writes_a_page_that_asks_nobody(
    bandit_log: str, tmp_path: Path
) -> None:
    done = run("--log", bandit_log, "--html", f"{tmp_path}/page.html")
    assert done.returncode == 0, done.stderr
    assert "SNDR" in done.stdout
    text = (tmp_path / "page.html").read_text()
    assert text.count("<svg") == 2
    for request in ("http", "src=", "url(", "<script", "<link", "@import"):
        assert request not in text


def test_refusal_has_its_exit_code_its_reason_and_no_value(bandit_log: str, tmp_path: Path) -> None:
    path = tmp_path / "random" / "men" / "men.csv"
    path.write_text(path.read_text().replace(",0.5,", ",0.000001,", 1))
    done = run("--log", bandit_log, "--json", "--html", f"{tmp_path}/page.html")
    assert done.returncode == 3
    told = json.loads(done.stdout)["estimates"]
    assert told["values"] == {}
    assert told["refused"].startswith("not credible: effective sample size 1 of 300 rows")
    assert "Refused. Not credible" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--log", "nothing"), "log: expected archive or obd:FOLDER[:CAMPAIGN]"),
        (("--log", "obd:/nowhere:men"), "/nowhere/men/men.csv: there is no such file"),
        (("--log", "obd:/nowhere", "--policy", "lin-ts"), "policy: expected one of uniform, bts"),
    ],
)
def test_wrong_option_is_one_sentence(arguments, words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
