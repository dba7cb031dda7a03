"""A word to the developer when the app uses what it has no permission for.

Clouds withhold events from such an app without telling it.  So at the first use of each
permission the cloud is asked, in the background, which ones the app has; a missing one is
logged, once per process.  No call ever waits for this, and no answer means no warning.
"""

from __future__ import annotations

import threading

from mentra_sync import hints
from mentra_sync.clock import Deadline
from mentra_sync.log import own_logger
from mentra_sync.protocol.names import PermissionType, StreamType
from mentra_sync.runtime.calls import Call
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.identity import Identity

_log = own_logger(__name__)

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
        self._asking: dict[threading.Thread, Call] = {}

    def used(self, permission: PermissionType, base: str, identity: Identity) -> None:
        """Something that needs a permission is used. From any thread; returns at once."""
        if permission in self._seen:
            return
        with self._lock:
            if permission in self._seen:
                return
            self._seen.add(permission)
            call = Call()
            thread = threading.Thread(
                target=self._check,
                args=(permission, base, identity, call),
                name=f"mentra-permission-{permission.value}",
                daemon=True,
            )
            self._asking[thread] = call
            try:
                thread.start()
            except RuntimeError:  # out of threads: a hint is not worth a failure
                del self._asking[thread]

    def close(self, timeout: float) -> None:
        """Break off the questions that are still under way, and wait for their threads."""
        deadline = Deadline(timeout)
        with self._lock:
            asking = dict(self._asking)
        for call in asking.values():
            call.cut_off()
        for thread in asking:
            thread.join(deadline.remaining)

    def _check(self, permission: PermissionType, base: str, identity: Identity, call: Call) -> None:
        try:
            granted = self._cloud_api.permissions(base, identity.package_name, call=call)
        except Exception as error:  # whatever it is: a hint is not worth a failure
            _log.debug("the permissions of %s are not known: %s", identity.package_name, error)
        else:
            enough = {permission.value, PermissionType.ALL.value}
            enough |= _ALSO_GRANTED_BY.get(permission, frozenset())
            if not granted & enough:
                _log.warning(hints.PERMISSION_MISSING, identity.package_name, permission.value)
        finally:
            with self._lock:
                del self._asking[threading.current_thread()]
