"""What the glasses have shown, spoken, played: lists to compare and to wait on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, overload

from mentra_sync.simulator.records import WAIT_SECONDS, Record, matcher

T = TypeVar("T")
Matcher = Callable[[object], Callable[[Any], bool]]

_NEAR = 0.4
"""From this similarity on (0 to 1) something counts as meant but missed."""


def anything(_: object) -> bool:
    """What ``wait_for()`` waits for when it is told nothing."""
    return True


@dataclass(frozen=True)
class Missed:
    """What ``wait_for`` returns when it has found nothing: it is false, and says what was wrong."""

    place: str
    wanted: str
    timeout: float
    nearest: str | None = None
    there: int = 0

    def __bool__(self) -> Literal[False]:
        return False

    def __str__(self) -> str:
        if self.nearest is not None:
            more = f"; nearest: {self.nearest}"
        else:
            more = f"; nothing like it among {self.there}" if self.there else "; nothing at all"
        return f"{self.wanted} not in {self.place} within {self.timeout:g} s{more}"

    def __repr__(self) -> str:
        return f"<{self}>"


class Expectations:
    """The last thing that was not as a test wanted it."""

    def __init__(self) -> None:
        self.last: str | None = None

    def missed(
        self, place: str, wanted: object, timeout: float, shown: Sequence[tuple[str, str]]
    ) -> Missed:
        """Nothing matched; ``shown`` is what there was, as text, and as it is told."""
        missed = Missed(place, _told(wanted), timeout, nearest(wanted, shown), len(shown))
        self.last = f"waited in vain: {missed}"
        return missed


def nearest(wanted: object, shown: Sequence[tuple[str, str]]) -> str | None:
    """What comes nearest to a text that was wanted, as it is told; None when nothing does."""
    if not isinstance(wanted, str):
        return shown[-1][1] if shown else None
    likeness = difflib.SequenceMatcher(b=wanted.casefold(), autojunk=False)
    best, found = _NEAR, None
    for text, told in shown:
        likeness.set_seq1(text.casefold())
        # The first two are at once what the third one can be at most.
        estimates = (likeness.real_quick_ratio, likeness.quick_ratio, likeness.ratio)
        if all(estimate() >= best for estimate in estimates):
            best, found = likeness.ratio(), told
    return found


def _told(wanted: object) -> str:
    if wanted is anything:
        return "anything"
    name = getattr(wanted, "__name__", None) if callable(wanted) else None
    return repr(wanted) if name is None else f"what {name}() says yes to"


class Seen(Sequence[T], Generic[T]):
    """What has happened so far, oldest first; compares equal to a list of the same things."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        name: str,
        record: Record[T],
        expectations: Expectations,
        matches: Matcher = matcher,
    ) -> None:
        self._name = name
        self._record = record
        self._expectations = expectations
        self._matches = matches

    def wait_for(self, wanted: object = anything, timeout: float = WAIT_SECONDS) -> T | Missed:
        """Block until something matches, and return it.

        After ``timeout`` (s, real) what is returned is false, and says what was there.

        ``wanted`` is the thing itself, a part of a text, or a function that says yes to it.
        What happened before the call counts.
        """
        found = self._record.wait_for(self._matches(wanted), timeout)
        if found is not None:
            return found
        there = [(str(item), repr(item)) for item in self]
        return self._expectations.missed(self._name, wanted, timeout, there)

    def __len__(self) -> int:
        return len(self._record)

    def __iter__(self) -> Iterator[T]:
        return iter(self._record)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self._record[index]

    def __eq__(self, other: object) -> bool:
        mine = self._record.copy()
        return mine == list(other) if isinstance(other, Seen | list | tuple) else NotImplemented

    def __repr__(self) -> str:
        return repr(self._record)


def frame_matcher(wanted: object) -> Callable[[Any], bool]:
    """A frame is known by its type, by some of its fields, or by what a function says."""
    if isinstance(wanted, str):
        return lambda frame: bool(frame.get("type") == wanted)
    if isinstance(wanted, dict):
        return lambda frame: wanted.items() <= frame.items()
    return matcher(wanted)


def light_matcher(wanted: object) -> Callable[[Any], bool]:
    """A light is known by its colour, too."""
    if isinstance(wanted, str):
        return lambda light: wanted in (light.color, light.action)
    return matcher(wanted)
