"""``session.layouts``: the wire form of each, what is refused, and the pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import PACKAGE, SOON, USER, Scene, scene_fixture  # noqa: F401
from simulator.still_clock import StillClock

from mentra_sync import SessionEnded, ViewType

SHOWN: dict[str, tuple[Callable[[Any], Any], str, dict[str, Any]]] = {
    "wall": (
        lambda show: show.show_text_wall("hello"),
        "main",
        {"layoutType": "text_wall", "text": "hello"},
    ),
    "two": (
        lambda show: show.show_double_text_wall("above", "below"),
        "main",
        {"layoutType": "double_text_wall", "topText": "above", "bottomText": "below"},
    ),
    "card": (
        lambda show: show.show_reference_card("title", "text", view="dashboard"),
        "dashboard",
        {"layoutType": "reference_card", "title": "title", "text": "text"},
    ),
    "dashboard": (
        lambda show: show.show_dashboard_card("left", "right"),
        "dashboard",
        {"layoutType": "dashboard_card", "leftText": "left", "rightText": "right"},
    ),
    "dashboard on main": (
        lambda show: show.show_dashboard_card("left", "right", view=ViewType.MAIN),
        "main",
        {"layoutType": "dashboard_card", "leftText": "left", "rightText": "right"},
    ),
    "clear": (lambda show: show.clear_view(), "main", {"layoutType": "clear_view"}),
    "clear dashboard": (
        lambda show: show.clear(view="dashboard"),
        "dashboard",
        {"layoutType": "clear_view"},
    ),
    "number": (
        lambda show: show.show_text_wall(4.5),
        "main",
        {"layoutType": "text_wall", "text": "4.5"},
    ),
    "none": (
        lambda show: show.show_text_wall(None),
        "main",
        {"layoutType": "text_wall", "text": ""},
    ),
    "none twice": (
        lambda show: show.show_double_text_wall(None, ["a"]),
        "main",
        {"layoutType": "double_text_wall", "topText": "", "bottomText": "['a']"},
    ),
    "surrogate": (
        lambda show: show.show_text_wall("a\ud800b \U0001f600"),
        "main",
        {"layoutType": "text_wall", "text": "a\ufffdb \U0001f600"},
    ),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_the_form_on_the_wire(scene: Scene, kind: str):
    show, view, layout = SHOWN[kind]
    session, there = scene.session()
    show(session.layouts)
    frame = there.wait("display_event")
    assert frame == {
        "type": "display_event",
        "packageName": PACKAGE,
        "sessionId": f"{USER}-{PACKAGE}",
        "timestamp": frame["timestamp"],
        "view": view,
        "layout": layout,
    }


@pytest.mark.parametrize("duration", [0, 1, 2500, 1.5])
def test_durations(scene: Scene, duration: float):
    session, there = scene.session()
    session.layouts.show_text_wall("a", duration_ms=duration)
    assert there.wait("display_event")["durationMs"] == duration


@pytest.mark.parametrize(
    "wrong",
    [
        {"view": "other"},
        {"view": None},
        {"view": ""},
        {"view": ["main"]},
        {"duration_ms": -1},
        {"duration_ms": float("nan")},
        {"duration_ms": float("inf")},
        {"duration_ms": "100"},
        {"duration_ms": True},
    ],
)
def test_what_is_refused_is_not_sent(scene: Scene, wrong: dict[str, Any]):
    session, there = scene.session()
    with pytest.raises(ValueError, match=next(iter(wrong))):
        session.layouts.show_text_wall("a", **wrong)
    session.layouts.show_text_wall("b")
    there.wait_text("b")
    assert there.texts() == ["b"]


def test_without_pacing_each_is_sent(scene: Scene):
    session, there = scene.session(display_interval_ms=0)
    for number in range(20):
        session.layouts.show_text_wall(number)
    there.wait("display_event", 20)
    assert there.texts() == [str(number) for number in range(20)]


def test_a_call_never_waits_for_its_turn(scene: Scene):
    session, there = scene.session(display_interval_ms=60_000)
    began = time.monotonic()
    for text in ("1", "2", "3"):
        session.layouts.show_text_wall(text)
        session.layouts.show_text_wall(f"d{text}", view="dashboard")
    there.wait("display_event")
    assert there.texts() == ["1"], "the first goes out at once"
    assert time.monotonic() - began < 30


def test_the_pace(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """In time that passes by hand: what arrives late would seem to be too near to the next."""
    monkeypatch.setattr("mentra_sync.server.Clock", StillClock)
    session, there = scene.session(display_interval_ms=500)
    clock = session._link.clock
    for text in ("1", "2", "3"):
        session.layouts.show_text_wall(text)
        session.layouts.show_text_wall(f"d{text}", view="dashboard")
    for sent in (1, 2):
        there.wait("display_event", sent)
        clock.advance_to(clock.now() + 0.54)  # 500 ms, and not quite the margin
        time.sleep(SOON)
        assert len(there.texts()) == sent
        clock.advance_to(clock.now() + 0.02)
    there.wait("display_event", 3)
    clock.advance_to(clock.now() + 60)
    time.sleep(SOON)
    assert there.texts()[0] == "1" and sorted(there.texts()[1:]) == ["3", "d3"]


def test_after_the_end(scene: Scene):
    session, _ = scene.session()
    session.disconnect()
    for kind in ("wall", "card", "clear"):
        with pytest.raises(SessionEnded):
            SHOWN[kind][0](session.layouts)


def test_from_many_threads(scene: Scene):
    session, there = scene.session()

    def show(name: str) -> None:
        for number in range(50):
            session.layouts.show_text_wall(f"{name}{number}")

    threads = [threading.Thread(target=show, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there.wait("display_event", 200)
    texts = there.texts()
    for name in "abcd":
        mine = [text for text in texts if text[0] == name]
        assert mine == [f"{name}{number}" for number in range(50)]


def test_a_function_in_place_of_what_it_returns(scene: Scene):
    session, there = scene.session()
    for function, name in ((session.listen, "listen"), (lambda: "text", r"the lambda at line \d+")):
        with pytest.raises(TypeError, match=rf"call it: {name}\(\)"):
            session.layouts.show_text_wall(function)
    there.settle()
    assert there.all("display_event") == []
