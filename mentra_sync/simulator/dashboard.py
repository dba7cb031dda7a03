"""What a wearer sees on looking up: the corners of the system's app, and a line of each app."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.protocol.names import DashboardMode, DashboardSection

Frame = dict[str, Any]

SYSTEM_PACKAGE = "dev.augmentos.dashboard"
"""What displays of the cloud's own come from."""

_MAIN = DashboardMode.MAIN.value


def system_dashboard() -> str:
    """The package of the one app that may fill the corners."""
    return os.environ.get("SYSTEM_DASHBOARD_PACKAGE_NAME") or "system.augmentos.dashboard"


class Dashboard:
    """One wearer's dashboard; the cloud's lock guards all of it."""

    def __init__(self, send: Callable[[Frame], None]) -> None:
        self.mode = _MAIN
        self.always_on = False
        self._send = send
        self._lines: dict[str, dict[str, str]] = {mode: {} for mode in DashboardMode.values()}
        self._corners: dict[str, str] = {}

    def content(self, package: str, mode: str = _MAIN) -> str:
        """What an app has written for a mode; empty when it has written nothing."""
        return self._lines[mode].get(package, "")

    def corner(self, section: str) -> str:
        """What the system's app has written into a corner."""
        return self._corners.get(section, "")

    def write(self, package: str, content: str, modes: Iterable[Any]) -> None:
        """Put an app's line on the dashboard of some modes; an empty one is taken away.

        As recorded, nothing is sent for a mode that is not shown.
        """
        wanted = [mode for mode in DashboardMode.values() if mode in list(modes)]
        for mode in wanted:
            self._lines[mode].pop(package, None)
            if content:
                self._lines[mode][package] = content
        if self.mode in wanted:
            self._show()

    def forget(self, package: str) -> None:
        """An app is gone."""
        for lines in self._lines.values():
            lines.pop(package, None)
        self._show()

    def fill(self, section: Any, content: str) -> None:
        """Fill a corner."""
        if isinstance(section, str) and section in DashboardSection.values():
            self._corners[section] = content
            self._show()

    def change(self, mode: Any) -> bool:
        """Change the mode; False when it is none, or the same."""
        if not isinstance(mode, str) or mode not in self._lines or mode == self.mode:
            return False
        self.mode = mode
        self._show()
        return True

    def _show(self) -> None:
        left = [self.corner("topLeft"), self.corner("bottomLeft")]
        right = [self.corner("bottomRight"), *self._lines[self.mode].values()]
        layout = {
            "layoutType": "double_text_wall",
            "topText": "\n".join(filter(None, left)),
            "bottomText": self.corner("topRight") + "\n" + "\n".join(filter(None, right)),
        }
        self._send(
            {
                "type": "display_event",
                "packageName": SYSTEM_PACKAGE,
                "view": "dashboard",
                "layout": layout,
                "timestamp": iso_timestamp(),
            }
        )
