"""A word to the developer when the app uses what it has no permission for.

Clouds withhold events from such an app without telling it.  So at the first use of each
permission the cloud is asked, in the background, which ones the app has; a missing one is
logged, once per process.  No call ever waits for this, and no answer means no warning.
"""

from __future__ import annotations

import logging
import threading

from mentra_sync import hints
from mentra_sync.errors import MentraError
from mentra_sync.protocol.names import PermissionType, StreamType
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.identity import Identity

_log = logging.getLogger(__name__)

STREAMS: dict[str, PermissionType] = {
    StreamType.TRANSCRIPTION.value: PermissionType.MICROPHONE,
    StreamType.TRANSLATION.value: PermissionType.MICROPHONE,
    StreamType.AUDIO_CHUNK.value: PermissionType.MICROPHONE,
    StreamType.VAD.value: PermissionType.MICROPHONE,
    StreamType.LOCATION_UPDATE.value: PermissionType.LOCATION,
    StreamType.LOCATION_STREAM.value: PermissionType.LOCATION,
    StreamType.PHONE_NOTIFICATION.value: PermissionType.READ_NOTIFICATIONS,
    StreamType.PHONE_NOTIFICATION_DISMISSED.value: PermissionType.READ_NOTIFICATIONS,
    StreamType.CALENDAR_EVENT.value: PermissionType.CALENDAR,
}
"""What listening to a stream needs."""

_ALSO_GRANTED_BY: dict[PermissionType, frozenset[str]] = {
    PermissionType.LOCATION: frozenset({PermissionType.BACKGROUND_LOCATION.value}),
    PermissionType.READ_NOTIFICATIONS: frozenset({PermissionType.NOTIFICATIONS.value}),
}


class PermissionHints:
    """Which permissions the apps of this process have been found to lack."""

    def __init__(self, cloud_api: CloudApi) -> None:
        self._cloud_api = cloud_api
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._seen: set[PermissionType] = set()
        self._threads: set[threading.Thread] = set()

    def used(self, permission: PermissionType, base: str, identity: Identity) -> None:
        """Something that needs a permission is used. From any thread; returns at once."""
        if permission in self._seen:
            return
        with self._lock:
            if permission in self._seen:
                return
            self._seen.add(permission)
            thread = threading.Thread(
                target=self._check,
                args=(permission, base, identity),
                name=f"mentra-permission-{permission.value}",
                daemon=True,
            )
            self._threads.add(thread)
            try:
                thread.start()
            except RuntimeError:  # out of threads: a hint is not worth a failure
                self._threads.discard(thread)

    def join(self, timeout: float) -> None:
        """Wait for questions that are still under way."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout)

    def _check(self, permission: PermissionType, base: str, identity: Identity) -> None:
        try:
            granted = self._cloud_api.permissions(base, identity.package_name)
        except MentraError as error:
            _log.debug("the permissions of %s are not known: %s", identity.package_name, error)
        else:
            enough = {permission.value, PermissionType.ALL.value}
            enough |= _ALSO_GRANTED_BY.get(permission, frozenset())
            if not granted & enough:
                _log.warning(hints.PERMISSION_MISSING, identity.package_name, permission.value)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
