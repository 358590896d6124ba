"""Screenshots of the home page, of a demo that is started for them: docs/screenshots/*.png."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright
from rich.console import Console

from marquee_infra.demo import Steps, show_demo
from marquee_infra.platform import Options, Platform, running

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
CHROMIUM = which("chromium") or "/usr/bin/chromium"
# Small files, and still the layout of large screens.
DESKTOP = {"viewport": {"width": 1180, "height": 740}}
TALL = {"viewport": {"width": 960, "height": 1180}}
SMALL = {"viewport": {"width": 960, "height": 640}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 1.5,
    "has_touch": True,
    "is_mobile": True,
}
ONE, OTHER = "ml-1", "ml-610"
REST_MS = 1500  # until what moves has come to rest
SECONDS = 20_000  # ms that a change may take
LARGEST = 400_000  # bytes of a file


def main() -> None:
    """Start a demo, take each picture, end it."""
    console = Console()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as data,
        running(Options(data=Path(data), port=0)) as platform,
        _browser() as browser,
    ):
        quiet = Console(file=StringIO())
        show_demo(platform, quiet, Steps(quiet))
        _take(browser, platform)
    for path in sorted(FOLDER.glob("*.png")):
        console.print(f"{path.relative_to(FOLDER.parents[1])}: {path.stat().st_size // 1000} kB")
        if path.stat().st_size > LARGEST:
            raise SystemExit(f"{path.name} is larger than {LARGEST} bytes")


def _take(browser: Browser, platform: Platform) -> None:
    with _page(browser, f"{platform.url}/?user={ONE}&device=tv&time=evening") as page:
        page.locator("#hero [data-act=play]").click()
        expect(page.locator(".hop[data-lit]")).to_have_count(5, timeout=SECONDS)
        page.locator("#player [data-act=complete]").click()
        expect(page.locator(".strip-what")).to_contain_text("Watched", timeout=SECONDS)
        expect(page.locator(".hop[data-lit]")).to_have_count(5, timeout=SECONDS)
        _save(page, "home")
    with _page(browser, f"{platform.url}/?user={OTHER}&device=tv&time=night") as page:
        _save(page, "another-user")
    with _page(browser, f"{platform.url}/?user={OTHER}&device=tv&time=night", TALL) as page:
        page.locator("#rows .row:nth-child(1) .card-face").nth(1).click()
        expect(page.locator(".candidate").first).to_be_visible(timeout=SECONDS)
        _save(page, "why")
    light = {**DESKTOP, "color_scheme": "light"}
    with _page(browser, f"{platform.url}/?user=sim-8-20&device=web&time=day", light) as page:
        _save(page, "light")
    with _page(browser, f"{platform.url}/?user={ONE}&device=phone&time=morning", PHONE) as page:
        _save(page, "phone")
    with _page(browser, f"{platform.url}/?user={ONE}&device=web&time=evening", SMALL) as page:
        page.locator("#who").click()
        page.get_by_role("button", name="A new visitor").click()
        for n in (1, 2, 6):
            page.locator(".pick").nth(n).click()
        _save(page, "new-visitor")
    url = f"{platform.url}/?user={ONE}&device=tv&time=evening"
    with _page(browser, url) as page, _silent(platform, "redis"):
        page.locator("#who").click()
        page.locator("#users input").fill("ml-74")  # whom the service has not read yet
        page.keyboard.press("Enter")
        expect(page.locator(".notice")).to_contain_text("popular", timeout=SECONDS)
        _save(page, "degraded")


def _save(page: Page, name: str) -> None:
    page.wait_for_timeout(REST_MS)
    page.screenshot(path=FOLDER / f"{name}.png")


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        as_root = ["--no-sandbox"] if os.getuid() == 0 else []
        quiet = ["--disable-background-networking", *as_root]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield browser
        browser.close()


@contextmanager
def _page(browser: Browser, url: str, options: dict[str, object] | None = None) -> Iterator[Page]:
    """A page in a context of its own, once it shows its rows."""
    context = browser.new_context(**{"color_scheme": "dark", **(options or DESKTOP)})
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".card")
    yield page
    context.close()


@contextmanager
def _silent(platform: Platform, name: str) -> Iterator[None]:
    """A part that does not answer for a while."""
    pid = next(one.pid for one in platform.supervisor.states() if one.name == name)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    main()
