"""Which frame goes to whom.

Frames come on the connection thread and are routed there, one at a time.  Whoever listens is
told on that thread and must not block: a person's handler is queued in the dispatcher, a waiting
call gets it in its mailbox, a feature of the SDK updates what it knows.

Rules of delivery (protocol.md, section 6, "Routing"): listeners of the exact stream name; if
there are none, those of the same base and language, options ignored.  A touch reaches listeners
of its gesture and those of all gestures, a location reaches location listeners whatever stream
it came by, and ``*`` and ``all`` get everything.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from mentra_sync.log import own_logger
from mentra_sync.protocol.codec import MalformedMessage, decode
from mentra_sync.protocol.events import EVENTS, AudioChunk
from mentra_sync.protocol.jsontext import shortened
from mentra_sync.protocol.names import LocationRate, NoticeType, StreamType
from mentra_sync.protocol.notices import NOTICES
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.backlog import AUDIO, KEEP, SUPERSEDED

_log = own_logger(__name__)

Deliver = Callable[[Any, int], None]
"""Takes an event and its rank (see ``backlog``); runs on the connection thread."""

Reader = Callable[[dict[str, Any]], None]
"""Takes a frame; runs on the connection thread."""

_RANKS = {
    StreamType.TRANSCRIPTION: SUPERSEDED,
    StreamType.LOCAL_TRANSCRIPTION: SUPERSEDED,
    StreamType.TRANSLATION: SUPERSEDED,
    StreamType.GLASSES_BATTERY_UPDATE: SUPERSEDED,
    StreamType.PHONE_BATTERY_UPDATE: SUPERSEDED,
    StreamType.HEAD_POSITION: SUPERSEDED,
    StreamType.LOCATION_UPDATE: SUPERSEDED,
    StreamType.LOCATION_STREAM: SUPERSEDED,
}
"""Readings that a newer one replaces; a final transcription is kept all the same."""


def rank_of(frame: dict[str, Any]) -> int:
    """How dear a frame is that has not been routed yet."""
    name = frame.get("streamType")
    if frame["type"] != NoticeType.DATA_STREAM or not isinstance(name, str):
        return KEEP
    data = frame.get("data")
    final = isinstance(data, dict) and data.get("isFinal") is True
    base = name.partition("?")[0].partition(":")[0]
    return KEEP if final else _RANKS.get(base, KEEP)  # type: ignore[call-overload]


ANSWERS = frozenset(
    {
        "audio_play_response",
        "photo_response",
        "stream_status_check_response",
        "managed_stream_status",
        "app_direct_message_response",
        "tpa_connection_error",
        "connection_error",
        "websocket_error",
    }
)
"""Frames that end a waiting call: they are routed whether the app is ready or not."""

_FAMILIES = (
    frozenset({StreamType.LOCATION_UPDATE.value, StreamType.LOCATION_STREAM.value}),
    frozenset({StreamType.RTMP_STREAM_STATUS.value, NoticeType.STREAM_STATUS.value}),
)
"""Streams whose events reach the listeners of each other."""

_EVERYTHING = frozenset({StreamType.ALL, StreamType.WILDCARD})
_OLDER_NAMES = {NoticeType.STREAM_STATUS.value: StreamType.RTMP_STREAM_STATUS.value}
"""What newer clouds call a stream -> the name that it goes by here."""

_REMEMBERED_ROUTES = 1000
"""A cloud that makes up stream names must not fill the memory."""

_REMEMBERED_TEXTS = 64
_REMEMBERED_TYPES = 100
_REMEMBERED_NAME = 200
"""How long a name may be to be remembered, in characters; real ones have a few dozen."""


class Listener:
    """Somebody who listens to one stream; with ``deliver`` None it is only subscribed to."""

    __slots__ = ("_heard", "deliver", "stream", "subscribes")

    def __init__(self, stream: StreamName, deliver: Deliver | None, subscribes: bool) -> None:
        self.stream = stream
        self.deliver = deliver
        self.subscribes = subscribes
        # A language with options is subscribed to under two names, and a cloud may send each
        # text under both: what came under one name and is still expected under the other.
        self._heard: deque[tuple[str, Any, bool]] | None = None
        if stream.has_options and stream.base == StreamType.TRANSCRIPTION:
            self._heard = deque(maxlen=_REMEMBERED_TEXTS)

    def heard_already(self, name: str, event: Any) -> bool:
        """Whether this text came before under the listener's other name. Once for each text."""
        if self._heard is None:
            return False
        text, final = event.text, event.is_final
        for entry in self._heard:
            if entry[0] != name and entry[1] == text and entry[2] == final:
                self._heard.remove(entry)
                return True
        self._heard.append((name, text, final))
        return False


class _Route:
    """Where the events of one wire name go; remembered until somebody comes or goes."""

    __slots__ = ("base", "event_class", "listeners", "rank")

    def __init__(self, base: str, listeners: tuple[Listener, ...]) -> None:
        self.base = base
        self.event_class = EVENTS.get(base)
        self.rank = _RANKS.get(base, KEEP)  # type: ignore[call-overload]  # a member is its text
        self.listeners = listeners


class Router:
    """The register of one session's listeners and readers."""

    def __init__(self, *, report: Callable[[Exception], None], changed: Callable[[], None]) -> None:
        """``report`` is told of frames that make no sense; ``changed`` of new subscriptions."""
        self._report = report
        self._changed = changed
        self._readers: dict[str, tuple[Reader, ...]] = {}
        self._unknown: set[str] = set()
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._listeners: dict[Listener, None] = {}
        self._routes: dict[str, _Route] = {}
        # Only added to, before the session starts:
        self._event_readers: list[Listener] = []

    # --- Who listens --------------------------------------------------------------------------

    def listen(
        self, stream: StreamName, deliver: Deliver | None, *, subscribe: bool = True
    ) -> Listener:
        """Add a listener. From any thread.

        With ``subscribe`` False it gets what comes anyway: the answer to a location poll, say.
        """
        listener = Listener(stream, deliver, subscribe)
        with self._lock:
            self._listeners[listener] = None
            self._routes = {}
        if subscribe:
            self._changed()
        return listener

    def forget(self, listener: Listener) -> None:
        """Take a listener away. From any thread; a second time does nothing."""
        with self._lock:
            if self._listeners.pop(listener, self) is self:
                return
            self._routes = {}
        self._changed()

    def read(self, frame_type: str, reader: Reader) -> None:
        """Add a feature's reader of a frame type; readers come before the session starts."""
        self._readers[frame_type] = (*self._readers.get(frame_type, ()), reader)

    def read_events(self, stream: StreamName, reader: Callable[[Any], None]) -> None:
        """Add a feature's reader of a stream's events, who sees them before anybody else.

        The stream is not subscribed to thereby.  The reader runs on the connection thread.
        """
        self._event_readers.append(Listener(stream, lambda event, rank: reader(event), False))

    def subscriptions(self) -> list[Any]:
        """What the cloud must send for those who listen now, in wire form, each once."""
        with self._lock:
            streams = [listener.stream for listener in self._listeners if listener.subscribes]
        wanted: dict[str, Any] = {}
        for stream in streams:
            if stream.rate is not None:
                wanted[stream.base] = _finer(stream, wanted.get(stream.base))
                continue
            for name in _subscriptions_of(stream):
                wanted.setdefault(name, name)
        if isinstance(wanted.get(_LOCATION), str):  # by its name, and nobody tells a rate
            wanted[_LOCATION] = StreamName.location().wire
        return list(wanted.values())

    # --- What comes ---------------------------------------------------------------------------

    def route(self, frame: dict[str, Any]) -> None:
        """Give a frame to whoever waits for it. On the connection thread."""
        kind = frame["type"]
        if kind == "data_stream":
            self._route_event(frame)
            return
        readers = self._readers.get(kind)
        if readers is None:
            self._warn_of_unknown(kind)
            return
        malformed: MalformedMessage | None = None
        for reader in readers:
            try:
                reader(frame)
            except MalformedMessage as error:
                malformed = error
            except RecursionError:  # the parser goes deeper than code of Python can
                malformed = MalformedMessage(f"{kind}: nested too deeply")
            except Exception:
                self._failed(kind)
        if malformed is not None:  # told once, however many features read this frame
            self._report(malformed)

    def route_audio(self, data: bytes) -> None:
        """Give an audio chunk to whoever listens. On the connection thread."""
        route = self._route_of(StreamType.AUDIO_CHUNK.value)
        if route.listeners:
            chunk = AudioChunk(data)
            for listener in route.listeners:
                self._deliver(listener, chunk, AUDIO)

    def deliver(self, stream: str, data: dict[str, Any]) -> None:
        """Route ``data`` as an event of ``stream``: some notices are streams as well."""
        self._route_event({"streamType": stream, "data": data})

    def _route_event(self, frame: dict[str, Any]) -> None:
        name, data = frame.get("streamType"), frame.get("data")
        if not isinstance(name, str):
            self._report(
                MalformedMessage(f"data_stream: streamType must be a string, got {shortened(name)}")
            )
            return
        if name in _BY_DATA:
            name = _BY_DATA[name](name, data)
        route = self._routes.get(name) or self._route_of(name)
        if not route.listeners:
            return
        try:
            event = data if route.event_class is None else decode(route.event_class, data)
        except MalformedMessage as error:
            self._report(error)
            return
        except RecursionError:
            self._report(MalformedMessage(f"{route.base}: nested too deeply"))
            return
        rank = route.rank
        if rank == SUPERSEDED and getattr(event, "is_final", False):
            rank = KEEP
        for listener in route.listeners:
            if not listener.heard_already(name, event):
                self._deliver(listener, event, rank)

    def _deliver(self, listener: Listener, event: Any, rank: int) -> None:
        """Give an event to one listener; what that raises does not concern the others."""
        try:
            listener.deliver(event, rank)  # type: ignore[misc]  # a route has no None
        except Exception:
            self._failed(listener.stream.base)

    def _failed(self, what: str) -> None:
        _log.exception("a reader of %.100r failed; the connection goes on", what)

    def _route_of(self, name: str) -> _Route:
        """The route of a wire name, looked up or made."""
        with self._lock:
            route = self._routes.get(name)
            if route is None:
                if len(self._routes) >= _REMEMBERED_ROUTES:
                    self._routes = {}
                route = self._make_route(name)
                if len(name) <= _REMEMBERED_NAME:
                    self._routes[name] = route
            return route

    def _make_route(self, name: str) -> _Route:
        stream = StreamName.parse(_OLDER_NAMES.get(name, name))
        there = [listener for listener in self._listeners if listener.deliver is not None]
        family = next((family for family in _FAMILIES if stream.base in family), None)
        if family is not None:
            chosen = [listener for listener in there if listener.stream.base in family]
        elif stream.base == StreamType.TOUCH_EVENT:
            chosen = [
                listener
                for listener in there
                if listener.stream.base == stream.base
                and listener.stream.gesture in (None, stream.gesture)
            ]
        else:
            chosen = [listener for listener in there if listener.stream == stream] or [
                listener for listener in there if listener.stream.key == stream.key
            ]
        chosen += [listener for listener in there if listener.stream.base in _EVERYTHING]
        first = [own for own in self._event_readers if own.stream.base == stream.base]
        return _Route(stream.base, (*first, *chosen))

    def _warn_of_unknown(self, kind: str) -> None:
        if kind in NOTICES:
            return
        kind = kind[:_REMEMBERED_NAME]
        if kind in self._unknown or len(self._unknown) >= _REMEMBERED_TYPES:
            return
        self._unknown.add(kind)
        _log.warning("the cloud sent a frame of a type unknown here, %.100r; it is ignored", kind)


def _subscriptions_of(stream: StreamName) -> tuple[str, ...]:
    """The names that must be subscribed to for a stream to come."""
    if stream.base == StreamType.TRANSCRIPTION and stream.has_options:
        # The deployed cloud sends nothing for a name with options alone (protocol.md, 6).
        return (stream.without_options().name, stream.name)
    return (stream.name,)


_LOCATION = StreamType.LOCATION_STREAM.value
"""The stream whose subscription is an object, with a rate."""

_RATES = (
    LocationRate.REDUCED,
    LocationRate.THREE_KILOMETERS,
    LocationRate.KILOMETER,
    LocationRate.HUNDRED_METERS,
    LocationRate.STANDARD,
    LocationRate.TEN_METERS,
    LocationRate.HIGH,
    LocationRate.REALTIME,
)
"""From the coarsest to the finest; a cloud takes one rate for all of an app's handlers."""


def _finer(stream: StreamName, other: Any) -> Any:
    """The wire form of the finer of two location streams; the other one may tell no rate."""
    if not isinstance(other, dict) or _rank_of_rate(stream.rate) > _rank_of_rate(other["rate"]):
        return stream.wire
    return other


def _rank_of_rate(rate: str | None) -> int:
    return _RATES.index(LocationRate(rate)) if rate in LocationRate.values() else -1


def _touch_name(name: str, data: Any) -> str:
    """A touch that came under the name for all gestures belongs to its gesture's listeners too."""
    return _more_exactly(name, data.get("gesture_name") if isinstance(data, dict) else None)


def _speech_name(name: str, data: Any) -> str:
    """On-device speech comes under the bare name and tells its language in the data."""
    return _more_exactly(name, data.get("transcribeLanguage") if isinstance(data, dict) else None)


def _more_exactly(base: str, argument: Any) -> str:
    """``base:argument`` if that makes a name of the same stream, else ``base``."""
    if isinstance(argument, str):
        name = f"{base}:{argument}"
        if StreamName.parse(name).base == base:
            return name
    return base


_BY_DATA: dict[str, Callable[[str, Any], str]] = {
    StreamType.TOUCH_EVENT.value: _touch_name,
    StreamType.TRANSCRIPTION.value: _speech_name,
}
"""Wire names that do not say by themselves who gets the event."""
