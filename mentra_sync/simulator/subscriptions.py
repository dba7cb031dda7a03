"""What an app listens to: its subscription list as the cloud reads it, and what goes where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mentra_sync.protocol.names import LocationRate, PermissionType, StreamType
from mentra_sync.simulator import limits

EVERYTHING = (StreamType.WILDCARD.value, StreamType.ALL.value)

_LANGUAGE = r"[a-z]{2,3}-[A-Z]{2}"
_TRANSCRIPTION = re.compile(rf"transcription:({_LANGUAGE})(\?.*)?")
_TRANSLATION = re.compile(rf"translation:({_LANGUAGE}|all)-to-({_LANGUAGE})(\?.*)?")

_PERMISSIONS = {
    StreamType.TRANSCRIPTION: PermissionType.MICROPHONE,
    StreamType.LOCAL_TRANSCRIPTION: PermissionType.MICROPHONE,
    StreamType.TRANSLATION: PermissionType.MICROPHONE,
    StreamType.AUDIO_CHUNK: PermissionType.MICROPHONE,
    StreamType.VAD: PermissionType.MICROPHONE,
    StreamType.LOCATION_UPDATE: PermissionType.LOCATION,
    StreamType.LOCATION_STREAM: PermissionType.LOCATION,
    StreamType.CALENDAR_EVENT: PermissionType.CALENDAR,
    StreamType.PHONE_NOTIFICATION: PermissionType.READ_NOTIFICATIONS,
    StreamType.PHONE_NOTIFICATION_DISMISSED: PermissionType.READ_NOTIFICATIONS,
}
"""Which permission a stream's events need; the others need none."""


def read_list(wanted: Any) -> tuple[str, ...] | None:
    """The streams of a subscription list, or None for what is no list.

    As in the recorded cloud: plain ``transcription`` means American English, and what is
    malformed, ``transcription:auto`` included, is left out without a word.
    """
    if not isinstance(wanted, list):
        return None
    streams = (_read(entry) for entry in wanted[: limits.MAX_SUBSCRIPTIONS])
    return tuple(dict.fromkeys(stream for stream in streams if stream is not None))


def _read(entry: Any) -> str | None:
    if isinstance(entry, dict):
        rate = entry.get("rate")
        known = entry.get("stream") == StreamType.LOCATION_STREAM and (
            isinstance(rate, str) and rate in LocationRate.values()
        )
        return StreamType.LOCATION_STREAM.value if known else None
    if not isinstance(entry, str) or not 0 < len(entry) <= 1000:
        return None
    base, colon, _ = entry.partition(":")
    if entry == StreamType.TRANSCRIPTION:
        return "transcription:en-US"
    if colon and base == StreamType.TRANSCRIPTION:
        return entry if _TRANSCRIPTION.fullmatch(entry) else None
    if base == StreamType.TRANSLATION:
        return entry if _TRANSLATION.fullmatch(entry) else None
    return entry


def location_rate(wanted: Any) -> str | None:
    """The rate of the location stream in a subscription list, or None."""
    rates = [
        entry.get("rate")
        for entry in (wanted if isinstance(wanted, list) else ())
        if isinstance(entry, dict) and _read(entry) is not None
    ]
    return str(rates[-1]) if rates else None


def permission_for(stream: str) -> str | None:
    """The permission that a stream needs, or None."""
    base = stream.partition(":")[0]
    permission = _PERMISSIONS.get(base)  # type: ignore[call-overload]
    return None if permission is None else str(permission)


def event_names(streams: Iterable[str], event: str, data: dict[str, Any]) -> list[str]:
    """The ``streamType`` of each frame by which an event reaches an app with these streams."""
    streams = set(streams)
    everything = not streams.isdisjoint(EVERYTHING)
    if event == StreamType.TOUCH_EVENT:
        gesture = f"{event}:{data.get('gesture_name')}"
        if gesture in streams:
            return [gesture]
    if event == StreamType.LOCATION_UPDATE and StreamType.LOCATION_STREAM.value in streams:
        return [event]
    if event == StreamType.LOCAL_TRANSCRIPTION:
        language = data.get("transcribeLanguage") or "en-US"
        heard = everything or f"transcription:{language}" in streams
        names = ["transcription"] if heard else []
        return names + ([event] if everything or event in streams else [])
    return [event] if everything or event in streams else []


def transcription_names(streams: Iterable[str], language: str, opened: Iterable[str]) -> list[str]:
    """The ``streamType`` of each frame by which a transcription reaches an app.

    ``opened`` are the transcription streams of all apps of the wearer: each has a recogniser
    of its own.  A stream with options brings nothing to an app that has not the plain one too.
    """
    streams = set(streams)
    plain = f"transcription:{language}"
    if not streams.isdisjoint(EVERYTHING):
        wanted = set(opened)
    elif plain in streams:
        wanted = streams
    else:
        return []
    return sorted(name for name in wanted if name == plain or name.startswith(plain + "?"))


def transcription_streams(streams: Iterable[str]) -> list[str]:
    """Those streams that open a recogniser."""
    return [stream for stream in streams if stream.startswith("transcription:")]


def translation_names(streams: Iterable[str], language: str) -> list[tuple[str, str]]:
    """``streamType`` and target language of each frame by which speech reaches a translation."""
    names = []
    for stream in streams:
        match = _TRANSLATION.fullmatch(stream)
        if match and match[1] in (language, "all"):
            names.append((stream, match[2]))
    return names


def microphone_state(streams: Iterable[str]) -> dict[str, Any]:
    """What the glasses are told about their microphone (``microphone_state_change``)."""
    bases = {stream.partition(":")[0] for stream in streams}
    audio = StreamType.AUDIO_CHUNK.value in bases
    speech = {StreamType.TRANSCRIPTION.value, StreamType.TRANSLATION.value}
    on = audio or not speech.isdisjoint(bases)
    return {
        "isMicrophoneEnabled": on,
        "requiredData": ["pcm"] if on else [],
        "bypassVad": audio,
    }
