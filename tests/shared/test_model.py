"""A model in memory: histories under it, contexts, and the query it must answer to serve."""

import msgspec
import numpy as np
import pytest
from models import small_model

from marquee_shared.context import Context
from marquee_shared.errors import BadArtifact
from marquee_shared.fold_in import Objective, gram
from marquee_shared.ids import item_hash
from marquee_shared.interaction import COMPLETE, LIST_REMOVE, STOP, THUMBS_DOWN, Interaction
from marquee_shared.manifest import ContextField
from marquee_shared.model import Model, index_items
from marquee_shared.signals import DAY_MS, SignalWeights
from marquee_shared.verify import smoke_query


def scaled(factor: float, **manifest: object) -> Model:
    """The small model with its factors times `factor`, and these fields of its manifest."""
    plain = small_model()
    fields = {name: getattr(plain, name) for name in Model.__dataclass_fields__}
    factors = (plain.factors * np.float32(factor)).astype(np.float32)
    fields |= {"factors": factors, "gram": gram(factors)}
    fields["manifest"] = msgspec.structs.replace(plain.manifest, **manifest)
    return Model(**fields)


def test_history_is_sorted_by_row_and_leaves_out_what_says_nothing():
    said = {
        item_hash("m7"): Interaction(THUMBS_DOWN, 1000, 1),
        item_hash("m2"): Interaction(STOP, 250, 1),
        item_hash("m4"): Interaction(LIST_REMOVE, 1000, 1),
        item_hash("a-title-of-another-model"): Interaction(COMPLETE, 1000, 1),
    }
    rows, weights = small_model().history(said)
    assert rows.tolist() == [2, 7]
    assert weights.tolist() == [0.25, -1.0]


def test_history_ages_from_the_newest_interaction_even_of_an_unknown_item():
    signals = SignalWeights(half_life_days=1)
    said = {
        item_hash("m2"): Interaction(COMPLETE, 1000, 0),
        item_hash("unknown"): Interaction(COMPLETE, 1000, DAY_MS),
    }
    assert scaled(1, signals=signals).history(said)[1].tolist() == [0.5]


def test_empty_history_has_no_rows():
    rows, weights = small_model().history({})
    assert (rows.shape, weights.shape, rows.dtype) == ((0,), (0,), np.int64)


def test_context_adds_its_vector_times_the_gain():
    fields = {"device": ContextField(values=("phone", "tv"), gain=0.5)}
    model = scaled(1, context=fields)
    assert (
        model.context_vector(Context(device="tv")).tolist()
        == (model.context["device"][1] * 0.5).tolist()
    )
    assert not model.context_vector(Context(device="other", country="DE")).any()


def test_context_field_that_this_reader_does_not_know_has_no_effect():
    fields = {"moon": ContextField(values=("full",), gain=1.0)}
    assert not scaled(1, context=fields).context_vector(Context()).any()


def test_item_that_stands_twice_is_refused():
    with pytest.raises(BadArtifact, match="stands twice"):
        index_items(["a", "b", "a"])


def test_items_are_found_by_id_and_by_hash():
    by_id, by_hash = index_items(["b", "a"])
    assert by_id == {"b": 0, "a": 1}
    assert by_hash == {item_hash("b"): 0, item_hash("a"): 1}


def test_sane_model_passes_the_smoke_query():
    smoke_query(small_model())
    smoke_query(small_model(n_items=2))


@pytest.mark.parametrize(
    ("factor", "objective", "reason"),
    [
        (1e-4, Objective(a0=0, lam=1e-9), "a vector of length"),
        (1e-37, Objective(a0=0, lam=1e-300), "smoke query"),
        (1e-30, Objective(a0=0, lam=0.0), "smoke query"),
        (0, Objective(a0=0, lam=0.0), "smoke query"),
        (0, Objective(a0=1, lam=1), "a vector of length 0"),
    ],
)
def test_model_without_sane_answers_fails_the_smoke_query(factor, objective, reason):
    with pytest.raises(BadArtifact, match=reason):
        smoke_query(scaled(factor, objective=objective))
