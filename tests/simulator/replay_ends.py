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
from typing import Any

import websocket
from post_server import Post, PostServer
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


def app_server(hooked: Callable[[Hook], None]) -> PostServer:
    """The HTTP server of all apps; every request waits until it is answered."""

    def answer(post: Post) -> tuple[int, bytes]:
        request = {"path": post.path, "headers": post.headers, "body": json.loads(post.body)}
        one = Hook(request, post.connection)
        hooked(one)
        one.answered.wait(PATIENCE)
        status, said = one.answer or (200, {"status": "success"})
        return status, json.dumps(said).encode()

    return PostServer(answer)
