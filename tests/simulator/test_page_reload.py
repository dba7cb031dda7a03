"""``mentra-sync run --reload`` with the page open: it finds the new app, and is not loaded anew."""

from __future__ import annotations

import sys
from pathlib import Path

import browser
import pytest
from browser import Browser, expect, open_page
from trial import Program

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there"),
]

chromium = browser.chromium

APP = """
from mentra_sync import AppServer

app = AppServer(port=0)

@app.session_handler
def main(session):
    session.layouts.show_text_wall("Version 1")

app.run()
"""

PATIENCE_MS = 20_000
"""Two programs start and one ends meanwhile."""


def test_the_page_that_is_open_shows_the_new_app(chromium: Browser, tmp_path: Path):
    script = tmp_path / "app.py"
    script.write_text(APP)
    arguments = ["-m", "mentra_sync", "run", "app.py", "--reload"]
    with Program(arguments, tmp_path) as program, open_page(chromium) as (page, quiet):
        quiet.expect_complaints()  # the browser's own, of connections that were lost
        page.goto(program.address())
        lens = page.locator("#lens")
        expect(lens).to_contain_text("Version 1", timeout=PATIENCE_MS)
        page.evaluate("document.body.dataset.before = 'yes'")
        script.write_text(APP.replace("Version 1", "Version 2"))
        expect(lens).to_contain_text("Version 2", timeout=PATIENCE_MS)
        assert page.evaluate("document.body.dataset.before") == "yes"
        assert program.press_ctrl_c() == 0
