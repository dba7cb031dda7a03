"""Events that wait for somebody, in order, and which of them go when there are too many."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

AUDIO, SUPERSEDED, KEEP = range(3)
"""How dear an event is: a full backlog gives up audio first, then readings that newer ones
replace (interim words, battery, location, head position), and the rest only when it must."""

T = TypeVar("T")


class Backlog(Generic[T]):
    """A queue of ``size`` events at most. The lock is its owner's."""

    __slots__ = ("_counts", "_events", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._events: deque[tuple[int, T]] = deque()
        self._counts = [0, 0, 0]  # how many events there are of each rank

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
        self._counts = [0, 0, 0]
        return count
