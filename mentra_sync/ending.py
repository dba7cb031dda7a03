"""The end of a session: which of the app's code still runs then, in which order, and how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from mentra_sync import config
from mentra_sync.errors import SessionEnded
from mentra_sync.runtime.closing import Disconnection
from mentra_sync.runtime.link import Link

_THREAD_RETRY = 1.0
"""How soon it is tried again, when there was no thread to be had for it."""


class Ending:
    """Waits for the app's code, calls ``on_disconnected`` handlers, then ``on_stop``; once.

    It has a thread of its own, so that whoever ends a session need not wait.
    """

    def __init__(
        self,
        link: Link,
        *,
        main: Callable[[], threading.Thread | None],
        on_stop: Callable[[str], None],
        finished: Callable[[], None],
        grace: float = config.CALLBACK_GRACE,
    ) -> None:
        """``main`` is the thread of ``on_session``; ``on_stop`` takes the reason.

        Code that still runs is waited for ``grace`` seconds.
        """
        self._grace = grace
        self._link = link
        self._main = main
        self._on_stop = on_stop
        self._tell_finished = finished
        self._finished = threading.Event()
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._how: Disconnection | None = None
        self._began: float | None = None
        self._threads: list[threading.Thread] = []

    def begin(self, how: Disconnection) -> None:
        """The session has ended. Returns at once."""
        with self._lock:
            self._how = how
            self._began = time.monotonic()
        self._try_to_begin()

    def wait(self, timeout: float) -> bool:
        """Wait until all of it is over, ``timeout`` seconds from its beginning at most.

        Returns whether it is over.
        """
        with self._lock:
            until = (self._began or time.monotonic()) + timeout
        return self._finished.wait(max(0.0, until - time.monotonic()))

    def join(self, timeout: float) -> bool:
        """The same when the process may be about to exit: no thread can be started any more."""
        with self._lock:
            no_thread = not self._threads
        if no_thread:
            self._run()
        return self._finished.wait(timeout)

    @property
    def threads(self) -> list[threading.Thread]:
        """Its threads, which may be inside the app's code."""
        with self._lock:
            return [thread for thread in self._threads if thread.is_alive()]

    def _try_to_begin(self) -> None:
        if self._start(self._run) is None:
            self._link.timers.after(_THREAD_RETRY, self._try_to_begin)

    def _start(self, function: Callable[[], None]) -> threading.Thread | None:
        """Run a part of it on a thread of its own; None when none can be had."""
        name = f"mentra-end-{self._link.identity.session_id[:60]}"
        thread = threading.Thread(target=function, name=name, daemon=True)
        with self._lock:
            try:
                thread.start()
            except RuntimeError:
                return None
            self._threads.append(thread)
        return thread

    def _run(self) -> None:
        with self._lock:
            how, self._how = self._how, None
        if how is None:
            return
        until = time.monotonic() + self._grace
        try:
            # Code that hangs must not use up the time of those who are to hear of the end: the
            # handlers get the last of it beside that code, and on_stop comes when it is over.
            self._wait_for_code(until - min(config.LAST_WORDS, self._grace / 2))
            telling = self._tell_disconnected(how)
            if not self._wait_for_code(until):
                self._link.dispatcher.abandon()
            if telling is not None:
                telling.join(max(0.0, until - time.monotonic()))
            self._call(self._on_stop, how.reason)
        finally:
            self._tell_finished()
            me = threading.current_thread()  # which is out of the app's code
            with self._lock:
                self._threads = [one for one in self._threads if one is not me]
            self._finished.set()

    def _wait_for_code(self, until: float) -> bool:
        """Wait for ``on_session`` and for callbacks; returns whether the callbacks have ended."""
        calm = self._link.dispatcher.join(max(0.0, until - time.monotonic()))
        main = self._main()
        if main is not None:
            main.join(max(0.0, until - time.monotonic()))
        return calm

    def _tell_disconnected(self, how: Disconnection) -> threading.Thread | None:
        """Call the ``on_disconnected`` handlers, on the thread that is returned if there is one.

        One that hangs does not hold up ``on_stop``.
        """
        handlers = self._link.signals.handlers("disconnected")

        def tell() -> None:
            for handler in handlers:
                self._call(handler, (how,))

        if not handlers:
            return None
        thread = self._start(tell)
        if thread is None:
            tell()
        return thread

    def _call(self, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            function(*arguments)
        except SessionEnded:
            pass  # it has, and the app's code need not care
        except BaseException as error:
            self._link.report(error, function)
