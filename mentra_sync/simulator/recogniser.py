"""The cloud's speech recogniser: what somebody says becomes texts, word by word."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from mentra_sync.simulator import limits
from mentra_sync.simulator.schedule import Schedule
from mentra_sync.simulator.speech import speech_seconds

PROVIDER = "simulator"
MOST_INTERIM_TEXTS = 40
LANGUAGE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")

Hear = Callable[[dict[str, Any], dict[str, str]], int]
"""Sends a transcription (and its translations) to the apps; returns how many heard it."""


class Recogniser:
    """Turns what is said to one pair of glasses into transcriptions.

    With ``realistic`` the words come at the pace of speech, utterances one after the other;
    else all of them at once, on the caller's thread.
    """

    def __init__(
        self,
        schedule: Schedule,
        hear: Hear,
        tell: Callable[[dict[str, Any]], None],
        *,
        realistic: bool,
    ) -> None:
        self._schedule = schedule
        self._hear = hear
        self._tell = tell
        self._realistic = realistic
        self._lock = threading.Lock()  # guards the next two
        self._busy_until = float("-inf")
        self._began_ms: int | None = None

    def say(self, text: str, *, interim: bool, language: str, translations: dict[str, str]) -> None:
        """Recognise a whole utterance, with growing interim texts if ``interim``."""
        check_language(language)
        began_ms = _now_ms()
        beginnings = _beginnings(text) if interim else []
        moments = self._moments(len(beginnings))
        for moment, beginning in zip(moments, beginnings, strict=False):
            self._due(moment, beginning, False, language, began_ms, {})
        self._due(moments[-1], text, True, language, began_ms, translations)

    def hear(self, text: str, *, final: bool, language: str) -> None:
        """Pass on what somebody else has recognised, at once."""
        check_language(language)
        with self._lock:
            began_ms = self._began_ms or _now_ms()
            self._began_ms = None if final else began_ms
        self._recognised(text, final, language, began_ms, {})

    def _moments(self, interim_texts: int) -> list[float]:
        """When the interim texts and the final one are due."""
        with self._lock:
            now = self._schedule.clock.now()
            if not self._realistic:
                return [now] * (interim_texts + 1)
            first = max(now, self._busy_until)
            moments = [first + (n + 1) * limits.WORD_SECONDS for n in range(interim_texts)]
            self._busy_until = (moments[-1] if moments else first) + limits.FINAL_SECONDS
            return [*moments, self._busy_until]

    def _due(
        self,
        moment: float,
        text: str,
        final: bool,
        language: str,
        began_ms: int,
        translations: dict[str, str],
    ) -> None:
        if not self._realistic:
            self._recognised(text, final, language, began_ms, translations)
            return
        self._schedule.at(
            moment, lambda: self._recognised(text, final, language, began_ms, translations)
        )

    def _recognised(
        self, text: str, final: bool, language: str, began_ms: int, translations: dict[str, str]
    ) -> None:
        data: dict[str, Any] = {
            "type": "transcription",
            "text": text,
            "isFinal": final,
            "startTime": began_ms,
            "endTime": began_ms + round(speech_seconds(text) * 1000),
            "transcribeLanguage": language,
            "provider": PROVIDER,
            "metadata": {"provider": PROVIDER},
        }
        if not final:
            data["confidence"] = 0.9
        listening = self._hear(data, translations) > 0
        self._tell({"kind": "heard", "text": text, "final": final, "listening": listening})


def check_language(language: str) -> None:
    """Raise ValueError for what is no language code."""
    if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
        raise ValueError(f'language must look like "en-US", got {language!r}')


def _beginnings(text: str) -> list[str]:
    """The text as far as it is known after each word, in at most so many steps."""
    words = text.split()
    step = max(1, -(-len(words) // MOST_INTERIM_TEXTS))
    return [" ".join(words[: n + 1]) for n in range(0, len(words), step)]


def _now_ms() -> int:
    return round(time.time() * 1000)
