"""When a connection is dialled again, and when that is given up (protocol.md, section 4)."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from mentra_sync.runtime.limits import Limits


@dataclass(frozen=True)
class Step:
    """What comes next: at the moment ``at`` (``time.monotonic()``) dial, or give up."""

    at: float
    dial: bool


class Schedule:
    """The attempts after one loss, or of one start. Not thread-safe.

    ``until`` is the moment after which it is given up; ``max_attempts`` None sets no number.
    ``pauses`` is how many pauses came before: those of a schedule whose connection was in vain.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        until: float,
        max_attempts: int | None,
        at_once: bool,
        pauses: int = 0,
    ) -> None:
        self.until = until
        self._limits = limits
        self._max_attempts = max_attempts
        self._at_once = at_once
        self._failures = 0
        self.pauses = pauses
        """How many pauses there have been."""
        self._waits_out = False

    def next(self) -> Step:
        """The next step, seen from now."""
        now = time.monotonic()
        spent = self._max_attempts is not None and self._failures >= self._max_attempts
        if spent and not self._waits_out:
            return Step(now, dial=False)
        at = now if self._at_once else now + self._delay()
        if at >= self.until:
            return Step(self.until, dial=False)
        return Step(at, dial=True)

    def failed(self, *, at_once: bool = False, wait_out: bool = False) -> None:
        """An attempt has failed.

        ``at_once`` dials again without a pause.  ``wait_out`` goes on until ``until``, however
        many attempts that takes: the cloud knows the session and is restarting the app.
        """
        self._failures += 1
        self._at_once = at_once
        self._waits_out = self._waits_out or wait_out

    def _delay(self) -> float:
        delays = self._limits.reconnect_delays
        jitter = self._limits.reconnect_jitter
        delay = delays[min(self.pauses, len(delays) - 1)]
        self.pauses += 1
        return delay * random.uniform(1 - jitter, 1 + jitter)
