"""Page: one request from the user's state to the answer and the decision that explains it.

The ladder: state from Redis -> last state this process saw -> items sent along -> popular in the
segment -> popular. Every rung taken is named in the answer.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import quote

import msgspec
import numpy as np

from marquee_online.dress import dress, looker, looker_taste
from marquee_online.rank import personal_rows, popular_rows, taste_of
from marquee_online.states import States, Unavailable
from marquee_shared.bandit import Policy
from marquee_shared.context import Context
from marquee_shared.credit import Credit, sign
from marquee_shared.decision import Choice, Decision, Row
from marquee_shared.errors import BadState
from marquee_shared.ids import item_hash
from marquee_shared.images import Images
from marquee_shared.interaction import COMPLETE, STRENGTH_UNIT, Interaction
from marquee_shared.model import Model
from marquee_shared.seen import Showing
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


class ShownArtwork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An image as a client draws it, and with which probability it was drawn."""

    artwork_id: str
    url: str
    themes: tuple[str, ...] = ()
    probability: float | None = None  # absent: kept from earlier in this session


class ShownItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item of the page, with what a client draws."""

    item_id: str
    title: str
    year: int = 0
    genres: tuple[str, ...] = ()
    score: float
    source: str
    artwork: ShownArtwork | None = None


class ShownRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of the page, best first."""

    name: str
    title: str
    items: tuple[ShownItem, ...]
    because: str | None = None


class ShownState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the user's state has come: events counted, and the last one's hops (ms, UTC)."""

    events: int
    items: int
    accepted_at: int
    consumed_at: int
    folded_at: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to GET /v1/home."""

    decision_id: str
    model_id: str
    context: Context
    basis: str
    degraded: tuple[str, ...]
    rows: tuple[ShownRow, ...]
    state: ShownState | None
    credit: str


class Decided(NamedTuple):
    """A decision, and what its token says."""

    decision: Decision
    credit: Credit


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
        return Known(state=_sent_along(ask), basis="request_items", degraded=degraded)
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
    taste, lean = None, np.zeros(BUCKETS)
    if known.state is not None:
        state = known.state
        cached = state.vector if state.model_id == model.model_id else None
        taste = taste_of(model, state.interactions, cached)
        lean = looker_taste(artwork.images, taste.rows, taste.weights)
        if taste.vector.any():
            rows = personal_rows(model, taste, ask.context)
    who = looker(lean, ask.context, known.seen, ask.session_id)
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
        degraded=known.degraded,
        rows=dressed.rows,
    )
    credit = Credit(
        decision_id=ask.decision_id,
        user=item_hash(ask.user_id or ""),
        issued_at=ask.at,
        taste=tuple(who.user.tolist()),
        choices=dressed.credited,
    )
    return Decided(decision, credit)


def answer(images: Images, decided: Decided, known: Known, keys: dict[str, bytes]) -> Page:
    """The decision as a client sees it."""
    decision = decided.decision
    personal = any(row.name == "top_picks" for row in decision.rows)
    key_id, key = next(iter(keys.items()))
    return Page(
        decision_id=decision.decision_id,
        model_id=decision.model_id,
        context=decision.context,
        basis=known.basis if personal else "popular",
        degraded=decision.degraded,
        rows=tuple(_shown(images, row) for row in decision.rows),
        state=_shown_state(known.state) if known.state and known.basis != "request_items" else None,
        credit=sign(decided.credit, key_id, key),
    )


def shown_item(model: Model, row: int, score: float, source: str) -> ShownItem:
    """An item of the model as a client draws it."""
    item = model.items[row]
    return ShownItem(
        item_id=item.item_id,
        title=item.title,
        year=item.year,
        genres=item.genres,
        score=round(score, 4),
        source=source,
    )


def _shown(images: Images, row: Row) -> ShownRow:
    return ShownRow(
        name=row.name,
        title=row.title,
        items=tuple(_shown_choice(images, choice) for choice in row.items),
        because=row.because,
    )


def _shown_choice(images: Images, choice: Choice) -> ShownItem:
    row = images.model.row_of[choice.item_id]
    shown = shown_item(images.model, row, choice.score, choice.source)
    for artwork in images.of(row)[0]:
        if artwork.artwork_id == choice.artwork_id:
            drawn = dict(zip(choice.candidates, choice.distribution, strict=True))
            image = ShownArtwork(
                artwork_id=artwork.artwork_id,
                url=artwork.url or f"/v1/artworks/{quote(artwork.artwork_id, safe='')}.svg",
                themes=artwork.themes,
                probability=drawn.get(artwork.artwork_id),
            )
            return msgspec.structs.replace(shown, artwork=image)
    return shown


def _shown_state(state: UserState) -> ShownState:
    return ShownState(
        events=state.events,
        items=len(state.interactions),
        accepted_at=state.hops.accepted_at,
        consumed_at=state.hops.consumed_at,
        folded_at=state.hops.folded_at,
    )
