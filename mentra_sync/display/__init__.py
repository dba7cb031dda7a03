"""Fitting text and pictures on a lens."""

from __future__ import annotations

from mentra_sync.display import animation, bitmap
from mentra_sync.display.breaks import BreakMode
from mentra_sync.display.measure import TextMeasurer
from mentra_sync.display.profiles import G1, SIMULATED, Z100, Profile
from mentra_sync.display.scroll import ScrollView
from mentra_sync.display.wrap import UNLIMITED, Wrapped, paginate, truncate, wrap

__all__ = [
    "G1",
    "SIMULATED",
    "UNLIMITED",
    "Z100",
    "BreakMode",
    "Profile",
    "ScrollView",
    "TextMeasurer",
    "Wrapped",
    "animation",
    "bitmap",
    "paginate",
    "truncate",
    "wrap",
]
