"""Where a wearer is: what the cloud remembers of it, and which app wants to know how exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.app_session import AppSession
from mentra_sync.simulator.faces import WearerFace

Frame = dict[str, Any]


@dataclass(frozen=True)
class Poll:
    """An app waits to be told where the wearer is."""

    session: AppSession
    correlation_id: str
    question: Frame
    """What the glasses are asked."""


class Places:
    """The last known location of one wearer; the cloud's lock guards all of it."""

    def __init__(self, wearer: WearerFace) -> None:
        self._wearer = wearer
        self._last: Frame | None = None
        self._polls: list[Poll] = []

    def reported(self, frame: Frame) -> Frame:
        """The glasses have told; polls that waited are answered. Returns what listeners get."""
        last = self._last = _location(frame)
        polls, self._polls = self._polls, []
        for poll in polls:
            self._answer(poll.session, poll.correlation_id, last)
        return {"type": "location_update", **last, "timestamp": iso_timestamp()}

    def answered(self, correlation_id: str, frame: Frame) -> bool:
        """The phone has answered one poll; False when nobody waits for that any more."""
        last = self._last = _location(frame)
        waiting = [poll for poll in self._polls if poll.correlation_id == correlation_id]
        self._polls = [poll for poll in self._polls if poll.correlation_id != correlation_id]
        for poll in waiting:
            self._answer(poll.session, correlation_id, last)
        return bool(waiting)

    def poll(self, session: AppSession, correlation_id: str, accuracy: Any) -> None:
        """Answer from the last known location, however old; ask the glasses only when there is
        none."""
        if self._last is not None:
            self._answer(session, correlation_id, self._last)
            return
        if not self._wearer.present:
            return
        question = {
            "type": "request_single_location",
            "accuracy": accuracy,
            "correlationId": correlation_id,
            "timestamp": iso_timestamp(),
        }
        self._polls.append(Poll(session, correlation_id, question))
        session.announce()
        del self._polls[: -limits.MAX_OPEN_REQUESTS]
        self._wearer.send_to_glasses(question)

    def open_questions(self) -> list[Frame]:
        """What a page that comes late is asked, too: apps wait for the answer."""
        return [poll.question for poll in self._polls if poll.session.live]

    def awaited_by(self, session: AppSession) -> bool:
        """Whether an app has asked where the wearer is and has not been told."""
        return any(poll.session is session for poll in self._polls)

    def _answer(self, session: AppSession, correlation_id: str, location: Frame) -> None:
        data = {
            "type": "location_update",
            **location,
            "timestamp": iso_timestamp(),
            "correlationId": correlation_id,
        }
        session.send_event("location_update", data)


def _location(frame: Frame) -> Frame:
    fields = ("lat", "lng", "accuracy", "altitude")
    return {name: frame[name] for name in fields if frame.get(name) is not None}
