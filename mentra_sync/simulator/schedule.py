"""What is due later: one thread that calls functions at their moments of a clock."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from mentra_sync.clock import Clock

logger = logging.getLogger(__name__)


class Later:
    """A function that waits for its moment; :meth:`cancel` forgets it."""

    def __init__(self, schedule: Schedule, function: Callable[[], object]) -> None:
        self.function = function
        self._schedule = schedule

    def cancel(self) -> None:
        """Never call the function, unless that has begun already; callable any number of times."""
        self._schedule.forget(self)


class Schedule:
    """Calls functions when their time has come, one after the other, on a thread of its own.

    The functions must not block.  One that raises is logged, and the others go on.
    """

    def __init__(self, clock: Clock, name: str) -> None:
        self.clock = clock
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._changed = threading.Condition()  # guards everything below
        self._heap: list[tuple[float, int, Later]] = []
        self._numbers = itertools.count()
        self._version = 0
        self._waits_for: int | None = None
        """The version whose next moment the thread waits for; None while a function runs."""
        self._stopped = False
        self.begun = 0
        """How many functions have been called so far, or begun to be."""

    def start(self) -> None:
        """Begin to call what is due."""
        self._thread.start()

    def stop(self) -> None:
        """Forget everything and end the thread; waits for a function that is running."""
        with self._changed:
            self._stopped = True
            self._heap.clear()
            self._changed.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def after(self, seconds: float, function: Callable[[], object]) -> Later:
        """Call ``function`` in so many seconds of the clock."""
        return self.at(self.clock.now() + seconds, function)

    def at(self, moment: float, function: Callable[[], object]) -> Later:
        """Call ``function`` at a reading of the clock; functions of one moment keep their order."""
        later = Later(self, function)
        with self._changed:
            if not self._stopped:
                heapq.heappush(self._heap, (moment, next(self._numbers), later))
                self._version += 1
                self._changed.notify_all()
        return later

    def forget(self, later: Later) -> None:
        """See :meth:`Later.cancel`."""
        with self._changed:
            # At once, not at its moment: what a function holds may be much, and that be far off.
            self._heap = [entry for entry in self._heap if entry[2] is not later]
            heapq.heapify(self._heap)
            self._version += 1
            self._changed.notify_all()

    @property
    def quiet(self) -> bool:
        """Whether nothing is running or due, and the clock knows what is due next."""
        with self._changed:
            due = bool(self._heap) and self._heap[0][0] <= self.clock.now()
            return self._stopped or (self._waits_for == self._version and not due)

    def _run(self) -> None:
        while (later := self._next()) is not None:
            try:
                later.function()
            except Exception:
                logger.exception("the simulator failed at something that was due")

    def _next(self) -> Later | None:
        """The next function whose moment has come; None when stopped."""
        with self._changed:
            while not self._stopped:
                due = self._heap[0][0] if self._heap else None
                if due is not None and due <= self.clock.now():
                    self._waits_for = None
                    self.begun += 1
                    return heapq.heappop(self._heap)[2]
                self._wait(due)
            return None

    def _wait(self, due: float | None) -> None:
        version = self._waits_for = self._version
        self.clock.wait_for(
            self._changed, lambda: self._stopped or self._version != version, until=due
        )
