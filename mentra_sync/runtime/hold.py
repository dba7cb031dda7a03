"""What comes before the app is ready: kept, and delivered in order (rule 8 of api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mentra_sync.runtime.backlog import Backlog
from mentra_sync.runtime.owner import call

Delivery = tuple[Callable[[Any], None], Any]


class Hold:
    """Stands before a session's listeners until it is opened.

    Only the connection thread uses it, so that what was kept comes before what comes later; but
    any thread may ask for its release.
    """

    def __init__(self, size: int, dropped: Callable[[], None]) -> None:
        """``size`` deliveries are kept at most; ``dropped`` is told of each that is given up."""
        self._kept: Backlog[Delivery] | None = Backlog(size)
        self._dropped = dropped
        self.released = False
        """Set by any thread: the app is ready."""

    @property
    def open(self) -> bool:
        """Whether what comes goes straight through."""
        return self._kept is None

    def deliver(self, function: Callable[[Any], None], argument: Any, rank: int) -> None:
        """Call ``function(argument)``, now or when the app is ready."""
        if self._kept is not None and self.released:
            self.let_go()
        if self._kept is None:
            function(argument)
            return
        if len(self._kept) >= self._kept.size:
            self._dropped()
            if not self._kept.make_room(rank):
                return
        self._kept.add((function, argument), rank)

    def let_go(self) -> None:
        """Deliver what was kept; from here on everything goes straight through.

        What one delivery raises is logged, and does not keep the others back.
        """
        kept, self._kept = self._kept, None
        while kept:
            function, argument = kept.take()
            call(function, argument)
