"""The web server under an app: waitress, on a thread of its own, with a port and an end."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

from mentra_sync import config
from mentra_sync.clock import Deadline

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_FILES = 65_536
_STOP_TIMEOUT = 3.0


class WebServer:
    """Serves a WSGI app on a listening socket until :meth:`stop`."""

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        import waitress

        from mentra_sync.web_threads import WebThreads

        _raise_file_limit()
        self._threads = WebThreads(config.SERVER_THREADS)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._server: Any = waitress.create_server(
            app,
            sockets=[listener],
            _dispatcher=self._threads,
            connection_limit=config.SERVER_CONNECTIONS,
            max_request_body_size=config.MAX_UPLOAD_BYTES,
            ident=None,
            # Else it takes X-Forwarded-* off, and what comes by a tunnel seems to be from here.
            clear_untrusted_proxy_headers=False,
            # select() fails from the 1,024th open file on; Windows has no such limit, nor poll().
            asyncore_use_poll=hasattr(select, "poll"),
        )
        self._thread = threading.Thread(target=self._serve, name="mentra-web", daemon=True)
        self._closing: Deadline | None = None  # set once, by stop()

    def start(self) -> None:
        """Begin to answer requests. Without a thread for it, close and raise ``RuntimeError``."""
        try:
            self._thread.start()
        except RuntimeError:
            self._server.close()
            raise

    def stop(self) -> list[threading.Thread]:
        """Let running requests end, 3 s at most, and close everything.

        Returns the threads whose request has not ended.
        """
        deadline = Deadline(_STOP_TIMEOUT)
        server = self._server
        server.trigger.pull_trigger(server.del_channel)  # takes no more connections
        self._threads.shutdown(timeout=deadline.remaining)
        self._closing = deadline
        server.trigger.pull_trigger()
        self._thread.join()
        server.del_channel()
        server.socket.close()
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        # A request that still runs will pull the trigger when it ends: its file must not be
        # another's by then.
        unfinished = self._threads.unfinished
        self._threads.when_over(server.trigger.close)
        return unfinished

    def _serve(self) -> None:
        """Waitress's own loop, until the answers to the last requests are written."""
        server = self._server
        while self._closing is None or (self._unwritten() and not self._closing.passed):
            timeout = server.adj.asyncore_loop_timeout
            if self._closing is not None:
                timeout = min(timeout, self._closing.remaining)
            server.asyncore.loop(
                timeout=timeout, map=server._map, use_poll=server.adj.asyncore_use_poll, count=1
            )

    def _unwritten(self) -> bool:
        return any(channel.total_outbufs_len for channel in self._server.active_channels.values())


def _raise_file_limit() -> None:
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
