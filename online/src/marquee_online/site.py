"""Site: the files of the home page, as they lie in `home` beside this module."""

import re
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

from marquee_online.reply import tagged

HOME = files("marquee_online") / "home"
KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
}
# A part of a path begins with a letter or digit and has no two dots in a row: no way up or out.
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
MAX_NAME = 200  # characters of a path
HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for: a deploy is seen at the next visit
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' https: http: data:; connect-src 'self'; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def index(request: Request) -> Response:
    """The home page."""
    return _file(request, "index.html")


@router.api_route("/app/{name:path}", methods=["GET", "HEAD"])
async def file(request: Request, name: str) -> Response:
    """What the home page is made of."""
    return _file(request, name)


def _file(request: Request, name: str) -> Response:
    """Read anew each time: it is small, and the system keeps it in memory."""
    body = read(name)
    if body is None:
        raise HTTPException(404, "The home page has no such file.")
    return tagged(request, body, KINDS[name.rpartition(".")[2]], HEADERS)


def read(name: str) -> bytes | None:
    """The bytes of a file below HOME of a known kind, else None."""
    parts = name.split("/")
    fair = len(name) <= MAX_NAME and all(map(_PART.fullmatch, parts))
    if not fair or name.rpartition(".")[2] not in KINDS:
        return None
    found = HOME.joinpath(*parts)
    return found.read_bytes() if found.is_file() else None
