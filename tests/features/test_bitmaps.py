"""Pictures, animations and fitted text of ``session.layouts``, as they go over the wire."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cloud import AppSocket, Scene, scene_fixture, wait_until
from end_to_end import body, ended, refused, settle
from PIL import Image

from mentra_sync import AppSession
from mentra_sync.display import G1, SIMULATED, Z100, Profile, bitmap, paginate, wrap
from mentra_sync.display.animation import play
from mentra_sync.protocol import codec
from mentra_sync.protocol.capabilities import KNOWN

__all__ = ["scene_fixture"]


def picture(size: tuple[int, int] = (40, 20), color: Any = "white", mode: str = "RGB") -> Any:
    return Image.new(mode, size, color)


def file(image: Any, kind: str = "PNG", **options: Any) -> bytes:
    content = BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def shown(there: AppSocket, count: int = 1) -> Any:
    """The lens as the display's frame paints it, checked as glasses would."""
    frame = there.wait("display_event", count)
    assert frame["layout"]["layoutType"] == "bitmap_view"
    data = frame["layout"]["data"]
    assert bitmap.validate(data) == []
    return Image.open(BytesIO(base64.b64decode(data))).convert("1")


# --- Pictures ---------------------------------------------------------------------------------


def test_the_form_on_the_wire(scene: Scene) -> None:
    session, there = scene.session()
    session.layouts.show_bitmap_view(picture())
    frame = body(there.wait("display_event"))
    assert frame.keys() == {"view", "layout"}
    assert frame["view"] == "main"
    assert frame["layout"].keys() == {"layoutType", "data"}
    assert bitmap.validate(frame["layout"]["data"]) == []
    session.layouts.show_bitmap_view(picture(), view="dashboard")
    assert there.wait("display_event", 2)["view"] == "dashboard"


SOURCES: dict[str, Callable[[Path], Any]] = {
    "png": lambda path: file(picture(), "PNG"),
    "jpeg": lambda path: file(picture(), "JPEG"),
    "gif": lambda path: file(picture(mode="P", color=0).convert("RGB").convert("P"), "GIF"),
    "bmp": lambda path: file(picture(), "BMP"),
    "webp": lambda path: file(picture(), "WEBP"),
    "tiff": lambda path: file(picture(), "TIFF"),
    "grey": lambda path: picture(mode="L", color=200),
    "one bit": lambda path: picture(mode="1", color=1),
    "see-through": lambda path: picture(mode="RGBA", color=(255, 255, 255, 255)),
    "sixteen bits": lambda path: picture(mode="I;16", color=60000),
    "cmyk": lambda path: picture(mode="CMYK", color=(0, 0, 0, 0)),
    "base64": lambda path: base64.b64encode(file(picture())).decode(),
    "data url": lambda path: "data:image/png;base64," + base64.b64encode(file(picture())).decode(),
    "bytearray": lambda path: bytearray(file(picture())),
    "memoryview": lambda path: memoryview(file(picture())),
}


@pytest.mark.parametrize("name", SOURCES)
def test_pictures_of_every_kind(scene: Scene, tmp_path: Path, name: str) -> None:
    session, there = scene.session()
    session.layouts.show_bitmap_view(SOURCES[name](tmp_path))
    lens = shown(there)
    if name != "gif":
        left, top, right, bottom = lens.getbbox()
        assert (right - left, bottom - top) == (40, 20)
        # In the middle of the 526x100 right of and below the padding.
        assert (left, top) == (50 + (526 - 40) // 2, 35 + (100 - 20) // 2)


def test_pictures_from_files(scene: Scene, tmp_path: Path) -> None:
    session, there = scene.session()
    path = tmp_path / "dot.png"
    path.write_bytes(file(picture()))
    session.layouts.show_bitmap_view(path)
    session.layouts.show_bitmap_view(str(path))
    assert shown(there, 1).tobytes() == shown(there, 2).tobytes()


@pytest.mark.parametrize(
    "size", [(1, 1), (526, 100), (527, 100), (2000, 30), (30, 2000), (4000, 4000)]
)
def test_sizes(scene: Scene, size: tuple[int, int]) -> None:
    session, there = scene.session()
    session.layouts.show_bitmap_view(picture(size))
    left, top, right, bottom = shown(there).getbbox()
    assert left >= 50
    assert top >= 35
    scale = min(1, 526 / size[0], 100 / size[1])
    assert abs((right - left) - size[0] * scale) <= 1
    assert abs((bottom - top) - size[1] * scale) <= 1


def test_one_of_the_lens_size_is_shown_as_it_is(scene: Scene) -> None:
    session, there = scene.session()
    whole = picture((576, 135), "black")
    whole.putpixel((0, 0), (255, 255, 255))
    whole.putpixel((575, 134), (255, 255, 255))
    session.layouts.show_bitmap_view(whole)
    assert shown(there).getbbox() == (0, 0, 576, 135)
    ready = bitmap.to_bmp(whole)
    session.layouts.show_bitmap_view(ready)
    assert base64.b64decode(there.wait("display_event", 2)["layout"]["data"]) == ready


def test_padding_dots_and_the_opposite(scene: Scene) -> None:
    session, there = scene.session()
    show = session.layouts.show_bitmap_view
    show(picture((576, 200)), padding=(0, 0))
    assert shown(there, 1).getbbox() == ((576 - 389) // 2, 0, (576 - 389) // 2 + 389, 135)
    show(picture((10, 10)), padding=(566, 125))
    assert shown(there, 2).getbbox() == (566, 125, 576, 135)
    grey = picture((100, 100), (100, 100, 100))
    show(grey)
    assert shown(there, 3).getbbox() is None
    show(grey, dither=True)
    lit = shown(there, 4).convert("L").histogram()[255]
    assert 0.3 < lit / 10_000 < 0.5
    show(picture((10, 10), "black"), invert=True)
    left, top, right, bottom = shown(there, 5).getbbox()
    assert (right - left, bottom - top) == (10, 10)


BAD: dict[str, tuple[Any, str]] = {
    "no file": ("missing.png", "missing.png"),
    "no picture": (b"hello", "not a picture"),
    "broken": (file(picture((99, 99), "red"))[:60], "broken"),
    "empty": (b"", "empty"),
    "no base64": ("!" * 40, "neither the path"),
    "nothing": (None, "a path, bytes, base64 text or a Pillow image"),
    "a number": (5, "a path, bytes, base64 text or a Pillow image"),
    "a list": ([1, 2], "a path, bytes, base64 text or a Pillow image"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_pictures_are_refused_and_nothing_is_sent(scene: Scene, name: str) -> None:
    image, words = BAD[name]
    session, there = scene.session()
    with refused(session, there, words):
        session.layouts.show_bitmap_view(image)
    with refused(session, there, words, "frame 2"):
        session.layouts.show_bitmap_animation([picture(), image])


def test_other_wrong_arguments_of_pictures(scene: Scene) -> None:
    session, there = scene.session()
    show: Any = session.layouts.show_bitmap_view
    with refused(session, there, "view", "'lens'"):
        show(picture(), view="lens")
    for padding in ((-1, 0), (576, 0), (0, 135)):
        with refused(session, there, "padding"):
            show(picture(), padding=padding)


# --- Animations -------------------------------------------------------------------------------


def test_an_animation_on_the_wire(scene: Scene) -> None:
    session, there = scene.session()
    session.layouts.show_bitmap_animation([picture(), file(picture(color="black"))])
    frame = body(there.wait("display_event"))
    assert frame["view"] == "main"
    layout = frame["layout"]
    frames = layout.pop("frames")
    assert layout == {"layoutType": "bitmap_animation", "interval": 1650, "repeat": False}
    assert [bitmap.validate(data) for data in frames] == [[], []]
    assert frames[0] != frames[1]
    moving = (picture((n, n)) for n in range(1, 4))
    session.layouts.show_bitmap_animation(moving, 500, True, view="dashboard")
    frame = there.wait("display_event", 2)
    layout = frame["layout"]
    assert (frame["view"], layout["interval"], layout["repeat"], len(layout["frames"])) == (
        "dashboard",
        500,
        True,
        3,
    )


def test_stopping_an_animation_clears_its_view_once(scene: Scene) -> None:
    session, there = scene.session()
    animation = session.layouts.show_bitmap_animation([picture()], 100, True, view="dashboard")
    assert animation.running
    animation.stop()
    assert not animation.running
    clear = there.wait("display_event", 2)
    assert (clear["view"], clear["layout"]) == ("dashboard", {"layoutType": "clear_view"})
    animation.stop()
    settle(session, there)
    assert len(there.all("display_event")) == 2


def test_an_animation_ends_by_itself_and_its_last_picture_stays_until_it_is_stopped(
    scene: Scene,
) -> None:
    session, there = scene.session()
    once = session.layouts.show_bitmap_animation([picture()] * 2, 60)
    assert once.running
    wait_until(lambda: not once.running)
    settle(session, there)
    assert len(there.all("display_event")) == 1
    once.stop()
    assert there.wait("display_event", 2)["layout"] == {"layoutType": "clear_view"}
    once.stop()
    replaced = session.layouts.show_bitmap_animation([picture()], 20)
    wait_until(lambda: not replaced.running)
    session.layouts.show_text_wall("instead")
    replaced.stop()
    settle(session, there)
    assert len(there.all("display_event")) == 4, "what is there now is not the animation's"


def test_an_animation_ends_with_what_is_shown_in_its_place(scene: Scene) -> None:
    session, there = scene.session()
    layouts = session.layouts
    animation = layouts.show_bitmap_animation([picture()], 100, True)
    layouts.show_text_wall("aside", view="dashboard")
    assert animation.running, "another view"
    layouts.show_text_wall("instead")
    assert not animation.running
    animation.stop()
    second = layouts.show_bitmap_animation([picture()], 100, True)
    third = layouts.show_bitmap_animation([picture()], 100, True)
    assert (second.running, third.running) == (False, True)
    layouts.clear_view()
    assert not third.running
    settle(session, there)
    kinds = [frame["layout"]["layoutType"] for frame in there.all("display_event")]
    assert kinds == [
        "bitmap_animation",
        "text_wall",
        "text_wall",
        "bitmap_animation",
        "bitmap_animation",
        "clear_view",
    ]


def test_an_animation_ends_with_the_session(scene: Scene) -> None:
    session, _ = scene.session()
    animation = session.layouts.show_bitmap_animation([picture()], 100, True)
    session.disconnect()
    assert not animation.running
    animation.stop()
    with ended(session):
        session.layouts.show_bitmap_animation([picture()])
    with ended(session):
        session.layouts.show_bitmap_view(picture())


def test_frames_of_ones_own_are_played_by_the_sessions_timers(scene: Scene, logged: Any) -> None:
    session, there = scene.session(display_interval_ms=0)
    names: list[str] = []

    def show(frame: str) -> None:
        names.append(threading.current_thread().name)
        session.layouts.show_text_wall(frame)

    playing = play(["a", "b", "c"], show, after=session.after, interval_ms=20, repeat=True)
    there.wait("display_event", 7)
    assert there.texts()[:7] == ["a", "b", "c", "a", "b", "c", "a"]
    assert {name for name in names[1:] if not name.startswith("mentra-calls")} == set()
    session.disconnect()
    playing.stop()
    sent = len(there.texts())
    assert session.wait(5)
    assert len(there.texts()) == sent
    assert logged.about("SessionEnded") == []


def test_wrong_animations(scene: Scene) -> None:
    session, there = scene.session()
    show: Any = session.layouts.show_bitmap_animation
    one = picture((1, 1))
    for interval in (0, -5, float("inf"), 10**400, float("nan"), "100", True, None):
        with refused(session, there, "interval_ms", "above 0", repr(interval)):
            show([one], interval)
    with refused(session, there, "at least one frame"):
        show([])
    for frames in ("movie.gif", file(one), Path("movie.gif"), one, None, 5):
        with refused(session, there, "a list of pictures", type(frames).__name__):
            show(frames)
    with refused(session, there, "500 frames at most"):
        show(itertools.repeat(bitmap.to_bmp(one)))
    with refused(session, there, "view", "'lens'"):
        show([one], view="lens")


# --- Text that fits ---------------------------------------------------------------------------

LENSES = {"Even Realities G1": G1, "Vuzix Z100": Z100, "Simulated Glasses": SIMULATED, "?": G1}
LONG = " ".join(f"word{number}" for number in range(200))


def with_glasses(scene: Scene, model: str) -> tuple[AppSession, AppSocket]:
    known = KNOWN.get(model)
    return scene.session(ack={"capabilities": None if known is None else codec.encode(known)})


@pytest.mark.parametrize("model", LENSES)
def test_text_in_lines(scene: Scene, model: str) -> None:
    profile: Profile = LENSES[model]
    session, there = with_glasses(scene, model)
    lines = session.layouts.show_text_wall(LONG, fit="wrap")
    assert lines == list(wrap(LONG, profile=profile, break_mode="word").lines)
    assert len(lines) == profile.max_lines
    assert there.wait("display_event")["layout"]["text"] == "\n".join(lines)


@pytest.mark.parametrize("model", LENSES)
def test_text_in_pages(scene: Scene, model: str) -> None:
    profile: Profile = LENSES[model]
    session, there = with_glasses(scene, model)
    pages = session.layouts.show_text_wall(LONG, fit="page", view="dashboard", duration_ms=500)
    assert pages == paginate(LONG, profile=profile, break_mode="word")
    assert pages is not None
    assert len(pages) > 1
    assert " ".join(" ".join(pages).split()) == LONG, "no word is lost"
    frame = there.wait("display_event")
    assert (frame["layout"]["text"], frame["view"], frame["durationMs"]) == (
        pages[0],
        "dashboard",
        500,
    )
    for number, page in enumerate(pages[1:], 2):
        assert session.layouts.show_text_wall(page) is None
        assert there.wait("display_event", number)["layout"]["text"] == page


def test_short_and_empty_texts_fit(scene: Scene) -> None:
    session, there = scene.session()
    show = session.layouts.show_text_wall
    assert show("hello", fit="wrap") == ["hello"]
    assert show("hello", fit="page") == ["hello"]
    for nothing in ("", None):
        assert show(nothing, fit="wrap") in ([], [""])
        assert show(nothing, fit="page") in ([], [""])
    settle(session, there)
    assert there.texts() == ["hello", "hello", "", "", "", ""]
    assert show(LONG) is None
    there.wait_text(LONG)
    with refused(session, there, '"wrap", "page"', "'shrink'"):
        show("hello", fit="shrink")


def test_other_glasses_have_another_lens(scene: Scene) -> None:
    session, there = with_glasses(scene, "Even Realities G1")
    assert len(session.layouts.show_text_wall(LONG, fit="wrap") or ()) == 5
    known = codec.encode(KNOWN["Vuzix Z100"])
    there.send({"type": "capabilities_update", "capabilities": known, "modelName": "Vuzix Z100"})
    settle(session, there)
    assert len(session.layouts.show_text_wall(LONG, fit="wrap") or ()) == 7


def test_a_text_that_is_cut_is_said_once(scene: Scene, logged: Any) -> None:
    session, there = scene.session()
    session.layouts.show_text_wall("short")
    session.layouts.show_text_wall(" ".join(["fits"] * 15))
    session.layouts.show_text_wall(LONG, fit="wrap")
    session.layouts.show_text_wall(LONG, fit="page")
    settle(session, there)
    assert logged.about('fit="page"') == []
    session.layouts.show_text_wall(LONG)
    session.layouts.show_text_wall(LONG)
    settle(session, there)
    [hint] = logged.about('fit="page"')
    assert f"has {len(wrap(LONG, max_lines=99, max_bytes=9999).lines)} lines" in hint
    assert "show only 5 lines" in hint


@pytest.mark.parametrize(
    ("show", "words"),
    [
        (lambda show: show.show_text_wall("1\n2\n3\n4\n5\n6"), "has 6 lines"),
        (lambda show: show.show_text_wall("l" * 600), "show only 2 lines"),
        (lambda show: show.show_reference_card("T", "1\n2\n3\n4\n5"), "has 6 lines"),
        (lambda show: show.show_double_text_wall("1", "1\n2\n3\n4\n5\n6\n7"), "has 7 lines"),
        (lambda show: show.show_dashboard_card("1\n2\n3\n4\n5\n6", "1"), "has 6 lines"),
        (lambda show: show.show_dashboard_card("word " * 30, "1"), "show only 5 lines"),
    ],
    ids=["short lines", "many bytes", "a title more", "right column", "left column", "narrow"],
)
def test_whatever_is_cut_is_said(scene: Scene, logged: Any, show: Any, words: str) -> None:
    session, there = scene.session()
    session.layouts.show_text_wall("1\n2\n3\n4\n5")
    session.layouts.show_reference_card("T", "1\n2\n3\n4")
    session.layouts.show_double_text_wall("1\n2\n3\n4\n5", "1\n2\n3\n4\n5")
    settle(session, there)
    assert logged.about('fit="page"') == []
    show(session.layouts)
    settle(session, there)
    [hint] = logged.about('fit="page"')
    assert words in hint
