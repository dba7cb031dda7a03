"""One websocket at the simulator's end: read on its request's thread, written from any.

flask-sock finds the route and shakes hands; from there on this module works the connection
itself.  simple-websocket, which it uses, reads on a second thread into a list without a limit,
and lets two writers run into each other.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from wsproto import WSConnection
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from mentra_sync.simulator import limits
from mentra_sync.simulator.schedule import Schedule

logger = logging.getLogger(__name__)

READ_BYTES = 64 * 1024

SHAKING_FAILED = RemoteProtocolError
"""What a bad upgrade request raises, before there is a websocket."""


class Accepted(Protocol):
    """What flask-sock hands to a route: a websocket that has shaken hands."""

    sock: socket.socket
    ws: WSConnection
    connected: bool


class NoThread:
    """In place of simple-websocket's reading thread, which is not wanted."""

    def __init__(self, target: object = None) -> None:
        self.name = ""

    def start(self) -> None:
        """Do nothing."""


class WebSocket:
    """A websocket that has been accepted.

    ``serve`` belongs to the thread of the request; everything else may be called from any
    thread and never blocks.  The other side is pinged by ``schedule``, in wire time.
    ``close_code`` and ``close_reason`` tell afterwards how the other side ended it (None:
    without a close frame).
    """

    def __init__(
        self,
        accepted: Accepted,
        schedule: Schedule,
        *,
        max_frame: int,
        pong_timeout: float | None = None,
    ) -> None:
        self.close_code: int | None = None
        self.close_reason = ""
        self._accepted = accepted
        self._socket: socket.socket = accepted.sock
        self._socket.setblocking(False)
        # Small frames go out at once, not when the last one has been acknowledged.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._max_frame = max_frame
        self._pong_timeout = pong_timeout
        self._parts: list[Any] = []
        self._size = 0
        self._schedule = schedule
        self._last_pong = schedule.clock.now()
        self._deaf = False
        self._lock = threading.Lock()  # guards everything below
        self._asked: dict[bytes, Callable[[], object]] = {}
        self._questions = itertools.count(1)
        self._wire = accepted.ws
        self._unsent = bytearray()
        self._closing_until: float | None = None
        self._over = False
        self._waker, self._wakened = socket.socketpair()
        self._waker.setblocking(False)
        self._wakened.setblocking(False)
        self._next_ping = schedule.after(limits.PING_INTERVAL, self._ping)

    def send(self, message: str | bytes) -> bool:
        """Send a text or binary message; False when the connection is closing or gone."""
        event = (
            TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        )
        with self._lock:
            if self._over or self._closing_until is not None:
                return False
            return self._write(event)

    def when_caught_up(self, done: Callable[[], object]) -> None:
        """Call ``done`` when the peer has worked on all that was sent so far, and we on its own.

        It is asked by a ping, whose pong comes behind everything else.  Called on the reading
        thread, or at once when the connection is closing; at its end at the latest.
        """
        with self._lock:
            if not (self._over or self._closing_until is not None):
                question = b"caught up? %d" % next(self._questions)
                self._asked[question] = done
                self._write(Ping(payload=question))
                return
        done()

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; the connection ends when it is answered, or a second later."""
        with self._lock:
            if self._over or self._closing_until is not None:
                return
            self._write(CloseConnection(code=code, reason=reason))
            self._closing_until = time.monotonic() + limits.CLOSE_TIMEOUT
            self._wake()

    def abort(self) -> None:
        """End the connection without a word, as a lost network does."""
        with self._lock:
            self._over = True
            self._wake()

    def serve(
        self,
        receive: Callable[[str | bytes], None],
        began: Callable[[], None] = lambda: None,
    ) -> None:
        """Call ``began``, then pass every message to ``receive``, on this thread, until the end.

        What they raise is logged, and ends the connection.
        """
        try:
            self._do(began)
            with selectors.DefaultSelector() as selector:
                selector.register(self._wakened, selectors.EVENT_READ)
                selector.register(self._socket, selectors.EVENT_READ)
                while self._wait(selector):
                    for message in self._read():
                        self._hand_over(message, receive)
        finally:
            self._end()

    def _hand_over(self, message: str | bytes, receive: Callable[[str | bytes], None]) -> None:
        with self._lock:
            if self._over or self._closing_until is not None:
                return
        self._do(lambda: receive(message))

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:
            logger.exception("the simulator failed at a message")
            self.close(1011, "Internal server error")

    def _wait(self, selector: selectors.BaseSelector) -> bool:
        """Sleep until there is something to read or do; False when it is over."""
        with self._lock:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
            until = self._closing_until
            if self._over:
                return False
        selector.modify(self._socket, wanted)
        selector.select(None if until is None else max(0.0, until - time.monotonic()))
        with contextlib.suppress(BlockingIOError, InterruptedError):
            self._wakened.recv(READ_BYTES)
        with self._lock:
            if self._closing_until is not None:
                self._over = self._over or time.monotonic() >= self._closing_until
            self._flush()
        return True

    def _ping(self) -> None:
        """Ask whether the other side is there, on the schedule's thread."""
        silent = self._schedule.clock.now() - self._last_pong
        if self._pong_timeout is not None and silent > self._pong_timeout:
            self.close(1001, "Ping timeout")
            return
        with self._lock:
            if not self._over and self._closing_until is None:
                self._write(Ping())
                self._next_ping = self._schedule.after(limits.PING_INTERVAL, self._ping)

    def _read(self) -> Iterator[str | bytes]:
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.abort()
        elif not self._deaf:
            with self._lock:
                events = self._parse(data)
            for event in events:
                yield from self._happened(event)

    def _parse(self, data: bytes) -> list[Event]:
        try:
            self._wire.receive_data(data)
            return list(self._wire.events())
        except (RemoteProtocolError, LocalProtocolError):
            return [CloseConnection(code=1002, reason="Protocol error")]

    def _happened(self, event: Event) -> Iterator[str | bytes]:
        if isinstance(event, TextMessage | BytesMessage):
            yield from self._received(event)
        elif isinstance(event, Ping):
            with self._lock:
                self._write(event.response())
        elif isinstance(event, Pong):
            self._last_pong = self._schedule.clock.now()
            self._answered(bytes(event.payload))
        elif isinstance(event, CloseConnection):
            self._closed(event)

    def _received(self, event: TextMessage | BytesMessage) -> Iterator[str | bytes]:
        self._size += len(event.data)
        if self._size > self._max_frame:
            self._parts.clear()
            self.close(1009, "Message too big")
            return
        self._parts.append(event.data)
        if event.message_finished:
            text = isinstance(event, TextMessage)
            message: str | bytes = "".join(self._parts) if text else b"".join(self._parts)
            self._parts.clear()
            self._size = 0
            yield message

    def _closed(self, event: CloseConnection) -> None:
        """The other side has said goodbye, or something that no websocket says."""
        self._deaf = True
        with self._lock:
            if self._closing_until is None:
                self.close_code, self.close_reason = event.code, event.reason or ""
                self._write(event.response())
            self._flush()
            self._over = True

    def _answered(self, question: bytes | None) -> None:
        """A pong has come; peers may leave out those before it. None: no more will come."""
        with self._lock:
            asked = list(self._asked)
            if question is not None:
                asked = asked[: asked.index(question) + 1] if question in asked else []
            done = [self._asked.pop(one) for one in asked]
        for function in done:
            function()

    def _write(self, event: Event) -> bool:
        """Put one event on the wire, as much as goes; ``_lock`` is held."""
        assert self._lock.locked()
        try:
            self._unsent += self._wire.send(event)
        except LocalProtocolError:
            return False
        self._flush()
        if self._unsent:
            self._over = self._over or len(self._unsent) > limits.MAX_UNSENT
            self._wake()
        return True

    def _flush(self) -> None:
        assert self._lock.locked()
        if not self._unsent:
            return
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._unsent.clear()
            self._over = True
            self._wake()

    def _wake(self) -> None:
        # A full pipe means that the reader has been woken often enough.
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def _end(self) -> None:
        with self._lock:
            self._over = True
            self._next_ping.cancel()
            # flask-sock closes what it thinks open, and werkzeug answers with a page of HTTP:
            # neither must reach the wire.
            self._accepted.connected = False
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._waker.close()
            self._wakened.close()
        self._answered(None)
