"""Who is told what happens on a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from mentra_sync.log import own_logger

logger = own_logger(__name__)

T = TypeVar("T")


class Owner(Protocol):
    """The session, as its connection sees it. Every method runs on the connection thread.

    None of them may run user code, or block for longer than a moment.  An exception out of one is
    logged with its traceback and changes nothing else.
    """

    def init_frame(self) -> str:
        """The first frame of every connection (``tpa_connection_init``)."""

    def acknowledged(self, ack: dict[str, Any]) -> list[str]:
        """The cloud has accepted the connection; returns the frames to write before all others.

        The connection is not live yet: what is sent meanwhile goes out behind those frames.
        """

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


def call(method: Callable[..., T], *arguments: Any) -> T | None:
    """Call an owner's method; an exception out of it is logged, and None returned."""
    try:
        return method(*arguments)
    except Exception:
        name = getattr(method, "__name__", method)
        logger.exception("%s() raised; the connection goes on", name)
        return None
