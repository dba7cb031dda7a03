"""One wearer's glasses in a test: what happens to them, and what is seen on them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Protocol, TypeVar

from mentra_sync.protocol.names import StreamType
from mentra_sync.server import AppServer
from mentra_sync.session import AppSession
from mentra_sync.simulator.camera import Camera, Photo
from mentra_sync.simulator.faults import Faults
from mentra_sync.simulator.glasses import Frame, Glasses
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.lights import Light
from mentra_sync.simulator.records import Record, matcher
from mentra_sync.testing import listening
from mentra_sync.testing.listening import Heard
from mentra_sync.testing.seen import Expectations, Matcher, Seen, frame_matcher, light_matcher
from mentra_sync.testing.seen_lens import SeenLens
from mentra_sync.testing.snapshots import Snapshots

T = TypeVar("T")

NOT_STARTED = "these glasses run no app yet: begin with glasses.start(MyApp)"


class Bench(Protocol):
    """What a pair of glasses needs of the test around it."""

    expectations: Expectations
    snapshots: Snapshots

    @property
    def simulator(self) -> Simulator:
        """The simulator; RuntimeError before an app was started."""

    @property
    def app(self) -> AppServer:
        """The app; RuntimeError before one was started."""

    def begin(self, pair: Pair) -> None:
        """Start the app for a wearer, and wait until it is ready."""

    def settle(self) -> bool:
        """Wait until everything is quiet."""

    def ended(self, session_id: str) -> None:
        """Wait until all code of a session has run."""


class Pair:
    """A pair of glasses: inputs as methods, outputs as lists that can be waited on.

    An input waits, 2 s at most, until the app listens to it; when it does not, that is an
    AssertionError which says what the app listens to.  ``wait=False`` sends it anyway.
    """

    def __init__(self, bench: Bench, user_id: str, model: str | None = None) -> None:
        self._bench = bench
        self.user_id = user_id
        self._model = model

    # --- The app -----------------------------------------------------------------------------

    def start(self) -> None:
        """The wearer starts the app; returns when it is ready. One that runs goes on."""
        __tracebackhide__ = True
        self._bench.begin(self)

    def stop(self) -> None:
        """The wearer stops the app; returns when all its code for that has run."""
        session_id = f"{self.user_id}-{self._bench.app.package_name}"
        self._bench.simulator.stop_app(self.user_id)
        self._bench.ended(session_id)

    def drop_connection(self) -> None:
        """Lose the app's connection without a word, as a network does; the app comes back."""
        self._bench.simulator.drop_connection(self.user_id)

    @property
    def faults(self) -> Faults:
        """What goes wrong on purpose: ``with glasses.faults.slow_network(0.3): ...``.

        ``drop_connection()``, ``repeat_webhook()`` and ``end_session()`` happen at once;
        ``refuse_connections()``, ``slow_network()``, ``no_photos()``, ``failing_tts()`` and
        ``out_of_reach()`` go on until the ``with`` block ends.
        """
        return self._bench.simulator.faults_of(self.user_id)

    @property
    def session(self) -> AppSession | None:
        """The app's own session with these glasses, or None."""
        return self._bench.app.session_for(self.user_id)

    @property
    def streams(self) -> tuple[str, ...]:
        """What the app listens to."""
        return self._bench.simulator.streams(self.user_id)

    # --- What is seen ------------------------------------------------------------------------

    @cached_property
    def lens(self) -> SeenLens:
        """What the lens shows."""
        bench = self._bench
        place = self._place("the lens")
        lens = self._glasses.lens
        return SeenLens(lens, place, bench.expectations, bench.snapshots, bench.settle)

    @cached_property
    def spoken(self) -> Seen[str]:
        """The texts that were spoken."""
        return self._seen("what was spoken", self._glasses.spoken)

    @cached_property
    def played(self) -> Seen[str]:
        """The addresses of the audio that was played."""
        return self._seen("what was played", self._glasses.played)

    @cached_property
    def lights(self) -> Seen[Light]:
        """What the light was told; a colour will do for ``wait_for``."""
        return self._seen("the lights", self._glasses.lights, light_matcher)

    @cached_property
    def photos(self) -> Seen[Photo]:
        """The photos that were taken."""
        return self._seen("the photos", self._glasses.photos)

    @cached_property
    def frames(self) -> Seen[Frame]:
        """All that the app has sent to the cloud; a type, or some fields, will do to wait for."""
        return self._seen("the frames of the app", self._glasses.frames, frame_matcher)

    @property
    def camera(self) -> Camera:
        """What the camera sees (``show``), and how it fails (``fail_next``)."""
        return self._glasses.camera

    # --- What happens to them ----------------------------------------------------------------

    def say(
        self,
        text: str,
        interim: bool = True,
        language: str = "en-US",
        *,
        translations: dict[str, str] | None = None,
        wait: bool = True,
    ) -> None:
        """Say something: interim transcriptions that grow word by word, then the final one.

        ``translations`` are texts by language (``{"de-DE": "hallo"}``), for those who listen.
        """
        __tracebackhide__ = True
        self._expect(f"transcription:{language}", listening.to_speech(language, final=True), wait)
        self._glasses.say(text, interim, language, translations=translations)

    def hear(
        self, text: str, final: bool = True, language: str = "en-US", *, wait: bool = True
    ) -> None:
        """Pass one transcription on, ``final`` or not."""
        __tracebackhide__ = True
        self._expect(f"transcription:{language}", listening.to_speech(language, final=final), wait)
        self._glasses.hear(text, final, language)

    def press(self, button: str = "main", kind: str = "short", *, wait: bool = True) -> None:
        """Press a button, ``kind`` ``short`` or ``long``."""
        __tracebackhide__ = True
        self._expect_event("button_press", wait)
        self._glasses.press(button, kind)

    def touch(self, gesture: str, *, wait: bool = True) -> None:
        """Make a gesture on the touch pad, for example ``double_tap``."""
        __tracebackhide__ = True
        heard = listening.to_event("touch_event", {"gesture_name": gesture})
        self._expect(f"touch_event:{gesture}", heard, wait)
        self._glasses.touch(gesture)

    def head(self, position: str, *, wait: bool = True) -> None:
        """Look ``up`` or ``down``."""
        __tracebackhide__ = True
        self._expect_event("head_position", wait)
        self._glasses.head(position)

    def notify(
        self,
        app: str,
        title: str,
        content: str = "",
        priority: str = "normal",
        notification_id: str = "n1",
        *,
        wait: bool = True,
    ) -> None:
        """Get a notification on the phone."""
        __tracebackhide__ = True
        self._expect_event("phone_notification", wait)
        self._glasses.notify(app, title, content, priority, notification_id)

    def dismiss(self, notification_id: str = "n1", *, wait: bool = True) -> None:
        """Dismiss a notification on the phone."""
        __tracebackhide__ = True
        self._expect_event("phone_notification_dismissed", wait)
        self._glasses.dismiss(notification_id)

    def move_to(
        self,
        latitude: float,
        longitude: float,
        accuracy: float | None = None,
        altitude: float | None = None,
        *,
        wait: bool = True,
    ) -> None:
        """Be somewhere: degrees, and metres.

        An app that has asked where the wearer is hears of it too.  With ``wait=False`` it is
        known when the app asks.
        """
        __tracebackhide__ = True
        follows = listening.to_event("location_update", {})

        def heard(session: Any) -> bool:
            return follows(session) or bool(session.wearer.places.awaited_by(session))

        self._expect("location_update", heard, wait)
        self._glasses.move_to(latitude, longitude, accuracy, altitude)

    def battery(
        self,
        level: int,
        charging: bool = False,
        time_remaining: int | None = None,
        *,
        wait: bool = True,
    ) -> None:
        """Report the glasses' battery: 0 to 100, and the minutes that are left."""
        __tracebackhide__ = True
        self._expect_event("glasses_battery_update", wait)
        self._glasses.battery(level, charging, time_remaining)

    def phone_battery(
        self,
        level: int,
        charging: bool = False,
        time_remaining: int | None = None,
        *,
        wait: bool = True,
    ) -> None:
        """Report the phone's battery: 0 to 100, and the minutes that are left."""
        __tracebackhide__ = True
        self._expect_event("phone_battery_update", wait)
        self._glasses.phone_battery(level, charging, time_remaining)

    def connection(
        self,
        status: str = "CONNECTED",
        *,
        model: str | None = None,
        wifi: bool | None = None,
        ssid: str | None = None,
        wait: bool = True,
    ) -> None:
        """Report how glasses and phone are connected.

        Every app hears of another ``model`` (``on_capabilities_update``), so that waits for nobody.
        """
        __tracebackhide__ = True
        self._expect_event("glasses_connection_state", wait and model is None)
        self._glasses.connection(status, model=model, wifi=wifi, ssid=ssid)

    def voice_activity(self, status: bool, *, wait: bool = True) -> None:
        """Report that somebody has begun (or stopped) to speak."""
        __tracebackhide__ = True
        self._expect_event("VAD", wait)
        self._glasses.voice_activity(status)

    def calendar(
        self,
        title: str,
        start: str,
        end: str,
        timezone: str = "UTC",
        event_id: str = "e1",
        *,
        wait: bool = True,
    ) -> None:
        """Have an appointment; ``start`` and ``end`` are ISO 8601."""
        __tracebackhide__ = True
        self._expect_event("calendar_event", wait)
        self._glasses.calendar(title, start, end, timezone, event_id)

    def audio(self, data: bytes, *, wait: bool = True) -> None:
        """Let the microphone hear PCM: 16 bit, mono, 16 kHz."""
        __tracebackhide__ = True
        self._expect("audio_chunk", listening.to_any(["audio_chunk"]), wait)
        self._glasses.audio(data)

    def device_state(self, **state: Any) -> None:
        """Report what has changed, to every app: ``wifi_connected=True, battery_level=80``."""
        self._glasses.device_state(**state)

    def send(self, frame: Frame, *, wait: bool = True) -> None:
        """Send any frame that glasses send, for example ``vps_coordinates``."""
        __tracebackhide__ = True
        kind = str(frame.get("type"))
        self._expect(kind, listening.to_event(kind, frame), wait and kind in StreamType.values())
        self._glasses.send(frame)

    # --- What the wearer does on the phone ---------------------------------------------------

    def change_settings(self, changes: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Save some of the app's settings: ``change_settings(volume=3)``; it is told at once."""
        self._bench.simulator.change_settings({**(changes or {}), **more}, self.user_id)

    def change_system_settings(self, *, wait: bool = True, **changes: Any) -> None:
        """Change settings of the glasses, by their names on the wire (``brightness=80``)."""
        __tracebackhide__ = True
        names = [f"augmentos:{key}" for key in changes]
        self._expect(" or ".join(names), listening.to_any(names), wait)
        self._bench.simulator.change_system_settings(changes, self.user_id)

    def change_dashboard(self, mode: str) -> None:
        """Make the dashboard small (``main``) or large (``expanded``)."""
        self._bench.simulator.change_dashboard(mode, self.user_id)

    def keep_dashboard(self, always_on: bool = True) -> None:
        """Have the dashboard stay in sight, or not."""
        self._bench.simulator.keep_dashboard(always_on, self.user_id)

    def send_custom_message(self, action: str, payload: Any = None, *, wait: bool = True) -> None:
        """Send a message of the cloud's own (``on_custom_message``)."""
        __tracebackhide__ = True
        self._expect("custom_message", listening.to_any(["custom_message"]), wait)
        self._bench.simulator.send_custom_message(action, payload, self.user_id)

    def call_tool(self, tool_id: str, **parameters: Any) -> Any:
        """Call a tool of the app as the wearer's assistant does, and return its reply.

        Raises RequestFailed when the app refuses.
        """
        return self._bench.simulator.call_tool(tool_id, parameters, self.user_id)

    # --- Inside ------------------------------------------------------------------------------

    @property
    def _glasses(self) -> Glasses:
        return self._bench.simulator.glasses_of(self.user_id, self._model)

    def _expect_event(self, stream: str, wait: bool) -> None:
        __tracebackhide__ = True
        self._expect(stream, listening.to_event(stream, {}), wait)

    def _expect(self, stream: str, heard: Heard, wait: bool) -> None:
        __tracebackhide__ = True
        if wait:
            listening.wait_for_listener(self._bench.simulator, self.user_id, stream, heard)

    def _seen(self, place: str, record: Record[T], matches: Matcher = matcher) -> Seen[T]:
        return Seen(self._place(place), record, self._bench.expectations, matches)

    def _place(self, place: str) -> str:
        mine = self.user_id == self._bench.simulator.user_id
        return place if mine else f"{place} of {self.user_id}"
