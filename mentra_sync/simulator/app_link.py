"""The cloud's end of an app's websocket: who is it, and what does it say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mentra_sync.protocol import codec
from mentra_sync.protocol.codec import MalformedMessage, iso_timestamp
from mentra_sync.simulator import requests
from mentra_sync.simulator.app_session import AppSession
from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.slow_line import SlowLine
from mentra_sync.simulator.timeline import Way
from mentra_sync.simulator.wearer import Wearer
from mentra_sync.simulator.web_sockets import WebSocket

Frame = dict[str, Any]


class AppLink:
    """One connection of an app; it belongs to a session once it has introduced itself."""

    def __init__(self, cloud: Cloud, socket: WebSocket) -> None:
        self._cloud = cloud
        self._socket = socket
        self._session: AppSession | None = None
        self._wearer: Wearer | None = None
        self._in = SlowLine(cloud.wire_time, self._delay)
        self._out = SlowLine(cloud.wire_time, self._delay)
        self._over = False
        """Whether the end has been noted."""

    def receive(self, message: str | bytes) -> None:
        """Take what the app sends; what is no JSON object ends the connection, as recorded."""
        self._in.put(lambda: self._take(message))

    def _take(self, message: str | bytes) -> None:
        try:
            if isinstance(message, bytes):
                raise MalformedMessage("a binary frame")
            frame = codec.parse(message)
        except MalformedMessage as error:
            self._note(Way.APP_TO_CLOUD, "binary", f"no message: {error}")
            self.close(1011, "Internal server error")
            self.ended()
            return
        with self._cloud.lock:
            user_id = self._user_id or _claimed_user(frame)
            self._cloud.timeline.frame(Way.APP_TO_CLOUD, user_id, frame)
            if self._session is None or self._wearer is None:
                self._introduce(frame)
            elif self._session.link is self:
                self._wearer.glasses.frames.add(frame)
                requests.handle(self._session, self._wearer, frame)

    def ended(self) -> None:
        """The websocket is gone, or about to be."""
        self._note_end()
        with self._cloud.lock:
            if self._session is not None:
                self._session.lost(self)

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        self._cloud.timeline.frame(Way.CLOUD_TO_APP, self._user_id, frame)
        text = codec.dumps(frame)
        self._out.put(lambda: self._socket.send(text))

    def send_audio(self, data: bytes) -> None:
        """Send a binary frame."""
        self._note(Way.CLOUD_TO_APP, "binary", "audio_chunk", data)
        self._out.put(lambda: self._socket.send(data))

    def close(self, code: int, reason: str) -> None:
        """Close it in good order."""
        if not self._over:
            self._over = True
            self._note(Way.CLOUD_TO_APP, "close", f"{code} {reason}".strip())
        self._out.put(lambda: self._socket.close(code, reason))

    def when_caught_up(self, done: Callable[[], object]) -> None:
        """Call ``done`` when the app has worked on all that was sent so far, and we on its own."""
        # The question goes the way of all frames, and so does the answer.
        self._out.put(lambda: self._socket.when_caught_up(lambda: self._in.put(done)))

    def abort(self) -> None:
        """Lose the connection without a word."""
        if not self._over:
            self._over = True
            self._note(Way.CLOUD_TO_APP, "close", "connection lost")
        self._socket.abort()

    def refuse(self, code: str, message: str) -> None:
        """Say that a request is refused, and close."""
        self.send(
            {
                "type": "tpa_connection_error",
                "code": code,
                "message": message,
                "timestamp": iso_timestamp(),
            }
        )
        self.close(1008, message)
        self.ended()

    def _delay(self) -> float:
        return 0.0 if self._session is None else self._session.delay

    @property
    def _user_id(self) -> str | None:
        return None if self._wearer is None else self._wearer.user_id

    def _note(self, way: Way, kind: str, name: str, body: Any = None) -> None:
        self._cloud.timeline.add(way, kind, name, self._user_id, body)

    def _note_end(self) -> None:
        """The app has closed the connection, or it was lost: said once."""
        if not self._over:
            self._over = True
            code = self._socket.close_code
            end = "connection lost" if code is None else f"{code} {self._socket.close_reason}"
            self._note(Way.APP_TO_CLOUD, "close", end.strip())

    def _introduce(self, frame: Frame) -> None:
        """The first frame says which app this is, and for whom."""
        if frame.get("type") != "tpa_connection_init":
            self.refuse("SESSION_NOT_FOUND", "Session not found")
            return
        session_id, package = frame.get("sessionId"), frame.get("packageName")
        if not isinstance(session_id, str):
            self.close(1011, "Internal server error")
            return
        if "-" not in session_id:
            self.close(1008, "Invalid session ID format")
            return
        wearer = self._cloud.find_wearer(_claimed_user(frame) or "")
        self._enter(wearer, package, frame.get("apiKey"))

    def _enter(self, wearer: Wearer | None, package: Any, api_key: Any) -> None:
        if wearer is None or wearer.ended:
            self.refuse("SESSION_NOT_FOUND", "Session not found")
            return
        app = self._cloud.registry.by_key(package, api_key)
        if app is None:
            self.refuse("INVALID_API_KEY", "Invalid API key")
            return
        session = wearer.session_of(app)
        if session.refuses_connections:
            self.abort()
            return
        self._session, self._wearer = session, wearer
        if not session.connected(self):
            self._session = None
            self.refuse("APP_NOT_STARTED", "App not started for this session")


def _claimed_user(frame: Frame) -> str | None:
    """Whose session a frame says that it is about; None when it says nothing of the kind."""
    session_id, package = frame.get("sessionId"), frame.get("packageName")
    if not isinstance(session_id, str):
        return None
    if isinstance(package, str) and session_id.endswith(f"-{package}"):
        return session_id[: -len(package) - 1]
    return session_id.partition("-")[0]
