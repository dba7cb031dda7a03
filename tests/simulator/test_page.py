"""The simulator's page in a real browser, with an app that speaks the bare wire."""

from __future__ import annotations

import base64
import io
import logging
import socket
from collections.abc import Callable

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
    open_page,
    said_to,
    say,
    stop_time,
    text_box,
)
from networks import free_port
from PIL import Image
from raw_app import RawApp

from mentra_sync.simulator import desk, web_app
from mentra_sync.simulator.http import Simulator

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

NOT_LISTENING = "The app isn\u2019t listening"
PROGRAM_ENDED = "The app\u2019s program has ended. Run it again in your terminal."
STRICT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self' ws:"
)

Simulate = Callable[..., Simulator]

TRACEBACK = """Traceback (most recent call last):
  File "/home/ada/venv/lib/python3.12/site-packages/mentra_sync/dispatcher.py", line 9, in f
    handler(event)
  File "/home/ada/hello.py", line 12, in heard
    average = total / len(words)
              ~~~~~~^~~~~~~~~~~~
ZeroDivisionError: division by zero
"""

# --- The lens ------------------------------------------------------------------------------------


def test_boot_screen_then_what_the_app_shows(page: Page, simulate: Simulate, app: RawApp) -> None:
    go(page, simulate(realistic=True, app_name="Hello"))
    expect(page).to_have_title("Hello · Simulator")
    expect(page.locator("#app-state")).to_have_text("Stopped")
    expect(page.locator("#lens-note")).to_have_text("Nothing on the lens")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#lens")).to_contain_text("// MentraOS - Starting App")
    expect(page.locator(".lens-title")).to_have_count(1)
    expect(page.locator("#app-state")).to_have_text("Running")
    app.show("Welcome!")
    expect(page.locator("#lens")).to_have_text("Welcome!")


def test_what_is_typed_is_heard_word_by_word_and_answered_on_the_lens(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    go_with_app(page, simulate(realistic=True), app)
    expect(text_box(page)).to_be_focused()
    say(page, "one two three")
    expect(text_box(page)).to_have_value("")
    expect(page.locator(".entry.you.interim")).to_have_count(1)
    expect(page.locator(".entry.you:not(.interim) .entry-words")).to_have_text("one two three")
    assert said_to(app, isFinal=True)["text"] == "one two three"
    app.show("You said: one two three")
    expect(page.locator("#lens")).to_have_text("You said: one two three")


def test_every_kind_of_layout_is_drawn(page: Page, simulator: Simulator, app: RawApp) -> None:
    go_with_app(page, simulator, app)
    layout = {"layoutType": "reference_card", "title": "Weather", "text": "Sunny\n12 degrees"}
    app.show("", layout=layout)
    expect(page.locator(".lens-line")).to_have_text(["Weather", "Sunny", "12 degrees"])
    expect(page.locator(".lens-title")).to_have_text(["Weather"])
    app.show("", layout={"layoutType": "double_text_wall", "topText": "left", "bottomText": "b"})
    expect(page.locator(".lens-column")).to_have_text(["left", "b"])
    app.show("", layout={"layoutType": "bitmap_view", "data": bitmap()})
    picture = page.locator(".lens-bitmap img")
    expect(picture).to_be_visible()
    assert loaded_width(picture) == 576
    frames = [bitmap(), bitmap(white=True)]
    animation = {"layoutType": "bitmap_animation", "frames": frames, "interval": 50}
    app.show("", layout=animation)
    expect(picture).to_have_attribute("src", f"data:image/bmp;base64,{frames[1]}")
    app.show("", layout={"layoutType": "clear_view"})
    expect(page.locator("#lens-note")).to_have_text("Nothing on the lens")
    expect(page.locator("#lens")).to_have_text("")


def loaded_width(picture: Locator) -> int:
    """The width of a picture, when it has been decoded."""
    width: int = picture.evaluate("async (image) => (await image.decode(), image.naturalWidth)")
    return width


def bitmap(white: bool = False) -> str:
    """A black or white picture as glasses take it."""
    file = io.BytesIO()
    Image.new("1", (576, 135), int(white)).save(file, "BMP")
    return base64.b64encode(file.getvalue()).decode()


def test_the_dashboard_is_announced_and_a_click_away(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    layout = {"layoutType": "dashboard_card", "leftText": "12:30", "rightText": "2 messages"}
    app.show("", view="dashboard", layout=layout)
    dashboard = page.get_by_role("button", name="Dashboard")
    expect(dashboard).to_have_class("view fresh")
    expect(page.locator("#lens")).to_have_text("")
    dashboard.click()
    expect(page.locator(".lens-column")).to_have_text(["12:30", "2 messages"])
    expect(dashboard).to_have_class("view")
    page.get_by_role("button", name="Main view").click()
    expect(page.locator("#lens")).to_have_text("")


def test_text_of_the_app_is_only_ever_text(page: Page, simulator: Simulator, app: RawApp) -> None:
    nasty = "<img src=x onerror=alert(1)><b>bold</b>"
    go_with_app(page, simulator, app)
    app.show(nasty)
    expect(page.locator("#lens")).to_contain_text("<b>bold</ b>")
    simulator.log_handler.handle(logging.makeLogRecord({"msg": nasty, "levelname": "INFO"}))
    expect(page.locator(".log-message")).to_have_text(nasty)
    expect(page.locator("#lens img, #log img, #lens b")).to_have_count(0)


# --- Inputs --------------------------------------------------------------------------------------


def test_short_and_long_presses_by_mouse_and_keyboard(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    page.clock.install()
    go_with_app(page, simulator, app)
    stop_time(page)
    button = page.get_by_role("button", name="Button of the glasses")
    button.click()
    button.hover()
    page.mouse.down()
    page.clock.run_for(600)
    said_to(app, pressType="long", buttonId="main")
    page.mouse.up()
    button.press("Space")
    page.get_by_role("button", name="Long press").click()
    events = app.socket.seen
    events.wait_count(lambda frame: frame["type"] == "data_stream", 4)
    presses = [frame["data"] for frame in events.all() if frame["type"] == "data_stream"]
    assert [data["pressType"] for data in presses] == ["short", "long", "short", "long"]


def test_it_says_when_the_app_does_not_listen(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    app.send("subscription_update", subscriptions=["button_press"])
    expect(page.locator("#listening")).to_have_text(NOT_LISTENING)
    text_box(page).fill("hello")
    page.get_by_role("button", name="Say", exact=True).click()
    expect(page.locator(".entry-note")).to_contain_text("not heard")


def test_it_speaks_the_language_that_the_app_listens_to(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    app.send("subscription_update", subscriptions=["transcription:sv-SE"])
    expect(page.get_by_label("Language you speak")).to_have_value("sv-SE")
    say(page, "hej")
    assert said_to(app, isFinal=True)["transcribeLanguage"] == "sv-SE"


@pytest.mark.parametrize("width", [1280, 390])
def test_no_button_lies_over_the_log(chromium: Browser, simulator: Simulator, width: int) -> None:
    viewport = {"width": width, "height": 800}
    with open_page(chromium, viewport=viewport) as (page, _):
        go(page, simulator)
        simulator.log_handler.handle(logging.makeLogRecord({"msg": "long " * 200}))
        expect(page.locator(".log-line")).to_have_count(1)
        clear, log = (page.locator(name).bounding_box() for name in ("#log-clear", "#log"))
        assert clear is not None
        assert log is not None
        assert clear["y"] + clear["height"] <= log["y"]


def test_slash_goes_to_the_text_box(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    page.locator("#log-clear").focus()
    page.keyboard.press("/")
    expect(text_box(page)).to_be_focused()
    expect(text_box(page)).to_have_value("")


# --- The app and its log -------------------------------------------------------------------------


def test_stop_and_start(page: Page, simulator: Simulator, app: RawApp) -> None:
    go_with_app(page, simulator, app)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#app-state")).to_have_text("Stopped")
    expect(page.locator("#listening")).to_have_text(NOT_LISTENING)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#app-state")).to_have_text("Running")
    expect(page.locator("#listening")).to_have_text("The app is listening")


def test_an_app_that_cannot_start_says_why(page: Page, simulate: Simulate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    go(page, simulate(webhook_url=address))
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#app-state")).to_have_text("Failed")
    expect(page.locator(".notice.bad")).to_contain_text("The app did not start. ")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def test_an_exception_is_told_in_plain_words(page: Page, simulator: Simulator) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    record = {"msg": "A handler raised", "levelname": "ERROR", "exc_text": TRACEBACK}
    simulator.log_handler.handle(logging.makeLogRecord(record))
    go(page, simulator)
    card = page.locator(".trouble-card")
    expect(card.locator("h2")).to_have_text("An error in your code")
    expect(card.locator(".trouble-what")).to_have_text("ZeroDivisionError: division by zero")
    expect(card.locator(".trouble-plain")).to_have_text("Something is divided by zero.")
    expect(card.locator(".trouble-place p")).to_have_text("hello.py, line 12, in heard")
    expect(card.locator(".trouble-place pre")).to_have_text("average = total / len(words)")
    expect(card.locator("details pre")).to_be_hidden()
    card.locator("summary").click()
    expect(card.locator("details pre")).to_have_text(TRACEBACK.strip())
    card.get_by_role("button", name="Copy the traceback").click()
    expect(card.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == TRACEBACK
    simulator.log_handler.handle(logging.makeLogRecord(record))
    expect(card.locator(".trouble-times")).to_have_text("2 times")
    card.get_by_role("button", name="Close").click()
    expect(card).to_have_count(0)
    expect(page.locator(".log-line[data-level=error]")).to_have_count(2)


def test_the_log_is_complete_after_opening_the_page_late_and_not_doubled(
    page: Page, simulator: Simulator
) -> None:
    for level, text in (("INFO", "one"), ("WARNING", "two")):
        simulator.log_handler.handle(logging.makeLogRecord({"msg": text, "levelname": level}))
    go(page, simulator)
    expect(page.locator(".log-message")).to_have_text(["one", "two"])
    expect(page.locator(".log-line[data-level=warning] .log-level")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#log-empty")).to_be_visible()


# --- The page itself -----------------------------------------------------------------------------


def test_it_says_that_the_program_has_ended_and_comes_back_with_it(
    opened: tuple[Page, QuietPage], simulate: Simulate
) -> None:
    page, quiet = opened
    quiet.expect_complaints()
    first = simulate(port=free_port())
    go(page, first)
    text_box(page).fill("half a sen")
    first.stop()
    banner = page.locator(".notice[data-key=connection]")
    expect(banner).to_have_text(PROGRAM_ENDED)
    expect(page.locator("#app-state")).to_have_text("Not connected")
    expect(page.locator("#say-send")).to_be_disabled()
    simulate(port=first.port, port_may_move=False, app_name="Hello again")
    page.locator("body[data-connection=connected]").wait_for()
    expect(banner).to_have_count(0)
    expect(page.locator("#app-name")).to_have_text("Hello again")
    expect(text_box(page)).to_have_value("half a sen")


def test_the_page_of_another_version_is_loaded_anew(
    opened: tuple[Page, QuietPage], simulate: Simulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, quiet = opened
    quiet.expect_complaints()
    first = simulate(port=free_port())
    go(page, first)
    text_box(page).fill("said to the old page")
    first.stop()
    page.locator(".notice[data-key=connection]").wait_for()
    monkeypatch.setattr(desk, "VERSION", "999")
    simulate(port=first.port, port_may_move=False)
    expect(text_box(page)).to_have_value("")
    page.locator("body[data-connection=connected]").wait_for()


def test_the_hint_is_shown_until_it_is_read(page: Page, simulator: Simulator) -> None:
    go(page, simulator)
    page.get_by_role("button", name="Got it").click()
    expect(page.locator(".notice")).to_have_count(0)
    page.reload()
    page.locator("body[data-connection=connected]").wait_for()
    expect(page.locator(".notice")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "glasses"), [("light", "g1"), ("dark", "simulated")])
def test_it_fits_a_phone(
    chromium: Browser, simulate: Simulate, app: RawApp, scheme: str, glasses: str
) -> None:
    viewport = {"width": 390, "height": 844}
    simulator = simulate(glasses=glasses)
    with open_page(chromium, viewport=viewport, color_scheme=scheme, has_touch=True) as (page, _):
        go_with_app(page, simulator, app)
        app.show("Good morning, Ada! It is 9:41, and 12 degrees outside.")
        expect(page.locator("#lens")).to_contain_text("Good morning")
        assert fits(page)
        page.locator("#log").scroll_into_view_if_needed()
        expect(page.locator(".lens-content")).to_be_in_viewport(ratio=1)


def test_a_low_window_keeps_room_below_the_lens(
    chromium: Browser, simulator: Simulator, app: RawApp
) -> None:
    viewport = {"width": 640, "height": 400}  # as at 200 %, and about that of a phone on its side
    with open_page(chromium, viewport=viewport) as (page, _):
        go_with_app(page, simulator, app)
        page.locator("#log-clear").scroll_into_view_if_needed()
        stage = page.locator(".stage").bounding_box()
        assert stage is not None
        assert stage["y"] + stage["height"] <= 250


@pytest.mark.parametrize("width", [390, 640])
def test_what_has_the_focus_is_not_under_the_lens(
    chromium: Browser, simulator: Simulator, app: RawApp, width: int
) -> None:
    with open_page(chromium, viewport={"width": width, "height": 700}) as (page, _):
        go_with_app(page, simulator, app)
        page.locator("#log").focus()
        page.keyboard.press("End")
        for _ in range(16):
            page.keyboard.press("Shift+Tab")
            lens, focused = page.evaluate(
                """() => [document.querySelector(".stage"), document.activeElement].map(
                    (one) => one.getBoundingClientRect()).map(({top, bottom}) => [top, bottom])"""
            )
            assert focused[0] >= lens[1] - 1 or focused[1] <= lens[0] + 1 or lens[0] > 0


def test_a_strict_content_security_policy_is_enough(
    page: Page, simulator: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(web_app.SECURITY_HEADERS, "Content-Security-Policy", STRICT_POLICY)
    go_with_app(page, simulator, app)
    app.show("", layout={"layoutType": "bitmap_view", "data": bitmap()})
    assert loaded_width(page.locator(".lens-bitmap img")) == 576


@pytest.mark.parametrize(
    ("traceback", "wanted"),
    [
        (TRACEBACK, ("ZeroDivisionError", "division by zero", "hello.py", "12")),
        ("KeyError: 'name'", ("KeyError", "'name'", None, None)),
        (
            '  File "C:\\apps\\hello.py", line 3\n    print("a"\n         ^\n'
            "SyntaxError: '(' was never closed",
            ("SyntaxError", "'(' was never closed", "hello.py", "3"),
        ),
        (
            TRACEBACK + "\nDuring handling of the above exception, another exception occurred:\n\n"
            'Traceback (most recent call last):\n  File "/a/b.py", line 7, in f\n    raise Oops\n'
            "a.b.Oops",
            ("Oops", "", "b.py", "7"),
        ),
    ],
    ids=["of a handler", "without a place", "of a syntax error", "of two exceptions"],
)
def test_tracebacks_are_understood(
    page: Page, simulator: Simulator, traceback: str, wanted: tuple[str | None, ...]
) -> None:
    page.goto(simulator.url)
    found = page.evaluate(
        """async (text) => (await import("/page/explain.js")).explain(text)""", traceback
    )
    place = found["place"] or {}
    assert (found["error"], found["message"], place.get("file"), place.get("line")) == wanted
