"""A clock that stands still until a test moves it."""

from __future__ import annotations

import time
from collections.abc import Callable

from mentra_sync.clock import Clock


class StillClock(Clock):
    """Session time of which not a moment passes by itself."""

    def __init__(self, reading: float = 0.0) -> None:
        super().__init__()
        self._offset = reading

    def now(self) -> float:
        """Seconds since the clock was made, as far as a test has moved it."""
        return self._offset

    def to(self, end: float, quiet: Callable[[], bool]) -> None:
        """Move to a moment, from one due moment to the next, each when everything is quiet."""
        wait_until(quiet)
        while (due := self.next_due()) is not None and due <= end:
            self.advance_to(due)
            wait_until(quiet)
        self.advance_to(end)
        wait_until(quiet)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for what has no event to wait on; fails when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.001)
