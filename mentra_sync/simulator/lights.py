"""The light of simulated glasses: what it was told, and what it shows at any moment."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

Frame = dict[str, Any]

_WIRE = {
    "action": "action",
    "color": "color",
    "on_ms": "ontime",
    "off_ms": "offtime",
    "count": "count",
}


@dataclass(frozen=True)
class Light:
    """What the LED was told: ``on_ms``, ``off_ms`` and ``count`` are None when it is to be off."""

    action: str
    color: str | None = None
    on_ms: float | None = None
    off_ms: float | None = None
    count: int | None = None
    at: float = field(default=0.0, compare=False)
    """When, in session time."""

    @classmethod
    def told(cls, frame: Frame, at: float) -> Light:
        """What a ``rgb_led_control`` asks for; times and counts that are none are left out."""
        fields: dict[str, Any] = {name: frame.get(wire) for name, wire in _WIRE.items()}
        for name in ("on_ms", "off_ms", "count"):
            if not _is_amount(fields[name]):
                fields[name] = None
        return cls(**fields, at=at)

    def color_at(self, moment: float) -> str | None:
        """The colour that is lit at a moment of session time; None for dark."""
        if self.action != "on" or not self.on_ms or moment < self.at:
            return None
        rounds, part = divmod(1000 * (moment - self.at), self.on_ms + (self.off_ms or 0))
        return self.color if rounds < (self.count or 1) and part < self.on_ms else None

    def message(self, moment: float) -> Frame:
        """The command again, and for how many seconds it has been obeyed."""
        told = {wire: getattr(self, name) for name, wire in _WIRE.items()}
        return {**told, "age": max(0.0, moment - self.at)}


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
