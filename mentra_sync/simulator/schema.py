"""The schema that the page draws its controls from: what is there with the glasses worn now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mentra_sync.protocol import codec
from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.protocol.names import PermissionType, StreamType
from mentra_sync.simulator import subscriptions
from mentra_sync.simulator.controls import CONTROLS, GROUPS, Control, Field
from mentra_sync.simulator.registry import App

Message = dict[str, Any]

_PERMISSIONS = {
    PermissionType.MICROPHONE: "Microphone",
    PermissionType.CAMERA: "Camera",
    PermissionType.LOCATION: "Location",
    PermissionType.CALENDAR: "Calendar",
    PermissionType.READ_NOTIFICATIONS: "Notifications",
}
"""Those that decide anything here, and what they are called."""

_LIMITS = {"minimum": "min", "maximum": "max", "step": "step", "longest": "maxLength"}


def glasses_schema(model: str, connected: bool) -> Message:
    """What the wearer can do with glasses of a model, and the lights that these have."""
    known = KNOWN.get(model)
    lights = known.light.lights if known is not None and known.light is not None else None
    return {
        "model": model,
        "connected": connected,
        "groups": [{"id": name, "title": title} for name, title in GROUPS.items()],
        "controls": [_control(control, model, connected) for control in CONTROLS],
        "lights": [codec.encode(light) for light in lights or ()],
    }


def app_schema(app: App, user_id: str) -> Message:
    """What the wearer can change about an app: its settings, and what it is allowed."""
    return {
        "settings": app.settings_in_force(user_id),
        "permissions": [
            {
                "type": permission.value,
                "title": title,
                "granted": app.allows(permission.value),
                "streams": _guarded_by(permission),
            }
            for permission, title in _PERMISSIONS.items()
        ],
    }


def _control(control: Control, model: str, connected: bool) -> Message:
    message = dict(control.message)
    told = [one.name for one in control.fields]
    # Reports of the glasses name their model, where it is no choice.
    if message.get("type") == StreamType.GLASSES_CONNECTION_STATE and "modelName" not in told:
        message["modelName"] = model
    if message.get("type") == StreamType.TOUCH_EVENT:
        message["device_model"] = model
    return {
        "id": control.id,
        "title": control.title,
        "help": control.help,
        "group": control.group,
        "streams": [stream.value for stream in control.streams],
        "missing": control.missing(model, connected),
        "fields": [_field(one, _now(one, model, connected)) for one in control.fields],
        "presets": [
            {"label": label, "values": values} for label, values in control.presets.items()
        ],
        "by": control.by,
        "path": control.path,
        "message": message,
        "button": control.button,
    }


def _now(one: Field, model: str, connected: bool) -> Any:
    """The value that a field begins with."""
    if one.name == "modelName":
        return model
    if one.name == "status" and one.kind == "choice":
        return "CONNECTED" if connected else "DISCONNECTED"
    return one.default


def _field(one: Field, default: Any) -> Message:
    known = asdict(one)
    limits = {wire: known[name] for name, wire in _LIMITS.items() if known[name] is not None}
    made: Message = {"name": one.name, "kind": one.kind, "label": one.label, "default": default}
    if one.options:
        made["options"] = [
            {"value": str(value), "label": label} for value, label in one.options.items()
        ]
    if one.unit:
        made["unit"] = one.unit
    return made | limits


def _guarded_by(permission: PermissionType) -> list[str]:
    every = StreamType.values()
    return [stream for stream in every if subscriptions.permission_for(stream) == permission]
