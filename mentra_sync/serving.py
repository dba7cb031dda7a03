"""The web server under an app: waitress, on a thread of its own, with a port and an end."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any

from mentra_sync import config, hints
from mentra_sync.clock import Deadline
from mentra_sync.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_PORTS_TRIED = 50
_FILES = 65_536
_STOP_TIMEOUT = 3.0


def listen(host: str, port: int, *, may_move: bool) -> socket.socket:
    """A listening socket; on the next free port when this one is taken and ``may_move``.

    Raises ``ConfigurationError`` that names the port and says how to choose another.
    """
    last = port + (_PORTS_TRIED if may_move and port else 0)
    for candidate in range(port, last + 1):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            return socket.create_server((host, candidate), family=family, backlog=128)
        except OverflowError:
            break
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ConfigurationError(
                    hints.CANNOT_LISTEN.format(host, candidate, error.strerror)
                ) from None
    raise ConfigurationError(hints.PORT_BUSY.format(port, port + 1))


def raise_file_limit() -> None:
    """Allow this process as many open files as the system lets it: a session takes three."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _FILES:
        return
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class WebServer:
    """Serves a WSGI app on a listening socket until :meth:`stop`."""

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        import waitress

        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._server: Any = waitress.create_server(
            app,
            sockets=[listener],
            threads=config.SERVER_THREADS,
            connection_limit=config.SERVER_CONNECTIONS,
            max_request_body_size=config.MAX_REQUEST_BYTES,
            ident=None,
            # Else it takes X-Forwarded-* off, and what comes by a tunnel seems to be from here.
            clear_untrusted_proxy_headers=False,
        )
        self._thread = threading.Thread(target=self._server.run, name="mentra-web", daemon=True)

    def start(self) -> None:
        """Begin to answer requests."""
        self._thread.start()

    def stop(self) -> None:
        """Let running requests end, 3 s at most, and close everything."""
        deadline = Deadline(_STOP_TIMEOUT)
        self._server.trigger.pull_trigger(self._server.del_channel)
        self._server.trigger.pull_trigger(self._server.socket.close)
        self._server.task_dispatcher.shutdown(timeout=deadline.remaining)
        self._server.trigger.pull_trigger(self._close)
        self._thread.join(_STOP_TIMEOUT)

    def _close(self) -> None:
        """On the server's thread: without channels and trigger its loop has nothing left to do."""
        for channel in list(self._server.active_channels.values()):
            channel.handle_close()
        self._server.trigger.close()
