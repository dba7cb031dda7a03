"""``session.simple_storage``: what an app remembers of each user, from one session to the next."""

from __future__ import annotations

import concurrent.futures
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from mentra_sync import config, hints
from mentra_sync.clock import Deadline
from mentra_sync.errors import SessionEnded
from mentra_sync.features.storage_register import StorageRegister
from mentra_sync.features.stored_values import checked_key, checked_value
from mentra_sync.features.user_storage import UserStorage
from mentra_sync.protocol.codec import dumps
from mentra_sync.runtime.dispatcher import Wait
from mentra_sync.runtime.feature import Feature, also_after_end
from mentra_sync.runtime.link import Link

T = TypeVar("T")


class SimpleStorage(Feature):
    """Strings by key, kept in the cloud for each user of the app::

        visits = int(session.simple_storage.get("visits", "0")) + 1
        session.simple_storage["visits"] = str(visits)

    The first call of a session asks the cloud for everything, and blocks for that, 15 s at most;
    after that reading and setting take no time.  What is set is sent 3 s later, together with
    what else has been set, and at the end of the session; if that fails it is tried again until
    the server stops.  :meth:`flush` sends it now.  :meth:`delete` and :meth:`clear` always ask
    the cloud.

    A value has 100,000 characters at most, all values of a user 1 MB.  A key may have dots
    inside, but where there is ``"a.b"`` there cannot be ``"a"``.

    Every method may be called from any thread, and raises ``SessionEnded`` after the end.
    Besides that any of them may be the first call, and then raises ``StorageError`` when the
    cloud refuses or cannot be reached; the next call tries again.
    """

    def __init__(self, link: Link, register: StorageRegister) -> None:
        self._link = link
        self._register = register
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._storage: UserStorage | None = None
        self._loaded = False
        self._over = False
        self._ending: Deadline | None = None
        self._last_flush: Future[None] | None = None

    # --- Reading ------------------------------------------------------------------------------

    def get(self, key: str, default: str | None = None) -> Any:
        """The value of a key, or ``default``."""
        _only_text(key)
        # What has just been set is known even where the cloud cannot be asked.
        value = self._opened().unsent_value(key)
        if value is None:
            value = self._ready().get(key)
        return default if value is None else value

    def get_json(self, key: str, default: Any = None) -> Any:
        """What :meth:`set_json` has stored, or ``default``.

        Raises ``ValueError`` when something else is stored there.
        """
        text = self.get(key)
        if text is None:
            return default
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(hints.VALUE_NO_JSON.format(key, error)) from None

    def has_key(self, key: str) -> bool:
        """Whether there is a value of this key."""
        return self.get(key) is not None

    def keys(self) -> list[str]:
        """All keys; a list of this moment."""
        return list(self.get_all_data())

    def size(self) -> int:
        """How many values there are."""
        return len(self.get_all_data())

    def get_all_data(self) -> dict[str, str]:
        """All values by their keys; a copy of this moment."""
        return self._ready().view()

    # --- Setting ------------------------------------------------------------------------------

    def set(self, key: str, value: str) -> None:
        """Keep a value; it is sent to the cloud a little later.

        Raises ``TypeError`` for what is no string (see :meth:`set_json`) and ``ValueError`` for
        what is too large, or a key that cannot be one.
        """
        self.set_multiple({key: value})

    def set_json(self, key: str, value: Any) -> None:
        """Keep a number, a list, a dict, ... as JSON; :meth:`get_json` gives it back.

        Raises ``TypeError`` or ``ValueError`` for what JSON doesn't have.
        """
        self.set(key, dumps(value))

    def set_multiple(self, mapping: Mapping[str, str]) -> None:
        """Keep several values, all or none: it raises as :meth:`set` when one cannot be kept."""
        checked = {checked_key(key): checked_value(key, value) for key, value in mapping.items()}
        storage = self._ready()
        if checked:
            storage.set(checked)

    def flush(self) -> None:
        """Send what has been set, now; blocks until the cloud has it, 15 s at most as a rule.

        Raises ``StorageError`` when it could not be stored; it is kept and tried again, unless
        the cloud will never take it, which the message then says.
        """
        self._wait(self._opened().flush())

    # --- Deleting -----------------------------------------------------------------------------

    def delete(self, key: str) -> bool:
        """Remove a value here and in the cloud; False when there was none.

        Blocks for the cloud's answer.  Raises ``StorageError`` when it refuses or cannot be
        reached; the value then stays.
        """
        checked_key(key)
        return self._wait(self._ready().delete(key))

    def clear(self) -> bool:
        """Remove all values here and in the cloud; False when there were none.

        Blocks and raises as :meth:`delete` does.
        """
        return self._wait(self._ready().clear())

    # --- As a dict ----------------------------------------------------------------------------

    def __getitem__(self, key: str) -> str:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        text: str = value
        return text

    def __setitem__(self, key: str, value: str) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.has_key(key)

    def __len__(self) -> int:
        return self.size()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __repr__(self) -> str:
        return f"<SimpleStorage of {self._link.identity.user_id!r}>"  # asks nobody

    # --- For the session: the end -------------------------------------------------------------

    @also_after_end
    def begin_last_flush(self) -> None:
        """Begin to send what is unsent; returns at once. A second time does no harm."""
        with self._lock:
            storage = self._storage
            if storage is None:
                return
            if self._ending is None:
                self._ending = Deadline(config.FLUSH_TIMEOUT)
            if not self._ending.passed:
                self._last_flush = storage.flush(self._ending.remaining)

    @also_after_end
    def finish_last_flush(self) -> None:
        """Wait for that, until 5 s after it was first begun at most.

        What could not be sent is tried again, and has been logged.
        """
        with self._lock:
            flush, ending = self._last_flush, self._ending
        if flush is not None and ending is not None:
            concurrent.futures.wait([flush], ending.remaining)

    @also_after_end
    def let_go(self) -> None:
        """The session is over; what is unsent stays with the server."""
        with self._lock:
            self._over = True
            storage, self._storage = self._storage, None
        if storage is not None:
            self._register.detach(storage, self._link.report_problem)

    # --- Inside -------------------------------------------------------------------------------

    def _opened(self) -> UserStorage:
        """The user's storage, which may not have been fetched."""
        with self._lock:
            if self._over:
                raise SessionEnded(self._link.end_reason or "disconnected")
            if self._storage is None:
                link = self._link
                self._storage = self._register.attach(
                    link.target.http_base, link.identity, link.report_problem
                )
            return self._storage

    def _ready(self) -> UserStorage:
        """The same after the first fetch of this session."""
        storage = self._opened()
        if not self._loaded:
            self._wait(storage.fetch())
            self._loaded = True
        return storage

    def _wait(self, future: Future[T]) -> T:
        """What comes of it; other callbacks of the session run while this one waits."""
        if not future.done():
            wait = Wait(self._link.dispatcher)
            future.add_done_callback(lambda _: wait.end())
            wait.block(None)
        return future.result()


def _only_text(key: object) -> None:
    if not isinstance(key, str):
        raise TypeError(f"a key must be a string, got {key!r:.80}")
