"""Session time: a clock that runs with real time, and that a test may push forward.

Timers, ``sleep``, timeouts of blocking calls, display pacing and storage batching read one
:class:`Clock`, shared by server and simulator.  Wire time (dialling, pings, backoff) is plain
``time.monotonic()`` and never comes from here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds that pass as real ones do, plus what :meth:`advance_to` has added."""

    def __init__(self, reading: float | None = None) -> None:
        """``reading`` is what :meth:`now` says at first; None: something arbitrary."""
        self._lock = threading.Lock()
        self._offset = 0.0 if reading is None else reading - time.monotonic()
        self._waits: dict[object, tuple[float, threading.Condition]] = {}

    def now(self) -> float:
        """Seconds since an arbitrary moment; never runs backwards."""
        return time.monotonic() + self._offset

    def wait_for(
        self,
        condition: threading.Condition,
        predicate: Callable[[], object],
        until: float | None,
    ) -> bool:
        """Wait on ``condition``, which must be held, until ``predicate()`` or the moment ``until``.

        ``until`` is a reading of :meth:`now`; None waits without limit.  Returns whether the
        predicate came true.
        """
        if predicate():
            return True
        if until is None:
            condition.wait_for(predicate)
            return True
        wait = object()
        with self._lock:
            self._waits[wait] = (until, condition)
        try:
            while not predicate():
                remaining = until - self.now()
                if not remaining > 0:  # a moment that is no number has passed
                    return False
                condition.wait(min(remaining, threading.TIMEOUT_MAX))
            return True
        finally:
            with self._lock:
                del self._waits[wait]

    def next_due(self) -> float | None:
        """The earliest moment that anybody waits for, or None."""
        with self._lock:
            return min((until for until, _ in self._waits.values()), default=None)

    def advance_to(self, moment: float) -> None:
        """Push the clock forward to ``moment``, a reading of :meth:`now`, and wake who waits."""
        with self._lock:
            self._offset += max(0.0, moment - self.now())
            conditions = [condition for _, condition in self._waits.values()]
        for condition in conditions:
            with condition:
                condition.notify_all()


class Deadline:
    """A moment of real time by which something must be done."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self._at
