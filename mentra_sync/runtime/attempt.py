"""One attempt to connect: dial, say who we are, wait to be acknowledged; all in one deadline."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mentra_sync.clock import Deadline
from mentra_sync.errors import ConnectionFailed
from mentra_sync.log import own_logger
from mentra_sync.protocol.codec import MalformedMessage, parse
from mentra_sync.runtime.closing import (
    ERROR_TYPES,
    POLICY_VIOLATION,
    Ending,
    ErrorFrame,
    Secret,
    printable,
    reason_in_words,
)
from mentra_sync.runtime.dial import Cancelled, dial
from mentra_sync.runtime.frames import Message, Opcode, encode, read_close
from mentra_sync.runtime.hosts import Target
from mentra_sync.runtime.limits import Limits
from mentra_sync.runtime.transport import Disconnected, Transport
from mentra_sync.runtime.wakeup import Wakeup

logger = own_logger(__name__)

ACK = "tpa_connection_ack"


class AttemptFailed(Exception):
    """The cloud was not reached, or did not accept us."""

    def __init__(
        self,
        error: ConnectionFailed,
        *,
        ending: Ending | None = None,
        unexplained_refusal: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.ending = ending
        """The cloud said in words that the session is over."""
        self.unexplained_refusal = unexplained_refusal
        """It closed with 1008 and without an error frame before it."""


@dataclass(frozen=True)
class Accepted:
    """A connection that the cloud has acknowledged."""

    transport: Transport
    ack: dict[str, Any]
    messages: list[Message]
    """What came together with the acknowledgement, after it."""


@dataclass(frozen=True)
class Attempt:
    """What every attempt of one connection has in common."""

    target: Target
    wakeup: Wakeup
    cancelled: Callable[[], bool]
    limits: Limits
    secret: Secret
    tls: ssl.SSLContext | None = None

    def run(self, init_frame: str, deadline: Deadline) -> Accepted:
        """Connect and be acknowledged before ``deadline``; the caller owns the transport then.

        Raises :class:`AttemptFailed`, or :class:`Cancelled` soon after ``cancelled()`` came true
        and the wakeup was used.
        """
        try:
            sock = dial(self.target, deadline, self.wakeup, self.cancelled, self.tls)
        except ConnectionFailed as error:
            raise AttemptFailed(error) from None
        transport = Transport(sock, self.wakeup, self.limits)
        try:
            transport.queue(encode(Opcode.TEXT, init_frame))
            transport.flush()
            return _Introduction(self, transport, deadline).run()
        except BaseException:
            # A reset cannot be held up: the cloud must see this end before the next beginning.
            transport.close(abort=True)
            raise

    def check_cancelled(self) -> None:
        """Raise :class:`Cancelled` when nobody wants the connection any more."""
        if self.cancelled():
            raise Cancelled


class _Introduction:
    """From the first frame to its answer."""

    def __init__(self, attempt: Attempt, transport: Transport, deadline: Deadline) -> None:
        self._attempt = attempt
        self._transport = transport
        self._until = time.monotonic() + deadline.remaining
        self._error: ErrorFrame | None = None

    def run(self) -> Accepted:
        while True:
            self._attempt.check_cancelled()
            if time.monotonic() >= self._until:
                raise self._failed("it did not acknowledge the connection in time")
            try:
                messages = self._transport.read(self._until)
            except Disconnected as error:
                raise self._failed(str(error)) from None
            for index, (opcode, payload) in enumerate(messages):
                ack = self._take(opcode, payload)
                if ack is not None:
                    return Accepted(self._transport, ack, messages[index + 1 :])
            violation = self._transport.violation
            if violation is not None:
                self._transport.close_with(violation.code, violation.reason)
                raise self._failed(violation.reason)

    def _take(self, opcode: int, payload: bytes) -> dict[str, Any] | None:
        """Take one message; returns it when it is the acknowledgement."""
        if opcode == Opcode.PING:
            self._transport.answer_ping(payload)
        elif opcode == Opcode.CLOSE:
            raise self._closed(payload)
        elif opcode == Opcode.TEXT:
            return self._take_text(payload)
        return None

    def _take_text(self, payload: bytes) -> dict[str, Any] | None:
        try:
            frame = parse(payload)
        except MalformedMessage:
            frame = {}
        kind = frame.get("type")
        if kind == ACK and self._error is None:
            return frame
        if isinstance(kind, str) and kind in ERROR_TYPES:
            self._error = self._error or ErrorFrame.read(self._attempt.secret.hide_in_error(frame))
            # The close frame that follows need not be waited for as long as an acknowledgement.
            self._until = min(self._until, time.monotonic() + self._attempt.limits.close)
        else:
            logger.debug("dropped a frame that came before the acknowledgement")
        return None

    def _closed(self, payload: bytes) -> AttemptFailed:
        """The cloud has closed: answer, and say why."""
        self._transport.answer_close(payload)
        code, words = read_close(payload)
        words = self._attempt.secret.hide_in(words)
        failed = self._failed(
            f"it closed the connection: {printable(words) or 'no reason'} ({code})"
        )
        reason = reason_in_words(words)
        if reason is not None:
            failed.ending = Ending(reason, code, words)
        failed.unexplained_refusal = code == POLICY_VIOLATION and self._error is None
        return failed

    def _failed(self, why: str) -> AttemptFailed:
        code = None
        if self._error is not None:
            code = self._error.code
            why = f"it refused the connection: {self._error.message or 'no reason'}"
            why += f" ({code})" if code else ""
        whom = self._attempt.target.authority
        return AttemptFailed(ConnectionFailed(f"{whom} did not accept us: {why}", code))
