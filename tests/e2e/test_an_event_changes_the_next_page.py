"""The whole loop: what docs/follow-one-event.md says, on real data and real servers."""

import httpx2 as httpx
import pytest
from deadline import wait_until
from people import page_with, send, state_of, top_picks

from marquee_nearline.archive import next_offset
from marquee_nearline.kafka import topic_id
from marquee_nearline.state_store import StateStore
from marquee_shared import event
from marquee_shared.artifact import read_manifest, read_model
from marquee_shared.ids import item_hash, partition_of
from marquee_shared.store import Store

NEW_ITEM = "the-very-new-one"


@pytest.fixture(scope="module")
def http(demo):
    with httpx.Client(base_url=demo[0].url, timeout=10) as client:
        yield client


def test_an_event_changes_the_next_page(demo, http):
    platform, _ = demo
    store, states = Store(platform.endpoints.store), StateStore(platform.endpoints.redis)
    asked = {"user_id": "ml-42", "device": "tv", "local_time": "2026-11-20T20:30"}
    before = http.get("/v1/home", params=asked).json()
    model = read_model(store, before["model_id"], platform.settings.data / "cache" / "test")
    old = state_of(states, "ml-42")

    # Steps 1 to 3: accepted, and where the broker put it.
    played = next(i.item_id for i in model.items if "Musical" in i.genres and unseen(i, old))
    place = send(http, "ml-42", played, "complete")
    assert place["partition"] == partition_of("ml-42", 8)

    # Steps 4 to 10: folded into the state, exactly.
    page = page_with(http, "ml-42", old.events + 1, **asked)
    new = state_of(states, "ml-42")
    assert len(new.interactions) == len(old.interactions) + 1
    assert new.model_id == before["model_id"]
    assert (new.vector == model.fold_in(*model.history(new.interactions))).all()
    assert (new.vector != old.vector).any()
    hops = page["state"]
    assert place["accepted_at"] == hops["accepted_at"] <= hops["consumed_at"] <= hops["folded_at"]

    # Steps 11 to 15: another page of the same model, without what was played.
    assert page["model_id"] == before["model_id"]
    assert page["basis"] == "history"
    assert page["degraded"] == []
    assert top_picks(page) != top_picks(before)
    assert played not in [item["item_id"] for row in page["rows"] for item in row["items"]]


def unseen(item, state):
    return item_hash(item.item_id) not in state.interactions


def test_the_demo_shows_both_pages_the_control_and_the_context(demo):
    _, printed = demo

    for words in ("plays Horror", "Control: the same history plays Children", "ms after the"):
        assert words in printed
    assert "in two contexts" in printed
    assert "Because you watched" in printed
    assert "simulated-8: synthetic" in printed


def test_what_was_played_is_in_the_next_model(demo, http, command):
    platform, _ = demo
    store = Store(platform.endpoints.store)
    source = f"kafka-{topic_id(platform.endpoints.kafka, event.TOPIC)}"
    places = [send(http, f"ml-{n}", NEW_ITEM, "complete") for n in range(200, 212)]
    for place in places:
        wait_until(
            lambda p=place: (
                (next_offset(store, "events", source, p["partition"]) or 0) > p["offset"]
            ),
            "the plays are archived",
        )
    first = http.get("/readyz").json()["model_id"]

    model_id = command("marquee-offline", "run")["entry"]["model_id"]

    through = read_manifest(store, model_id).trained_through[source]
    assert all(through[str(p["partition"])] >= p["offset"] for p in places)
    wait_until(lambda: http.get("/readyz").json()["model_id"] == model_id, "both follow")
    assert model_id != first
    similar = http.get(f"/v1/items/{NEW_ITEM}/similar").json()
    assert len(similar["items"]) == 20
    home = http.get("/v1/home", params={"user_id": "ml-42"}).json()
    assert home["model_id"] == model_id
    assert home["basis"] == "history"


def test_a_rollback_serves_the_model_before_without_restart(demo, http, command):
    current = http.get("/readyz").json()["model_id"]

    entry = command("marquee-offline", "rollback")

    assert entry["model_id"] != current
    wait_until(
        lambda: http.get("/readyz").json()["model_id"] == entry["model_id"], "the old one serves"
    )
