"""What a session has its glasses play, and the calls that wait until it has been played."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mentra_sync import hints
from mentra_sync.protocol.codec import clean_text, decode
from mentra_sync.protocol.commands import AudioPlayRequest, AudioStopRequest
from mentra_sync.protocol.notices import AudioPlayResponse
from mentra_sync.runtime.link import Link

SPEECH_TRACK = 2
_PLAY = "audio"


@dataclass(frozen=True)
class AudioPlayResult:
    """How a play ended; true when it succeeded."""

    success: bool
    error: str | None = None
    """Why not: what the glasses said, or ``"stopped"`` or ``"interrupted"``."""
    duration: float | None = None
    """How long it played, in ms, if the glasses told."""

    def __bool__(self) -> bool:
        return self.success


def play_request(
    url: str, *, volume: float = 1.0, stop_other_audio: bool = True, track_id: int
) -> AudioPlayRequest:
    """Ask for the sound at an address."""
    return AudioPlayRequest(str(uuid.uuid4()), clean_text(url), volume, stop_other_audio, track_id)


class Player:
    """One for a session: a new sound ends the others, whoever wanted them played.

    Every method may be called from any thread.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._order = threading.Lock()  # held from what ends other plays until it is sent
        self._lock = threading.Lock()
        self._tracks: dict[str, int] = {}  # of the calls that wait; guarded by _lock
        link.router.read("audio_play_response", self._read_response)

    def speech_url(self, text: str, **voice: str) -> str:
        """Where the glasses fetch a text as speech."""
        query = urlencode({"text": clean_text(text), **voice})
        return f"{self._link.target.http_base}/api/tts?{query}"

    def play(
        self,
        request: AudioPlayRequest,
        timeout: float | None,
        ended: Callable[[], object] = lambda: None,
    ) -> AudioPlayResult:
        """Play a sound in place of all others; blocks until its end, ``timeout`` seconds at most.

        ``ended`` is called on the thread that learns of the end, before anything that comes later
        is dealt with; the caller may have to wait for its turn to go on.  Raises
        ``RequestTimeout`` when no answer comes in time, ``SessionEnded``.
        """
        request_id = request.request_id
        with self._link.expect(_PLAY, request_id, ended) as reply:
            try:
                with self._order:
                    self._end_waiting("interrupted")
                    with self._lock:
                        self._tracks[request_id] = request.track_id
                    self._link.send(request, reply)
                otherwise = hints.PLAY_TIMEOUT.format(0 if timeout is None else timeout)
                result: AudioPlayResult = reply.result(timeout, otherwise)
                return result
            finally:
                with self._lock:
                    self._tracks.pop(request_id, None)

    def begin(self, request: AudioPlayRequest) -> None:
        """Play a sound, beside others if it asks for that, and wait for nothing."""
        with self._order:
            if request.stop_other_audio:
                self._end_waiting("interrupted")
            self._link.send(request)

    def stop(self, track_id: int | None) -> None:
        """Stop one track, or everything; a call that waits for it returns ``stopped``."""
        with self._order:
            self._link.send(AudioStopRequest(track_id=track_id))
            self._end_waiting("stopped", track_id)

    def _end_waiting(self, error: str, track_id: int | None = None) -> None:
        """End the calls that wait for a track, or for any."""
        with self._lock:
            ended = [key for key, track in self._tracks.items() if track_id in (None, track)]
        for request_id in ended:
            self._link.replies.answer(_PLAY, request_id, AudioPlayResult(False, error))

    def _read_response(self, frame: dict[str, Any]) -> None:
        """On the connection thread."""
        answer = decode(AudioPlayResponse, frame)
        result = AudioPlayResult(bool(answer.success), answer.error, answer.duration)
        self._link.replies.answer(_PLAY, answer.request_id, result)
