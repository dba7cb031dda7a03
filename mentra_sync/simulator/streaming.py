"""Simulated glasses that stream: nothing is sent anywhere, but every state is reported."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mentra_sync.simulator import limits
from mentra_sync.simulator.records import Record
from mentra_sync.simulator.schedule import Later, Schedule

Frame = dict[str, Any]


@dataclass(frozen=True)
class VideoStream:
    """A stream that glasses were told to start; two to the same address are equal."""

    url: str
    stream_id: str = field(default="", compare=False)
    options: Frame = field(default_factory=dict, compare=False)
    """``video``, ``audio`` and ``stream`` as they came."""


class Streaming:
    """The streams of a pair of glasses: one at a time.

    ``started`` are all that they were told to start, ``running`` the one in progress or None.
    With ``acknowledges`` False they no longer say that they are alive.  Any thread; none blocks.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        answer: Callable[[Frame], object],
        problem: Callable[[], str],
        tell: Callable[[Frame], object],
        realistic: bool,
    ) -> None:
        """``problem`` says why these glasses cannot stream; an empty text when they can.

        ``tell`` tells pages of every state.
        """
        self.started: Record[VideoStream] = Record()
        self.acknowledges = True
        self._schedule = schedule
        self._answer = answer
        self._problem = problem
        self._tell = tell
        self._realistic = realistic
        self._lock = threading.Lock()  # guards the next three
        self._running: VideoStream | None = None
        self._failures: deque[str] = deque()
        self._next: Later | None = None

    @property
    def running(self) -> VideoStream | None:
        """The stream in progress, or None."""
        return self._running

    def fail_next(self, details: str = "The RTMP server refused the connection") -> None:
        """Let the next stream fail while it is being started."""
        with self._lock:
            self._failures.append(details)

    def report(self, status: str, **fields: Any) -> None:
        """Report a state of the stream in progress, for example ``"reconnecting"``."""
        stream = self._running
        if stream is not None:
            self._report(stream, status, **fields)

    # --- From the cloud ----------------------------------------------------------------------

    def start(self, frame: Frame) -> None:
        """Start a stream, in the place of one that is running."""
        options = {name: frame.get(name) for name in ("video", "audio", "stream")}
        stream = VideoStream(str(frame.get("rtmpUrl")), str(frame.get("streamId")), options)
        self.started.add(stream)
        with self._lock:
            self._cancel()
            self._running = stream
            failure = self._problem() or (self._failures.popleft() if self._failures else "")
        steps = ["initializing", "connecting", "error" if failure else "streaming"]
        self._go_through(stream, steps, failure)

    def stop(self, frame: Frame) -> None:
        """Stop the stream that is named."""
        with self._lock:
            stream = self._running
            if stream is None or frame.get("streamId") != stream.stream_id:
                return
            self._cancel()
        self._go_through(stream, ["stopping", "stopped"], "")

    def keep_alive(self, frame: Frame) -> None:
        """Say that the stream is alive, if it is."""
        stream = self._running
        if self.acknowledges and stream is not None and frame.get("streamId") == stream.stream_id:
            ack = {"streamId": stream.stream_id, "ackId": frame.get("ackId")}
            self._answer({"type": "keep_alive_ack", **ack})

    def _go_through(self, stream: VideoStream, steps: list[str], failure: str) -> None:
        """Report one state after the other; glasses that take no time report all at once."""
        status, *left = steps
        with self._lock:
            if self._running is not stream:
                return
            if status in ("error", "stopped"):
                self._running = None
        self._report(stream, status, **({"errorDetails": failure} if status == "error" else {}))
        if left and not self._realistic:
            self._go_through(stream, left, failure)
        elif left:
            with self._lock:
                self._next = self._schedule.after(
                    limits.STREAM_STEP_SECONDS, lambda: self._go_through(stream, left, failure)
                )

    def _report(self, stream: VideoStream, status: str, **fields: Any) -> None:
        names = {"streamId": stream.stream_id, "status": status}
        self._answer({"type": "rtmp_stream_status", **names, **fields})
        self._tell({"kind": "streaming", "on": self._running is not None, **names})

    def _cancel(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
