from pathlib import Path

import msgspec
import numpy as np
import pytest
from models import small_model
from tastes import NOW

from marquee_offline.errors import Refused
from marquee_offline.publish import GATE, publish, rollback
from marquee_shared.artifact import write_model
from marquee_shared.channel import entries, latest
from marquee_shared.errors import BadArtifact, NotFound, UnsafeStore
from marquee_shared.manifest import Metric
from marquee_shared.store import Store

BELOW = Metric(value=-0.03, low=-0.05, high=-0.01)
TOUCHES = Metric(value=-0.01, low=-0.03, high=0.01)


def written(store: Store, *, metric: Metric | None = None, seed: int = 0, spoil=None) -> str:
    model = small_model(seed=seed)
    if metric:
        manifest = msgspec.structs.replace(model.manifest, metrics={GATE: metric})
        object.__setattr__(model, "manifest", manifest)
    if spoil:
        object.__setattr__(model, *spoil(model))
    return write_model(store, model, created=NOW)


@pytest.mark.parametrize("metric", [None, TOUCHES, Metric(value=0.1, low=0.05, high=0.15)])
def test_model_that_is_not_proven_worse_is_published(
    store: Store, tmp_path: Path, metric: Metric | None
) -> None:
    entry = publish(store, "prod", written(store, metric=metric), now=NOW)
    assert (entry.seq, entry.reason, entry.forced) == (1, "published", "")
    assert latest(store, "prod") == entry


def test_model_below_popularity_is_refused_and_force_is_recorded(
    store: Store, tmp_path: Path
) -> None:
    model = written(store, metric=BELOW)
    with pytest.raises(Refused, match=r"below popularity's by 0\.0300"):
        publish(store, "prod", model, now=NOW)
    assert latest(store, "prod") is None
    entry = publish(store, "prod", model, now=NOW, force=True)
    assert "below popularity's" in entry.forced
    assert latest(store, "prod") == entry


def not_finite(model):
    factors = model.factors.copy()
    factors[3, 1] = np.nan
    return "factors", factors


def without_taste(model):
    return "factors", np.ones_like(model.factors)


@pytest.mark.parametrize("spoil", [not_finite, without_taste])
def test_no_force_publishes_a_broken_model(store: Store, tmp_path: Path, spoil) -> None:
    model = written(store, spoil=spoil)
    with pytest.raises(BadArtifact):
        publish(store, "prod", model, now=NOW, force=True)
    assert latest(store, "prod") is None


def test_unknown_model_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        publish(store, "prod", "20260101t000000z-000000000000", now=NOW)


@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_published_to_a_store_that_ignores_conditions(
    careless_store: Store, force: bool
) -> None:
    model = written(careless_store)
    with pytest.raises(UnsafeStore, match="Use a store that honours If-None-Match"):
        publish(careless_store, "prod", model, now=NOW, force=force)
    with pytest.raises(UnsafeStore):
        rollback(careless_store, "prod", model, now=NOW)
    assert careless_store.list("channels/") == []


def test_unsafe_store_is_refused_before_anything_is_read(careless_store: Store) -> None:
    with pytest.raises(UnsafeStore):
        publish(careless_store, "prod", "20260101t000000z-000000000000", now=NOW)


def test_rollback_steps_back_one_model_each_time(store: Store, tmp_path: Path) -> None:
    first, second, third = (written(store, seed=seed) for seed in range(3))
    for model in (first, second, third):
        publish(store, "prod", model, now=NOW)
    back = [rollback(store, "prod", None, now=NOW).model_id for _ in range(2)]
    assert back == [second, first]
    assert [entry.seq for entry in entries(store, "prod")] == [1, 2, 3, 4, 5]
    with pytest.raises(Refused, match="no earlier model"):
        rollback(store, "prod", None, now=NOW)
    assert rollback(store, "prod", third, now=NOW).reason == "rollback"


def test_rollback_reaches_no_model_that_the_channel_never_named(store: Store) -> None:
    served, refused = written(store, seed=0), written(store, seed=1)
    publish(store, "prod", served, now=NOW)
    with pytest.raises(Refused, match="never named"):
        rollback(store, "prod", refused, now=NOW)


def test_rollback_steps_over_an_unreadable_entry(store: Store) -> None:
    first, second = written(store, seed=0), written(store, seed=1)
    for model in (first, second):
        publish(store, "prod", model, now=NOW)
    store.create("channels/prod/0000000003.json", b"{")
    assert rollback(store, "prod", None, now=NOW).model_id == first


def test_rollback_reads_the_model_before_it_serves(store: Store, tmp_path: Path) -> None:
    first, second = written(store, seed=0), written(store, seed=1)
    for model in (first, second):
        publish(store, "prod", model, now=NOW)
    store.delete(f"models/{first}/factors.safetensors")
    with pytest.raises(BadArtifact):
        rollback(store, "prod", None, now=NOW)
    assert latest(store, "prod").model_id == second


def test_empty_channel_has_nothing_to_go_back_to(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="channel prod names no earlier model"):
        rollback(store, "prod", None, now=NOW)
