"""The exceptions that left the app's functions: seen, expected, or a reason to fail the test."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

from mentra_sync.clock import Deadline
from mentra_sync.runtime.blame import suggestion

E = TypeVar("E", bound=BaseException)

_UNEXPECTED = (
    "{source} raised {kind}: {error}.  Where that is right, say so: glasses.expect_error({kind})"
)


class AppFailed(AssertionError):
    """The app could not be started, or one of its functions has raised what nobody expected."""


@dataclass(frozen=True)
class AppError:
    """One exception, the function that it left, and when (s)."""

    error: BaseException
    source: str
    at: float

    def __str__(self) -> str:
        words = f"{self.error}{suggestion(self.error)}"
        return f"{self.source} raised {type(self.error).__name__}: {words}"

    def traceback(self) -> str:
        """Where it came from, in the app's own code if that is on the way."""
        return "".join(traceback.format_exception(self.error))


class AppErrors(Sequence[BaseException]):
    """All exceptions so far, oldest first; those that were expected are marked."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._changed = threading.Condition()  # guards the next two
        self._all: list[AppError] = []
        self._expected: list[AppError] = []

    def add(self, error: BaseException, source: str) -> None:
        """An exception has left a function of the app. From any thread."""
        with self._changed:
            self._all.append(AppError(error, source, self._now()))
            self._changed.notify_all()

    def expect(self, kind: type[E], match: str | None, timeout: float) -> E:
        """Wait for one of a kind that was not expected yet; AssertionError when none comes."""
        __tracebackhide__ = True
        deadline = Deadline(timeout)
        with self._changed:
            while True:
                for one in self.unexpected():
                    fits = match is None or re.search(match, str(one.error))
                    if fits and isinstance(one.error, kind):
                        self._expected.append(one)
                        return one.error
                if not self._changed.wait(deadline.remaining) and deadline.passed:
                    break
            seen = "; ".join(str(one) for one in self._all) or "nothing"
        wanted = kind.__name__ + (f" with {match!r}" if match else "")
        raise AssertionError(f"the app raised no {wanted} within {timeout:g} s; it raised: {seen}")

    def unexpected(self) -> list[AppError]:
        """Those that nobody has expected."""
        with self._changed:
            return [one for one in self._all if one not in self._expected]

    def everything(self) -> list[AppError]:
        """All of them, with where and when."""
        with self._changed:
            return list(self._all)

    def clear(self) -> None:
        """All those so far were expected."""
        with self._changed:
            self._expected = list(self._all)

    def check(self) -> None:
        """Raise AppFailed for the first one that nobody has expected; it counts as told then."""
        __tracebackhide__ = True
        unexpected = self.unexpected()
        if unexpected:
            self.clear()
            first = unexpected[0]
            text = _UNEXPECTED.format(
                source=first.source, kind=type(first.error).__name__, error=first.error
            )
            more = f" ({len(unexpected) - 1} more)" if len(unexpected) > 1 else ""
            raise AppFailed(text + more) from first.error

    def __len__(self) -> int:
        return len(self.everything())

    def __iter__(self) -> Iterator[BaseException]:
        return iter([one.error for one in self.everything()])

    @overload
    def __getitem__(self, index: int) -> BaseException: ...

    @overload
    def __getitem__(self, index: slice) -> list[BaseException]: ...

    def __getitem__(self, index: int | slice) -> BaseException | list[BaseException]:
        return [one.error for one in self.everything()][index]

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    def __repr__(self) -> str:
        return repr(list(self))

    __hash__ = None  # type: ignore[assignment]
