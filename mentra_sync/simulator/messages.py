"""Messages of the cloud's own, which apps that listen to such get, and get again."""

from __future__ import annotations

import threading
from typing import Any

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.protocol.names import StreamType
from mentra_sync.simulator.app_session import AppSession
from mentra_sync.simulator.faces import WearerFace

_STREAM = StreamType.CUSTOM_MESSAGE.value


class CustomMessages:
    """What was sent to the apps of one wearer last, by its action; the cloud's lock guards it."""

    def __init__(self, lock: threading.RLock, wearer: WearerFace) -> None:
        self._lock = lock
        self._wearer = wearer
        self._last: dict[str, Any] = {}

    def send(self, action: str, payload: Any) -> int:
        """Send apps that listen a message; returns how many there are."""
        with self._lock:
            self._last[action] = payload
            listeners = [one for one in self._wearer.sessions() if _STREAM in one.streams]
            for session in listeners:
                self._tell(session, action)
            return len(listeners)

    def repeat(self, session: AppSession) -> None:
        """A session has subscribed anew: as recorded, it gets the last one of each action."""
        if _STREAM in session.streams:
            for action in self._last:
                self._tell(session, action)

    def _tell(self, session: AppSession, action: str) -> None:
        message = {"action": action, "payload": self._last[action]}
        session.send({"type": "custom_message", **message, "timestamp": iso_timestamp()})
