"""Video streams: what is sent, what is told of them, and which of it ends what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from background import Call
from cloud import AppSocket, Calls, Scene, quick_fixture, scene_fixture, wait_until
from shoot import CAMERA_DENIED, Shoot, shoot_fixture

from mentra_sync import (
    AudioOptions,
    ManagedStream,
    PermissionDenied,
    RequestTimeout,
    RestreamDestination,
    RtmpStreamStatus,
    SessionEnded,
    StreamCheck,
    StreamError,
    StreamOptions,
    VideoOptions,
)
from mentra_sync.features.stream_course import Course

__all__ = ["quick_fixture", "scene_fixture", "shoot_fixture"]

URL = "rtmp://example.com/live/secret-key"
STREAM_DENIED = CAMERA_DENIED.replace("take photos", "start video streams")
NO_WIFI = "Cannot process request - smart glasses must be connected to WiFi for this operation"
WATCH = {"hlsUrl": "https://x/h.m3u8", "dashUrl": "https://x/d.mpd"}


def start(shoot: Shoot, stream_id: str | None = "s1") -> None:
    """Start an rtmp stream; the cloud says that it is active."""
    count = len(shoot.there.all("rtmp_stream_request"))
    shoot.session.camera.start_stream(URL)
    shoot.there.wait("rtmp_stream_request", count=count + 1)
    if stream_id is not None:
        tell(shoot, "active", streamId=stream_id)
        camera = shoot.session.camera
        wait_until(lambda: camera.stream_status and camera.stream_status.stream_id == stream_id)


def tell(shoot: Shoot, status: str, kind: str = "rtmp_stream_status", **fields: Any) -> None:
    shoot.there.send({"type": kind, "status": status, **fields})


def tell_managed(shoot: Shoot, status: str, **fields: Any) -> None:
    tell(shoot, status, "managed_stream_status", **fields)


def managed(shoot: Shoot, **options: Any) -> tuple[Call, dict[str, Any]]:
    count = len(shoot.there.all("managed_stream_request"))
    asked = Call(lambda: shoot.session.camera.start_managed_stream(**options))
    return asked, shoot.there.wait("managed_stream_request", count=count + 1)


def settled(shoot: Shoot) -> None:
    """Until everything that the cloud has sent has been taken in."""
    seen = len(shoot.there.pongs)
    shoot.there.ping(b"settled")
    wait_until(lambda: len(shoot.there.pongs) > seen)


# --- To an RTMP address -----------------------------------------------------------------------


def test_a_stream_from_its_request_to_its_end(shoot: Shoot) -> None:
    camera = shoot.session.camera
    heard = Calls()
    camera.on_stream_status(heard.one)
    assert (camera.is_streaming, camera.stream_url, camera.stream_status) == (False, None, None)
    camera.start_stream(URL)
    request = shoot.there.wait("rtmp_stream_request")
    assert request["rtmpUrl"] == URL
    assert not {"video", "audio", "stream"} & set(request)
    assert (camera.is_streaming, camera.stream_url) == (True, URL)
    for status in ("initializing", "connecting", "active", "reconnecting", "disconnected"):
        tell(shoot, status, streamId="s1")
    heard.wait(5)
    assert camera.is_streaming
    camera.stop_stream()
    assert shoot.there.wait("rtmp_stream_stop")["streamId"] == "s1"
    tell(shoot, "stopped", streamId="s1")
    heard.wait(6)
    assert (camera.is_streaming, camera.stream_url) == (False, None)
    assert camera.stream_status.status == "stopped"
    assert all(isinstance(event, RtmpStreamStatus) for event in heard.values)


@pytest.mark.parametrize("status", ["stopped", "error", "timeout"])
@pytest.mark.parametrize("named", [True, False])
def test_these_end_a_stream(shoot: Shoot, status: str, named: bool) -> None:
    start(shoot, "s1" if named else None)
    tell(shoot, status, **({"streamId": "s1"} if named else {}))
    wait_until(lambda: not shoot.session.camera.is_streaming)
    start(shoot, "s2")


@pytest.mark.parametrize("status", ["reconnect_failed", "stopping", "disconnected", "strange"])
def test_these_do_not(shoot: Shoot, status: str) -> None:
    start(shoot)
    tell(shoot, status, streamId="s1")
    settled(shoot)
    assert shoot.session.camera.is_streaming


@pytest.mark.parametrize(
    "send",
    [
        lambda there, data: there.send({"type": "rtmp_stream_status", **data}),
        lambda there, data: there.send({"type": "stream_status", **data}),
        lambda there, data: there.event("rtmp_stream_status", **data),
        lambda there, data: there.event("stream_status", **data),
    ],
)
def test_a_status_comes_by_any_of_four_ways(
    shoot: Shoot, send: Callable[[AppSocket, dict[str, Any]], None]
) -> None:
    heard, by_name, newer, caught = Calls(), Calls(), Calls(), []
    shoot.session.camera.on_stream_status(heard.one)
    shoot.session.events.on("rtmp_stream_status", by_name.one)
    shoot.session.events.on("stream_status", newer.one)
    waiting = Call(lambda: caught.append(shoot.session.events.wait_for("rtmp_stream_status")))
    start(shoot, None)
    stats = {"bitrate": 1, "fps": 29.5, "droppedFrames": 3, "duration": 5}
    details = {"code": 7}
    wait_until(lambda: len(shoot.session._link.router._listeners) == 5)
    send(shoot.there, {"status": "error", "stats": stats, "errorDetails": details})
    for calls in (heard, by_name, newer):
        [event] = calls.wait()
        assert (event.status, event.stats.dropped_frames) == ("error", 3)
        assert event.error_details == details
    assert waiting.outcome is None
    assert caught[0].status == "error"
    assert not shoot.session.camera.is_streaming
    settled(shoot)
    assert len(heard.all) == len(by_name.all) == len(newer.all) == 1


def test_a_handler_sees_the_state_that_its_status_made(shoot: Shoot) -> None:
    seen: list[tuple[str, bool, str | None]] = []
    camera = shoot.session.camera

    @camera.on_stream_status
    def told(event: Any) -> None:
        seen.append((event.status, camera.is_streaming, camera.stream_url))

    start(shoot)
    wait_until(lambda: len(seen) == 1)
    tell(shoot, "error", streamId="s1")
    wait_until(lambda: len(seen) == 2)
    assert seen == [("active", True, URL), ("error", False, None)]


def test_a_stream_in_progress_subscribes_to_its_status_until_it_ends(shoot: Shoot) -> None:
    start(shoot)
    shoot.there.wait_streams("rtmp_stream_status")
    tell(shoot, "stopped", streamId="s1")
    shoot.there.wait_streams()
    with shoot.session.camera.on_stream_status(Calls().one):
        shoot.there.wait_streams("rtmp_stream_status")
    shoot.there.wait_streams()


def test_a_second_stream_is_an_error_and_nothing_is_sent(shoot: Shoot) -> None:
    start(shoot)
    for again in (
        lambda: shoot.session.camera.start_stream("rtmp://example.com/other"),
        shoot.session.camera.start_managed_stream,
    ):
        with pytest.raises(StreamError, match=r"stop_stream\(\)") as caught:
            again()
        assert "secret-key" not in str(caught.value)
    shoot.session.layouts.show_text_wall("after it")
    shoot.there.wait_text("after it")
    assert len(shoot.there.all("rtmp_stream_request")) == 1
    assert shoot.there.all("managed_stream_request") == []
    assert shoot.session.camera.stream_url == URL


def test_stopping_without_a_stream_does_nothing(shoot: Shoot) -> None:
    shoot.session.camera.stop_stream()
    shoot.session.layouts.show_text_wall("after it")
    shoot.there.wait_text("after it")
    assert shoot.there.all("rtmp_stream_stop") == []


def test_a_new_stream_may_follow_at_once_and_the_end_of_the_old_one_is_not_its_own(
    shoot: Shoot,
) -> None:
    start(shoot, "old")
    shoot.session.camera.stop_stream()
    start(shoot, None)
    tell(shoot, "stopped", streamId="old")
    tell(shoot, "initializing", streamId="new")
    settled(shoot)
    assert shoot.session.camera.is_streaming
    tell(shoot, "stopped", streamId="new")
    wait_until(lambda: not shoot.session.camera.is_streaming)


def test_a_stream_that_is_stopped_before_it_has_a_name(shoot: Shoot) -> None:
    start(shoot, None)
    shoot.session.camera.stop_stream()
    assert "streamId" not in shoot.there.wait("rtmp_stream_stop")
    start(shoot, None)
    for status, stream_id in (
        ("initializing", "old"), ("stopped", "old"), ("initializing", "new"), ("active", "new"),
        ("stopped", "old"),
    ):  # fmt: skip
        tell(shoot, status, streamId=stream_id)
    settled(shoot)
    assert shoot.session.camera.is_streaming
    shoot.session.camera.stop_stream()
    assert shoot.there.wait("rtmp_stream_stop", count=2)["streamId"] == "new"


def test_a_stream_from_before_a_restart_is_replaced(shoot: Shoot) -> None:
    """As recorded: ``stopped`` of the old one comes before anything of the new one."""
    start(shoot, None)
    tell(shoot, "stopped", streamId="of-yesterday")
    tell(shoot, "initializing", streamId="new")
    wait_until(lambda: shoot.session.camera.is_streaming)
    settled(shoot)
    assert shoot.session.camera.stream_url == URL
    shoot.there.wait_streams("rtmp_stream_status")
    tell(shoot, "stopped", streamId="new")
    wait_until(lambda: not shoot.session.camera.is_streaming)
    tell(shoot, "initializing", streamId="new")
    settled(shoot)
    assert not shoot.session.camera.is_streaming


def test_a_status_of_nobodys_stream_is_only_told(shoot: Shoot) -> None:
    heard = Calls()
    shoot.session.camera.on_stream_status(heard.one)
    tell(shoot, "active", streamId="another")
    heard.wait()
    assert not shoot.session.camera.is_streaming
    assert shoot.session.camera.stream_status.stream_id == "another"


def test_a_status_without_its_word_is_an_error_event(shoot: Shoot) -> None:
    start(shoot)
    shoot.there.send({"type": "rtmp_stream_status"})
    [error] = shoot.errors.wait()
    assert "status is missing" in str(error)
    assert shoot.session.camera.is_streaming


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("PERMISSION_DENIED", STREAM_DENIED, PermissionDenied),
        ("WIFI_NOT_CONNECTED", NO_WIFI, StreamError),
        ("INTERNAL_ERROR", "Invalid RTMP URL", StreamError),
        ("INTERNAL_ERROR", "Glasses not connected", StreamError),
    ],
)
def test_a_refused_stream_has_failed(
    shoot: Shoot, code: str, message: str, kind: type[Exception]
) -> None:
    heard = Calls()
    shoot.session.camera.on_stream_status(heard.one)
    start(shoot, None)
    shoot.refuse(code, message)
    [status] = heard.wait()
    assert status.status == "error"
    assert message in status.error_details
    assert code in status.error_details
    assert not shoot.session.camera.is_streaming
    [error] = shoot.errors.wait()
    assert (error.code, error.message) == (code, message)
    start(shoot, "s2")


def test_a_stream_that_runs_is_not_what_was_refused(shoot: Shoot) -> None:
    start(shoot)
    shoot.refuse("INTERNAL_ERROR", "Cannot process photo request - smart glasses are gone")
    shoot.errors.wait()
    assert shoot.session.camera.is_streaming
    shoot.refuse("INTERNAL_ERROR", "Internal server error")
    shoot.errors.wait(2)
    assert shoot.session.camera.is_streaming


def test_a_stream_survives_a_reconnection(shoot: Shoot) -> None:
    start(shoot)
    shoot.there.drop()
    shoot.there = shoot.scene.accept()
    shoot.there.wait_streams("rtmp_stream_status")
    assert shoot.session.camera.is_streaming
    tell(shoot, "timeout", streamId="s1")
    wait_until(lambda: not shoot.session.camera.is_streaming)


def test_after_the_end_every_call_says_so(shoot: Shoot) -> None:
    camera = shoot.session.camera
    shoot.session.disconnect()
    for call in (
        lambda: camera.start_stream(URL), camera.stop_stream, camera.start_managed_stream,
        camera.stop_managed_stream, camera.check_existing_stream,
        lambda: camera.on_stream_status(print), lambda: camera.on_managed_stream_status(print),
    ):  # fmt: skip
        with pytest.raises(SessionEnded):
            call()
    assert not camera.is_streaming
    assert not camera.is_managed_stream_active


# --- Options ----------------------------------------------------------------------------------


@dataclass
class MyVideo:
    """Somebody's own dataclass."""

    width: int = 640
    frame_rate: float | None = None


def test_options_are_dicts_or_dataclasses_in_snake_case(shoot: Shoot) -> None:
    shoot.session.camera.start_stream(
        URL,
        video={"width": 1280, "height": 720.0, "bitrate": 2_000_000, "frame_rate": 29.97},
        audio=AudioOptions(sample_rate=44100, echo_cancellation=True, noise_suppression=False),
        stream=StreamOptions(duration_limit=60),
    )
    request = shoot.there.wait("rtmp_stream_request")
    assert request["video"] == {
        "width": 1280, "height": 720, "bitrate": 2_000_000, "frameRate": 29.97,
    }  # fmt: skip
    assert request["audio"] == {
        "sampleRate": 44100, "echoCancellation": True, "noiseSuppression": False,
    }  # fmt: skip
    assert request["stream"] == {"durationLimit": 60}
    tell(shoot, "error")
    wait_until(lambda: not shoot.session.camera.is_streaming)
    shoot.session.camera.start_stream(URL, video=MyVideo(), audio={"bitrate": None}, stream={})
    second = shoot.there.wait("rtmp_stream_request", count=2)
    assert second["video"] == {"width": 640}
    assert second["audio"] == {}


@pytest.mark.parametrize(
    ("options", "error", "advice"),
    [
        ({"video": {"frameRate": 30}}, ValueError, "'frameRate'; it takes .*, frame_rate"),
        ({"video": {"fps": 30}}, ValueError, "it takes width"),
        ({"video": {"width": 0}}, ValueError, "video\\['width'\\] must be a number above 0, got 0"),
        ({"video": {"width": "640"}}, ValueError, "got '640'"),
        ({"video": {"width": True}}, ValueError, "got True"),
        ({"video": {"width": 640.5}}, ValueError, "whole number"),
        ({"video": {"frame_rate": float("inf")}}, ValueError, "above 0"),
        ({"video": 720}, TypeError, 'a dict like {"width": ...}, got 720'),
        ({"video": VideoOptions}, TypeError, "a dict like"),
        ({"video": AudioOptions(bitrate=1, sample_rate=2)}, ValueError, "has no 'sample_rate'"),
        ({"audio": {"echo_cancellation": 1}}, ValueError, "True or False, got 1"),
        ({"audio": {"width": 1}}, ValueError, "it takes bitrate, sample_rate"),
        ({"stream": {"duration_limit": -1}}, ValueError, "above 0, got -1"),
        ({"stream": {"duration": 1}}, ValueError, "it takes duration_limit"),
    ],
)  # fmt: skip
def test_bad_options_are_refused_at_the_call(
    shoot: Shoot, options: dict[str, Any], error: type[Exception], advice: str
) -> None:
    camera = shoot.session.camera
    for call in (lambda: camera.start_stream(URL, **options),
                 lambda: camera.start_managed_stream(**options)):  # fmt: skip
        with pytest.raises(error, match=advice):
            call()
    assert not camera.is_streaming
    assert not camera.is_managed_stream_active


@pytest.mark.parametrize("url", ["", None, 5, "http://x/y", "rtmp://", "rtmp:x", b"rtmp://x/y"])
def test_a_bad_address_is_refused_with_a_good_one(shoot: Shoot, url: Any) -> None:
    with pytest.raises(ValueError, match=r"rtmp://example\.com/live/key"):
        shoot.session.camera.start_stream(url)
    assert not shoot.session.camera.is_streaming


@pytest.mark.parametrize(
    ("options", "error", "advice"),
    [
        ({"quality": "4k"}, ValueError, '"720p", "1080p", or None; got \'4k\''),
        ({"enable_webrtc": "yes"}, ValueError, "enable_webrtc must be True"),
        ({"timeout": -1}, ValueError, "timeout"),
        ({"restream_destinations": "rtmp://x/y"}, TypeError, "must be a list"),
        ({"restream_destinations": {"url": "rtmp://x/y"}}, TypeError, "must be a list"),
        ({"restream_destinations": 5}, TypeError, "must be a list"),
        ({"restream_destinations": [{"name": "x"}]}, ValueError, r"\[0\] needs 'url'"),
        ({"restream_destinations": [{"url": ""}]}, ValueError, "must be a text"),
        ({"restream_destinations": [{"url": "rtmp://x", "key": 1}]}, ValueError, "takes url, name"),
    ],
)  # fmt: skip
def test_bad_managed_options_are_refused_at_the_call(
    shoot: Shoot, options: dict[str, Any], error: type[Exception], advice: str
) -> None:
    with pytest.raises(error, match=advice):
        shoot.session.camera.start_managed_stream(**options)
    assert not shoot.session.camera.is_managed_stream_active


# --- Distributed by the cloud -----------------------------------------------------------------


def test_a_managed_stream_from_its_request_to_its_end(shoot: Shoot) -> None:
    camera, heard = shoot.session.camera, Calls()
    camera.on_managed_stream_status(heard.one)
    assert (camera.managed_stream, camera.is_managed_stream_active) == (None, False)
    asked, request = managed(
        shoot,
        quality="720p",
        enable_webrtc=True,
        video={"width": 1280},
        restream_destinations=[
            {"url": "rtmp://a/b", "name": "mine"}, RestreamDestination(url="rtmp://c/d"),
        ],
    )  # fmt: skip
    assert request["quality"] == "720p"
    assert request["enableWebRTC"] is True
    assert request["video"] == {"width": 1280}
    assert request["restreamDestinations"] == [
        {"url": "rtmp://a/b", "name": "mine"}, {"url": "rtmp://c/d"},
    ]  # fmt: skip
    assert camera.is_managed_stream_active
    shoot.there.wait_streams("managed_stream_status")
    for status, fields in (
        ("initializing", {}), ("preparing", WATCH), ("active", {}),
        ("active", {"hlsUrl": WATCH["hlsUrl"]}),
    ):  # fmt: skip
        tell_managed(shoot, status, streamId="m1", **fields)
    heard.wait(4)
    assert asked.pending
    assert camera.managed_stream is None
    more = {"webrtcUrl": "https://x/w", "previewUrl": "https://x/p", "thumbnailUrl": "https://x/t"}
    tell_managed(shoot, "active", streamId="m1", **WATCH, **more)
    stream = asked.outcome
    assert stream == ManagedStream(
        "https://x/h.m3u8", "https://x/d.mpd", "https://x/w", "https://x/p", "https://x/t", "m1"
    )
    assert camera.managed_stream == stream
    camera.stop_managed_stream()
    shoot.there.wait("managed_stream_stop")
    tell_managed(shoot, "stopping", streamId="m1")
    heard.wait(6)
    assert camera.is_managed_stream_active
    tell_managed(shoot, "stopped", streamId="m1")
    heard.wait(7)
    assert (camera.managed_stream, camera.is_managed_stream_active) == (None, False)
    shoot.there.wait("subscription_update")


def test_defaults_of_a_managed_stream_are_left_out(shoot: Shoot) -> None:
    asked, request = managed(shoot)
    optional = {"quality", "enableWebRTC", "video", "audio", "stream", "restreamDestinations"}
    assert not optional & set(request)
    tell_managed(shoot, "active", **WATCH)
    assert asked.outcome.webrtc_url is None


@pytest.mark.parametrize("as_stream", [True, False])
@pytest.mark.parametrize("status", ["error", "stopped"])
def test_a_managed_stream_that_fails_fails_the_call(
    shoot: Shoot, status: str, as_stream: bool
) -> None:
    asked, _ = managed(shoot, timeout=None)
    if as_stream:
        shoot.there.event("managed_stream_status", status=status, message="no more room")
    else:
        tell_managed(shoot, status, message="no more room")
    error = asked.outcome
    assert isinstance(error, StreamError)
    assert error.code == f"STREAM_{status.upper()}"
    assert error.message == "no more room"
    assert not shoot.session.camera.is_managed_stream_active


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("PERMISSION_DENIED", CAMERA_DENIED.replace("take photos", "start managed streams"),
         PermissionDenied),
        ("WIFI_NOT_CONNECTED", NO_WIFI, StreamError),
        ("INTERNAL_ERROR", NO_WIFI, StreamError),
        ("INTERNAL_ERROR", "Managed streaming is not configured", StreamError),
        ("INTERNAL_ERROR", "Glasses not connected", StreamError),
        ("MALFORMED_MESSAGE", "?", StreamError),
    ],
)  # fmt: skip
def test_a_refused_managed_stream_fails_the_call(
    shoot: Shoot, code: str, message: str, kind: type[Exception]
) -> None:
    asked, _ = managed(shoot)
    shoot.refuse(code, message)
    error = asked.outcome
    assert type(error) is kind
    assert (error.code, error.message) == (code, message)
    assert not shoot.session.camera.is_managed_stream_active
    assert shoot.errors.all == []
    shoot.session.layouts.show_text_wall("on we go")
    shoot.there.wait_text("on we go")


def test_camera_permission_ends_photos_and_streams_alike(shoot: Shoot) -> None:
    stream, _ = managed(shoot)
    photo, _ = shoot.ask()
    check = Call(shoot.session.camera.check_existing_stream)
    shoot.there.wait("stream_status_check")
    shoot.refuse("PERMISSION_DENIED", CAMERA_DENIED)
    for asked in (stream, photo, check):
        assert isinstance(asked.outcome, PermissionDenied)


def test_a_managed_stream_that_is_late_still_counts_as_active(shoot: Shoot) -> None:
    asked, _ = managed(shoot, timeout=0.05)
    assert isinstance(asked.outcome, RequestTimeout)
    assert "stop_managed_stream" in str(asked.outcome)
    camera = shoot.session.camera
    assert camera.is_managed_stream_active
    with pytest.raises(StreamError, match=r"stop_managed_stream\(\)"):
        camera.start_managed_stream()
    with pytest.raises(StreamError, match=r"stop_managed_stream\(\)"):
        camera.start_stream(URL)
    tell_managed(shoot, "active", streamId="m1", **WATCH)
    wait_until(lambda: camera.managed_stream is not None)
    camera.stop_managed_stream()
    again, _ = managed(shoot)
    tell_managed(shoot, "stopped", streamId="m1")
    tell_managed(shoot, "active", streamId="m2", **WATCH)
    assert again.outcome.stream_id == "m2"


def test_stopping_a_managed_stream_is_always_sent(shoot: Shoot) -> None:
    shoot.session.camera.stop_managed_stream()
    shoot.there.wait("managed_stream_stop")
    assert not shoot.session.camera.is_managed_stream_active
    asked, _ = managed(shoot)
    tell_managed(shoot, "active", streamId="m1", **WATCH)
    assert asked.outcome


def test_stopping_ends_a_start_that_waits(shoot: Shoot) -> None:
    asked, _ = managed(shoot)
    shoot.session.camera.stop_managed_stream()
    assert isinstance(asked.outcome, StreamError)
    assert asked.outcome.code == "STOPPED"
    again, _ = managed(shoot)
    tell_managed(shoot, "stopped")
    tell_managed(shoot, "active", streamId="m2", **WATCH)
    assert again.outcome.stream_id == "m2"


def test_the_end_of_the_session_ends_a_start_that_waits(shoot: Shoot) -> None:
    asked, _ = managed(shoot)
    check = Call(shoot.session.camera.check_existing_stream)
    shoot.there.wait("stream_status_check")
    shoot.session.disconnect()
    assert isinstance(asked.outcome, SessionEnded)
    assert isinstance(check.outcome, SessionEnded)


def test_a_start_waits_through_a_reconnection(shoot: Shoot) -> None:
    asked, _ = managed(shoot)
    shoot.there.drop()
    shoot.there = shoot.scene.accept()
    tell_managed(shoot, "active", **WATCH)
    assert asked.outcome.hls_url == WATCH["hlsUrl"]
    assert shoot.there.all("managed_stream_request") == []


# --- Is there one already? --------------------------------------------------------------------


def test_a_check_tells_whether_there_is_a_stream(shoot: Shoot) -> None:
    info = {
        "type": "unmanaged", "streamId": "s1", "status": "active", "rtmpUrl": URL,
        "requestingAppId": "com.example.other", "createdAt": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    for found in ({"hasActiveStream": True, "streamInfo": info}, {"hasActiveStream": False}, {}):
        count = len(shoot.there.all("stream_status_check"))
        asked = Call(shoot.session.camera.check_existing_stream)
        shoot.there.wait("stream_status_check", count=count + 1)
        shoot.there.send({"type": "stream_status_check_response", **found})
        check = asked.outcome
        assert isinstance(check, StreamCheck)
        assert bool(check) is check.has_active_stream is bool(found.get("hasActiveStream"))
        if check:
            assert check.stream_info.rtmp_url == URL
            assert check.stream_info.requesting_app_id == "com.example.other"
        else:
            assert check.stream_info is None


def test_answers_go_to_the_oldest_check(shoot: Shoot) -> None:
    checks = []
    for count in (1, 2):
        checks.append(Call(shoot.session.camera.check_existing_stream))
        shoot.there.wait("stream_status_check", count=count)
    for stream_id in ("first", "second"):
        info = {"streamId": stream_id}
        shoot.there.send(
            {"type": "stream_status_check_response", "hasActiveStream": True, "streamInfo": info}
        )
    assert [check.outcome.stream_info.stream_id for check in checks] == ["first", "second"]


def test_no_answer_to_a_check_is_a_timeout(shoot: Shoot) -> None:
    with pytest.raises(RequestTimeout, match="timeout="):
        shoot.session.camera.check_existing_stream(timeout=0.02)
    shoot.there.send({"type": "stream_status_check_response", "hasActiveStream": True})
    settled(shoot)
    with pytest.raises(ValueError, match="timeout"):
        shoot.session.camera.check_existing_stream(timeout="5")  # type: ignore[arg-type]


def test_at_the_very_start_a_managed_stream_is_not_held_back(scene: Scene) -> None:
    """on_session waits in the call, so what the cloud tells reaches it at once."""
    got: list[ManagedStream] = []
    app = scene.app(lambda session: got.append(session.camera.start_managed_stream()))
    there = scene.start(app)
    there.wait("managed_stream_request")
    there.event("managed_stream_status", status="active", **WATCH)
    wait_until(lambda: got)


# --- The course of a stream, by itself --------------------------------------------------------


@pytest.fixture
def course() -> Course:
    return Course(ends=("stopped", "error"))


def test_without_a_request_nothing_is_in_progress(course: Course) -> None:
    for status in ("initializing", "active", "stopped"):
        assert not course.take(status, "x")
    assert course.target is None


def test_another_streams_statuses_change_nothing(course: Course) -> None:
    course.begin("here")
    assert course.starting
    assert course.take("active", "a")
    assert not course.starting
    assert not course.take("error", "b")
    assert course.target == "here"
    assert course.take("error", "a")
    assert course.target is None


def test_a_stream_that_the_cloud_never_names(course: Course) -> None:
    course.begin("here")
    assert course.take("active", None)
    assert course.take("active", "late")
    assert course.stream_id == "late"
    assert course.take("stopped", None)
    assert course.target is None


def test_an_end_while_stopping_is_believed(course: Course) -> None:
    course.begin("here")
    course.stopping = True
    assert course.take("stopped", "a")
    assert not course.take("initializing", "b")
    assert course.target is None


def test_an_error_before_anything_else_is_an_end(course: Course) -> None:
    course.begin("here")
    assert course.take("error", "a")
    assert not course.take("initializing", "b")
    assert course.target is None
