"""One user's simple storage, as a server keeps it for all of that user's sessions.

What has been set and not yet stored belongs to the server and the user, not to a session: it is
sent together after a while, tried again after a failure, and seen by the user's next session.

Requests for one user go out one at a time, in order, on a thread ``mentra-storage-...`` that is
there only while there is something to do.  So a deletion follows a write that is on its way, and
what the cloud holds is always what the requests so far have made it.  No lock is held meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

from mentra_sync import config, hints
from mentra_sync.clock import Deadline
from mentra_sync.errors import SessionEnded, StorageError
from mentra_sync.features.storage_requests import StorageRequests
from mentra_sync.features.stored_values import StoredValues, Write
from mentra_sync.log import own_logger
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.errands import Errands
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.timers import Alarm, Timers

_log = own_logger(__name__)

Report = Callable[[BaseException], object]

_NEVER = frozenset({"HTTP_400", "HTTP_413", "HTTP_422"})
"""The cloud will not take this, however often it is sent."""

_ALONE_AFTER = 2
"""From this failure on values are sent one by one: one that a cloud cannot store takes no others
with it."""

_IN_A_ROW = 3
"""Values that may fail one after the other until all the rest is left for the next time."""

_LAST_PAUSES = (0.3, 1.0, None)
"""At the end of the server, after each failure; None: it was the last try."""

_KEYS_NAMED = 20
"""Keys that a message names; of more it tells how many."""


class UserStorage:
    """One user's simple storage. Every method may be called from any thread, and none blocks.

    What needs the cloud gives a Future, which fails with ``StorageError``.
    """

    def __init__(
        self,
        cloud_api: CloudApi,
        base: str,
        identity: Identity,
        timers: Timers,
        idle: Callable[[UserStorage], object],
    ) -> None:
        """``idle`` is told whenever nothing is left to do, on the thread that has done it."""
        self.user_id = identity.user_id
        self._requests = StorageRequests(cloud_api, base, identity)
        self._timers = timers
        name = f"mentra-storage-{identity.user_id[:60]}"
        self._errands = Errands(name, lambda: idle(self))
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._values = StoredValues()
        self._reports: list[Report] = []  # of the sessions that use it
        self._fetching: Future[None] | None = None
        self._closed = False
        self._alarm: Alarm | None = None
        self._last_set = 0.0  # session time
        self._failures = 0  # to store, one after the other
        self._refusal: StorageError | None = None  # the last one
        self._deletions: list[int] = []  # that wait their turn: the newest write at each call

    # --- The sessions that use it -------------------------------------------------------------

    def attach(self, report: Report) -> None:
        """A session begins to use it; ``report`` is told of values that the cloud refuses."""
        with self._lock:
            if self._closed:
                raise SessionEnded("server_stopped")
            self._reports.append(report)

    def detach(self, report: Report) -> None:
        """A session is over."""
        with self._lock:
            self._reports.remove(report)

    def close_if_unused(self) -> bool:
        """Close it when no session uses it and nothing is left to do; whether it is closed."""
        with self._lock:
            if not (self._reports or self._errands.busy or self._values.unsent_keys):
                self._closed = True
            return self._closed

    # --- Values -------------------------------------------------------------------------------

    def get(self, key: str) -> str | None:
        """The value of a key, or None. Meaningful after :meth:`fetch`."""
        with self._lock:
            return self._values.get(key)

    def unsent_value(self, key: str) -> str | None:
        """The value of a key that is still to be sent, or None."""
        with self._lock:
            return self._values.unsent_value(key)

    def view(self) -> dict[str, str]:
        """All values. Meaningful after :meth:`fetch`."""
        with self._lock:
            return self._values.view()

    def set(self, values: dict[str, str]) -> None:
        """Set values, which are sent later; raises ``ValueError`` when they have no room."""
        with self._lock:
            if self._closed:
                raise SessionEnded("disconnected")  # by a call that began before the end
            now = self._timers.clock.now()
            self._values.set(values, now)
            self._last_set = now
            if self._alarm is None and not self._failures:  # else it is to be tried again anyway
                self._set_alarm(self._due_at())

    # --- What needs the cloud -----------------------------------------------------------------

    def fetch(self) -> Future[None]:
        """Ask the cloud what it holds. With several sessions, one request answers all."""
        with self._lock:
            fetching = self._fetching
            if fetching is not None:
                return fetching
            self._fetching = fetching = Future()
        return self._errands.do(self._fetch, fetching)

    def delete(self, key: str) -> Future[bool]:
        """Delete a key, in the cloud and what is still to be sent; True if there was one."""
        return self._errands.do(partial(self._delete, key, self._announce_deletion()))

    def clear(self) -> Future[bool]:
        """Delete everything; True if there was anything."""
        return self._errands.do(partial(self._clear, self._announce_deletion()))

    def flush(self, seconds: float | None = None) -> Future[None]:
        """Send what is unsent, now. It ends after ``seconds`` at most; the values then stay."""
        with self._lock:
            if not self._values.unsent_keys or self._closed:
                nothing: Future[None] = Future()
                nothing.set_result(None)
                return nothing
            refusal = self._refusal
        deadline = Deadline(config.STORAGE_PATIENCE if seconds is None else seconds)
        return self._errands.do(lambda: self._flush(refusal, deadline))

    def flush_last(self, deadline: Deadline) -> Future[None]:
        """The same at the end of the server, with a few tries."""
        return self._errands.do(lambda: self._flush_last(deadline))

    # --- The end ------------------------------------------------------------------------------

    @property
    def unsent_keys(self) -> list[str]:
        """The keys whose values are still to be sent."""
        with self._lock:
            return self._values.unsent_keys

    @property
    def busy(self) -> bool:
        """Whether a request is under way or about to be."""
        return self._errands.busy

    def close(self) -> None:
        """Begin no more requests, and cut off the one under way."""
        with self._lock:
            self._closed = True
            if self._alarm is not None:
                self._alarm.cancel()
        self._requests.close()

    def join(self, timeout: float) -> None:
        """After :meth:`close`: wait for the thread, ``timeout`` seconds at most."""
        self._errands.join(timeout)

    # --- On the thread ------------------------------------------------------------------------

    def _fetch(self) -> None:
        try:
            data = self._requests.fetch()
            with self._lock:
                self._values.load(data)
        except StorageError as error:
            with self._lock:
                known = self._values.loaded and bool(self._values.unsent_keys)
            if not known:
                raise
            # An earlier session has read it, and what that left unsent must be seen.
            _log.debug("simple storage is taken as it was: %s", error)
        except ValueError as error:
            raise StorageError("BAD_ANSWER", f"the cloud's values make no sense: {error}") from None
        finally:
            with self._lock:
                self._fetching = None

    def _announce_deletion(self) -> int:
        """What is set from here on is not sent before the deletion, which would delete it."""
        with self._lock:
            self._deletions.append(self._values.number)
            return self._values.number

    def _delete(self, key: str, number: int) -> bool:
        with self._lock:
            self._deletions.remove(number)
            there = self._values.get(key) is not None
            if not there and self._values.has_below(key):
                return False  # the cloud would delete what is inside
        self._requests.delete(key)
        with self._lock:
            self._values.forget(key, number)
            self._settle()
        return there

    def _clear(self, number: int) -> bool:
        with self._lock:
            self._deletions.remove(number)
            there = bool(self._values.view())
        self._requests.clear()
        with self._lock:
            self._values.forget_all(number)
            self._settle()
        return there

    def _flush(self, refusal: StorageError | None, deadline: Deadline) -> None:
        self._write(deadline)
        with self._lock:
            refused = self._refusal
        if refused is not None and refused is not refusal:
            raise refused  # by a request that was under way

    def _flush_last(self, deadline: Deadline) -> None:
        for pause in _LAST_PAUSES:
            try:
                self._write(deadline)
            except StorageError:
                if pause is None or pause >= deadline.remaining or not self._requests.pause(pause):
                    raise

    def _write_in_background(self) -> None:
        with suppress(StorageError):  # it has been logged, and is tried again
            self._write(Deadline(config.STORAGE_PATIENCE))

    # --- Writing ------------------------------------------------------------------------------

    def _write(self, deadline: Deadline) -> None:
        """Send what is unsent. Raises ``StorageError`` when something could not be stored."""
        with self._lock:
            batch = self._values.unsent(min(self._deletions, default=self._values.number))
        if not batch:
            return
        try:
            refused = self._put_all(batch, deadline)
        except StorageError as error:
            self._try_again_later(error)
            raise
        with self._lock:
            self._failures = 0
            self._settle()
        if refused is not None:
            raise refused

    def _put_all(self, batch: dict[str, Write], deadline: Deadline) -> StorageError | None:
        """Send values together; when that cannot be done, each alone. Returns what was refused.

        Raises when something is left to be tried again.
        """
        try:
            self._put(batch, deadline)
            return None
        except StorageError as error:
            never = error.code in _NEVER
            stuck = error.code.startswith("HTTP_5") and self._failures + 1 >= _ALONE_AFTER
            if not never and (not stuck or len(batch) == 1):
                raise
            if len(batch) == 1:
                return self._refuse(batch, error)
        return self._put_each(batch, deadline)

    def _put_each(self, batch: dict[str, Write], deadline: Deadline) -> StorageError | None:
        refused: dict[str, Write] = {}
        reason: StorageError | None = None
        failure: StorageError | None = None
        in_a_row = 0
        for key, write in batch.items():
            try:
                self._put({key: write}, deadline)
                in_a_row = 0
            except StorageError as error:
                if error.code in _NEVER:
                    refused[key], reason = write, error
                    continue
                failure = error
                in_a_row += 1
                if not error.code.startswith("HTTP_5") or in_a_row >= _IN_A_ROW:
                    break
                with self._lock:
                    self._values.put_last(key)
        report = None if reason is None else self._refuse(refused, reason)
        if failure is not None:
            raise failure
        return report

    def _put(self, batch: dict[str, Write], deadline: Deadline) -> None:
        values = {key: write.value for key, write in batch.items()}
        self._requests.store(values, deadline)
        with self._lock:
            self._values.confirm(batch)

    def _refuse(self, batch: dict[str, Write], error: StorageError) -> StorageError:
        """Give values up that the cloud will never take, and say so once."""
        reason = error.message.removesuffix(hints.STORAGE_ADVICE)
        text = hints.STORAGE_REFUSED.format(self.user_id, listed(batch), reason)
        report = StorageError(error.code, text)
        with self._lock:
            self._values.give_up(batch)
            self._refusal = report
            tell = self._reports[-1] if self._reports else None
        try:
            if tell is None:
                _log.warning("%s", report)
            else:
                tell(report)
        except Exception:  # log handlers are user code
            _log.exception("a refusal could not be reported")
        return report

    def _try_again_later(self, error: StorageError) -> None:
        with self._lock:
            self._failures += 1
            first, keys = self._failures == 1, self._values.unsent_keys
            delays = config.STORAGE_RETRY_DELAYS
            delay = delays[min(self._failures, len(delays)) - 1]
            self._set_alarm(self._timers.clock.now() + max(delay, self._requests.patience))
        if first and not self._closed:
            reason = error.message.removesuffix(hints.STORAGE_ADVICE)
            _log.warning(hints.STORAGE_NOT_SENT, self.user_id, listed(keys), reason)

    # --- When to write: session time ----------------------------------------------------------

    def _due_at(self) -> float:
        """With the lock held: the moment at which what has been set is to be sent."""
        since = self._values.unsent_since
        idle = self._last_set + config.STORAGE_IDLE
        return idle if since is None else min(idle, since + config.STORAGE_LATEST)

    def _set_alarm(self, moment: float) -> None:
        """With the lock held: have a write begin then, and not before."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if self._closed else self._timers.at(moment, self._ring)

    def _settle(self) -> None:
        """With the lock held: something has been stored or deleted; is there anything left?"""
        if not self._values.unsent_keys:
            self._failures = 0
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
        elif not self._failures:
            self._set_alarm(self._due_at())

    def _ring(self) -> None:
        """On the timer thread."""
        with self._lock:
            self._alarm = None
            if self._closed or not self._values.unsent_keys:
                return
            if not self._failures and self._timers.clock.now() < self._due_at():
                self._set_alarm(self._due_at())  # something was set meanwhile
                return
        self._errands.do(self._write_in_background)


def listed(keys: Iterable[str]) -> str:
    """Keys as a message names them."""
    names = [repr(key) if len(key) <= 80 else f"{key[:80]!r}..." for key in keys]
    more = len(names) - _KEYS_NAMED
    return ", ".join(names[:_KEYS_NAMED]) + (f" and {more} more" if more > 0 else "")
