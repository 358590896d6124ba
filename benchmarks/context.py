"""Context: a planted effect is found, chance is not, and real rating times are reported apart.

Runs on the shipped data and on simulated visitors; needs nothing else.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.table import Table

from marquee_infra.simulate import (
    DAYPART_GENRES,
    DEVICE_GENRES,
    POOL,
    SEED,
    read_items,
    write_history,
)
from marquee_offline.archive_write import write_source
from marquee_offline.context import context_vectors
from marquee_offline.events import build_histories
from marquee_offline.gain import choose_gains
from marquee_offline.histories import SCHEMA, Cut, Histories, Ragged, from_batches, to_batch
from marquee_offline.movielens import import_movielens, read_folder, to_event
from marquee_offline.snapshot import pin
from marquee_offline.spark import spark_session
from marquee_offline.train import Events, Fit, Recipe, evaluate, fit, fitted_for, load
from marquee_shared.context import Context, daypart
from marquee_shared.event import Event
from marquee_shared.fold_in import F32, Objective, gram
from marquee_shared.score import item_item_scores, mix, top
from marquee_shared.store import Store

SHIPPED = Path(__file__).parents[1] / "infra" / "datasets" / "ml-latest-small"
RECIPE = Recipe(dimensions=32, epochs=6, objective=Objective(a0=0.6, lam=0.003), ridge=200, seed=1)
SPLIT = Cut(share=0.8)
BLOCKS = 2
SHUFFLES = 20
AUC_BAR = 0.8
MOMENTS = (("phone", "morning"), ("tv", "night"))
Row = tuple[str, str, str, bool]


def no_progress(_step: str) -> None:
    return


def planted(spark: SparkSession, folder: Path) -> Iterator[Row]:
    """The simulator's stated preference: its direction, its gains, and what it does to a page."""
    store = Store(f"file://{folder}/planted")
    import_movielens(store, SHIPPED)
    write_history(store, seed=SEED, items=read_items(SHIPPED))
    events = load(spark, store, pin(store, now=datetime.now(UTC)), BLOCKS)
    found = evaluate(events, RECIPE, no_progress)
    for field in ("device", "daypart", "weekday"):
        proof, gain = found.metrics[f"context {field}"], found.gains[field]
        planted_here = field != "weekday"
        yield (
            f"gain of {field}; adds {proof.value:+.4f}, 99.9 % from {proof.low:+.4f}",
            f"{gain:g}",
            "above 0" if planted_here else "0: nothing is planted",
            (gain > 0) == planted_here,
        )
    histories = build_histories(events.table, events.vocabulary, SPLIT, RECIPE.signals)
    learnt = fit(histories, events.vocabulary, RECIPE, no_progress)
    auc = np.mean(list(separations(events, learnt)))
    what = "AUC of d_c.y: suited against other films, mean over device and daypart values"
    yield what, f"{auc:.3f}", f"at least {AUC_BAR}", bool(auc >= AUC_BAR)
    yield page_moves(events, learnt, histories, found.gains, found.mix)
    yield shuffled_gains(events, learnt, histories, found.mix)


def separations(events: Events, learnt: Fit) -> Iterator[float]:
    """Per context value: how often a film it suits is moved further than one it does not."""
    genres = {item.item_id: set(item.genres) for item in read_items(SHIPPED)[:POOL]}
    rows = {item: row for row, item in enumerate(events.vocabulary.items) if item in genres}
    for field, table in (("device", DEVICE_GENRES), ("daypart", DAYPART_GENRES)):
        for value, liked in table.items():
            vector = learnt.context[field][events.vocabulary.fields[field].index(value)]
            moved = learnt.factors @ vector
            suited = np.array([bool(genres[item] & set(liked)) for item in rows])
            scores = moved[list(rows.values())]
            yield float(np.mean(scores[suited][:, None] > scores[~suited][None, :]))


def page_moves(
    events: Events, learnt: Fit, histories: DataFrame, gains: dict[str, float], share: float
) -> Row:
    """How much of a visitor's top ten differs between a phone morning and a television night."""
    morning, night = ({"device": d, "daypart": p} for d, p in MOMENTS)
    moved = [pull(events, learnt, gains, moment) for moment in (morning, night)]
    changed = []
    for block in from_batches(histories.toArrow().to_batches()):
        vectors = block.vectors(learnt.factors, gram(learnt.factors), RECIPE.objective)
        for user in np.flatnonzero(block.simulated):
            rows, weights, _ = block.known.of(user)
            unseen = np.ones(len(learnt.factors), np.bool_)
            unseen[rows] = False
            neighbours = item_item_scores(learnt.item_item, rows, weights)
            ials = learnt.factors @ vectors[user]
            pages = [set(top(mix(ials + m, neighbours, unseen, share), 10)) for m in moved]
            changed.append(len(pages[0] - pages[1]))
    mean = float(np.mean(changed))
    what = f"of {len(changed)} visitors' top 10, new between phone morning and tv night"
    return what, f"{mean:.1f} films", "at least 1", mean >= 1


def pull(events: Events, learnt: Fit, gains: dict[str, float], moment: dict[str, str]) -> F32:
    """What a moment adds to every film's iALS score `(n_items,)`."""
    fields = events.vocabulary.fields
    vectors = (gains[f] * learnt.context[f][fields[f].index(v)] for f, v in moment.items())
    added: F32 = learnt.factors @ sum(vectors)
    return added


def shuffled(block: Histories, seed: int) -> Histories:
    """Each user's contexts dealt out among the user's own occasions at random."""
    rng = np.random.default_rng([seed, block.block])

    def dealt(part: Ragged) -> Ragged:
        order = np.arange(len(part.rows))
        for start, stop in zip(part.starts[:-1], part.starts[1:], strict=True):
            rng.shuffle(order[start:stop])
        return replace(part, codes=part.codes[order])

    return replace(block, occasions=dealt(block.occasions), held=dealt(block.held))


def shuffled_gains(events: Events, learnt: Fit, histories: DataFrame, share: float) -> Row:
    """All gains over many shuffles: the same films and shares, only the link between is gone."""
    served = fitted_for(histories, learnt, RECIPE)
    wrong = 0
    for seed in range(SHUFFLES):

        def deal(batches: Iterator[pa.RecordBatch], seed: int = seed) -> Iterator[pa.RecordBatch]:
            for block in from_batches(batches):
                yield to_batch(shuffled(block, seed))

        dealt = histories.mapInArrow(deal, SCHEMA).cache()
        words, counted = events.vocabulary, learnt.tally
        vectors = context_vectors(dealt, learnt.factors, counted, words)
        chance = replace(served, context=vectors)
        gains, _ = choose_gains(dealt, chance, words, share, counted.users)
        wrong += sum(gain > 0 for gain in gains.values())
        dealt.unpersist()
    of = SHUFFLES * len(events.vocabulary.fields)
    what = f"gains above 0 of {of} over {SHUFFLES} shuffles of every user's contexts"
    return what, str(wrong), "none", wrong == 0


def rating_times() -> Iterator[Event]:
    """The shipped ratings with the part of the UTC day in which they were given."""
    for rating in read_folder(SHIPPED).ratings:
        hour = rating.at % 86_400 // 3600
        yield msgspec.structs.replace(to_event(rating), context=Context(daypart=daypart(hour)))


def own_dayparts(spark: SparkSession, folder: Path) -> str:
    """What the time of rating says: no bar, for it is neither local nor the time of viewing."""
    store = Store(f"file://{folder}/own")
    write_source(store, f"import-{0:064x}", rating_times())
    events = load(spark, store, pin(store, now=datetime.now(UTC)), BLOCKS)
    found = evaluate(events, RECIPE, no_progress)
    proof = found.metrics.get("context daypart")
    figures = f"{proof.value:+.4f}, 99.9 % from {proof.low:+.4f}" if proof else "nothing to test"
    return (
        f"MovieLens' own daypart (UTC, of rating; no claim): gain {found.gains['daypart']:g}, "
        f"adds {figures}"
    )


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with spark_session("local[2]", BLOCKS, folder) as spark:
            rows = list(planted(spark, folder))
            own = own_dayparts(spark, folder)
    table = Table("what", "figure", "bar", "")
    for *cells, holds in rows:
        table.add_row(*cells, "holds" if holds else "falls short")
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(own)
    return 0 if all(row[-1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
