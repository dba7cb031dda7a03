"""The threads of the app's web server: started when there is work for them, not before."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from waitress.task import ThreadedTaskDispatcher


class WebThreads(ThreadedTaskDispatcher):  # type: ignore[misc]  # waitress has no types
    """As many threads as there were requests at once, and not more than ``most``.

    An app is asked for something now and then; sixty threads that wait for it take longer to
    start than the app itself.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._started: dict[int, threading.Thread] = {}
        self._when_over: Callable[[], object] | None = None
        # Its own word on threads that do not end tells only their number: see `unfinished`.
        self.logger = logging.getLogger("waitress.threads")
        self.logger.setLevel(logging.ERROR)

    def add_task(self, task: Any) -> None:
        """Answer a request on a thread that is idle, or on a new one; else it waits its turn.

        Where the system has no thread left it waits for one of those that there are; without any
        it raises ``RuntimeError``, and waitress hangs up.
        """
        with self.lock:
            wanted = min(self.active_count + len(self.queue) + 1, self._most)
            enough = len(self.threads) >= wanted
        if not enough:
            try:
                self.set_thread_count(wanted)
            except RuntimeError:
                if not self.threads:
                    raise
        super().add_task(task)

    def start_new_thread(self, target: Callable[[int], object], thread_no: int) -> None:
        """Start one, and remember which it is."""

        def live() -> None:
            target(thread_no)
            self._tell_over()

        thread = threading.Thread(target=live, name=f"waitress-{thread_no}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # Waitress has counted it already, and would leave the next requests to it.
            self.threads.discard(thread_no)
            raise
        self._started[thread_no] = thread

    @property
    def unfinished(self) -> list[threading.Thread]:
        """After :meth:`shutdown`: the threads that are still busy with a request."""
        with self.lock:
            return [self._started[number] for number in self.threads]

    def when_over(self, function: Callable[[], object]) -> None:
        """After :meth:`shutdown`: call ``function`` when the last request has ended, maybe now."""
        self._when_over = function
        self._tell_over()

    def _tell_over(self) -> None:
        with self.lock:
            if self.threads:
                return
            function, self._when_over = self._when_over, None
        if function is not None:
            function()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Let running requests end, and start no thread any more."""
        self._most = 0
        ended: bool = super().shutdown(cancel_pending, timeout)
        return ended
