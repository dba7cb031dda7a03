"""``session.device``: the state of the glasses, each part of it observable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mentra_sync.protocol.codec import decode
from mentra_sync.protocol.commands import RequestWifiSetup
from mentra_sync.protocol.events import GlassesBatteryUpdate, GlassesConnectionState, WifiStatus
from mentra_sync.protocol.names import StreamType
from mentra_sync.protocol.notices import DeviceStateUpdate
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.dispatcher import Wait
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.subscription import Subscription

_FIRST_REPORT = 1.0
"""How long, in s, the first question for the wifi waits for the glasses to report."""

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


class Observable:
    """One value of the state: read it, or be told when it changes."""

    def __init__(self, link: Link, name: str, default: Any) -> None:
        self._link = link
        self._name = name
        self._value = default
        self._arrived = False

    @property
    def value(self) -> Any:
        """The value now; its default before the first report."""
        return self._value

    def on_change(self, handler: Callable[..., Any]) -> Subscription:
        """Call ``handler(value)`` at each change, and at once if a value has already come."""
        now = (self._value,) if self._arrived else None
        return self._link.on(("device", self._name), handler, "value", now=now)

    def __repr__(self) -> str:
        return f"<Observable {self._name}: {self._value!r}>"

    def _set(self, value: Any) -> None:
        """On the connection thread."""
        first, self._arrived = not self._arrived, True
        if value != self._value or first:
            self._value = value
            self._link.signals.emit(("device", self._name), value)


class ObservableState:
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


class Device:
    """The glasses' state, put together from all reports that tell of it.

    Some clouds never send the state itself, so the first use also subscribes to the battery and
    to the connection of the glasses, until the session ends.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._state = ObservableState(link)
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._in_use = False
        self._wifi: WifiStatus | None = None
        self._first_report: Wait | None = None
        link.router.read("device_state_update", self._read_update)

    @property
    def state(self) -> ObservableState:
        """The state; its first use subscribes to what tells of it."""
        self._use()
        return self._state

    def wifi_status(self) -> WifiStatus | None:
        """Whether the glasses are in a wifi; None when nothing has told. Waits 1 s at first."""
        self._link.check()
        report = Wait(self._link.dispatcher)
        if self._use(report):
            report.block(self._link.replies.deadline(_FIRST_REPORT))
        return self._wifi

    def request_wifi_setup(self, reason: str | None = None) -> None:
        """Ask the wearer, on the phone, to connect the glasses to a wifi."""
        if reason is not None and not isinstance(reason, str):
            raise ValueError(f"reason must be a text, got {reason!r}")
        self._link.send(RequestWifiSetup(reason=reason))

    def _use(self, report: Wait | None = None) -> bool:
        """Subscribe to what tells of the state, the first time.

        Returns whether the wifi is still to be reported, which then ends the wait ``report``.
        """
        with self._lock:
            first, self._in_use = not self._in_use, True
            if first:
                self._first_report = report
        if first:
            listen = self._link.router.listen
            listen(StreamName(StreamType.GLASSES_CONNECTION_STATE.value), self._read_connection)
            listen(StreamName(StreamType.GLASSES_BATTERY_UPDATE.value), self._read_battery)
        return first and self._wifi is None

    # --- What tells of the state, on the connection thread ------------------------------------

    def _read_update(self, frame: dict[str, Any]) -> None:
        changes = decode(DeviceStateUpdate, frame).state.changes()
        self._state._update(changes)
        if "wifi_connected" in changes or "wifi_ssid" in changes:
            state = self._state
            self._set_wifi(WifiStatus(state.wifi_connected.value, state.wifi_ssid.value))

    def _read_connection(self, event: GlassesConnectionState, rank: int) -> None:
        changes: dict[str, Any] = {"connected": event.status.upper() not in _NOT_CONNECTED}
        if event.model_name is not None:
            changes["model_name"] = event.model_name
        wifi = event.wifi
        if wifi is not None:
            changes["wifi_connected"] = bool(wifi.connected)
            changes["wifi_ssid"] = wifi.ssid
        self._state._update(changes)
        if wifi is not None:
            self._set_wifi(wifi)

    def _read_battery(self, event: GlassesBatteryUpdate, rank: int) -> None:
        changes: dict[str, Any] = {"battery_level": event.level}
        if event.charging is not None:
            changes["charging"] = event.charging
        self._state._update(changes)

    def _set_wifi(self, wifi: WifiStatus) -> None:
        with self._lock:
            self._wifi = wifi
            report, self._first_report = self._first_report, None
        if report is not None:
            report.end()
