"""When everything is quiet: no frame unread, no code of the app running, nothing due.

How it is known: what sets something to work is counted (frames, callbacks, timers, ends of
waits).  If the count is the same before and after, nothing was found to be busy in between, and
both ends of every connection have caught up in between, then nothing is on its way anywhere.
"""

from __future__ import annotations

import time
import warnings

from mentra_sync.activity import Activity
from mentra_sync.clock import Clock, Deadline
from mentra_sync.simulator.http import Simulator

PATIENCE = 5.0
"""Seconds, real, that may pass until the app is quiet."""

_FIRST_PAUSE = 0.0002
_LONGEST_PAUSE = 0.005
"""Between two looks at what is busy: so many parts would have to tell that a look is simpler."""

_BUSY = (
    "not quiet after {:g} s, and time goes on all the same; still at work: {}."
    " Use session.sleep() instead of time.sleep(), so that a test can move the time."
)


class AppStillBusy(UserWarning):
    """Something of the app did not come to rest, or to an end, in time."""


class Stillness:
    """Waits until an app and its simulator are quiet, and moves the time that they share."""

    def __init__(self, clock: Clock, activity: Activity, simulator: Simulator) -> None:
        self._clock = clock
        self._activity = activity
        self._simulator = simulator
        self._given_up: set[str] = set()
        """What was busy for too long, and is not waited for again until it has come to rest."""

    def advance(self, seconds: float) -> None:
        """Let session time pass, from one due moment to the next, each when all is quiet."""
        end = self._clock.now() + seconds
        quiet = self.settle(stacklevel=4)
        while (due := self._clock.next_due()) is not None and due <= end:
            if not quiet and due <= self._clock.now():
                break  # it is not going to be done
            self._clock.advance_to(due)
            quiet = self.settle(stacklevel=4)
        self._clock.advance_to(end)
        self.settle(stacklevel=4)

    def settle(self, stacklevel: int = 3) -> bool:
        """Wait until all is quiet; when it is not in time, warn, and return False.

        ``stacklevel`` is how far up the test is whose line the warning names.
        """
        busy = self.wait(PATIENCE)
        if busy:
            text = _BUSY.format(PATIENCE, ", ".join(busy))
            warnings.warn(AppStillBusy(text), stacklevel=stacklevel)
        return not busy

    def wait(self, patience: float) -> list[str]:
        """Wait until all is quiet; what is busy in the end, in words."""
        deadline = Deadline(patience)
        pause = _FIRST_PAUSE
        while True:
            count = self._count()
            busy = self._busy()
            if not busy and not self._simulator.catch_up(deadline.remaining):
                busy = ["a connection, with frames that are not read"]
            if not (busy := busy or self._busy()):
                # What was given up goes on counting.
                if count == self._count() or self._given_up:
                    return []
                busy = ["something that never ends, one step after the other"]
            if deadline.passed:
                self._given_up.update(busy)
                return busy
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _count(self) -> int:
        cloud = self._simulator.cloud
        return self._activity.count + cloud.timeline.count + cloud.session_time.begun

    def _busy(self) -> list[str]:
        cloud = self._simulator.cloud
        due = self._clock.next_due()
        busy = ["what is due now"] if due is not None and due <= self._clock.now() else []
        busy += self._activity.busy_with()
        busy += cloud.busy_with(waiting_requests=self._activity.requests_that_wait())
        live = {session.session_id for session in cloud.sessions() if session.live}
        busy += [f"the end of the session {one}" for one in self._activity.live() - live]
        self._given_up.intersection_update(busy)
        return [what for what in busy if what not in self._given_up]
