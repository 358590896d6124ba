"""Parts: what the routes are given, built once by main."""

from dataclasses import dataclass, field

from fastapi import HTTPException, Request

from marquee_online.drain import Drain
from marquee_online.kept import Kept
from marquee_online.learnt import Learnt
from marquee_online.per_model import PerModel
from marquee_online.problem import RETRY_AFTER
from marquee_online.produce import Sink
from marquee_online.shelves import Shelves
from marquee_online.states import States
from marquee_shared.experiment import Experiment
from marquee_shared.follow import Follower
from marquee_shared.images import ImagesOf
from marquee_shared.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The connections of this process, the keys of its credit tokens, and whether it leaves."""

    follower: Follower
    states: States
    events: Sink
    decisions: Sink
    learnt: Learnt
    experiments: tuple[Experiment, ...]
    images: ImagesOf
    kept: Kept
    shelves: PerModel[Shelves]
    places: PerModel[dict[str, tuple[int, int]]]  # of artworks: row of the item, index
    credit_keys: dict[str, bytes] = field(repr=False)
    drain: Drain


def parts_of(request: Request) -> Parts:
    """What main has built, for a route."""
    parts: Parts = request.app.state.parts
    return parts


def serving(parts: Parts) -> Model:
    """The model that serves; 503 before the first one."""
    model = parts.follower.model
    if model is None:
        raise HTTPException(503, "No model has been published yet.", headers=RETRY_AFTER)
    return model
