"""The lens as a test looks at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from mentra_sync.simulator.lens import Lens, Shown
from mentra_sync.simulator.records import WAIT_SECONDS
from mentra_sync.testing.seen import Expectations, Missed
from mentra_sync.testing.snapshots import Differs, Snapshots


class SeenLens:
    """What the wearer sees, and has seen. Times (``at``) are seconds since the test began."""

    def __init__(
        self,
        lens: Lens,
        place: str,
        expectations: Expectations,
        snapshots: Snapshots,
        settle: Callable[[], object],
    ) -> None:
        self._lens = lens
        self._place = place
        self._expectations = expectations
        self._snapshots = snapshots
        self._settle = settle

    def wait_for(self, wanted: object, timeout: float = WAIT_SECONDS) -> Shown | Missed:
        """Block until the lens shows something, and return it; something false after ``timeout``
        (s, real).

        ``wanted`` is a part of the text, however it is broken into lines, or a function that says
        yes to a :class:`~mentra_sync.simulator.lens.Shown`.  What is shown now counts, and so does
        what was shown for a moment since the last thing that a call of ``wait_for`` has found.
        """
        shown = self._lens.wait_for(wanted, timeout)
        if shown is not None:
            return shown
        there = [(one.text, f"{one.text!r} at {one.at:.2f} s") for one in self.history if one.text]
        return self._expectations.missed(self._place, wanted, timeout, there)

    @property
    def text(self) -> str:
        """The text on the main view now, as the app sent it; empty when there is none."""
        return self._lens.text

    @property
    def lines(self) -> tuple[str, ...]:
        """The text on the main view now, as it is broken into lines."""
        return self._lens.lines

    @property
    def main(self) -> Shown:
        """The main view as it is now."""
        return self._lens.main

    @property
    def dashboard(self) -> Shown:
        """The dashboard as it is now."""
        return self._lens.dashboard

    @property
    def history(self) -> list[Shown]:
        """Everything that was shown, on both views, oldest first."""
        return self._lens.history

    @property
    def picture(self) -> bytes | None:
        """The picture on the main view at this moment, a BMP; None for text."""
        return self._lens.picture

    def png(self) -> bytes:
        """What the main view shows at this moment, as a PNG of 576x135."""
        return self._lens.png()

    def matches(self, snapshot: str | Path) -> Literal[True] | Differs:
        """Whether the main view is as in a file, ``.png`` or ``.txt``, beside the test.

        Waits until the app is quiet first.  What it returns is false when they differ, and says
        where.  ``pytest --update-lens-snapshots`` makes the files from what the lens shows.
        """
        self._settle()
        result = self._snapshots.compare(snapshot, self.lines, self.png())
        if isinstance(result, Differs):
            self._expectations.last = result.problem + result.details
        return result

    def __repr__(self) -> str:
        return f"<{self._place}: {self.text!r}>"
