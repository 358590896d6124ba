"""Train: a snapshot's events, evaluated on a cut, then fitted whole, as one model."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
from pyspark.sql import DataFrame, SparkSession

from marquee_offline import __version__, ials
from marquee_offline.artwork_prior import learn_priors
from marquee_offline.catalogue import item_table
from marquee_offline.context import context_vectors
from marquee_offline.evaluate import Fitted, judge, verdict
from marquee_offline.events import (
    Vocabulary,
    build_histories,
    choose_cut,
    read_events,
    vocabulary,
)
from marquee_offline.gain import choose_gains
from marquee_offline.histories import Cut
from marquee_offline.item_item import cosine, item_item, positives
from marquee_offline.popularity import Tally, popularity, tally
from marquee_shared.archive import Snapshot
from marquee_shared.artifact import write_model
from marquee_shared.fold_in import F32, Objective, gram
from marquee_shared.ids import ModelId
from marquee_shared.manifest import FORMAT, ContextField, Lineage, Manifest, Metric, Sizes
from marquee_shared.model import Item, ItemItem, Model, index_items
from marquee_shared.signals import SignalWeights
from marquee_shared.store import Store

Progress = Callable[[str], None]
SIGNALS = SignalWeights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is fitted; goes into the manifest."""

    dimensions: int
    epochs: int
    objective: Objective
    ridge: float  # of the item-item part
    seed: int
    signals: SignalWeights = SIGNALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What the histories of a cut amount to."""

    factors: F32
    item_item: ItemItem
    context: dict[str, F32]
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How good a fit was on what it did not know, and the mix and gains that this proves."""

    mix: float
    gains: dict[str, float]
    metrics: dict[str, Metric]
    verdict: str
    artwork: dict[str, str] = field(default_factory=dict)  # reward -> of its prior


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """A snapshot's events, read once for both fits."""

    snapshot: Snapshot
    table: DataFrame
    vocabulary: Vocabulary


def load(spark: SparkSession, store: Store, snapshot: Snapshot, blocks: int) -> Events:
    """Raises BadInput where the snapshot holds nothing to learn from."""
    table = read_events(spark, store.url, snapshot, blocks)
    return Events(snapshot=snapshot, table=table, vocabulary=vocabulary(table))


def fit(histories: DataFrame, words: Vocabulary, recipe: Recipe, progress: Progress) -> Fit:
    """Factors, neighbours, context vectors and counts of the blocks."""
    progress("counting")
    counted = tally(histories, words)
    factors = ials.fit(
        histories,
        n_items=len(words.items),
        dimensions=recipe.dimensions,
        epochs=recipe.epochs,
        objective=recipe.objective,
        seed=recipe.seed,
        progress=lambda epoch: progress(f"epoch {epoch} of {recipe.epochs}"),
    )
    progress("neighbours of items")
    neighbours = item_item(histories, counted, recipe.ridge)
    context = context_vectors(histories, factors, counted, words)
    return Fit(factors=factors, item_item=neighbours, context=context, tally=counted)


def evaluate(events: Events, recipe: Recipe, progress: Progress) -> Evaluation:
    """Fit on the training part, judge on the rest, choose mix and gains."""
    words = events.vocabulary
    cut, split = choose_cut(events.table)
    histories = build_histories(events.table, words, cut, recipe.signals)
    fitted = fit(histories, words, recipe, progress)
    progress("evaluating")
    served = fitted_for(histories, fitted, recipe)
    outcomes = judge(histories, served, fitted.tally.users)
    judged = verdict(outcomes, split)
    progress("testing the context")
    gains, proofs = choose_gains(histories, served, words, judged.mix, fitted.tally.users)
    histories.unpersist()
    return Evaluation(
        mix=judged.mix, gains=gains, metrics=judged.metrics | proofs, verdict=judged.sentence
    )


def fitted_for(histories: DataFrame, fitted: Fit, recipe: Recipe) -> Fitted:
    """A fit as its evaluation serves it, with the rivals fitted to the same histories."""
    counted = fitted.tally
    liked = positives(histories, len(counted.likes), int(counted.likes.sum()))
    return Fitted(
        factors=fitted.factors,
        objective=recipe.objective,
        item_item=fitted.item_item,
        popularity=counted.weight,
        cosine=cosine(liked),
        context=fitted.context,
    )


def train(
    events: Events, store: Store, recipe: Recipe, *, now: datetime, progress: Progress
) -> tuple[ModelId, Evaluation]:
    """Evaluate, fit on everything, and write the artifact; nothing serves it yet."""
    evaluation = evaluate(events, recipe, progress)
    histories = build_histories(events.table, events.vocabulary, Cut(), recipe.signals)
    final = fit(histories, events.vocabulary, recipe, progress)
    histories.unpersist()
    items = item_table(store, events.snapshot.through, events.vocabulary.items)
    progress("what artwork has earned")
    artwork = learn_priors(events.table.sparkSession, store)
    evaluation = replace(evaluation, artwork=artwork.verdicts)
    model = replace(assemble(events, items, final, evaluation, recipe), priors=artwork.priors)
    return write_model(store, model, created=now, progress=progress), evaluation


def assemble(
    events: Events, items: list[Item], final: Fit, evaluation: Evaluation, recipe: Recipe
) -> Model:
    """The model in memory. Raises BadArtifact where two item ids have one hash."""
    segments, counts = popularity(final.tally, events.vocabulary)
    by_id, by_hash = index_items(events.vocabulary.items)
    context = {
        field: ContextField(values=values, gain=evaluation.gains[field])
        for field, values in events.vocabulary.fields.items()
    }
    blank = _manifest(events.snapshot, final, evaluation, recipe)
    return Model(
        manifest=msgspec.structs.replace(blank, context=context, segments=segments),
        items=items,
        factors=final.factors,
        gram=gram(final.factors),
        item_item=final.item_item,
        popularity=counts,
        context=final.context,
        row_of=by_id,
        row_of_hash=by_hash,
    )


def _manifest(snapshot: Snapshot, final: Fit, evaluation: Evaluation, recipe: Recipe) -> Manifest:
    lineage = Lineage(
        snapshot=snapshot.snapshot_id,
        code=(
            f"marquee-offline {__version__}: {recipe.epochs} epochs, "
            f"item-item ridge {recipe.ridge:g}"
        ),
        seed=recipe.seed,
        sources=tuple(snapshot.through),
    )
    sizes = Sizes(
        items=len(final.factors),
        users=final.tally.users,
        interactions=final.tally.interactions,
        dimensions=recipe.dimensions,
    )
    return Manifest(
        format=FORMAT,
        model_id="",  # follows from the contents
        created_at="",
        objective=recipe.objective,
        signals=recipe.signals,
        mix=evaluation.mix,
        sizes=sizes,
        lineage=lineage,
        parts={},
        metrics=evaluation.metrics,
        verdict=evaluation.verdict,
        trained_through=snapshot.through,
    )
