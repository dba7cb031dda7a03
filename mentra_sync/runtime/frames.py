"""The websocket's framing (RFC 6455, section 5): bytes to messages, as a client reads them.

websocket-client builds the frames that we write.  Its reader asks the socket three times for
each frame and keeps an object for it, which costs a multiple of everything else that happens to
an event; so the reading side is here, fed with whatever the socket had.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from websocket import ABNF

from mentra_sync import config


class Opcode(enum.IntEnum):
    """What a message is."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


Message = tuple[int, bytes]
"""An :class:`Opcode` (a plain int, for speed) and its payload, fragments put together."""

NORMAL = 1000
PROTOCOL_ERROR = 1002
TOO_BIG = 1009

_FIN = 0x80
_RESERVED_BITS = 0x70
_CONTROL = 0x08
_MASKED = 0x80
_WHOLE_TEXT = 0x81


class Violation(NamedTuple):
    """Why the other side cannot be read on: the code to close with, and the words."""

    code: int
    reason: str


class FrameParser:
    """Puts messages together from bytes that arrive in any portions. Not thread-safe.

    A message is refused by its header when it (or the sum of its fragments) is larger than
    ``limit`` bytes.  After a close frame, or a :class:`Violation`, everything else is ignored.
    """

    def __init__(self, limit: int = config.MAX_FRAME_BYTES) -> None:
        self.violation: Violation | None = None
        self._limit = limit
        self._closed = False
        self._header = b""  # the beginning of a frame, less than its header
        self._body: bytearray | None = None  # the beginning of a body whose header was whole
        self._body_first = 0  # the first byte of that frame
        self._body_length = 0
        self._fragments: bytearray | None = None  # a message whose last frame is still to come
        self._fragments_opcode = 0

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes; returns the messages that are now complete, in order.

        When ``violation`` is set afterwards, the messages are those that came before it.
        """
        messages: list[Message] = []
        if self.violation is not None or self._closed:
            return messages
        position = 0
        if self._body is not None:
            position = self._body_length - len(self._body)
            self._body += memoryview(data)[:position]
            if len(self._body) < self._body_length:
                return messages
            body, self._body = bytes(self._body), None
            self._frame(self._body_first, body, messages)
            if self._closed or self.violation is not None:
                return messages
        elif self._header:
            data = self._header + data
            self._header = b""
        if position < len(data):
            self._frames(data, position, messages)
        return messages

    def _frames(self, data: bytes, position: int, messages: list[Message]) -> None:
        """Take every whole frame of ``data`` from ``position`` on, and keep the rest.

        This runs once for each event of the session: what most frames need stands in line.
        """
        size = len(data)
        append = messages.append
        while size - position >= 2:
            start = position
            first = data[position]
            length = data[position + 1]
            position += 2
            if length >= 126:
                if length >= _MASKED:
                    self._fail(PROTOCOL_ERROR, "masked frame")
                    return
                width = 2 if length == 126 else 8
                if size - position < width:
                    position = start
                    break
                length = int.from_bytes(data[position : position + width], "big")
                position += width
            if first != _WHOLE_TEXT or length > self._limit or self._fragments is not None:
                self._check(first, length)
                if self.violation is not None:
                    return
            end = position + length
            if end > size:
                self._body = bytearray(memoryview(data)[position:])
                self._body_first = first
                self._body_length = length
                return
            if first == _WHOLE_TEXT:
                append((1, data[position:end]))
            else:
                self._frame(first, data[position:end], messages)
                if self._closed or self.violation is not None:
                    return
            position = end
        if position < size:
            self._header = data[position:]

    def _check(self, first: int, length: int) -> None:
        """Refuse a frame by its header alone."""
        opcode = first & 0x0F
        if first & _RESERVED_BITS:
            self._fail(PROTOCOL_ERROR, "reserved bits are set")
        elif opcode not in ABNF.OPCODES:
            self._fail(PROTOCOL_ERROR, f"unknown opcode {opcode}")
        elif opcode & _CONTROL:
            if length > 125 or not first & _FIN:
                self._fail(PROTOCOL_ERROR, "control frame is too long or fragmented")
        elif (opcode == Opcode.CONTINUATION) != (self._fragments is not None):
            self._fail(PROTOCOL_ERROR, "continuation out of place")
        elif length + len(self._fragments or b"") > self._limit:
            self._fail(TOO_BIG, f"message is larger than {self._limit} bytes")

    def _frame(self, first: int, body: bytes, messages: list[Message]) -> None:
        """Take a whole frame whose header was in order."""
        opcode = first & 0x0F
        if opcode & _CONTROL:
            if opcode == Opcode.CLOSE and not _is_close_payload(body):
                self._fail(PROTOCOL_ERROR, "invalid close frame")
                return
            self._closed = opcode == Opcode.CLOSE
            messages.append((opcode, body))
        elif first & _FIN and self._fragments is None:
            messages.append((opcode, body))
        else:
            if self._fragments is None:
                self._fragments = bytearray()
                self._fragments_opcode = opcode
            self._fragments += body
            if first & _FIN:
                messages.append((self._fragments_opcode, bytes(self._fragments)))
                self._fragments = None

    def _fail(self, code: int, reason: str) -> None:
        self.violation = Violation(code, reason)


def close_payload(code: int, reason: str) -> bytes:
    """The payload of a close frame; a reason too long for a control frame is cut."""
    words = reason.encode()[:123].decode(errors="ignore")
    return code.to_bytes(2, "big") + words.encode()


def read_close(payload: bytes) -> tuple[int | None, str]:
    """Code and reason of a close frame's payload; no code is None."""
    if not payload:
        return None, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace")


def encode(opcode: Opcode, payload: str | bytes) -> bytes:
    """One whole masked frame, ready to be written."""
    data = payload.encode() if isinstance(payload, str) else payload
    frame: bytes = ABNF.create_frame(data, int(opcode)).format()
    return frame


def _is_close_payload(payload: bytes) -> bool:
    """Whether a close frame's code may stand on the wire (RFC 6455, section 7.4)."""
    if len(payload) < 2:
        return not payload
    code = int.from_bytes(payload[:2], "big")
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999
