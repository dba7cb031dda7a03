"""``session.location``: where the wearer is, once or again and again."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

from mentra_sync import hints
from mentra_sync.protocol.codec import clean_text
from mentra_sync.protocol.commands import LocationPollRequest
from mentra_sync.protocol.events import LocationUpdate
from mentra_sync.protocol.names import LocationRate, PermissionType, StreamType
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.feature import Feature, also_after_end
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import check_timeout
from mentra_sync.runtime.subscription import Subscription

_POLL = "location"


class Location(Feature):
    """Positions: ``lat`` and ``lng`` in degrees, ``accuracy`` in metres.

    How exact they are, and so how often they come and what they cost the battery: ``reduced``,
    ``threeKilometers``, ``kilometer``, ``hundredMeters``, ``standard``, ``tenMeters``, ``high``,
    ``realtime``.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []  # guarded by _lock

    def subscribe_to_stream(
        self, handler: Callable[..., Any], accuracy: str = "standard"
    ) -> Subscription:
        """Call a handler with every position; with several handlers the finest accuracy counts.

        Raises ``ValueError`` for an unknown accuracy, ``TypeError`` for no usable handler.
        """
        listening = self._link.listen(StreamName.location(_rate(accuracy)), handler)

        def stop() -> None:
            with self._lock:
                if subscription in self._subscriptions:
                    self._subscriptions.remove(subscription)
            listening.unsubscribe()

        subscription = Subscription(handler, stop)
        with self._lock:
            self._subscriptions.append(subscription)
        return subscription

    @also_after_end
    def unsubscribe_from_stream(self) -> None:
        """Stop all handlers of :meth:`subscribe_to_stream`."""
        with self._lock:
            subscriptions, self._subscriptions = self._subscriptions, []
        for subscription in subscriptions:
            subscription.unsubscribe()

    def get_latest_location(
        self, accuracy: str = "standard", timeout: float | None = 15
    ) -> LocationUpdate:
        """Ask where the wearer is; blocks for the answer, ``timeout`` seconds at most.

        Clouds may answer at once with the last position that they know, however old it is: look
        at ``timestamp``.  Raises ``ValueError`` for an unknown accuracy, ``RequestTimeout``,
        ``SessionEnded``.
        """
        check_timeout(timeout)
        poll = LocationPollRequest(correlation_id=str(uuid.uuid4()), accuracy=_rate(accuracy))
        self._link.needs(PermissionType.LOCATION)
        otherwise = "" if timeout is None else hints.LOCATION_TIMEOUT.format(timeout)
        heard = self._link.router.listen(
            StreamName(StreamType.LOCATION_UPDATE.value), self._answer, subscribe=False
        )
        try:
            with self._link.expect(_POLL, poll.correlation_id) as reply:
                self._link.send(poll, reply)
                location: LocationUpdate = reply.result(timeout, otherwise)
                return location
        finally:
            self._link.router.forget(heard)

    def _answer(self, update: LocationUpdate, rank: int) -> None:
        """On the connection thread."""
        if update.correlation_id is not None:
            self._link.replies.answer(_POLL, update.correlation_id, update)


def _rate(accuracy: str) -> str:
    if accuracy not in LocationRate.values():
        valid = ", ".join(LocationRate.values())
        raise ValueError(f"accuracy must be one of {valid}; got {accuracy!r}")
    return clean_text(accuracy)
