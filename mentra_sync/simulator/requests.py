"""What an app may ask for, and how each request is answered (section 3)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from mentra_sync import config
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import subscriptions
from mentra_sync.simulator.app_session import AppSession
from mentra_sync.simulator.dashboard import system_dashboard
from mentra_sync.simulator.wearer import Wearer

logger = logging.getLogger(__name__)

Frame = dict[str, Any]

NO_PERMISSION = (
    "Camera permission required to {}. Please add the CAMERA permission in the developer console."
)
NO_WIFI = "Cannot process request - smart glasses must be connected to WiFi for this operation"
NO_SERVICE = "Managed streaming is not configured"


def handle(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    """Do what a frame of an acknowledged app asks; the cloud's lock is held.

    A type that the cloud does not know gets no answer.
    """
    kind = frame.get("type")
    answer = _ANSWERS.get(kind) if isinstance(kind, str) else None
    if answer is not None:
        answer(session, wearer, frame)
    else:
        logger.debug("no answer to %r", str(kind)[:100])


def _subscribe(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wanted = frame.get("subscriptions")
    streams = subscriptions.read_list(wanted)
    if streams is not None:
        session.location_rate = subscriptions.location_rate(wanted)
        session.subscribe(streams)
        session.tell_denied({stream: subscriptions.permission_for(stream) for stream in streams})
        wearer.messages.repeat(session)


def _display(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    package = session.app.package_name
    reachable = wearer.present and wearer.glasses_connected
    if frame.get("packageName") == package and reachable:
        wearer.displays.offer(frame, package)


def _dashboard_content(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    modes = frame.get("modes")
    if isinstance(modes, list):
        content = str(frame.get("content", ""))
        wearer.displays.dashboard.write(session.app.package_name, content, modes)


def _dashboard_mode(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    if session.app.package_name == system_dashboard():
        wearer.change_dashboard(frame.get("mode"))


def _dashboard_corner(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    if session.app.package_name == system_dashboard():
        content = str(frame.get("content", ""))
        wearer.displays.dashboard.fill(frame.get("section"), content)


def _play(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    if not wearer.present:
        session.refuse("INTERNAL_ERROR", "Glasses not connected")
    elif wearer.expect_answer(frame.get("requestId"), session):
        wearer.tell_glasses(
            "audio_play_request",
            sessionId=wearer.user_id,
            packageName=session.app.package_name,
            **_given(frame, "requestId", "audioUrl", "volume", "stopOtherAudio"),
        )


def _stop_audio(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.tell_glasses(
        "audio_stop_request", sessionId=wearer.user_id, appId=session.app.package_name
    )


def _light(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    if not wearer.present:
        session.refuse("INTERNAL_ERROR", "Glasses not connected")
        return
    wearer.tell_glasses(
        "rgb_led_control",
        sessionId=wearer.user_id,
        packageName=session.app.package_name,
        **_given(frame, "requestId", "action", "color", "ontime", "offtime", "count"),
    )


def _photo(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    request_id = frame.get("requestId")
    if not session.app.allows("CAMERA"):
        session.refuse("PERMISSION_DENIED", NO_PERMISSION.format("take photos"))
    elif not wearer.present:
        session.refuse(
            "INTERNAL_ERROR",
            "Cannot process photo request - phone WebSocket is not open (state: 3)",
        )
    elif not wearer.glasses_connected:
        session.refuse(
            "INTERNAL_ERROR", "Cannot process photo request - smart glasses are not connected"
        )
    elif wearer.expect_answer(request_id, session):
        _pass_on_photo(session, wearer, frame)


def _pass_on_photo(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    custom = frame.get("customWebhookUrl")
    upload_url = custom if isinstance(custom, str) else session.app.base_url + "/photo-upload"
    wearer.tell_glasses(
        "photo_request",
        sessionId=wearer.user_id,
        requestId=frame["requestId"],
        appId=session.app.package_name,
        webhookUrl=upload_url,
        **_given(frame, "authToken"),
        size=frame.get("size", "medium"),
        compress=frame.get("compress", "none"),
    )
    if frame.get("saveToGallery") is True:
        # As recorded: at once, before the glasses have done anything.
        session.send(
            {
                "type": "photo_response",
                "requestId": frame["requestId"],
                "success": True,
                "photoUrl": upload_url,
                "savedToGallery": True,
                "timestamp": iso_timestamp(),
            }
        )


def _stream(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    url = frame.get("rtmpUrl")
    if not session.app.allows("CAMERA"):
        session.refuse("PERMISSION_DENIED", NO_PERMISSION.format("start video streams"))
    elif not wearer.glasses_connected:
        session.refuse(
            "INTERNAL_ERROR", "Cannot process stream request - smart glasses are not connected"
        )
    elif not wearer.wifi_connected:
        session.refuse("WIFI_NOT_CONNECTED", NO_WIFI)
    elif not (isinstance(url, str) and url.startswith(("rtmp://", "rtmps://"))):
        session.refuse("INTERNAL_ERROR", "Invalid RTMP URL")
    else:
        wearer.video.start(session, frame)


def _stop_stream(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.video.stop(session, frame)


def _managed_stream(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    if not session.app.allows("CAMERA"):
        session.refuse("PERMISSION_DENIED", NO_PERMISSION.format("start managed streams"))
    elif not wearer.wifi_connected:
        session.refuse("INTERNAL_ERROR", NO_WIFI)
    elif not wearer.video.distributes:
        session.refuse("INTERNAL_ERROR", NO_SERVICE)
    else:
        wearer.video.start_managed(session, frame)


def _stop_managed_stream(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.video.stop_managed(session, frame)


def _check_stream(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.video.check(session)


def _poll_location(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    correlation_id = frame.get("correlationId")
    if isinstance(correlation_id, str) and len(correlation_id) <= config.MAX_ID_CHARACTERS:
        wearer.places.poll(session, correlation_id, frame.get("accuracy"))


def _wifi_setup(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.tell_glasses(
        "show_wifi_setup",
        **_given(frame, "reason"),
        appPackageName=session.app.package_name,
    )


def _broadcast(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.people.broadcast(session, frame)


def _direct_message(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.people.send(session, frame)


def _join_room(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.people.join(session, frame)


def _leave_room(session: AppSession, wearer: Wearer, frame: Frame) -> None:
    wearer.people.leave(session, frame)


def _given(frame: Frame, *names: str) -> Frame:
    """Those fields of a frame that are there."""
    return {name: frame[name] for name in names if name in frame}


_ANSWERS: dict[str, Callable[[AppSession, Wearer, Frame], None]] = {
    "subscription_update": _subscribe,
    "display_event": _display,
    "dashboard_content_update": _dashboard_content,
    "dashboard_mode_change": _dashboard_mode,
    "dashboard_system_update": _dashboard_corner,
    "audio_play_request": _play,
    "audio_stop_request": _stop_audio,
    "rgb_led_control": _light,
    "photo_request": _photo,
    "rtmp_stream_request": _stream,
    "stream_request": _stream,
    "rtmp_stream_stop": _stop_stream,
    "stream_stop": _stop_stream,
    "managed_stream_request": _managed_stream,
    "managed_stream_stop": _stop_managed_stream,
    "stream_status_check": _check_stream,
    "location_poll_request": _poll_location,
    "request_wifi_setup": _wifi_setup,
    "app_broadcast_message": _broadcast,
    "app_direct_message": _direct_message,
    "app_room_join": _join_room,
    "app_room_leave": _leave_room,
}
"""Who answers what. The recorded cloud says nothing to ownership_release, nor to an ordinary app's
dashboard_mode_change and dashboard_system_update."""
