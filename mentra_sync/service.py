"""An app while it is served: from a start to a stop, and from there to the next start."""

from __future__ import annotations

import atexit
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mentra_sync import config, hints
from mentra_sync.clock import Clock, Deadline
from mentra_sync.errors import ConfigurationError
from mentra_sync.log import name_running, on_own_thread
from mentra_sync.register import Register
from mentra_sync.serving import WebServer
from mentra_sync.shared import Shared

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Service:
    """The web server and the sessions of one app, which begin and end together.

    Every method may be called from any thread.
    """

    def __init__(self, shared: Shared, register: Register) -> None:
        self.port: int | None = None
        """Where it has listened last; None before the first start."""
        self._shared = shared
        self._register = register
        self._lock = threading.Lock()  # guards starting and stopping, and what they set:
        self._web: WebServer | None = None
        self._stopped = threading.Event()
        self._stopping = False
        self._at_exit: Callable[[], None] = self.stop  # what calls it at interpreter exit

    @property
    def running(self) -> bool:
        """Whether it answers requests; never under another WSGI server."""
        return self._web is not None

    def start(
        self,
        app: WSGIApplication,
        listener: Callable[[], socket.socket],
        clock: Clock,
        *,
        paced: bool = True,
        grace: float | None = None,
    ) -> None:
        """Answer requests on the socket that ``listener`` opens; the rest as :meth:`Shared.open`.

        Waits for a stop that is under way, 13 s at most.  Raises ``ConfigurationError`` when it
        runs already, what ``listener`` raises, and ``RuntimeError`` when the system has no thread
        left; then the port is free again.
        """
        if self._stopping and not on_own_thread():
            # One that is under way needs the port until it is over, and would end this as well.
            self._stopped.wait(config.STOP_TIMEOUT + 1)
        with self._lock:
            if self._stopping and not self._stopped.is_set():
                raise ConfigurationError(hints.STILL_STOPPING)
            if self._web is not None:
                raise ConfigurationError(f"this app is served already, on port {self.port}")
            opened = listener()
            self.port = opened.getsockname()[1]
            self._stopped.clear()
            self._stopping = False
            self._shared.open(clock, paced=paced, grace=grace)
            self._register.open()
            self._web = web = WebServer(app, opened)
            try:
                web.start()
            except RuntimeError:  # the system has no thread left: as after a stop
                self._web, self._stopping = None, True
                self._stopped.set()
                raise

    def stop(self) -> None:
        """End all sessions and the web server; more than once does no harm.

        Waits, 13 s at most; on a thread of the SDK's own, which the stop waits for, it returns at
        once.
        """
        with self._lock:
            begin, self._stopping = not self._stopping, True
            if begin:
                thread = threading.Thread(target=self._stop, name="mentra-stop", daemon=True)
                with contextlib.suppress(RuntimeError):  # at interpreter exit there is none
                    thread.start()
                    begin = False
        if begin:
            self._stop()
        if not on_own_thread():
            self._stopped.wait(config.STOP_TIMEOUT + 1)

    def wait_stopped(self, timeout: float | None = None) -> bool:
        """Block until it has been stopped, ``timeout`` seconds at most."""
        return self._stopped.wait(timeout)

    def stop_at_exit(self, stop: Callable[[], None]) -> None:
        """Another WSGI server runs the app, and nobody will call its ``stop``: Python shall."""
        atexit.unregister(stop)
        self._at_exit = atexit.register(stop)

    def _stop(self) -> None:
        deadline = Deadline(config.STOP_TIMEOUT)
        with contextlib.ExitStack() as afterwards:
            # Last in, first out; each is done whatever becomes of the others.
            afterwards.callback(self._stopped.set)
            afterwards.callback(atexit.unregister, self._at_exit)
            afterwards.callback(self._shared.close, deadline)
            running: list[threading.Thread] = []  # when its time was up
            afterwards.callback(name_running, running)
            afterwards.callback(lambda: running.extend(self._stop_web()))
            sessions = self._register.close()
            for session in sessions:
                session.end("server_stopped", code=1001)
            self._shared.flush()
            ends = Deadline(min(config.STOP_TIMEOUT - config.STOP_RESERVE, 2 * self._shared.grace))
            for session in sessions:
                session.join(ends.remaining)
                running += session.threads_in_user_code()

    def _stop_web(self) -> list[threading.Thread]:
        """Stop answering requests; returns the threads that are still busy with one."""
        with self._lock:
            web, self._web = self._web, None
        return [] if web is None else web.stop()
