"""Everything that crossed the wire, between the cloud, the apps and the glasses, in its order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.memory import Memory, weight
from mentra_sync.simulator.presenting import presentable


class Way(str, Enum):
    """Who sent something to whom."""

    APP_TO_CLOUD = "app to cloud"
    CLOUD_TO_APP = "cloud to app"
    GLASSES_TO_CLOUD = "glasses to cloud"
    CLOUD_TO_GLASSES = "cloud to glasses"
    GLASSES_TO_APP = "glasses to app"
    APP_TO_GLASSES = "app to glasses"


@dataclass(frozen=True)
class Crossing:
    """One thing that crossed the wire.

    ``kind`` is ``frame``, ``binary``, ``request``, ``answer``, ``open`` or ``close``; ``name`` is
    the type of a frame, or the method and path of a request.  ``body`` is what was sent, as
    JSON would have it.
    """

    number: int
    at: float
    """Seconds since 1970."""
    way: Way
    kind: str
    name: str
    user_id: str | None
    body: Any

    def message(self) -> dict[str, Any]:
        """As pages and other tools are told: without secrets, and with long texts cut."""
        return {
            "number": self.number,
            "at": iso_timestamp(self.at),
            "way": self.way.value,
            "what": self.kind,
            "name": self.name[: limits.MAX_TIMELINE_TEXT],
            "userId": self.user_id,
            "body": presentable(self.body),
        }


class Timeline:
    """The last crossings, as many as there is room for, and who is told of the next ones.

    Every method may be called from any thread.  Listeners are called one crossing after the
    other, on the thread that sends, and must not block.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards everything below
        self._crossings: Memory[Crossing] = Memory(lambda crossing: weight(crossing.body))
        self._count = 0
        self._listeners: tuple[Callable[[Crossing], None], ...] = ()

    def add(self, way: Way, kind: str, name: str, user_id: str | None, body: Any = None) -> None:
        """Something has crossed the wire."""
        with self._lock:
            self._count += 1
            crossing = Crossing(self._count, time.time(), way, kind, name, user_id, body)
            self._crossings.add(crossing)
            for listener in self._listeners:
                listener(crossing)

    def frame(self, way: Way, user_id: str | None, frame: dict[str, Any]) -> None:
        """A frame has crossed the wire."""
        self.add(way, "frame", str(frame.get("type")), user_id, frame)

    def after(self, number: int = 0) -> list[Crossing]:
        """The crossings after one of a number, oldest first, as far as they are remembered."""
        with self._lock:
            return [crossing for crossing in self._crossings if crossing.number > number]

    @property
    def count(self) -> int:
        """How many there have been."""
        return self._count

    def listen(
        self, listener: Callable[[Crossing], None], *, past: bool = False
    ) -> Callable[[], None]:
        """Have a function called at each crossing from now on; call what is returned to end it.

        With ``past`` it is first called for those that are remembered.
        """
        with self._lock:
            for crossing in self._crossings if past else ():
                listener(crossing)
            self._listeners = (*self._listeners, listener)

        def stop() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return stop
