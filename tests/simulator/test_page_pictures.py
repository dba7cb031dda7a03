"""Pictures on the page's lens, read back pixel by pixel."""

from __future__ import annotations

import base64
import io
from itertools import pairwise
from typing import Any

import browser
import pytest
from browser import Locator, Page, expect, go_with_app, not_in_firefox, stop_time
from cloud import wait_until
from PIL import Image
from raw_app import RawApp

from mentra_sync.display import bitmap
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.pictures import GREEN

pytestmark = pytest.mark.browser

chromium, opened, page = browser.chromium, browser.opened, browser.page  # the fixtures

LIT_PIXELS = """async (image) => {
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const pen = canvas.getContext("2d");
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const lit = [];
    for (let at = 0; at < data.length; at += 4) if (data[at + 1] > 127) lit.push(at / 4);
    return lit.map((at) => [at % canvas.width, Math.floor(at / canvas.width)]);
}"""

NOTE_CHANGES = """(image) => {
    window.noted = [];
    const note = () => noted.push(image.getAttribute("src"));
    new MutationObserver(note).observe(image, { attributes: true });
}"""


def picture(*lit: tuple[int, int]) -> str:
    """A picture with some lit pixels, as it goes over the wire."""
    whole = Image.new("1", (bitmap.WIDTH, bitmap.HEIGHT))
    for place in lit:
        whole.putpixel(place, 1)
    return bitmap.to_wire(whole)


def half() -> str:
    """A picture whose left half is lit."""
    whole = Image.new("1", (bitmap.WIDTH, bitmap.HEIGHT))
    whole.paste(1, (0, 0, 288, 135))
    return bitmap.to_wire(whole)


def animation(*frames: str, **fields: Any) -> dict[str, Any]:
    return {"layoutType": "bitmap_animation", "frames": list(frames), **fields}


def shows(image: Locator, frame: str) -> None:
    """Wait until the page shows a picture."""
    expect(image).to_have_attribute("src", f"data:image/bmp;base64,{frame}")


@not_in_firefox("a screenshot brings a style that the page forbids")
def test_pictures_pixel_by_pixel_in_green_on_black(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    image = page.locator(".lens-bitmap img")
    corners = [(0, 0), (575, 0), (300, 60), (0, 134), (575, 134)]
    app.show("", layout={"layoutType": "bitmap_view", "data": picture(*corners)})
    shows(image, picture(*corners))
    assert image.evaluate(LIT_PIXELS) == [list(place) for place in corners]
    app.show("", layout={"layoutType": "bitmap_view", "data": half()})
    shows(image, half())
    lens = Image.open(io.BytesIO(image.screenshot(animations="disabled"))).convert("RGB")
    lit = lens.getpixel((lens.width // 4, lens.height // 2))
    dark = lens.getpixel((lens.width * 3 // 4, lens.height // 2))
    assert isinstance(lit, tuple)
    assert isinstance(dark, tuple)
    # A little of the glass shines through what is lit, as it does on real lenses.
    assert max(abs(got - wanted) for got, wanted in zip(lit, GREEN, strict=True)) < 24
    assert max(dark) < 64  # the dark glass behind it


def test_animations_run_end_and_are_stopped(page: Page, simulator: Simulator, app: RawApp) -> None:
    page.clock.install()
    go_with_app(page, simulator, app)
    stop_time(page)
    image = page.locator(".lens-bitmap img")
    frames = [picture((n, n)) for n in range(3)]
    app.show("", layout=animation(*frames, interval=100))
    expect(image).to_be_visible()
    page.clock.run_for(1000)
    shows(image, frames[2])
    assert image.evaluate(LIT_PIXELS) == [[2, 2]]
    once = image.element_handle()
    app.show("", layout=animation(*frames, interval=100, repeat=True))
    page.wait_for_function("(once) => !once.isConnected", arg=once)
    image.evaluate(NOTE_CHANGES)
    for _ in range(7):
        page.clock.run_for(100)
    shown = [number_of(source, frames) for source in page.evaluate("noted")]
    assert len(shown) >= 6
    assert all(after == (before + 1) % 3 for before, after in pairwise(shown))
    app.show("instead")
    expect(page.locator("#lens")).to_have_text("instead")
    page.evaluate("noted.length = 0")
    page.clock.run_for(1000)
    assert page.evaluate("noted") == []


def number_of(source: str, frames: list[str]) -> int:
    """Which of an animation's frames an image shows."""
    return frames.index(source.removeprefix("data:image/bmp;base64,"))


def test_an_animation_goes_on_behind_the_other_view(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    image = page.locator(".lens-bitmap img")
    frames = [picture((n, n)) for n in range(2)]
    app.show("", layout=animation(*frames, interval=200))
    shows(image, frames[1])
    page.get_by_role("button", name="Dashboard").click()
    expect(image).to_have_count(0)
    page.get_by_role("button", name="Main view").click()
    assert image.get_attribute("src") == f"data:image/bmp;base64,{frames[1]}"


def test_a_header_that_is_odd_where_nobody_looks_is_no_trouble(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    odd = bytearray(base64.b64decode(picture((3, 4))))
    for start, length in ((6, 4), (38, 8), (50, 4), (57, 1), (61, 1)):
        odd[start : start + length] = b"\xff" * length
    assert bitmap.validate(odd) == []
    data = base64.b64encode(odd).decode()
    app.show("", layout={"layoutType": "bitmap_view", "data": data})
    shows(page.locator(".lens-bitmap img"), data)
    assert page.locator(".lens-bitmap img").evaluate(LIT_PIXELS) == [[3, 4]]


def test_an_animation_goes_on_when_the_page_is_reloaded(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    image = page.locator(".lens-bitmap img")
    frames = [picture((n, n)) for n in range(40)]
    app.show("", layout=animation(*frames, interval=500))

    def in_python() -> int:
        bmp = simulator.glasses.lens.picture
        assert bmp is not None
        return frames.index(base64.b64encode(bmp).decode())

    def on_page() -> int:
        source = image.get_attribute("src")
        assert source is not None
        return frames.index(source.removeprefix("data:image/bmp;base64,"))

    image.wait_for()
    wait_until(lambda: on_page() >= 2)
    page.reload()
    image.wait_for()
    assert on_page() >= 2, "a new start would be seen for half a second"
    soon = in_python() + 3
    wait_until(lambda: on_page() >= soon)
    assert in_python() >= soon - 1, "the page is not ahead either"


def test_bad_pictures_are_told_as_text_and_break_nothing(
    page: Page, simulator: Simulator, app: RawApp
) -> None:
    go_with_app(page, simulator, app)
    lens = page.locator("#lens")
    bad = [
        ({"layoutType": "bitmap_view", "data": "no base64!"}, "it is not base64 text"),
        ({"layoutType": "bitmap_view", "data": {"a": 1}}, "it is not base64 text"),
        (animation(), "the animation has no frames"),
        (animation(picture(), "Qk0="), "frame 2: it has 2 bytes"),
    ]
    for layout, reason in bad:
        app.show("", layout=layout)
        expect(lens).to_contain_text(f"picture cannot be shown: {reason}")
        expect(lens.locator("img")).to_have_count(0)
    for kind in ("constructor", "toString", "__proto__"):
        app.show("", layout={"layoutType": kind})
        expect(lens).to_have_text("")
        app.show(f"after {kind}")
        expect(lens).to_have_text(f"after {kind}")
