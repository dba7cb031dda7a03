"""One wearer's session with the cloud: the glasses on one side, the apps on the other."""

from __future__ import annotations

from typing import Any, Protocol

from mentra_sync import config
from mentra_sync.protocol import codec
from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits, subscriptions
from mentra_sync.simulator.app_session import AppSession, State
from mentra_sync.simulator.appointments import appointment
from mentra_sync.simulator.displays import Displays
from mentra_sync.simulator.faces import CloudFace
from mentra_sync.simulator.glasses import Glasses
from mentra_sync.simulator.messages import CustomMessages
from mentra_sync.simulator.people import People
from mentra_sync.simulator.phone import Phone
from mentra_sync.simulator.places import Places
from mentra_sync.simulator.preferences import Preferences
from mentra_sync.simulator.registry import App, Registry
from mentra_sync.simulator.schedule import Later
from mentra_sync.simulator.streams import Streams
from mentra_sync.simulator.timeline import Way
from mentra_sync.simulator.webhooks import Done, MakeBody

Frame = dict[str, Any]


class WearersCloud(CloudFace, Protocol):
    """The cloud, and who is there besides."""

    registry: Registry

    @property
    def people(self) -> People:
        """Who uses which app."""


class Wearer:
    """What the cloud knows of one wearer; its lock guards all of it."""

    def __init__(self, cloud: WearersCloud, user_id: str, model: str) -> None:
        self.user_id = user_id
        self.apps: dict[str, AppSession] = {}
        self.present = True
        """Whether the phone that carries the glasses is connected."""
        self.ended = False
        """Whether the phone has been away for so long that the cloud has given it up."""
        self.model = model
        self.glasses_connected = True
        self.wifi_connected = bool((self.capabilities() or {}).get("hasWifi"))
        self.displays = Displays(
            cloud.session_time,
            cloud.lock,
            self.send_to_glasses,
            realistic=cloud.realistic,
            quirks=cloud.quirks,
        )
        self.glasses = Glasses(
            model,
            cloud.session_time,
            send=self.from_glasses,
            hear=self.hear,
            send_audio=self.from_microphone,
            upload=self._upload,
            realistic=cloud.realistic,
        )
        self.video = Streams(cloud, self)
        self._cloud = cloud
        self.preferences = Preferences(cloud, self)
        self.places = Places(self)
        self.messages = CustomMessages(cloud.lock, self)
        self._state: Frame = {}
        self._asked: dict[str, AppSession] = {}
        self._was_running: list[App] = []
        self._gone: Later | None = None
        self._told_tier = False
        self._carried = False
        """Whether it was a phone that brought these glasses."""

    def session_of(self, app: App) -> AppSession:
        """The session of an app, which is there from the first time that anybody asks."""
        session = self.apps.get(app.package_name)
        if session is None or session.app is not app:
            session = self.apps[app.package_name] = AppSession(self._cloud, self, app)
        return session

    def sessions(self) -> list[AppSession]:
        """The sessions of all apps, running or not."""
        return list(self.apps.values())

    @property
    def people(self) -> People:
        """Who uses which app."""
        return self._cloud.people

    @property
    def loses_altitude(self) -> bool:
        """Whether reports of the phone lose it, as in the recorded cloud."""
        return self._cloud.quirks

    @property
    def system_settings(self) -> Frame:
        """The glasses' own settings."""
        return self.preferences.system

    def streams(self) -> list[str]:
        """What the running apps of this wearer listen to."""
        listening = (session.streams for session in self.apps.values() if session.live)
        return list(dict.fromkeys(stream for streams in listening for stream in streams))

    # --- To the glasses ----------------------------------------------------------------------

    def capabilities(self) -> Frame | None:
        """What the glasses can do, as the wire has it; None for a model that nobody knows."""
        known = KNOWN.get(self.model)
        return None if known is None else codec.encode(known)

    def tell_glasses(self, kind: str, **fields: Any) -> None:
        """Send the glasses a frame of the cloud's own."""
        self.send_to_glasses({"type": kind, **fields, "timestamp": iso_timestamp()})

    def tell_state(self) -> None:
        """Tell the glasses whether their microphone is needed, and that apps have changed."""
        state = subscriptions.microphone_state(self.streams())
        self.tell_glasses("microphone_state_change", sessionId=self.user_id, **state)
        self.tell_glasses("app_state_change", sessionId=self.user_id)

    def first_start(self) -> None:
        """As recorded: once, after the first app has been started."""
        if not self._told_tier:
            self._told_tier = True
            self.tell_glasses("set_location_tier", tier="reduced")

    def _upload(self, url: str, make: MakeBody, headers: dict[str, str], done: Done) -> None:
        self._cloud.webhooks.upload(url, make, headers, self.user_id, done)

    def send_to_glasses(self, frame: Frame) -> None:
        """Send the glasses a frame, if they are there."""
        if self.present:
            self._cloud.timeline.frame(Way.CLOUD_TO_GLASSES, self.user_id, frame)
            self.glasses.receive(frame)

    # --- From the glasses --------------------------------------------------------------------

    def from_glasses(self, frame: Frame) -> int:
        """Take what the glasses report; returns how many apps it reached."""
        kind = frame.get("type")
        if not isinstance(kind, str) or len(kind) > config.MAX_ID_CHARACTERS:
            return 0
        with self._cloud.lock:
            self._cloud.timeline.frame(Way.GLASSES_TO_CLOUD, self.user_id, frame)
            self._cloud.inputs.note_frame(self.user_id, frame)
            own = getattr(self, f"_on_{kind}", None) if kind in _OWN else None
            return own(frame) if own is not None else self.route(kind, frame)

    def route(self, event: str, data: Frame) -> int:
        """Send an event to every app that listens to it; returns how many there are."""
        permission = subscriptions.permission_for(event)
        reached = 0
        for session in list(self.apps.values()):
            if not session.live or not session.app.allows(permission):
                continue
            names = subscriptions.event_names(session.streams, event, data)
            for name in names:
                session.send_event(name, data)
            reached += bool(names)
        return reached

    def hear(self, data: Frame, translations: dict[str, str]) -> int:
        """Send a transcription, and what it is in other languages; returns how many apps heard."""
        with self._cloud.lock:
            # Real glasses send sound, which the cloud's recogniser makes into this.
            said = {"text": data["text"], "isFinal": data["isFinal"]}
            self._cloud.timeline.add(Way.GLASSES_TO_CLOUD, "binary", "speech", self.user_id, said)
            self._cloud.inputs.note_speech(self.user_id, data, translations)
            language = data["transcribeLanguage"]
            opened = subscriptions.transcription_streams(self.streams())
            reached = 0
            for session in list(self.apps.values()):
                if not session.live or not session.app.allows("MICROPHONE"):
                    continue
                names = subscriptions.transcription_names(session.streams, language, opened)
                for name in names:
                    session.send_event(name, data)
                heard = bool(names)
                if data["isFinal"]:
                    heard |= self._translate(session, data, translations)
                reached += heard
            return reached

    def _translate(self, session: AppSession, data: Frame, known: dict[str, str]) -> bool:
        """Send final speech to a session's translation streams; without words, untranslated."""
        names = subscriptions.translation_names(session.streams, data["transcribeLanguage"])
        for name, target in names:
            translation = {
                "type": "translation",
                "text": known.get(target, data["text"]),
                "originalText": data["text"],
                "isFinal": True,
                "startTime": 0,
                "endTime": 0,
                "duration": 0,
                "transcribeLanguage": data["transcribeLanguage"],
                "translateLanguage": target,
                "didTranslate": target in known,
                "provider": data["provider"],
            }
            session.send_event(name, translation)
        return bool(names)

    def from_microphone(self, data: bytes) -> int:
        """Send sound to every app that listens to it; returns how many there are."""
        with self._cloud.lock:
            self._cloud.timeline.add(
                Way.GLASSES_TO_CLOUD, "binary", "audio_chunk", self.user_id, data
            )
            listeners = [
                session
                for session in self.apps.values()
                if session.live
                and "audio_chunk" in session.streams
                and session.app.allows("MICROPHONE")
            ]
            for session in listeners:
                session.send_audio(data)
            return len(listeners)

    # --- Answers of the glasses --------------------------------------------------------------

    def expect_answer(self, request_id: Any, session: AppSession) -> bool:
        """Remember who asked the glasses for something; False when that is no request id."""
        if not isinstance(request_id, str) or not 0 < len(request_id) <= config.MAX_ID_CHARACTERS:
            return False
        self._asked[request_id] = session
        while len(self._asked) > limits.MAX_OPEN_REQUESTS:
            del self._asked[next(iter(self._asked))]
        return True

    def _asker(self, frame: Frame) -> AppSession | None:
        """Who awaits this answer; it is answered once."""
        request_id = frame.get("requestId")
        return self._asked.pop(request_id, None) if isinstance(request_id, str) else None

    def _on_audio_play_response(self, frame: Frame) -> int:
        session = self._asker(frame)
        if session is None:
            return 0
        fields = ("success", "error", "duration")
        answer: Frame = {name: frame[name] for name in fields if name in frame}
        session.send(
            {
                "type": "audio_play_response",
                "sessionId": session.session_id,
                "requestId": frame["requestId"],
                **answer,
                "timestamp": iso_timestamp(),
            }
        )
        return 1

    def _on_photo_response(self, frame: Frame) -> int:
        session = self._asker(frame)
        if session is None:
            return 0
        if frame.get("success") is not True and "error" not in frame:
            frame = {
                "type": "photo_response",
                "requestId": frame["requestId"],
                "success": False,
                "error": {"code": frame.get("errorCode"), "message": frame.get("errorMessage")},
            }
        session.send(frame)
        return 1

    def _on_rtmp_stream_status(self, frame: Frame) -> int:
        return self.video.reported(frame)

    def _on_keep_alive_ack(self, frame: Frame) -> int:
        return self.video.acknowledged(frame)

    # --- What the cloud remembers ------------------------------------------------------------

    def _on_location_update(self, frame: Frame) -> int:
        return self.route("location_update", self.places.reported(frame))

    def _on_core_status_update(self, frame: Frame) -> int:
        model = self.preferences.model_of(frame)
        if model is not None:
            self._worn(model)
        self.preferences.take_core_status(frame)
        return self.route("core_status_update", frame)

    def _on_calendar_event(self, frame: Frame) -> int:
        return self.route("calendar_event", appointment(frame))

    def _on_glasses_connection_state(self, frame: Frame) -> int:
        model, status, wifi = frame.get("modelName"), frame.get("status"), frame.get("wifi")
        if isinstance(status, str):
            self.glasses_connected = status.upper() != "DISCONNECTED"
        if isinstance(wifi, dict):
            self.wifi_connected = wifi.get("connected") is True
        if isinstance(model, str) and model:
            self._worn(model)
        self.glasses.worn(self.model, self.glasses_connected)
        return self.route("glasses_connection_state", frame)

    def _on_device_state(self, frame: Frame) -> int:
        """The phone's report of what has changed about the glasses."""
        state = frame.get("state")
        if not isinstance(state, dict):
            return 0
        connected, model = state.get("connected"), state.get("modelName")
        if isinstance(connected, bool):
            self.glasses_connected = connected
        if isinstance(state.get("wifiConnected"), bool):
            self.wifi_connected = state["wifiConnected"]
        if connected is True and isinstance(model, str) and model:
            self._worn(model)
        self.glasses.worn(self.model, self.glasses_connected)
        changed = {name: new for name, new in state.items() if self._state.get(name, ...) != new}
        self._state.update(changed)
        if not changed or not self._cloud.tells_device_state:
            return 0
        return self._tell_apps("device_state_update", state=changed)

    def _worn(self, model: str) -> None:
        """As recorded: apps are told with every report, changed or not."""
        self.model = model
        self.glasses.worn(model, self.glasses_connected)
        update = {"capabilities": self.capabilities(), "modelName": model}
        for session in self.sessions():
            session.send({"type": "capabilities_update", **update})

    def change_dashboard(self, mode: Any) -> None:
        """Make the dashboard small or large; glasses and apps are told."""
        with self._cloud.lock:
            if self.displays.dashboard.change(mode):
                self.tell_glasses("dashboard_mode_change", mode=mode)
                self._tell_apps("dashboard_mode_changed", mode=mode)

    def keep_dashboard(self, always_on: bool) -> None:
        """Have the dashboard stay, or not; apps are told of a change."""
        with self._cloud.lock:
            if self.displays.dashboard.always_on != always_on:
                self.displays.dashboard.always_on = always_on
                self._tell_apps("dashboard_always_on_changed", enabled=always_on)

    def _tell_apps(self, kind: str, **fields: Any) -> int:
        """Tell every running app; returns how many there are."""
        running = [session for session in self.sessions() if session.live]
        for session in running:
            session.send({"type": kind, **fields, "timestamp": iso_timestamp()})
        return len(running)

    # --- Coming and going --------------------------------------------------------------------

    def attach(self, phone: Phone, *, carries: bool = False) -> None:
        """Greet a phone, or a page, which is brought up to date before anything new reaches it.

        A phone that ``carries`` glasses brings the wearer back, if they were gone.
        """
        with self._cloud.lock:
            returns = carries and not self.present and not self.ended
            if carries:
                self._carried = True
                self.come_back()
            for _ in range(2 if returns and self._cloud.quirks else 1):
                phone.send(
                    {
                        "type": "connection_ack",
                        "sessionId": self.user_id,
                        "timestamp": iso_timestamp(),
                    }
                )
            self.glasses.attach(phone, carries=carries)
            if not carries:
                for frame in (*self.glasses.current(), *self.places.open_questions()):
                    phone.send(frame)

    def detach(self, phone: Phone) -> None:
        """A phone, or a page, is gone; with a phone that carried the glasses they are gone too."""
        with self._cloud.lock:
            if self.glasses.detach(phone):
                self.leave()

    def _on_start_app(self, frame: Frame) -> int:
        session = self._named(frame)
        if session is not None:
            session.start(tell_glasses=False)
        return int(session is not None)

    def _on_stop_app(self, frame: Frame) -> int:
        session = self._named(frame)
        if session is not None:
            session.stop(tell_glasses=False)
        return int(session is not None)

    def _named(self, frame: Frame) -> AppSession | None:
        app = self._cloud.registry.find(frame.get("packageName"))
        return None if app is None else self.session_of(app)

    def leave(self) -> None:
        """The phone is gone: 60 s later all apps are ended."""
        with self._cloud.lock:
            if self.present:
                self.present = False
                self._gone = self._cloud.wire_time.after(limits.GLASSES_GONE, self._give_up)

    def come_back(self) -> None:
        """The phone is there again; apps that were ended for it are started again."""
        with self._cloud.lock:
            self.present = True
            if self._gone is not None:
                self._gone.cancel()
                self._gone = None
            again, self._was_running = self._was_running, []
            self.ended = False
            for app in again:
                self.session_of(app).start(tell_glasses=False)

    def _give_up(self) -> None:
        with self._cloud.lock:
            if self.present:
                return
            self.ended = True
            self._told_tier = False
            if self._carried:
                # The next phone has to tell which glasses it carries.
                self.model = ""
            for session in self.apps.values():
                if session.state not in (State.STOPPED, State.FAILED):
                    self._was_running.append(session.app)
                    session.end("User session ended")


_OWN = frozenset(name.removeprefix("_on_") for name in vars(Wearer) if name.startswith("_on_"))
"""Reports of the glasses that the cloud itself makes something of; the others are only routed."""
