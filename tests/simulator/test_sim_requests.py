"""Requests about lights, photos, streams and wifi: answered, or refused as a real cloud does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from raw_app import RawApp, RawSocket

from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.lights import Light


def listen(app: RawApp, *streams: str) -> None:
    before = len(app.socket.seen.items)
    app.subscribe(app.socket, "", list(streams))
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response", after=before)


def refused(app: RawApp, kind: str, **fields: Any) -> tuple[str, str]:
    """Ask on a connection of its own, since that is what a refusal costs."""
    raw = app.connect(app.hooks.all()[0])
    app.send(kind, **fields)
    error = raw.wait("tpa_connection_error")
    assert raw.wait_closed() == (1008, error["message"])
    return error["code"], error["message"]


def test_lights(running: Simulator, app: RawApp) -> None:
    listen(app, "rgb_led_control_response")
    app.send(
        "rgb_led_control",
        requestId="l1",
        action="on",
        color="red",
        ontime=200,
        offtime=100,
        count=3,
    )
    app.send("rgb_led_control", requestId="l2", action="off")
    app.socket.seen.wait_count(lambda frame: frame.get("type") == "data_stream", 2)
    assert running.glasses.lights == [Light("on", "red", 200, 100, 3), Light("off")]
    answers = [
        (frame["streamType"], frame["data"]["requestId"], frame["data"]["success"])
        for frame in app.socket.seen.all()
        if frame["type"] == "data_stream"
    ]
    stream = "rgb_led_control_response"
    assert answers == [(stream, "l1", True), (stream, "l2", True)]


def test_glasses_without_a_camera_say_so(running: Simulator, app: RawApp) -> None:
    app.send("photo_request", requestId="p1", saveToGallery=False)
    answer = app.socket.wait("photo_response")
    assert (answer["requestId"], answer["success"]) == ("p1", False)
    assert answer["error"]["code"] == "CAMERA_UNAVAILABLE"
    assert "Simulated Glasses have no camera" in answer["error"]["message"]


def test_a_photo_for_the_gallery_is_on_its_way_at_once(
    running: Simulator, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    url = running.url.replace("http", "ws") + f"glasses-ws?token={running.token_of()}"
    phone = open_socket(url)
    phone.send({"type": "connection_init"})
    phone.wait("app_started")
    app.send("photo_request", requestId="p1", saveToGallery=True, authToken="tok", size="large")
    upload = app.webhook_url.replace("/webhook", "/photo-upload")
    response = app.socket.wait("photo_response", success=True)
    assert (response["photoUrl"], response["savedToGallery"]) == (upload, True)
    request = phone.wait("photo_request")
    del request["timestamp"]
    assert request == {
        "type": "photo_request",
        "sessionId": running.user_id,
        "requestId": "p1",
        "appId": running.app.package_name,
        "webhookUrl": upload,
        "authToken": "tok",
        "size": "large",
        "compress": "none",
    }


def test_old_photo_errors_are_brought_into_the_new_form(running: Simulator, app: RawApp) -> None:
    wearer = running.cloud.find_wearer(running.user_id)
    assert wearer is not None
    with running.cloud.lock:
        session = wearer.session_of(running.app)
        assert wearer.expect_answer("p1", session)
    running.glasses.send(
        {
            "type": "photo_response",
            "requestId": "p1",
            "success": False,
            "errorCode": "CAMERA_BUSY",
            "errorMessage": "camera is busy",
        }
    )
    assert app.socket.wait("photo_response") == {
        "type": "photo_response",
        "requestId": "p1",
        "success": False,
        "error": {"code": "CAMERA_BUSY", "message": "camera is busy"},
    }


def test_what_needs_the_camera(running: Simulator, app: RawApp) -> None:
    running.deny("CAMERA")
    message = "Camera permission required to {}. Please add the CAMERA permission in the developer"
    message += " console."
    denied = "PERMISSION_DENIED"
    assert refused(app, "photo_request", requestId="p") == (denied, message.format("take photos"))
    start = message.format("start video streams")
    assert refused(app, "rtmp_stream_request", rtmpUrl="rtmp://x/y") == (denied, start)
    managed = message.format("start managed streams")
    assert refused(app, "managed_stream_request") == (denied, managed)
    assert running.app_state == "starting"


def test_what_needs_wifi_and_streams(
    app: RawApp, simulate: Callable[..., Simulator], open_socket: Callable[..., RawSocket]
) -> None:
    simulator = simulate(glasses="live")
    simulator.start_app()
    app.wait_connected()
    bad_url = ("INTERNAL_ERROR", "Invalid RTMP URL")
    assert refused(app, "rtmp_stream_request", rtmpUrl="http://nope") == bad_url
    assert refused(app, "stream_request", rtmpUrl=None) == bad_url
    wearer = simulator.cloud.find_wearer(simulator.user_id)
    assert wearer is not None
    wearer.video.distributes = False
    not_configured = ("INTERNAL_ERROR", "Managed streaming is not configured")
    assert refused(app, "managed_stream_request") == not_configured

    simulator.glasses.connection(wifi=False)
    no_wifi = "Cannot process request - smart glasses must be connected to WiFi for this operation"
    code = "WIFI_NOT_CONNECTED"
    assert refused(app, "rtmp_stream_request", rtmpUrl="rtmp://x/y") == (code, no_wifi)
    assert refused(app, "managed_stream_request") == ("INTERNAL_ERROR", no_wifi)

    simulator.glasses.connection("DISCONNECTED")
    gone = "smart glasses are not connected"
    assert gone in refused(app, "photo_request", requestId="p")[1]
    assert gone in refused(app, "rtmp_stream_request", rtmpUrl="rtmp://x/y")[1]


def test_glasses_that_are_away(running: Simulator, app: RawApp) -> None:
    wearer = running.cloud.find_wearer(running.user_id)
    assert wearer is not None
    wearer.leave()
    away = ("INTERNAL_ERROR", "Glasses not connected")
    assert refused(app, "audio_play_request", requestId="a", audioUrl="http://x/y") == away
    assert refused(app, "rgb_led_control", requestId="l", action="off") == away
    assert "phone WebSocket is not open" in refused(app, "photo_request", requestId="p")[1]
    app.connect(app.hooks.all()[0])
    app.show("into the void")
    listen(app)
    assert running.glasses.lens.history == []
    wearer.come_back()
    app.show("back again")
    assert running.glasses.lens.wait_for("back again")


def test_what_phones_are_told(
    running: Simulator, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    url = running.url.replace("http", "ws") + "glasses-ws"
    phone = open_socket(url, header={"Authorization": f"Bearer {running.token_of()}"})
    phone.send({"type": "connection_init"})
    assert phone.wait("connection_ack")["sessionId"] == running.user_id
    app.send("request_wifi_setup", reason="streaming needs wifi")
    setup = phone.wait("show_wifi_setup")
    assert (setup["reason"], setup["appPackageName"]) == (
        "streaming needs wifi",
        running.app.package_name,
    )
    app.send("rtmp_stream_stop")
    assert phone.wait("stop_rtmp_stream")["streamId"] == ""
    app.send("location_poll_request", correlationId="c", accuracy="high")
    assert phone.wait("request_single_location")["correlationId"] == "c"
    listen(app, "audio_chunk")
    on = phone.wait("microphone_state_change", isMicrophoneEnabled=True)
    assert (on["requiredData"], on["bypassVad"]) == (["pcm"], True)
    phone.send(b"\1\2" * 10)
    assert app.socket.seen.wait(lambda what: isinstance(what, bytes)) == b"\1\2" * 10


def test_a_phone_can_start_and_stop_the_app(
    simulator: Simulator, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    url = simulator.url.replace("http", "ws") + f"glasses-ws?token={simulator.token_of()}"
    phone = open_socket(url)
    phone.send({"type": "connection_init"})
    phone.send({"type": "start_app", "packageName": simulator.app.package_name})
    app.wait_connected()
    phone.send({"type": "stop_app", "packageName": simulator.app.package_name})
    assert app.socket.wait_closed() == (1000, "App stopped")
    phone.wait("display_event", view="dashboard")
    # As recorded: over this socket the glasses are not told what they have asked for themselves.
    kinds = {frame["type"] for frame in phone.seen.all()}
    assert not kinds & {"app_started", "app_stopped"}


def test_everything_an_app_has_sent_is_kept(running: Simulator, app: RawApp) -> None:
    app.show("one")
    assert running.glasses.frames.wait_for(lambda frame: frame["type"] == "display_event")
    kinds = [frame["type"] for frame in running.glasses.frames]
    assert kinds == ["subscription_update", "display_event"]


@pytest.mark.parametrize("accuracy", ["high", None, 5])
@pytest.mark.parametrize("correlation_id", [None, 7, "x" * 2000])
def test_polls_without_an_id(
    running: Simulator, app: RawApp, correlation_id: Any, accuracy: Any
) -> None:
    running.glasses.move_to(1, 2)
    app.send("location_poll_request", correlationId=correlation_id, accuracy=accuracy)
    listen(app)
    assert not any(frame["type"] == "data_stream" for frame in app.socket.seen.all())
