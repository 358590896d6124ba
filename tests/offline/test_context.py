import numpy as np
import pytest
from tastes import watched

from marquee_offline.context import SHRINK, block_contrast, contrast, solve_contrast
from marquee_offline.gain import GAINS, proven_gain
from marquee_offline.histories import Cut, build
from marquee_shared.signals import SignalWeights


def test_contrast_of_a_hand_worked_user() -> None:
    share = np.array([0.5, 0.5])
    z = contrast(np.zeros(4, int), np.array([0, 0, 0, 1]), share, 1)
    own = (3 + SHRINK / 2) / (4 + SHRINK)  # drawn from 0.75 towards 0.5
    assert z[0] == pytest.approx([1 - own, own - 1])
    assert z[3] == pytest.approx([-own, own])


def test_user_of_one_context_only_says_nearly_nothing() -> None:
    z = contrast(np.zeros(500, int), np.zeros(500, int), np.array([0.5, 0.5]), 1)
    assert np.abs(z).max() < 0.01


def histories(*, planted: bool, seed: int):
    """Items 0 to 29 are chosen in context 0, items 30 to 59 in context 1, or in any."""
    rng = np.random.default_rng(seed)
    users = []
    for user in range(150):
        films = rng.permutation(60)[:20].tolist()
        codes = [int(film >= 30) if rng.random() < 0.8 else int(rng.integers(2)) for film in films]
        if not planted:
            codes = rng.permutation(codes).tolist()
        users.append(
            watched(
                f"u{user}",
                *((f, at, (c,)) for at, (f, c) in enumerate(zip(films, codes, strict=True))),
            )
        )
    return build(0, users, 1, Cut(), SignalWeights())


def vectors(block, factors: np.ndarray) -> np.ndarray:
    counts = np.bincount(block.occasions.codes[:, 0])
    sums = block_contrast(block, factors, {"device": counts / counts.sum()})
    return solve_contrast(sums["device.square"], sums["device.moved"], float(sums["device.count"]))


def factors() -> np.ndarray:
    rng = np.random.default_rng(9)
    side = np.where(np.arange(60) < 30, 1.0, -1.0)
    return np.column_stack([side, rng.normal(size=(60, 3)), np.ones(60)]).astype(np.float32)


def test_planted_direction_is_recovered() -> None:
    moved = vectors(histories(planted=True, seed=1), factors()) @ factors().T
    auc = np.mean(moved[0][:30, None] > moved[0][None, 30:])
    assert auc > 0.95
    assert np.allclose(moved[0], -moved[1], atol=1e-4)


def test_shuffled_labels_move_much_less() -> None:
    planted = vectors(histories(planted=True, seed=1), factors())
    shuffled = vectors(histories(planted=False, seed=1), factors())
    assert np.linalg.norm(shuffled) < 0.2 * np.linalg.norm(planted)


def test_nothing_to_learn_from_gives_no_direction() -> None:
    assert not solve_contrast(np.zeros((3, 3)), np.zeros((2, 3)), 0.0).any()


def figures(effect: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    base = rng.random((300, 1))
    noise = rng.normal(0, 0.05, (300, len(GAINS)))
    noise[:, 0] = 0
    return base + effect * np.array(GAINS) / max(GAINS) + noise, (np.arange(300) % 2).astype(
        np.int8
    )


def test_real_effect_is_given_its_gain_and_its_proof() -> None:
    gain, proof = proven_gain(*figures(0.1, 1))
    assert gain == max(GAINS)
    assert proof.low > 0


def test_noise_is_given_gain_0_over_many_seeds() -> None:
    assert {proven_gain(*figures(0.0, seed))[0] for seed in range(40)} == {0.0}


def test_users_of_one_fold_only_prove_nothing() -> None:
    table, _ = figures(0.1, 1)
    assert proven_gain(table, np.zeros(300, np.int8)) == (0.0, None)
