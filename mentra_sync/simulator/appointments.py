"""Appointments as the cloud passes them on."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

_MOMENTS = ("dtStart", "dtEnd", "timeStamp")


def appointment(frame: dict[str, Any]) -> dict[str, Any]:
    """A calendar event with its moments in UTC, to the millisecond."""
    event = {name: value for name, value in frame.items() if name != "timestamp"}
    for name in _MOMENTS:
        event[name] = _in_utc(event.get(name))
    return event


def _in_utc(moment: Any) -> Any:
    """The same moment as other frames write it; what is none stays as it is."""
    try:
        # Before Python 3.11 a Z is not understood.
        parsed = datetime.fromisoformat(str(moment).replace("Z", "+00:00"))
        in_utc = parsed.astimezone(timezone.utc)
    except (ValueError, OverflowError):  # no moment, or one without a year in UTC
        return moment
    return in_utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{in_utc.microsecond // 1000:03d}Z"
