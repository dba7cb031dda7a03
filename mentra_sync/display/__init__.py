"""Fitting text and pictures on a lens."""

from __future__ import annotations

from . import animation, bitmap
from .breaks import BreakMode
from .measure import TextMeasurer
from .profiles import G1, SIMULATED, Z100, Profile
from .scroll import ScrollView
from .wrap import UNLIMITED, Wrapped, paginate, truncate, wrap

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
