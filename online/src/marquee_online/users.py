"""Users: the route of what is known of a person, in the words of people."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath

from marquee_online.openapi import PERSON_EXAMPLE, answers
from marquee_online.parts import parts_of, serving
from marquee_online.problem import RETRY_AFTER
from marquee_online.reply import PRIVATE, encoded
from marquee_online.shelves import Shelves, lean
from marquee_online.states import Unavailable
from marquee_shared.errors import BadState
from marquee_shared.ids import ID_PATTERN
from marquee_shared.interaction import KINDS, RATING, STRENGTH_UNIT, Interaction
from marquee_shared.model import Model
from marquee_shared.user_state import UserState

PATIENCE = 0.8  # seconds for Redis: nobody's page waits for this answer
NEWEST = 50  # interactions that are told
MOST_STARS = 5
DIGITS = 3  # of a strength and of a lean
UserIdParam = Annotated[str, InPath(pattern=ID_PATTERN, examples=["ml-1"])]
_WORDS = {kind: word for word, kind in KINDS.items()}

router = APIRouter(prefix="/v1")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What all events of a user on one item amount to; `strength` is the watched share, or the
    stars as a share of five."""

    item_id: str
    title: str
    year: int
    kind: str  # play, stop, complete, thumbs_up, thumbs_down, rating, list_add, list_remove
    strength: float
    at: int


class Lean(msgspec.Struct, frozen=True, kw_only=True):
    """How far a history leans to a genre, or away from it: -1 to 1."""

    tag: str
    weight: float


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """When the last event passed each hop (ms, UTC; 0: unknown)."""

    accepted_at: int
    consumed_at: int
    folded_at: int


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to GET /v1/users/{user_id}."""

    user_id: str
    model_id: str
    events: int
    interactions: tuple[Told, ...]  # newest first
    unknown_items: int  # interactions with what the serving model does not know
    taste: tuple[Lean, ...]  # strongest first
    hops: Passed
    artworks_seen: int  # images that this user really saw, within the attribution window


@router.get(
    "/users/{user_id}",
    summary="What is known of a user",
    responses=answers(200, Person, PERSON_EXAMPLE, 404, 422, 500, 503),
)
async def user(request: Request, user_id: UserIdParam) -> Response:
    """The newest 50 interactions, the lean of all of them, and the way of the last event."""
    parts = parts_of(request)
    model = serving(parts)
    try:
        state, seen = await parts.states.read(user_id, PATIENCE)
    except Unavailable:
        raise HTTPException(503, "Redis did not answer in time.", headers=RETRY_AFTER) from None
    except BadState:
        raise HTTPException(500, "The state of this user failed its checks.") from None
    if state is None:
        raise HTTPException(404, "Nothing is known of this user.")
    shelves = await parts.shelves(model)
    return encoded(person(shelves, user_id, state, len(seen)), headers=PRIVATE)


def person(shelves: Shelves, user_id: str, state: UserState, artworks_seen: int) -> Person:
    """A state in the words of the model whose shelves these are."""
    model = shelves.model
    told, unknown = _told(model, state)
    leans = lean(shelves, *model.history(state.interactions))
    return Person(
        user_id=user_id,
        model_id=model.model_id,
        events=state.events,
        interactions=told,
        unknown_items=unknown,
        taste=tuple(Lean(tag=tag, weight=round(w, DIGITS)) for tag, w in leans.items()),
        hops=Passed(
            accepted_at=state.hops.accepted_at,
            consumed_at=state.hops.consumed_at,
            folded_at=state.hops.folded_at,
        ),
        artworks_seen=artworks_seen,
    )


def _told(model: Model, state: UserState) -> tuple[tuple[Told, ...], int]:
    """The newest interactions with known items, and how many are with unknown ones."""
    known = [
        (interaction, row)
        for item, interaction in state.interactions.items()
        if (row := model.row_of_hash.get(item)) is not None
    ]
    known.sort(key=lambda pair: (-pair[0].at, pair[1]))
    told = tuple(_one(model, row, interaction) for interaction, row in known[:NEWEST])
    return told, len(state.interactions) - len(known)


def _one(model: Model, row: int, interaction: Interaction) -> Told:
    item = model.items[row]
    whole = STRENGTH_UNIT * (MOST_STARS if interaction.kind == RATING else 1)
    return Told(
        item_id=item.item_id,
        title=item.title,
        year=item.year,
        kind=_WORDS.get(interaction.kind, "other"),
        strength=round(min(interaction.strength / whole, 1.0), DIGITS),
        at=interaction.at,
    )
