"""What is said of a callback that keeps a session's other callbacks waiting."""

from __future__ import annotations

import sys
import traceback

from mentra_sync import hints
from mentra_sync.log import Logger
from mentra_sync.runtime.callbacks import describe


def warn(logger: Logger, ident: int, function: object, age: float, held_up: list[str]) -> None:
    """Name a function that has been running for ``age`` seconds on the thread ``ident``."""
    frame = sys._current_frames().get(ident)
    stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
    waiting = f" Waiting for their turn: {', '.join(held_up)}." if held_up else ""
    logger.warning(hints.SLOW_CALLBACK, describe(function), age, waiting, stack)
