"""The page's lens in a real browser: letters at their pixels, and the view that is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import browser
import pytest
from browser import Browser, Page, expect, go, go_with_app, not_in_firefox, open_page
from PIL import Image
from raw_app import RawApp

from mentra_sync.display import bitmap
from mentra_sync.simulator.http import Simulator

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

Simulate = Callable[..., Simulator]

ARABIC = "\u0645\u0631\u062d\u0628\u0627"
DEVANAGARI = "\u0928\u092e\u0938\u094d\u0924\u0947"
MIXED = (
    "The quick brown fox jumps over the lazy dog. WMWM ill @ 0123456789\n"
    f"e\u0301 \u65e5\u672c \U0001f642 {DEVANAGARI} and {ARABIC} 12 ok"
)

PLACES = """() => [...document.querySelectorAll(".lens-line")].map((line) => {
    const places = [];
    for (let at = 0; at < line.getNumberOfChars(); at += 1) {
        places.push(line.getStartPositionOfChar(at).x);
    }
    const last = line.getNumberOfChars() - 1;
    const ends = [places[0], line.getEndPositionOfChar(last).x];
    const [left, right] = ends.sort((one, other) => one - other);
    return { text: line.textContent, places, left, right };
})"""

ON_SCREEN = """() => {
    const lens = document.querySelector(".lens-content").getBoundingClientRect();
    const lines = [...document.querySelectorAll(".lens-line")];
    return {
        lens: [lens.left, lens.top, lens.width, lens.height],
        lines: lines.map((line) => {
            const { x, y } = line.getStartPositionOfChar(0);
            const place = new DOMPoint(x, y).matrixTransform(line.getScreenCTM());
            const box = line.getBoundingClientRect();
            return [place.x, place.y, box.right, box.top, box.bottom];
        }),
    };
}"""


def lines_of(page: Page, count: int) -> list[dict[str, Any]]:
    """Where the page has put its lines, in pixels of the lens, once there are so many."""
    expect(page.locator(".lens-line")).to_have_count(count)
    lines: list[dict[str, Any]] = page.evaluate(PLACES)
    return lines


def expected(simulator: Simulator) -> list[tuple[str, dict[int, int]]]:
    """Each line in Python, and where the pieces of it begin, by their place in UTF-16."""
    found = []
    for line in simulator.glasses.lens.main.placed:
        at, places = 0, {}
        for piece in line.pieces:
            leftwards = piece.text.startswith(ARABIC)
            places[at] = piece.x + (piece.width_px if leftwards else 0)
            at += len(piece.text.encode("utf-16-le")) // 2
        found.append((line.text, places))
    return found


@pytest.mark.parametrize("glasses", ["g1", "simulated"])
def test_letters_stand_where_python_says(
    page: Page, simulate: Simulate, app: RawApp, glasses: str
) -> None:
    simulator = simulate(glasses=glasses)
    go_with_app(page, simulator, app)
    app.show(MIXED)
    assert simulator.glasses.lens.wait_for("quick brown")
    wanted = expected(simulator)
    there = lines_of(page, len(wanted))
    assert len(there) >= 2
    near = 0.1 if browser.FIREFOX else 0.01  # where joined letters are fitted by their size
    for (text, places), found in zip(wanted, there, strict=True):
        assert found["text"] == text
        for at, x in places.items():
            assert found["places"][at] == pytest.approx(x, abs=near), (text, at)


@not_in_firefox("the box of a text is that of its whole font")
def test_rows_are_those_of_the_glasses_on_screens_of_any_size(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    """A G1 has five rows of 27 px, and its letters stay in their row."""
    go_with_app(page, simulate(glasses="g1"), app)
    app.show("W\nfj\u00c4\nW\nW\n" + "W" * 32)
    expect(page.locator(".lens-line")).to_have_count(5)
    for width in (1280, 700, 390):
        page.set_viewport_size({"width": width, "height": 844})
        found = page.evaluate(ON_SCREEN)
        left, top, across, high = found["lens"]
        pixel = across / 576
        assert high == pytest.approx(135 * pixel, abs=0.5)
        for row, (x, y, right, upper, lower) in enumerate(found["lines"]):
            assert x == pytest.approx(left, abs=0.5)
            assert y == pytest.approx(top + (27 * row + 20) * pixel, abs=0.5)
            assert right <= left + across + 2 * pixel
            assert upper > top + (27 * row - 4) * pixel
            assert lower < top + (27 * row + 31) * pixel


def test_a_line_from_right_to_left_is_joined_and_stands_at_the_right(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    simulator = simulate(glasses="g1")
    go_with_app(page, simulator, app)
    app.show(f"{ARABIC} {ARABIC}\n{DEVANAGARI} x")
    right, left = lines_of(page, 2)
    [line, _] = simulator.glasses.lens.main.placed
    assert (right["left"], right["right"]) == pytest.approx((line.x, 576), abs=0.1)
    assert right["places"] == sorted(right["places"], reverse=True)
    assert left["left"] == pytest.approx(0, abs=0.1)
    letters = page.locator(".lens-line").first.evaluate("(line) => line.childNodes.length")
    assert letters == 1, "one text, so that its letters are joined"


def test_columns_stand_where_python_says(page: Page, simulate: Simulate, app: RawApp) -> None:
    simulator = simulate(glasses="g1")
    go_with_app(page, simulator, app)
    layout = {"layoutType": "double_text_wall", "topText": "12:41\nSunny", "bottomText": "One\nTwo"}
    app.show("", layout=layout)
    there = lines_of(page, 4)
    assert [line["text"] for line in there] == ["12:41", "Sunny", "One", "Two"]
    placed = sorted(simulator.glasses.lens.main.placed, key=lambda line: line.column)
    assert [line["places"][0] for line in there] == pytest.approx([line.x for line in placed])


def test_text_can_be_copied_and_found_line_by_line(
    page: Page, simulate: Simulate, app: RawApp
) -> None:
    go_with_app(page, simulate(glasses="g1"), app)
    app.show("The first line\nand the second")
    expect(page.locator(".lens-line")).to_have_text(["The first line", "and the second"])
    copied = page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('#lens')), `${getSelection()}`"
    )
    assert copied == "The first line\nand the second"
    if not browser.FIREFOX:  # where window.find() finds nothing at all when it is headless
        assert page.evaluate("getSelection().removeAllRanges(), window.find('the second')")
    # A line is one text for screen readers too, not a row of letters.
    heard = page.locator("#lens").aria_snapshot()
    assert "The first line" in heard
    assert "and the second" in heard


@pytest.mark.parametrize(
    ("lines", "said"), [(6, "1 more line doesn\u2019t fit"), (12, "7 more lines don\u2019t fit")]
)
def test_it_says_how_much_does_not_fit(
    page: Page, simulate: Simulate, app: RawApp, lines: int, said: str
) -> None:
    go_with_app(page, simulate(glasses="g1"), app)
    app.show("\n".join(map(str, range(lines))))
    expect(page.locator(".lens-line")).to_have_text(["0", "1", "2", "3", "4"])
    expect(page.locator("#lens-note.cut")).to_have_text(said)
    page.set_viewport_size({"width": 375, "height": 740})
    assert page.locator("#lens-note").evaluate("(note) => note.scrollWidth <= note.clientWidth")
    app.show("short")
    expect(page.locator("#lens-note")).to_contain_text("Shown ")
    expect(page.locator("#lens-note.cut")).to_have_count(0)


def test_glasses_without_a_display_say_so(page: Page, simulate: Simulate) -> None:
    go(page, simulate(glasses="live"))
    expect(page.locator("#lens")).to_contain_text("These glasses have no display.")
    expect(page.locator("#lens-note")).to_have_text("No display")


def test_a_picture_is_as_wide_on_every_lens(page: Page, simulate: Simulate, app: RawApp) -> None:
    go_with_app(page, simulate(glasses="simulated"), app)
    app.show("narrow")
    expect(page.locator("#glasses")).to_have_attribute("data-shape", "narrow")
    picture = bitmap.to_wire(Image.new("1", (20, 20), 1))
    app.show("", layout={"layoutType": "bitmap_view", "data": picture})
    expect(page.locator("#glasses")).to_have_attribute("data-shape", "wide")
    box = page.locator(".lens-bitmap img").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(576 / 135, rel=0.02)


# --- Looking up ----------------------------------------------------------------------------------


def test_looking_up_in_python_shows_the_dashboard_on_every_page(
    page: Page, chromium: Browser, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    app.show("below")
    app.show("above", view="dashboard")
    expect(page.locator("#lens")).to_have_text("below")
    simulator.glasses.head("up")
    expect(page.locator("#lens")).to_have_text("above")
    pressed = page.locator(".view[aria-pressed=true]")
    expect(pressed).to_have_text("Dashboard")
    with open_page(chromium) as (newer, _):
        go(newer, simulator)
        expect(newer.locator("#lens")).to_have_text("above")
        expect(newer.locator(".view[aria-pressed=true]")).to_have_text("Dashboard")
        simulator.glasses.head("down")
        for one in (page, newer):
            expect(one.locator("#lens")).to_have_text("below")


def test_looking_up_on_the_page_moves_the_head(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    app.send("subscription_update", subscriptions=["head_position", "transcription:en-US"])
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response")
    page.get_by_role("button", name="Dashboard").click()
    browser.said_to(app, type="head_position", position="up")
    expect(page.locator("#lens-note")).to_have_text("Nothing on the dashboard")
    assert simulator.glasses.lens.view == "dashboard"
    page.get_by_role("button", name="Main view").click()
    browser.said_to(app, type="head_position", position="down")
    expect(page.locator("#lens-note")).to_have_text("Nothing on the lens")
    assert simulator.glasses.lens.view == "main"
