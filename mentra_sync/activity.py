"""What of an app is under way, and what only waits: who moves session time must know."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a session is loaded when the server starts, not to define an app
    from mentra_sync.register import Register
    from mentra_sync.session import AppSession
    from mentra_sync.shared import Shared


class Activity:
    """A look at all that an app does, in all its sessions. Safe from any thread."""

    def __init__(self, register: Register, shared: Shared) -> None:
        self._register = register
        self._shared = shared

    @property
    def count(self) -> int:
        """Grows with everything that sets code of the app to work."""
        return self._shared.timers.rung + sum(one.turns for one in self._register.all())

    def busy_with(self) -> list[str]:
        """What waits in no call of a session, in words; empty when all does."""
        busy = [
            f"{what} of {session.user_id}"
            for session in self._register.all()
            for what in session.busy_with()
        ]
        if self._shared.timers.busy:
            busy.append("a timer")
        if self._shared.storages.busy:
            busy.append("a request for simple storage")
        return busy

    def ending(self, session_id: str) -> list[AppSession]:
        """The sessions of an id that are over, and whose last code still runs."""
        everything = self._register.all()
        return [one for one in everything if one.session_id == session_id and one.ended]

    def tell_failures(self, told: Callable[[BaseException, str], None] | None) -> None:
        """Have ``told`` called with every exception that leaves a function of the app, and which
        function it was; on that function's thread."""
        self._shared.failed = told or (lambda error, source: None)

    def live(self) -> set[str]:
        """The ids of the sessions that the app takes for live."""
        return {session.session_id for session in self._register.all() if not session.ended}

    def requests_that_wait(self) -> int:
        """How many of the web server's threads wait in a call of a session."""
        parked = {ident for session in self._register.all() for ident in session.parked}
        return sum(
            thread.ident in parked and thread.name.startswith("waitress-")
            for thread in threading.enumerate()
        )
