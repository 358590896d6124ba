"""GET /v1/items: well-known titles of all genres in turn, and a page from what was picked."""

from dataclasses import replace

import numpy as np
import pytest
from models import small_model
from starlette.testclient import TestClient

from marquee_online.drain import Drain
from marquee_online.main import create_app
from marquee_online.shelves import DEPTH, diverse, lean, shelve
from marquee_shared.model import Item


def model_of(*genres):
    """A model whose item n has the n-th genres; the earlier, the more watched."""
    model = small_model(len(genres))
    items = [
        Item(item_id=f"m{row}", title="", year=0, genres=its) for row, its in enumerate(genres)
    ]
    return replace(model, items=items)


DRAMA, WAR, BOTH = ("Drama",), ("War",), ("Drama", "War")


def test_each_title_is_the_most_watched_of_the_genre_that_had_the_least():
    shelves = shelve(model_of(DRAMA, DRAMA, DRAMA, BOTH, WAR, ("Noir",), DRAMA, ()))

    assert list(shelves.by_genre) == ["Drama", "War", "Noir"]
    # Drama 0; War 3, which is a drama too; Noir 5; War 4; then nothing is left of War and Noir.
    assert diverse(shelves, 60) == [0, 3, 5, 4, 1, 2, 6, 7]


def test_a_start_of_the_list_is_the_shorter_list():
    shelves = shelve(small_model())

    assert [diverse(shelves, k) for k in range(61)] == [diverse(shelves, 60)[:k] for k in range(61)]


def test_a_catalogue_without_genres_gives_what_is_popular():
    assert diverse(shelve(model_of((), (), ())), 2) == [0, 1]


def test_a_lean_is_towards_one_genre_and_away_from_others():
    shelves = shelve(model_of(DRAMA, WAR, BOTH, ("Noir",)))

    leaning = lean(shelves, np.array([0, 3]), np.array([1.0, -1.0]))

    assert list(leaning) == ["Drama", "Noir", "War"]
    assert leaning["Drama"] == pytest.approx(2**-0.5)
    assert leaning["Noir"] == pytest.approx(-(2**-0.5))
    assert leaning["War"] == pytest.approx(0)
    assert lean(shelves, np.zeros(0, np.int64), np.zeros(0)) == {}


def test_titles_to_pick_from_have_a_neutral_image_and_are_the_same_for_everybody(client):
    answer = client.get("/v1/items?k=12")

    assert answer.status_code == 200
    picks = answer.json()
    assert picks["genres"] == ["Comedy", "Thriller"]
    assert [item["genres"] for item in picks["items"]] == [["Comedy"], ["Thriller"]] * 6
    assert picks["items"][0] == {
        "item_id": "m0",
        "title": "Title 0",
        "year": 1950,
        "genres": ["Comedy"],
        "score": 100.0,
        "source": "popular:all",
        "artwork": {"artwork_id": "m0.title", "url": "/v1/artworks/m0.title.svg"},
    }
    assert client.get("/v1/items?k=12").content == answer.content
    assert client.get(picks["items"][0]["artwork"]["url"]).status_code == 200


def test_titles_of_one_genre_are_its_most_watched(client):
    items = client.get("/v1/items?genre=Thriller&k=3").json()["items"]

    assert [item["item_id"] for item in items] == ["m1", "m3", "m5"]
    assert len(client.get(f"/v1/items?genre=Thriller&k={DEPTH}").json()["items"]) == 60


def test_three_picks_make_a_page(client):
    thrillers = client.get("/v1/items?genre=Thriller&k=3").json()["items"]

    picked = ",".join(item["item_id"] for item in thrillers)
    page = client.get(f"/v1/home?items={picked}").json()

    assert page["basis"] == "request_items"
    assert page["state"] is None
    picks = page["rows"][0]
    assert picks["name"] == "top_picks"
    assert [item["genres"] for item in picks["items"]].count(["Thriller"]) > 15
    offered = {item["item_id"] for row in page["rows"] for item in row["items"]}
    assert not offered & {item["item_id"] for item in thrillers}


def test_an_unknown_genre_is_404(client):
    answer = client.get("/v1/items?genre=%3Cscript%3E")

    assert answer.status_code == 404
    assert "script" not in answer.text


@pytest.mark.parametrize(
    ("query", "field"),
    [("k=0", "k"), ("k=61", "k"), ("k=two", "k"), ("k=1e99", "k"), ("genre=" + "x" * 65, "genre")],
)
def test_a_wrong_parameter_is_named(client, query, field):
    answer = client.get(f"/v1/items?{query}")

    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_without_a_model_there_is_nothing_to_pick_from(settings):
    with TestClient(create_app(settings, Drain())) as client:
        assert client.get("/v1/items").status_code == 503
        assert client.get("/").status_code == 200
