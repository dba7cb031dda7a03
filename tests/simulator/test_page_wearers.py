"""Several wearers: a page for each, with glasses and a session of its own, and several at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import browser
import pytest
import requests
from browser import (
    Browser,
    Page,
    QuietPage,
    expect,
    fits,
    go,
    go_with_app,
    inside,
    not_in_firefox,
    open_page,
    say,
)
from networks import free_port
from raw_app import PACKAGE, RawApp, RawSocket

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

RUNNER, BOB = "runner@example.com", "bob@example.com"

Simulate = Callable[..., Simulator]


def start(simulator: Simulator, app: RawApp, user_id: str, number: int) -> RawSocket:
    """The app's connection of a wearer, for whom it listens to speech and the button."""
    app.subscriptions = ["transcription:en-US", "button_press"]
    simulator.glasses_of(user_id)
    assert simulator.start_app(user_id)
    assert simulator.wait_for_streams(bool, user_id=user_id)
    return app.wait_connected(number)


def connected(page: Page) -> None:
    page.locator("body[data-connection=connected]").wait_for()


def show(socket: RawSocket, text: str) -> None:
    """Have the app show something to the wearer of a connection."""
    layout = {"layoutType": "text_wall", "text": text}
    frame = {"type": "display_event", "packageName": PACKAGE, "view": "main", "layout": layout}
    socket.send(frame)


# --- A page of one's own -------------------------------------------------------------------------


def test_each_page_speaks_with_its_own_session(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    mine, bobs = start(simulator, app, RUNNER, 1), start(simulator, app, BOB, 2)
    go(page, simulator)
    other = page.context.new_page()
    other.goto(f"{simulator.url}?user={BOB}")
    connected(other)
    expect(other.locator(".wearer-who")).to_have_text(BOB)
    expect(other).to_have_title(re.compile(BOB))
    show(bobs, "for Bob")
    expect(other.locator("#lens")).to_contain_text("for Bob")
    expect(page.locator("#lens")).not_to_contain_text("for Bob")
    say(other, "this is Bob")
    heard = bobs.seen.wait(lambda frame: (frame.get("data") or {}).get("isFinal"))
    assert heard["data"]["text"] == "this is Bob"
    other.get_by_role("button", name="Long press").click()
    assert bobs.wait("data_stream", streamType="button_press")["data"]["pressType"] == "long"
    assert not [one for one in mine.seen.all() if one["type"] == "data_stream"]
    other.get_by_role("button", name="Stop", exact=True).click()
    bobs.wait_closed()
    assert simulator.app_state == "running"


def test_a_wearer_is_added_and_runs_the_app(page: Page, simulator: Simulator, app: RawApp) -> None:
    go_with_app(page, simulator, app)
    page.locator("#wearers summary").click()
    name = page.get_by_label("Name of the new wearer")
    expect(name).to_have_value(BOB)
    name.fill("carol")
    page.get_by_label("Glasses of the new wearer").select_option("Even Realities G1")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**/?user=carol%40example.com")
    connected(page)
    app.wait_connected(2)
    expect(page.locator("#app-state")).to_have_text("Running")
    expect(page.locator("#model")).to_have_text("Even Realities G1")
    page.locator("#wearers summary").click()
    expect(page.locator(".wearer-name")).to_have_text([RUNNER, "carol@example.com"])
    expect(page.locator(".wearer-name[aria-current]")).to_have_text("carol@example.com")
    page.get_by_role("link", name=RUNNER, exact=True).click()
    page.wait_for_url(simulator.url)
    expect(page.locator(".wearer-who")).to_have_text(RUNNER)


def test_the_page_of_another_opens_in_a_window_of_its_own(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    page.locator("#wearers summary").click()
    simulator.glasses_of(BOB)  # who comes meanwhile is there at once
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=f"Open the page of {BOB} in a new window").click()
    expect(opened.value.locator(".wearer-who")).to_have_text(BOB)
    expect(page.locator(".wearer-who")).to_have_text(RUNNER)


def test_the_menu_closes_by_itself_and_by_the_keyboard(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    menu = page.locator(".wearer-menu")
    page.locator("#wearers summary").focus()
    page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator("#wearers summary")).to_be_focused()
    page.locator("#wearers summary").click()
    page.locator("#lens").click()
    expect(menu).to_be_hidden()


def test_one_too_many_is_told_beside_the_form(
    opened: tuple[Page, QuietPage], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, quiet = opened
    quiet.expect_complaints()  # the browser's own, of the answer 429
    monkeypatch.setattr(limits, "MAX_WEARERS", 1)
    go(page, simulator)
    page.locator("#wearers summary").click()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".wearer-problem")).to_have_text("there are 1 wearers already")


def test_nobody_of_that_name_can_be_added(page: Page, simulator: Simulator, app: RawApp) -> None:
    page.goto(f"{simulator.url}?user={BOB}")
    expect(page.get_by_role("heading", name=f"There is no wearer {BOB} yet")).to_be_visible()
    expect(page.locator("#room")).to_be_hidden()
    expect(page.get_by_role("link", name=f"Go to {RUNNER}")).to_have_attribute("href", "/")
    assert simulator.cloud.find_wearer(BOB) is None
    page.get_by_role("button", name=f"Add {BOB}").click()
    connected(page)
    expect(page.locator("#app-state")).to_have_text("Running")
    expect(page.locator(".unknown")).to_be_hidden()
    assert app.wait_connected()


def test_a_wearer_comes_back_when_the_program_is_run_again(
    opened: tuple[Page, QuietPage], simulate: Simulate, app: RawApp
) -> None:
    page, quiet = opened
    quiet.expect_complaints()
    first = simulate(port=free_port())
    start(first, app, BOB, 1)
    page.goto(f"{first.url}?user={BOB}")
    expect(page.locator("#app-state")).to_have_text("Running")
    first.stop()
    page.locator(".notice[data-key=connection]").wait_for()
    second = simulate(port=first.port, port_may_move=False)
    connected(page)
    expect(page.locator("#app-state")).to_have_text("Running")
    assert second.cloud.find_wearer(BOB) is not None


# --- Side by side --------------------------------------------------------------------------------


def test_two_side_by_side(page: Page, simulator: Simulator, app: RawApp) -> None:
    mine, bobs = start(simulator, app, RUNNER, 1), start(simulator, app, BOB, 2)
    go(page, simulator)
    page.locator("#wearers summary").click()
    page.get_by_role("link", name="Side by side").click()
    expect(page.locator(".frame-name")).to_have_text([RUNNER, BOB])
    for name, socket in ((RUNNER, mine), (BOB, bobs)):
        show(socket, f"Hello {name[:3]}")
        there = inside(page, f"Glasses of {name}")
        expect(there.locator("#lens")).to_contain_text(f"Hello {name[:3]}")
        box = there.get_by_label("Say something to the app")
        box.fill(f"I am {name[:3]}")
        box.press("Enter")
        heard = socket.seen.wait(lambda one: (one.get("data") or {}).get("isFinal"))
        assert heard["data"]["text"] == f"I am {name[:3]}"
        there.get_by_role("button", name="Press", exact=True).click()
        pressed = socket.wait("data_stream", streamType="button_press")
        assert pressed["data"]["pressType"] == "short"
        expect(there.locator(".panel.controls")).to_be_hidden()
        expect(there.locator("#journal")).to_be_hidden()


def test_one_of_them_is_heard(page: Page, simulate: Simulate, app: RawApp) -> None:
    simulator = simulate(realistic=True)
    page.add_init_script(VOICE)
    sockets = {RUNNER: start(simulator, app, RUNNER, 1), BOB: start(simulator, app, BOB, 2)}
    page.goto(f"{simulator.url}side-by-side?user={RUNNER}&user={BOB}")

    def speak(name: str, text: str) -> dict[str, Any]:
        url = f"https://x/api/tts?text={text}"
        request = {"type": "audio_play_request", "requestId": text, "audioUrl": url}
        sockets[name].send({"packageName": PACKAGE, **request})
        answer: dict[str, Any] = sockets[name].wait("audio_play_response", requestId=text)
        return answer

    def said(name: str) -> Any:
        return inside(page, f"Glasses of {name}").locator("body").evaluate("() => window.said")

    for name in (RUNNER, BOB):
        inside(page, f"Glasses of {name}").locator("#listening[data-on=true]").wait_for()
    assert speak(RUNNER, "one")["success"] is True
    assert speak(BOB, "two")["success"] is True
    assert (said(RUNNER), said(BOB)) == (["one"], [])
    expect(inside(page, f"Glasses of {BOB}").locator(".entry-note")).to_have_text(
        "shown instead of spoken"
    )
    expect(inside(page, f"Glasses of {BOB}").locator("#sound")).to_be_hidden()
    page.get_by_label(BOB).get_by_role("button", name="Sound off").click()
    expect(page.locator(".frame-sound")).to_have_text(["Sound off", "Sound on"])
    assert speak(BOB, "three")["success"] is True
    assert speak(RUNNER, "four")["success"] is True
    assert (said(RUNNER), said(BOB)) == (["one"], ["three"])


VOICE = """
  window.said = [];
  class FakeSynth extends EventTarget {
    speaking = false; pending = false;
    getVoices() { return [{ lang: "en-US", localService: true, default: true }]; }
    speak(utterance) {
      window.said.push(utterance.text);
      queueMicrotask(() => { utterance.onstart?.(); utterance.onend?.(); });
    }
    cancel() {}
  }
  Object.defineProperty(window, "speechSynthesis", { value: new FakeSynth() });
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
"""


def test_who_is_shown_is_chosen_and_stays(page: Page, simulator: Simulator) -> None:
    page.goto(f"{simulator.url}side-by-side")
    expect(page.locator("#beside-note")).to_contain_text("one wearer so far")
    page.locator("#choose summary").click()
    for suggested in ("bob", "carol", "dave", "erin"):
        name = page.get_by_label("Name of the new wearer")
        expect(name).to_have_value(f"{suggested}@example.com")
        page.get_by_role("button", name="Add", exact=True).click()
    names = [f"{one}@example.com" for one in ("runner", "bob", "carol", "erin")]
    expect(page.locator(".frame-name")).to_have_text(names)
    expect(page.get_by_role("checkbox", name="dave@example.com")).to_be_disabled()
    bobs = page.get_by_role("checkbox", name=BOB)
    bobs.focus()
    page.keyboard.press("Space")
    expect(page.locator(".frame-name")).to_have_text([names[0], *names[2:]])
    expect(page.get_by_role("checkbox", name="dave@example.com")).to_be_enabled()
    expect(bobs).to_be_focused()
    page.keyboard.press("Escape")
    expect(bobs).to_be_hidden()
    page.reload()
    expect(page.locator(".frame-name")).to_have_text([names[0], *names[2:]])


def test_other_sites_may_not_frame_it(simulator: Simulator) -> None:
    policy = requests.get(simulator.url, timeout=20).headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy


@not_in_firefox("touches from outside make no clicks")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_side_by_side_on_a_phone(
    chromium: Browser, simulate: Simulate, app: RawApp, scheme: str
) -> None:
    simulator = simulate()
    bobs = start(simulator, app, BOB, 1)
    viewport = {"width": 390, "height": 844}
    with open_page(chromium, viewport=viewport, color_scheme=scheme, has_touch=True) as (page, _):
        page.goto(f"{simulator.url}side-by-side?user={RUNNER}&user={BOB}")
        there = inside(page, f"Glasses of {BOB}")
        there.locator("#listening[data-on=true]").wait_for()
        there.get_by_role("button", name="Long press").tap()
        assert bobs.wait("data_stream")["data"]["pressType"] == "long"
        assert fits(page)
        width = there.locator("html").evaluate("(html) => html.scrollWidth - html.clientWidth")
        assert width == 0
