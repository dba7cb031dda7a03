"""An acknowledged connection, from its first frame to whatever ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mentra_sync.protocol.codec import MalformedMessage, parse
from mentra_sync.runtime.closing import (
    ERROR_TYPES,
    Ending,
    ErrorFrame,
    Loss,
    Secret,
    is_fatal,
    meaning_of_close,
    rejected,
)
from mentra_sync.runtime.frames import Message, Opcode, read_close
from mentra_sync.runtime.limits import Limits
from mentra_sync.runtime.owner import Owner, call
from mentra_sync.runtime.transport import Disconnected, Transport

_NOTED_TYPES = ERROR_TYPES | {"app_stopped"}

_ERROR_EXPLAINS_CLOSE = 5.0
"""A close comes right behind its error frame; one that comes later has another cause."""


@dataclass
class Signals:
    """What other threads want of the connection thread, which they wake after they set it."""

    end: bool = False
    due: bool = False


class Live:
    """Reads one connection and hands on what comes. The connection thread only."""

    def __init__(
        self,
        transport: Transport,
        owner: Owner,
        signals: Signals,
        limits: Limits,
        secret: Secret,
    ) -> None:
        self._transport = transport
        self._secret = secret
        self._owner = owner
        self._signals = signals
        self._limits = limits
        self._app_stopped = False
        self._error: ErrorFrame | None = None
        self._error_at = 0.0
        self.brought = False
        """Whether anything has come but control frames."""

    def run(self, messages: list[Message]) -> Ending | Loss | None:
        """Hand on ``messages``, then whatever comes, until the connection or the session ends.

        Returns None as soon as ``signals.end`` is set: the connection is still open then.  A
        close frame has been answered and the transport closed.
        """
        try:
            while True:
                result = self._take_all(messages)
                if result is not None or self._signals.end:
                    return result
                violation = self._transport.violation
                if violation is not None:
                    return Loss(violation.code, violation.reason, violation=True)
                messages = self._transport.read(self._silent_at())
                if time.monotonic() >= self._silent_at():
                    return Loss(None, f"silence for {self._limits.silence:g} s", abort=True)
        except Disconnected as error:
            return Loss(None, str(error), abort=True)

    def wait_for_close(self, until: Callable[[], float]) -> bool:
        """Leave it to the cloud to close, until the moment ``until()``; returns whether it did.

        What comes is dropped.  ``until`` is asked again after each wake-up.
        """
        try:
            while not self._transport.closed:
                if time.monotonic() >= until() or self._transport.violation is not None:
                    return False
                self._drop(self._transport.read(until()))
        except Disconnected:
            self._transport.close()
        return True

    def _take_all(self, messages: list[Message]) -> Ending | Loss | None:
        """Hand on a batch, and between its messages see to what else is to be done."""
        transport, signals = self._transport, self._signals
        if signals.due:
            self._call_due()
        rest = iter(messages)
        for opcode, payload in rest:
            if signals.end:
                self._drop([(opcode, payload), *rest])
                return None
            result = self._take_text(payload) if opcode == 1 else self._take(opcode, payload)
            if result is not None:
                self._drop(rest)
                return result
            if transport.backlog:
                transport.flush()
            if signals.due:
                self._call_due()
        return None

    def _drop(self, messages: Iterable[Message]) -> None:
        """Drop what came too late; pings and a close frame are answered all the same."""
        for opcode, payload in messages:
            if opcode == Opcode.PING:
                self._transport.answer_ping(payload)
            elif opcode == Opcode.CLOSE:
                self._transport.answer_close(payload)

    def _take_text(self, payload: bytes) -> Ending | None:
        self.brought = True
        try:
            frame = parse(payload)
            kind = frame.get("type")
            if kind.__class__ is not str or not kind:
                raise MalformedMessage("a message must have a type")
        except MalformedMessage as error:
            call(self._owner.malformed, error)
            return None
        if kind not in _NOTED_TYPES:
            call(self._owner.received, frame)
            return None
        frame = self._secret.hide_in_error(frame)
        call(self._owner.received, frame)
        return self._note(kind, frame)

    def _take(self, opcode: int, payload: bytes) -> Ending | Loss | None:
        if opcode == Opcode.BINARY:
            self.brought = True
            call(self._owner.received_audio, payload)
        elif opcode == Opcode.PING:
            self._transport.answer_ping(payload)
        elif opcode == Opcode.CLOSE:
            self._transport.answer_close(payload)
            code, words = read_close(payload)
            reason = self._secret.hide_in(words)
            return meaning_of_close(
                code, reason, app_stopped=self._app_stopped, error=self._recent_error()
            )
        return None

    def _note(self, kind: str, frame: dict[str, Any]) -> Ending | None:
        """Remember what a close frame that follows will mean."""
        if kind not in ERROR_TYPES:
            self._app_stopped = True
            return None
        error = ErrorFrame.read(frame)
        if error.code is not None and is_fatal(error.code, first=False):
            return Ending(rejected(error.code), None, error.message)
        self._error = error
        self._error_at = time.monotonic()
        return None

    def _silent_at(self) -> float:
        return self._transport.heard_at + self._limits.silence

    def _recent_error(self) -> ErrorFrame | None:
        recent = time.monotonic() - self._error_at < _ERROR_EXPLAINS_CLOSE
        return self._error if recent else None

    def _call_due(self) -> None:
        self._signals.due = False  # before the call: what is wanted meanwhile is seen afterwards
        call(self._owner.due)
