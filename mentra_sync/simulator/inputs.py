"""What is done to the glasses and to the app, in the words of the Python API, as it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Frame = dict[str, Any]


@dataclass(frozen=True)
class Input:
    """One thing that was done to a wearer's glasses: an action (``actions``) and its arguments."""

    user_id: str
    action: str
    arguments: Frame


class Inputs:
    """Tells who listens of each input, however it came: a page, HTTP, a phone or a test.

    Every method may be called from any thread.  Listeners must not block.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the next
        self._listeners: tuple[Callable[[Input], None], ...] = ()

    def listen(self, listener: Callable[[Input], None]) -> Callable[[], None]:
        """Have a function called at each input from now on; call what is returned to end it."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return stop

    def note(self, user_id: str, action: str, /, **arguments: Any) -> None:
        """Something is being done; arguments that are None were not given."""
        given = {name: value for name, value in arguments.items() if value is not None}
        for listener in self._listeners:
            listener(Input(user_id, action, given))

    def note_frame(self, user_id: str, frame: Frame) -> None:
        """The glasses report something."""
        kind = frame.get("type")
        if self._listeners and isinstance(kind, str) and kind not in _ANSWERS:
            action, arguments = _as_action(kind, frame)
            self.note(user_id, action, **arguments)

    def note_speech(self, user_id: str, data: Frame, translations: dict[str, str]) -> None:
        """Something was said, and recognised."""
        language = None if data["transcribeLanguage"] == _ENGLISH else data["transcribeLanguage"]
        if translations:
            said = {"text": data["text"], "interim": False, "language": language}
            self.note(user_id, "say", **said, translations=translations)
        else:
            heard = {"text": data["text"], "final": data["isFinal"], "language": language}
            self.note(user_id, "hear", **heard)


_ENGLISH = "en-US"

_ANSWERS = frozenset(
    {
        *("audio_play_response", "photo_response", "rgb_led_control_response"),
        *("rtmp_stream_status", "keep_alive_ack", "connection_init"),
    }
)
"""Frames with which the glasses answer: simulated ones do so by themselves."""

_BATTERY = {"level": "level", "charging": "charging", "timeRemaining": "time_remaining"}

_ACTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "button_press": ("press", {"buttonId": "button", "pressType": "kind"}),
    "head_position": ("head", {"position": "position"}),
    "touch_event": ("touch", {"gesture_name": "gesture"}),
    "glasses_battery_update": ("battery", _BATTERY),
    "phone_battery_update": ("phone_battery", _BATTERY),
    "VAD": ("voice_activity", {"status": "status"}),
    "location_update": (
        "move_to",
        {"lat": "latitude", "lng": "longitude", "accuracy": "accuracy", "altitude": "altitude"},
    ),
    "phone_notification": (
        "notify",
        {
            **{name: name for name in ("app", "title", "content", "priority")},
            "notificationId": "notification_id",
        },
    ),
    "phone_notification_dismissed": ("dismiss", {"notificationId": "notification_id"}),
    "calendar_event": (
        "calendar",
        {
            **{name: name for name in ("title", "timezone")},
            "dtStart": "start",
            "dtEnd": "end",
            "eventId": "event_id",
        },
    ),
    "start_app": ("start", {}),
    "stop_app": ("stop", {}),
}
"""Frames of the glasses -> the action that sends such, and its arguments by their wire names."""

_IMPLIED = frozenset(
    {
        *("type", "timestamp", "timeStamp", "device_model", "sessionId", "userId"),
        *("notificationKey", "packageName"),
    }
)
"""Fields that the action fills in by itself."""


def _as_action(kind: str, frame: Frame) -> tuple[str, Frame]:
    """A frame as the action that sends it; one with more to it is sent as it is."""
    action, names = _ACTIONS.get(kind, ("send", {}))
    fields = {name: value for name, value in frame.items() if name not in _IMPLIED}
    if action == "send" or not fields.keys() <= names.keys():
        return "send", {"frame": {name: one for name, one in frame.items() if name != "timestamp"}}
    return action, {names[name]: value for name, value in fields.items()}
