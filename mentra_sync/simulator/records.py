"""Lists of what the glasses have seen so far, which can be waited on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from mentra_sync.clock import Deadline
from mentra_sync.simulator.memory import Memory

T = TypeVar("T")

WAIT_SECONDS = 2.0
"""How long ``wait_for`` waits unless told otherwise (real time)."""


def matcher(wanted: object) -> Callable[[Any], bool]:
    """What ``wait_for`` takes, as a test: a function; a text to be contained; a thing to equal."""
    if callable(wanted):
        return lambda item: bool(wanted(item))
    if isinstance(wanted, str):
        return lambda item: item == wanted or (isinstance(item, str) and wanted in item)
    return lambda item: bool(item == wanted)


class Record(Sequence[T], Generic[T]):
    """What has happened so far, oldest first; compares equal to a list of the same things.

    Of very many, or very large, things the last ones are remembered.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self._changed = threading.Condition()  # guards the next three
        self._items: Memory[T] = Memory()
        self._added = 0
        self._ended = False

    def add(self, item: T) -> None:
        """Add what has just happened."""
        with self._changed:
            self._items.add(item)
            self._added += 1
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will come: who waits for something waits no longer."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, wanted: object, timeout: float = WAIT_SECONDS) -> T | None:
        """Block until something matches, and return it; None after ``timeout`` (s, real).

        ``wanted`` is the thing itself, a part of a text, or a function that says yes to it.
        What happened before the call counts.
        """
        matches = matcher(wanted)
        deadline = Deadline(timeout)
        seen = 0
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._added > seen or self._ended,  # noqa: B023
                    deadline.remaining,
                )
                if self._added <= seen:
                    return None
                fresh = list(self._items)[-(self._added - seen) :]
                seen = self._added
            # A function of the user's runs without our lock.
            for item in fresh:
                if matches(item):
                    return item

    def copy(self) -> list[T]:
        """Everything so far."""
        with self._changed:
            return list(self._items)

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.copy())

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self.copy()[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Record):
            return self.copy() == other.copy()
        return self.copy() == list(other) if isinstance(other, list | tuple) else NotImplemented

    def __repr__(self) -> str:
        return repr(self.copy())
