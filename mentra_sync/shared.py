"""What all sessions of a server share: session time, calls to the cloud, and what these are for."""

from __future__ import annotations

from collections.abc import Callable

from mentra_sync import config
from mentra_sync.clock import Clock, Deadline
from mentra_sync.features.storage_register import StorageRegister
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.permissions import PermissionHints
from mentra_sync.runtime.replies import AwaitedPhotos
from mentra_sync.runtime.timers import Timers


class Shared:
    """Made once for a server, which opens it at each start and closes it at each stop."""

    def __init__(
        self,
        clock: Clock,
        *,
        display_interval_ms: float,
        event_backlog: int,
        max_reconnect_attempts: int,
    ) -> None:
        self._display_interval_ms = display_interval_ms
        self.event_backlog = event_backlog
        self.max_reconnect_attempts = max_reconnect_attempts
        self.cloud_api = CloudApi()
        """The REST calls."""
        self.permissions = PermissionHints(self.cloud_api)
        """What the app has been found to lack."""
        self.photos = AwaitedPhotos()
        """The photos that calls wait for."""
        self.failed: Callable[[BaseException, str], None] = lambda error, source: None
        """Told of every exception that left a function of the app, and which function it was."""
        self.open(clock)

    def open(
        self,
        clock: Clock,
        *,
        paced: bool = True,
        grace: float | None = None,
    ) -> None:
        """Begin anew: timers and storages that have been stopped stay so.

        With ``paced`` False no display waits for its turn.  ``grace`` is how long the app's code
        may take to end after its session, in seconds.
        """
        self.paced = paced
        self.grace = config.CALLBACK_GRACE if grace is None else grace
        self.timers = Timers(clock)
        self.storages = StorageRegister(self.cloud_api, self.timers)

    @property
    def display_interval_ms(self) -> float:
        """The least time between two displays of a session; 0 for none."""
        return self._display_interval_ms if self.paced else 0.0

    def flush(self) -> None:
        """The server is about to stop: begin to send what users still have unsent."""
        self.storages.flush()

    def close(self, deadline: Deadline) -> None:
        """After the sessions' end: send what is still unsent, and end all threads and calls."""
        self.storages.stop(max(config.LAST_FLUSH, min(config.FLUSH_TIMEOUT, deadline.remaining)))
        self.timers.stop()
        self.permissions.close(deadline.remaining)
        self.cloud_api.close()
