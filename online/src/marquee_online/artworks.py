"""Artworks: the route that draws the images of titles whose catalogue brings none."""

from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath

from marquee_online.draw import draw
from marquee_online.openapi import SVG_EXAMPLE, image, refusals
from marquee_online.parts import parts_of, serving
from marquee_online.reply import tagged
from marquee_shared.artwork import decode_artworks
from marquee_shared.errors import BadArtifact
from marquee_shared.ids import ID_PATTERN
from marquee_shared.model import Model

HEADERS = {
    "Cache-Control": "public, max-age=86400, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
ArtworkIdParam = Annotated[str, InPath(pattern=ID_PATTERN, examples=["ml-1704.romance"])]
Places = dict[str, tuple[int, int]]  # artwork id -> row of its item, index in the item's list

router = APIRouter(prefix="/v1")
log = structlog.get_logger()


def places_of(model: Model) -> Places:
    """Where the model has each artwork; lists that cannot be read are said, and left out."""
    places: Places = {}
    unreadable = 0
    for row, item in enumerate(model.items):
        try:
            artworks = decode_artworks(item.artworks)
        except BadArtifact:
            unreadable += 1
            continue
        for index, artwork in enumerate(artworks):
            places.setdefault(artwork.artwork_id, (row, index))
    if unreadable:
        log.warning("artworks_unreadable", items=unreadable, model_id=model.model_id)
    return places


@router.get(
    "/artworks/{artwork_id}.svg",
    summary="A drawn image of a title",
    response_class=Response,
    responses={**image(SVG_EXAMPLE), **refusals(404, 422, 503)},
)
async def artwork(request: Request, artwork_id: ArtworkIdParam) -> Response:
    """The same bytes for the same id, title, year and themes; 640 x 360, scales to any size. An
    image with a URL of its own is not drawn."""
    parts = parts_of(request)
    model = serving(parts)
    place = (await parts.places(model)).get(artwork_id)
    if place is None:
        raise HTTPException(404, "The serving model does not know this artwork.")
    item = model.items[place[0]]
    wanted = decode_artworks(item.artworks)[place[1]]
    if wanted.url:
        raise HTTPException(404, "This artwork is not drawn: it has a URL of its own.")
    svg = draw(artwork_id, item.title, item.year, wanted.themes)
    return tagged(request, svg, "image/svg+xml", HEADERS)
