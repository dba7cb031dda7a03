"""Pictures on the lens in Python: which one is there, when, and the lens as a PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw
from raw_app import RawApp
from still_clock import StillClock

from mentra_sync.display import G1, SIMULATED, Profile, bitmap
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.lens import Lens, Shown
from mentra_sync.simulator.pictures import GREEN

BLACK = (0, 0, 0)
CANNOT = "picture cannot be shown: "


def dot(x: int, y: int = 0) -> bytes:
    """A picture with one lit pixel."""
    picture = Image.new("1", (bitmap.WIDTH, bitmap.HEIGHT))
    picture.putpixel((x, y), 1)
    return bitmap.to_bmp(picture)


def wire(bmp: bytes) -> str:
    return base64.b64encode(bmp).decode()


def view(data: Any) -> dict[str, Any]:
    return {"layoutType": "bitmap_view", "data": data}


def moving(*frames: bytes, **fields: Any) -> dict[str, Any]:
    return {"layoutType": "bitmap_animation", "frames": [wire(one) for one in frames], **fields}


def seen(png: bytes, size: tuple[int, int] = (576, 135)) -> Image.Image:
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.size) == ("PNG", size)
    return picture.convert("RGB")


class Worn:
    """A lens whose time a test moves, and what its pages are told."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.told: list[dict[str, Any]] = []
        self.lens = Lens(self.clock.now, self.told.append, G1)

    def show(self, layout: Any, model: str = "Even Realities G1") -> Shown:
        self.lens.show({"view": "main", "layout": layout}, model, has_display=True)
        return self.lens.main


@pytest.fixture
def worn() -> Worn:
    return Worn()


# --- Pictures ------------------------------------------------------------------------------------


def test_a_picture_is_there_pixel_by_pixel(worn: Worn) -> None:
    drawing = Image.new("1", (576, 135))
    pen = ImageDraw.Draw(drawing)
    pen.line((0, 0, 575, 134), fill=1)
    pen.rectangle((500, 3, 540, 20), fill=1)
    bmp = bitmap.to_bmp(drawing)
    shown = worn.show(view(wire(bmp)))
    assert (shown.text, shown.lines, shown.problem) == ("", (), None)
    assert (worn.lens.text, worn.lens.lines) == ("", ())
    assert worn.lens.picture == bmp
    green = Image.new("RGB", drawing.size)
    green.paste(GREEN, mask=drawing)
    assert seen(worn.lens.png()).tobytes() == green.tobytes()


def test_an_app_shows_a_picture_and_then_text(running: Simulator, app: RawApp) -> None:
    lens = running.glasses.lens
    assert lens.picture is None
    app.show("", layout=view(wire(dot(7))))
    assert lens.wait_for(lambda shown: shown.picture_at(shown.at) == dot(7))
    assert lens.picture == dot(7)
    app.show("text again")
    assert lens.wait_for("text again")
    assert lens.picture is None


# --- Animations ----------------------------------------------------------------------------------

FRAMES = (dot(0), dot(1), dot(2))


def frames_over_time(worn: Worn, *moments: float) -> list[int]:
    """Which frame the lens shows so long after the one that is there came."""
    began = worn.lens.main.at
    found = []
    for moment in moments:
        worn.clock.advance_to(began + moment)
        assert worn.lens.picture is not None
        found.append(FRAMES.index(worn.lens.picture))
        lit = seen(worn.lens.png()).getbbox()
        assert lit == (found[-1], 0, found[-1] + 1, 1)
    return found


def test_an_animation_follows_session_time_and_stays_at_its_end(worn: Worn) -> None:
    worn.clock.advance_to(3.3)
    worn.show(moving(*FRAMES, interval=400, repeat=False))
    assert frames_over_time(worn, 0, 0.399, 0.4, 0.8, 1.2, 3600) == [0, 0, 1, 2, 2, 2]


def test_a_repeated_animation_begins_again(worn: Worn) -> None:
    worn.show(moving(*FRAMES, interval=400, repeat=True))
    assert frames_over_time(worn, 0, 0.4, 0.8, 1.2, 1.6, 400.4) == [0, 1, 2, 0, 1, 2]


def test_frames_are_there_at_their_moments_in_spite_of_rounding(worn: Worn) -> None:
    worn.clock.advance_to(0.1)
    worn.show(moving(*FRAMES, interval=100, repeat=True))
    moments = [number / 10 for number in range(60)]
    assert frames_over_time(worn, *moments) == [number % 3 for number in range(60)]


@pytest.mark.parametrize(
    "interval", [None, 0, -400, "400", True, [400], float("nan"), -float("inf")]
)
def test_an_interval_that_makes_no_sense_is_the_usual_one(worn: Worn, interval: Any) -> None:
    worn.show(moving(*FRAMES, interval=interval))
    assert frames_over_time(worn, 1.649, 1.65, 3.3) == [0, 1, 2]


@pytest.mark.parametrize(
    ("interval", "frame"), [(10**400, 0), (float("inf"), 0), (1e-320, 2), (5e-324, 2)]
)
def test_no_interval_is_too_long_or_too_short(worn: Worn, interval: Any, frame: int) -> None:
    worn.show(moving(*FRAMES, interval=interval))
    assert frames_over_time(worn, 0.1) == [frame]


def test_the_next_display_stops_an_animation(worn: Worn) -> None:
    worn.show(moving(*FRAMES, interval=400, repeat=True))
    worn.clock.advance_to(0.5)
    worn.show(view(wire(dot(0))))
    assert frames_over_time(worn, 0, 0.4, 0.8) == [0, 0, 0]
    worn.show({"layoutType": "clear_view"})
    assert worn.lens.picture is None
    assert seen(worn.lens.png()).getbbox() is None


def test_the_lens_of_a_simulator_has_its_clock(
    app: RawApp, simulate: Callable[..., Simulator]
) -> None:
    clock = StillClock()
    simulator = simulate(clock=clock)
    assert simulator.start_app()
    app.wait_connected()
    app.show("", layout=moving(*FRAMES, interval=400))
    lens = simulator.glasses.lens
    assert lens.wait_for(lambda shown: shown.layout["layoutType"] == "bitmap_animation")
    assert lens.picture == FRAMES[0]
    clock.to(clock.now() + 0.4, lambda: simulator.quiet)
    assert lens.picture == FRAMES[1]


# --- What cannot be shown ------------------------------------------------------------------------


def png_file() -> bytes:
    file = io.BytesIO()
    Image.new("1", (576, 135)).save(file, "PNG")
    return file.getvalue()


BAD: list[tuple[dict[str, Any], str]] = [
    (view("no base64!"), "it is not base64 text"),
    (view("\u00e4\ud800"), "it is not base64 text"),
    (view(""), "it does not start with BM"),
    (view("Qk0="), "it has 2 bytes"),
    (view(wire(png_file())), "it is a PNG file"),
    (view(wire(dot(1)[:-1])), "its header says 9782 bytes"),
    (view(None), "it is missing"),
    (view(10**12), "it is not base64 text"),
    (view([wire(dot(1))]), "it is not base64 text"),
    ({"layoutType": "bitmap_view"}, "it is missing"),
    ({"layoutType": "bitmap_animation"}, "the animation has no frames"),
    (moving(), "the animation has no frames"),
    ({**moving(), "frames": wire(dot(1))}, "the animation has no frames"),
    (moving(dot(1), b"BM"), "frame 2: it has 2 bytes"),
    ({**moving(), "frames": [wire(dot(1)), None]}, "frame 2: it is missing"),
]


@pytest.mark.parametrize(("layout", "reason"), BAD)
def test_the_lens_says_why_a_picture_cannot_be_shown(
    worn: Worn, layout: dict[str, Any], reason: str
) -> None:
    shown = worn.show(layout)
    assert worn.lens.text.startswith(CANNOT + reason)
    assert shown.problem == worn.lens.text
    assert " ".join(worn.lens.lines).startswith(CANNOT + reason)
    assert worn.lens.picture is None
    assert seen(worn.lens.png()).getbbox() is not None
    assert worn.lens.wait_for("cannot be shown", timeout=0)
    [message] = worn.told
    assert message["problem"] == list(shown.lines)
    assert (message["lines"], message["layout"]) == ([], layout)


def test_a_header_that_is_odd_elsewhere_breaks_nothing(worn: Worn) -> None:
    odd = bytearray(dot(9))
    odd[38:46] = b"\xff" * 8  # how many pixels a metre
    assert bitmap.validate(odd) == []
    worn.show(view(wire(bytes(odd))))
    assert seen(worn.lens.png()).getbbox() == (9, 0, 10, 1)


def test_a_simulator_goes_on_after_bad_pictures(running: Simulator, app: RawApp) -> None:
    for layout, _ in BAD:
        app.show("", layout=layout)
    app.show("still there")
    lens = running.glasses.lens
    assert lens.wait_for(lambda shown: shown.text == "still there")
    assert len(lens.history) == len(BAD) + 1


# --- Text as a picture ---------------------------------------------------------------------------


def text_wall(text: str) -> dict[str, Any]:
    return {"layoutType": "text_wall", "text": text}


def lit_rows(lens: Image.Image) -> list[bool]:
    """Which lines of a lens have anything on them."""
    return [
        lens.crop((0, top, lens.width, top + 27)).getbbox() is not None
        for top in range(0, lens.height, 27)
    ]


@pytest.mark.parametrize(
    ("model", "size", "rows"),
    [("Even Realities G1", (576, 135), 5), ("Vuzix Z100", (390, 189), 7)],
)
def test_text_stands_in_the_lines_of_the_glasses(
    worn: Worn, model: str, size: tuple[int, int], rows: int
) -> None:
    worn.show(text_wall("one\n\nthree"), model)
    lens = seen(worn.lens.png(), size)
    assert lit_rows(lens) == [True, False, True, *[False] * (rows - 3)]
    colors = {color for _, color in lens.getcolors(100_000) or []}
    assert {GREEN, BLACK} <= colors
    assert all(red <= green for red, green, _ in colors)


def test_letters_stand_at_their_pixels(worn: Worn) -> None:
    """Narrow ones with room at their right, wide ones squeezed into theirs."""
    worn.show(text_wall("WiWiWMMM@\niWilW%W"))
    lens = seen(worn.lens.png())
    for line in worn.lens.main.placed:
        top = line.row * 27
        for piece in line.pieces:
            place = (piece.x, top, piece.x + piece.width_px, top + 27)
            box = lens.crop(place).getbbox()
            assert box is not None, piece
            assert box[0] <= 2, piece
        beyond = (line.x + line.width_px, top, 576, top + 27)
        assert lens.crop(beyond).getbbox() is None


def test_long_text_fills_the_lens_and_stays_on_it(worn: Worn) -> None:
    shown = worn.show(text_wall("WMWMWMWM " * 60))
    assert len(shown.lines) == 5
    assert lit_rows(seen(worn.lens.png())) == [True] * 5


def test_columns_stand_side_by_side(worn: Worn) -> None:
    layout = {"layoutType": "double_text_wall", "topText": "", "bottomText": "right"}
    worn.show(layout)
    box = seen(worn.lens.png()).getbbox()
    assert box is not None
    assert 316 <= box[0] < 322
    worn.show({**layout, "topText": "W" * 300})
    assert seen(worn.lens.png()).crop((288, 27, 576, 135)).getbbox() is None


@pytest.mark.parametrize("text", ["", " \n ", "\t\0\x1b", "\ud800", "日本語 עברית 🙂 e\u0301"])
def test_any_text_can_be_drawn(worn: Worn, text: str) -> None:
    worn.show(text_wall(text))
    seen(worn.lens.png())


@pytest.mark.parametrize(("profile", "size"), [(G1, (576, 135)), (SIMULATED, (390, 189))])
def test_an_empty_lens_is_dark(profile: Profile, size: tuple[int, int]) -> None:
    lens = Lens(StillClock().now, lambda message: None, profile)
    assert seen(lens.png(), size).getbbox() is None
