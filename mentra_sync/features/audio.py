"""``session.audio``: what the glasses say and play."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mentra_sync import config, hints
from mentra_sync.protocol.codec import clean_text, decode, dumps
from mentra_sync.protocol.commands import AudioPlayRequest, AudioStopRequest
from mentra_sync.protocol.notices import AudioPlayResponse
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import check_timeout

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


class Audio(Feature):
    """Speaks and plays through the glasses, or through the phone where they have no speaker."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._order = threading.Lock()  # held from what ends other plays until it is sent
        self._lock = threading.Lock()
        self._tracks: dict[str, int] = {}  # of the calls that wait; guarded by _lock
        link.router.read("audio_play_response", self._read_response)

    def play_tts(
        self,
        text: str,
        *,
        voice_id: str | None = None,
        model_id: str | None = None,
        voice_settings: Mapping[str, Any] | None = None,
        volume: float = 1.0,
        stop_other_audio: bool = True,
        track_id: int = 2,
        wait: bool = True,
        timeout: float | None = config.PLAY_TIMEOUT,
    ) -> AudioPlayResult:
        """Speak ``text``; blocks until it has been spoken, ``timeout`` seconds at most.

        ``volume`` is 0 to 1.  With ``wait=False`` or ``stop_other_audio=False`` it returns at
        once.  ``voice_id``, ``model_id`` and ``voice_settings`` are passed to the cloud's voice.

        Returns an :class:`AudioPlayResult`, false when it was refused, stopped or interrupted.
        Raises ``ValueError`` for an empty text or values out of range, ``RequestTimeout`` when no
        answer comes in time, ``SessionEnded`` when the session ends first.
        """
        if not isinstance(text, str):
            raise ValueError(f"text must be a text, got {text!r}; str() makes one of anything")
        if not text.strip():
            raise ValueError(f"text must say something, got {text!r}")
        query = {"text": clean_text(text)}
        for name, value in (("voice_id", voice_id), ("model_id", model_id)):
            if value is not None:
                query[name] = _checked_text(name, value)
        if voice_settings is not None:
            query["voice_settings"] = _checked_settings(voice_settings)
        return self.play_audio(
            f"{self._link.target.http_base}/api/tts?{urlencode(query)}",
            volume=volume,
            stop_other_audio=stop_other_audio,
            track_id=track_id,
            wait=wait,
            timeout=timeout,
        )

    speak = play_tts

    def play_audio(
        self,
        url: str,
        *,
        volume: float = 1.0,
        stop_other_audio: bool = True,
        track_id: int = 0,
        wait: bool = True,
        timeout: float | None = config.PLAY_TIMEOUT,
    ) -> AudioPlayResult:
        """Play the sound at ``url``; blocks until it has ended, ``timeout`` seconds at most.

        The glasses fetch it themselves, so the address must be one that they can reach.
        Tracks: 0 speaker, 1 app audio, 2 speech.  The rest is as in :meth:`play_tts`.
        """
        if not isinstance(url, str) or not url.strip():
            raise ValueError(f"url must be the address of a sound, got {url!r}")
        check_timeout(timeout)
        if "://" not in url and not url.startswith("data:"):
            self._link.logger.warning(hints.NOTHING_TO_FETCH, url)
        _check_volume(volume)
        _check_track(track_id)
        request = AudioPlayRequest(
            request_id=str(uuid.uuid4()),
            audio_url=clean_text(url),
            volume=volume,
            stop_other_audio=stop_other_audio,
            track_id=track_id,
        )
        if wait and stop_other_audio:
            return self._play_and_wait(request, timeout)
        with self._order:
            if stop_other_audio:
                self._end_waiting("interrupted")
            self._link.send(request)
        return AudioPlayResult(True)

    def stop_audio(self, track_id: int | None = None) -> None:
        """Stop one track, or everything; a call that waits for it returns ``stopped``."""
        if track_id is not None:
            _check_track(track_id)
        with self._order:
            self._link.send(AudioStopRequest(track_id=track_id))
            self._end_waiting("stopped", track_id)

    def _play_and_wait(self, request: AudioPlayRequest, timeout: float | None) -> AudioPlayResult:
        request_id = request.request_id
        with self._link.expect(_PLAY, request_id) as reply:
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


def _checked_text(name: str, value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {value!r}")
    return clean_text(value)


def _checked_settings(settings: Mapping[str, Any]) -> str:
    """The voice's settings as JSON."""
    try:
        named = dict(settings)
    except (TypeError, ValueError):
        text = f'voice_settings must be a dict like {{"speed": 1.2}}, got {settings!r}'
        raise TypeError(text) from None
    try:
        return dumps(named)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"voice_settings must be made of what JSON has: {error}") from None


def _check_volume(volume: float) -> None:
    if isinstance(volume, bool) or not isinstance(volume, int | float) or not 0 <= volume <= 1:
        raise ValueError(f"volume must be between 0 and 1, got {volume!r}")


def _check_track(track_id: int) -> None:
    if isinstance(track_id, bool) or track_id not in (0, 1, 2):
        raise ValueError(f"track_id must be 0 (speaker), 1 (app) or 2 (speech), got {track_id!r}")
