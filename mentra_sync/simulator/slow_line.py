"""One direction of a connection whose network may be slow: everything late, in its order."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mentra_sync.simulator.schedule import Schedule


class SlowLine:
    """Passes things on at once, or each ``delay`` seconds (real) later; never out of order.

    ``put`` may be called from any thread and never blocks.
    """

    def __init__(self, schedule: Schedule, delay: Callable[[], float]) -> None:
        self._schedule = schedule
        self._delay = delay
        self._lock = threading.Lock()  # guards the next two
        self._under_way = 0
        self._last = float("-inf")

    def put(self, pass_on: Callable[[], object]) -> None:
        """Call a function when the network has carried what it sends."""
        delay = self._delay()
        with self._lock:
            late = delay > 0 or self._under_way > 0
            if late:
                self._under_way += 1
                self._last = max(self._schedule.clock.now() + delay, self._last)
                # Under the lock: things of one moment arrive in the order of these calls.
                self._schedule.at(self._last, lambda: self._arrived(pass_on))
        if not late:
            pass_on()

    def _arrived(self, pass_on: Callable[[], object]) -> None:
        try:
            pass_on()
        finally:
            # Only now: what is put meanwhile must come after it.
            with self._lock:
                self._under_way -= 1
