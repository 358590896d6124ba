"""The files of the home page: what is served, under which policy, and nothing else."""

from importlib.resources import files

import pytest

from marquee_online.site import read

HOME = files("marquee_online") / "home"


def below(folder, prefix=""):
    """Paths of the files below a folder of the package."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from below(entry, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


def test_the_home_page_may_run_its_own_files_and_nothing_else(client):
    answer = client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' https: http: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]


@pytest.mark.parametrize("name", sorted(below(HOME)))
def test_every_file_of_the_home_page_is_served_as_it_lies_there(client, name):
    answer = client.get(f"/app/{name}")

    assert answer.status_code == 200
    assert answer.content == HOME.joinpath(*name.split("/")).read_bytes()
    assert answer.headers["content-security-policy"]
    assert client.head(f"/app/{name}").headers["etag"] == answer.headers["etag"]


def test_who_has_the_page_is_not_sent_it_again_but_asks_each_time(client):
    first = client.get("/")

    again = client.get("/", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "nothing.js",
        "index",
        "..%2fapi.py",
        "%2e%2e/api.py",
        "%2e%2e%2f%2e%2e%2fmarquee_online%2fhome%2findex.html",
        "..%5capi.py",
        "/index.html",
        "%2findex.html",
        "//etc/passwd",
        "index.html/",
        "index.html%00.css",
        "index.html%20",
        ".git/config.json",
        "__init__.py",
        "css",
        "css/",
        "x" * 5000 + ".js",
        "a/" * 2000 + "a.js",
        "%ff%fe.js",
        "f%C3%BC.js",
        "~root.json",
        "con:stream.js",
    ],
)
def test_no_other_path_leads_anywhere(client, path):
    answer = client.get(f"/app/{path}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "root" not in answer.text


@pytest.mark.parametrize(
    "name",
    [
        *("..", ".", "", "../api.py", "../home/index.html", "./index.html", "x/../index.html"),
        *("/etc/passwd", "//index.html", "..\\api.py", "index.html\n", "index.html\0", ".html"),
        *("css", "api.py", "INDEX.HTML/", "a..html", "\ud800.js"),
    ],
)
def test_a_name_is_never_a_way_up_or_out(name):
    """Unlike a path, which clients mend before they send it."""
    assert read(name) is None


def test_nothing_can_be_sent_to_the_page(client):
    assert client.post("/").status_code == 405
    assert client.put("/app/index.html", content=b"x").status_code == 405
