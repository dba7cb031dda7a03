"""A call that goes on while the test does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

PATIENCE = 10.0


class Call:
    """A function running on a thread of its own, and what came of it."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._outcome: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._outcome = self._function()
        except Exception as error:
            self._outcome = error

    @property
    def pending(self) -> bool:
        return self._thread.is_alive()

    @property
    def outcome(self) -> Any:
        """What it returned or raised, when it has ended."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the call still waits"
        return self._outcome
