"""The display rules of the cloud: boot screen, one display in 300 ms, expiry, dashboard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mentra_sync import config
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.dashboard import SYSTEM_PACKAGE, Dashboard
from mentra_sync.simulator.schedule import Later, Schedule

BOOT_TITLE = "// MentraOS - Starting App"

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
class _Boot:
    """One run of the boot screen for one app."""

    name: str


class Pace:
    """Passes on at most one display in 300 ms: the newest of each view, the views in turn.

    The recorded cloud's own rule can leave an older display over a newer one.  One that does
    the same can take this one's place: it needs these three methods.
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
        self._pass_on = pass_on
        self._last = float("-inf")
        self._waiting: dict[str, Display] = {}
        self._turn: Later | None = None

    def offer(self, display: Display) -> None:
        """Show a display when its turn comes; it replaces one of its view that still waits."""
        now = self._schedule.clock.now()
        if self._turn is None and now - self._last >= self._interval:
            self._last = now
            self._pass_on(display)
            return
        self._waiting[display.view] = display
        if self._turn is None:
            self._turn = self._schedule.at(self._last + self._interval, self._next_turn)

    def drop(self, package: str) -> None:
        """Forget what waits of one app."""
        for view, display in list(self._waiting.items()):
            if display.package == package:
                del self._waiting[view]

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()

    def _next_turn(self) -> None:
        with self._lock:
            self._turn = None
            if self._waiting:
                display = self._waiting.pop(next(iter(self._waiting)))
                self._last = self._schedule.clock.now()
                self._pass_on(display)
            if self._waiting:
                self._turn = self._schedule.at(self._last + self._interval, self._next_turn)


class Displays:
    """Everything that goes to one wearer's lens; the cloud's lock is held by who calls."""

    def __init__(
        self,
        schedule: Schedule,
        lock: threading.RLock,
        send: Callable[[Frame], None],
        *,
        realistic: bool,
    ) -> None:
        self._schedule = schedule
        self._lock = lock
        self._send = send
        self._realistic = realistic
        interval = config.DISPLAY_INTERVAL_MS / 1000 if realistic else 0.0
        self._pace = Pace(schedule, lock, interval, self._pass_on)
        self._booting: dict[str, _Boot] = {}
        self._held: dict[tuple[str, str], Display] = {}
        self._shown: dict[str, Display] = {}
        self.dashboard = Dashboard(send)

    def offer(self, frame: Frame, package: str) -> None:
        """Show what an app wants shown, when the rules allow it."""
        display = Display(frame, package)
        if self._booting:
            self._held[package, display.view] = display
        else:
            self._pace.offer(display)

    def boot_began(self, package: str, name: str) -> None:
        """Show the boot screen for an app that starts."""
        if not self._realistic:
            return
        self._pace.clear()
        boot = self._booting[package] = _Boot(name)
        self._show_boot_screen()
        self._schedule.after(limits.BOOT_SECONDS, lambda: self._boot_over(package, boot))

    def app_gone(self, package: str) -> None:
        """Take an app off the lens."""
        self._pace.drop(package)
        for key in [key for key in self._held if key[0] == package]:
            del self._held[key]
        was_booting = self._booting.pop(package, None) is not None
        if self._booting and was_booting:
            self._show_boot_screen()
        elif not self._booting:
            self._show_held()
        self.dashboard.forget(package)

    def _boot_over(self, package: str, boot: _Boot) -> None:
        with self._lock:
            # Stopped and started again meanwhile? Then this end is not that start's.
            if self._booting.get(package) is not boot:
                return
            del self._booting[package]
            if self._booting:
                self._show_boot_screen()
            else:
                self._show_held()

    def _show_boot_screen(self) -> None:
        names = [boot.name for boot in self._booting.values()]
        layout = {
            "layoutType": "reference_card",
            "title": BOOT_TITLE + ("s" if len(names) > 1 else ""),
            "text": ", ".join(names),
        }
        display = Display(_system_display("main", layout), SYSTEM_PACKAGE)
        self._pass_on(display)

    def _show_held(self) -> None:
        """What was sent during the boot screen, or an empty lens."""
        held = list(self._held.values())
        self._held.clear()
        for display in held:
            self._pace.offer(display)
        if not any(display.view == "main" for display in held):
            self._blank("main")

    def _blank(self, view: str) -> None:
        layout = {"layoutType": "text_wall", "text": ""}
        # The recorded cloud says it twice where nothing newer comes between.
        for _ in range(2 if self._realistic and view == "main" else 1):
            frame = {**_system_display(view, layout), "durationMs": 0}
            self._pace.offer(Display(frame, SYSTEM_PACKAGE))

    def _pass_on(self, display: Display) -> None:
        self._shown[display.view] = display
        self._send(display.frame)
        if display.seconds is not None:
            self._schedule.after(display.seconds, lambda: self._expired(display))

    def _expired(self, display: Display) -> None:
        with self._lock:
            if self._shown.get(display.view) is display:
                layout = {"layoutType": "text_wall", "text": ""}
                frame = {**_system_display(display.view, layout), "durationMs": 0}
                self._pace.offer(Display(frame, SYSTEM_PACKAGE))


def _system_display(view: str, layout: Frame) -> Frame:
    return {
        "type": "display_event",
        "view": view,
        "packageName": SYSTEM_PACKAGE,
        "layout": layout,
        "timestamp": iso_timestamp(),
    }
