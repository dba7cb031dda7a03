"""REST calls of a session: blocking as all its calls are, and over when the session is.

The call itself runs on a thread of its own.  The one that asks waits in the dispatcher
meanwhile, so that the session's other callbacks run and its end is noticed at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from mentra_sync.runtime.calls import Call
from mentra_sync.runtime.dispatcher import Wait
from mentra_sync.runtime.link import Link

T = TypeVar("T")

_LAST_MOMENTS = 1.0
"""How long the end of a session waits for a call that has been cut off, in s."""


def ask(link: Link, request: Callable[[Call], T]) -> T:
    """What ``request(call)`` returns or raises; ``call`` is cut off when the session ends.

    Blocks; raises ``SessionEnded`` when the session ends first.
    """
    link.check()
    question = _Question(request, Wait(link.dispatcher))
    link.questions.add(question)
    try:
        return _answer(link, question)
    finally:
        link.questions.discard(question)


def _answer(link: Link, question: _Question[T]) -> T:
    name = f"mentra-rest-{link.identity.session_id[:60]}"
    thread = threading.Thread(target=question.run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # out of threads: other callbacks have to wait, then
        question.run()
        return question.answer()
    try:
        question.wait.block(None)
    except BaseException:
        question.call.cut_off()
        thread.join(_LAST_MOMENTS)
        raise
    return question.answer()


class _Question(Generic[T]):
    """A request, whoever waits for it, and what has come of it."""

    def __init__(self, request: Callable[[Call], T], wait: Wait) -> None:
        self.call = Call()
        self.wait = wait
        self._request = request
        self._answers: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._answers.append(self._request(self.call))
        except BaseException as error:
            self._error = error
        finally:
            self.wait.end()

    def answer(self) -> T:
        if self._error is not None:
            raise self._error
        return self._answers[0]
