"""How often the lens may change: at most one display in 300 ms, and which one that is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mentra_sync.simulator.schedule import Later, Schedule

Frame = dict[str, Any]


@dataclass(eq=False)
class Display:
    """One display on its way: the frame for the glasses, and whose it is."""

    frame: Frame
    package: str

    @property
    def view(self) -> str:
        """The view it goes to; what is no view at all counts as main."""
        return "dashboard" if self.frame.get("view") == "dashboard" else "main"

    @property
    def seconds(self) -> float | None:
        """How long it stays, or None for until something else is shown."""
        duration = self.frame.get("durationMs")
        if isinstance(duration, bool) or not isinstance(duration, int | float) or duration <= 0:
            return None
        return duration / 1000


@dataclass(eq=False)
class _Waiting:
    """A display whose turn comes ``due`` at the earliest."""

    display: Display
    due: float
    timer: Later = field(init=False)


class Pace:
    """Passes a display on at once when 300 ms have gone since the last one, else 300 ms later.

    Of each view only the newest waits, and whatever passes takes the place of what is older.
    The two views share the limit and take turns.
    """

    def __init__(
        self,
        schedule: Schedule,
        lock: threading.RLock,
        interval: float,
        pass_on: Callable[[Display], None],
    ) -> None:
        self._schedule = schedule
        self._lock = lock
        self._interval = interval
        self._hand_over = pass_on
        self._last = float("-inf")
        self._waiting: dict[str, _Waiting] = {}

    def offer(self, display: Display) -> None:
        """Show a display now, or when its turn comes; then it replaces one that still waits."""
        now = self._schedule.clock.now()
        if self._may_pass(display, now):
            self._pass(display, now)
        else:
            self._wait(_Waiting(display, now + self._interval))

    def drop(self, package: str) -> None:
        """Forget what waits of one app."""
        for view, one in list(self._waiting.items()):
            if one.display.package == package:
                self._forget(view)

    def clear(self) -> None:
        """Forget everything that waits."""
        for view in list(self._waiting):
            self._forget(view)

    def _may_pass(self, display: Display, now: float) -> bool:
        others = [one for view, one in self._waiting.items() if view != display.view]
        # Another view whose time has come goes first, or one could keep the other off the lens.
        owed = any(one.due <= now for one in others)
        return not owed and now - self._last >= self._interval

    def _pass(self, display: Display, now: float) -> None:
        self._last = now
        self._forget(display.view)
        self._hand_over(display)

    def _wait(self, one: _Waiting, moment: float | None = None) -> None:
        view = one.display.view
        self._forget(view)
        self._waiting[view] = one
        due = one.due if moment is None else moment
        one.timer = self._schedule.at(due, lambda: self._its_turn(one))

    def _its_turn(self, one: _Waiting) -> None:
        with self._lock:
            if self._waiting.get(one.display.view) is not one:
                return
            now = self._schedule.clock.now()
            free_at = self._last + self._interval
            if now < free_at:
                self._wait(one, free_at)
            else:
                self._pass(one.display, now)

    def _forget(self, view: str) -> None:
        one = self._waiting.pop(view, None)
        if one is not None:
            one.timer.cancel()


class FaultyPace(Pace):
    """The same as the recorded cloud does it: what waits is shown even after something newer.

    Three displays at 0, 250 and 310 ms end with the second one on the lens.
    """

    def _may_pass(self, display: Display, now: float) -> bool:
        return now - self._last >= self._interval

    def _pass(self, display: Display, now: float) -> None:
        self._last = now
        self._hand_over(display)

    def _its_turn(self, one: _Waiting) -> None:
        with self._lock:
            if self._waiting.get(one.display.view) is one:
                del self._waiting[one.display.view]
                self._pass(one.display, self._schedule.clock.now())
