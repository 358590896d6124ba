"""Shown: a decision as a client draws it."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from marquee_online.page import Decided, Known
from marquee_online.rank import TOP_PICKS
from marquee_shared.artwork import Artwork
from marquee_shared.context import Context
from marquee_shared.credit import sign
from marquee_shared.decision import Choice, Row
from marquee_shared.images import Images
from marquee_shared.model import Model
from marquee_shared.user_state import UserState


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
    percentile: float | None = None  # top picks: share of the catalogue that ranks below, 0..100
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


def answer(images: Images, decided: Decided, known: Known, keys: dict[str, bytes]) -> Page:
    """The decision as a client sees it."""
    decision = decided.decision
    personal = any(row.name == TOP_PICKS for row in decision.rows)
    key_id, key = next(iter(keys.items()))
    return Page(
        decision_id=decision.decision_id,
        model_id=decision.model_id,
        context=decision.context,
        basis=known.basis if personal else "popular",
        degraded=decision.degraded,
        rows=tuple(_shown(images, row, decided.percentiles) for row in decision.rows),
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


def shown_artwork(artwork: Artwork, probability: float | None = None) -> ShownArtwork:
    """An image with the address that a client finds it at."""
    return ShownArtwork(
        artwork_id=artwork.artwork_id,
        url=artwork.url or f"/v1/artworks/{quote(artwork.artwork_id, safe='')}.svg",
        themes=artwork.themes,
        probability=probability,
    )


def _shown(images: Images, row: Row, ranks: Mapping[str, float]) -> ShownRow:
    return ShownRow(
        name=row.name,
        title=row.title,
        items=tuple(_shown_choice(images, choice, ranks) for choice in row.items),
        because=row.because,
    )


def _shown_choice(images: Images, choice: Choice, ranks: Mapping[str, float]) -> ShownItem:
    row = images.model.row_of[choice.item_id]
    shown = shown_item(images.model, row, choice.score, choice.source)
    drawn = dict(zip(choice.candidates, choice.distribution, strict=True))
    image = next((a for a in images.of(row)[0] if a.artwork_id == choice.artwork_id), None)
    return msgspec.structs.replace(
        shown,
        percentile=ranks.get(choice.item_id),
        artwork=image and shown_artwork(image, drawn.get(image.artwork_id)),
    )


def _shown_state(state: UserState) -> ShownState:
    return ShownState(
        events=state.events,
        items=len(state.interactions),
        accepted_at=state.hops.accepted_at,
        consumed_at=state.hops.consumed_at,
        folded_at=state.hops.folded_at,
    )
