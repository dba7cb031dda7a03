"""How long a text takes to be spoken, and a recording of that much silence."""

from __future__ import annotations

import io
import wave
from urllib.parse import parse_qs, urlsplit

from mentra_sync.simulator import limits

SAMPLE_RATE = 16_000
"""Samples per second of what ``/api/tts`` answers: mono, 16 bit."""

TTS_PATH = "/api/tts"


def speech_seconds(text: str) -> float:
    """The seconds that a voice needs for a text: between half a second and a minute.

    >>> speech_seconds("What is your name?")
    1.2
    """
    seconds = len(text.strip()) / limits.CHARACTERS_PER_SECOND
    return min(max(seconds, limits.SHORTEST_SPEECH), limits.LONGEST_SPEECH)


def silence(seconds: float) -> bytes:
    """A WAV file of so many seconds without a sound."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(SAMPLE_RATE)
        recording.writeframes(bytes(2 * round(seconds * SAMPLE_RATE)))
    return file.getvalue()


def spoken_text(audio_url: str) -> str | None:
    """The text that an audio URL has spoken, or None when it is no text-to-speech URL."""
    try:
        url = urlsplit(audio_url)
        if not url.path.endswith(TTS_PATH):
            return None
        return parse_qs(url.query).get("text", [""])[0]
    except ValueError:
        return None
