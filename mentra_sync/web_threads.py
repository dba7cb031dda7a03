"""The threads of the app's web server: started when there is work for them, not before."""

from __future__ import annotations

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

    def add_task(self, task: Any) -> None:
        """Answer a request on a thread that is idle, or on a new one; else it waits its turn."""
        with self.lock:
            wanted = min(self.active_count + len(self.queue) + 1, self._most)
            enough = len(self.threads) >= wanted
        if not enough:
            self.set_thread_count(wanted)
        super().add_task(task)

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        """Let running requests end, and start no thread any more."""
        self._most = 0
        ended: bool = super().shutdown(cancel_pending, timeout)
        return ended
