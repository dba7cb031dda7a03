"""What the page shows around the glasses: the app's state, its log, what is said and heard."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from mentra_sync.protocol import codec
from mentra_sync.protocol.codec import MalformedMessage, iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.app_session import AppSession, State
from mentra_sync.simulator.timeline import Crossing, Timeline
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


_CONVERSATION = frozenset({"heard", "speech", "audio"})
"""The kinds of what is said to an app, and of what it has played."""


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
    """All open pages; each belongs to a wearer, and is told what concerns that one.

    ``hello`` makes the first message for a wearer's page; ``act`` does what one asks for, and
    raises ValueError for what makes no sense.
    """

    def __init__(
        self,
        timeline: Timeline,
        hello: Callable[[str], Message],
        act: Callable[[str, str, Message], object],
    ) -> None:
        self.opened = threading.Event()
        """Set when the first page has connected."""
        self.log_handler: logging.Handler = _PageLog(self)
        self._timeline = timeline
        self._hello = hello
        self._act = act
        self._lock = threading.Lock()  # guards everything below
        self._pages: dict[WebSocket, _Page] = {}
        self._log: deque[_Kept] = deque(maxlen=limits.MAX_LOG_BACKLOG)
        self._conversation: deque[_Kept] = deque(maxlen=limits.MAX_CONVERSATION)
        self._apps: dict[str, Message] = {}
        self._streams: dict[str, tuple[str, ...]] = {}
        self._settings: dict[str, list[Message]] = {}
        timeline.listen(self._crossed)

    def attach(self, socket: WebSocket, user_id: str) -> None:
        """A wearer's page has connected: tell it how things stand, then whatever happens."""
        page = _Page(user_id)
        with self._lock:
            # What happens while it is being told how things stand comes after that.
            self._pages[socket] = page
            crossed = self._timeline.count
        hello = codec.dumps({"kind": "hello", **self._hello(user_id)})
        crossings = [
            _crossing(one)
            for one in self._timeline.after()[-limits.MAX_LOG_BACKLOG :]
            if one.number <= crossed and page.concerned(one.user_id)
        ]
        with self._lock:
            before = [
                _latest([text for whose, text in kept if page.concerned(whose)])
                for kept in (self._log, self._conversation)
            ]
            for text in chain([hello], *before, _latest(crossings), page.waiting or ()):
                socket.send(text)
            page.waiting = None
        self.opened.set()

    def detach(self, socket: WebSocket) -> None:
        """A page was closed."""
        with self._lock:
            self._pages.pop(socket, None)

    def tell(self, message: Message, user_id: str | None = None) -> None:
        """Tell the pages of one wearer (None: of all); never blocks.

        What was said, and what was played, later pages are told too.
        """
        text = codec.dumps(message)
        conversation = message["kind"] in _CONVERSATION
        with self._lock:
            # Words that still grow give way to the final ones.
            final = message.get("final") is not False
            if conversation and final and len(text) <= limits.MAX_LOG_TEXT:
                self._conversation.append((user_id, text))
            self._send(text, user_id, later=not conversation)

    def tell_log(self, message: Message, user_id: str | None = None) -> None:
        """Tell the pages of one wearer (None: of all) of a log record; later ones too."""
        text = codec.dumps(message)
        with self._lock:
            self._log.append((user_id, text))
            self._send(text, user_id, later=False)

    def tell_app(self, session: AppSession) -> None:
        """Tell the pages of its wearer what has changed about an app."""
        app = app_message(session)
        user_id = session.wearer.user_id
        settings = session.app.settings_in_force(user_id)
        with self._lock:
            if app != self._apps.get(user_id):
                self._apps[user_id] = app
                self._send(codec.dumps({"kind": "app", **app}), user_id)
            if session.streams != self._streams.get(user_id):
                self._streams[user_id] = session.streams
                streams = list(session.streams)
                self._send(codec.dumps({"kind": "listening", "streams": streams}), user_id)
            if settings != self._settings.get(user_id):
                self._settings[user_id] = settings
                self._send(codec.dumps({"kind": "settings", "settings": settings}), user_id)

    def receive(self, socket: WebSocket, user_id: str, message: str | bytes) -> None:
        """Do what a page asks; what makes no sense is answered and changes nothing."""
        try:
            if isinstance(message, bytes):
                raise MalformedMessage("the panel takes no binary messages")
            request = codec.parse(message)
            action = request.pop("action", None)
            if not isinstance(action, str):
                raise ValueError("action must be the name of one")
            self._act(user_id, action, request)
        except ValueError as problem:
            socket.send(codec.dumps({"kind": "problem", "message": str(problem)}))

    def _crossed(self, crossing: Crossing) -> None:
        with self._lock:
            # Most of what crosses the wire is seen by nobody.
            if self._pages:
                self._send(_crossing(crossing), crossing.user_id)

    def _send(self, text: str, user_id: str | None, *, later: bool = True) -> None:
        """With the lock held: to the pages that are concerned.

        One that is being greeted gets it ``later``, or with all that is kept.
        """
        for socket, page in self._pages.items():
            if not page.concerned(user_id):
                continue
            if page.waiting is None:
                socket.send(text)
            elif later:
                page.waiting.append(text)


_Kept = tuple[str | None, str]
"""Whose it is (None: everybody's), and what pages are told."""


@dataclass(eq=False)
class _Page:
    """One open page, and what has happened while it is being greeted."""

    user_id: str
    waiting: list[str] | None = field(default_factory=list)

    def concerned(self, user_id: str | None) -> bool:
        """Whether something of a wearer, or of nobody in particular, is shown on it."""
        return user_id is None or user_id == self.user_id


def _latest(texts: list[str]) -> list[str]:
    """The last of some texts, as many as a page can take at once."""
    room = limits.MAX_BACKLOG_TEXT
    for count, text in enumerate(reversed(texts)):
        room -= len(text)
        if room < 0:
            return texts[len(texts) - count :]
    return texts


def _crossing(crossing: Crossing) -> str:
    return codec.dumps({"kind": "crossing", **crossing.message()})


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
                },
                getattr(record, "user_id", None),
            )
        except Exception:
            self.handleError(record)

    def _traceback(self, record: logging.LogRecord) -> str | None:
        text = record.exc_text
        if record.exc_info and record.exc_info[0] is not None:
            text = logging.Formatter().formatException(record.exc_info)
        # The end of a traceback says what happened.
        return text[-limits.MAX_LOG_TEXT :] if text else None
