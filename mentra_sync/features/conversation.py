"""Talking with the wearer: ``session.listen`` and ``session.ask``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mentra_sync import config, hints
from mentra_sync.errors import MentraError, RequestTimeout, SessionEnded
from mentra_sync.features.layouts import Layouts
from mentra_sync.features.player import SPEECH_TRACK, Player, play_request
from mentra_sync.protocol.codec import text_of
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import Mailbox, check_number
from mentra_sync.runtime.timers import Alarm


class Conversation:
    """Questions and answers, one after the other."""

    def __init__(
        self, link: Link, layouts: Layouts, player: Player, has_speaker: Callable[[], bool]
    ) -> None:
        self._link = link
        self._layouts = layouts
        self._player = player
        self._has_speaker = has_speaker
        self._lock = threading.Lock()
        self._kept: dict[StreamName, _Kept] = {}  # guarded by _lock

    def listen(self, timeout: float | None, language: str) -> str:
        """Block until the next final words in ``language``, and return them."""
        if isinstance(timeout, str):
            raise ValueError(hints.LISTEN_TAKES_NO_QUESTION.format(timeout))
        check_number(timeout)
        with self._hearing(language) as mailbox:
            return self._next_words(mailbox, timeout)

    def ask(self, prompt: object, timeout: float | None, speak: bool, language: str) -> str:
        """Show and speak a question, then block until the answer."""
        check_number(timeout)
        with self._hearing(language) as mailbox:
            self._layouts.show_text_wall(prompt)
            spoken = text_of(prompt)
            if speak and spoken.strip() and self._has_speaker():
                self._say(spoken, mailbox)
            return self._next_words(mailbox, timeout)

    @contextmanager
    def _hearing(self, language: str) -> Iterator[Mailbox]:
        stream = StreamName.transcription(language)
        with self._link.mailbox(stream) as mailbox:
            try:
                yield mailbox
            finally:
                self._keep(stream)

    def _say(self, prompt: str, mailbox: Mailbox) -> None:
        """Speak, and forget what was heard until the end: recognisers hear the glasses' voice."""
        request = play_request(self._player.speech_url(prompt), track_id=SPEECH_TRACK)
        try:
            result = self._player.play(request, config.PLAY_TIMEOUT, ended=mailbox.clear)
        except SessionEnded:
            raise
        except MentraError as error:
            mailbox.clear()
            self._link.logger.warning("the question could not be spoken: %s", error)
            return
        if not result:
            self._link.logger.warning("the question could not be spoken: %s", result.error)

    def _next_words(self, mailbox: Mailbox, timeout: float | None) -> str:
        until = self._link.replies.deadline(timeout)
        while True:
            try:
                event = mailbox.get(until)
            except TimeoutError:
                raise RequestTimeout(hints.LISTEN_TIMEOUT.format(timeout)) from None
            if event.is_final and event.text.strip():
                text: str = event.text
                return text

    def _keep(self, stream: StreamName) -> None:
        """Keep the recogniser open for a while, so that a loop of questions does not reopen it."""
        with self._lock:
            kept = self._kept.pop(stream, None)
            unsubscribe = kept.unsubscribe if kept else self._link.subscribe(stream)
            again = self._kept[stream] = _Kept(unsubscribe)
        if kept is not None and kept.alarm is not None:
            kept.alarm.cancel()
        again.alarm = self._link.timers.after(
            config.LISTEN_SUBSCRIPTION_KEPT, lambda: self._let_go(stream, again)
        )

    def _let_go(self, stream: StreamName, kept: _Kept) -> None:
        """On the timer thread, unless a newer call wants the recogniser."""
        with self._lock:
            if self._kept.get(stream) is not kept:
                return
            del self._kept[stream]
        kept.unsubscribe()


@dataclass(eq=False)
class _Kept:
    """A subscription that outlives its call for a while."""

    unsubscribe: Callable[[], None]
    alarm: Alarm | None = None
