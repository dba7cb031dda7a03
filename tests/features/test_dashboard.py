"""``session.dashboard``: the app's line, the mode, and the corners of the system's dashboard."""

from __future__ import annotations

from typing import Any

import pytest
from cloud import PACKAGE, USER, AppSocket, Calls, Scene, scene_fixture
from end_to_end import body, ended, refused, settle

from mentra_sync import AppServer, AppSession, DashboardMode

__all__ = ["scene_fixture"]

SYSTEM = "system.augmentos.dashboard"


def changed(there: AppSocket, mode: Any) -> None:
    there.send({"type": "dashboard_mode_changed", "mode": mode})


# --- Content ----------------------------------------------------------------------------------


def test_content_and_its_session_id(scene: Scene) -> None:
    session, there = scene.session()
    session.dashboard.content.write("Hello")
    frame = there.wait("dashboard_content_update")
    assert body(frame) == {"content": "Hello", "modes": ["main"]}
    assert frame["sessionId"] == f"{USER}-{PACKAGE}-{PACKAGE}"
    assert frame["packageName"] == PACKAGE
    session.led.turn_off()
    assert there.wait("rgb_led_control")["sessionId"] == f"{USER}-{PACKAGE}"


def test_content_for_each_mode(scene: Scene) -> None:
    session, there = scene.session()
    content = session.dashboard.content
    content.write_to_main("one")
    content.write_to_expanded("two")
    content.write("three", ("main", "expanded"))
    content.write("four", "expanded")
    content.write("five", [DashboardMode.EXPANDED, "expanded", "main"])
    content.write("six", targets=iter(["main"]))
    content.write(None)
    content.write(7)
    frames = [body(there.wait("dashboard_content_update", number)) for number in range(1, 9)]
    assert [(frame["content"], frame["modes"]) for frame in frames] == [
        ("one", ["main"]),
        ("two", ["expanded"]),
        ("three", ["main", "expanded"]),
        ("four", ["expanded"]),
        ("five", ["expanded", "main"]),
        ("six", ["main"]),
        ("", ["main"]),
        ("7", ["main"]),
    ]


@pytest.mark.parametrize("targets", ["always", [], ["main", "all"], None, 5, [["main"]]])
def test_unknown_targets(scene: Scene, targets: Any) -> None:
    session, there = scene.session()
    with refused(session, there, "targets", '"main", "expanded"', repr(targets)):
        session.dashboard.content.write("text", targets)


# --- The mode ---------------------------------------------------------------------------------


def test_the_mode_is_known_to_handlers_and_afterwards(scene: Scene) -> None:
    session, there = scene.session()
    content = session.dashboard.content
    assert content.current_mode is None
    seen = Calls()
    content.on_mode_change(lambda mode: seen(mode, content.current_mode))
    session.events.on_dashboard_mode_change(lambda mode: seen(mode, content.current_mode))
    nothing = Calls()
    content.on_mode_change(lambda: nothing())
    for mode in ("expanded", "main"):
        before = len(seen.all)
        changed(there, mode)
        assert seen.wait(before + 2)[before:] == [(mode, mode)] * 2
    nothing.wait(2)
    assert content.current_mode == "main"


def test_a_mode_that_is_none_changes_nothing(scene: Scene) -> None:
    session, there = scene.session()
    errors, modes = Calls(), Calls()
    session.events.on_error(errors.one)
    stop = session.dashboard.content.on_mode_change(modes.one)
    changed(there, 5)
    assert "mode" in str(errors.wait()[0])
    assert session.dashboard.content.current_mode is None
    changed(there, "main")
    modes.wait()
    stop()
    changed(there, "expanded")
    settle(session, there)
    session.events.on_dashboard_mode_change(modes.one)
    changed(there, "main")
    assert modes.wait(2) == ["main", "main"]


def test_the_dashboard_that_stays(scene: Scene) -> None:
    session, there = scene.session()
    stays = Calls()
    session.events.on_dashboard_always_on_change(stays.one)
    there.send({"type": "dashboard_always_on_changed", "enabled": True})
    there.send({"type": "dashboard_always_on_changed", "enabled": False})
    assert stays.wait(2) == [True, False]


# --- The system's dashboard -------------------------------------------------------------------


def system_session(scene: Scene, package: str) -> tuple[AppSession, AppSocket]:
    app = scene.serve(AppServer(package, "key", port=0, host="127.0.0.1"))
    there = scene.start(app, session_id=f"{USER}-{package}")
    session = app.session_for(USER)
    assert session is not None
    return session, there


def test_an_ordinary_app_has_no_corners(scene: Scene) -> None:
    session, _ = scene.session()
    assert session.dashboard.system is None


@pytest.mark.parametrize("package", [SYSTEM, "com.example.board"])
def test_the_corners(scene: Scene, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if package != SYSTEM:
        monkeypatch.setenv("SYSTEM_DASHBOARD_PACKAGE_NAME", package)
    session, there = system_session(scene, package)
    system = session.dashboard.system
    assert system is not None
    system.set_top_left("10:00")
    system.set_top_right("80%")
    system.set_bottom_left(None)
    system.set_bottom_right(3)
    frames = [there.wait("dashboard_system_update", number) for number in range(1, 5)]
    assert [(frame["section"], frame["content"]) for frame in frames] == [
        ("topLeft", "10:00"),
        ("topRight", "80%"),
        ("bottomLeft", ""),
        ("bottomRight", "3"),
    ]
    system.set_view_mode(DashboardMode.EXPANDED)
    mode = there.wait("dashboard_mode_change")
    assert body(mode) == {"mode": "expanded"}
    assert {frame["sessionId"] for frame in (*frames, mode)} == {f"{USER}-{package}-{package}"}
    with refused(session, there, "mode", "main, expanded", "'huge'"):
        system.set_view_mode("huge")


def test_the_usual_package_is_ordinary_where_another_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEM_DASHBOARD_PACKAGE_NAME", "com.example.board")
    session, _ = system_session(scene, SYSTEM)
    assert session.dashboard.system is None


def test_after_the_end(scene: Scene) -> None:
    session, _ = scene.session()
    session.disconnect()
    with ended(session):
        session.dashboard.content.write("late")
    with ended(session):
        session.dashboard.content.on_mode_change(lambda: None)
