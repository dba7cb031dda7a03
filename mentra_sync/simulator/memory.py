"""The last things that happened: so many at most, and no more than there is room for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from mentra_sync.simulator import limits

T = TypeVar("T")

_VALUE = 64
"""Bytes that any value takes, more or less, beside the characters of a text."""


def weight(value: Any) -> int:
    """About how many bytes a JSON value takes; of anything else only that it is there."""
    total, found = 0, [value]
    while found:
        one = found.pop()
        total += _VALUE
        if isinstance(one, str | bytes):
            total += len(one)
        elif isinstance(one, dict):
            found += one
            found += one.values()
        elif isinstance(one, list | tuple):
            found += one
    return total


class Memory(Generic[T]):
    """The last things that were added, oldest first; the newest is always there.

    ``weigh`` says how many bytes a thing takes.  It has no lock: its owner's guards it.
    """

    def __init__(self, weigh: Callable[[T], int] = weight) -> None:
        self._weigh = weigh
        self._things: deque[tuple[T, int]] = deque()
        self._weight = 0

    def add(self, thing: T) -> None:
        """Remember something, and forget what there is no room for beside it."""
        its = self._weigh(thing)
        self._things.append((thing, its))
        self._weight += its
        while len(self._things) > 1 and self._is_full():
            self._weight -= self._things.popleft()[1]

    def _is_full(self) -> bool:
        return len(self._things) > limits.MAX_HISTORY or self._weight > limits.MAX_HISTORY_BYTES

    def __iter__(self) -> Iterator[T]:
        return (thing for thing, _ in self._things)

    def __len__(self) -> int:
        return len(self._things)
