"""The frames that wait for the next acknowledgement."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from mentra_sync.errors import ConnectionFailed


class Outbox:
    """Frames in the order in which they will be written; the lock is its owner's."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._frames: collections.deque[str] = collections.deque()

    def keep(self, frame: str) -> None:
        """Append ``frame``; raises :class:`ConnectionFailed` when it is full."""
        self.check(len(self._frames))
        self._frames.append(frame)

    def check(self, waiting: int) -> None:
        """Raise :class:`ConnectionFailed` when ``waiting`` frames are as many as may wait."""
        if waiting >= self._limit:
            raise ConnectionFailed(
                f"{self._limit} frames are waiting to be sent already; "
                "send less while the session is not connected"
            )

    def discard(self, frame: str) -> bool:
        """Keep ``frame`` no longer; returns whether it was kept."""
        if frame not in self._frames:
            return False
        self._frames.remove(frame)
        return True

    def put_back(self, frames: Iterable[str]) -> None:
        """Keep ``frames`` before those that came meanwhile, whatever their number."""
        self._frames.extendleft(reversed(list(frames)))

    def take(self) -> list[str]:
        """All frames; it is empty afterwards."""
        frames = list(self._frames)
        self._frames.clear()
        return frames
