"""The simple storages of one server: whose sessions use them, or that have something to send."""

from __future__ import annotations

import concurrent.futures
import threading

from mentra_sync import config, hints
from mentra_sync.clock import Deadline
from mentra_sync.errors import SessionEnded
from mentra_sync.features.user_storage import Report, UserStorage, listed
from mentra_sync.log import own_logger
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.timers import Timers

_log = own_logger(__name__)

_CUT_OFF_WITHIN = 1.0
"""Seconds in which a request that has been cut off ends."""


class StorageRegister:
    """One :class:`UserStorage` for each cloud and user. Safe from any thread."""

    def __init__(self, cloud_api: CloudApi, timers: Timers) -> None:
        self._cloud_api = cloud_api
        self._timers = timers
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._storages: dict[tuple[str, str], UserStorage] = {}
        self._closed = False

    def attach(self, base: str, identity: Identity, report: Report) -> UserStorage:
        """The storage of a session's user at the cloud ``base``; see ``UserStorage.attach``."""
        key = (base, identity.user_id)
        with self._lock:
            if self._closed:
                raise SessionEnded("server_stopped")
            storage = self._storages.get(key)
            if storage is None:
                storage = self._storages[key] = UserStorage(
                    self._cloud_api, base, identity, self._timers, self._let_go
                )
            storage.attach(report)
            return storage

    def detach(self, storage: UserStorage, report: Report) -> None:
        """A session is over; what it has left unsent stays."""
        storage.detach(report)
        self._let_go(storage)

    @property
    def busy(self) -> bool:
        """Whether a request is under way or about to be."""
        return any(storage.busy for storage in self._all())

    def flush(self) -> None:
        """Begin to send everything that is unsent; returns at once."""
        for storage in self._all():
            storage.flush(config.FLUSH_TIMEOUT)

    def stop(self, seconds: float) -> None:
        """At the end of the server: send what is unsent, and say what is lost after all.

        Blocks for ``seconds`` at most, and hardly at all when nothing is unsent.
        """
        deadline = Deadline(seconds)
        with self._lock:
            self._closed = True
        storages = self._all()
        for future in [s.flush_last(deadline) for s in storages if s.unsent_keys]:
            concurrent.futures.wait([future], deadline.remaining)
        for storage in storages:
            storage.close()
        for storage in storages:
            storage.join(_CUT_OFF_WITHIN)
        lost = {storage.user_id: storage.unsent_keys for storage in storages}
        if any(lost.values()):
            named = [f"{user}: {listed(keys)}" for user, keys in lost.items() if keys]
            _log.error(hints.STORAGE_LOST, "; ".join(named))

    def _all(self) -> list[UserStorage]:
        with self._lock:
            return list(self._storages.values())

    def _let_go(self, storage: UserStorage) -> None:
        with self._lock:
            if storage.close_if_unused():
                for key, known in list(self._storages.items()):
                    if known is storage:
                        del self._storages[key]
