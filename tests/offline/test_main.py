"""The command as people run it, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from tastes import NOW, two_tastes

from marquee_offline import __version__
from marquee_offline.archive_write import write_source
from marquee_offline.snapshot import pin
from marquee_offline.train import Recipe, load, train
from marquee_shared.artifact import read_model
from marquee_shared.channel import latest
from marquee_shared.context import Context
from marquee_shared.event import Event
from marquee_shared.fold_in import Objective
from marquee_shared.model import Model
from marquee_shared.store import Store

RECIPE = Recipe(dimensions=8, epochs=3, objective=Objective(a0=0.3, lam=0.01), ridge=20, seed=1)


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MARQUEE_")}
    command = [sys.executable, "-m", "marquee_offline.main", *arguments]
    return subprocess.run(
        command, env=inherited | settings, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def movielens(tmp_path: Path) -> Path:
    folder = tmp_path / "movielens"
    folder.mkdir()
    rows = [
        f"{event.user_id[1:]},{int(str(event.item_id)[1:]) + 1},{event.rating:.1f},{event.at + 10}"
        for event in two_tastes(230, 40, seed=2)
    ]
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "\n".join(rows))
    films = [f'{n},"Film, {n} (19{n:02d})",Drama' for n in range(1, 41)]
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "\n".join(films))
    return folder


def test_import_then_run_publishes_a_model_that_can_be_read(
    tmp_path: Path, movielens: Path
) -> None:
    settings = {
        "MARQUEE_STORE": f"file://{tmp_path}/store",
        "MARQUEE_CACHE_DIR": f"{tmp_path}/cache",
        "MARQUEE_TRAIN_EPOCHS": "2",
        "MARQUEE_REDIS": "belongs to another tier",
    }
    imported = json.loads(run("import-movielens", str(movielens), "--json", **settings).stdout)
    assert imported["created"] == 8
    again = run("import-movielens", str(movielens), **settings)
    assert "all 8 objects are there already" in again.stdout
    done = run("run", "--json", **settings)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    store = Store(settings["MARQUEE_STORE"])
    assert latest(store, "prod").model_id == result["entry"]["model_id"]
    model = read_model(store, result["entry"]["model_id"], tmp_path / "cache")
    assert model.items[model.row_of["ml-7"]].title == "Film, 7"
    assert model.manifest.lineage.sources == (imported["source"],)
    assert (
        sum(n + 1 for n in model.manifest.trained_through[imported["source"]].values())
        == (imported["events"])
    )
    assert model.manifest.verdict.startswith("better")
    assert model.manifest.metrics["ndcg@10 minus popularity"].low > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "MARQUEE_STORE: field required"),
        ({"MARQUEE_STORE": "ftp://x"}, "MARQUEE_STORE: expected file:///folder"),
        ({"MARQUEE_STORE": "file:///tmp", "MARQUEE_TRAIN_EPOCHS": "many"}, "MARQUEE_TRAIN_EPOCHS"),
        ({"MARQUEE_STORE": "file:///tmp", "MARQUEE_TRAIN_EPOCH": "3"}, "no such setting"),
        ({"MARQUEE_STORE": "file:///tmp", "MARQUEE_SPARK_MASTR": "x"}, "MARQUEE_SPARK_MASTR"),
    ],
)
def test_wrong_setting_refuses_to_start_and_names_the_variable(settings, words: str) -> None:
    done = run("rollback", **settings)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_version_needs_no_setting() -> None:
    assert run("--version").stdout == f"marquee-offline {__version__}\n"


def test_missing_java_is_a_sentence_with_the_remedy(tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}/store")
    write_source(store, "simulated-1", two_tastes(10, 10, seed=1))
    inherited = {"MARQUEE_STORE": store.url, "PATH": str(tmp_path), "JAVA_HOME": ""}
    done = run("evaluate", **inherited)
    assert done.returncode == 1
    assert "apt-get install openjdk-17-jre-headless" in done.stderr


def with_context(n_users: int, seed: int) -> list[Event]:
    rng = np.random.default_rng(seed)
    events = []
    for user in range(n_users):
        for at, item in enumerate(rng.permutation(40)[:15].tolist()):
            device = ("tv", "phone")[item % 2 if rng.random() < 0.9 else int(rng.integers(2))]
            events.append(
                Event(
                    event_id=f"{user}-{item}",
                    user_id=f"u{user}",
                    item_id=f"i{item:03d}",
                    type="complete",
                    at=at,
                    context=Context(device=device, country="DE" if user % 2 else "FR"),
                )
            )
    return events


def trained(spark: SparkSession, store: Store, snapshot, cache: Path) -> Model:
    events = load(spark, store, snapshot, 2)
    model_id, _ = train(events, store, RECIPE, now=NOW, progress=lambda _: None)
    return read_model(store, model_id, cache)


def test_same_snapshot_and_seed_give_the_same_model(
    spark: SparkSession, store: Store, tmp_path: Path
) -> None:
    write_source(store, "simulated-3", with_context(60, seed=4))
    snapshot = pin(store, now=NOW)
    first = trained(spark, store, snapshot, tmp_path)
    write_source(store, "simulated-4", two_tastes(20, 50, seed=4))  # arrives too late to matter
    second = trained(spark, store, snapshot, tmp_path)
    assert first.model_id == second.model_id  # the id follows from the contents
    assert np.array_equal(first.factors, second.factors)


def test_model_tells_its_segments_contexts_and_that_it_is_simulated(
    spark: SparkSession, store: Store, tmp_path: Path
) -> None:
    write_source(store, "simulated-3", with_context(60, seed=4))
    model = trained(spark, store, pin(store, now=NOW), tmp_path)
    assert model.manifest.segments == ("all", "device=tv", "device=phone")
    assert model.manifest.context["device"].values == ("tv", "phone")
    assert model.manifest.context["country"].values == ("DE", "FR")
    assert model.manifest.verdict.startswith("too few users: 0")
    assert any(name.startswith("simulated.") for name in model.manifest.metrics)
    even = np.array([int(item.item_id[1:]) % 2 == 0 for item in model.items])
    moved = model.factors @ (model.context["device"][0] - model.context["device"][1])
    assert moved[even].mean() > moved[~even].mean()
    popular = model.popularity / model.popularity.sum(axis=1, keepdims=True)
    assert popular[1, even].sum() > 0.6 > popular[0, even].sum()
