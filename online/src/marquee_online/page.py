"""Page: one request from the user's state to the answer and the decision that explains it.

The ladder: state from Redis -> last state this process saw -> items sent along -> popular in the
segment -> popular. Every rung taken is named in the answer.
"""

from dataclasses import dataclass

import msgspec

from marquee_online.rank import personal_rows, popular_rows, taste_of
from marquee_online.states import States, Unavailable
from marquee_shared.context import Context
from marquee_shared.credit import Credit, sign
from marquee_shared.decision import Decision, Row
from marquee_shared.errors import BadState
from marquee_shared.ids import item_hash
from marquee_shared.interaction import COMPLETE, STRENGTH_UNIT, Interaction
from marquee_shared.model import Model
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


class ShownItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item of the page, with what a client draws."""

    item_id: str
    title: str
    year: int = 0
    genres: tuple[str, ...] = ()
    score: float
    source: str


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


async def know(states: States, ask: Ask) -> Known:
    """Climb down the ladder until something is known, or nothing."""
    degraded: tuple[str, ...] = ()
    state = None
    if ask.user_id:
        try:
            state = await states.read(ask.user_id)
        except Unavailable as error:
            state = error.last
            degraded = ("state_from_memory" if state else "state_unavailable",)
        except BadState:
            degraded = ("state_unreadable",)
    if state is not None and state.interactions:
        return Known(state=state, basis="history", degraded=degraded)
    if ask.items:
        return Known(state=_sent_along(ask), basis="request_items", degraded=degraded)
    return Known(state=state, basis="popular", degraded=degraded)


def _sent_along(ask: Ask) -> UserState:
    interactions = {
        item_hash(item): Interaction(COMPLETE, STRENGTH_UNIT, ask.at - len(ask.items) + place)
        for place, item in enumerate(ask.items)
    }
    return UserState(interactions=interactions)


def decide(model: Model, ask: Ask, known: Known) -> Decision:
    """The page as a decision. A vector of another model is never used: it is solved anew."""
    rows: tuple[Row, ...] = ()
    taste = None
    if known.state is not None:
        state = known.state
        cached = state.vector if state.model_id == model.model_id else None
        taste = taste_of(model, state.interactions, cached)
        if taste.vector.any():
            rows = personal_rows(model, taste, ask.context)
    return Decision(
        decision_id=ask.decision_id,
        user_id=ask.user_id,
        session_id=ask.session_id,
        at=ask.at,
        context=ask.context,
        model_id=model.model_id,
        policies=POLICIES,
        degraded=known.degraded,
        rows=rows or popular_rows(model, ask.context, taste),
    )


def answer(model: Model, decision: Decision, known: Known, keys: dict[str, bytes]) -> Page:
    """The decision as a client sees it."""
    personal = any(row.name == "top_picks" for row in decision.rows)
    return Page(
        decision_id=decision.decision_id,
        model_id=decision.model_id,
        context=decision.context,
        basis=known.basis if personal else "popular",
        degraded=decision.degraded,
        rows=tuple(_shown(model, row) for row in decision.rows),
        state=_shown_state(known.state) if known.state and known.basis != "request_items" else None,
        credit=_credit(decision, keys),
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


def _shown(model: Model, row: Row) -> ShownRow:
    items = tuple(
        shown_item(model, model.row_of[choice.item_id], choice.score, choice.source)
        for choice in row.items
    )
    return ShownRow(name=row.name, title=row.title, items=items, because=row.because)


def _shown_state(state: UserState) -> ShownState:
    return ShownState(
        events=state.events,
        items=len(state.interactions),
        accepted_at=state.hops.accepted_at,
        consumed_at=state.hops.consumed_at,
        folded_at=state.hops.folded_at,
    )


def _credit(decision: Decision, keys: dict[str, bytes]) -> str:
    key_id, key = next(iter(keys.items()))
    credit = Credit(
        decision_id=decision.decision_id,
        user=item_hash(decision.user_id or ""),
        issued_at=decision.at,
        taste=(),
        choices=(),
    )
    return sign(credit, key_id, key)
