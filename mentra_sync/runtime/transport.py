"""A connected websocket: messages in, whole frames out, over TCP or TLS.

One thread, the reader, reads it and closes it; every thread may write.  Frames stand in one
queue in the order in which they were given, and whoever comes along writes as much of it as the
socket takes without blocking.  So the reader never waits for a write, and a full buffer in one
direction cannot stop the other.
"""

from __future__ import annotations

import collections
import contextlib
import os
import selectors
import socket
import ssl
import struct
import threading
import time

from mentra_sync.runtime.frames import (
    FrameParser,
    Message,
    Opcode,
    Violation,
    close_payload,
    encode,
)
from mentra_sync.runtime.limits import Limits
from mentra_sync.runtime.wakeup import Selector, Wakeup

_TLS_RECORD = 16 * 1024
"""OpenSSL hands out one record at a time, and none is larger."""

_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Disconnected(Exception):
    """The socket is gone, without a close frame."""


class Outgoing:
    """A frame on its way out. All fields belong to the lock of its transport."""

    __slots__ = ("begun", "data", "sent", "text", "written")

    def __init__(self, data: bytes, text: str | None) -> None:
        self.data = data
        self.text = text
        """What to keep for the next connection when this one breaks; None: nothing."""
        self.sent = 0
        self.begun: float | None = None
        """When its turn came; from then on it may already be encrypted, so it must not change."""
        self.written = False


class Transport:
    """Owns ``sock``, which is connected, upgraded and non-blocking, until :meth:`close`.

    ``heard_at`` is the moment (``time.monotonic()``) at which the last byte came.
    """

    def __init__(self, sock: socket.socket, wakeup: Wakeup, limits: Limits) -> None:
        self.heard_at = time.monotonic()
        self._sock = sock
        self._wakeup = wakeup
        self._limits = limits
        self._parser = FrameParser(limits.max_frame)
        self._more = True  # there may be bytes that waiting for the socket would not show
        self._read_wants_write = False  # TLS must write before it can read on
        # Guards everything below, and over TLS every read and write of the SSL object, which
        # OpenSSL does not allow at the same time.  Nobody waits for the network while holding it.
        self._lock = threading.Lock()
        self._progress = threading.Condition(self._lock)  # a writer may go on
        self._queue: collections.deque[Outgoing] = collections.deque()
        self._pong: Outgoing | None = None
        self._farewell: Outgoing | None = None  # our close frame: nothing is written behind it
        self._leading = False  # a writer is waiting for the socket, for all of them
        self._write_wants_read = False  # TLS must hear from the other side before it can write on
        self._broken: str | None = None
        self._overdue = False  # broken because the other side does not read
        self._closed = False
        self._tls = isinstance(sock, ssl.SSLSocket)
        self._tls_lock = self._lock if self._tls else contextlib.nullcontext()

    # --- Reading: the reader's thread only -----------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether one of the methods that close it has done so."""
        return self._closed

    @property
    def violation(self) -> Violation | None:
        """Why nothing more can be read, if the other side broke the protocol."""
        return self._parser.violation

    def read(self, until: float) -> list[Message]:
        """Wait for messages until the moment ``until`` (``time.monotonic()``), and return them.

        Returns earlier, perhaps with none, when bytes came or the wakeup was used; meanwhile it
        writes what is queued.  Raises :class:`Disconnected`, also when a frame was not wholly
        written in time.
        """
        if (not self._more or self._overdue) and not self._wait(until):
            return []
        data = self._receive()
        if not data:
            return []
        self.heard_at = time.monotonic()
        return self._parser.feed(data)

    def _wait(self, until: float) -> bool:
        """Wait for the socket; returns whether there is something to read."""
        with self._lock:
            write = self._may_write() and not self._leading and not self._write_wants_read
            until = until if self._leading else min(until, self._write_deadline())
        read = not self._read_wants_write
        readable, writable = self._wakeup.wait(
            self._sock, read=read, write=write or not read, timeout=until - time.monotonic()
        )
        if not read:
            readable = writable
        with self._lock:
            if writable:
                self._flush()
            self._check_write_deadline()
            # When writing failed, there may still be a close frame that says why.
            if self._broken is not None and (self._overdue or not readable):
                raise Disconnected(self._broken)
        return readable

    def _receive(self) -> bytes:
        """What the socket has, or nothing when that would mean to wait."""
        chunks: list[bytes] = []
        size = 0
        self._more = self._read_wants_write = False
        portion = _TLS_RECORD if self._tls else self._limits.read_ahead
        try:
            while size < self._limits.read_ahead:
                with self._tls_lock:
                    chunk = self._sock.recv(portion)
                if not chunk:
                    raise Disconnected("the connection was closed without a close frame")
                chunks.append(chunk)
                size += len(chunk)
                if not self._tls:
                    break
            self._more = size >= self._limits.read_ahead
        except (BlockingIOError, ssl.SSLWantReadError):
            pass  # over TLS only this tells that nothing is left inside it
        except ssl.SSLWantWriteError:
            self._read_wants_write = True
        except (OSError, Disconnected) as error:
            if not chunks:
                raise self._disconnected(error) from None
            self._more = True  # hand out what came before; the next call meets the error again
        if self._write_wants_read:
            self._go_on_writing()
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _disconnected(self, error: Exception) -> Disconnected:
        with self._lock:
            self._break(_words(error))
            return Disconnected(self._broken)

    # --- Writing: any thread -------------------------------------------------------------------

    @property
    def backlog(self) -> int:
        """How many frames are not wholly written."""
        return len(self._queue)

    def queue(self, data: bytes, text: str | None = None) -> Outgoing:
        """Put an encoded frame in the queue; :meth:`flush` writes it. Never blocks.

        ``text`` is what :meth:`take_unwritten` returns when it was not wholly written.
        """
        outgoing = Outgoing(data, text)
        with self._lock:
            self._queue.append(outgoing)
        return outgoing

    def flush(self) -> None:
        """Write what the socket takes at once. Never blocks."""
        with self._lock:
            self._flush()
            self._check_write_deadline()

    def wait_written(self, outgoing: Outgoing) -> None:
        """Block until ``outgoing`` is wholly written, or the connection is broken.

        Any thread but the reader's.  One of the threads that wait here waits for the socket, the
        others for that one; so none of them depends on the reader.
        """
        with self._lock:
            self._flush()
            try:
                while not outgoing.written and self._broken is None:
                    if self._leading or not self._may_write():
                        self._progress.wait()
                        continue
                    self._leading = True
                    try:
                        self._wait_writable()
                    finally:
                        self._leading = False
                    self._flush()
                    self._check_write_deadline()
                    self._progress.notify_all()
            finally:  # Ctrl+C may take this thread away while others wait for it
                if self._closed and not self._leading:
                    self._sock.close()
                elif self._may_write():
                    self._progress.notify_all()
                    self._wakeup.wake()  # the reader, or another writer, takes over

    def answer_ping(self, payload: bytes) -> None:
        """Queue and flush a pong; it takes the place of one that still waits its turn."""
        data = encode(Opcode.PONG, payload)
        with self._lock:
            pong = self._pong
            if pong is not None and not pong.written and pong.begun is None:
                pong.data = data
            else:
                self._pong = Outgoing(data, None)
                self._queue.append(self._pong)
            self._flush()

    def take_unwritten(self) -> list[str]:
        """The texts that were not wholly written, in order. Call it after :meth:`close`.

        Those that came after our own close frame are among them.
        """
        with self._lock:
            texts = [outgoing.text for outgoing in self._queue if outgoing.text is not None]
            self._queue.clear()
        return texts

    # --- Closing: the reader's thread only -----------------------------------------------------

    def answer_close(self, payload: bytes) -> None:
        """Answer a close frame with ``payload`` and close at once, without waiting for more.

        Blocks only while the answer cannot be written, ``Limits.close`` at most.
        """
        farewell = self._say_farewell(payload[:2])
        until = time.monotonic() + self._limits.close
        with contextlib.suppress(Disconnected):
            while not farewell.written and time.monotonic() < until:
                self.read(until)
        self.close()

    def close_with(self, code: int, reason: str, patience: float | None = None) -> None:
        """Write what is queued and a close frame, wait for the answer, and close.

        What comes meanwhile is dropped.  Blocks for ``patience`` seconds at most while it writes
        (None: ``Limits.write``), and then ``Limits.close`` for the answer (or, after a
        :attr:`violation`, for the end).  Does nothing when it is closed already.
        """
        if self._closed:
            return
        farewell = self._say_farewell(close_payload(code, reason))
        until = time.monotonic() + (self._limits.write if patience is None else patience)
        writing = True
        with contextlib.suppress(Disconnected):
            while time.monotonic() < until:
                if writing and farewell.written:
                    writing = False
                    until = time.monotonic() + self._limits.close
                if any(opcode == Opcode.CLOSE for opcode, _ in self.read(until)):
                    break
        self.close(abort=writing)

    def _say_farewell(self, payload: bytes) -> Outgoing:
        with self._lock:
            farewell = self._farewell = Outgoing(encode(Opcode.CLOSE, payload), None)
            self._queue.append(farewell)
            self._flush()
            self._check_write_deadline()
        return farewell

    def close(self, *, abort: bool = False) -> None:
        """Shut the socket down and close it, at once.

        With ``abort`` the other side is told by a reset, which no unsent byte can hold up.
        Threads in :meth:`wait_written` return.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._wakeup.forget()
            if abort:
                with contextlib.suppress(OSError):
                    self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._break("closed")
            with contextlib.suppress(OSError):
                # Not sock.shutdown(): over TLS that would turn it into a plain socket.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
            if not self._leading:  # else that writer closes it: its number must not be reused yet
                self._sock.close()

    # --- With the lock held --------------------------------------------------------------------

    def _may_write(self) -> bool:
        """Whether something is queued that may go out."""
        assert self._lock.locked()
        return bool(self._queue) and not (self._farewell and self._farewell.written)

    def _flush(self) -> None:
        """Write what the socket takes, unless a writer that waits for it will do so.

        Only that writer may: were its frame written by another, it would go on waiting.
        """
        assert self._lock.locked()
        while self._may_write() and self._broken is None and not self._leading:
            outgoing = self._queue[0]
            if outgoing.begun is None:
                outgoing.begun = time.monotonic()
            try:
                # After "would block" TLS must be given the very same bytes again: it is.
                outgoing.sent += self._sock.send(memoryview(outgoing.data)[outgoing.sent :])
            except ssl.SSLWantReadError:
                self._write_wants_read = True
                return
            except (BlockingIOError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                self._break(_words(error))
                return
            if outgoing.sent == len(outgoing.data):
                outgoing.written = True
                self._queue.popleft()

    def _go_on_writing(self) -> None:
        """TLS heard something: perhaps it can write again."""
        with self._lock:
            self._write_wants_read = False
            self._flush()
            self._progress.notify_all()

    def _wait_writable(self) -> None:
        """Give up the lock until the socket is writable or the head of the queue is too late."""
        assert self._lock.locked()
        timeout = self._write_deadline() - time.monotonic()
        if self._write_wants_read:
            self._progress.wait(max(0.0, timeout))
        else:
            self._lock.release()
            try:
                with Selector() as selector:
                    selector.register(self._sock, selectors.EVENT_WRITE)
                    selector.select(max(0.0, timeout))
            finally:
                self._lock.acquire()

    def _write_deadline(self) -> float:
        assert self._lock.locked()
        if not self._queue or self._queue[0].begun is None:
            return float("inf")
        return self._queue[0].begun + self._limits.write

    def _check_write_deadline(self) -> None:
        if time.monotonic() >= self._write_deadline() and not self._leading:
            self._flush()
            if time.monotonic() >= self._write_deadline():
                self._overdue = True
                self._break(f"a frame was not wholly written after {self._limits.write:g} s")

    def _break(self, reason: str) -> None:
        """Nothing more is written, and the reader is told."""
        assert self._lock.locked()
        if self._broken is None:
            self._broken = reason
            self._progress.notify_all()
            self._wakeup.wake()


def _words(error: Exception) -> str:
    """What an error says, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
