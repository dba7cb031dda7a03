"""One wearer's glasses in Python: press, say, look up, and see what the app does.

They are there whether a page is open or not; every page mirrors them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.protocol.compiler import wire_names
from mentra_sync.protocol.names import HeadDirection, PressType, TouchGesture
from mentra_sync.protocol.notices import DeviceState
from mentra_sync.simulator.camera import Camera, Photo
from mentra_sync.simulator.lens import Lens, profile_of
from mentra_sync.simulator.lights import Light
from mentra_sync.simulator.phone import Phone
from mentra_sync.simulator.recogniser import Hear, Recogniser
from mentra_sync.simulator.records import Record
from mentra_sync.simulator.schedule import Schedule
from mentra_sync.simulator.schema import glasses_schema
from mentra_sync.simulator.speaker import Speaker
from mentra_sync.simulator.streaming import Streaming, VideoStream
from mentra_sync.simulator.typesetting import lens_size
from mentra_sync.simulator.webhooks import Upload

Frame = dict[str, Any]

NO_CAMERA = "{} have no camera; Mentra Live do, and can be simulated too"


@dataclass(frozen=True)
class WifiSetup:
    """An app has asked the wearer to connect the glasses to a wifi."""

    package: str
    reason: str | None = None


class Glasses:
    """A pair of glasses: inputs as methods, outputs as records.

    Inputs return how many running apps they have reached.  Every method may be called from any
    thread; none blocks.  ``lens``, ``spoken`` (texts), ``played`` (URLs), ``lights``,
    ``photos``, ``wifi_setups``, ``location_requests`` (how exactly) and ``frames`` (all that
    apps have sent to the cloud) can be waited on.
    """

    def __init__(
        self,
        model: str,
        schedule: Schedule,
        *,
        send: Callable[[Frame], int],
        hear: Hear,
        send_audio: Callable[[bytes], int],
        upload: Upload,
        realistic: bool,
    ) -> None:
        self.model = model
        self.connected = True
        """Whether the phone reaches them."""
        self.tell: Callable[[Frame], None] = lambda message: None
        """Told what a page should show; set before anything happens."""
        self.lens = Lens(schedule.clock.now, self._tell, profile_of(model))
        self.lights: Record[Light] = Record()
        self.wifi_setups: Record[WifiSetup] = Record()
        self.location_requests: Record[str] = Record()
        self.frames: Record[Frame] = Record()
        self._now = schedule.clock.now
        self._send = send
        self._send_audio = send_audio
        self._speaker = Speaker(schedule, self.send, self._tell, realistic=realistic)
        self.camera = Camera(
            schedule,
            answer=self.send,
            upload=upload,
            problem=self._camera_problem,
            tell=self._tell,
            realistic=realistic,
        )
        """What it sees, and how it fails."""
        self.streaming = Streaming(
            schedule,
            answer=self.send,
            problem=self._camera_problem,
            tell=self._tell,
            realistic=realistic,
        )
        """The video streams that the glasses were told to start, and how they fail."""
        self._recogniser = Recogniser(schedule, hear, self._tell, realistic=realistic)
        self._lock = threading.Lock()  # guards changes of the next two
        # A tuple that is replaced, never changed: read without the lock.
        self._phones: tuple[Phone, ...] = ()
        self._carrier: Phone | None = None
        self._state: dict[str, Frame] = {}

    @property
    def spoken(self) -> Record[str]:
        """The texts that were spoken."""
        return self._speaker.spoken

    @property
    def played(self) -> Record[str]:
        """The addresses of the audio that was played."""
        return self._speaker.played

    @property
    def photos(self) -> Record[Photo]:
        """The photos that were taken."""
        return self.camera.photos

    @property
    def stream(self) -> VideoStream | None:
        """The video stream that is running, or None."""
        return self.streaming.running

    # --- Inputs ------------------------------------------------------------------------------

    def say(
        self,
        text: str,
        interim: bool = True,
        language: str = "en-US",
        *,
        translations: dict[str, str] | None = None,
    ) -> None:
        """Say something: interim transcriptions that grow word by word, then the final one.

        ``translations`` are what apps that listen to a translation get: a text by the language
        they want (``{"de-DE": "hallo"}``).  Raises ValueError for a malformed language code, and
        for no words.
        """
        _check_words(text)
        self._recogniser.say(
            text, interim=interim, language=language, translations=translations or {}
        )

    def hear(self, text: str, final: bool, language: str = "en-US") -> None:
        """Pass on what a recogniser elsewhere has made of somebody's speech so far."""
        _check_words(text)
        self._recogniser.hear(text, final=final, language=language)

    def press(self, button: str = "main", kind: str = "short") -> int:
        """Press a button, ``kind`` ``short`` or ``long``."""
        _check("kind", kind, PressType.values())
        return self._report("button_press", buttonId=button, pressType=kind)

    def head(self, position: str) -> int:
        """Look ``up``, where the lens shows the dashboard, or ``down`` again."""
        _check("position", position, HeadDirection.values())
        return self._report("head_position", position=position)

    def touch(self, gesture: str) -> int:
        """Make a gesture on the touch pad, for example ``double_tap``."""
        _check("gesture", gesture, TouchGesture.values())
        return self._report("touch_event", device_model=self.model, gesture_name=gesture)

    def battery(self, level: int, charging: bool = False, time_remaining: int | None = None) -> int:
        """Report the glasses' battery: 0 to 100, and the minutes that are left."""
        return self._battery("glasses_battery_update", level, charging, time_remaining)

    def phone_battery(
        self, level: int, charging: bool = False, time_remaining: int | None = None
    ) -> int:
        """Report the phone's battery: 0 to 100, and the minutes that are left."""
        return self._battery("phone_battery_update", level, charging, time_remaining)

    def connection(
        self,
        status: str = "CONNECTED",
        *,
        model: str | None = None,
        wifi: bool | None = None,
        ssid: str | None = None,
    ) -> int:
        """Report how glasses and phone are connected; another ``model`` changes the glasses."""
        fields: Frame = {"modelName": model or self.model, "status": status}
        if wifi is not None:
            fields["wifi"] = {"connected": wifi} | ({"ssid": ssid} if ssid else {})
        return self._report("glasses_connection_state", **fields)

    def voice_activity(self, status: bool) -> int:
        """Report that somebody has begun (or stopped) to speak."""
        return self._report("VAD", status=status)

    def move_to(
        self,
        latitude: float,
        longitude: float,
        accuracy: float | None = None,
        altitude: float | None = None,
    ) -> int:
        """Be somewhere: degrees, and metres."""
        return self._report(
            "location_update",
            lat=latitude,
            lng=longitude,
            **_known(accuracy=accuracy, altitude=altitude),
        )

    def notify(
        self,
        app: str,
        title: str,
        content: str = "",
        priority: str = "normal",
        notification_id: str = "n1",
    ) -> int:
        """Get a notification on the phone."""
        return self._report(
            "phone_notification",
            notificationId=notification_id,
            app=app,
            title=title,
            content=content,
            priority=priority,
        )

    def dismiss(self, notification_id: str = "n1") -> int:
        """Dismiss a notification on the phone."""
        return self._report(
            "phone_notification_dismissed",
            notificationId=notification_id,
            notificationKey=notification_id,
            packageName="",
        )

    def calendar(
        self, title: str, start: str, end: str, timezone: str = "UTC", event_id: str = "e1"
    ) -> int:
        """Have an appointment; ``start`` and ``end`` are ISO 8601."""
        return self._report(
            "calendar_event",
            eventId=event_id,
            title=title,
            dtStart=start,
            dtEnd=end,
            timezone=timezone,
            timeStamp=start,
        )

    def device_state(self, **state: Any) -> int:
        """Report what has changed about the glasses: ``wifi_connected=True, battery_level=80``.

        Apps hear of it only from a cloud that tells (``Simulator.tells_device_state``); of the
        glasses' model always, when ``connected`` is True.
        """
        unknown = state.keys() - _DEVICE_STATE.keys()
        if unknown:
            known = ", ".join(_DEVICE_STATE)
            raise ValueError(f"device_state must be some of {known}; got {', '.join(unknown)}")
        wire = {_DEVICE_STATE[name]: value for name, value in state.items()}
        return self._report("device_state", state=wire)

    def audio(self, data: bytes) -> int:
        """Let the microphone hear PCM: 16 bit, mono, 16 kHz."""
        return self._send_audio(data)

    def send(self, frame: Frame) -> int:
        """Send any frame of section 13, for example ``photo_taken`` or ``vps_coordinates``."""
        if frame.get("type") == "head_position":
            self.lens.look(frame.get("position"))
        return self._send({**frame, "timestamp": frame.get("timestamp", _now_ms())})

    def _report(self, kind: str, **fields: Any) -> int:
        return self.send({"type": kind, **fields})

    def _battery(self, kind: str, level: int, charging: bool, time_remaining: int | None) -> int:
        if not 0 <= level <= 100:
            raise ValueError(f"level must be 0 to 100, got {level!r}")
        return self._report(
            kind, level=level, charging=charging, **_known(timeRemaining=time_remaining)
        )

    # --- From the cloud ----------------------------------------------------------------------

    def receive(self, frame: Frame) -> None:
        """Take a frame from the cloud, and pass it on to the pages that mirror these glasses."""
        kind = frame.get("type")
        if kind == "audio_play_request" and self._carrier is None:
            # Several pages must not speak at once: the newest does.
            self._speaker.play(frame, self._phones[-1] if self._phones else None)
            return
        for phone in self._phones:
            phone.send(frame)
        if kind == "display_event":
            self.lens.show(frame, self.model, self._has_display())
        elif kind == "audio_stop_request":
            self._speaker.stop(str(frame.get("appId")))
        elif kind == "app_stopped":
            with self._lock:
                self._state.pop("app_started", None)
            self._speaker.stop(str(frame.get("packageName")))
        elif kind in ("app_started", "microphone_state_change"):
            with self._lock:
                self._state[str(kind)] = frame
        elif kind == "rgb_led_control":
            self._light(frame)
        elif self._carrier is not None:
            return  # these glasses answer for themselves
        elif kind == "show_wifi_setup":
            self.wifi_setups.add(WifiSetup(str(frame.get("appPackageName")), frame.get("reason")))
        elif kind == "request_single_location":
            self.location_requests.add(str(frame.get("accuracy")))
        elif kind == "photo_request":
            self.camera.take(frame)
        elif kind == "start_rtmp_stream":
            self.streaming.start(frame)
        elif kind == "stop_rtmp_stream":
            self.streaming.stop(frame)
        elif kind == "keep_rtmp_stream_alive":
            self.streaming.keep_alive(frame)

    def worn(self, model: str, connected: bool) -> None:
        """Which glasses are worn now, and whether the phone reaches them."""
        if (model, connected) != (self.model, self.connected):
            self.model, self.connected = model, connected
            self._tell({"kind": "schema", **self.schema()})

    def outputs(self) -> Frame:
        """What a page that opens now has missed: the light, the photos, a stream."""
        last = self.lights.copy()[-1:]
        return {
            "light": last[0].message(self._now()) if last else None,
            "photos": self.camera.album(),
            "streaming": self.stream is not None,
        }

    def schema(self) -> Frame:
        """What the wearer can do with them, as pages draw it."""
        return {**glasses_schema(self.model, self.connected), "display": self.display_size}

    @property
    def light(self) -> str | None:
        """The colour of the light at this moment; None while it is dark."""
        last = self.lights.copy()[-1:]
        return last[0].color_at(self._now()) if last else None

    @property
    def display_size(self) -> tuple[int, int] | None:
        """Width and height of the lens in pixels; None for glasses without a display."""
        return lens_size(profile_of(self.model)) if self._has_display() else None

    def _has_display(self) -> bool:
        known = KNOWN.get(self.model)
        return known is None or known.has_display

    def _camera_problem(self) -> str:
        known = KNOWN.get(self.model)
        return "" if known is None or known.has_camera else NO_CAMERA.format(self.model)

    def _light(self, frame: Frame) -> None:
        light = Light.told(frame, self._now())
        self.lights.add(light)
        # Not left to the frame: a page that has been told of the light is not yet sent frames.
        self._tell({"kind": "light", **light.message(light.at)})
        if self._carrier is None:
            self._report("rgb_led_control_response", requestId=frame.get("requestId"), success=True)

    # --- Pages -------------------------------------------------------------------------------

    def attach(self, phone: Phone, *, carries: bool = False) -> None:
        """A page mirrors these glasses from now on, or a phone carries real ones instead."""
        with self._lock:
            # One that introduces itself again is there once, and the newest.
            self._phones = (*(one for one in self._phones if one is not phone), phone)
            if carries:
                self._carrier = phone

    def detach(self, phone: Phone) -> bool:
        """A page was closed, or a phone: whether it was the one that carries the glasses."""
        with self._lock:
            self._phones = tuple(one for one in self._phones if one is not phone)
            carried = phone is self._carrier
            if carried:
                self._carrier = None
        self._speaker.phone_gone(phone)
        if not self._phones:
            self.camera.follow(False)
        return carried

    def current(self) -> list[Frame]:
        """The frames that bring a newly attached page up to date."""
        with self._lock:
            return [*self._state.values(), *self.lens.frames()]

    def end(self) -> None:
        """Nothing more happens: who waits to see something waits no longer."""
        self.lens.end()
        for record in (
            *(self.spoken, self.played, self.lights, self.photos, self.camera.uploads),
            *(self.wifi_setups, self.location_requests, self.frames),
        ):
            record.end()

    def speech_began(self, request_id: str, seconds: float | None = None) -> None:
        """A page has begun to speak, or to play something that takes ``seconds``."""
        self._speaker.began(request_id, seconds)

    def fail_audio(self, error: str | None) -> None:
        """Let everything that an app wants heard fail with ``error``; None: no more."""
        self._speaker.failure = error

    def played_by_page(self, frame: Frame) -> None:
        """A page has played something, or could not (``audio_play_response``)."""
        self._speaker.answered(frame)

    def _tell(self, message: Frame) -> None:
        self.tell(message)


_DEVICE_STATE = wire_names(DeviceState)


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")


def _check_words(text: str) -> None:
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"text must be what was said, got {text!r:.100}")


def _known(**fields: Any) -> Frame:
    return {name: value for name, value in fields.items() if value is not None}


def _now_ms() -> int:
    return round(time.time() * 1000)
