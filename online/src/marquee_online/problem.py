"""Problem: every refusal as application/problem+json (RFC 9457), never echoing what was sent."""

from http import HTTPStatus

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from marquee_shared.errors import BadInput

RETRY_AFTER = {"Retry-After": "1"}


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: str
) -> Response:
    """The answer that says what was wrong; `more` names the field, or what to send again."""
    body = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return Response(
        msgspec.json.encode(body), status, headers=headers, media_type="application/problem+json"
    )


def install(app: FastAPI) -> None:
    """Map each error to its answer."""

    @app.exception_handler(BadInput)
    async def bad_input(_: Request, error: BadInput) -> Response:
        return problem(422, error.reason, field=error.field)

    @app.exception_handler(RequestValidationError)
    async def bad_parameter(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return problem(422, str(first["msg"]), field=str(first["loc"][-1]))

    @app.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> Response:
        return problem(500, "This is our fault; the log has the reason.")

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), dict(error.headers or {}))
