"""The speaker of simulated glasses: who plays what an app wants heard, and when it is over.

A page that is open speaks aloud.  One that does not begin within a second (muted, no voices),
or none at all, leaves it to the glasses: they show the text as spoken, and it takes as long as
a voice would.  The app gets its answer in every case.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mentra_sync.simulator import limits
from mentra_sync.simulator.phone import Phone
from mentra_sync.simulator.records import Record
from mentra_sync.simulator.schedule import Later, Schedule
from mentra_sync.simulator.speech import speech_seconds, spoken_text

Frame = dict[str, Any]


STOPPED = "stopped"
"""The error that a playing has which its wearer has ended."""


@dataclass(eq=False)
class Playback:
    """One thing that is being played; ``text`` is None for what is no speech."""

    request_id: str
    package: str
    url: str
    text: str | None
    seconds: float
    over_at: float
    phone: Phone | None
    begun: bool = False
    timer: Later | None = None


class Speaker:
    """Plays one thing or several at once, and answers each request exactly once at most."""

    def __init__(
        self,
        schedule: Schedule,
        answer: Callable[[Frame], object],
        tell: Callable[[Frame], None],
        *,
        realistic: bool,
    ) -> None:
        self.spoken: Record[str] = Record()
        self.played: Record[str] = Record()
        self.failure: str | None = None
        """What the app is told instead of being heard; None when all is well."""
        self._schedule = schedule
        self._answer = answer
        self._tell = tell
        self._realistic = realistic
        self._lock = threading.Lock()  # guards the next
        self._playing: dict[str, Playback] = {}

    def play(self, frame: Frame, phone: Phone | None) -> None:
        """Play what a request asks for: on ``phone``, or silently."""
        failure = self.failure
        if failure is not None:
            self._say(str(frame.get("requestId")), {"success": False, "error": failure})
            return
        playback = self._playback(frame, phone)
        with self._lock:
            if frame.get("stopOtherAudio") is not False:
                self._stop_all(None)
            self._playing[playback.request_id] = playback
            if playback.text is None:
                self.played.add(playback.url)
            else:
                self.spoken.add(playback.text)
            self._report(playback, "speaking")
            if self._realistic:
                self._hand_over(playback, frame)
        if not self._realistic:
            self._over(playback)

    def began(self, request_id: str, seconds: float | None = None) -> None:
        """A page has begun to play: it has the time that it needs.

        ``seconds`` is how long it takes, where the page knows; audio of which nobody knows plays
        until the page says that it is over.
        """
        if seconds is not None and not 0 < seconds < math.inf:
            raise ValueError(f"seconds must be more than 0, got {seconds!r}")
        with self._lock:
            playback = self._playing.get(request_id)
            if playback is None or playback.phone is None or playback.begun:
                return
            playback.begun = True
            if seconds is not None:
                playback.seconds = min(seconds, limits.LONGEST_AUDIO)
                # Should the page be closed, the rest takes its time without it.
                playback.over_at = self._schedule.clock.now() + playback.seconds
            patience = 2 * playback.seconds + limits.PAGE_PATIENCE
            if seconds is None and playback.text is None:
                patience = limits.LONGEST_AUDIO
            self._arm(playback, patience, lambda: self._over(playback))

    def answered(self, frame: Frame) -> None:
        """A page has finished, or could not play; then speech is shown instead.

        With the error ``stopped`` it was the wearer who would hear no more, wherever it plays.
        """
        request_id = frame.get("requestId")
        with self._lock:
            playback = self._playing.get(request_id) if isinstance(request_id, str) else None
            if playback is None:
                return
            failed = frame.get("success") is not True
            stopped = failed and frame.get("error") == STOPPED
            if stopped and playback.phone is not None:
                playback.phone.send({"type": "audio_stop_request", "appId": playback.package})
            if failed and not stopped and playback.text is not None and not playback.begun:
                self._play_silently(playback)
                return
        fields = ("success", "error", "duration")
        answer: Frame = {name: frame[name] for name in fields if name in frame}
        self._over(playback, answer, "stopped" if stopped else "spoken")

    def phone_gone(self, phone: Phone) -> None:
        """A page was closed: what it was playing goes on without it."""
        with self._lock:
            for playback in self._playing.values():
                if playback.phone is phone:
                    self._play_silently(playback)

    def stop(self, package: str | None) -> None:
        """Stop what an app (None: any) is playing; its own SDK knows what that means."""
        with self._lock:
            self._stop_all(package)

    def _playback(self, frame: Frame, phone: Phone | None) -> Playback:
        url = frame.get("audioUrl")
        url = url if isinstance(url, str) else ""
        text = spoken_text(url)
        seconds = limits.SILENT_AUDIO_SECONDS if text is None else speech_seconds(text)
        return Playback(
            request_id=str(frame.get("requestId")),
            package=str(frame.get("packageName")),
            url=url,
            text=text,
            seconds=seconds,
            over_at=self._schedule.clock.now() + seconds,
            phone=phone,
        )

    def _hand_over(self, playback: Playback, frame: Frame) -> None:
        if playback.phone is None:
            self._arm_end(playback)
            return
        playback.phone.send(frame)
        speech = playback.text is not None
        within = limits.SPEECH_BEGINS_WITHIN if speech else limits.AUDIO_BEGINS_WITHIN
        self._arm(playback, within, lambda: self._did_not_begin(playback))

    def _did_not_begin(self, playback: Playback) -> None:
        with self._lock:
            if self._playing.get(playback.request_id) is playback and not playback.begun:
                self._play_silently(playback)

    def _play_silently(self, playback: Playback) -> None:
        playback.phone = None
        self._report(playback, "speaking")
        self._arm_end(playback)

    def _arm_end(self, playback: Playback) -> None:
        left = max(0.0, playback.over_at - self._schedule.clock.now())
        self._arm(playback, left, lambda: self._over(playback))

    def _over(self, playback: Playback, answer: Frame | None = None, state: str = "spoken") -> None:
        with self._lock:
            if self._playing.get(playback.request_id) is not playback:
                return
            del self._playing[playback.request_id]
            self._disarm(playback)
        # The cloud's lock comes before ours, so ours is not held here.
        duration = round(playback.seconds * 1000)
        self._say(playback.request_id, answer or {"success": True, "duration": duration})
        # Last: who answers what was spoken shall not be ahead of the word that it is over.
        self._report(playback, state)

    def _say(self, request_id: str, answer: Frame) -> None:
        self._answer({"type": "audio_play_response", "requestId": request_id, **answer})

    def _stop_all(self, package: str | None) -> None:
        for playback in list(self._playing.values()):
            if package in (None, playback.package):
                del self._playing[playback.request_id]
                self._disarm(playback)
                self._report(playback, "stopped")

    def _report(self, playback: Playback, state: str) -> None:
        """Tell the page; audio that is no speech has a kind and words of its own."""
        message: Frame = {
            "requestId": playback.request_id,
            "byBrowser": playback.phone is not None,
            "seconds": playback.seconds,
        }
        if playback.text is None:
            heard = {"speaking": "playing", "spoken": "played"}.get(state, state)
            message = {"kind": "audio", "state": heard, "url": playback.url, **message}
        else:
            message = {"kind": "speech", "state": state, "text": playback.text, **message}
        self._tell(message)

    def _arm(self, playback: Playback, seconds: float, function: Callable[[], object]) -> None:
        self._disarm(playback)
        playback.timer = self._schedule.after(seconds, function)

    def _disarm(self, playback: Playback) -> None:
        if playback.timer is not None:
            playback.timer.cancel()
            playback.timer = None
