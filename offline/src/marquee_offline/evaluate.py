"""Evaluate: pages for the held-out, by the functions that serve, over the whole catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from marquee_offline.events import MIN_TEST_USERS
from marquee_offline.histories import Histories, in_sample
from marquee_offline.metrics import REACH, interval, ndcg, recall
from marquee_offline.per_block import Arrays, per_block
from marquee_shared.fold_in import F32, F64, Objective, gram
from marquee_shared.manifest import Metric
from marquee_shared.model import I64, ItemItem
from marquee_shared.score import item_item_scores, mix, top
from marquee_shared.signals import RELEVANT_FROM

MIXES = tuple(m / 10 for m in range(11))  # share of iALS against item-item
DEFAULT_MIX = 0.5  # where there is nothing to choose it by
RIVALS = ("popularity", "item-item")
MAX_TEST_USERS = 20_000  # a sample beyond: the interval is narrow enough
SEED = 7  # of the bootstrap


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What a fit on the training part serves with."""

    factors: F32
    objective: Objective
    item_item: ItemItem
    popularity: F64  # (n_items,)
    cosine: ItemItem  # the item-item rival
    context: dict[str, F32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One test user: what the model knows, and what it should have guessed."""

    user: int
    rows: I64
    weights: F64
    unseen: NDArray[np.bool_]
    held: I64  # relevant rows, by distinct context
    codes: NDArray[np.int8]  # (len(held), n_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Per test user: fold (0 or 1), whether synthetic, and NDCG@10 and Recall@20 by method."""

    fold: NDArray[np.int8]
    simulated: NDArray[np.bool_]
    figures: F64  # (n_users, len(MIXES) + len(RIVALS), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The evaluation in figures and in words."""

    mix: float
    metrics: dict[str, Metric]
    sentence: str


def trials(block: Histories, n_items: int, share: float) -> Iterator[Trial]:
    """The users of a block that have a positive history and a relevant held-out item."""
    for user, name in enumerate(block.users):
        rows, weights, _ = block.known.of(user)
        held, held_weights, codes = block.held.of(user)
        liked = held_weights >= RELEVANT_FROM
        if not (liked.any() and (weights > 0).any() and in_sample(name, share)):
            continue
        unseen = np.ones(n_items, np.bool_)
        unseen[rows] = False
        yield Trial(
            user=user,
            rows=rows,
            weights=weights,
            unseen=unseen,
            held=held[liked],
            codes=codes[liked],
        )


def sample_share(n_users: int) -> float:
    """The share of users that is put to the test."""
    return min(1.0, MAX_TEST_USERS / max(n_users, 1))


def judge(histories: DataFrame, fitted: Fitted, n_users: int) -> Outcomes:
    """Pages without context for every test user, by every mix and every rival."""
    share = sample_share(n_users)
    known = histories.sparkSession.sparkContext.broadcast(fitted)
    parts = per_block(histories, lambda block: block_outcomes(block, known.value, share))
    known.destroy()
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Outcomes(
        fold=columns["fold"],
        simulated=columns["simulated"].astype(np.bool_),
        figures=columns["figures"],
    )


def block_outcomes(block: Histories, fitted: Fitted, share: float) -> Arrays:
    """The outcomes of one block's test users."""
    vectors = block.vectors(fitted.factors, gram(fitted.factors), fitted.objective)
    tried = list(trials(block, len(fitted.factors), share))
    figures = np.zeros((len(tried), len(MIXES) + len(RIVALS), 2))
    for trial, own in zip(tried, figures, strict=True):
        relevant = np.unique(trial.held)
        for method, scores in enumerate(_methods(trial, fitted, vectors[trial.user])):
            ranked = top(scores, REACH)
            own[method] = ndcg(ranked, relevant), recall(ranked, relevant)
    users = [trial.user for trial in tried]
    return {
        "fold": np.array([fold_of(block.users[user]) for user in users], np.int8),
        "simulated": block.simulated[users].astype(np.uint8),
        "figures": figures,
    }


def fold_of(user: str) -> int:
    """0 or 1: what is chosen on the users of one fold is tested on the other's."""
    return int(in_sample(f"fold {user}", 0.5))


def _methods(trial: Trial, fitted: Fitted, vector: F32) -> Iterator[F32]:
    ials = fitted.factors @ vector
    neighbours = item_item_scores(fitted.item_item, trial.rows, trial.weights)
    for share in MIXES:
        yield mix(ials, neighbours, trial.unseen, share)
    liked = trial.weights > 0
    cosine = item_item_scores(fitted.cosine, trial.rows[liked], np.ones(int(liked.sum())))
    for rival in (fitted.popularity, cosine):
        yield np.where(trial.unseen, rival, -np.inf).astype(np.float32)


# --- the verdict -----------------------------------------------------------------------------


def verdict(outcomes: Outcomes, split: str) -> Verdict:
    """Model against its rivals on real users; synthetic ones apart, and labelled."""
    real = ~outcomes.simulated
    share, model = choose_mix(outcomes.figures[real], outcomes.fold[real])
    metrics: dict[str, Metric] = {}
    if real.any():
        metrics |= _compare(model, outcomes.figures[real], "")
    if outcomes.simulated.any():
        column = outcomes.figures[~real][:, MIXES.index(share)]
        metrics |= _compare(column, outcomes.figures[~real], "simulated.")
    n = int(real.sum())
    if n < MIN_TEST_USERS:
        sentence = f"too few users: {n} to test on, {MIN_TEST_USERS} are needed for a verdict"
        return Verdict(mix=share, metrics=metrics, sentence=sentence)
    return Verdict(mix=share, metrics=metrics, sentence=_sentence(metrics, n, split))


def choose_mix(figures: F64, fold: NDArray[np.int8]) -> tuple[float, F64]:
    """The best mix on all users, and per user the figures `(n, 2)` of the mix that the other
    fold's users chose: nobody is tested with a mix that was chosen on them."""
    if not len(figures):
        return DEFAULT_MIX, np.zeros((0, 2))
    candidates = figures[:, : len(MIXES)]
    model = np.zeros((len(figures), 2))
    for own in (0, 1):
        model[fold == own] = candidates[fold == own][:, _best(candidates[fold != own])]
    return MIXES[_best(candidates)], model


def _best(candidates: F64) -> int:
    if not len(candidates):
        return MIXES.index(DEFAULT_MIX)
    return int(candidates[:, :, 0].mean(axis=0).argmax())


def _compare(model: F64, figures: F64, prefix: str) -> dict[str, Metric]:
    metrics = {}
    for measure, name in enumerate(("ndcg@10", "recall@20")):
        metrics[f"{prefix}{name}"] = interval(model[:, measure], seed=SEED)
        for rival, title in enumerate(RIVALS, start=len(MIXES)):
            other = figures[:, rival, measure]
            metrics[f"{prefix}{name} {title}"] = interval(other, seed=SEED)
            metrics[f"{prefix}{name} minus {title}"] = interval(
                model[:, measure] - other, seed=SEED
            )
    return metrics


def _sentence(metrics: dict[str, Metric], n: int, split: str) -> str:
    against = [f"{_word(metrics[f'ndcg@10 minus {rival}'])} {rival}" for rival in RIVALS]
    return f"{' and '.join(against)} by NDCG@10 over {n} users; {split}"


def _word(difference: Metric) -> str:
    figures = (
        f"({difference.value:+.4f}, 95 % from {difference.low:+.4f} to {difference.high:+.4f})"
    )
    if difference.low > 0:
        return f"better {figures} than"
    return f"worse {figures} than" if difference.high < 0 else f"not apart {figures} from"
