"""``session.audio``: what the glasses say and play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mentra_sync import config, hints
from mentra_sync.features.player import SPEECH_TRACK, AudioPlayResult, Player, play_request
from mentra_sync.protocol.codec import clean_text, dumps
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import check_timeout


class Audio(Feature):
    """Speaks and plays through the glasses, or through the phone where they have no speaker."""

    def __init__(self, link: Link, player: Player) -> None:
        self._link = link
        self._player = player

    def play_tts(
        self,
        text: str,
        *,
        voice_id: str | None = None,
        model_id: str | None = None,
        voice_settings: Mapping[str, Any] | None = None,
        volume: float = 1.0,
        stop_other_audio: bool = True,
        track_id: int = SPEECH_TRACK,
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
        voice = {}
        for name, value in (("voice_id", voice_id), ("model_id", model_id)):
            if value is not None:
                voice[name] = _checked_text(name, value)
        if voice_settings is not None:
            voice["voice_settings"] = _checked_settings(voice_settings)
        return self.play_audio(
            self._player.speech_url(text, **voice),
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
        request = play_request(
            url, volume=volume, stop_other_audio=stop_other_audio, track_id=track_id
        )
        if wait and stop_other_audio:
            return self._player.play(request, timeout)
        self._player.begin(request)
        return AudioPlayResult(True)

    def stop_audio(self, track_id: int | None = None) -> None:
        """Stop one track, or everything; a call that waits for it returns ``stopped``."""
        if track_id is not None:
            _check_track(track_id)
        self._player.stop(track_id)


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
