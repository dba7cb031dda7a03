"""Values as they are shown: as JSON has them, without secrets, and none too long to look at."""

from __future__ import annotations

import math
import re
from typing import Any

from mentra_sync.simulator import limits

HIDDEN = "(secret)"
"""What stands in the place of a value that only the app and the cloud may know."""

_SECRETS = frozenset({"apiKey", "authToken", "authorization", "token"})

_STREAM_ADDRESS = re.compile(r"(rtmps?://)([^/?#]*@)?([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
"""The address of a video stream; behind the host stands the key of who may send."""

_VALUE = 10
"""Characters that a value takes at least, with its comma."""


def presentable(value: Any) -> Any:
    """A value that JSON can always carry, without secrets, and cut where it is too long."""
    return _Presenter().shown(value)


class _Presenter:
    """Cuts one value; what has been shown so far counts against what is still to come."""

    def __init__(self) -> None:
        self._room = limits.MAX_TIMELINE_BODY

    def shown(self, value: Any, depth: int = 0) -> Any:
        self._room -= _VALUE
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes):
            return f"({len(value):,} bytes)"
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if not isinstance(value, dict | list | tuple):
            return self._text(repr(value))
        if depth >= limits.MAX_TIMELINE_DEPTH:
            return "…"
        return self._fields(value, depth) if isinstance(value, dict) else self._items(value, depth)

    def _text(self, text: str) -> str:
        stream = _STREAM_ADDRESS.match(text)
        if stream is not None and (stream[2] or stream[4].strip("/")):
            text = f"{stream[1]}{stream[3]}/{HIDDEN}"
        most = max(0, min(limits.MAX_TIMELINE_TEXT, self._room))
        self._room -= min(len(text), most)
        return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"

    def _items(self, values: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        shown: list[Any] = []
        for value in values[: limits.MAX_TIMELINE_ITEMS]:
            if self._room <= 0:
                break
            shown.append(self.shown(value, depth + 1))
        more = len(values) - len(shown)
        return [*shown, f"… ({more:,} more)"] if more else shown

    def _fields(self, fields: dict[Any, Any], depth: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        left = len(fields)
        for name, value in list(fields.items())[: limits.MAX_TIMELINE_ITEMS]:
            if self._room <= 0:
                break
            hidden = name in _SECRETS and value
            shown[self._text(str(name))] = HIDDEN if hidden else self.shown(value, depth + 1)
            left -= 1
        return {**shown, "…": f"{left:,} more"} if left else shown
