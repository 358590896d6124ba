"""Page: one request from the user's state to the decision that explains its page.

The ladder: state from Redis -> last state this process saw -> items sent along -> popular in the
segment -> popular. Every rung taken is named in the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import msgspec
import numpy as np

from marquee_online.dress import Dressed, Looker, dress, looker, looker_taste
from marquee_online.explain import percentiles
from marquee_online.rank import TOP_PICKS, Ranked, Taste, personal_rows, popular_rows, taste_of
from marquee_online.states import States, Unavailable
from marquee_shared.bandit import Policy
from marquee_shared.context import Context
from marquee_shared.credit import ATTRIBUTION_MS, Credit
from marquee_shared.decision import Decision, Row
from marquee_shared.errors import BadState
from marquee_shared.ids import item_hash
from marquee_shared.images import Images
from marquee_shared.interaction import COMPLETE, STRENGTH_UNIT, Interaction
from marquee_shared.model import Model
from marquee_shared.seen import Showing, newest
from marquee_shared.sums import Reward
from marquee_shared.taste import BUCKETS
from marquee_shared.user_state import UserState

POLICIES = {"page": "ials+item-item/1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request for a page, parsed. `items` is a history sent along, newest last."""

    decision_id: str
    at: int  # ms since epoch
    context: Context
    user_id: str | None = None
    session_id: str | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the user for this page, and which rungs were taken to know it."""

    state: UserState | None
    basis: str  # history, request_items, popular
    degraded: tuple[str, ...] = ()
    seen: tuple[Showing, ...] = ()  # lately, by this user


@dataclass(frozen=True, slots=True, kw_only=True)
class Artwork:
    """How images are drawn for this page; `seed` is all its chance."""

    images: Images
    policy: Policy
    reward: Reward
    seed: int
    arms: dict[str, str] = field(default_factory=dict)


class Decided(NamedTuple):
    """A decision, what its token says, and what explains it."""

    decision: Decision
    credit: Credit
    taste: Taste | None
    percentiles: Mapping[str, float]  # by item id


async def know(states: States, ask: Ask) -> Known:
    """Climb down the ladder until something is known, or nothing."""
    degraded: tuple[str, ...] = ()
    state: UserState | None = None
    seen: tuple[Showing, ...] = ()
    if ask.user_id:
        try:
            state, seen = await states.read(ask.user_id)
        except Unavailable as error:
            state = error.last
            degraded = ("state_from_memory" if state else "state_unavailable",)
        except BadState:
            degraded = ("state_unreadable",)
    if state is not None and state.interactions:
        return Known(state=state, basis="history", degraded=degraded, seen=seen)
    if ask.items:
        return Known(state=_sent_along(ask), basis="request_items", degraded=degraded, seen=seen)
    return Known(state=state, basis="popular", degraded=degraded, seen=seen)


def _sent_along(ask: Ask) -> UserState:
    interactions = {
        item_hash(item): Interaction(COMPLETE, STRENGTH_UNIT, ask.at - len(ask.items) + place)
        for place, item in enumerate(ask.items)
    }
    return UserState(interactions=interactions)


def mixed(model: Model, mix: float | None) -> Model:
    """The model with an experiment's share of iALS in the mix, or as it is."""
    if mix is None:
        return model
    return replace(model, manifest=msgspec.structs.replace(model.manifest, mix=mix))


def decide(model: Model, ask: Ask, known: Known, artwork: Artwork) -> Decided:
    """The page as a decision. A vector of another model is never used: it is solved anew."""
    rows: tuple[Row, ...] = ()
    ranks: Mapping[str, float] = {}
    taste, lean = None, np.zeros(BUCKETS)
    if known.state is not None:
        state = known.state
        cached = state.vector if state.model_id == model.model_id else None
        taste = taste_of(model, state.interactions, cached)
        lean = looker_taste(artwork.images, taste.rows, taste.weights)
        if taste.vector.any():
            ranked = personal_rows(model, taste, ask.context)
            rows, ranks = ranked.rows, _ranks(model, ranked)
    seen = newest(known.seen, ask.at - ATTRIBUTION_MS)
    who = looker(lean, ask.context, seen, ask.session_id)
    dressed = dress(
        rows or popular_rows(model, ask.context, taste),
        artwork.images,
        who,
        artwork.policy,
        np.random.default_rng(artwork.seed),
    )
    decision = Decision(
        decision_id=ask.decision_id,
        user_id=ask.user_id,
        session_id=ask.session_id,
        at=ask.at,
        context=ask.context,
        model_id=model.model_id,
        policies={**POLICIES, "artwork": artwork.policy.name, "artwork_reward": artwork.reward},
        arms=artwork.arms,
        seed=artwork.seed,
        taste=tuple(who.user.tolist()),
        degraded=known.degraded,
        rows=dressed.rows,
    )
    return Decided(decision, _credit(ask, who, dressed), taste, ranks)


def _credit(ask: Ask, who: Looker, dressed: Dressed) -> Credit:
    """What the page's token brings back: who looked, and what was drawn for them."""
    return Credit(
        decision_id=ask.decision_id,
        user=item_hash(ask.user_id or ""),
        issued_at=ask.at,
        taste=tuple(who.user.tolist()),
        choices=dressed.credited,
    )


def _ranks(model: Model, ranked: Ranked) -> Mapping[str, float]:
    """The percentile of each of the top picks."""
    items = [item.item_id for row in ranked.rows if row.name == TOP_PICKS for item in row.items]
    best = np.array([model.row_of[item] for item in items], np.int64)
    return dict(zip(items, percentiles(ranked.scores, best), strict=True))
