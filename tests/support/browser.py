"""The system's Chromium, and a page that is watched: what it says, asks and gets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import which
from urllib.parse import urlparse

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = which("chromium") or "/usr/bin/chromium"  # infra/setup.sh installs it
QUIET = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a new folder of its own.

    Close it before other tests run: while it lives, the thread has a running event loop.
    """
    as_root = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET + as_root)
        yield browser
        browser.close()


@dataclass
class Watched:
    """What went wrong on a page, and which refusals its test wanted."""

    host: str
    wrong: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)

    def check(self) -> None:
        """No complaint in the console, no script error, no request to another host."""
        assert [said for said in self.wrong if not any(w in said for w in self.wanted)] == []


def watch(page: Page, url: str) -> Watched:
    """Record from here on."""
    watched = Watched(host=urlparse(url).netloc)

    def requested(request) -> None:
        target = urlparse(request.url)
        if target.scheme not in ("data", "blob") and target.netloc != watched.host:
            watched.wrong.append(f"request to another host: {request.url}")

    def spoke(message) -> None:
        if message.type in ("error", "warning"):
            watched.wrong.append(f"console: {message.text} ({message.location.get('url')})")

    page.on("request", requested)
    page.on("console", spoke)
    page.on("pageerror", lambda error: watched.wrong.append(f"script: {error}"))
    return watched
