"""Where calls wait for what the cloud sends: answers to requests, photos, and the next event.

All sit on :class:`~mentra_sync.runtime.dispatcher.Wait`, so a callback that waits here lets
the session's other callbacks run.
"""

from __future__ import annotations

import hmac
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from mentra_sync import config, hints
from mentra_sync.errors import PermissionDenied, PhotoError, RequestFailed, RequestTimeout
from mentra_sync.runtime.backlog import KEEP, Backlog
from mentra_sync.runtime.dispatcher import Dispatcher, Wait

_NO_TIMEOUT = "timeout must be a number of seconds (0 or more) or None, got {!r}"
_PERMISSION_DENIED = "PERMISSION_DENIED"

PHOTO = "photo"
"""The kind of a call that waits for a photo, which may come by upload."""


class Reply:
    """The answer to one request that has been, or is about to be, sent.

    Used as a context manager around sending and waiting, so that nothing stays registered::

        with replies.expect("audio", request_id) as reply:
            link.send(command, reply)
            answer = reply.result(60, "the glasses did not answer within 60 s")

    A request that still waits for the connection at the end of the block is not sent any more:
    nobody wants its answer.
    """

    def __init__(
        self, replies: Replies, kind: str, key: str, wait: Wait, settled: Callable[[], object]
    ) -> None:
        self.kind = kind
        self.key = key
        self.frame: str | None = None
        """The request, once it is sent or kept."""
        self.withdrawn = False
        """Whether it was given up before it was sent."""
        self._replies = replies
        self._wait = wait
        self._settled = settled
        self._value: Any = None
        self._error: Exception | None = None

    def __enter__(self) -> Reply:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._replies.forget(self)

    def result(self, timeout: float | None, otherwise: str) -> Any:
        """Wait for the answer, ``timeout`` seconds of session time at most, and return it.

        Raises what :meth:`Replies.refuse` was given, ``SessionEnded``, or ``RequestTimeout``
        with the text ``otherwise``.
        """
        if not self._wait.block(self._replies.deadline(timeout)):
            raise RequestTimeout(otherwise)
        if self._error is not None:
            raise self._error
        return self._value

    def settle(self, value: Any = None, error: Exception | None = None) -> None:
        """Give the waiting call its answer. Called once, by whoever took it off the register."""
        self._value = value
        self._error = error
        self._settled()
        self._wait.end()


class Replies:
    """The register of one session's requests that are still unanswered."""

    def __init__(
        self, dispatcher: Dispatcher, withdraw: Callable[[str], bool] = lambda frame: False
    ) -> None:
        """``withdraw`` has a frame not sent after all; it returns whether there was time."""
        self._dispatcher = dispatcher
        self._withdraw = withdraw
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], Reply] = {}  # guarded by _lock, oldest first

    def deadline(self, timeout: float | None) -> float | None:
        """The moment of session time that is ``timeout`` seconds away; None for no limit.

        ``ValueError`` for what is no time.
        """
        check_number(timeout)
        if timeout is None or timeout > threading.TIMEOUT_MAX:  # an int may exceed every float
            return None
        return self._dispatcher.clock.now() + timeout

    def expect(self, kind: str, key: str, settled: Callable[[], object] = lambda: None) -> Reply:
        """Register a request before it is sent. ``key`` is its request id on the wire.

        ``settled`` is called when there is an answer, before anything that comes after it is
        dealt with: the call itself may have to wait for its turn to go on.
        """
        reply = Reply(self, kind, key, Wait(self._dispatcher), settled)
        with self._lock:
            self._pending[kind, key] = reply
        return reply

    def forget(self, reply: Reply) -> None:
        """Take a reply off the register; a late answer then finds nobody.

        Its request is withdrawn, if it waits for the connection still.
        """
        with self._lock:
            if self._pending.get((reply.kind, reply.key)) is reply:
                del self._pending[reply.kind, reply.key]
        if reply.frame is not None:
            reply.withdrawn = self._withdraw(reply.frame)

    def answer(self, kind: str, key: str, value: Any) -> bool:
        """Wake the call that waits for this answer; False when none does."""
        with self._lock:
            reply = self._pending.pop((kind, key), None)
        if reply is None:
            return False
        reply.settle(value)
        return True

    def fail(self, kind: str, key: str, error: Exception) -> bool:
        """Have the call that waits for this answer raise ``error``; False when none does."""
        with self._lock:
            reply = self._pending.pop((kind, key), None)
        if reply is None:
            return False
        reply.settle(error=error)
        return True

    def answer_oldest(self, kind: str, value: Any) -> bool:
        """The same for an answer that names no request: the one sent first gets it."""
        with self._lock:
            key = next((key for key in self._pending if key[0] == kind), None)
            reply = None if key is None else self._pending.pop(key)
        if reply is None:
            return False
        reply.settle(value)
        return True

    def answer_all(self, kind: str, value: Any) -> int:
        """Wake every call of a kind with the same answer; return how many there were."""
        taken = self._take(kind)
        for reply in taken:
            reply.settle(value)
        return len(taken)

    @property
    def kinds(self) -> set[str]:
        """The kinds of the calls that wait now."""
        with self._lock:
            return {kind for kind, _ in self._pending}

    def refuse(self, kinds: Collection[str], error: Exception) -> int:
        """Fail every waiting call of these kinds; return how many there were."""
        taken = [reply for kind in kinds for reply in self._take(kind)]
        for reply in taken:
            reply.settle(error=error)
        return len(taken)

    def _take(self, kind: str) -> list[Reply]:
        with self._lock:
            keys = [key for key in self._pending if key[0] == kind]
            return [self._pending.pop(key) for key in keys]


def check_timeout(timeout: float | None) -> None:
    """Refuse what is no time in seconds; None means no limit."""
    check_number(timeout)
    if timeout is not None and timeout < 0:
        raise ValueError(_NO_TIMEOUT.format(timeout))


def check_number(timeout: float | None) -> None:
    """The same, but what is left until a moment may be below 0: the moment has passed."""
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and (not number or timeout != timeout):
        raise ValueError(_NO_TIMEOUT.format(timeout))


def photo_error(code: str | None, message: str | None) -> RequestFailed:
    """What a failed photo raises, whatever of it the glasses have told."""
    return failure(PhotoError, code or "UNKNOWN_ERROR", message or hints.PHOTO_FAILED)


def failure(kind: type[RequestFailed], code: str, message: str) -> RequestFailed:
    """What a request raises that was refused: of its own kind, but for a missing permission."""
    return (PermissionDenied if code == _PERMISSION_DENIED else kind)(code, message)


@dataclass(frozen=True)
class PhotoUpload:
    """A photo as it was uploaded."""

    data: bytes
    mime_type: str
    filename: str


class AwaitedPhoto:
    """A photo that a call of some session waits for; an upload ends the call, once."""

    def __init__(self, replies: Replies, request_id: str, auth_token: str | None) -> None:
        self._replies = replies
        self._request_id = request_id
        self._auth_token = auth_token

    def admits(self, authorization: str | None) -> bool:
        """Whether an ``Authorization`` header is the one that the request asked for.

        The time that it takes tells nothing about the token.
        """
        if self._auth_token is None:
            return True
        scheme, _, token = (authorization or "").partition(" ")
        right = hmac.compare_digest(token.strip().encode(), self._auth_token.encode())
        return right and scheme.lower() == "bearer"

    def arrived(self, photo: PhotoUpload) -> bool:
        """Give the photo to the call; False when it waits no longer."""
        return self._replies.answer(PHOTO, self._request_id, photo)

    def failed(self, error: Exception) -> bool:
        """Have the call raise ``error``; False when it waits no longer."""
        return self._replies.fail(PHOTO, self._request_id, error)


class AwaitedPhotos:
    """The photos that all sessions of one server wait for: an upload names no session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._awaited: dict[str, AwaitedPhoto] = {}
        self._over: deque[str] = deque(maxlen=config.MAX_OUTBOX)

    @contextmanager
    def awaiting(self, replies: Replies, request_id: str, auth_token: str | None) -> Iterator[None]:
        """Around a call that is registered in ``replies`` as of the kind ``PHOTO``."""
        with self._lock:
            self._awaited[request_id] = AwaitedPhoto(replies, request_id, auth_token)
        try:
            yield
        finally:
            with self._lock:
                del self._awaited[request_id]
                self._over.append(request_id)

    def find(self, request_id: str) -> AwaitedPhoto | None:
        """The photo of a request, or None when no call waits for it."""
        with self._lock:
            return self._awaited.get(request_id)

    def is_over(self, request_id: str) -> bool:
        """Whether a call waited for this photo a short while ago."""
        with self._lock:
            return request_id in self._over


class Mailbox:
    """Events for one waiting call (``wait_for``, ``stream``, ``listen``), in a bounded queue.

    Several threads may take events out of it; each event goes to one of them.  Used in a ``with``
    block, or closed.

    What is dropped when it is full follows rule 7 of api.md, as in the dispatcher's backlog.
    """

    def __init__(self, dispatcher: Dispatcher, size: int = config.EVENT_BACKLOG) -> None:
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._events: Backlog[Any] = Backlog(size)
        self._waits: list[Wait] = []
        # Not a generator that is suspended meanwhile: Python's collector would end it on any
        # thread, maybe with a lock held that closing takes.
        self._closing = ExitStack()

    def at_close(self, function: Callable[[], object]) -> None:
        """Call ``function`` when it is closed."""
        self._closing.callback(function)

    def close(self) -> None:
        """Let nothing more come. A second time does nothing."""
        self._closing.close()

    def __enter__(self) -> Mailbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def put(self, event: Any, rank: int = KEEP) -> None:
        """Deliver an event. From the connection thread; never blocks."""
        with self._lock:
            if len(self._events) >= self._events.size:
                self._dispatcher.count_dropped("a waiting call")
                if not self._events.make_room(rank):
                    return
            self._events.add(event, rank)
            waits, self._waits = self._waits, []
        for wait in waits:
            wait.end()

    def get(self, until: float | None) -> Any:
        """The next event. Waits, to the moment ``until`` at most; then raises ``TimeoutError``.

        Raises ``SessionEnded`` when the session ends and nothing is left to give.
        """
        while True:
            with self._lock:
                if self._events:
                    return self._events.take()
                wait = Wait(self._dispatcher)
                self._waits.append(wait)
            try:
                if not wait.block(until):
                    raise TimeoutError
            finally:
                with self._lock:
                    if wait in self._waits:
                        self._waits.remove(wait)

    def clear(self) -> None:
        """Forget what has come so far."""
        with self._lock:
            self._events.clear()
