"""An app server against a cloud that does what a test says: webhooks, frames, and endings.

The cloud is ``runtime/fake_cloud.py``; what is added here is the app server with its HTTP, and a
thread for each socket that collects what the app sends, so that tests wait for frames by name.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from runtime.fake_cloud import CLOSE, PATIENCE, PING, PONG, QUICK, TEXT, FakeCloud, Peer, wait_until

from mentra_sync import AppServer, AppSession, config

__all__ = ["KEY", "PACKAGE", "USER", "AppSocket", "Calls", "Scene", "scene_fixture", "wait_until"]

KEY = "the-Secret-Key-0123456789"
PACKAGE = "com.example.test"
USER = "ann@example.com"
SOON = 0.15
"""How long a test looks for what must not happen."""


class Calls:
    """A function that writes down its calls, and lets a test wait for them."""

    def __init__(self, then: Callable[..., Any] | None = None) -> None:
        self._changed = threading.Condition()
        self._then = then
        self.all: list[tuple[Any, ...]] = []
        self.threads: list[str] = []

    def __call__(self, *arguments: Any) -> Any:
        with self._changed:
            self.all.append(arguments)
            self.threads.append(threading.current_thread().name)
            self._changed.notify_all()
        return None if self._then is None else self._then(*arguments)

    def one(self, value: Any = None) -> Any:
        """The same for one argument: what a handler that takes one event is."""
        return self(value)

    def wait(self, count: int = 1) -> list[Any]:
        """Wait for ``count`` calls; returns all so far, those with one argument without tuple."""
        with self._changed:
            there = self._changed.wait_for(lambda: len(self.all) >= count, PATIENCE)
            assert there, f"{count} calls did not come within {PATIENCE:g} s, only {self.all}"
        return self.values

    @property
    def values(self) -> list[Any]:
        with self._changed:
            return [call[0] if len(call) == 1 else call for call in self.all]


class AppSocket:
    """The cloud's end of one connection, introduced and acknowledged."""

    def __init__(self, peer: Peer, init: dict[str, Any]) -> None:
        self.peer = peer
        self.init = init
        self.answers_close = True
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        """Frames to send back, by the type of what came."""
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self.frames: list[dict[str, Any]] = []
        self.pongs: list[bytes] = []
        self.closed: tuple[int | None, str] | None = None
        self.gone = False
        peer.sock.settimeout(None)
        self._thread = threading.Thread(target=self._read, name="test-cloud", daemon=True)
        self._thread.start()

    # --- What came ------------------------------------------------------------------------------

    def all(self, kind: str) -> list[dict[str, Any]]:
        with self._changed:
            return [frame for frame in self.frames if frame["type"] == kind]

    def wait(
        self, kind: str, count: int = 1, where: Callable[[dict[str, Any]], Any] = bool
    ) -> dict[str, Any]:
        """Wait for the ``count``-th frame of a type for which ``where`` holds; return it."""

        def matching() -> list[dict[str, Any]]:
            return [frame for frame in self.frames if frame["type"] == kind and where(frame)]

        with self._changed:
            there = self._changed.wait_for(lambda: len(matching()) >= count, PATIENCE)
            assert there, f"no {kind} ({count}) within {PATIENCE:g} s, only {self.frames}"
            return matching()[count - 1]

    def wait_streams(self, *streams: Any) -> None:
        """Wait until the app's newest subscription list is this one, in any order."""

        def newest() -> Any:
            updates = [f for f in self.frames if f["type"] == "subscription_update"]
            return sorted(map(repr, updates[-1]["subscriptions"])) if updates else None

        wanted = sorted(map(repr, streams))
        with self._changed:
            there = self._changed.wait_for(lambda: newest() == wanted, PATIENCE)
            assert there, f"{wanted} were not subscribed to, but {newest()}"

    def texts(self) -> list[str]:
        """The texts of all walls, in order."""
        return [
            frame["layout"]["text"]
            for frame in self.all("display_event")
            if frame["layout"]["layoutType"] == "text_wall"
        ]

    def wait_text(self, text: str) -> dict[str, Any]:
        return self.wait("display_event", where=lambda f: f["layout"].get("text") == text)

    def wait_closed(self) -> tuple[int | None, str] | None:
        """Wait until the app has closed or dropped the socket; returns its close frame."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.gone, PATIENCE), "it was not closed"
        return self.closed

    # --- What the cloud does --------------------------------------------------------------------

    def send(self, *frames: dict[str, Any]) -> None:
        with self._sending:
            self.peer.send_json(*frames)

    def event(self, stream: str, **data: Any) -> None:
        self.send({"type": "data_stream", "streamType": stream, "data": data})

    def say(self, text: str, *, final: bool = True, language: str = "en-US") -> None:
        self.event(f"transcription:{language}", type="transcription", text=text, isFinal=final)

    def press(self, button: str = "main", kind: str = "short") -> None:
        self.event("button_press", type="button_press", buttonId=button, pressType=kind)

    def send_text(self, text: str) -> None:
        with self._sending:
            self.peer.send(TEXT, text.encode())

    def ping(self, payload: bytes) -> None:
        with self._sending:
            self.peer.send(PING, payload)

    def settle(self) -> None:
        """Wait until the app has read everything that was sent so far."""
        with self._changed:
            before = len(self.pongs)
        self.ping(b"settle")
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.pongs) > before, PATIENCE)

    def close_with(self, code: int | None = 1000, reason: str = "") -> None:
        """Close as the cloud does."""
        self.answers_close = False
        with self._sending:
            self.peer.send_close(code, reason)

    def drop(self) -> None:
        """Lose the connection without a word."""
        with contextlib.suppress(OSError):
            self.peer.sock.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        self.drop()
        self._thread.join(PATIENCE)
        self.peer.sock.close()

    # --- Inside ---------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            while True:
                self._take(*self.peer.read_frame())
        except (EOFError, OSError):
            pass
        with self._changed:
            self.gone = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self.peer.sock.shutdown(socket.SHUT_RDWR)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            frame = json.loads(payload)
            answer = self.answers.get(frame["type"])
            if answer is not None:
                self.send(answer(frame))
            with self._changed:
                self.frames.append(frame)
                self._changed.notify_all()
        elif opcode == PONG:
            with self._changed:
                self.pongs.append(payload)
                self._changed.notify_all()
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else None
            with self._changed:
                self.closed = (code, payload[2:].decode())
                self._changed.notify_all()
            if self.answers_close:
                with self._sending, contextlib.suppress(OSError):
                    self.peer.send(CLOSE, payload[:2])


class Cloud(FakeCloud):
    """The same, with the REST calls of a cloud on its port."""

    def __init__(self) -> None:
        super().__init__()
        self.rest: dict[str, bytes | Callable[[Peer], object]] = {}
        """By path: the body of an answer, or what to do with the socket. Others get a 404."""
        self.requests: list[bytes] = []
        self._apps: queue.Queue[Peer] = queue.Queue()
        self.listener.settimeout(None)
        self._thread = threading.Thread(target=self._accept, name="test-accept", daemon=True)
        self._thread.start()

    def accept(self) -> Peer:
        try:
            return self._apps.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError("the app did not connect") from None

    def nobody_comes(self, seconds: float) -> bool:
        try:
            self._apps.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def vanish(self) -> None:
        """Take no more connections; those that there are live on."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self.listener.close()

    def close(self) -> None:
        self.vanish()
        super().close()

    def _accept(self) -> None:
        while True:
            try:
                peer = self.accept_tcp()
                request = peer.read_request()
            except (OSError, EOFError, AssertionError):
                if self.listener.fileno() < 0 or not self._is_listening():
                    return
                continue
            if b"upgrade: websocket" in request.lower():
                self._apps.put(peer)
            else:
                with contextlib.suppress(OSError):  # a caller that has given up
                    self._answer(peer, request)

    def _is_listening(self) -> bool:
        try:
            return bool(self.listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        except OSError:  # closed meanwhile
            return False

    def _answer(self, peer: Peer, request: bytes) -> None:
        self.requests.append(request)
        answer = self.rest.get(request.split()[1].decode().partition("?")[0])
        if callable(answer):
            answer(peer)
            return
        status = "404 Not Found" if answer is None else "200 OK"
        peer.sock.sendall(http_answer(answer or b"{}", status))
        peer.close()


def http_answer(
    body: bytes, status: str = "200 OK", *headers: str, length: int | None = None
) -> bytes:
    """An HTTP answer, whole or with a lie about its length."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Answer:
    """What came back over HTTP."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Request:
    """An HTTP request that is under way."""

    def __init__(self, send: Callable[[], Answer]) -> None:
        self._answer: Answer | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(send,), name="test-request")
        self._thread.start()

    def _run(self, send: Callable[[], Answer]) -> None:
        try:
            self._answer = send()
        except Exception as error:
            self._error = error

    @property
    def pending(self) -> bool:
        return self._thread.is_alive()

    def answer(self) -> Answer:
        self._thread.join(2 * PATIENCE)
        assert not self._thread.is_alive(), "no answer"
        if self._error is not None:
            raise self._error
        assert self._answer is not None
        return self._answer


class Scene:
    """A cloud, and the app servers that a test puts before it."""

    def __init__(self) -> None:
        self.cloud = Cloud()
        self.sockets: list[AppSocket] = []
        self._apps: list[AppServer] = []
        self._extra: list[FakeCloud] = []

    # --- The app --------------------------------------------------------------------------------

    def app(self, on_session: Callable[..., Any] | None = None, **options: Any) -> AppServer:
        """A server of this package, already listening on a free port."""
        return self.serve(self.make(on_session, **options))

    def make(self, on_session: Callable[..., Any] | None = None, **options: Any) -> AppServer:
        """The same, not started."""
        given = {"port": 0, "host": "127.0.0.1", "display_interval_ms": 0, **options}
        return AppServer(PACKAGE, KEY, on_session=on_session or (lambda: None), **given)

    def serve(self, app: AppServer) -> AppServer:
        self._apps.append(app)
        app.start()
        return app

    def another_cloud(self) -> FakeCloud:
        self._extra.append(FakeCloud())
        return self._extra[-1]

    # --- HTTP -----------------------------------------------------------------------------------

    def request(
        self,
        app: AppServer | int,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; a body that is no bytes is sent as JSON."""
        port = app if isinstance(app, int) else app.port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2 * PATIENCE)
        try:
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            sent = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, path, body, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, app: AppServer | int, path: str, **options: Any) -> Answer:
        return self.request(app, "GET", path, **options)

    def post(self, app: AppServer | int, path: str, body: Any, **options: Any) -> Answer:
        return self.request(app, "POST", path, body, **options)

    def posting(self, app: AppServer | int, path: str, body: Any, **options: Any) -> Request:
        """The same without waiting for the answer."""
        return Request(lambda: self.post(app, path, body, **options))

    def start_body(self, user: str = USER, session_id: str | None = None) -> dict[str, Any]:
        """What the cloud POSTs when a user starts the app."""
        return {
            "type": "session_request",
            "sessionId": session_id or f"{user}-{PACKAGE}",
            "userId": user,
            "timestamp": "2026-01-01T00:00:00.000Z",
            "augmentOSWebsocketUrl": self.cloud.url,
        }

    def stop_body(
        self, user: str = USER, reason: str | None = "user_disabled", session_id: str | None = None
    ) -> dict[str, Any]:
        """What the cloud POSTs when the app has been stopped."""
        body = {
            "type": "stop_request",
            "sessionId": session_id or f"{user}-{PACKAGE}",
            "userId": user,
            "timestamp": "2026-01-01T00:00:00.000Z",
        }
        return body if reason is None else {**body, "reason": reason}

    # --- Sessions -------------------------------------------------------------------------------

    def start(
        self,
        app: AppServer | int,
        user: str = USER,
        *,
        session_id: str | None = None,
        ack: dict[str, Any] | None = None,
    ) -> AppSocket:
        """Start a session; wait until the webhook has been answered, and on_session been called."""
        webhook = self.posting(app, "/webhook", self.start_body(user, session_id))
        there = self.accept(**(ack or {}))
        answer = webhook.answer()
        assert (answer.status, answer.json) == (200, {"status": "success"})
        if isinstance(app, AppServer):
            name = there.init["sessionId"]
            wait_until(lambda: all(s._began for s in app.sessions if s.session_id == name))
        return there

    def accept(self, **ack: Any) -> AppSocket:
        """The next connection of the app, introduced and acknowledged."""
        peer = self.cloud.accept_websocket()
        init = peer.introduce()
        peer.ack(**ack)
        return self.take(peer, init)

    def take(self, peer: Peer, init: dict[str, Any] | None = None) -> AppSocket:
        """Read from here on what a connection brings that a test has accepted by hand."""
        there = AppSocket(peer, init or {})
        self.sockets.append(there)
        return there

    def session(
        self, on_session: Callable[..., Any] | None = None, **options: Any
    ) -> tuple[AppSession, AppSocket]:
        """A running session of an app of its own, and the cloud's end of it."""
        ack = options.pop("ack", None)
        app = self.app(on_session, **options)
        there = self.start(app, ack=ack)
        session = app.session_for(USER)
        assert session is not None
        return session, there

    def stop_session(self, app: AppServer, there: AppSocket, user: str = USER) -> None:
        """Stop a session as the cloud does: webhook, frame, close."""
        assert self.post(app, "/webhook", self.stop_body(user)).status == 200
        there.send({"type": "app_stopped", "timestamp": 0})
        there.close_with(1000, "App stopped")

    def close(self) -> None:
        for app in self._apps:
            app.stop()
        for there in self.sockets:
            there.finish()
        for cloud in (self.cloud, *self._extra):
            cloud.close()


@pytest.fixture(name="scene")
def scene_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A cloud and its apps; with few threads for HTTP, which saves a third of the time."""
    monkeypatch.setattr(config, "SERVER_THREADS", 8)
    scene = Scene()
    yield scene
    scene.close()


@pytest.fixture(name="quick")
def quick_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are dialled again within milliseconds, and given up within seconds."""
    monkeypatch.setattr("mentra_sync.runtime.connection.Limits", lambda: QUICK)
