"""The newest readable model serves; the last good one on any failure."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from deadline import wait_until
from models import file_store, publish, small_model

from marquee_shared.artifact import part_key
from marquee_shared.channel import publish_entry
from marquee_shared.follow import Follower
from marquee_shared.store import Store

ABSENT = "20261122t000000z-0123456789ab"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return file_store(tmp_path / "store")


@pytest.fixture
def reports() -> list[tuple[str, dict[str, str]]]:
    return []


@pytest.fixture
def follower(store: Store, tmp_path: Path, reports) -> Follower:
    (tmp_path / "cache").mkdir()
    return Follower(store, "prod", tmp_path / "cache", lambda *report: reports.append(report))


def break_model(store: Store, seed: int) -> str:
    """Publish a model and damage one of its parts; its id."""
    model_id = publish(store, small_model(seed=seed), channel="elsewhere")
    damaged = store.get(part_key(model_id, "factors"))[:-1] + b"\x7f"
    store.put_hint(part_key(model_id, "factors"), damaged)
    publish_entry(store, "prod", model_id, at="2026-11-23T00:00:00+00:00")
    return model_id


def test_empty_channel_serves_nothing_and_refuses_nothing(follower: Follower):
    assert not follower.check()
    assert (follower.model, follower.refused) == (None, "")


def test_published_model_serves_without_restart(store: Store, follower: Follower, reports):
    first = publish(store, small_model(seed=1))
    assert follower.check()
    assert follower.model.model_id == first
    second = publish(store, small_model(seed=2))
    assert follower.check()
    assert (follower.model.model_id, follower.seq) == (second, 2)
    assert not follower.check()
    assert reports == [
        ("model_swapped", {"model_id": first, "seq": "1"}),
        ("model_swapped", {"model_id": second, "seq": "2"}),
    ]


def test_rollback_serves_the_older_model_again(store: Store, follower: Follower):
    first = publish(store, small_model(seed=1))
    follower.check()
    publish(store, small_model(seed=2))
    follower.check()
    publish_entry(store, "prod", first, at="", reason="rollback")
    assert follower.check()
    assert follower.model.model_id == first


def test_new_entry_naming_the_serving_model_swaps_nothing_but_the_number(store, follower):
    model_id = publish(store, small_model())
    follower.check()
    serving = follower.model
    publish_entry(store, "prod", model_id, at="")
    assert follower.check()
    assert follower.model is serving
    assert follower.seq == 2


def test_broken_model_leaves_the_last_good_one_serving_and_tells_why(store, follower, reports):
    good = publish(store, small_model())
    follower.check()
    break_model(store, seed=1)
    assert not follower.check()
    assert (follower.model.model_id, follower.seq) == (good, 1)
    assert follower.refused == "factors: checksum differs from the manifest"
    assert reports[-1] == ("model_refused", {"reason": follower.refused})


def test_refused_model_is_not_tried_again(store: Store, follower: Follower, reports):
    publish(store, small_model())
    follower.check()
    broken = break_model(store, seed=1)
    follower.check()
    for name in store.list(f"models/{broken}/"):
        store.delete(name)  # a second try would now tell another reason
    told = len(reports)
    assert not follower.check()
    assert follower.refused == "factors: checksum differs from the manifest"
    assert len(reports) == told


def test_next_entry_recovers_from_a_broken_model(store: Store, follower: Follower):
    publish(store, small_model())
    follower.check()
    break_model(store, seed=1)
    follower.check()
    mended = publish(store, small_model(seed=2))
    assert follower.check()
    assert (follower.model.model_id, follower.refused, follower.seq) == (mended, "", 3)


def test_next_entry_recovers_from_an_unreadable_entry(store: Store, follower: Follower):
    good = publish(store, small_model())
    follower.check()
    store.create("channels/prod/0000000002.json", b'{"v": 2}')
    assert not follower.check()
    assert follower.refused.startswith("channel prod entry 2")
    assert follower.model.model_id == good
    mended = publish(store, small_model(seed=2))
    assert follower.check()
    assert (follower.model.model_id, follower.refused) == (mended, "")


def test_first_model_that_is_broken_leaves_nothing_serving(store: Store, follower: Follower):
    break_model(store, seed=1)
    assert not follower.check()
    assert follower.model is None
    assert follower.refused
    publish(store, small_model(seed=2))
    assert follower.check()


def test_process_that_starts_at_a_broken_model_takes_the_newest_good_one(store, follower):
    publish(store, small_model(seed=1))
    good = publish(store, small_model(seed=2))
    break_model(store, seed=3)
    break_model(store, seed=4)
    assert follower.check()
    assert (follower.model.model_id, follower.seq) == (good, 2)
    assert follower.refused == "factors: checksum differs from the manifest"
    assert not follower.check()
    mended = publish(store, small_model(seed=5))
    assert follower.check()
    assert (follower.model.model_id, follower.refused) == (mended, "")


def test_process_that_starts_at_an_unreadable_entry_takes_the_newest_good_one(store, follower):
    good = publish(store, small_model())
    for seq in (2, 3):
        store.create(f"channels/prod/{seq:010d}.json", b'{"v": 2}')
    assert follower.check()
    assert (follower.model.model_id, follower.seq) == (good, 1)
    assert follower.refused.startswith("channel prod entry 3")
    assert not follower.check()


def test_full_disk_is_an_outage_and_not_the_followers_end(store: Store, tmp_path: Path):
    """Every model fails on a cache that cannot be written; a mended cache serves."""
    publish(store, small_model(seed=1))
    break_model(store, seed=2)
    cache = tmp_path / "cache"
    cache.write_bytes(b"")  # a file where the folder should be: every write is an OSError
    follower = Follower(store, "prod", cache)
    assert not follower.check()
    assert follower.refused
    cache.unlink()
    assert follower.check()
    assert follower.seq == 1


def test_model_that_scores_every_item_the_same_fails_the_smoke_query(store, follower):
    model = small_model()
    model.factors[:] = 0.5
    model.gram[:] = model.factors.T.astype(float) @ model.factors
    publish(store, model)
    assert not follower.check()
    assert follower.refused == "smoke query: every item scores the same"


def cut_off(folder: Path) -> None:
    """The store stops answering: its folder becomes a file."""
    shutil.move(folder, folder.with_suffix(".away"))
    folder.write_bytes(b"")


def reconnect(folder: Path) -> None:
    folder.unlink()
    shutil.move(folder.with_suffix(".away"), folder)


def test_store_outage_leaves_the_model_serving_and_is_retried(store, follower, tmp_path):
    good = publish(store, small_model())
    follower.check()
    newer = publish(store, small_model(seed=2))
    cut_off(tmp_path / "store")
    assert not follower.check()
    assert follower.model.model_id == good
    assert follower.refused
    reconnect(tmp_path / "store")
    assert follower.check()
    assert (follower.model.model_id, follower.refused) == (newer, "")


def test_outage_that_is_over_is_no_longer_told(store: Store, follower: Follower, tmp_path: Path):
    publish(store, small_model())
    follower.check()
    cut_off(tmp_path / "store")
    follower.check()
    reconnect(tmp_path / "store")
    assert not follower.check()
    assert follower.refused == ""


def test_outage_does_not_hide_why_the_newest_model_is_refused(store, follower, tmp_path):
    publish(store, small_model())
    follower.check()
    break_model(store, seed=1)
    follower.check()
    cut_off(tmp_path / "store")
    follower.check()
    reconnect(tmp_path / "store")
    follower.check()
    assert follower.refused == "factors: checksum differs from the manifest"


def test_channel_naming_an_absent_model_is_asked_again(store: Store, follower: Follower):
    publish(store, small_model())
    follower.check()
    publish_entry(store, "prod", ABSENT, at="")
    assert not follower.check()
    assert ABSENT in follower.refused
    assert follower.seq == 1


def test_cache_holds_the_serving_model_alone(store, follower, tmp_path):
    publish(store, small_model(seed=1))
    follower.check()
    old = follower.model
    newer = publish(store, small_model(seed=2))
    follower.check()
    assert [folder.name for folder in (tmp_path / "cache").iterdir()] == [newer]
    assert np.isfinite(old.factors).all()  # a request that took it before the swap still may


def test_restarted_follower_reads_the_cache_and_not_the_store(store, follower, tmp_path):
    model_id = publish(store, small_model())
    follower.check()
    store.put_hint(part_key(model_id, "factors"), b"gone")
    again = Follower(store, "prod", tmp_path / "cache")
    assert again.check()


def test_damaged_cache_is_fetched_anew(store: Store, follower: Follower, tmp_path: Path):
    model_id = publish(store, small_model())
    follower.check()
    cached = tmp_path / "cache" / model_id / "factors.safetensors"
    data = cached.read_bytes()
    cached.unlink()
    cached.write_bytes(data[:-1] + b"\x7f")
    again = Follower(store, "prod", tmp_path / "cache")
    assert again.check()
    assert cached.read_bytes() == data


def test_background_thread_swaps_by_itself(store: Store, follower: Follower):
    follower.start()
    try:
        assert follower.model is None
        model_id = publish(store, small_model())
        wait_until(lambda: follower.model, "the published model serves")
        assert follower.model.model_id == model_id
    finally:
        follower.stop()
