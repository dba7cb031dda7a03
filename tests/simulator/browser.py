"""A headless browser for the tests of the page, and pages that must not complain.

A test module takes the fixtures over: ``chromium, opened, page = browser.chromium, ...``

With ``MENTRA_SYNC_BROWSER=firefox`` the browser is Firefox (over WebDriver BiDi: one that
playwright gets along with), whatever the names say.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from raw_app import RawApp

from mentra_sync.simulator.http import Simulator


def _without_browser(reason: str) -> NoReturn:
    """Skip, or fail where a browser has been promised."""
    if os.environ.get("MENTRA_SYNC_REQUIRE_BROWSER") == "1":
        pytest.fail(f"MENTRA_SYNC_REQUIRE_BROWSER is set, but {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


try:
    from playwright.sync_api import (
        Browser,
        ConsoleMessage,
        Error,
        FrameLocator,
        Locator,
        Page,
        Playwright,
        expect,
        sync_playwright,
    )
except ImportError:
    _without_browser("playwright is not installed (pip install mentra-sync[test])")

FIREFOX = os.environ.get("MENTRA_SYNC_BROWSER") == "firefox"
NAMES = (
    ("firefox", "firefox-esr")
    if FIREFOX
    else ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
)

ARGUMENTS = (
    "--no-sandbox",  # containers run as root, where Chromium refuses to start with one
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A webcam that shows a moving picture, and that may be used.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

PREFERENCES: dict[str, str | float | bool] = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
}
"""The same for Firefox."""

PATIENCE_MS = 10_000
"""How long a test waits for what it expects; what works is there in a fraction of it."""


@contextmanager
def headless_chromium() -> Iterator[Browser]:
    """A running browser; without one the test that asks for it skips."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _without_browser(f"no browser is installed (looked for {', '.join(NAMES)})")
    with sync_playwright() as playwright:
        try:
            browser = _launch(playwright, path)
        except Error as error:
            _without_browser(f"{path} does not start: {error}")
        try:
            yield browser
        finally:
            browser.close()


def _launch(playwright: Playwright, path: str) -> Browser:
    if not FIREFOX:
        return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
    return playwright.firefox.launch(
        channel="moz-firefox", executable_path=path, firefox_user_prefs=PREFERENCES
    )


def not_in_firefox(reason: str) -> pytest.MarkDecorator:
    """Marks a test of what Firefox has not, or cannot be made to do from outside."""
    return pytest.mark.skipif(FIREFOX, reason=f"in Firefox: {reason}")


class QuietPage:
    """A page on which any console message or uncaught error fails the test.

    ``expect_complaints()`` allows what the browser itself says when a server is gone.
    """

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self._allowed = False
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")

    def expect_complaints(self) -> None:
        """Allow the console messages of this test."""
        self._allowed = True

    def check(self) -> None:
        """Fail if the browser had something to complain about."""
        if not self._allowed:
            assert self.complaints == [], "\n".join(self.complaints)


@contextmanager
def open_page(browser: Browser, **context: Any) -> Iterator[tuple[Page, QuietPage]]:
    """A page in a context of its own, with nothing remembered from an earlier test."""
    with browser.new_context(**context) as own:
        own.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page = own.new_page()
        quiet = QuietPage(page)
        yield page, quiet
        quiet.check()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser of all tests of a module."""
    with headless_chromium() as browser:
        yield browser


@pytest.fixture
def opened(
    chromium: Browser, simulate: Callable[..., Simulator]
) -> Iterator[tuple[Page, QuietPage]]:
    """A page as large as a laptop's; it is closed before its simulator ends."""
    with open_page(chromium, viewport={"width": 1280, "height": 800}) as page:
        yield page


@pytest.fixture
def page(opened: tuple[Page, QuietPage]) -> Page:
    """The same, for tests that expect no complaints."""
    return opened[0]


def go(page: Page, simulator: Simulator) -> None:
    """Open the page, and wait until it is connected."""
    page.goto(simulator.url)
    page.locator("body[data-connection=connected]").wait_for()


def go_with_app(page: Page, simulator: Simulator, app: RawApp) -> None:
    """Open the page of an app that runs and listens, when the boot screen is over."""
    app.subscriptions = ["transcription:en-US", "button_press"]
    assert simulator.start_app()
    go(page, simulator)
    page.locator("#listening[data-on=true]").wait_for()
    # What is sent during the boot screen would be shown after it.
    page.locator(".glasses:not(.booting)").wait_for()


def inside(page: Page, title: str) -> FrameLocator:
    """A page that stands inside of this one, by its title."""
    return page.frame_locator(f"iframe[title='{title}']")


def stop_time(page: Page) -> None:
    """Let no time pass on an open page but what ``page.clock.run_for`` brings; before it was
    opened, ``page.clock.install()`` must have been called."""
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))


def said_to(app: RawApp, **wanted: Any) -> dict[str, Any]:
    """The first event of the app whose data has these fields, when it has come."""
    frame = app.socket.seen.wait(
        lambda frame: frame["type"] == "data_stream" and wanted.items() <= frame["data"].items()
    )
    data: dict[str, Any] = frame["data"]
    return data


def enter(box: Locator, text: str) -> None:
    """Type a text in place of what is there, key by key."""
    box.press("ControlOrMeta+a")
    box.press("Delete")
    box.press_sequentially(text)


def fits(page: Page) -> bool:
    """Whether nothing stands out at the side of the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def text_box(page: Page) -> Locator:
    """Where one types what is said."""
    return page.get_by_label("Say something to the app")


def say(page: Page, text: str) -> None:
    """Type something and press Enter."""
    text_box(page).fill(text)
    text_box(page).press("Enter")
