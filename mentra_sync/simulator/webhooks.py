"""POSTs to apps, of cloud and glasses: to loopback addresses only, never on the caller's thread."""

from __future__ import annotations

import http.client
import ipaddress
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from mentra_sync.errors import ConfigurationError, RequestFailed
from mentra_sync.protocol import codec
from mentra_sync.protocol.codec import MalformedMessage
from mentra_sync.simulator import limits
from mentra_sync.simulator.schedule import Schedule
from mentra_sync.simulator.timeline import Timeline, Way

logger = logging.getLogger(__name__)

Done = Callable[[bool, str], object]
"""Told how a webhook ended: whether it was answered with 2xx, and else what went wrong."""

MakeBody = Callable[[], tuple[bytes, str]]
"""Gives a body and its content type."""

Upload = Callable[[str, MakeBody, dict[str, str], Done], None]
"""What :meth:`Webhooks.upload` is to glasses, which know whose they are."""


def loopback_url(url: str) -> SplitResult:
    """A URL taken apart; raises ConfigurationError unless it is plain HTTP to this machine."""
    try:
        parts = urlsplit(url)
        local = parts.scheme == "http" and is_loopback(parts.hostname or "") and parts.port != 0
    except ValueError:
        local = False
    if not local:
        raise ConfigurationError(
            "the simulator talks to apps on this machine only: the webhook must look like"
            f' "http://127.0.0.1:7010/webhook", got {url!r}'
        )
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


JSON = "application/json"

TOO_MANY_WAIT = (
    "{} actions wait for the app already; it does not answer. Stop the app, or see what holds it up"
)


@dataclass(frozen=True)
class _Post:
    """Where a body goes, and how the timeline tells of it."""

    url: str
    way: Way
    user_id: str | None
    shown: Any
    """The body as the timeline shows it; None for its size."""


class Webhooks:
    """Sends webhooks, several at once; ``done`` is called on one of its threads.

    How long an answer may take, and the pause before a repetition, are times of ``schedule``.
    """

    def __init__(self, timeline: Timeline, schedule: Schedule) -> None:
        self._timeline = timeline
        self._schedule = schedule
        self._pool = ThreadPoolExecutor(limits.WEBHOOK_THREADS, "mentra-sim-webhook")
        # Threads of their own: who waits for an answer must not keep webhooks from being sent.
        self._actions = ThreadPoolExecutor(limits.ACTION_THREADS, "mentra-sim-action")
        self._changed = threading.Condition()  # guards the next four
        self._closed = False
        self._open: set[_Connection] = set()
        self._busy = 0
        self._waiting = 0

    @property
    def busy(self) -> int:
        """How many are on their way or not dealt with; one that waits to be repeated doesn't
        count."""
        with self._changed:
            return self._busy

    def post(self, url: str, body: dict[str, Any], *, repeat: bool, done: Done) -> None:
        """POST ``body`` as JSON; with ``repeat`` once more, a second later, when that fails."""
        text = codec.dumps(body).encode()
        post = _Post(url, Way.CLOUD_TO_APP, _user_of(body), body)
        self._submit(post, lambda: (text, JSON), {}, 2 if repeat else 1, done)

    def upload(
        self, url: str, make: MakeBody, headers: dict[str, str], user_id: str, done: Done
    ) -> None:
        """POST a body of any type from a wearer's glasses, once; it is made on a thread of ours."""
        self._submit(_Post(url, Way.GLASSES_TO_APP, user_id, None), make, headers, 1, done)

    def ask(
        self,
        url: str,
        body: dict[str, Any],
        headers: dict[str, str],
        timeout: float,
        *,
        repeat: bool,
    ) -> tuple[int, bytes, str]:
        """POST ``body`` as JSON on this thread: status, answer, and what is wrong.

        With ``repeat`` once more, a second later, when that fails.  The status is 0 when there
        was no answer.
        """
        text = codec.dumps(body).encode()
        headers = {"Content-Type": JSON, **headers}
        post = _Post(url, Way.CLOUD_TO_APP, _user_of(body), body)
        self._count(1)
        try:
            outcome = self._exchange(post, text, headers, timeout)
            if outcome[2] and repeat and self._paused():
                outcome = self._exchange(post, text, headers, timeout)
        finally:
            self._count(-1)
        return outcome

    def run(self, function: Callable[[], object]) -> None:
        """Call what waits for an app, on a thread of ours; what goes wrong is logged.

        Raises ValueError when very much waits for the app already.
        """
        with self._changed:
            if self._waiting >= limits.MAX_ACTIONS:
                raise ValueError(TOO_MANY_WAIT.format(self._waiting))
            self._waiting += 1

        def call() -> None:
            try:
                function()
            except (RequestFailed, ValueError) as error:
                logger.warning("%s", error)
            except Exception:
                logger.exception("the simulator failed at an action")
            finally:
                with self._changed:
                    self._waiting -= 1

        # A pool that has been shut down refuses: the simulator is ending.
        with suppress(RuntimeError):
            self._actions.submit(call)

    def _submit(
        self, post: _Post, make: MakeBody, headers: dict[str, str], tries: int, done: Done
    ) -> None:
        self._count(1)
        try:
            self._pool.submit(self._send, post, make, headers, tries, done)
        except RuntimeError:
            # A pool that has been shut down refuses: the simulator is ending.  One that got no
            # thread has queued it, and the next thread sends it.
            if self._closed:
                self._count(-1)

    def close(self) -> None:
        """Break off what is on its way and end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for connection in self._open:
                connection.break_off()
        for pool in (self._pool, self._actions):
            pool.shutdown(wait=True, cancel_futures=True)

    def _send(
        self, post: _Post, make: MakeBody, headers: dict[str, str], tries: int, done: Done
    ) -> None:
        try:
            body, kind = make()
            headers = {"Content-Type": kind, **headers}
            problem = self._exchange(post, body, headers)[2]
            while problem and tries > 1 and self._paused():
                tries -= 1
                problem = self._exchange(post, body, headers)[2]
            if not self._closed:
                done(not problem, problem)
        except Exception:
            logger.exception("the simulator failed at a webhook")
        finally:
            self._count(-1)

    def _paused(self) -> bool:
        """Wait before a repetition; False when everything has ended meanwhile."""
        clock = self._schedule.clock
        with self._changed:
            self._busy -= 1
            until = clock.now() + limits.WEBHOOK_PAUSE
            ended = clock.wait_for(self._changed, lambda: self._closed, until)
            self._busy += 1
            return not ended

    def _count(self, change: int) -> None:
        with self._changed:
            self._busy += change

    def _exchange(
        self, post: _Post, body: bytes, headers: dict[str, str], timeout: float | None = None
    ) -> tuple[int, bytes, str]:
        """Send once; the status, the answer, and what went wrong or an empty text."""
        add, name = self._timeline.add, f"POST {_path(post.url)}"
        add(post.way, "request", name, post.user_id, post.shown or {"bytes": len(body)})
        status, said, problem = self._http(post.url, body, headers, timeout)
        answer = {"status": status, "body": _shown(said)} if status else {"problem": problem}
        add(_BACK[post.way], "answer", f"{status or 'no answer'} to {name}", post.user_id, answer)
        return status, said, problem

    def _http(
        self, url: str, body: bytes, headers: dict[str, str], timeout: float | None
    ) -> tuple[int, bytes, str]:
        try:
            parts = loopback_url(url)
        except ConfigurationError as error:
            return 0, b"", str(error)
        timeout = timeout or limits.WEBHOOK_TIMEOUT
        connection = _Connection(parts.hostname or "", parts.port or 80, timeout=timeout)
        with self._changed:
            if self._closed:
                return 0, b"", "the simulator is ending"
            self._open.add(connection)
        late = threading.Event()

        def give_up() -> None:
            late.set()
            connection.break_off()

        deadline = self._schedule.after(timeout, give_up)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, headers)
            answer = connection.getresponse()
            said = answer.read(limits.MAX_WEBHOOK_ANSWER)
        except ConnectionRefusedError:
            return 0, b"", f"nobody answers at {url}: is the app running?"
        except (OSError, ValueError, http.client.HTTPException) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                return 0, b"", f"the app did not answer {url} within {timeout:g} s"
            return 0, b"", f"the app did not answer {url}: {error or type(error).__name__}"
        finally:
            deadline.cancel()
            with self._changed:
                self._open.discard(connection)
            connection.close()
        right = 200 <= answer.status < 300
        problem = "" if right else f"the app answered {answer.status} to {url}"
        return answer.status, said, problem


_BACK = {Way.CLOUD_TO_APP: Way.APP_TO_CLOUD, Way.GLASSES_TO_APP: Way.APP_TO_GLASSES}


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return url


def _user_of(body: dict[str, Any]) -> str | None:
    user_id = body.get("userId", body.get("userIdForSettings"))
    return user_id if isinstance(user_id, str) else None


def _shown(answer: bytes) -> Any:
    try:
        return codec.parse(answer)
    except MalformedMessage:
        return answer.decode("utf-8", "replace")


class _Connection(http.client.HTTPConnection):
    """One that can be broken off from another thread; who waits for its answer gets none."""

    # http.client lets go of an answer's socket when it is the last one, and reads on.
    _socket: socket.socket | None = None
    _broken = False

    def connect(self) -> None:
        super().connect()
        self._socket = self.sock
        if self._broken:
            raise ConnectionAbortedError("broken off")

    def break_off(self) -> None:
        self._broken = True
        if (sock := self._socket) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
