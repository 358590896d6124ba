"""Decisions: the route that tells why a page is as it is, to whoever holds the page."""

import time
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, HTTPException, Request, Response
from fastapi import Path as InPath

from marquee_online.explain import taken_apart
from marquee_online.kept import Made
from marquee_online.openapi import EXPLAINED_EXAMPLE, answers
from marquee_online.page import mixed
from marquee_online.parts import parts_of
from marquee_online.reply import PRIVATE, encoded
from marquee_shared.credit import ATTRIBUTION_MS, verify
from marquee_shared.decision import Choice, Decision, Row, decode_decision
from marquee_shared.errors import BadToken
from marquee_shared.ids import ID_PATTERN
from marquee_shared.model import Model

CREDIT = "X-Marquee-Credit"
DecisionIdParam = Annotated[str, InPath(pattern=ID_PATTERN)]
CreditHeader = Annotated[
    str | None, Header(alias=CREDIT, description="`credit` of the page with this decision")
]

router = APIRouter(prefix="/v1")


# Fields of the log and some more: what the log gains, these gain.
class ExplainedChoice(Choice, frozen=True, kw_only=True):
    """A choice as logged, and what its score is the sum of."""

    parts: dict[str, float] = msgspec.field(default_factory=dict)


class ExplainedRow(Row, frozen=True, kw_only=True):
    """A row as logged, its choices explained."""

    items: tuple[ExplainedChoice, ...]


class Explained(Decision, frozen=True, kw_only=True, omit_defaults=False):
    """The answer to GET /v1/decisions/{decision_id}."""

    rows: tuple[ExplainedRow, ...] = ()


@router.get(
    "/decisions/{decision_id}",
    summary="Why a page is as it is",
    responses=answers(200, Explained, EXPLAINED_EXAMPLE, 401, 403, 404, 422),
)
async def decision(
    request: Request, decision_id: DecisionIdParam, credit: CreditHeader = None
) -> Response:
    """The decision as it was logged, and the `parts` that a score is the sum of, as long as the
    model that gave it serves. Known to the process that answered the page, for its last 1,000
    pages, and for as long as the page's credit token holds (6 hours)."""
    parts = parts_of(request)
    if not credit:
        detail = f"Send the credit of the page in {CREDIT}."
        raise HTTPException(401, detail, headers={"WWW-Authenticate": CREDIT})
    made = parts.kept.find(decision_id)
    if made is None:
        raise HTTPException(404, "This process does not keep this decision, or does no longer.")
    _admit(credit, decision_id, made, parts.credit_keys)
    return encoded(explained(made, parts.follower.model), headers=PRIVATE)


def _admit(credit: str, decision_id: str, made: Made, keys: dict[str, bytes]) -> None:
    """Nothing for the holder of this decision's page; 403 for anybody else."""
    now = time.time_ns() // 1_000_000
    try:
        held = verify(credit, keys, user_id=made.user_id, now_ms=now, window_ms=ATTRIBUTION_MS)
    except BadToken as error:
        raise HTTPException(403, f"The credit does not hold: {error}.") from None
    if held.decision_id != decision_id:
        raise HTTPException(403, "The credit is that of another page.")


def explained(made: Made, serving: Model | None) -> Explained:
    """Without parts once another model serves."""
    logged = decode_decision(made.logged)
    model = serving if serving and serving.model_id == logged.model_id else None
    rows = tuple(_explained_row(made, model, logged, row) for row in logged.rows)
    return Explained(**{**msgspec.structs.asdict(logged), "rows": rows})


def _explained_row(made: Made, model: Model | None, logged: Decision, row: Row) -> ExplainedRow:
    if model is None or made.taste is None:
        parts: list[dict[str, float]] = [{} for _ in row.items]
    else:
        parts = taken_apart(mixed(model, made.mix), made.taste, logged.context, row)
    items = tuple(
        ExplainedChoice(**msgspec.structs.asdict(choice), parts=part)
        for choice, part in zip(row.items, parts, strict=True)
    )
    return ExplainedRow(**{**msgspec.structs.asdict(row), "items": items})
