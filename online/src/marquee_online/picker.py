"""Picker: the route of well-known titles, for somebody new to say what they like."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response

from marquee_online.openapi import PICKS_EXAMPLE, answers
from marquee_online.parts import parts_of, serving
from marquee_online.reply import encoded
from marquee_online.shelves import DEPTH, diverse, watched
from marquee_online.shown import ShownArtwork, ShownItem, shown_artwork, shown_item
from marquee_shared.artwork import fits
from marquee_shared.context import Context
from marquee_shared.images import Images

router = APIRouter(prefix="/v1")


class Picks(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to GET /v1/items; `genres` are those of the catalogue, most watched first."""

    model_id: str
    genres: tuple[str, ...]
    items: tuple[ShownItem, ...]


@router.get(
    "/items",
    summary="Well-known titles, to pick from",
    responses=answers(200, Picks, PICKS_EXAMPLE, 404, 422, 503),
)
async def items(
    request: Request,
    genre: Annotated[str | None, Query(max_length=64, examples=["Comedy"])] = None,
    k: Annotated[int, Query(ge=1, le=DEPTH)] = 24,
) -> Response:
    """The most watched of a genre, or of all genres in turn: the same for everybody. Send the ids
    that somebody picks to `GET /v1/home?items=`."""
    parts = parts_of(request)
    model = serving(parts)
    shelves = await parts.shelves(model)
    if genre is not None and genre not in shelves.by_genre:
        raise HTTPException(404, "The serving model has no title of this genre.")
    rows = diverse(shelves, k) if genre is None else shelves.by_genre[genre][:k]
    counts, images = watched(model), parts.images(model)
    found = tuple(
        msgspec.structs.replace(
            shown_item(model, row, float(counts[row]), "popular:all"), artwork=_plain(images, row)
        )
        for row in rows
    )
    genres = tuple(shelves.by_genre)
    return encoded(Picks(model_id=model.model_id, genres=genres, items=found))


def _plain(images: Images, row: int) -> ShownArtwork | None:
    """The image that tells of no theme, else the first that fits everywhere."""
    fitting = [artwork for artwork in images.of(row)[0] if fits(artwork, Context())]
    plain = min(fitting, key=lambda artwork: bool(artwork.themes), default=None)
    return shown_artwork(plain) if plain else None
