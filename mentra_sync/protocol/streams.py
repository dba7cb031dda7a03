"""Stream names: what an app subscribes to, parsed and built (section 6).

>>> StreamName.transcription("es-ES", hints=["en"]).wire
'transcription:es-ES?hints=en'
>>> StreamName.parse("touch_event:single_tap").gesture
'single_tap'
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from mentra_sync.protocol.jsontext import clean_text, shortened
from mentra_sync.protocol.names import LocationRate, StreamType, TouchGesture

AUTO = "auto"
"""In place of a language: whatever is spoken. Only transcription takes it."""

ALL_LANGUAGES = "all"
"""As the source of a translation: from whatever is spoken."""

DEFAULT_LANGUAGE = "en-US"
"""What plain ``transcription`` listens to."""

_LANGUAGE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
_TRANSLATION = re.compile(r"([a-z]{2,3}-[A-Z]{2}|all)-to-([a-z]{2,3}-[A-Z]{2})")
_HINT = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?")
_NO_IDENTIFICATION = "no-language-identification"


@dataclass(frozen=True)
class StreamName:
    """The name of a stream, in its parts; those that a stream doesn't have are None or empty.

    Make one with `parse` or with one of the constructors, which check their arguments.
    """

    base: str
    """Up to the colon, one of `StreamType`; of an unknown name, the whole."""
    language: str | None = None
    """What a transcription is in: ``en-US``, or ``auto``."""
    source: str | None = None
    """What a translation is from: ``en-US``, or ``all``."""
    target: str | None = None
    """What a translation is into."""
    gesture: str | None = None
    """The gesture of a touch event; None: all of them."""
    setting_key: str | None = None
    """The key of a system setting."""
    rate: str | None = None
    """The `LocationRate` of a location stream."""
    disable_language_identification: bool = False
    hints: tuple[str, ...] = ()
    """Languages that may be spoken too."""
    other_options: tuple[tuple[str, str], ...] = ()
    """Options that this version doesn't know."""

    @classmethod
    def transcription(
        cls,
        language: str = DEFAULT_LANGUAGE,
        *,
        disable_language_identification: bool = False,
        hints: Iterable[str] | None = None,
    ) -> StreamName:
        """Speech as text; ``language`` like ``en-US``, or ``auto``."""
        if language != AUTO:
            _check_language("language", language, f'"{DEFAULT_LANGUAGE}" or "{AUTO}"')
        return cls(
            StreamType.TRANSCRIPTION.value,
            language=clean_text(language),
            disable_language_identification=disable_language_identification,
            hints=_checked_hints(hints),
        )

    @classmethod
    def translation(
        cls, source: str, target: str, *, disable_language_identification: bool = False
    ) -> StreamName:
        """Speech in one language as text in another; ``source`` may be ``all``."""
        if source != ALL_LANGUAGES:
            _check_language("source language", source, f'"es-ES" or "{ALL_LANGUAGES}"')
        _check_language("target language", target, f'"{DEFAULT_LANGUAGE}"')
        return cls(
            StreamType.TRANSLATION.value,
            source=clean_text(source),
            target=clean_text(target),
            disable_language_identification=disable_language_identification,
        )

    @classmethod
    def touch(cls, gesture: str | None = None) -> StreamName:
        """Touches of the touch pad: those of one gesture, or all."""
        if gesture is not None and gesture not in TouchGesture.values():
            valid = ", ".join(TouchGesture.values())
            raise ValueError(f"gesture must be one of {valid}; got {shortened(gesture)}")
        return cls(StreamType.TOUCH_EVENT.value, gesture=gesture and clean_text(gesture))

    @classmethod
    def location(cls, rate: str = LocationRate.STANDARD.value) -> StreamName:
        """Where the wearer is, again and again."""
        if rate not in LocationRate.values():
            valid = ", ".join(LocationRate.values())
            raise ValueError(f"rate must be one of {valid}; got {shortened(rate)}")
        return cls(StreamType.LOCATION_STREAM.value, rate=clean_text(rate))

    @classmethod
    def setting(cls, key: str) -> StreamName:
        """One system setting, such as ``brightness``."""
        if not key or not isinstance(key, str):
            raise ValueError(f'key must name a setting like "brightness", got {shortened(key)}')
        return cls(StreamType.AUGMENTOS.value, setting_key=clean_text(key))

    @classmethod
    def parse(cls, wire: object) -> StreamName:
        """The stream that a subscription or a ``streamType`` names; never raises.

        A name that is not understood is just itself: all of it is the base.
        """
        if isinstance(wire, dict):
            return _parse_object(wire)
        text = clean_text(wire if isinstance(wire, str) else shortened(wire))
        name, _, query = text.partition("?")
        base, colon, argument = name.partition(":")
        if base == StreamType.TRANSCRIPTION.value and (not colon or _is_spoken(argument)):
            stream = cls(base, language=argument or DEFAULT_LANGUAGE)
            return stream._with_options(query)
        if base == StreamType.TRANSLATION.value and (pair := _TRANSLATION.fullmatch(argument)):
            return cls(base, source=pair[1], target=pair[2])._with_options(query)
        if argument and not query:
            if base == StreamType.TOUCH_EVENT.value:
                return cls(base, gesture=argument)
            if base == StreamType.AUGMENTOS.value:
                return cls(base, setting_key=argument)
        return cls(text)

    @property
    def wire(self) -> str | dict[str, Any]:
        """How a subscription writes it: a text, or an object for a location stream."""
        if self.rate is not None:
            return {"stream": self.base, "rate": self.rate}
        return self.name

    @property
    def name(self) -> str:
        """The name as one text, options included; a location stream without its rate."""
        options = []
        if self.disable_language_identification:
            options.append(f"{_NO_IDENTIFICATION}=true")
        if self.hints:
            options.append("hints=" + ",".join(quote(hint, safe="") for hint in self.hints))
        options += [f"{quote(key, safe='')}={quote(v, safe='')}" for key, v in self.other_options]
        return self._plain_name + ("?" + "&".join(options) if options else "")

    @property
    def key(self) -> str:
        """What is listened to, options ignored; equal for streams that bring the same events.

        Location updates have one key, whatever stream they came by.
        """
        if self.base == StreamType.LOCATION_STREAM.value:
            return StreamType.LOCATION_UPDATE.value
        return self._plain_name

    @property
    def has_options(self) -> bool:
        """Whether the name carries options after a question mark."""
        return bool(self.disable_language_identification or self.hints or self.other_options)

    def without_options(self) -> StreamName:
        """The same stream without its options."""
        return replace(self, disable_language_identification=False, hints=(), other_options=())

    def same_listening(self, other: StreamName) -> bool:
        """Whether both listen to the same thing, options ignored."""
        return self.key == other.key

    def __str__(self) -> str:
        return self.name

    @property
    def _plain_name(self) -> str:
        if self.language is not None:
            return f"{self.base}:{self.language}"
        if self.source is not None:
            return f"{self.base}:{self.source}-to-{self.target}"
        argument = self.gesture or self.setting_key
        return self.base if argument is None else f"{self.base}:{argument}"

    def _with_options(self, query: str) -> StreamName:
        if not query:
            return self
        identification = False
        hints: tuple[str, ...] = ()
        others: list[tuple[str, str]] = []
        for option in filter(None, query.split("&")):
            key, _, text = option.partition("=")
            key, text = clean_text(unquote(key)), clean_text(unquote(text))
            if key == _NO_IDENTIFICATION:
                identification = text == "true"
            elif key == "hints":
                hints = tuple(filter(None, text.split(",")))
            else:
                others.append((key, text))
        return replace(
            self,
            disable_language_identification=identification,
            hints=hints,
            other_options=tuple(others),
        )


def _parse_object(wire: dict[Any, Any]) -> StreamName:
    base, rate = wire.get("stream"), wire.get("rate")
    if base != StreamType.LOCATION_STREAM.value:
        return StreamName.parse(base if isinstance(base, str) else shortened(wire))
    return StreamName(base, rate=clean_text(rate) if isinstance(rate, str) else None)


def _is_spoken(language: str) -> bool:
    return language == AUTO or _LANGUAGE.fullmatch(language) is not None


def _check_language(what: str, language: object, examples: str) -> None:
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise ValueError(f"{what} must look like {examples}, got {shortened(language)}")


def _checked_hints(hints: Iterable[str] | None) -> tuple[str, ...]:
    if isinstance(hints, str) or not isinstance(hints, Iterable | None):
        raise ValueError(f'hints must be a list like ["en", "fr"], got {shortened(hints)}')
    checked = tuple(hints or ())
    for hint in checked:
        if not isinstance(hint, str) or not _HINT.fullmatch(hint):
            raise ValueError(f'a hint must look like "en" or "en-US", got {shortened(hint)}')
    return tuple(clean_text(hint) for hint in checked)
