"""``session.every`` and ``session.after``: callbacks that come by themselves."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from mentra_sync import hints
from mentra_sync.runtime.callbacks import LEFT_OUT, adapt, describe
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.timers import Alarm


class Timer:
    """A function that is called later, once or again and again, until :meth:`cancel`.

    It runs as a callback of the session, one at a time with the others, and ends with it.
    """

    def __init__(
        self, link: Link, seconds: float, function: Callable[[], Any], *, repeats: bool
    ) -> None:
        self._function = adapt(function)
        link.check()
        self._link = link
        self._seconds = seconds
        self._repeats = repeats
        self._cancelled = False
        self._queued = False
        self._due = link.clock.now() + seconds
        link.pending.add(self)
        self._alarm: Alarm = link.timers.at(self._due, _ringing(self))

    def cancel(self) -> None:
        """Call it no more. From any thread; a second time does nothing."""
        self._cancelled = True
        self._alarm.cancel()
        self._link.pending.discard(self)

    def _ring(self) -> None:
        """On the timer thread: queue the call, and set the next moment."""
        if self._cancelled or self._link.end_reason is not None:
            return
        # A function slower than its interval skips a beat; its calls neither pile up nor
        # overlap, though it may wait in a call of the session.
        if not self._queued:
            self._queued = True
            self._link.dispatcher.post_now(self)
        if self._repeats:
            missed = max(0.0, self._link.clock.now() - self._due) // self._seconds
            self._due += self._seconds * (1 + missed)
            self._alarm = self._link.timers.at(self._due, _ringing(self))
        else:
            self._link.pending.discard(self)

    def __call__(self, _: None = None) -> None:
        """The call itself, on the dispatcher's thread."""
        try:
            if not self._cancelled:
                self._function()
        finally:
            self._queued = False

    @property
    def __wrapped__(self) -> Callable[[], Any]:
        return self._function

    def __repr__(self) -> str:
        kind = "every" if self._repeats else "after"
        return f"<Timer: {describe(self._function)} {kind} {self._seconds:g} s>"


def _ringing(timer: Timer) -> Callable[[], None]:
    """What the clock is given; a session that is over is not kept until its last timer is due."""
    known = weakref.ref(timer)

    def ring() -> None:
        timer = known()
        if timer is not None:
            timer._ring()

    return ring


def timer(link: Link, seconds: float, function: Callable[[], Any], *, repeats: bool) -> Any:
    """Start a timer, or return a decorator that will; ``ValueError`` for no usable time."""
    if callable(seconds):
        raise TypeError(hints.WITHOUT_SECONDS.format(describe(seconds)))
    usable = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not usable or not 0 <= seconds <= sys.float_info.max or (repeats and seconds == 0):
        least = "more than 0" if repeats else "0 or more"
        raise ValueError(f"seconds must be a number, {least}; got {seconds!r}")
    if function is LEFT_OUT:
        return lambda decorated: Timer(link, seconds, decorated, repeats=repeats)
    return Timer(link, seconds, function, repeats=repeats)
