"""When displays go out: the first of a quiet time at once, then the newest when its turn comes.

The cloud passes on one display every 300 ms and, by a fault, can leave an older one on the lens
(protocol.md, section 5).  A session that keeps a little more distance itself is safe from it, and
what it skips would not have been seen anyway.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from mentra_sync.protocol.commands import DisplayEvent
from mentra_sync.runtime.timers import Alarm, Timers


class DisplayPacer:
    """One session's displays on their way out, by view; views that wait take turns."""

    def __init__(
        self,
        timers: Timers,
        interval: float,
        *,
        connected: Callable[[], bool],
        send: Callable[[DisplayEvent], None],
        wake: Callable[[], None],
    ) -> None:
        """``interval`` is in seconds of session time; 0 sends every display at once.

        ``wake`` asks for a call of :meth:`due` on the connection thread.
        """
        self._timers = timers
        self._interval = interval
        self._connected = connected
        self._send = send
        self._wake = wake
        self._lock = threading.Lock()
        # Set by any thread:
        self._asked = False  # for what is due
        self._stopped = False
        # Guarded by _lock, which is held while a display is written so that none overtakes another:
        # None stands for what was last shown on a view, for as long as it is left to last.
        self._waiting: dict[str, DisplayEvent | None] = {}
        self._last: dict[str, tuple[DisplayEvent, float]] = {}
        self._next_turn = 0.0
        self._alarm: Alarm | None = None

    def show(self, display: DisplayEvent) -> None:
        """Send a display now or when its turn comes. From any thread; never waits for the turn."""
        try:
            with self._lock:
                # A newer display of a view takes the place of the older one in the line.
                self._waiting[display.view] = display
                self._send_due()
        finally:
            self._send_what_was_asked_for()

    def due(self) -> None:
        """Send what has its turn. On the connection thread: a thread that writes is not waited for.

        That one does it instead, when it has written.
        """
        self._asked = True
        self._send_what_was_asked_for()

    def restore(self) -> None:
        """After a reconnection: show again what the lens may have lost, as long as it lasts."""
        with self._lock:
            for view in self._last:
                self._waiting.setdefault(view, None)

    def flush(self) -> None:
        """Send everything that waits, whatever its turn: the session is about to end."""
        try:
            with self._lock:
                while self._may_send():
                    self._write_next()
        finally:
            self._send_what_was_asked_for()

    def stop(self) -> None:
        """Send nothing more, and ask for nothing. Never blocks."""
        self._stopped = True
        alarm = self._alarm
        if alarm is not None:
            alarm.cancel()

    def _send_what_was_asked_for(self) -> None:
        """Do what :meth:`due` asked for, unless the thread that holds the lock will."""
        while self._asked and self._lock.acquire(blocking=False):
            try:
                self._asked = False
                self._send_due()
            finally:
                self._lock.release()

    def _may_send(self) -> bool:
        return bool(self._waiting) and not self._stopped and self._connected()

    def _send_due(self) -> None:
        """With the lock held: send what may go, and ask to be called when the next one may."""
        assert self._lock.locked()
        while self._may_send():
            if self._timers.clock.now() < self._next_turn:
                if self._alarm is None or not self._alarm.pending:
                    self._alarm = self._timers.at(self._next_turn, self._wake)
                return
            self._write_next()

    def _write_next(self) -> None:
        view = next(iter(self._waiting))
        display = self._waiting.pop(view) or self._left_of(view)
        if display is not None:
            now = self._timers.clock.now()
            self._last[view] = (display, now)
            self._next_turn = now + self._interval
            self._send(display)

    def _left_of(self, view: str) -> DisplayEvent | None:
        """What was last shown on a view, for the rest of its duration; None when that is over."""
        display, sent = self._last[view]
        if display.duration_ms is None:
            return display
        left = display.duration_ms - int((self._timers.clock.now() - sent) * 1000)
        if left <= 0:
            return None
        return DisplayEvent(view=display.view, layout=display.layout, duration_ms=left)
