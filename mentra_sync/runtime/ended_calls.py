"""Calls on a session that has ended: refused, and slowed down where a loop swallows that."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import NoReturn

from mentra_sync import config, hints
from mentra_sync.errors import SessionEnded
from mentra_sync.log import Logger

_NOT_THE_APPS = (str(Path(__file__).parent.parent), contextlib.__file__)


class EndedCalls:
    """Counts the calls of one session that come after its end."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._lock = threading.Lock()  # guards the next two
        self._moments: deque[float] = deque(maxlen=config.ENDED_CALLS_PER_SECOND)
        self._looping = False

    def refuse(self, reason: str) -> NoReturn:
        """Raise ``SessionEnded``, with a pause once a loop seems to swallow it."""
        now = time.monotonic()
        with self._lock:
            calls = self._moments
            if self._looping and now - calls[-1] > 1.0:
                self._looping = False
            calls.append(now)
            begins = not self._looping and len(calls) == calls.maxlen and now - calls[0] < 1.0
            self._looping |= begins
            looping = self._looping
        if begins:
            self._logger.warning(hints.SWALLOWED_END, _line_of_caller())
        if looping:
            time.sleep(config.ENDED_CALL_PAUSE)
        raise SessionEnded(reason)


def _line_of_caller() -> str:
    """File and line of the code that called into this package."""
    frame = sys._getframe(1)
    # Some calls are made inside of a `with`, so contextlib may stand between.
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_NOT_THE_APPS):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
