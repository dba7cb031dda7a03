"""Requests that the cloud refuses: its error frame doesn't say which one, so its words must.

An error frame with one of a few codes refuses one request, after which the cloud closes the
connection (protocol.md, "Connection errors").  The calls that its message can be about fail with
it, as soon as the connection is gone: what the app sends next would be lost on the old one, and
now waits for the new one.  What no waiting call took is an error event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mentra_sync.errors import RequestFailed
from mentra_sync.runtime.closing import ERROR_TYPES, REFUSED_REQUEST_CODES
from mentra_sync.runtime.replies import Replies, failure
from mentra_sync.runtime.routing import Router
from mentra_sync.runtime.timers import Timers

_CLOSE_COMES_WITHIN = 0.2
"""Seconds after the error; the recorded cloud closes at once."""

_NOBODY_WAITS = (
    "calendar", "dashboard", "display", "layout", "location", "microphone", "notification",
    "subscription",
)  # fmt: skip
"""A message with one of these words is about something that no call waits for."""


@dataclass(frozen=True)
class _Refusable:
    """What a refusal means for the calls of one kind."""

    error: type[RequestFailed]
    words: tuple[str, ...]
    told: Callable[[RequestFailed], None] | None


class Refusals:
    """Reads the error frames of one session, and fails the calls that they are about."""

    def __init__(
        self,
        replies: Replies,
        router: Router,
        timers: Timers,
        report: Callable[[Exception], None],
        wake: Callable[[], None],
    ) -> None:
        """``report`` is told of errors that no call waited for; ``wake`` asks for :meth:`due`.

        All methods but :meth:`add` are for the connection thread.
        """
        self._replies = replies
        self._timers = timers
        self._report = report
        self._wake = wake
        self._open: list[tuple[str, str]] = []
        self._overdue = False  # set by the timer thread
        self._known: dict[str, _Refusable] = {}
        for frame_type in (*ERROR_TYPES, "websocket_error"):
            router.read(frame_type, self._read)

    def add(
        self,
        kind: str,
        error: type[RequestFailed],
        *words: str,
        told: Callable[[RequestFailed], None] | None = None,
    ) -> None:
        """Fail calls of ``kind`` with ``error`` when a message has one of ``words``, lower case.

        ``told`` hears of it before they fail, whether any waits or not.
        A kind that was not added goes by its own name, and fails with ``RequestFailed``.
        """
        self._known[kind] = _Refusable(error, words, told)

    def settle(self) -> None:
        """The connection is gone: fail the calls that what was refused can be about."""
        refused, self._open = self._open, []
        for code, message in refused:
            if not self._fail(code, message):
                self._report(failure(RequestFailed, code, message))

    def due(self) -> None:
        """Settle what the cloud has refused without closing the connection."""
        if self._overdue:
            self._overdue = False
            self.settle()

    def _read(self, frame: dict[str, Any]) -> None:
        code, message = frame.get("code"), frame.get("message")
        code = code if isinstance(code, str) else ""
        message = message if isinstance(message, str) and message else "the cloud gave no reason"
        if code in REFUSED_REQUEST_CODES and frame["type"] in ERROR_TYPES:
            self._open.append((code, message))
            self._timers.after(_CLOSE_COMES_WITHIN, self._late)
        else:
            self._report(failure(RequestFailed, code, message))

    def _late(self) -> None:
        self._overdue = True
        self._wake()

    def _fail(self, code: str, message: str) -> bool:
        """Fail the calls that a message can be about; whether there were any."""
        failed = False
        for kind in self._meant(message.lower()):
            known = self._known.get(kind)
            error = failure(RequestFailed if known is None else known.error, code, message)
            if known is not None and known.told is not None:
                known.told(error)
            failed |= self._replies.refuse([kind], error) > 0
        return failed

    def _meant(self, message: str) -> set[str]:
        """The kinds of calls that a message can be about; all when it names nothing at all."""
        kinds = {*self._known, *self._replies.kinds}
        meant = {kind for kind in kinds if any(word in message for word in self._words(kind))}
        if meant or any(word in message for word in _NOBODY_WAITS):
            return meant
        return kinds

    def _words(self, kind: str) -> tuple[str, ...]:
        known = self._known.get(kind)
        return (kind,) if known is None else known.words
