"""Requests for one user's simple storage: patient, but never without an end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mentra_sync import config, hints
from mentra_sync.clock import Deadline
from mentra_sync.errors import ConnectionFailed, RequestFailed, RequestTimeout, StorageError
from mentra_sync.log import own_logger
from mentra_sync.runtime.calls import Call
from mentra_sync.runtime.cloud_api import CloudApi, TooManyRequests
from mentra_sync.runtime.identity import Identity

_log = own_logger(__name__)


class StorageRequests:
    """Asks the cloud, on the calling thread; every failure is a ``StorageError``.

    :meth:`close` may be called from any thread, all others from one at a time.
    """

    def __init__(self, cloud_api: CloudApi, base: str, identity: Identity) -> None:
        self._cloud_api = cloud_api
        self._base = base
        self._identity = identity
        self._lock = threading.Lock()
        self._closing = threading.Condition(self._lock)
        # Guarded by _lock:
        self._closed = False
        self._call: Call | None = None
        self._wait_until = Deadline(0)  # the cloud asked for patience until then

    @property
    def patience(self) -> float:
        """Seconds for which the cloud wants no more requests; 0 as a rule."""
        return self._wait_until.remaining

    def fetch(self) -> dict[str, Any]:
        """Everything that the cloud holds, as it nests it."""
        data: dict[str, Any] = self._ask("be read", self._cloud_api.stored_values)
        return data

    def store(self, values: dict[str, str], deadline: Deadline) -> None:
        """Add or replace values."""
        self._ask("be written", self._cloud_api.store_values, values, deadline=deadline)

    def delete(self, key: str) -> None:
        """Remove one value, if it is there."""
        self._ask(f"delete {key!r:.80}", self._cloud_api.delete_stored_value, key)

    def clear(self) -> None:
        """Remove all values."""
        self._ask("be cleared", self._cloud_api.clear_stored_values)

    def pause(self, seconds: float) -> bool:
        """Wait in real time; False when it is closed meanwhile."""
        with self._lock:
            return not self._closing.wait_for(lambda: self._closed, seconds)

    def close(self) -> None:
        """Begin no more requests, and cut off the one under way."""
        with self._lock:
            self._closed = True
            self._closing.notify_all()
            call = self._call
        if call is not None:
            call.cut_off()

    def _ask(
        self,
        what: str,
        request: Callable[..., Any],
        *arguments: Any,
        deadline: Deadline | None = None,
    ) -> Any:
        """One request, made again while the cloud wants patience and there is time for it."""
        deadline = deadline or Deadline(config.STORAGE_PATIENCE)
        while True:
            options = {"call": self._new_call(what), "seconds": max(deadline.remaining, 0.001)}
            try:
                return request(self._base, self._identity, *arguments, **options)
            except TooManyRequests as error:
                pause = _PAUSE if error.retry_after is None else error.retry_after
                self._wait_until = Deadline(min(pause, _LONGEST_PAUSE))
                if pause >= deadline.remaining or not self.pause(max(pause, _SHORTEST_PAUSE)):
                    raise _failed(error.code, what, error.message) from None
            except RequestFailed as error:
                raise _failed(error.code, what, error.message) from None
            except RequestTimeout as error:
                raise _failed("TIMEOUT", what, str(error)) from None
            except ConnectionFailed as error:
                raise _failed("UNREACHABLE", what, str(error)) from None
            except Exception as error:  # nothing that is unsent must be forgotten for it
                _log.exception("a request for simple storage failed")
                raise _failed("FAILED", what, str(error)) from None

    def _new_call(self, what: str) -> Call:
        """A call that :meth:`close` finds, however late it begins."""
        with self._lock:
            if self._closed:
                raise _failed("STOPPED", what, "the server has stopped")
            self._call = call = Call()
            return call


_PAUSE, _SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 0.05, 300.0
"""Seconds to wait when the cloud wants fewer requests: it doesn't say, says 0, says a lot."""


def _failed(code: str, what: str, reason: str) -> StorageError:
    return StorageError(code, hints.STORAGE_FAILED.format(what, reason) + hints.STORAGE_ADVICE)
