"""Routes over HTTP: what is refused, how a page degrades, what the document says."""

import json

import pytest
from deadline import wait_until
from models import file_store, publish, small_model
from starlette.testclient import TestClient

from marquee_online.drain import Drain
from marquee_online.main import create_app
from marquee_online.settings import load_settings
from marquee_shared.errors import BadSetting

EVENT = {"user_id": "u1", "type": "play", "item_id": "m1"}
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": None}, "user_id"),
        ({"user_id": "a{b}"}, "user_id"),
        ({"user_id": "x" * 129}, "user_id"),
        ({"type": "plaý"}, "type"),
        ({"item_id": 5}, "item_id"),
        ({"item_id": None}, "item_id"),
        ({"at": "now"}, "at"),
        ({"at": 4_102_444_800_000}, "at"),
        ({"type": "rating", "rating": 5.5}, "rating"),
        ({"type": "rating"}, "rating"),
        ({"type": "stop", "watched_s": 5}, "runtime_s"),
        ({"type": "stop", "watched_s": 9, "runtime_s": 8}, "watched_s"),
        ({"type": "impressions"}, "seen"),
        ({"row": -1}, "row"),
        ({"position": 1.5}, "position"),
        ({"context": {"device": 7}}, "context.device"),
        ({"accepted_at": 5}, "accepted_at"),
        ({"nonsense": True}, "nonsense"),
    ],
)
def test_a_wrong_field_is_named_and_never_echoed(client, change, field):
    marker = "s3cret-marker"
    body = {**EVENT, "session_id": marker, **change}

    answer = client.post("/v1/events", json=body)

    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert answer.headers["content-type"] == "application/problem+json"
    assert marker not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"user_id": NaN}',
        b'{"user_id": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"at": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_no_event_is_422_never_500(client, body):
    assert client.post("/v1/events", content=body, headers=JSON).status_code == 422


def test_a_large_body_is_413_with_and_without_a_length(client):
    large = b'{"user_id":"' + b"x" * 300_000

    def chunks():
        for _ in range(300):
            yield b"x" * 1024

    assert client.post("/v1/events", content=large, headers=JSON).status_code == 413
    assert client.post("/v1/events", content=chunks(), headers=JSON).status_code == 413


@pytest.mark.parametrize(
    "headers", [{"content-type": "text/plain"}, {**JSON, "content-encoding": "gzip"}]
)
def test_another_content_type_or_encoding_is_415(client, headers):
    answer = client.post("/v1/events", content=json.dumps(EVENT), headers=headers)

    assert answer.status_code == 415


def test_an_event_that_kafka_does_not_take_is_503_and_may_be_sent_again(client):
    answer = client.post("/v1/events", json=EVENT)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert len(answer.json()["event_id"]) == 32


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("user_id=a%7Bb", "user_id"),
        ("user_id=" + "x" * 129, "user_id"),
        ("local_time=yesterday", "local_time"),
        ("items=m1,,m2", "items"),
        ("items=" + ",".join(["m1"] * 51), "items"),
        ("device=" + "x" * 33, "device"),
    ],
)
def test_a_wrong_parameter_of_home_is_named(client, query, field):
    answer = client.get(f"/v1/home?{query}")

    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_without_redis_a_page_is_popular_and_says_why(client):
    page = client.get("/v1/home?user_id=u1&device=tv").json()

    assert page["basis"] == "popular"
    assert page["degraded"] == ["state_unavailable"]
    assert page["rows"][0]["items"][0]["source"] == "popular:device=tv"


def test_items_sent_along_give_a_stranger_a_personal_page(client):
    page = client.get("/v1/home?items=m0,m2,m4").json()

    assert page["basis"] == "request_items"
    top = [item["genres"] for item in page["rows"][0]["items"]]
    assert top.count(["Comedy"]) > 15
    assert page["rows"][1]["because"] == "m4"


def test_items_that_the_model_does_not_know_give_the_popular_page(client):
    assert client.get("/v1/home?items=zz").json()["basis"] == "popular"


def test_the_context_follows_device_and_local_time_and_unknown_becomes_other(client):
    page = client.get("/v1/home?device=fridge&local_time=2026-11-23T20:15&country=DE").json()

    assert page["context"] == {"daypart": "evening", "weekday": "mon", "country": "DE"}


def test_similar_refuses_an_unknown_item_and_a_wrong_k(client):
    assert client.get("/v1/items/zz/similar").status_code == 404
    assert client.get("/v1/items/m1/similar?k=0").json()["field"] == "k"
    assert len(client.get("/v1/items/m1/similar?k=7").json()["items"]) == 7


def test_without_a_model_it_is_alive_not_ready_and_says_so(settings):
    with TestClient(create_app(settings, Drain())) as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        answer = client.get("/v1/home")

    assert answer.status_code == 503
    assert "model" in answer.json()["detail"]


def test_the_document_has_an_example_for_every_answer(client):
    document = client.get("/openapi.json").json()

    described = [
        (path, method, status, kind)
        for path, methods in document["paths"].items()
        if path.startswith("/v1")
        for method, route in methods.items()
        for status, answer in route["responses"].items()
        for kind in answer["content"].values()
        if "example" not in kind
    ]
    assert described == []
    assert (
        "example"
        in document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    )
    kinds = {
        "PostedEvent",
        "Page",
        "Accepted",
        "Similar",
        "Problem",
        "Explained",
        "Person",
        "Picks",
    }
    assert kinds <= set(document["components"]["schemas"])


def test_metrics_count_by_route_not_by_path(client):
    client.get("/v1/home?user_id=u1")
    client.get("/nowhere/at/all")

    text = client.get("/metrics").text

    assert 'marquee_online_answers_total{route="/v1/home",status="200"}' in text
    assert "nowhere" not in text


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("MARQUEE_KAFKA", "127.0.0.1:9092")
    monkeypatch.setenv("MARQUEE_REDIS", "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("MARQUEE_STORE", "file:///tmp/x")
    monkeypatch.setenv("MARQUEE_CREDIT_KEYS", "k1:" + "ab" * 32)
    return monkeypatch


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MARQUEE_CREDIT_KEYS", "k1:zz"),
        ("MARQUEE_CREDIT_KEYS", "k1:ab"),
        ("MARQUEE_PORT", "0"),
        ("MARQUEE_REDIS", "redis://h:abc"),
        ("MARQUEE_CREDIT_KEY", "k1:" + "ab" * 32),
        ("MARQUEE_STORE", "gopher://x"),
        ("MARQUEE_REDIS_TIMEOUT_MS", "soon"),
    ],
)
def test_a_wrong_setting_refuses_to_start_and_names_the_variable(environment, variable, value):
    environment.setenv(variable, value)

    with pytest.raises(BadSetting, match=variable):
        load_settings()


def test_the_secret_of_the_credit_keys_is_not_in_the_message(environment):
    environment.setenv("MARQUEE_CREDIT_KEYS", "k1:hush-hush")

    with pytest.raises(BadSetting) as refusal:
        load_settings()

    assert "hush" not in str(refusal.value)


def test_a_new_model_serves_without_restart(settings, tmp_path):
    store = file_store(tmp_path / "store")
    with TestClient(create_app(settings, Drain())) as client:
        first = publish(store, small_model(seed=1))
        wait_until(lambda: client.get("/readyz").status_code == 200, "a first model")
        second = publish(store, small_model(seed=2))
        wait_until(lambda: client.get("/readyz").json()["model_id"] != first, "the second model")
        assert client.get("/v1/home").json()["model_id"] == second
