"""Work that is done one thing at a time, on a thread that is there only while there is some."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Errands:
    """Calls functions one at a time, in the order in which they came. Safe from any thread."""

    def __init__(self, thread_name: str, idle: Callable[[], object]) -> None:
        """``idle`` is called on the thread whenever it has nothing left to do, before it ends."""
        self._thread_name = thread_name
        self._idle = idle
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._waiting: deque[Callable[[], None]] = deque()
        self._working = False
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being done, or waits to be."""
        with self._lock:
            return self._working

    def do(self, function: Callable[[], T], result: Future[T] | None = None) -> Future[T]:
        """Have ``function()`` called after those before it; the future gets what comes of it.

        Returns at once.  Only where the system has no thread left, the calling one does the work.
        """
        future: Future[T] = Future() if result is None else result
        with self._lock:
            self._waiting.append(lambda: _run(function, future))
            here = not self._see_that_somebody_works()
        if here:
            self._work()
        return future

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end, ``timeout`` seconds at most; whether it has."""
        with self._lock:
            thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def _see_that_somebody_works(self) -> bool:
        """With the lock held: start a thread if need be; False when there is none to be had."""
        if self._working:
            return True
        self._working = True
        thread = threading.Thread(target=self._work, name=self._thread_name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._working = False
                    break
                errand = self._waiting.popleft()
            errand()
        self._idle()


def _run(function: Callable[[], T], future: Future[T]) -> None:
    try:
        value = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)
