"""Settings that the wearer changes: those of the app, and those of the glasses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from raw_app import PACKAGE, RawApp

from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.preferences import SYSTEM_SETTINGS

CONFIG = {
    "name": "Raw",
    "settings": [
        {"key": "flag", "type": "toggle", "defaultValue": True},
        {"key": "name", "type": "text", "defaultValue": "anon"},
    ],
}


def listen(simulator: Simulator, app: RawApp, *streams: str) -> None:
    app.subscribe(app.socket, "", list(streams))
    assert simulator.wait_for_streams(lambda now: set(now) == set(streams))


def post(simulator: Simulator, path: str, body: Any, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or simulator.token_of()}"}
    return requests.post(simulator.url + path, json=body, headers=headers, timeout=20)


def started_again(simulator: Simulator, app: RawApp) -> Any:
    """What the app is told when it is stopped and started."""
    simulator.stop_app()
    assert simulator.start_app()
    return app.wait_connected(2).wait("tpa_connection_ack")


@pytest.fixture
def configured(app: RawApp, simulate: Callable[..., Simulator]) -> Simulator:
    simulator = simulate(config=CONFIG)
    assert simulator.start_app()
    app.wait_connected()
    return simulator


# --- The app's --------------------------------------------------------------------------------


def test_the_frame_comes_first_then_the_post(configured: Simulator, app: RawApp) -> None:
    ack = app.socket.wait("tpa_connection_ack")
    assert (ack["settings"], ack["config"]) == (CONFIG["settings"], CONFIG)
    assert configured.change_settings({"flag": False})
    settings = [{"key": "flag", "value": False}]
    frame = app.socket.wait("settings_update")
    assert (frame["settings"], frame["packageName"]) == (settings, PACKAGE)
    assert frame["sessionId"] == f"{configured.user_id}-{PACKAGE}"
    push = {"userIdForSettings": configured.user_id, "settings": settings}
    assert app.posts.all() == [("/settings", push)]
    # As they were sent: they come on two sockets, each with a reader of its own.
    sent = [crossing.name for crossing in configured.cloud.timeline.after()]
    assert sent.index("settings_update") < sent.index("POST /settings")


def test_only_what_was_saved_is_told_from_then_on(configured: Simulator, app: RawApp) -> None:
    assert configured.change_settings({"flag": False})
    assert configured.change_settings({"name": "zed"})
    assert configured.change_settings({"name": "zed"})
    saved = [{"key": "flag", "value": False}, {"key": "name", "value": "zed"}]
    lists = [body["settings"] for _, body in app.posts.all()]
    assert lists == [saved[:1], saved, saved], "told again although nothing has changed"
    configured.drop_connection()
    again = app.connect(app.hooks.all()[0])
    ack = again.wait("tpa_connection_ack")
    assert ack["settings"] == saved
    headers = {"Authorization": f"Bearer {configured.user_id}"}
    url = f"{configured.url}appsettings/user/{PACKAGE}"
    assert requests.get(url, headers=headers, timeout=20).json()["settings"] == saved


def test_an_app_that_does_not_run_is_told_by_post_alone(configured: Simulator, app: RawApp) -> None:
    configured.stop_app()
    assert configured.change_settings({"flag": False})
    assert len(app.posts.all()) == 1
    assert configured.change_settings({"flag": True}, "bob@example.com")
    assert app.posts.all()[1][1]["userIdForSettings"] == "bob@example.com"
    assert not any(frame["type"] == "settings_update" for frame in app.socket.seen.all())


def test_an_app_that_is_gone_was_not_told(simulate: Callable[..., Simulator]) -> None:
    assert not simulate(webhook_url="http://127.0.0.1:9/webhook").change_settings({"a": 1})


def test_the_phone_changes_settings(configured: Simulator, app: RawApp) -> None:
    answer = post(configured, f"appsettings/{PACKAGE}", [{"key": "flag", "value": False}])
    done = {"success": True, "message": "Settings updated successfully"}
    assert (answer.status_code, answer.json()) == (200, done)
    assert len(app.posts.all()) == 1, "told before the phone is answered"
    assert post(configured, f"appsettings/{PACKAGE}", {"key": "name", "value": 1}).ok
    assert len(app.posts.all()[1][1]["settings"]) == 2
    for body in ("flag", [], [5], {"value": 1}, None):
        assert post(configured, f"appsettings/{PACKAGE}", body).status_code == 400
    assert post(configured, "appsettings/com.nope", {"key": "a"}).status_code == 400
    assert post(configured, f"appsettings/{PACKAGE}", {"key": "a"}, "nobody").status_code == 401
    assert len(app.posts.all()) == 2


def test_the_page_changes_settings(
    configured: Simulator, app: RawApp, open_socket: Callable[..., Any]
) -> None:
    page = open_socket(configured.url.replace("http", "ws") + "simulator-ws")
    page.wait("hello")
    page.send({"action": "change_settings", "settings": ["flag"]})
    assert "settings" in page.wait("problem")["message"]
    page.send({"action": "change_settings", "settings": {"flag": False}})
    assert app.socket.wait("settings_update")["settings"] == [{"key": "flag", "value": False}]
    app.posts.wait(lambda post: post[0] == "/settings")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("nan")], {1, 2}])
def test_a_value_that_no_frame_can_carry_is_not_kept(
    configured: Simulator, app: RawApp, value: Any
) -> None:
    with pytest.raises((ValueError, TypeError), match="JSON"):
        configured.change_settings({"flag": False, "name": value})
    assert configured.change_settings({"name": "zed"})
    assert app.posts.all()[0][1]["settings"] == [{"key": "name", "value": "zed"}]
    ack = started_again(configured, app)
    assert ack["settings"] == [{"key": "name", "value": "zed"}]


# --- The glasses' -----------------------------------------------------------------------------


def core_status(
    simulator: Simulator, core: Any = None, glasses: Any = None, model: Any = ""
) -> int:
    status = {
        "core_info": core,
        "glasses_settings": glasses,
        "connected_glasses": {"model_name": model},
    }
    return simulator.glasses.send({"type": "core_status_update", "status": {"status": status}})


def updates(app: RawApp) -> list[Any]:
    frames = app.socket.seen.all()
    return [f["settings"] for f in frames if f["type"] == "augmentos_settings_update"]


def test_a_core_status_tells_all_of_them(running: Simulator, app: RawApp) -> None:
    listen(running, app, "augmentos:metricSystemEnabled")
    core_status(running, {"metric_system_enabled": True}, {"brightness": 60}, "Mentra Live")
    app.socket.wait("augmentos_settings_update")
    told = updates(app)[0]
    assert (told["metricSystemEnabled"], told["brightness"], told["headUpAngle"]) == (True, 60, 20)
    assert len(told) == 13
    assert app.socket.wait("capabilities_update")["modelName"] == "Mentra Live"
    assert running.glasses.model == "Mentra Live"
    core_status(running, {"metric_system_enabled": True}, {"brightness": 70})
    assert len(updates(app)) == 1, "nothing that it listens to has changed"
    listen(running, app, "core_status_update")
    assert core_status(running) == 1
    app.socket.wait("data_stream", streamType="core_status_update")


@pytest.mark.parametrize("status", [None, 5, {"status": None}, {"status": {"core_info": [1]}}])
def test_a_core_status_that_is_none(running: Simulator, app: RawApp, status: Any) -> None:
    listen(running, app, "*")
    running.glasses.send({"type": "core_status_update", "status": status})
    app.socket.wait("data_stream")
    assert updates(app) == []


def test_a_change_tells_of_what_has_changed(running: Simulator, app: RawApp) -> None:
    listen(running, app, "augmentos:metricSystemEnabled")
    path = "api/client/user/settings"
    assert post(running, path, {"settings": {"metric_system_enabled": True}}).ok
    assert post(running, path, {"settings": {"brightness": 33}}).ok
    running.change_system_settings({"metricSystemEnabled": False})
    running.change_system_settings({"metricSystemEnabled": False})
    listen(running, app, "augmentos:brightness")
    running.change_system_settings({"brightness": 34})
    app.socket.wait("augmentos_settings_update", settings={"brightness": 34})
    wanted = [{"metricSystemEnabled": True}, {"metricSystemEnabled": False}, {"brightness": 34}]
    assert updates(app) == wanted
    assert post(running, path, {"settings": {}}, "nobody").status_code == 401
    assert post(running, path, ["x"]).status_code == 400


def test_a_value_of_the_glasses_that_no_frame_can_carry_is_not_kept(
    running: Simulator, app: RawApp
) -> None:
    bad = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        running.change_system_settings({"headUpAngle": 30, "brightness": bad})
    with pytest.raises(ValueError, match="JSON"):
        core_status(running, {"metric_system_enabled": True}, {"brightness": bad})
    wearer = running.cloud.find_wearer(running.user_id)
    assert wearer is not None
    with pytest.raises(ValueError, match="JSON"):
        wearer.preferences.change_by_phone({"head_up_angle": 30, "brightness": bad})
    assert wearer.preferences.change_by_phone({}) == {}
    assert started_again(running, app)["augmentosSettings"] == SYSTEM_SETTINGS


def test_a_phone_whose_settings_are_no_json_changes_nothing(
    running: Simulator, app: RawApp
) -> None:
    headers = {"Authorization": f"Bearer {running.token_of()}"}
    for path, body in (
        ("api/client/user/settings", '{"settings": {"brightness": NaN}}'),
        (f"appsettings/{PACKAGE}", '{"key": "volume", "value": NaN}'),
    ):
        answer = requests.post(running.url + path, data=body, headers=headers, timeout=5)
        assert answer.status_code == 400
    ack = started_again(running, app)
    assert (ack["settings"], ack["augmentosSettings"]) == ([], SYSTEM_SETTINGS)
