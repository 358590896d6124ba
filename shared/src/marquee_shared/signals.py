"""Signal weights: how much each kind of interaction says. One table, travelling in the manifest."""

from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from marquee_shared.interaction import (
    LIST_ADD,
    RATING,
    STRENGTH_UNIT,
    THUMBS_DOWN,
    THUMBS_UP,
    Interaction,
)

RELEVANT_FROM = 0.5  # weight from which a held-out interaction counts as liked in evaluation
DAY_MS = 86_400_000
F64 = NDArray[np.float64]


class SignalWeights(msgspec.Struct, frozen=True, kw_only=True):
    """Weight per kind; negative means disliked (target 0 instead of 1)."""

    watched: float = 1.0  # times the watched share: play, stop, complete
    thumbs_up: float = 1.5
    thumbs_down: float = -1.0
    list_add: float = 0.5
    # Index 2 * rating - 1: stars 0.5, 1, 1.5, ... 5.
    ratings: Annotated[tuple[float, ...], msgspec.Meta(min_length=10, max_length=10)] = (
        *(-0.5, -0.5, -0.4, -0.3, -0.2),
        *(0.2, 0.4, 1.0, 1.2, 1.4),
    )
    half_life_days: Annotated[float, msgspec.Meta(ge=0)] = 1825.0  # five years; 0: no ageing


def weigh(interactions: list[Interaction], table: SignalWeights) -> F64:
    """Signed weights `(n,) float64` of one user's interactions, in their order.

    Age counts back from the user's newest interaction, so that a weight needs no clock.
    """
    weights = np.array([_base(i, table) for i in interactions], np.float64)
    if table.half_life_days > 0 and interactions:
        at = np.array([i.at for i in interactions], np.float64)
        weights *= 0.5 ** ((at.max() - at) / DAY_MS / table.half_life_days)
    return weights


def _base(interaction: Interaction, table: SignalWeights) -> float:
    kind, strength, _ = interaction
    if kind == RATING:
        return table.ratings[round(2 * strength / STRENGTH_UNIT) - 1]
    if kind == THUMBS_UP:
        return table.thumbs_up
    if kind == THUMBS_DOWN:
        return table.thumbs_down
    if kind == LIST_ADD:
        return table.list_add
    return table.watched * strength / STRENGTH_UNIT if kind > LIST_ADD else 0.0
