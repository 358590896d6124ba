"""API: the routes. Each parses, hands over, and encodes; nothing is decided here."""

import re
import secrets
import time
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect

from marquee_online import metrics
from marquee_online.kept import Made
from marquee_online.openapi import (
    ACCEPTED_EXAMPLE,
    EVENT_EXAMPLE,
    NOT_READY_EXAMPLE,
    PAGE_EXAMPLE,
    READY_EXAMPLE,
    SIMILAR_EXAMPLE,
    answers,
    example,
    request_body,
)
from marquee_online.page import Artwork, Ask, decide, know, mixed
from marquee_online.parts import Parts, parts_of, serving
from marquee_online.problem import RETRY_AFTER, problem
from marquee_online.produce import NotTaken
from marquee_online.rank import similar_scores
from marquee_online.reply import encoded
from marquee_online.shown import Page, ShownItem, answer, shown_item
from marquee_shared.bandit import LinearThompson
from marquee_shared.context import from_local_time
from marquee_shared.decision import encode_decision
from marquee_shared.errors import BadInput
from marquee_shared.event import PostedEvent, accept_event, encode_event
from marquee_shared.experiment import Chosen, arms_of, chosen
from marquee_shared.ids import ID_PATTERN
from marquee_shared.model import Model
from marquee_shared.score import top
from marquee_shared.sums import Reward

MAX_BODY = 256 * 1024  # bytes
POLICY = LinearThompson.name  # of artwork, where no experiment says otherwise
REWARD: Reward = "quality"  # what it is to raise: plays that were worth it, not clicks
MAX_ITEMS = 50  # ids that a request may send along
UserIdParam = Annotated[str | None, Query(pattern=ID_PATTERN, examples=["ml-1"])]
ItemIdParam = Annotated[str, InPath(pattern=ID_PATTERN, examples=["ml-1"])]
Word = Annotated[str, Query(max_length=32)]

router = APIRouter(prefix="/v1")
health = APIRouter()
_ID = re.compile(ID_PATTERN)


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to POST /v1/events: the event is on the log, where it says."""

    event_id: str
    accepted_at: int
    partition: int
    offset: int


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to GET /v1/items/{item_id}/similar."""

    item_id: str
    model_id: str
    items: tuple[ShownItem, ...]


@router.post(
    "/events",
    status_code=202,
    summary="Report what a user did",
    openapi_extra=request_body(PostedEvent, EVENT_EXAMPLE),
    responses=answers(202, Accepted, ACCEPTED_EXAMPLE, 413, 415, 422, 503),
)
async def post_event(request: Request) -> Response:
    """202 comes only after the broker has acknowledged the event: from then on it counts, once.
    Send an event again with the same `event_id` after a 503, which names it; set your own to be
    able to do so after a lost answer."""
    body = await _body(request)
    now = _now_ms()
    event, unknown = accept_event(body, event_id=secrets.token_hex(16), now_ms=now)
    metrics.UNKNOWN_CONTEXT.inc(unknown)
    try:
        place = await parts_of(request).events.send(event.user_id, encode_event(event))
    except NotTaken:
        detail = "The event log did not take the event; send it again with this event_id."
        return problem(503, detail, RETRY_AFTER, event_id=event.event_id)
    return encoded(
        Accepted(
            event_id=event.event_id,
            accepted_at=event.accepted_at,
            partition=place.partition,
            offset=place.offset,
        ),
        202,
    )


@router.get(
    "/home",
    summary="The ranked page of a user, in a context",
    responses=answers(200, Page, PAGE_EXAMPLE, 422, 503),
)
async def home(
    request: Request,
    user_id: UserIdParam = None,
    device: Word = "other",
    local_time: Annotated[str, Query(max_length=40, examples=["2026-11-23T20:15"])] = "",
    country: Word = "other",
    session_id: UserIdParam = None,
    items: Annotated[str, Query(max_length=8192, examples=["ml-1,ml-32"])] = "",
) -> Response:
    """`local_time` is the time where the user is (ISO 8601; now in UTC if absent). `items` is a
    history to build on for somebody without one: item ids, comma-separated, newest last."""
    parts = parts_of(request)
    model = serving(parts)
    context = from_local_time(_local(local_time), device, country)
    metrics.UNKNOWN_CONTEXT.inc((context.device != device) + (context.country != country))
    ask = Ask(
        decision_id=secrets.token_hex(16),
        at=_now_ms(),
        context=context,
        user_id=user_id,
        session_id=session_id,
        items=_item_ids(items),
    )
    known = await know(parts.states, ask)
    arms = arms_of(parts.experiments, user_id, ask.at)
    setting = chosen(parts.experiments, arms)
    artwork = _artwork(parts, model, setting, arms)
    decided = decide(mixed(model, setting.mix), ask, known, artwork)
    logged = encode_decision(decided.decision)
    parts.decisions.offer(user_id or ask.decision_id, logged)
    made = Made(user_id=user_id or "", logged=logged, taste=decided.taste, mix=setting.mix)
    parts.kept.keep(ask.decision_id, made)
    page = answer(artwork.images, decided, known, parts.credit_keys)
    metrics.PAGES.labels(page.basis).inc()
    for rung in page.degraded:
        metrics.DEGRADED.labels(rung).inc()
    return encoded(page)


@router.get(
    "/items/{item_id}/similar",
    summary="Items that a liking of this one speaks for",
    responses=answers(200, Similar, SIMILAR_EXAMPLE, 404, 422, 503),
)
async def similar(
    request: Request, item_id: ItemIdParam, k: Annotated[int, Query(ge=1, le=100)] = 20
) -> Response:
    """Best first; the item itself is left out."""
    model = serving(parts_of(request))
    row = model.row_of.get(item_id)
    if row is None:
        raise HTTPException(404, "The serving model does not know this item.")
    scores = similar_scores(model, row)
    found = tuple(
        shown_item(model, other, float(scores[other]), "similar")
        for other in top(scores, k).tolist()
    )
    return encoded(Similar(item_id=item_id, model_id=model.model_id, items=found))


@health.get("/livez", summary="Is the process alive?", responses=example(200, {"alive": True}))
async def livez() -> Response:
    """Always 200 while the event loop turns."""
    return encoded({"alive": True})


@health.get(
    "/readyz",
    summary="Can it answer pages?",
    responses={**example(200, READY_EXAMPLE), **example(503, NOT_READY_EXAMPLE)},
)
async def readyz(request: Request) -> Response:
    """200 once a verified model serves, until this process is told to stop. Redis down is no
    reason: pages degrade and say so."""
    parts = parts_of(request)
    model, draining = parts.follower.model, parts.drain.begun
    ready = model is not None and not draining
    status = {
        "ready": ready,
        "draining": draining,
        "model_id": model.model_id if model else None,
        "model_refused": parts.follower.refused,
        "redis": parts.states.reachable,
    }
    return encoded(status, 200 if ready else 503)


@health.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def show_metrics() -> Response:
    """Text exposition format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _artwork(parts: Parts, model: Model, setting: Chosen, arms: dict[str, str]) -> Artwork:
    """How this page's images are drawn: as its user's arms say, else as for everybody."""
    reward = setting.reward or REWARD
    return Artwork(
        images=parts.images(model),
        policy=parts.learnt.policies[setting.artwork or POLICY, reward],
        reward=reward,
        seed=secrets.randbits(48),
        arms=arms,
    )


async def _body(request: Request) -> bytes:
    """The whole body, counted while it comes: a length may be absent, or a lie."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "Send application/json.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "Send the body uncompressed.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise HTTPException(413, f"The body is larger than {MAX_BODY} bytes.")
    except ClientDisconnect:
        raise HTTPException(400, "The body ended before its end.") from None
    return bytes(body)


def _local(value: str) -> datetime:
    if not value:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise BadInput("local_time", "expected ISO 8601, as in 2026-11-23T20:15") from None


def _item_ids(value: str) -> tuple[str, ...]:
    ids = tuple(value.split(",")) if value else ()
    if len(ids) > MAX_ITEMS:
        raise BadInput("items", f"at most {MAX_ITEMS} ids")
    if not all(_ID.fullmatch(item) for item in ids):
        raise BadInput("items", "expected item ids, comma-separated")
    return ids


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
