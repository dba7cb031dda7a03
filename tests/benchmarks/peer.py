"""A cloud that sends frames as fast as it can, or at a steady rate, in a process of its own.

The benchmarks measure what a client makes of them; nothing here is measured.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import multiprocessing
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import requests

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CHUNK = 64


def start_session(port: int, peer: Peer) -> None:
    """Have the app on ``port`` of this machine connect to a peer, as the cloud would."""
    answer = requests.post(
        f"http://127.0.0.1:{port}/webhook",
        json={
            "type": "session_request",
            "sessionId": "wearer@example.com-com.example.benchmark",
            "userId": "wearer@example.com",
            "mentraOSWebsocketUrl": peer.url,
        },
        timeout=10,
    )
    assert answer.ok, answer.text


def transcription_frame(stream: str, number: int) -> bytes:
    """A ``data_stream`` frame of about 450 bytes, as the recorded cloud sends them."""
    text = "the quick brown fox jumps over the lazy dog and goes on to say something more"
    return json.dumps(
        {
            "type": "data_stream",
            "sessionId": "wearer@example.com-com.example.benchmark",
            "streamType": stream,
            "data": {
                "type": "transcription",
                "text": text,
                "isFinal": number % 2 == 0,
                "confidence": 0.93,
                "startTime": 1795336968020,
                "endTime": 1795336969020 + number,
                "transcribeLanguage": "en-US",
                "provider": "soniox",
                "metadata": {"provider": "soniox"},
            },
            "timestamp": "2026-11-22T08:42:48.111Z",
        }
    ).encode()


class Peer:
    """The cloud's process: give it a client on :attr:`port`, and it plays one scenario."""

    def __init__(self, scenario: str, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, scenario, arguments))
        self._process.start()
        self._pipe = ours
        self.port: int = ours.recv()

    @property
    def url(self) -> str:
        """Where the client dials."""
        return f"ws://127.0.0.1:{self.port}/app-ws"

    def result(self) -> Any:
        """What the scenario returned, once it is over."""
        return self._pipe.recv()

    def join(self) -> None:
        """Wait for the process, which ends when its client has gone."""
        self._process.join()


def _serve(pipe: Any, scenario: str, arguments: tuple[Any, ...]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire = _Wire(client)
    wire.shake_hands()
    result = _SCENARIOS[scenario](wire, *arguments)
    pipe.send(result)
    with contextlib.suppress(OSError):
        while client.recv(65536):
            pass


class _Wire:
    """The least of a websocket's server side."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.frames = self._read()

    def shake_hands(self) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.client.recv(65536)
        key = request.lower().split(b"sec-websocket-key:")[1].split(b"\r\n")[0].strip()
        at = request.lower().index(key)
        accept = base64.b64encode(hashlib.sha1(request[at : at + len(key)] + _GUID).digest())
        self.client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def acknowledge(self) -> None:
        """Take the init frame, accept it, and wait for the subscriptions."""
        next(self.frames)
        self.client.sendall(frame(b'{"type":"tpa_connection_ack","settings":[]}'))
        while b"subscription_update" not in next(self.frames):
            pass

    def _read(self) -> Iterator[bytes]:
        """The client's frames, unmasked."""
        buffer = b""

        def need(count: int) -> None:
            nonlocal buffer
            while len(buffer) < count:
                more = self.client.recv(65536)
                if not more:
                    raise EOFError
                buffer += more

        while True:
            need(6)
            length, at = buffer[1] & 0x7F, 2
            if length == 126:
                need(8)
                length, at = struct.unpack("!H", buffer[2:4])[0], 4
            need(at + 4 + length)
            mask, body = buffer[at : at + 4], buffer[at + 4 : at + 4 + length]
            buffer = buffer[at + 4 + length :]
            yield bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))


def frame(payload: bytes) -> bytes:
    """A text frame as a server sends it."""
    length = len(payload)
    head = (
        struct.pack("!BB", 0x81, length) if length < 126 else struct.pack("!BBH", 0x81, 126, length)
    )
    return head + payload


def _flood(wire: _Wire, stream: str, count: int, is_app: bool) -> None:
    """Send ``count`` frames of a stream as fast as the client takes them, then one of the end."""
    if is_app:
        wire.acknowledge()
    else:
        next(wire.frames)
    made = [frame(transcription_frame(stream, number)) for number in range(1000)]
    chunks = [b"".join(made[at : at + _CHUNK]) for at in range(0, len(made), _CHUNK)]
    sent = 0
    while sent < count:
        for chunk in chunks:
            wire.client.sendall(chunk)
        sent += len(made)
    end = {"type": "data_stream", "streamType": "button_press", "data": {"buttonId": "end"}}
    wire.client.sendall(frame(json.dumps(end).encode()))


def _echoes(wire: _Wire, count: int, rate: float, is_app: bool) -> list[float]:
    """Send frames at a rate; return how long each took to come back as a display, in seconds."""
    if is_app:
        wire.acknowledge()
    else:
        next(wire.frames)
    took = []
    due = time.perf_counter()
    for number in range(count):
        due += 1 / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        data = frame(transcription_frame("transcription:en-US", number))
        began = time.perf_counter()
        wire.client.sendall(data)
        while b"display_event" not in next(wire.frames):
            pass
        took.append(time.perf_counter() - began)
    return took


_SCENARIOS = {"flood": _flood, "echoes": _echoes}
