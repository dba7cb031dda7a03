"""Lights, places, the dashboard and the state of the glasses, as wearer and phone see them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from raw_app import PACKAGE, RawApp, RawSocket
from still_clock import StillClock

from mentra_sync.simulator.glasses import WifiSetup
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.lights import Light

SYSTEM = "system.augmentos.dashboard"


def settle(app: RawApp) -> None:
    before = len(app.socket.seen.items)
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response", after=before)


def listen(app: RawApp, *streams: Any) -> None:
    app.subscribe(app.socket, "", list(streams))
    settle(app)


def post(simulator: Simulator, path: str, body: Any, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or simulator.token_of()}"}
    return requests.post(f"{simulator.url}api/client/{path}", json=body, headers=headers, timeout=5)


def start(simulator: Simulator, app: RawApp) -> Simulator:
    assert simulator.start_app()
    app.wait_connected()
    return simulator


# --- Lights -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("light", "lit", "dark"),
    [
        (Light("on", "red", 200, 100, 2, 5.0), [5.01, 5.19, 5.31, 5.49], [4.9, 5.21, 5.29, 5.51]),
        (Light("on", "red", 1000, 0, 1, 5.0), [5.01, 5.99], [4.99, 6.01, 9]),
        (Light("on", "red", 500, 0, 3), [0.01, 0.51, 1.49], [1.51]),
        (Light("off", at=5.0), [], [4.9, 5.1, 6]),
        (Light("on", "red"), [], [0.1]),
    ],
)
def test_when_a_light_is_lit(light: Light, lit: list[float], dark: list[float]) -> None:
    assert [light.color_at(moment) for moment in lit] == ["red"] * len(lit)
    assert [light.color_at(moment) for moment in dark] == [None] * len(dark)


def test_the_light_of_the_glasses(app: RawApp, simulate: Callable[..., Simulator]) -> None:
    clock = StillClock()
    simulator = start(simulate(clock=clock), app)
    assert simulator.glasses.light is None
    blink = {"action": "on", "color": "blue", "ontime": 200, "offtime": 300, "count": 2}
    app.send("rgb_led_control", requestId="1", **blink)
    settle(app)
    seen = []
    for tenth in range(12):
        clock.to(tenth / 10 + 0.05, lambda: simulator.quiet)
        seen.append(simulator.glasses.light)
    assert seen == ["blue"] * 2 + [None] * 3 + ["blue"] * 2 + [None] * 5
    app.send("rgb_led_control", requestId="2", **{**blink, "offtime": 0, "count": 9})
    settle(app)
    assert simulator.glasses.light == "blue"
    app.send("rgb_led_control", requestId="3", action="off")
    settle(app)
    assert simulator.glasses.light is None
    assert [light.action for light in simulator.glasses.lights] == ["on", "on", "off"]


# --- Places -----------------------------------------------------------------------------------


def test_a_phone_answers_a_poll_by_rest(running: Simulator, app: RawApp) -> None:
    app.send("location_poll_request", correlationId="p1", accuracy="realtime")
    assert running.glasses.location_requests.wait_for("realtime")
    place = {"location": {"latitude": 48.8, "longitude": 2.3, "accuracy": 3}}
    answer = post(running, "location/poll-response/p1", place)
    assert (answer.status_code, answer.json()["resolved"]) == (200, True)
    data = app.socket.wait("data_stream", streamType="location_update")["data"]
    assert (data["lat"], data["lng"], data["accuracy"]) == (48.8, 2.3, 3)
    assert data["correlationId"] == "p1"
    assert post(running, "location/poll-response/p1", place).json()["resolved"] is False
    app.send("location_poll_request", correlationId="p2", accuracy="high")
    assert app.socket.seen.wait(lambda f: f.get("data", {}).get("correlationId") == "p2")
    assert running.glasses.location_requests == ["realtime"], "the second was known"


def test_how_exactly_an_app_follows(running: Simulator, app: RawApp) -> None:
    assert running.location_rate() is None
    listen(app, {"stream": "location_stream", "rate": "high"}, "button_press")
    assert running.location_rate() == "high"
    assert post(running, "location", {"location": {"latitude": 1.5, "longitude": 2.5}}).ok
    assert app.socket.wait("data_stream")["data"]["lat"] == 1.5
    listen(app, {"stream": "location_stream", "rate": "kilometer"})
    assert running.location_rate() == "kilometer"
    listen(app, {"stream": "location_stream", "rate": "exactly"}, {"stream": "x", "rate": "high"})
    assert running.location_rate() is None
    listen(app, {"stream": "location_stream", "rate": "high"})
    running.stop_app()
    assert running.location_rate() is None


def test_what_else_a_phone_reports_by_rest(running: Simulator, app: RawApp) -> None:
    listen(app, "phone_notification", "phone_notification_dismissed", "calendar_event")
    mail = {"notificationId": "n1", "app": "Mail", "title": "Lunch", "content": "At noon?"}
    assert "relayed" in post(running, "notifications", mail).json()["message"]
    data = app.socket.wait("data_stream", streamType="phone_notification")["data"]
    assert (data["title"], data["priority"]) == ("Lunch", "normal")
    gone = {"notificationId": "n1", "notificationKey": "k|1", "packageName": "com.mail"}
    assert post(running, "notifications/dismissed", gone).ok
    data = app.socket.wait("data_stream", streamType="phone_notification_dismissed")["data"]
    assert data["notificationKey"] == "k|1"
    meeting = {"id": "e1", "title": "Standup", "startDate": "2026-12-01T09:00:00.000Z"}
    assert post(running, "calendar", {"events": [meeting, {"id": "e2"}, 5]}).ok
    settle(app)
    events = [f["data"] for f in app.socket.seen.all() if f.get("streamType") == "calendar_event"]
    assert [(e["eventId"], e["title"], e["dtStart"]) for e in events] == [
        ("e1", "Standup", "2026-12-01T09:00:00.000Z")
    ]
    for path in ("location", "notifications", "device/state"):
        assert post(running, path, {}, "nobody").status_code == 401
        assert post(running, path, [1]).status_code == 400


# --- Wifi and state ---------------------------------------------------------------------------


def test_an_app_asks_for_a_wifi(running: Simulator, app: RawApp) -> None:
    app.send("request_wifi_setup", reason="streaming needs it")
    app.send("request_wifi_setup")
    settle(app)
    wanted = [WifiSetup(PACKAGE, "streaming needs it"), WifiSetup(PACKAGE)]
    assert running.glasses.wifi_setups == wanted


def test_the_recorded_cloud_never_tells_the_state(running: Simulator, app: RawApp) -> None:
    assert running.glasses.device_state(battery_level=55, charging=True) == 0
    live = "Mentra Live"
    assert running.glasses.device_state(connected=True, model_name=live, wifi_connected=True) == 0
    assert app.socket.wait("capabilities_update")["modelName"] == live
    settle(app)
    assert not any(frame["type"] == "device_state_update" for frame in app.socket.seen.all())
    with pytest.raises(ValueError, match=r"wifi_ssid.*got wifi_name"):
        running.glasses.device_state(wifi_name="lab")


def test_newer_clouds_tell_what_has_changed(
    app: RawApp, simulate: Callable[..., Simulator]
) -> None:
    simulator = start(simulate(tells_device_state=True), app)
    assert simulator.glasses.device_state(battery_level=55, wifi_ssid="lab", charging=None) == 1
    assert simulator.glasses.device_state(battery_level=55, wifi_ssid=None) == 1
    assert simulator.glasses.device_state(battery_level=55) == 0
    answer = post(simulator, "device/state", {"caseOpen": True, "connected": False})
    assert answer.json()["appliedState"]["isGlassesConnected"] is False
    settle(app)
    states = [f["state"] for f in app.socket.seen.all() if f["type"] == "device_state_update"]
    assert states == [
        {"batteryLevel": 55, "wifiSsid": "lab", "charging": None},
        {"wifiSsid": None},
        {"caseOpen": True, "connected": False},
    ]


# --- The dashboard ----------------------------------------------------------------------------


def dashboard(simulator: Simulator) -> tuple[str, str]:
    layout = simulator.glasses.lens.dashboard.layout
    return layout.get("topText", ""), layout.get("bottomText", "")


def write(app: RawApp, content: str, *modes: str) -> None:
    app.send("dashboard_content_update", content=content, modes=list(modes))
    settle(app)


def test_content_is_shown_in_its_mode(running: Simulator, app: RawApp) -> None:
    write(app, "small", "main")
    assert dashboard(running) == ("", "\nsmall")
    history = len(running.glasses.lens.history)
    write(app, "large", "expanded")
    write(app, "nowhere", "elsewhere")
    assert len(running.glasses.lens.history) == history, "as recorded: nothing for what is hidden"
    running.change_dashboard("expanded")
    assert dashboard(running) == ("", "\nlarge")
    assert app.socket.wait("dashboard_mode_changed")["mode"] == "expanded"
    running.change_dashboard("expanded")
    write(app, "both", "main", "expanded")
    assert dashboard(running) == ("", "\nboth")
    write(app, "", "expanded")
    assert dashboard(running) == ("", "\n")
    running.change_dashboard("main")
    assert dashboard(running) == ("", "\nboth")
    modes = [f["mode"] for f in app.socket.seen.all() if f["type"] == "dashboard_mode_changed"]
    assert modes == ["expanded"] or modes == ["expanded", "main"]
    running.stop_app()
    assert dashboard(running) == ("", "\n")
    with pytest.raises(ValueError, match="'huge'"):
        running.change_dashboard("huge")


def test_a_dashboard_that_stays(running: Simulator, app: RawApp) -> None:
    running.keep_dashboard(True)
    running.keep_dashboard(True)
    running.keep_dashboard(False)
    app.socket.wait("dashboard_always_on_changed", enabled=False)
    frames = app.socket.seen.all()
    told = [f["enabled"] for f in frames if f["type"] == "dashboard_always_on_changed"]
    assert told == [True, False]


def test_an_ordinary_app_leaves_the_corners_alone(running: Simulator, app: RawApp) -> None:
    app.send("dashboard_system_update", section="topLeft", content="10:00")
    app.send("dashboard_mode_change", mode="expanded")
    settle(app)
    assert dashboard(running) == ("", "")
    assert not any(frame["type"] == "dashboard_mode_changed" for frame in app.socket.seen.all())


def test_the_system_dashboard_fills_the_corners(
    running: Simulator,
    app: RawApp,
    open_socket: Callable[..., RawSocket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYSTEM_DASHBOARD_PACKAGE_NAME", PACKAGE)
    phone = open_socket(
        running.url.replace("http", "ws") + f"glasses-ws?token={running.token_of()}"
    )
    phone.send({"type": "connection_init"})
    phone.wait("connection_ack")
    corners = {"topLeft": "10:00", "topRight": "80%", "bottomLeft": "wifi", "bottomRight": "sunny"}
    for section, content in corners.items():
        app.send("dashboard_system_update", section=section, content=content)
    app.send("dashboard_system_update", section="middle", content="?")
    app.send("dashboard_system_update", section=5, content="?")
    write(app, "line", "main")
    assert dashboard(running) == ("10:00\nwifi", "80%\nsunny\nline")
    app.send("dashboard_mode_change", mode="expanded")
    app.send("dashboard_mode_change", mode=5)
    assert app.socket.wait("dashboard_mode_changed")["mode"] == "expanded"
    assert phone.wait("dashboard_mode_change")["mode"] == "expanded"
    settle(app)
    assert dashboard(running) == ("10:00\nwifi", "80%\nsunny")


@pytest.mark.parametrize("amount", ["5", -1, float("nan"), float("inf"), True, [], None])
def test_times_of_a_light_that_are_none(amount: Any) -> None:
    frame = {"action": "on", "color": "red", "ontime": amount, "offtime": amount, "count": amount}
    light = Light.told(frame, at=0.0)
    assert (light.on_ms, light.off_ms, light.count) == (None, None, None)
    assert light.color_at(1.0) is None
