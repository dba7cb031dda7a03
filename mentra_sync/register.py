"""The register of live sessions: starting, replacing and ending them, each exactly once."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mentra_sync.errors import ConnectionFailed

if TYPE_CHECKING:
    from mentra_sync.session import AppSession


class Register:
    """All sessions of a server, by id, in the order in which they began.

    A session that is being started is in it already, so that a stop request finds it; only live
    ones are shown.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._sessions: dict[str, AppSession] = {}
        self._leaving: dict[str, AppSession] = {}  # ended; their last code still runs
        # All that have ended, until nobody knows them any more: the thread of a connection that
        # is still closing does, whatever of their code has run.
        self._ended: weakref.WeakSet[AppSession] = weakref.WeakSet()
        self._starting: dict[str, _Turn] = {}
        self._closed = False

    def live(self) -> list[AppSession]:
        """The sessions that are up, oldest first."""
        with self._lock:
            return [session for session in self._sessions.values() if session.live]

    def all(self) -> list[AppSession]:
        """Those that there are, being started and ending ones too."""
        with self._lock:
            return [*self._sessions.values(), *self._leaving.values()]

    def get(self, session_id: str) -> AppSession | None:
        """The session of an id, live or being started."""
        with self._lock:
            return self._sessions.get(session_id)

    def start(self, session_id: str, make: Callable[[], AppSession]) -> None:
        """Start a session and wait until it is connected; replace the one that has its id.

        Two at the same instant for one id take turns, and the second replaces the first.
        Raises ``ConnectionFailed``, with the session ended and forgotten; ``SessionEnded`` when
        it was stopped before it was connected.
        """
        with self._turn(session_id):
            with self._lock:
                before = self._sessions.get(session_id) or self._leaving.get(session_id)
                mine = {one for one in self._ended if one.session_id == session_id}
            for one in mine if before is None else mine | {before}:
                one.replace()
            session = make()
            with self._lock:
                if self._closed:
                    raise ConnectionFailed("the server is stopping; start the app again later")
                self._sessions.pop(session_id, None)  # the newest comes last
                self._sessions[session_id] = session
            try:
                session.connect()
                session.begin(before)
            except ConnectionFailed:
                session.end("connection_lost")
                raise

    def forget(self, session: AppSession) -> None:
        """Take a session that has ended off; one that has taken its place stays."""
        with self._lock:
            if self._sessions.get(session.session_id) is session:
                del self._sessions[session.session_id]
                self._leaving[session.session_id] = session
                self._ended.add(session)

    def finished(self, session: AppSession) -> None:
        """All of an ended session's code has run: the next one of its id need not wait for it."""
        with self._lock:
            if self._leaving.get(session.session_id) is session:
                del self._leaving[session.session_id]

    def close(self) -> list[AppSession]:
        """Start no more sessions; return those that there are, and those that are ending.

        Of some that end all code has run, and only the connection is still being closed.
        """
        with self._lock:
            self._closed = True
            there = [*self._sessions.values(), *self._leaving.values()]
            return there + [session for session in self._ended if session not in there]

    def open(self) -> None:
        """Start sessions again."""
        with self._lock:
            self._closed = False

    @contextmanager
    def _turn(self, session_id: str) -> Iterator[None]:
        """Hold the right to start a session of this id."""
        with self._lock:
            turn = self._starting.setdefault(session_id, _Turn())
            turn.wanted += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.wanted -= 1
                if not turn.wanted:
                    del self._starting[session_id]


class _Turn:
    """Who may start a session of one id, and how many want to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted = 0
