"""One session's websocket: a thread that dials, reads, answers pings and reconnects.

The thread belongs to this module alone.  What it learns it tells its :class:`Owner`, on that
thread; the owner never runs user code there and never blocks.
"""

from __future__ import annotations

from typing import Any, Protocol


class Owner(Protocol):
    """Who is told what happens on a connection. Every method runs on the connection thread."""

    def init_frame(self) -> str:
        """The first frame of every connection (``tpa_connection_init``)."""

    def acknowledged(self, ack: dict[str, Any]) -> list[str]:
        """The cloud has accepted the connection; returns the frames that go out before all others."""

    def received(self, frame: dict[str, Any]) -> None:
        """A frame has come (any JSON object with a ``type``; connection errors included)."""

    def received_audio(self, data: bytes) -> None:
        """A binary frame has come."""

    def malformed(self, error: Exception) -> None:
        """A frame came that is no JSON object with a ``type``; the connection lives on."""

    def due(self) -> None:
        """:meth:`Connection.wake` was called: do what waits for this thread."""

    def lost(self, code: int | None, reason: str) -> None:
        """A live connection is gone and will be dialled again."""

    def ended(self, reason: str, code: int | None, detail: str) -> None:
        """It is over, told exactly once. ``reason`` is what ``on_stop`` will receive."""
