"""``session.dashboard``: what the wearer sees on looking up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from mentra_sync.protocol.codec import clean_text, decode, text_of
from mentra_sync.protocol.commands import (
    Command,
    DashboardContentUpdate,
    DashboardModeChange,
    DashboardSystemUpdate,
)
from mentra_sync.protocol.names import DashboardMode, DashboardSection
from mentra_sync.protocol.notices import DashboardModeChanged
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.subscription import Subscription

_SYSTEM_PACKAGE = "system.augmentos.dashboard"


class Dashboard:
    """The dashboard; ``content`` is the app's own part of it."""

    def __init__(self, link: Link) -> None:
        self.content = DashboardContent(link)
        """The app's own text on the dashboard."""
        self.system: SystemDashboard | None = None
        """The corners of the dashboard; None unless this app is the system's dashboard."""
        system = os.environ.get("SYSTEM_DASHBOARD_PACKAGE_NAME") or _SYSTEM_PACKAGE
        if link.identity.package_name == system:
            self.system = SystemDashboard(link)


class DashboardContent(Feature):
    """The app's own text on the dashboard. No call waits; all raise ``SessionEnded`` at the end."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._mode: str | None = None
        link.router.read("dashboard_mode_changed", self._read_mode)

    @property
    def current_mode(self) -> str | None:
        """``"main"`` or ``"expanded"``; None before the first change."""
        return self._mode

    def write(self, text: object, targets: Iterable[str] = ("main",)) -> None:
        """Show a text on the dashboard in the modes ``targets``: ``"main"``, ``"expanded"``."""
        modes = _modes(targets)
        content = text_of(text)
        _send(self._link, DashboardContentUpdate(content=content, modes=modes))

    def write_to_main(self, text: object) -> None:
        """Show a text on the small dashboard."""
        self.write(text, (DashboardMode.MAIN.value,))

    def write_to_expanded(self, text: object) -> None:
        """Show a text on the large dashboard."""
        self.write(text, (DashboardMode.EXPANDED.value,))

    def on_mode_change(self, handler: Callable[..., Any]) -> Subscription:
        """Call a handler with the new mode whenever it changes."""
        return self._link.on("dashboard_mode", handler, "mode")

    def _read_mode(self, frame: dict[str, Any]) -> None:
        """Known before anybody is told: a handler may well ask."""
        self._mode = decode(DashboardModeChanged, frame).mode
        self._link.signals.emit("dashboard_mode", self._mode)


class SystemDashboard(Feature):
    """The corners of the dashboard, for the one app that fills them."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def set_top_left(self, text: object) -> None:
        """Fill the corner at the top left."""
        self._set(DashboardSection.TOP_LEFT, text)

    def set_top_right(self, text: object) -> None:
        """Fill the corner at the top right."""
        self._set(DashboardSection.TOP_RIGHT, text)

    def set_bottom_left(self, text: object) -> None:
        """Fill the corner at the bottom left."""
        self._set(DashboardSection.BOTTOM_LEFT, text)

    def set_bottom_right(self, text: object) -> None:
        """Fill the corner at the bottom right."""
        self._set(DashboardSection.BOTTOM_RIGHT, text)

    def set_view_mode(self, mode: str) -> None:
        """Make the dashboard small (``"main"``) or large (``"expanded"``)."""
        if mode not in DashboardMode.values():
            valid = ", ".join(DashboardMode.values())
            raise ValueError(f"mode must be one of {valid}; got {mode!r}")
        _send(self._link, DashboardModeChange(mode=clean_text(mode)))

    def _set(self, section: DashboardSection, text: object) -> None:
        content = text_of(text)
        _send(self._link, DashboardSystemUpdate(section=section.value, content=content))


def _modes(targets: object) -> list[str]:
    """The modes that a text is for, each once."""
    wanted = [targets] if isinstance(targets, str) else targets
    modes = list(wanted) if isinstance(wanted, Iterable) else []
    if not modes or any(mode not in DashboardMode.values() for mode in modes):
        valid = ", ".join(f'"{mode}"' for mode in DashboardMode.values())
        raise ValueError(f"targets must be a list of {valid}, or one of them; got {targets!r}")
    return list(dict.fromkeys(clean_text(mode) for mode in modes))


def _send(link: Link, command: Command) -> None:
    """Dashboard commands have a session id of their own (protocol.md, section 3)."""
    identity = link.identity
    command.session_id = f"{identity.session_id}-{identity.package_name}"
    link.send(command)
