"""OpenAPI: the documented form of what msgspec encodes, with an example for each answer."""

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI

REF = "#/components/schemas/{name}"
Described = dict[int | str, dict[str, Any]]

EVENT_EXAMPLE = {
    "user_id": "ml-1",
    "type": "play",
    "item_id": "ml-1704",
    "context": {"device": "tv", "daypart": "evening", "weekday": "fri"},
}
ACCEPTED_EXAMPLE = {
    "event_id": "6f1c0b6f2f3e4bb08f4a3d7d4f0d2f11",
    "accepted_at": 1795464000000,
    "partition": 3,
    "offset": 1041,
}
_ITEM = {
    "item_id": "ml-318",
    "title": "Shawshank Redemption, The",
    "year": 1994,
    "genres": ["Crime", "Drama"],
    "score": 4.21,
    "source": "ials+item-item",
}
_PICK = _ITEM | {"percentile": 98.04}
PAGE_EXAMPLE = {
    "decision_id": "0c4f4f9c7f5e4c0f9f63a51de1f0a3b7",
    "model_id": "20261123t133044z-abebd1bc40d0",
    "context": {"device": "tv", "daypart": "evening", "weekday": "fri"},
    "basis": "history",
    "degraded": [],
    "rows": [{"name": "top_picks", "title": "Top picks for you", "items": [_PICK]}],
    "state": {
        "events": 12,
        "items": 11,
        "accepted_at": 1795464000000,
        "consumed_at": 1795464000004,
        "folded_at": 1795464000005,
    },
    "credit": "AQJrMQ...",
}
SIMILAR_EXAMPLE = {
    "item_id": "ml-1",
    "model_id": "20261123t133044z-abebd1bc40d0",
    "items": [_ITEM | {"source": "similar"}],
}
EXPLAINED_EXAMPLE = {
    "v": 1,
    "decision_id": "0c4f4f9c7f5e4c0f9f63a51de1f0a3b7",
    "user_id": "ml-1",
    "session_id": None,
    "at": 1795464000000,
    "context": {"device": "tv", "daypart": "evening", "weekday": "fri"},
    "model_id": "20261123t133044z-abebd1bc40d0",
    "policies": {"page": "ials+item-item/1", "artwork": "lin-ts/1", "artwork_reward": "quality"},
    "arms": {},
    "seed": 81985529216486,
    "taste": [
        -0.14,
        0.01,
        0.27,
        0.71,
        -0.32,
        *[-0.075] * 7,
        0.0,
        1.0,
        0.0,
        0.0,
        0.0,
        0.0,
        1.0,
        0.0,
    ],
    "degraded": [],
    "rows": [
        {
            "name": "top_picks",
            "title": "Top picks for you",
            "items": [
                {
                    "item_id": "ml-318",
                    "score": 4.21,
                    "source": "ials+item-item",
                    "artwork_id": "ml-318.drama",
                    "candidates": ["ml-318.crime", "ml-318.drama", "ml-318.title"],
                    "distribution": [0.2, 0.7, 0.1],
                    "parts": {"ials": 2.51, "item_item": 1.4, "context": 0.3},
                }
            ],
        }
    ],
}
PERSON_EXAMPLE = {
    "user_id": "ml-1",
    "model_id": "20261123t133044z-abebd1bc40d0",
    "events": 12,
    "interactions": [
        {
            "item_id": "ml-318",
            "title": "Shawshank Redemption, The",
            "year": 1994,
            "kind": "stop",
            "strength": 0.85,
            "at": 1795464000000,
        }
    ],
    "unknown_items": 1,
    "taste": [{"tag": "Drama", "weight": 0.71}, {"tag": "Horror", "weight": -0.32}],
    "hops": {
        "accepted_at": 1795464000000,
        "consumed_at": 1795464000004,
        "folded_at": 1795464000005,
    },
    "artworks_seen": 17,
}
PICKS_EXAMPLE = {
    "model_id": "20261123t133044z-abebd1bc40d0",
    "genres": ["Drama", "Comedy"],
    "items": [
        _ITEM
        | {
            "source": "popular:all",
            "score": 2217.5,
            "artwork": {"artwork_id": "ml-318.title", "url": "/v1/artworks/ml-318.title.svg"},
        }
    ],
}
SVG_EXAMPLE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 360" role="img">...</svg>'
READY_EXAMPLE = {
    "ready": True,
    "draining": False,
    "model_id": "20261123t133044z-abebd1bc40d0",
    "model_refused": "",
    "redis": True,
}
NOT_READY_EXAMPLE = READY_EXAMPLE | {"ready": False, "model_id": None}
_PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "the field or parameter that is wrong"},
        "event_id": {"type": "string", "description": "503: send the event again with it"},
    },
}


def answers(status: int, kind: type, example: object, *refused: int) -> Described:
    """The `responses` of a route: its answer, and the problems it may refuse with."""
    described: Described = {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": _ref(kind), "example": example}},
        }
    }
    return described | refusals(*refused)


def refusals(*statuses: int) -> Described:
    """The `responses` of the problems that a route may refuse with."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": REF.format(name="Problem")},
                    "example": {
                        "title": HTTPStatus(status).phrase,
                        "status": status,
                        "detail": "what was wrong",
                    },
                }
            },
        }
        for status in statuses
    }


def image(example: str) -> Described:
    """The `responses` of a route that answers with an SVG."""
    drawn = {"schema": {"type": "string"}, "example": example}
    return {200: {"description": HTTPStatus(200).phrase, "content": {"image/svg+xml": drawn}}}


def example(status: int, body: object) -> Described:
    """The `responses` entry of an answer that has no schema of its own."""
    content = {"application/json": {"example": body}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content}}


def request_body(kind: type, example: object) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its own body."""
    content = {"application/json": {"schema": _ref(kind), "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI, kinds: list[type]) -> None:
    """Add the schemas of these msgspec types to the app's document."""
    _, schemas = msgspec.json.schema_components(kinds, ref_template=REF)
    generate = app.openapi

    def document() -> dict[str, Any]:
        described = generate()
        components = described.setdefault("components", {})
        components["schemas"] = {**schemas, "Problem": _PROBLEM}
        return described

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's documented way


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": REF.format(name=kind.__name__)}
