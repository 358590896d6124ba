"""What a person is told when a part is missing, and that it is back."""

import json
import os
import signal
import uuid

import pytest
from deadline import wait_until
from people import send, state_of
from playwright.sync_api import expect

from marquee_nearline.state_store import StateStore

SECONDS = 30_000  # ms for Redis to be missed, or started again


def pid_of(platform, name):
    return next(one.pid for one in platform.supervisor.states() if one.name == name)


@pytest.fixture
def silent_redis(platform):
    """Stops Redis; gives a function that kills it, whereupon it is started again."""
    pid = pid_of(platform, "redis")
    os.kill(pid, signal.SIGSTOP)
    killed = []

    def kill():
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    yield kill
    if not killed:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def unread(http, platform):
    """A user with a history that the online tier has never read."""
    user = f"unread-{uuid.uuid4().hex[:8]}"
    states = StateStore(platform.endpoints.redis)
    for item in ("m0", "m2", "m4"):
        send(http, user, item, "complete")
    wait_until(lambda: state_of(states, user).events >= 3, "the history is folded")
    return user


def test_without_redis_the_page_shows_rows_says_why_and_recovers(
    opened, platform, fan, unread, request
):
    with opened(f"?user={fan}") as (page, _):
        expect(page.locator("body")).to_have_attribute("data-basis", "history")
        page.evaluate("window.notReloaded = true")
        kill = request.getfixturevalue("silent_redis")

        # A page that nobody touches notices; the service remembers whom it has read.
        notice = page.locator(".notice")
        expect(notice).to_contain_text("Redis does not answer", timeout=SECONDS)
        expect(notice).to_contain_text("last knew of you")
        assert page.locator(".card").count() >= 20

        page.locator("#who").click()
        page.locator("#users input").fill(unread)
        page.keyboard.press("Enter")
        expect(notice).to_contain_text("these are popular titles", timeout=SECONDS)
        expect(notice).to_contain_text("Your history is safe")
        assert page.locator(".card").count() >= 20
        # The taste is not that of whoever was here before.
        expect(page.locator("#taste")).to_contain_text("Not known while")

        # An event is taken all the same, and counts when Redis is back.
        title = page.locator("#hero h1").inner_text()
        page.locator("#hero [data-act=play]").click()
        expect(page.locator(".strip-what")).to_contain_text("safe on the log", timeout=SECONDS)
        kill()
        expect(notice).to_contain_text("Everything is back", timeout=SECONDS)
        expect(page.locator("body")).to_have_attribute("data-basis", "history", timeout=SECONDS)
        expect(page.locator(".row h2").first).to_contain_text("Top picks for you")
        assert page.evaluate("window.notReloaded")
        expect(page.locator(".lately")).to_contain_text(title, timeout=SECONDS)


def test_a_page_without_a_model_says_what_to_do_and_comes_by_itself(opened):
    with opened() as (page, watched):
        watched.wanted.append("503")
        problem = {"title": "x", "status": 503, "detail": "No model has been published yet."}
        page.route(
            "**/v1/home?*",
            lambda route: route.fulfill(
                status=503, body=json.dumps(problem), content_type="application/problem+json"
            ),
        )
        page.reload()
        expect(page.locator(".empty")).to_contain_text("There is no model yet")
        page.unroute("**/v1/home?*")
        expect(page.locator(".card").first).to_be_visible(timeout=SECONDS)
        expect(page.locator("#hero h1")).to_be_visible()


def test_a_service_that_does_not_answer_is_waited_for_with_the_page_in_place(opened, fan):
    with opened(f"?user={fan}") as (page, watched):
        watched.wanted.append("ERR_FAILED")
        cards = page.locator(".card").count()
        page.route("**/v1/home?*", lambda route: route.abort())
        page.get_by_role("radio", name="TV").check(force=True)
        expect(page.locator(".notice")).to_contain_text("The service does not answer")
        assert page.locator(".card").count() == cards
        page.unroute("**/v1/home?*")
        expect(page.locator(".eyebrow")).to_contain_text("on TV", timeout=SECONDS)
        expect(page.locator(".notice")).not_to_be_attached(timeout=SECONDS)


def test_an_event_that_the_log_refuses_is_said_to_be_refused(opened, fan):
    with opened(f"?user={fan}") as (page, watched):
        watched.wanted.append("503")
        problem = {"title": "x", "status": 503, "detail": "The event log did not take the event."}
        page.route(
            "**/v1/events",
            lambda route: route.fulfill(
                status=503, body=json.dumps(problem), content_type="application/problem+json"
            ),
        )
        page.locator("#hero [data-act=thumbs_up]").click()
        expect(page.locator(".strip-what")).to_contain_text("nothing was counted")
        expect(page.locator("#said")).to_contain_text("did not take it")
        assert page.locator(".hop[data-lit]").count() == 0


def test_a_page_with_nothing_left_says_so(opened):
    with opened() as (page, _):

        def nothing(route):
            body = route.fetch().json()
            route.fulfill(json={**body, "rows": []})

        page.route("**/v1/home?*", nothing)
        page.reload()
        expect(page.locator(".empty")).to_contain_text("Nothing is left to show")
