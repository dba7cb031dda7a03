"""The web server under the simulator: werkzeug's, with threads that have names and an end."""

from __future__ import annotations

import contextlib
import itertools
import logging
import selectors
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from mentra_sync.clock import Deadline
from mentra_sync.simulator import limits
from mentra_sync.simulator.webhooks import is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

STOP_SECONDS = 5.0
"""How long stopping waits for requests that are being answered."""


class WebServer(ThreadedWSGIServer):
    """Serves a WSGI application on one thread per connection until :meth:`stop`."""

    def __init__(self, listener: socket.socket, app: WSGIApplication) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # guards the next three
        self._open: dict[threading.Thread, socket.socket] = {}
        self._of_devices: set[threading.Thread] = set()
        self._stopping = False
        self._waker, self._wakened = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="mentra-sim-server", daemon=True)
        listener.setblocking(False)
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, app, _Handler, fd=listener.fileno())
        listener.close()

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, and return when all threads have ended."""
        with self._lock:
            self._stopping = True
            self._waker.send(b"\0")
            still_open = dict(self._open)
        if self._thread.ident is not None:
            self._thread.join()
        for connection in still_open.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = Deadline(STOP_SECONDS)
        for thread in still_open:
            if thread is not threading.current_thread():
                thread.join(deadline.remaining)
        self._waker.close()
        self._wakened.close()
        self.server_close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wakened, selectors.EVENT_READ)
            while not any(key.fileobj is self._wakened for key, _ in selector.select()):
                self._accept()

    def _accept(self) -> None:
        try:
            request, address = self.get_request()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:
            # No more open files: the connection goes on waiting, and so must we, or spin.
            time.sleep(0.1)
            return
        self.process_request(request, address)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer on a thread of the connection's own (socketserver calls this)."""
        thread = threading.Thread(
            target=self._answer,
            args=(request, client_address),
            name=f"mentra-sim-http-{next(self._numbers)}",
            daemon=True,
        )
        of_device = not is_loopback(client_address[0])
        with self._lock:
            full = len(self._open) >= limits.MAX_CONNECTIONS
            many = of_device and len(self._of_devices) >= limits.MAX_DEVICE_CONNECTIONS
            refused = self._stopping or full or many
            if not refused:
                self._open[thread] = request
            if of_device and not refused:
                self._of_devices.add(thread)
        if not refused:
            try:
                thread.start()
            except RuntimeError:  # no more threads
                self._forget(thread)
                refused = True
        if refused:
            self.shutdown_request(request)

    def _answer(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            self._forget(threading.current_thread())

    def _forget(self, thread: threading.Thread) -> None:
        with self._lock:
            self._open.pop(thread, None)
            self._of_devices.discard(thread)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what broke outside the application (socketserver would print it)."""
        if not isinstance(sys.exc_info()[1], OSError):
            logger.exception("the simulator's web server failed at a request")

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log what broke inside werkzeug; Flask has logged its own already."""
        logger.debug(message, *args)


class _Handler(WSGIRequestHandler):
    """Answers the requests of one connection, and says nothing about them."""

    timeout = limits.HTTP_TIMEOUT

    def make_environ(self) -> WSGIEnvironment:
        """The request for WSGI, without an offer to compress websocket frames on loopback."""
        environ = super().make_environ()
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return environ

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: the page and the app's own log are what a person reads."""
