"""What an app does that its wearer notices: what it shows, says, plays, lights and asks for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from mentra_sync.simulator.speech import spoken_text
from mentra_sync.simulator.timeline import Crossing, Way

Frame = dict[str, Any]

MAX_TEXT = 20_000
"""Characters of one text in a recording; what is beyond is left out."""

LISTENS = "listens"
"""What an app does that wants to be told of something: the streams that it subscribes to."""

FAILS = "fails"
"""What an app does whose code has raised an exception."""


@dataclass(frozen=True)
class Output:
    """One thing that an app has done: a verb, and what the verb is about."""

    user_id: str | None
    does: str
    what: Any
    view: str | None = None
    """``dashboard`` for what is shown there."""

    @property
    def channel(self) -> tuple[str | None, str, str | None]:
        """Outputs of one channel have an order; those of two may come in any."""
        return (self.user_id, self.does, self.view)

    def __str__(self) -> str:
        where = f" on the {self.view}" if self.view else ""
        return f"the app {self.does} {shortened(self.what)}{where}"


def output_of(crossing: Crossing) -> Output | None:
    """What an app has done when something crossed the wire; None for what nobody notices."""
    frame = crossing.body
    if crossing.way is not Way.APP_TO_CLOUD or crossing.kind != "frame":
        return None
    kind, user_id = frame.get("type"), crossing.user_id
    if kind == "display_event":
        view = "dashboard" if frame.get("view") == "dashboard" else None
        return Output(user_id, "shows", _layout(frame.get("layout")), view)
    if kind == "subscription_update":
        return Output(user_id, LISTENS, _streams(frame.get("subscriptions")))
    if kind == "audio_play_request":
        url = frame.get("audioUrl")
        text = spoken_text(url) if isinstance(url, str) else None
        return Output(user_id, "plays", _plain(url)) if text is None else _spoken(user_id, text)
    if isinstance(kind, str) and kind in _FIELDS:  # a list would be no key
        does, names = _FIELDS[kind]
        return Output(user_id, does, {name: _plain(frame[name]) for name in names if name in frame})
    return None


def failure(user_id: str | None, text: str) -> Output:
    """The app's code has raised an exception."""
    return Output(user_id, FAILS, text[:MAX_TEXT])


def shortened(what: Any, length: int = 200) -> str:
    """What an output is about, for a message to a person."""
    text = repr(what)
    return text if len(text) <= length else f"{text[:length]}..."


_FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "audio_stop_request": ("stops playing", ("trackId",)),
    "rgb_led_control": ("lights", ("action", "color", "ontime", "offtime", "count")),
    "photo_request": ("takes a photo", ("size",)),
    "rtmp_stream_request": ("streams", ()),
    "managed_stream_request": ("streams", ()),
    "dashboard_content_update": ("writes on the dashboard", ("content", "modes")),
}
"""Other frames of an app -> what that is, and the fields that tell it from another."""


def _streams(subscriptions: Any) -> list[str]:
    """The names in a subscription list; that of a location stream is in an object."""
    items = subscriptions if isinstance(subscriptions, list) else []
    names = (item.get("stream") if isinstance(item, dict) else item for item in items)
    return sorted(name[:MAX_TEXT] for name in names if isinstance(name, str))


def _spoken(user_id: str | None, text: str) -> Output:
    return Output(user_id, "speaks", text[:MAX_TEXT])


def _layout(layout: Any) -> Any:
    """A wall of text is its text; any other layout its fields, and pictures a digest of theirs."""
    if not isinstance(layout, dict):
        return None
    if layout.keys() <= {"layoutType", "text"} and layout.get("layoutType") == "text_wall":
        return _plain(layout.get("text", ""))
    return {name: _digest(value) if name in _PICTURES else _plain(value)
            for name, value in layout.items()}  # fmt: skip


_PICTURES = frozenset({"data", "frames"})


def _digest(value: Any) -> str:
    return f"picture {hashlib.sha256(repr(value).encode()).hexdigest()[:16]}"


def _plain(value: Any) -> Any:
    """A value that is fit for a line of a file."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [one[:MAX_TEXT] for one in value]
    return repr(value)[:MAX_TEXT]
