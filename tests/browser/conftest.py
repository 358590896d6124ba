"""The whole platform with a small model, and a browser before it."""

import uuid
from contextlib import contextmanager

import httpx2 as httpx
import pytest
from browser import DESKTOP, chromium, watch
from deadline import wait_until
from models import publish, small_model
from people import page_with, send

from marquee_infra.platform import Options, running
from marquee_shared.store import Store

NETWORK_CHANGED = "ERR_NETWORK_CHANGED"
REDIS_MS = "1000"  # a browser and a platform on two cores: what is slow here is not missing


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MARQUEE_REDIS_TIMEOUT_MS", REDIS_MS)
        with running(Options(data=tmp_path_factory.mktemp("browser"), port=0)) as started:
            yield started


@pytest.fixture(scope="session")
def http(platform):
    """A client of the online tier, once it serves the small model."""
    model_id = publish(Store(platform.endpoints.store), small_model())
    with httpx.Client(base_url=platform.url, timeout=10) as client:
        wait_until(lambda: client.get("/readyz").json()["model_id"] == model_id, "it serves")
        yield client


@pytest.fixture(scope="module")
def browser():
    """Of one module: while a browser lives, no other test can run an event loop."""
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser, platform, http):
    """`with opened(user=..., **context_options) as (page, watched)`: the home page, and at the end
    the assertion that nothing complained and nobody else was asked."""

    @contextmanager
    def open_page(path="", **options):
        context = browser.new_context(**{**DESKTOP, **options})
        page = context.new_page()
        watched = watch(page, platform.url)
        try:
            _go(page, f"{platform.url}/{path}", watched)
            yield page, watched
        except Exception as error:  # of the test; with what the page had to say about it
            error.add_note(
                f"The page said: {watched.wrong}. It shows: {page.inner_text('body')[:400]}"
            )
            raise
        finally:
            context.close()
        watched.check()

    return open_page


@pytest.fixture
def fan(http):
    """A user who has watched three comedies, and whose page knows it."""
    user = f"fan-{uuid.uuid4().hex[:10]}"
    for item in ("m0", "m2", "m4"):
        send(http, user, item, "complete")
    page_with(http, user, 3)
    return user


def _go(page, url, watched):
    """Open the page. Chromium drops what it loads when a network interface of the machine comes or
    goes, as beside a container that starts: then once more."""
    page.goto(url)
    if any(NETWORK_CHANGED in said for said in watched.wrong):
        watched.wrong.clear()
        page.goto(url)
    page.wait_for_selector(".card")
