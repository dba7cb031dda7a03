"""One session's websocket: a thread that dials, reads, answers pings and reconnects.

The thread belongs to this module alone.  What it learns it tells its :class:`Owner`, on that
thread; the owner never runs user code there and never blocks.
"""

from __future__ import annotations

import ssl
from typing import Any, Protocol

from .. import config
from .hosts import Target
from .limits import Limits


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


class Connection:
    """The websocket of one session, from its first dial to its end.

    ``target`` comes from :meth:`HostPolicy.check`, so an unchecked address cannot be dialled.
    ``max_reconnect_attempts`` 0 never reconnects.  ``tls`` replaces the system's trust.
    """

    def __init__(
        self,
        target: Target,
        owner: Owner,
        *,
        name: str,
        max_reconnect_attempts: int = config.MAX_RECONNECT_ATTEMPTS,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether the cloud has acknowledged the connection and it is neither lost nor ended."""
        raise NotImplementedError

    @property
    def ended(self) -> bool:
        """Whether it is over or about to be: :meth:`end` was called, or the cloud ended it."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the thread ``mentra-conn-{name}``, which dials at once. Call it once."""
        raise NotImplementedError

    def wait_connected(self, timeout: float | None = None) -> None:
        """Block until the first acknowledgement, ``timeout`` seconds at most (default: 5).

        Raises :class:`ConnectionFailed`, with the cloud's code if it gave one; after that
        nothing dials any more, and ``ended`` has been or will be told.  Any thread but the
        connection's own.
        """
        raise NotImplementedError

    def send(self, frame: str) -> None:
        """Write a text frame, or keep it until the next acknowledgement. Any thread.

        On a live connection it blocks until the frame is wholly written, which takes long only
        when the cloud does not read; when the connection breaks meanwhile the frame is kept.
        On the connection thread it never blocks.  Frames go out whole and in order.

        Raises :class:`SessionEnded` after the end, and :class:`ConnectionFailed` when 1,000
        frames are kept already.
        """
        raise NotImplementedError

    def wake(self) -> None:
        """Have the connection thread call ``owner.due()`` soon; never blocks. Any thread.

        Several calls may lead to one.  Only a live connection does it: what comes before waits
        for the acknowledgement, and is forgotten when there is none.
        """
        raise NotImplementedError

    def end(
        self, reason: str, *, code: int = 1000, close_reason: str = "", linger: float = 0.0
    ) -> None:
        """End it, whatever it is doing; returns at once. Any thread, owner callbacks too.

        What was sent before is still written, then a close frame with ``code`` goes out and its
        answer is waited for (1 s at most).  With ``linger`` the cloud first gets that many
        seconds to close by itself; what comes meanwhile is dropped.  A dial or a backoff is
        given up at once.  The first reason wins; ``owner.ended`` is told once.
        """
        raise NotImplementedError

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has gone, after ``ended`` was told; returns whether it has.

        On the connection thread itself it returns False at once.
        """
        raise NotImplementedError
