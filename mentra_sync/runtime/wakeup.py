"""Waiting for a socket, in a way that another thread can interrupt."""

from __future__ import annotations

import selectors
import socket
import threading

# Not epoll or kqueue, which would cost a file descriptor per session; not select(), which cannot
# watch descriptors beyond 1,024, where there is anything else.
Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.SelectSelector
)


class Wakeup:
    """A socket pair that one thread watches beside its own socket.

    :meth:`wake` may be called from any thread, also after :meth:`close`; everything else belongs
    to the one thread that waits.
    """

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._selector = Selector()
        self._selector.register(self._receiver, selectors.EVENT_READ)
        self._watched: socket.socket | None = None
        self._events = 0
        self._lock = threading.Lock()  # guards the two below, and the life of the sender
        self._woken = False
        self._closed = False

    def wake(self) -> None:
        """End the wait that is going on, or the next one. Never blocks. Any thread."""
        with self._lock:
            if not self._woken and not self._closed:
                self._woken = True
                self._sender.send(b"\0")

    def wait(
        self, sock: socket.socket | None, *, read: bool, write: bool, timeout: float
    ) -> tuple[bool, bool]:
        """Wait until ``sock`` is ready, :meth:`wake` is called, or ``timeout`` seconds passed.

        Returns whether it is readable and whether it is writable, as far as that was asked.
        """
        events = read * selectors.EVENT_READ | write * selectors.EVENT_WRITE
        if sock is not self._watched or events != self._events:
            self._watch(sock, events)
        readable = writable = False
        for key, mask in self._selector.select(max(0.0, timeout)):
            if key.fileobj is self._receiver:
                self._clear()
            else:
                readable = bool(mask & selectors.EVENT_READ)
                writable = bool(mask & selectors.EVENT_WRITE)
        return readable, writable

    def forget(self) -> None:
        """Stop watching the socket last waited for, which is about to be closed."""
        self._watch(None, 0)

    def close(self) -> None:
        """Close the socket pair; :meth:`wake` does nothing from now on."""
        self.forget()
        self._selector.close()
        with self._lock:
            self._closed = True
            self._receiver.close()
            self._sender.close()

    def _watch(self, sock: socket.socket | None, events: int) -> None:
        if self._watched is not None:
            self._selector.unregister(self._watched)
        self._watched = sock if events else None
        self._events = events if sock is not None else 0
        if self._watched is not None:
            self._selector.register(self._watched, events)

    def _clear(self) -> None:
        with self._lock:
            self._receiver.recv(64)
            self._woken = False
