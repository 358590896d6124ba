"""Routes: every route of the service, and the types that its document describes."""

from fastapi import FastAPI

from marquee_online import api, artworks, decisions, openapi, picker, site, users
from marquee_online.shown import Page
from marquee_shared.event import PostedEvent

ROUTERS = (
    *(api.router, artworks.router, decisions.router, users.router, picker.router),
    *(api.health, site.router),
)
KINDS: list[type] = [
    *(PostedEvent, api.Accepted, Page, api.Similar),
    *(decisions.Explained, users.Person, picker.Picks),
]


def add(service: FastAPI) -> None:
    """Give the service its routes, and its document their types."""
    for router in ROUTERS:
        service.include_router(router)
    openapi.install(service, KINDS)
