"""A whole app on the page: a script in a process of its own, as a person runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import browser
import pytest
from browser import Page, QuietPage, expect, say

pytestmark = pytest.mark.browser

chromium, opened = browser.chromium, browser.opened  # the fixtures

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

SCRIPT = """
from mentra_sync import AppServer

app = AppServer("com.example.hello")


@app.session_handler
def main(session):
    session.layouts.show_text_wall("Welcome!")
    session.events.on_button_press(
        lambda press: session.layouts.show_reference_card("Button", press.press_type)
    )

    @session.events.on_transcription
    def heard(data):
        if data.is_final:
            session.logger.info("User said:", data.text)
            session.layouts.show_text_wall(f"You said: {data.text}")
            session.audio.play_tts("Thank you")
            int(data.text)


app.run()
"""


@pytest.fixture
def script(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The script, running without a key: on simulated glasses."""
    file = tmp_path / "hello.py"
    file.write_text(SCRIPT, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MENTRA")}
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):  # no browser window of its own
        kept.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env={**kept, "PORT": "0", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        yield process
        process.kill()


def page_address(process: subprocess.Popen[str]) -> str:
    """The address that it prints."""
    assert process.stdout is not None
    printed = []
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            printed.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                return found[0]
    finally:
        watchdog.cancel()
        watchdog.join()
    raise AssertionError("it ended without an address:\n" + "".join(printed))


def test_a_conversation_with_an_app_and_its_end(
    opened: tuple[Page, QuietPage], script: subprocess.Popen[str]
) -> None:
    page, quiet = opened
    lens, state = page.locator("#lens"), page.locator("#app-state")
    page.goto(page_address(script))
    expect(page.locator("#app-name")).to_have_text("Hello")
    expect(lens).to_have_text("Welcome!")
    expect(page.locator("#listening")).to_have_text("The app is listening")

    page.get_by_role("button", name="Long press").click()
    expect(lens).to_have_text("Button long")

    say(page, "fortytwo")
    expect(lens).to_have_text("You said: fortytwo")
    expect(page.locator(".log-message").first).to_have_text("User said: fortytwo")
    expect(page.locator(".entry.app .entry-words")).to_have_text("Thank you")

    card = page.locator(".trouble-card")
    expect(card.locator(".trouble-what")).to_contain_text("ValueError: invalid literal for int()")
    expect(card.locator(".trouble-place p")).to_have_text(
        re.compile(r"hello\.py, line \d+, in heard")
    )
    expect(card.locator(".trouble-place pre")).to_have_text("int(data.text)")
    expect(state).to_have_text("Running")

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(state).to_have_text("Stopped")
    expect(lens).to_have_text("")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(state).to_have_text("Running")
    expect(lens).to_have_text("Welcome!")
    quiet.check()

    quiet.expect_complaints()
    script.send_signal(signal.SIGINT)
    expect(page.locator(".notice.bad")).to_contain_text("program has ended")
    assert script.wait(PATIENCE) == 0
