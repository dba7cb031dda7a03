"""One HTTP call that is under way, and how another thread ends it."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

_running = threading.local()


class Call:
    """One HTTP call; :meth:`cut_off` ends it from any thread, also before it has begun.

    A timeout of the socket is per operation: a peer that sends a byte now and then is never too
    slow for it.  So whoever wants an end sets an alarm that cuts the call off.  Only the lookup
    of a name cannot be cut; the call ends right after it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._connection: Any = None
        self._kept = False
        self._cut = False

    @property
    def cut(self) -> bool:
        """Whether it has been cut off."""
        return self._cut

    @property
    def on_kept_connection(self) -> bool:
        """Whether it goes over a connection of an earlier call, which the peer may have closed."""
        return self._kept

    def cut_off(self) -> None:
        """End it; the thread that made it sees a lost connection. A second time does nothing."""
        with self._lock:
            self._cut = True
            sock = getattr(self._connection, "sock", None)
            if sock is not None:
                # The base class's method: that of an SSLSocket also takes its TLS state away,
                # under the feet of the thread that reads.
                with contextlib.suppress(OSError, TypeError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def uses(self, connection: Any, *, kept: bool) -> None:
        """The call goes over this connection; raises ``ConnectionError`` when it is cut off."""
        with self._lock:
            self._connection = connection
            self._kept = kept
            if self._cut:
                raise ConnectionAbortedError("this call has been cut off")

    def __enter__(self) -> Call:
        _running.call = self
        return self

    def __exit__(self, *_: object) -> None:
        _running.call = None
        with self._lock:
            self._connection = None


def current_call() -> Call | None:
    """The call that the running thread is making."""
    call: Call | None = getattr(_running, "call", None)
    return call
