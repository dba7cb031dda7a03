"""Events that wait for somebody, in order, and which of them go when there are too many."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Generic, TypeVar

from mentra_sync import config

AUDIO, SUPERSEDED, KEEP, OURS = range(4)
"""How dear an event is: a full backlog gives up audio first, then readings that newer ones
replace (interim words, battery, location, head position), and the rest only when it must.

``OURS`` is never given up: a call that the SDK has queued itself, and counts on."""

T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue of ``size`` events at most. The lock is its owner's."""

    __slots__ = ("_counts", "_events", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._events: deque[tuple[int, T]] = deque()
        self._counts = [0, 0, 0, 0]  # how many events there are of each rank

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: T, rank: int) -> None:
        """Append an event, whatever the size: see :meth:`make_room`."""
        self._events.append((rank, event))
        self._counts[rank] += 1

    def take(self) -> T:
        """Remove and return the first event."""
        rank, event = self._events.popleft()
        self._counts[rank] -= 1
        return event

    def make_room(self, rank: int) -> bool:
        """Give up one event for a new one; False when the new one is the one to go.

        That is the oldest of the lowest rank.
        """
        lowest = next(rank for rank, count in enumerate(self._counts) if count)
        if rank < lowest:
            return False
        index = next(i for i, queued in enumerate(self._events) if queued[0] == lowest)
        del self._events[index]
        self._counts[lowest] -= 1
        return True

    def clear(self) -> int:
        """Give up every event; return how many there were."""
        count = len(self._events)
        self._events.clear()
        self._counts = [0, 0, 0, 0]
        return count


class Room:
    """Where the threads that fill a backlog wait for room. Its lock is the backlog's, held.

    A spell of being full has one patience, however many events come meanwhile: a queue that is
    emptied slowly would otherwise take one event each time, and hold up for good who fills it.
    The spell lasts until the queue has fallen to three quarters.  Waking a thread for every
    single place would make filler and emptier wait for each other at each event.
    """

    __slots__ = ("_backlog", "_fallen", "_full_since", "_low_water", "waiting")

    def __init__(self, backlog: Backlog[Any], lock: threading.Lock) -> None:
        self._backlog = backlog
        self._low_water = backlog.size * 3 // 4
        self._fallen = threading.Condition(lock)
        self._full_since: float | None = None
        self.waiting = 0
        """How many threads do."""

    def wait(self, patience: float) -> None:
        """The backlog is full: wait, ``patience`` seconds at most and what the spell has left."""
        now = time.monotonic()
        if self._full_since is None:
            self._full_since = now
        patience = min(patience, self._full_since + config.BACKLOG_PATIENCE - now)
        if patience > 0:
            self.waiting += 1
            self._fallen.wait_for(lambda: len(self._backlog) <= self._low_water, patience)
            self.waiting -= 1

    def taken(self) -> None:
        """The backlog has fewer events than before: perhaps the spell is over."""
        if self._full_since is not None and len(self._backlog) <= self._low_water:
            self._full_since = None
            self._fallen.notify_all()
