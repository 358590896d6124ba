"""Gain: how far each context field may move a page. 0 unless other users' pages prove it."""

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from marquee_offline.evaluate import SEED, Fitted, Trial, fold_of, sample_share, trials
from marquee_offline.events import Vocabulary
from marquee_offline.histories import Histories
from marquee_offline.metrics import interval
from marquee_offline.per_block import Arrays, per_block
from marquee_shared.fold_in import F32, F64, gram
from marquee_shared.manifest import Metric
from marquee_shared.score import item_item_scores, mix

GAINS = (0.0, 0.25, 0.5, 1.0, 2.0)
LEVEL = 0.999  # of the interval whose lower end must lie above 0
RESAMPLES = 10_000  # so strict a level needs more than the usual number


def choose_gains(
    histories: DataFrame, fitted: Fitted, vocabulary: Vocabulary, share: float, n_users: int
) -> tuple[dict[str, float], dict[str, Metric]]:
    """One gain per field, each by itself, and the proof: what it adds to the other fold's NDCG.

    The NDCG is over the whole ranking, which is smoother than a page of ten: few users have many
    held-out items in any one context.
    """
    if not vocabulary.fields:
        return {}, {}
    known = histories.sparkSession.sparkContext.broadcast(fitted)
    sample = sample_share(n_users)
    parts = per_block(histories, lambda block: block_gains(block, known.value, share, sample))
    known.destroy()
    gains, proofs = {}, {}
    for field in vocabulary.fields:
        figures = np.concatenate([part[field] for part in parts])
        fold = np.concatenate([part[f"{field}.fold"] for part in parts])
        gains[field], proof = proven_gain(figures, fold)
        if proof:
            proofs[f"context {field}"] = proof
    return gains, proofs


def proven_gain(figures: F64, fold: NDArray[np.int8]) -> tuple[float, Metric | None]:
    """The best gain, or 0 where users that did not choose it do not prove it.

    figures `(n_users, len(GAINS))`. Each fold is tested with the gain that the other one chose,
    and both must prove it: the two differences are not independent of each other, for a gain that
    chance favours in both folds is chosen by both, so one test of the two together is too lenient.
    The proof returned is the weaker one.
    """
    sides = [figures[fold == 0], figures[fold == 1]]
    if min(map(len, sides)) == 0:
        return 0.0, None
    proofs = [
        interval(_added(own, other), seed=SEED, level=LEVEL, resamples=RESAMPLES)
        for own, other in (sides, reversed(sides))
    ]
    proof = min(proofs, key=lambda metric: metric.low)
    best = GAINS[int(figures.mean(axis=0).argmax())]
    return (best if proof.low > 0 else 0.0), proof


def _added(own: F64, other: F64) -> F64:
    """What the gain that the other users choose adds for these `(n_users,)`."""
    added: F64 = own[:, other.mean(axis=0).argmax()] - own[:, 0]
    return added


def block_gains(block: Histories, fitted: Fitted, share: float, sample: float) -> Arrays:
    """Per field: `(n, len(GAINS))` of its test users, and their folds."""
    vectors = block.vectors(fitted.factors, gram(fitted.factors), fitted.objective)
    moved = {field: d @ fitted.factors.T for field, d in fitted.context.items()}
    figures: dict[str, list[F64]] = {field: [] for field in moved}
    folds: dict[str, list[int]] = {field: [] for field in moved}
    for trial in trials(block, len(fitted.factors), sample):
        ials = fitted.factors @ vectors[trial.user]
        neighbours = item_item_scores(fitted.item_item, trial.rows, trial.weights)
        for column, field in enumerate(moved):
            if (trial.codes[:, column] >= 0).any():
                own = _by_gain(trial, column, ials, neighbours, moved[field], share)
                figures[field].append(own)
                folds[field].append(fold_of(block.users[trial.user]))
    arrays: dict[str, NDArray[np.generic]] = {}
    for field in moved:
        arrays[field] = np.array(figures[field], np.float64).reshape(-1, len(GAINS))
        arrays[f"{field}.fold"] = np.array(folds[field], np.int8)
    return arrays


def _by_gain(
    trial: Trial, column: int, ials: F32, neighbours: F32, moved: F32, share: float
) -> F64:
    """Mean over the user's held-out occasions of 1 / log2(1 + rank), for each gain."""
    codes = trial.codes[:, column]
    sums, n = np.zeros(len(GAINS)), 0
    for code in np.unique(codes[codes >= 0]):
        rows = np.unique(trial.held[codes == code])
        n += len(rows)
        for i, gain in enumerate(GAINS):
            ranked = mix(ials + np.float32(gain) * moved[code], neighbours, trial.unseen, share)
            ranks = 1 + (ranked > ranked[rows][:, None]).sum(axis=1)
            sums[i] += (1 / np.log2(1 + ranks)).sum()
    return sums / n
