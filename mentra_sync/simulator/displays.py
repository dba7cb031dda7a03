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
from mentra_sync.simulator.pace import Display, FaultyPace, Pace
from mentra_sync.simulator.schedule import Later, Schedule

BOOT_TITLE = "// MentraOS - Starting App"

Frame = dict[str, Any]


@dataclass(eq=False)
class _Boot:
    """One run of the boot screen for one app."""

    name: str


class Displays:
    """Everything that goes to one wearer's lens; the cloud's lock is held by who calls."""

    def __init__(
        self,
        schedule: Schedule,
        lock: threading.RLock,
        send: Callable[[Frame], None],
        *,
        realistic: bool,
        quirks: bool = False,
    ) -> None:
        self._schedule = schedule
        self._lock = lock
        self._send = send
        self._realistic = realistic
        self._quirks = quirks
        interval = config.DISPLAY_INTERVAL_MS / 1000 if realistic else 0.0
        self._pace = (FaultyPace if quirks else Pace)(schedule, lock, interval, self._pass_on)
        self._booting: dict[str, _Boot] = {}
        self._held: dict[tuple[str, str], Display] = {}
        self._shown: dict[str, Display] = {}
        self._expiries: dict[str, Later] = {}
        self._has_shown: set[str] = set()
        """Apps that have shown something since they were started."""
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
        self._has_shown.discard(package)
        boot = self._booting[package] = _Boot(name)
        self._show_boot_screen()
        self._schedule.after(limits.BOOT_SECONDS, lambda: self._boot_over(package, boot))

    def app_gone(self, package: str) -> None:
        """Take an app off the lens."""
        self._pace.drop(package)
        for key in [key for key in self._held if key[0] == package]:
            del self._held[key]
        boot = self._booting.pop(package, None)
        if self._booting and boot is not None:
            self._show_boot_screen()
        elif not self._booting:
            self._show_held(twice=boot is not None or package in self._has_shown)
        self.dashboard.forget(package)

    def _boot_over(self, package: str, boot: _Boot) -> None:
        with self._lock:
            # Stopped and started again meanwhile? Then this end is not that start's.
            if self._booting.get(package) is boot:
                del self._booting[package]
            elif not self._quirks or package in self._booting:
                return
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

    def _show_held(self, *, twice: bool = True) -> None:
        """What was sent during the boot screen, or an empty lens."""
        held = list(self._held.values())
        self._held.clear()
        for display in held:
            self._pace.offer(display)
        if not any(display.view == "main" for display in held):
            # As recorded: said twice, unless an app is stopped that had shown nothing.
            for _ in range(2 if twice and self._realistic else 1):
                self._blank("main")

    def _blank(self, view: str) -> None:
        layout = {"layoutType": "text_wall", "text": ""}
        frame = {**_system_display(view, layout), "durationMs": 0}
        self._pace.offer(Display(frame, SYSTEM_PACKAGE))

    def _pass_on(self, display: Display) -> None:
        view = display.view
        self._shown[view] = display
        self._has_shown.add(display.package)
        self._send(display.frame)
        if (expiry := self._expiries.pop(view, None)) is not None:
            expiry.cancel()
        if display.seconds is not None:
            expiry = self._schedule.after(display.seconds, lambda: self._expired(display))
            self._expiries[view] = expiry

    def _expired(self, display: Display) -> None:
        with self._lock:
            if self._shown.get(display.view) is display:
                self._blank(display.view)


def _system_display(view: str, layout: Frame) -> Frame:
    return {
        "type": "display_event",
        "view": view,
        "packageName": SYSTEM_PACKAGE,
        "layout": layout,
        "timestamp": iso_timestamp(),
    }
