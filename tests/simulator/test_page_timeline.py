"""The timeline on the page: what crossed the wire, to be read, filtered, opened and kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import browser
import pytest
from browser import (
    Browser,
    Locator,
    Page,
    QuietPage,
    expect,
    fits,
    go,
    go_with_app,
    not_in_firefox,
    open_page,
)
from networks import free_port
from raw_app import PACKAGE, RawApp

from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.timeline import Way

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

Simulate = Callable[..., Simulator]

TIMES = "\N{MULTIPLICATION SIGN}"


def look(page: Page) -> None:
    """Open the timeline."""
    page.get_by_role("tab", name="Timeline").click()
    expect(page.locator("#wire")).to_be_visible()


def lines(page: Page, name: str) -> Locator:
    """The lines of a name."""
    exactly = page.locator(".wire-name").get_by_text(name, exact=True)
    return page.locator(".wire-line").filter(has=exactly)


def add(simulator: Simulator, name: str, way: Way = Way.APP_TO_CLOUD, **fields: Any) -> None:
    """Something crosses the wire of the page's wearer."""
    simulator.cloud.timeline.frame(way, simulator.user_id, {"type": name, **fields})


# --- What is told --------------------------------------------------------------------------------


def test_what_crosses_the_wire_is_told_in_a_few_words(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    look(page)
    app.show("It is 12 degrees")
    app.send("audio_play_request", requestId="r1", audioUrl="http://x/api/tts?text=Good+day")
    simulator.glasses.press()
    simulator.glasses.say("how are you", interim=False)
    shown = lines(page, "display_event").filter(has_text="It is 12 degrees")
    expect(shown.locator(".wire-summary")).to_have_text(["“It is 12 degrees”"] * 2)
    ways = [line.get_attribute("data-way") for line in shown.locator(".wire-way").all()]
    assert ways == ["app to cloud", "cloud to glasses"]
    for name, summary in (
        ("audio_play_request", "“Good day”"),
        ("transcription:en-US", "“how are you”"),
        ("subscription_update", "transcription:en-US, button_press"),
        ("POST /webhook", "session_request, runner@example.com"),
        ("tpa_connection_init", PACKAGE),
    ):
        expect(lines(page, name).locator(".wire-summary").first).to_have_text(summary)
    expect(lines(page, "button_press").locator(".wire-summary")).to_have_text(["main, short"] * 2)
    expect(lines(page, "200 to POST /webhook")).to_have_count(1)


def test_what_has_failed_stands_out(page: Page, simulator: Simulator, app: RawApp) -> None:
    app.answer = lambda hook: 500
    go(page, simulator)
    look(page)
    page.get_by_role("button", name="Start", exact=True).click()
    answer = lines(page, "500 to POST /webhook").first
    expect(answer).to_have_attribute("data-tone", "bad")
    expect(lines(page, "POST /webhook").first).to_have_attribute("data-tone", "")


def test_the_log_and_the_connection_are_told_in_between(
    opened: tuple[Page, QuietPage], simulate: Simulate
) -> None:
    page, quiet = opened
    quiet.expect_complaints()
    first = simulate(port=free_port())
    record = {"msg": "before", "levelname": "WARNING"}
    first.log_handler.handle(logging.makeLogRecord(record))
    go(page, first)
    look(page)
    add(first, "crossed")
    expect(page.locator(".wire-summary")).to_contain_text(["before"])
    first.stop()
    expect(lines(page, "connection")).to_contain_text(["connected", "lost", "ended"])
    second = simulate(port=first.port, port_may_move=False)
    page.locator("body[data-connection=connected]").wait_for()
    add(second, "crossed again")
    expect(lines(page, "crossed again")).to_be_visible()
    expect(lines(page, "crossed")).to_be_visible()
    expect(lines(page, "warning")).to_have_count(0)  # the other program's log


@not_in_firefox("nobody tells of websockets")
def test_what_comes_twice_is_told_once(page: Page, simulator: Simulator) -> None:
    add(simulator, "early")
    go(page, simulator)
    look(page)
    expect(lines(page, "early")).to_have_count(1)
    # Its connection is lost and comes back: what has been told comes again.
    simulator.cloud.timeline.frame(Way.CLOUD_TO_APP, None, {"type": "in between"})
    with page.expect_websocket(lambda socket: "simulator-ws" in socket.url):
        simulator._web._sockets.copy().pop().abort()
    page.locator("body[data-connection=connected]").wait_for()
    add(simulator, "late")
    expect(lines(page, "late")).to_have_count(1)
    expect(lines(page, "early")).to_have_count(1)
    expect(lines(page, "in between")).to_have_count(1)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "display_event", "layout": {"layoutType": "constructor", "text": 7}},
        {"type": "display_event", "layout": ["text_wall"]},
        {"type": "subscription_update", "subscriptions": "all"},
        {"type": "subscription_update", "subscriptions": [None, {"stream": {}}]},
        {"type": "data_stream", "streamType": 7, "data": None},
        {"type": "data_stream", "streamType": "__proto__", "data": {"type": "toString"}},
        {"type": "audio_play_request", "audioUrl": {"no": "text"}},
        {"type": "tpa_connection_ack", "settings": 7},
        {"type": "<b>bold</b>", "text": "<script>alert(1)</script>"},
    ],
    ids=lambda frame: json.dumps(frame)[:60],
)
def test_odd_frames_are_told_too(page: Page, simulator: Simulator, frame: dict[str, Any]) -> None:
    go(page, simulator)
    look(page)
    simulator.cloud.timeline.frame(Way.APP_TO_CLOUD, simulator.user_id, frame)
    add(simulator, "after it")
    expect(lines(page, "after it")).to_have_count(1)
    expect(page.locator(".wire-line b, .wire-line script")).to_have_count(0)
    page.locator(".wire-head").nth(-2).click()
    assert json.loads(page.locator(".wire-json").inner_text()) == frame


# --- Reading it ----------------------------------------------------------------------------------


def test_an_entry_opens_to_its_json_which_can_be_copied(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    go_with_app(page, simulator, app)
    look(page)
    app.show("copy me")
    line = lines(page, "display_event").filter(has_text="copy me").first
    expect(page.locator(".wire-json")).to_have_count(0)
    line.get_by_role("button").click()
    shown = json.loads(line.locator(".wire-json").inner_text())
    assert shown["layout"] == {"layoutType": "text_wall", "text": "copy me"}
    line.get_by_role("button", name="Copy the JSON").click()
    expect(line.get_by_role("button", name="Copy the JSON")).to_have_text("Copied")
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == shown
    line.get_by_role("button", expanded=True).click()
    expect(page.locator(".wire-json")).to_have_count(0)


def test_a_run_of_one_kind_is_one_line_that_can_be_stepped_through(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    app.subscriptions = ["audio_chunk"]
    assert simulator.start_app()
    app.wait_connected()
    assert simulator.wait_for_streams(lambda streams: "audio_chunk" in streams)
    go(page, simulator)
    look(page)
    for _ in range(250):
        simulator.glasses.audio(b"\0" * 320)
    sound = lines(page, "audio_chunk")
    expect(sound.locator(".wire-times")).to_have_text([f"{TIMES} 250"] * 2)
    sound.first.get_by_role("button").click()
    expect(sound.first.locator(".wire-position")).to_have_text("250 of 250")
    sound.first.get_by_role("button", name="The one before").click()
    expect(sound.first.locator(".wire-position")).to_have_text("249 of 250")
    simulator.glasses.audio(b"\0" * 320)
    expect(sound.first.locator(".wire-position")).to_have_text("249 of 251")
    for word in ("one", "two", "two"):
        add(simulator, "display_event", layout={"layoutType": "text_wall", "text": word})
    expect(lines(page, "display_event").locator(".wire-times")).to_have_text(["", f"{TIMES} 2"])


def test_the_keyboard_is_enough(page: Page, simulator: Simulator) -> None:
    for name in ("first", "second", "third"):
        add(simulator, name, said=name)
    go(page, simulator)
    page.get_by_role("tab", name="Log").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Timeline")).to_be_focused()
    expect(lines(page, "third")).to_be_visible()
    page.locator("#wire").focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    expect(lines(page, "second").locator(".wire-json")).to_contain_text('"said": "second"')


# --- Choosing what is shown ----------------------------------------------------------------------


def test_filters(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    look(page)
    add(simulator, "display_event", layout={"layoutType": "text_wall", "text": "Hello"})
    add(simulator, "display_event", Way.CLOUD_TO_GLASSES)
    add(simulator, "button_press", Way.GLASSES_TO_CLOUD, requestId="needle-7")
    said = {"type": "transcription", "text": "go", "isFinal": False}
    add(simulator, "data_stream", Way.CLOUD_TO_APP, streamType="transcription:en-US", data=said)
    ways = page.locator(".wire-way:not([data-way=''])")
    expect(ways).to_have_count(4)
    page.get_by_label("Filter by direction").select_option(label="From the app")
    expect(ways).to_have_count(1)
    expect(page.locator("#wire-count")).to_contain_text("1 of ")
    page.get_by_label("Filter by direction").select_option(label="To the app")
    expect(lines(page, "transcription:en-US")).to_have_count(1)
    expect(ways).to_have_count(1)
    page.get_by_label("Filter by direction").select_option(label="All ways")
    page.get_by_role("button", name="Copies").click()
    page.get_by_role("button", name="Interim").click()
    expect(ways).to_have_count(2)
    page.get_by_label("Filter by a text").fill("NEEDLE")
    expect(page.locator(".wire-line")).to_have_count(1)
    expect(lines(page, "button_press")).to_have_count(1)
    page.get_by_label("Filter by a text").fill("nowhere at all")
    expect(page.locator("#wire-empty")).to_contain_text("matches the filter")
    add(simulator, "button_press", Way.GLASSES_TO_CLOUD, requestId="nowhere at all")
    expect(page.locator(".wire-line")).to_have_count(1)


def test_it_can_be_held_and_cleared(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    look(page)
    add(simulator, "before")
    expect(lines(page, "before")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    for number in range(3):
        add(simulator, f"meanwhile {number}")
    go_on = page.get_by_role("button", name="Go on")
    expect(go_on).to_have_text("Go on (3 new)")
    expect(lines(page, "meanwhile 1")).to_have_count(0)
    go_on.click()
    expect(lines(page, "meanwhile 2")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".wire-line")).to_have_count(0)
    add(simulator, "afterwards")
    expect(page.locator(".wire-line")).to_have_count(1)


@not_in_firefox("nobody tells of downloads")
def test_it_is_saved_as_a_file(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    look(page)
    add(simulator, "one", apiKey="secret")
    add(simulator, "two")
    expect(lines(page, "two")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save").click()
    assert saved.value.suggested_filename.startswith("timeline-")
    text = saved.value.path().read_text()
    assert "secret" not in text.replace("(secret)", "")
    crossings = [one for one in json.loads(text) if one["kind"] == "crossing"]
    assert [(one["name"], one["way"]) for one in crossings][-2:] == [
        ("one", "app to cloud"),
        ("two", "app to cloud"),
    ]


# --- Much of it ----------------------------------------------------------------------------------


def test_thousands_do_not_freeze_it(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    look(page)
    page.evaluate(
        """() => {
          window.longest = 0;
          const note = ({ duration }) => (window.longest = Math.max(window.longest, duration));
          const watch = new PerformanceObserver((list) => list.getEntries().forEach(note));
          watch.observe({ type: "longtask" });
        }"""
    )
    for number in range(2500):
        add(simulator, f"flood {number}", text="words " * 20)
    expect(page.locator(".wire-line:last-child .wire-name")).to_have_text("flood 2499")
    # A fifth of a second on a machine with nothing else to do; ten times that on a busy one.
    assert page.evaluate("longest") < 5000
    expect(page.locator(".wire-line")).to_have_count(1000)
    page.get_by_label("Filter by a text").fill("flood 1999")
    expect(page.locator(".wire-line")).to_have_count(1)


def test_it_costs_nothing_while_nobody_looks(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    add(simulator, "unseen")
    simulator.log_handler.handle(logging.makeLogRecord({"msg": "told after it"}))
    expect(page.locator(".log-message")).to_have_text(["told after it"])
    expect(page.locator(".wire-line")).to_have_count(0)
    look(page)
    expect(lines(page, "unseen")).to_have_count(1)
    page.get_by_role("tab", name="Log").click()
    expect(page.locator(".wire-line")).to_have_count(0)


# --- Where it stands -----------------------------------------------------------------------------


def test_it_can_have_more_room_and_keeps_it(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    look(page)
    narrow = page.locator("#wire").bounding_box()
    wide = page.get_by_role("button", name="Wide")
    wide.click()
    broad = page.locator("#wire").bounding_box()
    assert narrow and broad
    assert broad["width"] > narrow["width"] + 200
    expect(page.locator(".wire-time").last).to_be_visible()
    page.reload()
    expect(wide).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("tab", name="Timeline")).to_have_attribute("aria-selected", "true")


@not_in_firefox("touches from outside make no clicks")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_too(
    chromium: Browser, simulator: Simulator, app: RawApp, scheme: str
) -> None:
    viewport = {"width": 390, "height": 844}
    with open_page(chromium, viewport=viewport, color_scheme=scheme, has_touch=True) as (page, _):
        go_with_app(page, simulator, app)
        page.get_by_role("tab", name="Timeline").tap()
        app.show("a text that is rather long, longer than a line on such a screen")
        line = lines(page, "display_event").filter(has_text="rather long").first
        line.get_by_role("button").tap()
        expect(line.locator(".wire-json")).to_be_in_viewport()
        assert fits(page)
