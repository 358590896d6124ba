from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from models import file_store
from pyspark.sql import SparkSession
from tastes import NOW, two_tastes

from marquee_offline import ials
from marquee_offline.archive_write import write_source
from marquee_offline.events import build_histories
from marquee_offline.histories import Cut, from_batches
from marquee_offline.snapshot import pin
from marquee_offline.train import load
from marquee_shared.fold_in import Objective, fold_in, gram
from marquee_shared.ids import item_hash
from marquee_shared.interaction import from_event, join
from marquee_shared.signals import SignalWeights, weigh
from marquee_shared.store import Store
from marquee_shared.user_state import UserState, fold

OBJECTIVE = Objective(a0=0.4, lam=0.01)
D, EPOCHS, SEED = 6, 4, 3
EVENTS = two_tastes(40, ials.RANGE + 90, seed=5)  # so that the items need two ranges


def dense_weights() -> tuple[np.ndarray, list[str], list[str]]:
    """W `(n_users, n_items)` signed, users and items in order of id."""
    users = sorted({e.user_id for e in EVENTS})
    items = sorted({str(e.item_id) for e in EVENTS})
    joined = {}
    for event in EVENTS:
        cell = users.index(event.user_id), items.index(str(event.item_id))
        new = from_event(event)
        joined[cell] = join(joined[cell], new) if cell in joined else new
    weights = np.zeros((len(users), len(items)))
    for cell, interaction in joined.items():
        weights[cell] = weigh([interaction], SignalWeights())[0]
    return weights, users, items


def dense_half_step(weights: np.ndarray, other: np.ndarray) -> np.ndarray:
    """One side's exact solution, written down from the objective and from nothing else."""
    a0, lam = OBJECTIVE.a0, OBJECTIVE.lam
    solved = np.zeros((len(weights), D))
    for row, own in enumerate(weights):
        system = a0 * other.T @ other + other.T @ np.diag(np.abs(own)) @ other
        ridge = lam * ((own != 0).sum() + a0 * len(other))
        right = other.T @ np.maximum(own, 0)
        solved[row] = np.linalg.inv(system + ridge * np.eye(D)) @ right
    return solved


def loss(weights: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    a0, lam = OBJECTIVE.a0, OBJECTIVE.lam
    scores = x @ y.T
    n_u, n_i = (weights != 0).sum(axis=1), (weights != 0).sum(axis=0)
    return float(
        (np.abs(weights) * (scores - (weights > 0)) ** 2).sum()
        + a0 * (scores**2).sum()
        + (lam * (n_u + a0 * len(y)) * (x**2).sum(axis=1)).sum()
        + (lam * (n_i + a0 * len(x)) * (y**2).sum(axis=1)).sum()
    )


@pytest.fixture
def archive(tmp_path: Path) -> Store:
    store = file_store(tmp_path)
    write_source(store, "simulated-1", EVENTS)
    return store


def blocks_of(spark: SparkSession, archive: Store, n: int):
    events = load(spark, archive, pin(archive, now=NOW), n)
    return build_histories(events.table, events.vocabulary, Cut(), SignalWeights())


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_blocks_equal_the_dense_reference(spark: SparkSession, archive: Store, blocks: int) -> None:
    weights, _, items = dense_weights()
    expected = ials.initial(len(items), D, SEED).astype(float)
    for _ in range(EPOCHS):
        expected = dense_half_step(weights.T, dense_half_step(weights, expected))
    histories = blocks_of(spark, archive, blocks)
    fit = {"n_items": len(items), "dimensions": D, "objective": OBJECTIVE, "seed": SEED}
    found = ials.fit(histories, epochs=EPOCHS, **fit)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.array_equal(found, ials.fit(histories, epochs=EPOCHS, **fit))


def test_loss_falls_with_every_epoch(spark: SparkSession, archive: Store) -> None:
    weights, _, items = dense_weights()
    histories = blocks_of(spark, archive, 2)
    factors = ials.initial(len(items), D, SEED)
    losses = []
    for _ in range(EPOCHS):
        factors = ials.half_steps(histories, factors, OBJECTIVE)
        users = dense_half_step(weights, factors.astype(float))
        losses.append(loss(weights, users, factors.astype(float)))
    assert all(later < earlier for earlier, later in pairwise(losses))


def test_trained_user_equals_the_fold_in_of_the_state(spark: SparkSession, archive: Store) -> None:
    _, _, items = dense_weights()
    row_of = {item_hash(item): row for row, item in enumerate(items)}
    factors = ials.initial(len(items), D, SEED) + np.float32(0.1)
    histories = list(from_batches(blocks_of(spark, archive, 2).toArrow().to_batches()))
    assert sum(len(block.users) for block in histories) == 40
    for block in histories:
        vectors = block.vectors(factors, gram(factors), OBJECTIVE)
        for user, vector in zip(block.users, vectors, strict=True):
            state = fold(UserState(), [e for e in EVENTS if e.user_id == user])
            weights = weigh(list(state.interactions.values()), SignalWeights())
            rows = np.array([row_of[item] for item in state.interactions])
            served = fold_in(factors, gram(factors), rows, weights, OBJECTIVE)
            assert np.abs(served - vector).max() <= 1e-5 * np.abs(vector).max()


def test_users_of_opposite_tastes_are_told_apart(spark: SparkSession, archive: Store) -> None:
    weights, _, items = dense_weights()
    fit = {"n_items": len(items), "dimensions": D, "objective": OBJECTIVE, "seed": SEED}
    factors = ials.fit(blocks_of(spark, archive, 2), epochs=EPOCHS, **fit)
    scores = dense_half_step(weights, factors.astype(float)) @ factors.T
    even = np.array([int(item[1:]) % 2 == 0 for item in items])
    liked_even = (weights[:, even] > 0).sum(axis=1) > 2
    assert (scores[liked_even][:, even].mean(1) > scores[liked_even][:, ~even].mean(1)).all()
