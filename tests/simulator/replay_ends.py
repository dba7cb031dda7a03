"""The recorded app and phone: websockets that tell all they see, and an HTTP server."""

from __future__ import annotations

import itertools
import json
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import websocket
from raw_app import RawSocket

PATIENCE = 20.0

Frame = dict[str, Any]
Note = Callable[[str, str, Any], None]


class EndSocket(RawSocket):
    """One websocket of the recording's app or phone, which tells everything that it sees."""

    def __init__(self, url: str, channel: str, note: Note, header: list[str]) -> None:
        self._note = note
        self._channel = channel
        self._numbers = itertools.count()
        self._changed = threading.Condition()  # guards the next two
        self._pong = b""
        self.over = False
        super().__init__(url, header=header)

    def send_text(self, message: str | bytes) -> None:
        with suppress(OSError, websocket.WebSocketException):
            self.send(message)

    def barrier(self) -> None:
        """Return when the cloud has read all we sent, and we have read all it sent before."""
        payload = str(next(self._numbers)).encode()
        with suppress(OSError, websocket.WebSocketException):
            self._socket.ping(payload.decode())
        with self._changed:
            arrived = self._changed.wait_for(lambda: self.over or self._pong == payload, PATIENCE)
        assert arrived, f"{self._channel}: the cloud did not answer a ping"

    def _read(self) -> None:
        with suppress(OSError, websocket.WebSocketException):
            while True:
                opcode, data = self._socket.recv_data(control_frame=True)
                if opcode == websocket.ABNF.OPCODE_PONG:
                    with self._changed:
                        self._pong = data
                        self._changed.notify_all()
                elif opcode == websocket.ABNF.OPCODE_TEXT:
                    self._note(self._channel, "frame", json.loads(data))
                elif opcode == websocket.ABNF.OPCODE_BINARY:
                    self._note(self._channel, "binary", [len(data), data[:64].hex()])
                elif opcode == websocket.ABNF.OPCODE_PING:
                    self._note(self._channel, "ping", None)
                elif opcode == websocket.ABNF.OPCODE_CLOSE:
                    code = int.from_bytes(data[:2], "big") if len(data) >= 2 else None
                    self._note(self._channel, "close", [code, data[2:].decode()])
                    break
        self._socket.shutdown()
        with self._changed:
            self.over = True
            self._changed.notify_all()


@dataclass(eq=False)
class Hook:
    """A request of the cloud to the app, which waits for its answer."""

    request: Frame
    connection: socket.socket
    answer: tuple[int, Any] | None = None
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def given_up(self) -> bool:
        """Whether the cloud does not wait any more."""
        with suppress(OSError, ValueError):
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
        return True


class AppServer:
    """The HTTP server of all apps; every request waits until it is answered."""

    def __init__(self, hooked: Callable[[Hook], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                request = {"path": self.path, "headers": dict(self.headers), "body": body}
                one = Hook(request, self.connection)
                hooked(one)
                one.answered.wait(PATIENCE)
                status, said = one.answer or (200, {"status": "success"})
                data = json.dumps(said).encode()
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)
