import numpy as np
import pytest
from tastes import said

from marquee_offline.evaluate import (
    DEFAULT_MIX,
    MIXES,
    RIVALS,
    Outcomes,
    choose_mix,
    fold_of,
    trials,
    verdict,
)
from marquee_offline.histories import Cut, build
from marquee_shared.signals import SignalWeights


def outcomes(n: int, *, better: float, simulated: int = 0, seed: int = 0) -> Outcomes:
    """Mix 0.7 beats the rivals by `better` for everybody."""
    rng = np.random.default_rng(seed)
    figures = rng.uniform(0.1, 0.2, (n, 1, 1)) + rng.normal(0, 0.01, (n, len(MIXES) + 2, 2))
    figures[:, MIXES.index(0.7)] += better
    flags = np.arange(n) < simulated
    return Outcomes(fold=(np.arange(n) % 2).astype(np.int8), simulated=flags, figures=figures)


def test_better_model_is_called_better_with_its_interval() -> None:
    found = verdict(outcomes(300, better=0.05), "split somehow")
    assert found.mix == 0.7
    assert found.metrics["ndcg@10 minus popularity"].low > 0.04
    assert found.sentence.startswith("better (+0.04")
    assert found.sentence.endswith("over 300 users; split somehow")


def test_model_like_its_rivals_is_not_called_better() -> None:
    found = verdict(outcomes(300, better=0.0), "")
    assert "not apart" in found.sentence or "worse" in found.sentence


def test_too_few_users_get_no_verdict() -> None:
    assert verdict(outcomes(199, better=0.5), "").sentence.startswith("too few users: 199")


def test_synthetic_users_are_apart_and_labelled() -> None:
    found = verdict(outcomes(500, better=0.05, simulated=250), "")
    assert found.sentence.endswith("over 250 users; ")
    assert "simulated.ndcg@10" in found.metrics
    alone = verdict(outcomes(300, better=0.05, simulated=300), "")
    assert alone.sentence.startswith("too few users: 0")
    assert alone.mix == DEFAULT_MIX
    assert all(name.startswith("simulated.") for name in alone.metrics)


def test_nobody_is_tested_with_a_mix_that_was_chosen_on_them() -> None:
    # Each fold loves a mix of its own, by luck: the honest figure shows none of that luck.
    figures = np.zeros((100, len(MIXES) + len(RIVALS), 2))
    fold = (np.arange(100) % 2).astype(np.int8)
    figures[fold == 0, 2] = 1.0
    figures[fold == 1, 8] = 1.0
    _, model = choose_mix(figures, fold)
    assert not model.any()


def test_folds_are_stable_halves() -> None:
    folds = [fold_of(f"u{n}") for n in range(2000)]
    assert folds == [fold_of(f"u{n}") for n in range(2000)]
    assert 900 < sum(folds) < 1100


def test_trial_needs_a_liked_history_and_a_liked_held_item() -> None:
    users = [
        said("good", (0, 5, 1), (1, 5, 2), (2, 5, 3), (3, 5, 4), (4, 5, 5)),
        said("dislikes", (0, 1, 1), (1, 1, 2), (2, 1, 3), (3, 1, 4), (4, 5, 5)),
        said("lukewarm end", (0, 5, 1), (1, 5, 2), (2, 5, 3), (3, 5, 4), (4, 3, 5)),
        said("one", (0, 5, 1)),
    ]
    block = build(0, users, 0, Cut(share=0.8), SignalWeights())
    (only,) = trials(block, 6, 1.0)
    assert only.user == 0
    assert only.held.tolist() == [4]
    assert np.flatnonzero(only.unseen).tolist() == [4, 5]


@pytest.mark.parametrize("n", [0, 1])
def test_empty_folds_do_not_break_the_choice(n: int) -> None:
    figures = np.zeros((n, len(MIXES) + len(RIVALS), 2))
    share, model = choose_mix(figures, np.zeros(n, np.int8))
    assert share in MIXES
    assert model.shape == (n, 2)
