"""One kind of stream of a session, from its request to its end, among what the cloud tells."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

_REMEMBERED = 20


class Course:
    """Follows the stream in progress, if there is one; its owner's lock guards it.

    The cloud names streams by ids that it makes up, and says ``stopped`` of an earlier stream
    when a new one is on its way already.  That must not end the new one.
    """

    def __init__(self, *, ends: Collection[str]) -> None:
        """``ends`` are the statuses that end a stream."""
        self.target: str | None = None
        """Where the stream in progress goes; None when there is none."""
        self.stream_id: str | None = None
        """The cloud's name for it, as soon as it has said so."""
        self.stopping = False
        """Whether its end has been asked for."""
        self._ends = ends
        self._heard = False
        self._before: deque[str] = deque(maxlen=_REMEMBERED)
        self._unnamed_before = 0
        self._doubtful: str | None = None

    @property
    def starting(self) -> bool:
        """Whether a stream has been asked for, and nothing was heard of it yet."""
        return self.target is not None and not self._heard

    def begin(self, target: str) -> None:
        """A stream is about to be asked for; one before it may still be stopping."""
        if self.target is not None:
            if self.stream_id is not None:
                self._before.append(self.stream_id)
            else:
                self._unnamed_before += 1
        self.over()
        self.target = target

    def over(self) -> None:
        """There is no stream in progress any more."""
        if self.target is not None and self.stream_id is not None:
            self._before.append(self.stream_id)
        self.target = self.stream_id = self._doubtful = None
        self.stopping = self._heard = False

    def one_less_before(self) -> None:
        """One before this, which had no name, was never asked for: no end of it will come."""
        self._unnamed_before = max(0, self._unnamed_before - 1)

    def take(self, status: str, stream_id: str | None) -> bool:
        """Take in a status; whether it is about the stream in progress, or the one just ended."""
        if stream_id is not None and stream_id in self._before:
            return False
        if self.target is None and not self._is_back(status):
            return False
        if None not in (stream_id, self.stream_id) and stream_id != self.stream_id:
            return False
        if status not in self._ends:
            self._heard = True
            self.stream_id = self.stream_id or stream_id
            return True
        if self._unnamed_before:
            self._was_before(stream_id)
            return False
        self._end(status, stream_id)
        return True

    def _was_before(self, stream_id: str | None) -> None:
        """The first end that comes is the one of a stream that was stopped before it had a name."""
        self._unnamed_before -= 1
        self._heard = False
        self.stream_id = None
        if stream_id is not None:
            self._before.append(stream_id)

    def _end(self, status: str, stream_id: str | None) -> None:
        # A stream from before a restart of the app is replaced by a new one, and its end is the
        # first thing that is heard then: if more is told later, this was not ours.
        others = self.starting and not self.stopping and status == "stopped"
        target = self.target
        if stream_id is not None:
            self._before.append(stream_id)
        self.over()
        self._doubtful = target if others and stream_id is not None else None

    def _is_back(self, status: str) -> bool:
        """Whether the stream goes on after an end that was another one's."""
        if self._doubtful is None or status in self._ends:
            return False
        self.target, self._doubtful = self._doubtful, None
        return True
