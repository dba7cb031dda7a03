"""Tests for apps: simulated glasses without a page, and session time that a test moves.

pytest finds the fixture ``glasses`` by itself::

    def test_echo(glasses):
        glasses.start(MyApp)
        glasses.say("hello")
        assert glasses.lens.wait_for("You said: hello")

Elsewhere :class:`SimulatedGlasses` does the same as a context manager.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mentra_sync.simulator.camera import Photo as Photo
    from mentra_sync.simulator.lights import Light as Light
    from mentra_sync.testing.app_errors import AppFailed as AppFailed
    from mentra_sync.testing.pair import Pair as Pair
    from mentra_sync.testing.seen import Missed as Missed
    from mentra_sync.testing.simulated_glasses import SimulatedGlasses as SimulatedGlasses
    from mentra_sync.testing.stillness import AppStillBusy as AppStillBusy

_HOMES = {
    "AppFailed": "mentra_sync.testing.app_errors",
    "AppStillBusy": "mentra_sync.testing.stillness",
    "Light": "mentra_sync.simulator.lights",
    "Missed": "mentra_sync.testing.seen",
    "Pair": "mentra_sync.testing.pair",
    "Photo": "mentra_sync.simulator.camera",
    "SimulatedGlasses": "mentra_sync.testing.simulated_glasses",
}

__all__ = [
    "AppFailed",
    "AppStillBusy",
    "Light",
    "Missed",
    "Pair",
    "Photo",
    "SimulatedGlasses",
]


def __getattr__(name: str) -> object:
    # Every run of pytest loads this package, and few of its tests wear glasses.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
