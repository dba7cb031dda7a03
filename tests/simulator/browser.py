"""A headless browser for the tests of the page, and pages that must not complain."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = (
    "--no-sandbox",  # containers run as root, where Chromium refuses to start with one
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE_MS = 10_000
"""How long a test waits for what it expects; what works is there in a fraction of it."""


def _without_browser(reason: str) -> NoReturn:
    """Skip, or fail where a browser has been promised."""
    if os.environ.get("MENTRA_SYNC_REQUIRE_BROWSER") == "1":
        pytest.fail(f"MENTRA_SYNC_REQUIRE_BROWSER is set, but {reason}", pytrace=False)
    pytest.skip(reason)


@contextmanager
def headless_chromium() -> Iterator[Browser]:
    """A running Chromium; without one the test that asks for it skips."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _without_browser("playwright is not installed (pip install mentra-sync[test])")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _without_browser(f"no Chromium is installed (looked for {', '.join(NAMES)})")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        except Error as error:
            _without_browser(f"{path} does not start: {error}")
        try:
            yield browser
        finally:
            browser.close()


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
            assert self.complaints == []


@contextmanager
def open_page(browser: Browser, **context: Any) -> Iterator[tuple[Page, QuietPage]]:
    """A page in a context of its own, with nothing remembered from an earlier test."""
    with browser.new_context(**context) as own:
        own.set_default_timeout(PATIENCE_MS)
        page = own.new_page()
        quiet = QuietPage(page)
        yield page, quiet
        quiet.check()
