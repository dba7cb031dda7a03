"""The controls of simulated glasses: everything that their wearer can do, as one table.

Each control says what it feeds, which values it has, and the message that is sent: nearly
always one that real glasses and their phone send (section 13), so that any client of
``/glasses-ws`` can take the page's place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mentra_sync.protocol.capabilities import KNOWN, SIMULATED_GLASSES, Capabilities
from mentra_sync.protocol.names import (
    HeadDirection,
    NotificationPriority,
    PressType,
    StreamType,
    TouchGesture,
)

GROUPS = {
    "speech": "Conversation",
    "hands": "Hands",
    "senses": "Senses",
    "place": "Place",
    "phone": "Phone",
    "glasses": "Glasses",
}
"""What belongs together, in the order of the page."""

_GESTURES: dict[str, str] = {
    TouchGesture.SINGLE_TAP: "Tap",
    TouchGesture.DOUBLE_TAP: "Double tap",
    TouchGesture.TRIPLE_TAP: "Triple tap",
    TouchGesture.LONG_PRESS: "Long touch",
    TouchGesture.FORWARD_SWIPE: "Forward",
    TouchGesture.BACKWARD_SWIPE: "Backward",
    TouchGesture.UP_SWIPE: "Up",
    TouchGesture.DOWN_SWIPE: "Down",
}
_TOUCH_PADS = ("Mentra Live", "Simulated Glasses")


@dataclass(frozen=True)
class Field:
    """One value of a control; ``name`` is its name on the wire, where a dot leads into an object.

    ``kind``: ``choice`` (of ``options``), ``number``, ``toggle``, ``text`` and ``moment`` (ISO
    8601; the default is minutes from now) are asked for.  Whoever sends the message fills in
    an ``id`` (new each time), the ``now`` (ISO 8601) and the ``timezone`` (its IANA name).
    """

    name: str
    kind: str
    label: str = ""
    default: Any = None
    options: dict[str, str] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    longest: int | None = None


@dataclass(frozen=True)
class Control:
    """Something that the wearer can do.

    ``streams`` are what it feeds.  The message is ``message`` with the fields' values, sent
    ``by`` the ``glasses`` (a frame on ``/glasses-ws``), the ``phone`` (POST to ``path`` with
    the glasses' token) or the ``simulator`` (an action on ``/simulator-ws``; a picture is PUT to
    the ``path``).  Without a
    ``button`` every change of a value is sent at once.  ``presets`` are values by a name.
    ``worn_by`` says which glasses have the ``part`` that it needs.
    """

    id: str
    group: str
    title: str
    help: str
    streams: tuple[StreamType, ...]
    message: dict[str, Any]
    fields: tuple[Field, ...] = ()
    by: str = "glasses"
    path: str = ""
    button: str = ""
    presets: dict[str, dict[str, Any]] = field(default_factory=dict)
    part: str = ""
    worn_by: Callable[[Capabilities], bool] = lambda known: True
    of_glasses: bool = True
    """Whether glasses that are out of reach cannot do it."""

    def missing(self, model: str, connected: bool) -> str | None:
        """Why it cannot be used with the glasses that are worn; None when it can."""
        if self.of_glasses and not connected:
            return "No glasses are connected."
        known = KNOWN.get(model)
        if known is None or self.worn_by(known):
            return None
        *others, last = [name for name, one in KNOWN.items() if self.worn_by(one)]
        those = f"{', '.join(others)} and {last}" if others else last
        return f"{model} have no {self.part}; {those} do."


def _battery(whose: str, stream: StreamType, group: str) -> Control:
    return Control(
        id=stream.value,
        group=group,
        title="Battery" if whose == "glasses" else "Phone battery",
        help=f"How full the battery of the {whose} is.",
        streams=(stream,),
        message={"type": stream.value},
        fields=(
            Field("level", "number", "Charge", 80, minimum=0, maximum=100, step=1, unit="%"),
            Field("charging", "toggle", "Charging", default=False),
        ),
        of_glasses=whose == "glasses",
    )


def _place(lat: float, lng: float) -> dict[str, float]:
    return {"lat": lat, "lng": lng}


def _notification(app: str, title: str, content: str, priority: str) -> dict[str, str]:
    return {"app": app, "title": title, "content": content, "priority": priority}


CONTROLS: tuple[Control, ...] = (
    Control(
        id="say",
        group="speech",
        title="Speak",
        help="What is typed is heard word by word, as speech is.",
        streams=(StreamType.TRANSCRIPTION, StreamType.TRANSLATION),
        message={"action": "say"},
        fields=(
            Field("text", "text", "Say something to the app", "", longest=2000),
            Field("language", "text", "Language you speak", "en-US"),
        ),
        by="simulator",
        button="Say",
        of_glasses=False,
    ),
    Control(
        id="button_press",
        group="hands",
        title="Button",
        help="Click for a short press. Hold for a long one.",
        streams=(StreamType.BUTTON_PRESS,),
        message={"type": "button_press", "buttonId": "main"},
        fields=(
            Field(
                "pressType",
                "choice",
                "Press",
                "short",
                {PressType.SHORT: "Short press", PressType.LONG: "Long press"},
            ),
        ),
        part="button",
        worn_by=lambda known: known.has_button,
    ),
    Control(
        id="touch_event",
        group="hands",
        title="Touch pad",
        help="Tap or swipe on the pad, or choose a gesture.",
        streams=(StreamType.TOUCH_EVENT,),
        message={"type": "touch_event"},
        fields=(
            Field(
                "gesture_name",
                "choice",
                "Gesture",
                TouchGesture.SINGLE_TAP.value,
                _GESTURES,
            ),
        ),
        part="touch pad",
        worn_by=lambda known: known.model_name in _TOUCH_PADS,
    ),
    Control(
        id="head_position",
        group="hands",
        title="Head",
        help="Looking up brings the dashboard into sight.",
        streams=(StreamType.HEAD_POSITION,),
        message={"type": "head_position"},
        fields=(
            Field(
                "position",
                "choice",
                "Look",
                HeadDirection.DOWN.value,
                {HeadDirection.UP: "Look up", HeadDirection.DOWN: "Look down"},
            ),
        ),
        part="motion sensor",
        worn_by=lambda known: known.has_imu or known is SIMULATED_GLASSES,
    ),
    Control(
        id="camera",
        group="senses",
        title="Camera",
        help="What is before the camera when the app takes a photo.",
        streams=(),
        message={},
        by="simulator",
        path="/api/sim/camera",
        part="camera",
        worn_by=lambda known: known.has_camera,
    ),
    Control(
        id="VAD",
        group="senses",
        title="Voice activity",
        help="Whether the microphone notices that somebody speaks.",
        streams=(StreamType.VAD,),
        message={"type": "VAD"},
        fields=(Field("status", "toggle", "Somebody speaks", default=False),),
        part="microphone",
        worn_by=lambda known: known.has_microphone,
    ),
    Control(
        id="location_update",
        group="place",
        title="Location",
        help="Where the phone is.",
        streams=(StreamType.LOCATION_UPDATE, StreamType.LOCATION_STREAM),
        message={"type": "location_update"},
        fields=(
            Field("lat", "number", "Latitude", 52.5163, minimum=-90, maximum=90, unit="°"),
            Field("lng", "number", "Longitude", 13.3777, minimum=-180, maximum=180, unit="°"),
            Field("accuracy", "number", "Accuracy", 5, minimum=0, maximum=100_000, unit="m"),
        ),
        button="Be here",
        presets={
            "Berlin": _place(52.5163, 13.3777),
            "Tokyo": _place(35.6595, 139.7005),
            "San Francisco": _place(37.7955, -122.3937),
        },
        of_glasses=False,
    ),
    Control(
        id="phone_notification",
        group="phone",
        title="Notification",
        help="Something arrives on the phone.",
        streams=(StreamType.PHONE_NOTIFICATION, StreamType.PHONE_NOTIFICATION_DISMISSED),
        message={},
        fields=(
            Field("notificationId", "id"),
            Field("app", "text", "From the app", "Messages", longest=100),
            Field("title", "text", "Title", "Ada", longest=200),
            Field("content", "text", "Text", "Lunch at noon?", longest=2000),
            Field(
                "priority",
                "choice",
                "Priority",
                NotificationPriority.NORMAL.value,
                {name: name.capitalize() for name in NotificationPriority.values()},
            ),
        ),
        by="phone",
        path="/api/client/notifications",
        button="Send",
        presets={
            "Message": _notification("Messages", "Ada", "Lunch at noon?", "normal"),
            "Missed call": _notification("Phone", "Missed call", "Grandma called twice.", "high"),
            "Parcel": _notification("Post", "Your parcel", "It arrives today.", "low"),
        },
        of_glasses=False,
    ),
    Control(
        id="calendar_event",
        group="phone",
        title="Calendar",
        help="An appointment that the phone knows of.",
        streams=(StreamType.CALENDAR_EVENT,),
        message={"type": "calendar_event"},
        fields=(
            Field("eventId", "id"),
            Field("title", "text", "Title", "Maths lesson", longest=200),
            Field("dtStart", "moment", "Begins", 10),
            Field("dtEnd", "moment", "Ends", 55),
            Field("timezone", "timezone"),
            Field("timeStamp", "now"),
        ),
        button="Send",
        of_glasses=False,
    ),
    _battery("phone", StreamType.PHONE_BATTERY_UPDATE, "phone"),
    Control(
        id="glasses_connection_state",
        group="glasses",
        title="Glasses",
        help="Which glasses are worn, and whether the phone reaches them.",
        streams=(StreamType.GLASSES_CONNECTION_STATE,),
        message={"type": "glasses_connection_state"},
        fields=(
            Field("modelName", "choice", "Model", options={name: name for name in KNOWN}),
            Field(
                "status",
                "choice",
                "Connection",
                "CONNECTED",
                {"CONNECTED": "Connected", "DISCONNECTED": "Out of reach"},
            ),
        ),
        of_glasses=False,
    ),
    _battery("glasses", StreamType.GLASSES_BATTERY_UPDATE, "glasses"),
    Control(
        id="wifi",
        group="glasses",
        title="Wifi",
        help="Whether the glasses are in a wifi network.",
        streams=(StreamType.GLASSES_CONNECTION_STATE,),
        message={"type": "glasses_connection_state", "status": "CONNECTED"},
        fields=(
            Field("wifi.connected", "toggle", "Connected", default=True),
            Field("wifi.ssid", "text", "Network", "Home", longest=32),
        ),
        part="wifi",
        worn_by=lambda known: known.has_wifi,
    ),
)
