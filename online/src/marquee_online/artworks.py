"""Artworks: the route that draws the images of titles whose catalogue brings none."""

import asyncio
import threading
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath

from marquee_online.draw import draw
from marquee_online.openapi import SVG_EXAMPLE, image, refusals
from marquee_online.parts import parts_of, serving
from marquee_online.reply import tagged
from marquee_shared.artwork import Artwork, decode_artworks
from marquee_shared.errors import BadArtifact
from marquee_shared.ids import ID_PATTERN
from marquee_shared.model import Item, Model

HEADERS = {
    "Cache-Control": "public, max-age=86400, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
ArtworkIdParam = Annotated[str, InPath(pattern=ID_PATTERN, examples=["ml-1704.romance"])]
Places = dict[str, tuple[int, int]]  # artwork id -> row of its item, index in the item's list

router = APIRouter(prefix="/v1")
log = structlog.get_logger()


class Finder:
    """Where the serving model has each artwork: built at the first question, once per model."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._places: Places = {}
        self._lock = threading.Lock()

    def find(self, model: Model, artwork_id: str) -> tuple[Item, Artwork] | None:
        """The artwork and its item; None for an id that the model does not have."""
        with self._lock:
            if self._model is not model:
                self._model, self._places = model, _places(model)
            place = self._places.get(artwork_id)
        if place is None:
            return None
        item = model.items[place[0]]
        return item, decode_artworks(item.artworks)[place[1]]


def _places(model: Model) -> Places:
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
    model = serving(parts_of(request))
    finder: Finder = request.app.state.artworks
    found = await asyncio.to_thread(finder.find, model, artwork_id)
    if found is None:
        raise HTTPException(404, "The serving model does not know this artwork.")
    item, wanted = found
    if wanted.url:
        raise HTTPException(404, "This artwork is not drawn: it has a URL of its own.")
    svg = draw(artwork_id, item.title, item.year, wanted.themes)
    return tagged(request, svg, "image/svg+xml", HEADERS)
