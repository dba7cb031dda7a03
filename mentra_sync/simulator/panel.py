"""What the page shows around the glasses: the app's state, its log, what is said and heard."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from mentra_sync.protocol import codec
from mentra_sync.protocol.codec import MalformedMessage, iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.app_session import AppSession, State
from mentra_sync.simulator.web_sockets import WebSocket

Message = dict[str, Any]

_STATES = {
    State.STOPPED: "stopped",
    State.STARTING: "starting",
    State.RUNNING: "running",
    State.WAITING: "starting",
    State.STOPPING: "running",
    State.FAILED: "failed",
}


def app_message(session: AppSession) -> Message:
    """An app's state in the page's words."""
    if session.coming_back:
        return {"state": "starting", "detail": "the app is being started again"}
    stopping = session.state is State.STOPPING
    return {
        "state": _STATES[session.state],
        "detail": "the app is being stopped" if stopping else session.detail,
    }


class Panel:
    """All open pages, as one: what it is told goes to each of them.

    ``hello`` makes the first message for a page; ``actions`` are what a page may ask for.
    """

    def __init__(
        self,
        hello: Callable[[], Message],
        actions: dict[str, Callable[[Message], object]],
    ) -> None:
        self.opened = threading.Event()
        """Set when the first page has connected."""
        self.log_handler: logging.Handler = _PageLog(self)
        self._hello = hello
        self._actions = actions
        self._lock = threading.Lock()  # guards everything below
        self._pages: dict[WebSocket, list[str] | None] = {}
        self._log: deque[str] = deque(maxlen=limits.MAX_LOG_BACKLOG)
        self._app: Message | None = None
        self._streams: tuple[str, ...] | None = None

    def attach(self, page: WebSocket) -> None:
        """A page has connected: tell it how things stand, then whatever happens."""
        with self._lock:
            # What happens while it is being told how things stand comes after that.
            waiting: list[str] = []
            self._pages[page] = waiting
        hello = codec.dumps({"kind": "hello", **self._hello()})
        with self._lock:
            for text in [hello, *self._log, *waiting]:
                page.send(text)
            self._pages[page] = None
        self.opened.set()

    def detach(self, page: WebSocket) -> None:
        """A page was closed."""
        with self._lock:
            self._pages.pop(page, None)

    def tell(self, message: Message) -> None:
        """Tell every page; never blocks."""
        text = codec.dumps(message)
        with self._lock:
            self._send(text)

    def tell_log(self, message: Message) -> None:
        """Tell every page of a log record, and those that open later too."""
        text = codec.dumps(message)
        with self._lock:
            self._log.append(text)
            self._send(text, logged=True)

    def tell_app(self, session: AppSession) -> None:
        """Tell every page what has changed about the app."""
        app = app_message(session)
        with self._lock:
            if app != self._app:
                self._app = app
                self._send(codec.dumps({"kind": "app", **app}))
            if session.streams != self._streams:
                self._streams = session.streams
                streams = list(session.streams)
                self._send(codec.dumps({"kind": "listening", "streams": streams}))

    def receive(self, page: WebSocket, message: str | bytes) -> None:
        """Do what a page asks; what makes no sense is answered and changes nothing."""
        try:
            if isinstance(message, bytes):
                raise MalformedMessage("the panel takes no binary messages")
            request = codec.parse(message)
            action = request.get("action")
            do = self._actions.get(action) if isinstance(action, str) else None
            if do is None:
                raise ValueError(f"action must be one of {', '.join(self._actions)}")
            do(request)
        except ValueError as problem:
            page.send(codec.dumps({"kind": "problem", "message": str(problem)}))

    def _send(self, text: str, *, logged: bool = False) -> None:
        for page, waiting in self._pages.items():
            if waiting is None:
                page.send(text)
            elif not logged:
                waiting.append(text)


class _PageLog(logging.Handler):
    """Puts log records on the page."""

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self._panel = panel

    def emit(self, record: logging.LogRecord) -> None:
        """Tell the page of one record."""
        try:
            self._panel.tell_log(
                {
                    "kind": "log",
                    "level": record.levelname,
                    "logger": record.name,
                    "message": record.getMessage()[: limits.MAX_LOG_TEXT],
                    "traceback": self._traceback(record),
                    "at": iso_timestamp(record.created),
                }
            )
        except Exception:
            self.handleError(record)

    def _traceback(self, record: logging.LogRecord) -> str | None:
        text = record.exc_text
        if record.exc_info and record.exc_info[0] is not None:
            text = logging.Formatter().formatException(record.exc_info)
        # The end of a traceback says what happened.
        return text[-limits.MAX_LOG_TEXT :] if text else None
