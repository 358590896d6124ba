"""GET /v1/artworks/{artwork_id}.svg on the real app."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from deadline import wait_until
from models import file_store, publish, small_model
from starlette.testclient import TestClient

from marquee_online.drain import Drain
from marquee_online.main import create_app
from marquee_shared.artwork import Artwork, default_artworks, encode_artworks

OWN = (
    Artwork(artwork_id="own.far", themes=("War",), url="https://img.example/a.jpg"),
    Artwork(artwork_id="own.svg", themes=("War",)),
)


def model_with_artworks(seed=0, title="Title 0"):
    """Drawn images for all items but two: one brings its own, one list is of an older form."""
    model = small_model(seed=seed)
    items = [
        replace(item, artworks=encode_artworks(default_artworks(item.item_id, item.genres)))
        for item in model.items
    ]
    items[0] = replace(items[0], title=title)
    items[1] = replace(items[1], artworks=encode_artworks(OWN))
    items[2] = replace(items[2], artworks=b'[{"id":"old","themes":["toys"]}]')
    return replace(model, items=items)


@pytest.fixture
def client(settings, tmp_path):
    publish(file_store(tmp_path / "store"), model_with_artworks())
    with TestClient(create_app(settings, Drain())) as client:
        yield client


def test_drawn_artwork_is_an_svg_that_may_be_kept_and_can_do_nothing(client):
    answer = client.get("/v1/artworks/m0.comedy.svg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert b"Title 0" in answer.content
    ET.fromstring(answer.content)


def test_images_of_one_title_differ(client):
    comedy = client.get("/v1/artworks/m0.comedy.svg")
    neutral = client.get("/v1/artworks/m0.title.svg")
    assert comedy.content != neutral.content
    assert comedy.headers["etag"] != neutral.headers["etag"]


@pytest.mark.parametrize("asked", ["{tag}", "W/{tag}", '"x", {tag}', "*"])
def test_who_has_the_image_is_not_sent_it_again(client, asked):
    tag = client.get("/v1/artworks/m4.title.svg").headers["etag"]
    headers = {"if-none-match": asked.format(tag=tag)}
    answer = client.get("/v1/artworks/m4.title.svg", headers=headers)
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == tag
    other = client.get("/v1/artworks/m4.title.svg", headers={"if-none-match": '"x"'})
    assert other.status_code == 200


@pytest.mark.parametrize("artwork_id", ["zz.title", "m0.horror", "m0", "old", "m2.title", "m2"])
def test_unknown_artwork_is_404(client, artwork_id):
    answer = client.get(f"/v1/artworks/{artwork_id}.svg")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "cache-control" not in answer.headers


def test_artwork_with_a_url_is_not_drawn_and_its_sibling_is(client):
    answer = client.get("/v1/artworks/own.far.svg")
    assert answer.status_code == 404
    assert "URL of its own" in answer.json()["detail"]
    assert client.get("/v1/artworks/own.svg.svg").status_code == 200


@pytest.mark.parametrize("artwork_id", ["a%20b", "%7Bx%7D", "x" * 129, "a%0A"])
def test_what_is_no_id_is_refused_and_named(client, artwork_id):
    answer = client.get(f"/v1/artworks/{artwork_id}.svg")
    assert answer.status_code == 422
    assert answer.json()["field"] == "artwork_id"


@pytest.mark.parametrize("path", ["/v1/home", "/v1/home?items=m4", "/v1/items?k=60"])
def test_a_title_whose_images_cannot_be_read_is_shown_without_one(client, path):
    answer = client.get(path).json()
    shown = (
        answer["items"] if "items" in answer else [i for r in answer["rows"] for i in r["items"]]
    )
    assert [item["item_id"] for item in shown if "artwork" not in item] == ["m2"]


def test_without_a_model_nothing_is_drawn(settings):
    with TestClient(create_app(settings, Drain())) as client:
        answer = client.get("/v1/artworks/m0.title.svg")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


def test_a_new_model_draws_its_own_titles(settings, tmp_path):
    store = file_store(tmp_path / "store")
    publish(store, model_with_artworks(seed=1, title="Before"))
    with TestClient(create_app(settings, Drain())) as client:
        assert b"Before" in client.get("/v1/artworks/m0.title.svg").content
        second = publish(store, model_with_artworks(seed=2, title="After"))
        wait_until(lambda: client.get("/readyz").json()["model_id"] == second, "the second model")
        assert b"After" in client.get("/v1/artworks/m0.title.svg").content


def test_the_document_describes_the_image(client):
    document = client.get("/openapi.json").json()
    answers = document["paths"]["/v1/artworks/{artwork_id}.svg"]["get"]["responses"]
    assert set(answers) == {"200", "404", "422", "503"}
    assert list(answers["200"]["content"]) == ["image/svg+xml"]
    assert answers["200"]["content"]["image/svg+xml"]["example"].startswith("<svg")
