"""What a session of an app sees of the cloud around it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from mentra_sync.simulator.displays import Displays
from mentra_sync.simulator.inputs import Inputs
from mentra_sync.simulator.schedule import Schedule
from mentra_sync.simulator.timeline import Timeline
from mentra_sync.simulator.webhooks import Webhooks


class PeopleFace(Protocol):
    """Who uses which app."""

    def entered(self, session: Any) -> None:
        """A wearer has started an app."""

    def left(self, session: Any) -> None:
        """An app has been stopped for a wearer."""


class CloudFace(Protocol):
    """The cloud: its lock, its clocks, its way to the apps."""

    lock: threading.RLock
    wire_time: Schedule
    session_time: Schedule
    timeline: Timeline
    inputs: Inputs
    webhooks: Webhooks
    realistic: bool
    quirks: bool
    tells_device_state: bool
    tells_permission_errors: bool

    @property
    def people(self) -> PeopleFace:
        """Who uses which app."""

    @property
    def closed(self) -> bool:
        """Whether nothing is started any more."""

    @property
    def websocket_url(self) -> str:
        """Where apps connect to."""

    def announce(self, session: Any) -> None:
        """A session's state or streams have changed."""


class WearerFace(Protocol):
    """Who wears the glasses that the app is for."""

    user_id: str
    displays: Displays
    present: bool
    ended: bool

    @property
    def system_settings(self) -> dict[str, Any]:
        """The glasses' own settings."""

    def sessions(self) -> list[Any]:
        """The sessions of all apps, running or not."""

    def capabilities(self) -> dict[str, Any] | None:
        """What the glasses can do, as the wire has it."""

    def send_to_glasses(self, frame: dict[str, Any]) -> None:
        """Send the glasses a frame, if they are there."""

    def tell_glasses(self, kind: str, **fields: Any) -> None:
        """Send the glasses a frame of the cloud's own."""

    def tell_state(self) -> None:
        """Tell the glasses that apps or their streams have changed."""

    def first_start(self) -> None:
        """An app has been acknowledged for the first time."""


class LinkFace(Protocol):
    """The connection of an app."""

    def send(self, frame: dict[str, Any]) -> None:
        """Send a frame."""

    def send_audio(self, data: bytes) -> None:
        """Send a binary frame."""

    def close(self, code: int, reason: str) -> None:
        """Close it in good order."""

    def refuse(self, code: str, message: str) -> None:
        """Say that a request is refused, and close."""

    def when_caught_up(self, done: Callable[[], object]) -> None:
        """Call ``done`` when both ends have worked on all that was sent so far."""

    def abort(self) -> None:
        """Lose the connection without a word."""
