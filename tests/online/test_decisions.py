"""GET /v1/decisions/{decision_id} on the real app: to whom it answers, and what."""

import time

import pytest
from deadline import wait_until
from models import file_store, publish, small_model
from starlette.testclient import TestClient

from marquee_online.drain import Drain
from marquee_online.kept import KEPT, Kept, Made
from marquee_online.main import create_app
from marquee_online.openapi import EXPLAINED_EXAMPLE
from marquee_shared.credit import ATTRIBUTION_MS, sign, verify
from marquee_shared.taste import USER_FEATURES

KEY = bytes.fromhex("ab" * 32)
CREDIT = "X-Marquee-Credit"


def asked(client, page, credit=None):
    token = page["credit"] if credit is None else credit
    return client.get(f"/v1/decisions/{page['decision_id']}", headers={CREDIT: token})


def held(page):
    """What the page's token says; of nobody, for no user was named."""
    now = int(time.time() * 1000)
    return verify(page["credit"], {"k1": KEY}, user_id="", now_ms=now, window_ms=ATTRIBUTION_MS)


@pytest.fixture
def page(client):
    return client.get("/v1/home?items=m0,m2,m4&device=phone&session_id=s1").json()


def test_who_holds_the_page_reads_the_decision_and_what_each_score_is_the_sum_of(client, page):
    answer = asked(client, page)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    decision = answer.json()
    for name in ("decision_id", "model_id", "context", "degraded"):
        assert decision[name] == page[name]
    assert decision["session_id"] == "s1"
    assert decision["policies"]["artwork"] == "lin-ts/1"
    assert isinstance(decision["seed"], int)
    assert decision["taste"] == list(held(page).taste)
    for row, shown in zip(decision["rows"], page["rows"], strict=True):
        assert (row["name"], row["title"]) == (shown["name"], shown["title"])
        for choice, item in zip(row["items"], shown["items"], strict=True):
            assert (choice["item_id"], choice["score"]) == (item["item_id"], item["score"])
            drawn = dict(zip(choice["candidates"], choice["distribution"], strict=True))
            artwork = item["artwork"]
            assert drawn[artwork["artwork_id"]] == artwork["probability"]
    picks, similar, popular = decision["rows"]
    assert set(picks["items"][0]["parts"]) == {"ials", "item_item", "context"}
    assert set(similar["items"][0]["parts"]) == {"ials", "item_item"}
    assert "parts" not in popular["items"][0]
    for choice in (*picks["items"], *similar["items"]):
        assert sum(choice["parts"].values()) == pytest.approx(choice["score"], abs=1e-3)


def test_documented_example_has_the_fields_of_the_answer(client, page):
    assert EXPLAINED_EXAMPLE.keys() == asked(client, page).json().keys()
    assert len(EXPLAINED_EXAMPLE["taste"]) == USER_FEATURES


def test_only_top_picks_have_a_percentile(page):
    picks, *others = page["rows"]

    shares = [item["percentile"] for item in picks["items"]]
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= share < 100 for share in shares)
    assert shares[0] > 99
    assert not [item for row in others for item in row["items"] if "percentile" in item]


def test_without_a_credit_it_is_401_and_says_what_to_send(client, page):
    answer = client.get(f"/v1/decisions/{page['decision_id']}")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == CREDIT
    assert CREDIT in answer.json()["detail"]


def test_the_credit_of_another_page_is_403(client, page):
    other = client.get("/v1/home?items=m0,m2,m4").json()

    answer = asked(client, page, other["credit"])

    assert answer.status_code == 403
    assert "another page" in answer.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token[:40] + ("A" if token[40] != "A" else "B") + token[41:],
        lambda token: token + "=",
        lambda token: token[:60],
        lambda token: "A" * 10_000,
        lambda token: "'\"<script>",
        lambda token: "caf\xe9",
        lambda token: "\xff" * 40,
        lambda token: "null",
    ],
)
def test_a_credit_that_is_forged_cut_or_none_is_403_and_never_echoed(client, page, change):
    token = change(page["credit"]).encode("latin-1")

    answer = asked(client, page, token)

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "<script>" not in answer.text


def test_a_credit_of_another_key_or_another_user_is_403(client, page):
    credit = held(page)
    foreign = type(credit)(
        decision_id=credit.decision_id,
        user=credit.user ^ 1,
        issued_at=credit.issued_at,
        taste=credit.taste,
        choices=credit.choices,
    )

    assert asked(client, page, sign(credit, "k1", b"z" * 32)).status_code == 403
    assert asked(client, page, sign(credit, "k2", KEY)).status_code == 403
    assert asked(client, page, sign(foreign, "k1", KEY)).status_code == 403


def test_an_expired_credit_is_403(client, page):
    credit = held(page)
    old = type(credit)(
        decision_id=credit.decision_id,
        user=credit.user,
        issued_at=credit.issued_at - ATTRIBUTION_MS - 60_000,
        taste=credit.taste,
        choices=credit.choices,
    )

    answer = asked(client, page, sign(old, "k1", KEY))

    assert answer.status_code == 403
    assert "window" in answer.json()["detail"]


def test_a_decision_that_this_process_does_not_keep_is_404_with_a_sentence(client, page):
    answer = client.get("/v1/decisions/nobody", headers={CREDIT: page["credit"]})

    assert answer.status_code == 404
    assert "does not keep" in answer.json()["detail"]


@pytest.mark.parametrize("decision_id", ["a%20b", "%7Bx%7D", "x" * 129, "a%0A"])
def test_what_is_no_id_is_refused_and_named(client, decision_id):
    answer = client.get(f"/v1/decisions/{decision_id}", headers={CREDIT: "x"})

    assert answer.status_code == 422
    assert answer.json()["field"] == "decision_id"


def test_the_last_1000_are_kept_and_the_oldest_gives_way():
    kept = Kept()
    for number in range(KEPT + 2):
        made = Made(user_id="", logged=b"", taste=None, mix=None)
        kept.keep(f"d{number}", made)

    assert kept.find("d1") is None
    assert kept.find("d2") is not None
    assert kept.find(f"d{KEPT + 1}") is not None


def test_once_another_model_serves_the_decision_is_as_logged_without_parts(settings, tmp_path):
    store = file_store(tmp_path / "store")
    publish(store, small_model(seed=1))
    with TestClient(create_app(settings, Drain())) as client:
        page = client.get("/v1/home?items=m0,m2").json()
        second = publish(store, small_model(seed=2))
        wait_until(lambda: client.get("/readyz").json()["model_id"] == second, "the second model")
        decision = asked(client, page).json()

    assert decision["model_id"] == page["model_id"]
    choices = [choice for row in decision["rows"] for choice in row["items"]]
    assert choices
    assert not any("parts" in choice for choice in choices)
