"""``session.device``: the state of the glasses, each part of it observable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mentra_sync.protocol.codec import clean_text, decode
from mentra_sync.protocol.commands import RequestWifiSetup
from mentra_sync.protocol.events import GlassesBatteryUpdate, GlassesConnectionState, WifiStatus
from mentra_sync.protocol.names import StreamType
from mentra_sync.protocol.notices import DeviceStateUpdate
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.dispatcher import Wait
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.subscription import Subscription

_FIRST_REPORT = 1.0
"""How long after the first use a question for the wifi waits for the first report, in s."""

_DEFAULTS: dict[str, Any] = {
    "connected": False,
    "model_name": None,
    "wifi_connected": False,
    "wifi_ssid": None,
    "wifi_local_ip": None,
    "battery_level": None,
    "charging": None,
    "case_battery_level": None,
    "case_charging": None,
    "case_open": None,
    "case_removed": None,
    "hotspot_enabled": None,
    "hotspot_ssid": None,
}
"""What is known before the first report (protocol.md, section 11)."""

_NOT_CONNECTED = frozenset({"DISCONNECTED", "NOT_CONNECTED", "DISCONNECTING", "CONNECTING"})


class Observable(Feature):
    """One value of the state: read it, or be told when it changes."""

    def __init__(self, link: Link, name: str, default: Any) -> None:
        self._link = link
        self._name = name
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._value = default
        self._arrived = False

    @property
    def value(self) -> Any:
        """The value now; its default before the first report."""
        return self._value

    def on_change(self, handler: Callable[..., Any]) -> Subscription:
        """Call ``handler(value)`` at each change, and at once if a value has already come."""
        with self._lock:  # so that it is told either at once or as of a change
            now = (self._value,) if self._arrived else None
            return self._link.on(("device", self._name), handler, "value", now=now)

    def __repr__(self) -> str:
        return f"<Observable {self._name}: {self._value!r}>"

    def _set(self, value: Any) -> None:
        """On the connection thread."""
        with self._lock:
            first, self._arrived = not self._arrived, True
            if value == self._value and not first:
                return
            self._value = value
            handlers = self._link.signals.handlers(("device", self._name))
        for handler in handlers:
            self._link.dispatcher.post(handler, (value,))


class ObservableState(Feature):
    """Everything that is known of the glasses' state; battery levels in %."""

    connected: Observable
    model_name: Observable
    wifi_connected: Observable
    wifi_ssid: Observable
    wifi_local_ip: Observable
    battery_level: Observable
    charging: Observable
    case_battery_level: Observable
    case_charging: Observable
    case_open: Observable
    case_removed: Observable
    hotspot_enabled: Observable
    hotspot_ssid: Observable

    def __init__(self, link: Link) -> None:
        self._link = link
        self._observables = {
            name: Observable(link, name, default) for name, default in _DEFAULTS.items()
        }
        for name, observable in self._observables.items():
            setattr(self, name, observable)

    def snapshot(self) -> dict[str, Any]:
        """All values, by name."""
        return {name: observable.value for name, observable in self._observables.items()}

    def _update(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            observable = self._observables.get(name)
            if observable is not None:
                observable._set(value)


class Device(Feature):
    """The glasses' state, put together from all reports that tell of it.

    Some clouds never send the state itself, so the first use also subscribes to the battery and
    to the connection of the glasses, until the session ends.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._state = ObservableState(link)
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._first_use: float | None = None
        self._wifi: WifiStatus | None = None
        self._waiting: list[Wait] = []
        link.router.read("device_state_update", self._read_update)
        # What comes is remembered from the start: the app may listen to it for reasons of its own.
        link.router.read_events(_CONNECTION, self._read_connection)
        link.router.read_events(_BATTERY, self._read_battery)

    @property
    def state(self) -> ObservableState:
        """The state; its first use subscribes to what tells of it."""
        self._use()
        return self._state

    def wifi_status(self) -> WifiStatus | None:
        """Whether the glasses are in a wifi; None when nothing has told.

        Waits for the first report, to 1 s after the first use at most.
        """
        until = self._use() + _FIRST_REPORT
        with self._lock:
            if self._wifi is not None:
                return self._wifi
            report = Wait(self._link.dispatcher)
            self._waiting.append(report)
        try:
            report.block(until)
        finally:
            with self._lock:
                if report in self._waiting:
                    self._waiting.remove(report)
        return self._wifi

    def request_wifi_setup(self, reason: str | None = None) -> None:
        """Ask the wearer, on the phone, to connect the glasses to a wifi."""
        if reason is not None and not isinstance(reason, str):
            raise ValueError(
                f'reason must be a text that the wearer can read, like "Streaming needs it";'
                f" got {reason!r}"
            )
        self._link.send(RequestWifiSetup(reason=None if reason is None else clean_text(reason)))

    def _use(self) -> float:
        """Subscribe to what tells of the state, the first time; when that was."""
        with self._lock:
            if self._first_use is not None:
                return self._first_use
            self._first_use = first_use = self._link.clock.now()
        for stream in (_CONNECTION, _BATTERY):
            self._link.subscribe(stream)
        return first_use

    # --- What tells of the state, on the connection thread ------------------------------------

    def _read_update(self, frame: dict[str, Any]) -> None:
        changes = decode(DeviceStateUpdate, frame).state.changes()
        self._state._update(changes)
        if "wifi_connected" in changes or "wifi_ssid" in changes:
            self._set_wifi(self._state.wifi_connected.value, self._state.wifi_ssid.value)

    def _read_connection(self, event: GlassesConnectionState) -> None:
        changes: dict[str, Any] = {"connected": event.status.upper() not in _NOT_CONNECTED}
        if event.model_name is not None:
            changes["model_name"] = event.model_name
        wifi = event.wifi
        if wifi is not None:
            changes["wifi_connected"] = bool(wifi.connected)
            changes["wifi_ssid"] = wifi.ssid
        self._state._update(changes)
        if wifi is not None:
            self._set_wifi(wifi.connected, wifi.ssid)

    def _read_battery(self, event: GlassesBatteryUpdate) -> None:
        changes: dict[str, Any] = {"battery_level": event.level}
        if event.charging is not None:
            changes["charging"] = event.charging
        self._state._update(changes)

    def _set_wifi(self, connected: bool | None, ssid: str | None) -> None:
        """Whichever report came last; a wifi that was left has no name any more."""
        with self._lock:
            self._wifi = WifiStatus(bool(connected), ssid if connected else None)
            waiting, self._waiting = self._waiting, []
        for report in waiting:
            report.end()


_CONNECTION = StreamName(StreamType.GLASSES_CONNECTION_STATE.value)
_BATTERY = StreamName(StreamType.GLASSES_BATTERY_UPDATE.value)
