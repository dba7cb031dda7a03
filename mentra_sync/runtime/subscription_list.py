"""What the app listens to, told to the cloud: the whole list, each time that it has changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from mentra_sync import config
from mentra_sync.protocol.commands import SubscriptionUpdate
from mentra_sync.runtime.timers import Alarm, Timers


class SubscriptionList:
    """One session's list of streams.

    Handlers that are registered together go out as one update, and what the cloud has already is
    not said again.  The connection thread sends it: :meth:`changed`, :meth:`say` and :meth:`stop`
    may be called from any thread, all else from that one.
    """

    def __init__(
        self,
        wanted: Callable[[], list[Any]],
        timers: Timers,
        *,
        send: Callable[[SubscriptionUpdate], None],
        wake: Callable[[], None],
    ) -> None:
        """``wanted`` gives the list in wire form; ``wake`` asks for a call of :meth:`due`."""
        self._wanted = wanted
        self._timers = timers
        self._send = send
        self._wake = wake
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._batch: Alarm | None = None
        self._stopped = False
        # Set by any thread:
        self._to_be_said = False
        # Only the connection thread touches these:
        self._begun = False
        self._said: list[Any] | None = None
        self._reconnected_at: float | None = None

    def changed(self) -> None:
        """Have the list sent soon, if it is another one then."""
        with self._lock:
            if self._batch is None and not self._stopped:
                self._batch = self._timers.after(config.SUBSCRIPTION_BATCH, self._batch_is_over)

    def say(self) -> None:
        """Have the list sent with the next call of :meth:`due`."""
        self._to_be_said = True

    def stop(self) -> None:
        """The session has ended: ask for nothing more."""
        with self._lock:
            self._stopped = True

    def acknowledged(self) -> None:
        """After every ack the list is to be said, also when a connection brings a second one."""
        self._said = None
        self.say()
        self._wake()

    def again(self) -> SubscriptionUpdate | None:
        """What comes before all else after a reconnection; None while the app is still starting,
        which will subscribe when it is ready."""
        self._reconnected_at = time.monotonic()
        if not self._begun:
            return None
        wanted = self._wanted()
        # An empty list is not heeded so soon; then it is still to be said.
        self._said = wanted or None
        return SubscriptionUpdate(subscriptions=wanted)

    def due(self) -> None:
        """Send the list, if that was asked for and the cloud doesn't have it."""
        if not self._to_be_said:
            return
        self._to_be_said = False
        wanted = self._wanted()
        if wanted == self._said:
            return
        if not wanted and self._reconnected_at is not None:
            # The cloud would ignore it: an app that has just come back may not be ready yet.
            left = self._reconnected_at + config.EMPTY_SUBSCRIPTIONS_GRACE - time.monotonic()
            if left > 0:
                self._timers.after(left, self._batch_is_over)
                return
        self._begun = True
        self._said = wanted
        self._send(SubscriptionUpdate(subscriptions=wanted))

    def _batch_is_over(self) -> None:
        """On the timer thread."""
        with self._lock:
            self._batch = None
        self.say()
        self._wake()
