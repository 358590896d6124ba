"""Reply: values as JSON, and bodies that their reader may keep."""

import hashlib

import msgspec
from fastapi import Request, Response

PRIVATE = {"Cache-Control": "no-store"}  # about a person


def encoded(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The value as JSON."""
    body = msgspec.json.encode(value)
    return Response(body, status, headers=headers, media_type="application/json")


def tagged(request: Request, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """The body with its `ETag`, or 304 for a reader who has it."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    told = {**headers, "ETag": tag}
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=told)
    return Response(body, media_type=media_type, headers=told)


def _has(asked: str, tag: str) -> bool:
    """RFC 9110, 13.1.2: a list of tags, weakly compared, or a star."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in asked.split(","))
