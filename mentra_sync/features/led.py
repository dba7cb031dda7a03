"""``session.led``: the light that the wearer sees."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from mentra_sync.protocol.capabilities import Capabilities, Light
from mentra_sync.protocol.codec import clean_text
from mentra_sync.protocol.commands import RgbLedControl
from mentra_sync.protocol.names import LedAction, LedColor
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link


class Led(Feature):
    """Switches the glasses' coloured light; times are in ms.

    No call waits for the glasses.  Colours: red, green, blue, orange, white.  All raise
    ``ValueError`` for another colour or a time or count out of range, ``SessionEnded`` after
    the end.
    """

    def __init__(self, link: Link, capabilities: Callable[[], Capabilities | None]) -> None:
        self._link = link
        self._capabilities = capabilities

    @property
    def lights(self) -> list[Light]:
        """The lights that these glasses have; empty when they have none, or are unknown."""
        capabilities = self._capabilities()
        if capabilities is None or capabilities.light is None:
            return []
        return list(capabilities.light.lights or ())

    def turn_on(
        self, color: str = "red", on_ms: float = 1000, off_ms: float = 0, count: int = 1
    ) -> None:
        """Light up ``count`` times for ``on_ms``, with ``off_ms`` of dark after each."""
        if color not in LedColor.values():
            raise ValueError(f"color must be one of {', '.join(LedColor.values())}; got {color!r}")
        _check("on_ms", on_ms, 1)
        _check("off_ms", off_ms, 0)
        _check("count", count, 1)
        if int(count) != count:
            raise ValueError(f"count must be a whole number, 1 or more; got {count!r}")
        self._send(
            RgbLedControl(
                request_id=str(uuid.uuid4()),
                action=LedAction.ON.value,
                color=clean_text(color),
                ontime=round(on_ms),
                offtime=round(off_ms),
                count=int(count),
            )
        )

    def turn_off(self) -> None:
        """Switch the light off."""
        self._send(RgbLedControl(request_id=str(uuid.uuid4()), action=LedAction.OFF.value))

    def blink(self, color: str, on_ms: float, off_ms: float, count: int) -> None:
        """Blink: ``count`` times ``on_ms`` of light and ``off_ms`` of dark."""
        self.turn_on(color, on_ms, off_ms, count)

    def solid(self, color: str, duration_ms: float) -> None:
        """Light up once, for ``duration_ms``."""
        _check("duration_ms", duration_ms, 1)
        self.turn_on(color, duration_ms)

    def _send(self, command: RgbLedControl) -> None:
        self._link.send(command)


def _check(name: str, value: float, least: int) -> None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if not usable or not least <= value < float("inf"):
        raise ValueError(f"{name} must be a number, {least} or more; got {value!r}")
