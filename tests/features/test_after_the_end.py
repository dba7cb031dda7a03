"""After the end of a session every method of every part of it raises ``SessionEnded``."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cloud import PACKAGE, Calls, Scene, scene_fixture
from end_to_end import settle
from PIL import Image

from mentra_sync import AppSession, SessionEnded, config

__all__ = ["scene_fixture"]

PARTS = (
    *("events", "layouts", "audio", "camera", "led", "location", "simple_storage", "settings"),
    *("users", "device", "device.state", "device.state.battery_level"),
    *("dashboard.content", "dashboard.system"),
)

MERELY_UNDO = {"location.unsubscribe_from_stream"}
PART_OF_THE_END = {
    *("simple_storage.begin_last_flush", "simple_storage.finish_last_flush"),
    *("simple_storage.let_go", "settings.apply"),
}

VALUES: dict[str, Any] = {
    "color": "red",
    "count": 1,
    "duration_ms": 1,
    "frames": [Image.new("1", (8, 8))],
    "function": lambda: None,
    "gesture": "single_tap",
    "handler": lambda: None,
    "image": Image.new("1", (8, 8)),
    "language": "en-US",
    "mapping": {"k": "v"},
    "mode": "main",
    "off_ms": 1,
    "on_ms": 1,
    "reason": "user_logout",
    "rtmp_url": "rtmp://example.com/live",
    "seconds": 1,
    "source": "en-US",
    "stream": "button_press",
    "target": "fr-FR",
    "update_on_change": ["k"],
    "url": "http://example.com/a.mp3",
}
"""What the methods are called with, by the names of their parameters; else a text."""

OF_THE_SESSION = (
    *("ask", "get_instructions", "get_wifi_status", "is_wifi_connected", "listen"),
    *("release_ownership", "request_wifi_setup", "sleep", "every", "after"),
)


def part_of(session: AppSession, path: str) -> Any:
    part: Any = session
    for name in path.split("."):
        part = getattr(part, name)
    return part


def methods_of(part: Any) -> list[str]:
    members = inspect.getmembers(type(part), inspect.isfunction)
    return [name for name, _ in members if not name.startswith("_")]


def call(method: Callable[..., Any]) -> Any:
    given, named = [], {}
    for name, parameter in inspect.signature(method).parameters.items():
        left_out = parameter.default is not inspect.Parameter.empty
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if not left_out:
                named[name] = VALUES.get(name, "text")
        elif not left_out or name in ("handler", "function"):
            given.append(VALUES.get(name, "text"))
    return method(*given, **named)


@pytest.fixture(name="ended_session", scope="module")
def ended_session_fixture() -> Iterator[AppSession]:
    scene = Scene()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYSTEM_DASHBOARD_PACKAGE_NAME", PACKAGE)
        session, _ = scene.session()
    session.disconnect()
    yield session
    scene.close()


@pytest.fixture(name="over")
def over_fixture(ended_session: AppSession, monkeypatch: pytest.MonkeyPatch) -> AppSession:
    """A session that has ended; calls on it are not slowed down."""
    monkeypatch.setattr(config, "ENDED_CALL_PAUSE", 0.0)
    return ended_session


@pytest.mark.parametrize("path", [*PARTS, ""])
def test_every_method_raises_once_the_session_has_ended(over: AppSession, path: str):
    part = part_of(over, path) if path else over
    still_answered = []
    for name in methods_of(part) if path else OF_THE_SESSION:
        if f"{path}.{name}" in MERELY_UNDO | PART_OF_THE_END:
            continue
        try:
            call(getattr(part, name))
            still_answered.append(name)
        except SessionEnded as error:
            assert error.reason == "disconnected"
    assert still_answered == []


def test_the_operators_of_a_mapping_raise_too(over: AppSession):
    storage = over.simple_storage
    for use in (
        lambda: storage["k"],
        lambda: storage.__setitem__("k", "v"),
        lambda: storage.__delitem__("k"),
        lambda: "k" in storage,
        lambda: len(storage),
        lambda: iter(storage),
    ):
        with pytest.raises(SessionEnded):
            use()


def test_attributes_go_on_answering(over: AppSession):
    assert over.led.lights == []
    assert over.device.state.battery_level.value is None
    assert over.dashboard.content.current_mode is None
    assert over.camera.is_streaming is False
    assert over.events.dropped == 0
    assert over.capabilities is None and over.config is None


def test_what_merely_undoes_is_harmless(scene: Scene):
    session, there = scene.session()
    undo = [
        session.events.on_button_press(print).unsubscribe,
        session.events.on_custom_message("a", print),
        session.location.subscribe_to_stream(print).unsubscribe,
        session.location.unsubscribe_from_stream,
        session.settings.on_change(print),
        session.settings.on_mentraos_change("a", print),
        session.settings.configure_subscriptions(["a"], list),
        session.device.state.connected.on_change(print),
        session.users.on_message(print),
        session.after(1000, print).cancel,
        session.every(1000, print).cancel,
        session.layouts.show_bitmap_animation(VALUES["frames"], repeat=True).stop,
        session.events.stream("head_position").close,
    ]
    settle(session, there)
    session.disconnect()
    for one in undo:
        one()
        one()
    session.disconnect()
    assert session.wait()


def test_an_animation_is_stopped_just_as_the_session_ends(scene: Scene):
    session, _ = scene.session()
    animation = session.layouts.show_bitmap_animation(VALUES["frames"], repeat=True)
    clear = animation._clear

    def end_and_clear() -> None:
        session.disconnect()
        clear()

    animation._clear = end_and_clear
    animation.stop()
    assert session.ended


def test_settings_that_come_at_the_end_are_no_call_of_the_apps(scene: Scene):
    session, there = scene.session(ack={"settings": [{"key": "a", "value": 1}]})
    changed = Calls()
    session.settings.on_change(changed)
    settle(session, there)
    session.disconnect()
    session.update_settings([])
    assert changed.all == []


def test_a_loop_that_only_reads_is_slowed_too(scene: Scene):
    session, _ = scene.session()
    session.disconnect()
    reads = 0
    began = time.monotonic()
    while time.monotonic() - began < 0.4:
        with pytest.raises(SessionEnded):
            session.settings.get("a")
        reads += 1
    assert reads <= config.ENDED_CALLS_PER_SECOND
