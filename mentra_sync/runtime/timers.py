"""Things that are due at a moment of session time, for all sessions of a server.

One thread, ``mentra-timers``, hands work on at its moment: it wakes a connection or queues a
callback.  It never sends and never runs user code, so nothing can hold it up.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
from collections.abc import Callable

from mentra_sync.clock import Clock
from mentra_sync.log import own_logger

_log = own_logger(__name__)
_STOP_TIMEOUT = 2.0

_FEW = 1000
"""So many alarms may be kept that have been called off."""


class Alarm:
    """One thing that is due; :meth:`cancel` calls it off."""

    __slots__ = ("function", "moment")

    def __init__(self, moment: float, function: Callable[[], object]) -> None:
        self.moment = moment
        self.function: Callable[[], object] | None = function

    @property
    def pending(self) -> bool:
        """Whether it has neither rung nor been called off."""
        return self.function is not None

    def cancel(self) -> None:
        """Call it off. From any thread; after it has rung it does nothing."""
        self.function = None


class Timers:
    """The alarms of one server. The thread starts with the first one and ends with :meth:`stop`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._condition = threading.Condition()
        # Guarded by _condition:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._tidy_at = _FEW  # entries of the heap
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._earliest_changed = False
        self._waits = False  # the thread, for _waits_until
        self._waits_until: float | None = None
        self._rung = 0

    def after(self, seconds: float, function: Callable[[], object]) -> Alarm:
        """Call ``function`` on the timer thread, ``seconds`` of session time from now."""
        return self.at(self.clock.now() + seconds, function)

    def at(self, moment: float, function: Callable[[], object]) -> Alarm:
        """Call ``function`` on the timer thread at ``moment``, a reading of the session's clock."""
        alarm = Alarm(moment, function)
        with self._condition:
            if self._stopped:
                return alarm
            heapq.heappush(self._heap, (moment, next(self._order), alarm))
            if len(self._heap) > self._tidy_at:
                self._tidy()
            if self._thread is None:
                self._start()
            elif self._heap[0][2] is alarm:
                self._earliest_changed = True
                self._condition.notify()
        return alarm

    def _tidy(self) -> None:
        """With the lock held: forget what was called off, which else stays until it would be due.

        An app that moves a long timer at each event would fill the memory with it.
        """
        heap, self._heap = self._heap, []
        for entry in heap:  # one by one: a destructor may set an alarm here, on this thread
            if entry[2].pending:
                heapq.heappush(self._heap, entry)
        self._tidy_at = max(_FEW, 2 * len(self._heap))
        self._earliest_changed = True
        self._condition.notify()

    def _start(self) -> None:
        """With the lock held: start the thread. When there is none, the next alarm tries again."""
        thread = threading.Thread(target=self._run, name="mentra-timers", daemon=True)
        with contextlib.suppress(RuntimeError):  # who sets an alarm may hold locks of its own
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """Forget every alarm and end the thread; it has ended when this returns.

        Unless it is held up, by a log handler of the app's, say: then it is left to itself after
        2 s, and ends when it can.
        """
        with self._condition:
            self._stopped = True
            self._heap.clear()
            self._earliest_changed = True
            self._condition.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_TIMEOUT)

    @property
    def busy(self) -> bool:
        """Whether an alarm is due or ringing, or the clock does not know yet what is due next."""
        with self._condition:
            first = self._heap[0][0] if self._heap else None
            if self._stopped or (self._thread is None and first is None):
                return False
            due = first is not None and first <= self.clock.now()
            return due or not self._waits or self._waits_until != first

    @property
    def rung(self) -> int:
        """How many alarms have rung so far, or begun to."""
        return self._rung

    def _run(self) -> None:
        with self._condition:
            while not self._stopped:
                until = self._heap[0][0] if self._heap else None
                self._earliest_changed = False
                if until is None or self.clock.now() < until:
                    self._waits, self._waits_until = True, until
                    self.clock.wait_for(self._condition, lambda: self._earliest_changed, until)
                    self._waits = False
                    continue
                _, _, alarm = heapq.heappop(self._heap)
                self._ring(alarm)

    def _ring(self, alarm: Alarm) -> None:
        """With the lock held: release it for the time of the call."""
        function, alarm.function = alarm.function, None
        if function is None:
            return
        self._rung += 1
        self._condition.release()
        try:
            function()
        except BaseException:  # log handlers run here as well, and are user code
            _log.exception("a timer of the runtime failed")
        finally:
            self._condition.acquire()
