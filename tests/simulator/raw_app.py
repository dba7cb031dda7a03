"""A hand-written app and hand-written glasses, which see the wire as it is."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import websocket
from post_server import Post, PostServer

PACKAGE = "com.example.raw"
API_KEY = "raw-key-of-the-app"
PATIENCE = 20.0

Frame = dict[str, Any]


class Seen:
    """What one end has seen, in order: ``(seconds, what)``; waits for what is still to come."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.items: list[tuple[float, Any]] = []

    def add(self, what: Any) -> None:
        with self.changed:
            self.items.append((time.monotonic(), what))
            self.changed.notify_all()

    def all(self) -> list[Any]:
        with self.changed:
            return [what for _, what in self.items]

    def wait(self, accept: Callable[[Any], bool], timeout: float = PATIENCE, after: int = 0) -> Any:
        """The first thing (from number ``after`` on) that is accepted; fails if none comes."""

        def found() -> Any:
            return next((what for _, what in self.items[after:] if accept(what)), None)

        with self.changed:
            self.changed.wait_for(lambda: found() is not None, timeout)
            what = found()
            assert what is not None, f"it did not come; there was {self.items[after:]}"
            return what

    def wait_count(self, accept: Callable[[Any], bool], count: int) -> None:
        with self.changed:
            ready = self.changed.wait_for(
                lambda: sum(accept(what) for _, what in self.items) >= count, PATIENCE
            )
            assert ready, f"not {count} of them: {self.items}"


class RawSocket:
    """One websocket whose frames are read on a thread of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        self.seen = Seen()
        self.closed: tuple[int | None, str] | None = None
        self._socket = websocket.WebSocket(enable_multithread=True)
        self._socket.connect(url, timeout=PATIENCE, http_no_proxy=["127.0.0.1"], **options)
        self._socket.settimeout(None)
        self._thread = threading.Thread(target=self._read, name="raw-socket", daemon=True)
        self._thread.start()

    def send(self, message: Frame | str | bytes) -> None:
        if isinstance(message, bytes):
            self._socket.send_binary(message)
        else:
            self._socket.send(message if isinstance(message, str) else json.dumps(message))

    def wait(self, kind: str, after: int = 0, timeout: float = PATIENCE, **fields: Any) -> Frame:
        """The first frame of a type, with these fields."""

        def accept(what: Any) -> bool:
            return (
                isinstance(what, dict)
                and kind in (what.get("type"), what.get("kind"))
                and all(what.get(name) == value for name, value in fields.items())
            )

        frame: Frame = self.seen.wait(accept, timeout, after)
        return frame

    def wait_closed(self, timeout: float = PATIENCE) -> tuple[int | None, str]:
        with self.seen.changed:
            assert self.seen.changed.wait_for(lambda: self.closed is not None, timeout)
        assert self.closed is not None
        return self.closed

    def close(self, code: int = 1000, reason: str = "") -> None:
        with suppress(OSError, websocket.WebSocketException):
            self._socket.send(
                struct.pack("!H", code) + reason.encode(), websocket.ABNF.OPCODE_CLOSE
            )
        self._thread.join(PATIENCE)

    def reset(self) -> None:
        """Lose the connection as a crashed process does."""
        with suppress(OSError, AttributeError):  # closed already
            linger = struct.pack("ii", 1, 0)
            self._socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._socket.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)

    def _read(self) -> None:
        closed: tuple[int | None, str] = (None, "")
        try:
            while True:
                opcode, data = self._socket.recv_data(control_frame=True)
                if opcode == websocket.ABNF.OPCODE_TEXT:
                    self.seen.add(json.loads(data))
                elif opcode == websocket.ABNF.OPCODE_BINARY:
                    self.seen.add(data)
                elif opcode == websocket.ABNF.OPCODE_CLOSE:
                    code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else None
                    closed = (code, data[2:].decode())
                    break
        except (OSError, websocket.WebSocketException):
            pass
        finally:
            self._socket.shutdown()
            with self.seen.changed:
                self.closed = closed
                self.seen.changed.notify_all()


class RawApp:
    """An app server that answers webhooks as it is told to, and connects when they come.

    ``answer`` maps a webhook to the status of its answer; ``connects`` says whether a session
    request is followed by a connection.  ``on_post`` is called for what is no webhook.
    """

    def __init__(self) -> None:
        self.hooks = Seen()
        self.posts = Seen()
        self.photos = Seen()
        self.sockets: list[RawSocket] = []
        self.answer: Callable[[Frame], int] = lambda hook: 200
        self.on_post: Callable[[Frame], object] = lambda frame: None
        self.connects = True
        self.subscriptions: list[Any] | None = []
        self.connected = threading.Condition()
        self._server = PostServer(self._answer)

    @property
    def webhook_url(self) -> str:
        return f"{self._server.url}/webhook"

    @property
    def socket(self) -> RawSocket:
        """The newest connection; waits for the first, which may be about to be noted."""
        with self.connected:
            assert self.connected.wait_for(lambda: self.sockets, PATIENCE), "nobody has connected"
            return self.sockets[-1]

    def wait_connected(self, count: int = 1) -> RawSocket:
        with self.connected:
            assert self.connected.wait_for(lambda: len(self.sockets) >= count, PATIENCE)
            return self.sockets[count - 1]

    def connect(self, hook: Frame, **changes: Any) -> RawSocket:
        """Connect as a webhook asks, wait for the ack, subscribe."""
        raw = self.dial(hook, **changes)
        raw.wait("tpa_connection_ack")
        if self.subscriptions is not None:
            self.subscribe(raw, hook["sessionId"], self.subscriptions)
        with self.connected:
            self.sockets.append(raw)
            self.connected.notify_all()
        return raw

    def dial(self, hook: Frame, **changes: Any) -> RawSocket:
        raw = RawSocket(hook["augmentOSWebsocketUrl"])
        init = {
            "type": "tpa_connection_init",
            "sessionId": hook["sessionId"],
            "packageName": PACKAGE,
            "apiKey": API_KEY,
            **changes,
        }
        raw.send({name: value for name, value in init.items() if value is not None})
        return raw

    def subscribe(self, raw: RawSocket, session_id: str, streams: Any) -> None:
        raw.send(
            {
                "type": "subscription_update",
                "packageName": PACKAGE,
                "sessionId": session_id,
                "subscriptions": streams,
            }
        )

    def send(self, kind: str, **fields: Any) -> None:
        """Send a command on the newest connection."""
        self.socket.send({"type": kind, "packageName": PACKAGE, **fields})

    def show(self, text: str, **fields: Any) -> None:
        layout = {"layoutType": "text_wall", "text": text}
        self.send("display_event", **{"view": "main", "layout": layout, **fields})

    def close(self) -> None:
        for raw in self.sockets:
            raw.reset()
        self._server.close()

    def _answer(self, post: Post) -> tuple[int, bytes]:
        status = self._hook(post.path, post.body)
        return status, json.dumps({"status": "success" if status == 200 else "error"}).encode()

    def _hook(self, path: str, body: bytes) -> int:
        if path == "/photo-upload":
            self.photos.add(body)
            return 200
        frame = json.loads(body)
        if path != "/webhook":
            self.posts.add((path, frame))
            self.on_post(frame)
            return 200
        self.hooks.add(frame)
        status = self.answer(frame)
        if frame["type"] == "session_request" and self.connects and status == 200:
            self.connect(frame)
        return status


def simulator_threads() -> list[str]:
    """The names of the threads that simulators run now."""
    return [thread.name for thread in threading.enumerate() if "mentra-sim" in thread.name]
