"""``session.events``: handlers for what happens, and calls that wait for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mentra_sync import hints
from mentra_sync.errors import RequestTimeout, SessionEnded
from mentra_sync.protocol.codec import decode
from mentra_sync.protocol.jsontext import shortened
from mentra_sync.protocol.names import StreamType
from mentra_sync.protocol.notices import (
    CustomMessage,
    DashboardAlwaysOnChanged,
    PermissionErrorNotice,
)
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.callbacks import LEFT_OUT, check_name
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.subscription import Subscription

_log = logging.getLogger(__name__)

Decorator = Callable[[Callable[..., Any]], Subscription]


class Events(Feature):
    """What happens to the wearer and the glasses, told to plain functions.

    Every ``on_*`` returns a :class:`Subscription`: call it to stop, or use it in a ``with``
    block.  Each also works as a decorator::

        @session.events.on_button_press
        def pressed(press):
            session.layouts.show_text_wall(press.button_id)

    A handler takes the event, or nothing.  Handlers of one session run one at a time, in the
    order in which the events came.  Registering blocks for no time; it raises ``TypeError`` for
    what is no such function, ``ValueError`` for an unknown language or gesture, and
    ``SessionEnded`` after the end.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        link.router.read("permission_error", self._read_permission_error)
        link.router.read("custom_message", self._read_custom_message)
        link.router.read("dashboard_always_on_changed", self._read_always_on)

    if not TYPE_CHECKING:  # type checkers refuse it by themselves, as long as they don't see this

        def __setattr__(self, name: str, value: object) -> None:
            # As one does with gpiozero, button.when_pressed = function: nothing would ever come.
            if name.startswith("on") and callable(getattr(type(self), name, None)):
                raise AttributeError(hints.CALL_AND_GIVE.format(name))
            object.__setattr__(self, name, value)

    @property
    def dropped(self) -> int:
        """How many events were given up because the handlers were too slow for them."""
        return self._link.dispatcher.dropped

    # --- Speech -------------------------------------------------------------------------------

    def on_transcription(self, handler: Callable[..., Any]) -> Subscription:
        """What is said, in American English: ``text``, ``is_final``, times in ms, ..."""
        return self._link.listen(StreamName.transcription(), handler)

    def on_transcription_for_language(
        self,
        language: str,
        handler: Callable[..., Any] = LEFT_OUT,
        *,
        disable_language_identification: bool = False,
        hints: Iterable[str] | None = None,
    ) -> Any:
        """What is said in ``language`` (like ``"fr-FR"``, or ``"auto"``).

        ``hints`` are languages that may be mixed in, like ``["en", "es"]``.  Several languages
        can be listened to at once.
        """
        stream = StreamName.transcription(
            language,
            disable_language_identification=disable_language_identification,
            hints=hints,
        )
        return self._listen(stream, handler)

    def on_translation_for_language(
        self, source: str, target: str, handler: Callable[..., Any] = LEFT_OUT
    ) -> Any:
        """What is said in ``source`` (or ``"all"`` languages), translated into ``target``."""
        return self._listen(StreamName.translation(source, target), handler)

    def on_voice_activity(self, handler: Callable[..., Any]) -> Subscription:
        """Whether somebody is speaking: ``status`` True or False."""
        return self._link.listen(StreamName(StreamType.VAD.value), handler)

    def on_audio_chunk(self, handler: Callable[..., Any]) -> Subscription:
        """Sound from the microphone: ``data`` (16-bit mono PCM bytes), ``sample_rate`` in Hz."""
        return self._link.listen(StreamName(StreamType.AUDIO_CHUNK.value), handler)

    # --- Hands and head -----------------------------------------------------------------------

    def on_button_press(self, handler: Callable[..., Any]) -> Subscription:
        """A button: ``button_id``, and ``press_type`` ``"short"`` or ``"long"``."""
        return self._link.listen(StreamName(StreamType.BUTTON_PRESS.value), handler)

    def on_touch_event(
        self,
        gesture: str | Callable[..., Any],
        handler: Callable[..., Any] = LEFT_OUT,
    ) -> Any:
        """A touch: ``on_touch_event(handler)`` for all, or ``("double_tap", handler)`` for one."""
        if handler is LEFT_OUT and not isinstance(gesture, str):
            return self._link.listen(StreamName.touch(), gesture)
        if gesture is None:  # which would be all of them
            raise ValueError(hints.NO_GESTURE)
        return self._listen(StreamName.touch(gesture), handler)  # type: ignore[arg-type]  # checked

    def on_head_position(self, handler: Callable[..., Any]) -> Subscription:
        """The wearer looks ``"up"`` or ``"down"``: ``position``."""
        return self._link.listen(StreamName(StreamType.HEAD_POSITION.value), handler)

    # --- Phone and glasses --------------------------------------------------------------------

    def on_phone_notification(self, handler: Callable[..., Any]) -> Subscription:
        """A notification: ``app``, ``title``, ``content``, ``priority``, ``notification_id``."""
        return self._link.listen(StreamName(StreamType.PHONE_NOTIFICATION.value), handler)

    def on_phone_notification_dismissed(self, handler: Callable[..., Any]) -> Subscription:
        """A notification was wiped away: ``notification_id``."""
        return self._link.listen(StreamName(StreamType.PHONE_NOTIFICATION_DISMISSED.value), handler)

    def on_calendar_event(self, handler: Callable[..., Any]) -> Subscription:
        """An appointment: ``title``, ``dt_start``, ``dt_end`` (ISO 8601), ``timezone``."""
        return self._link.listen(StreamName(StreamType.CALENDAR_EVENT.value), handler)

    def on_location(self, handler: Callable[..., Any]) -> Subscription:
        """Where the wearer is: ``lat`` and ``lng`` in degrees, ``accuracy`` in metres."""
        return self._link.listen(StreamName(StreamType.LOCATION_UPDATE.value), handler)

    def on_glasses_battery(self, handler: Callable[..., Any]) -> Subscription:
        """The glasses' battery: ``level`` in %, ``charging``, ``time_remaining`` in minutes."""
        return self._link.listen(StreamName(StreamType.GLASSES_BATTERY_UPDATE.value), handler)

    def on_phone_battery(self, handler: Callable[..., Any]) -> Subscription:
        """The phone's battery: ``level`` in %, ``charging``, ``time_remaining`` in minutes."""
        return self._link.listen(StreamName(StreamType.PHONE_BATTERY_UPDATE.value), handler)

    def on_glasses_connection_state(self, handler: Callable[..., Any]) -> Subscription:
        """Whether the phone reaches the glasses: ``model_name``, ``status``, ``wifi``."""
        return self._link.listen(StreamName(StreamType.GLASSES_CONNECTION_STATE.value), handler)

    def on_vps_coordinates(self, handler: Callable[..., Any]) -> Subscription:
        """Position (``x y z``) and orientation (``qx qy qz qw``) from visual positioning."""
        return self._link.listen(StreamName(StreamType.VPS_COORDINATES.value), handler)

    def on_photo_taken(self, handler: Callable[..., Any]) -> Subscription:
        """The wearer took a photo: ``photo_data`` (base64), ``mime_type``."""
        return self._link.listen(StreamName(StreamType.PHOTO_TAKEN.value), handler)

    # --- The session --------------------------------------------------------------------------

    def on_connected(self, handler: Callable[..., Any]) -> Subscription:
        """The cloud accepted the connection, also after each reconnection: gets the settings."""
        return self._link.on("connected", handler, "settings")

    def on_disconnected(self, handler: Callable[..., Any]) -> Subscription:
        """A connection was lost: ``code``, ``reason``, and ``permanent``.

        Not permanent means that the SDK is reconnecting; permanent comes once, right before
        ``on_stop``.
        """
        return self._link.on("disconnected", handler, "disconnection")

    def on_error(self, handler: Callable[..., Any]) -> Subscription:
        """Something went wrong: gets the exception, a callback's own ones included."""
        return self._link.on("error", handler, "error")

    def on_settings_update(self, handler: Callable[..., Any]) -> Subscription:
        """The wearer changed settings: gets the list of all of them."""
        return self._link.on("settings", handler, "settings")

    def on_setting_change(self, key: str, handler: Callable[..., Any] = LEFT_OUT) -> Any:
        """One setting changed: gets ``(new, old)``."""
        check_name("key", key)
        return self._on(("setting", key), handler, "new", "old")

    def on_capabilities_update(self, handler: Callable[..., Any]) -> Subscription:
        """Other glasses: ``capabilities`` (None for unknown ones) and ``model_name``."""
        return self._link.on("capabilities", handler, "update")

    def on_dashboard_mode_change(self, handler: Callable[..., Any]) -> Subscription:
        """The dashboard changed its size: gets the mode."""
        return self._link.on("dashboard_mode", handler, "mode")

    def on_dashboard_always_on_change(self, handler: Callable[..., Any]) -> Subscription:
        """The dashboard was made to stay, or not: gets a bool."""
        return self._link.on("dashboard_always_on", handler, "enabled")

    def on_permission_error(self, handler: Callable[..., Any]) -> Subscription:
        """Some subscriptions were refused: ``message`` and the list ``details``."""
        return self._link.on("permission_error", handler, "error")

    def on_permission_denied(self, handler: Callable[..., Any]) -> Subscription:
        """One subscription was refused: ``stream``, ``required_permission``, ``message``."""
        return self._link.on("permission_denied", handler, "detail")

    def on_custom_message(self, action: str, handler: Callable[..., Any] = LEFT_OUT) -> Any:
        """A message of the cloud's own making with this ``action``: gets its payload."""
        check_name("action", action)
        if handler is LEFT_OUT:
            return lambda function: self.on_custom_message(action, function)
        called = self._link.on(("custom_message", action), handler, "payload")
        unsubscribe = self._link.subscribe(StreamName(StreamType.CUSTOM_MESSAGE.value))

        def stop() -> None:
            called.unsubscribe()
            unsubscribe()

        return Subscription(handler, stop)

    # --- Any stream ---------------------------------------------------------------------------

    def on(self, stream: str, handler: Callable[..., Any] = LEFT_OUT) -> Any:
        """Events of any stream by its name on the wire, such as ``"button_press"``.

        A stream that this SDK doesn't know gives its handler the plain ``dict``, as do
        ``"custom_message"`` and a setting of the glasses: ``"augmentos:brightness"`` gives
        ``{"brightness": 70}`` when it has changed.
        """
        return self._listen(stream_named(stream), handler)

    def wait_for(
        self,
        stream: str,
        timeout: float | None = None,
        where: Callable[[Any], object] | None = None,
    ) -> Any:
        """Block until the next event of a stream, and return it.

        ``timeout`` is in seconds (None: no limit), ``where`` chooses which event it must be::

            press = session.events.wait_for("button_press", timeout=30,
                                            where=lambda p: p.press_type == "long")

        Raises ``RequestTimeout``, ``SessionEnded``, what ``where`` raises, and ``TypeError`` for a
        ``where`` that is no function.
        """
        name = stream_named(stream)
        if where is not None and not callable(where):
            raise TypeError(hints.NO_CHOICE.format(where))
        until = self._link.replies.deadline(timeout)
        with self._link.mailbox(name) as mailbox:
            while True:
                try:
                    event = mailbox.get(until)
                except TimeoutError:
                    raise RequestTimeout(hints.WAIT_TIMEOUT.format(name.name, timeout)) from None
                if where is None or where(event):
                    return event

    def stream(self, stream: str) -> EventStream:
        """An iterator over the events of a stream from now on, without gaps.

        It ends with the session; leave the loop, or ``close()`` it, to stop listening::

            for press in session.events.stream("button_press"):
                ...
        """
        return EventStream(self._link, stream_named(stream))

    def _listen(self, stream: StreamName, handler: Callable[..., Any]) -> Any:
        """Register a handler, or return a decorator that will."""
        if handler is LEFT_OUT:
            return lambda function: self._link.listen(stream, function)
        return self._link.listen(stream, handler)

    def _on(self, signal: Any, handler: Callable[..., Any], *arguments: str) -> Any:
        if handler is LEFT_OUT:
            return lambda function: self._link.on(signal, function, *arguments)
        return self._link.on(signal, handler, *arguments)

    # --- Notices, on the connection thread ----------------------------------------------------

    def _read_permission_error(self, frame: dict[str, Any]) -> None:
        notice = decode(PermissionErrorNotice, frame)
        refused = ", ".join(f"{one.stream} ({one.required_permission})" for one in notice.details)
        self._link.logger.warning(hints.STREAMS_REFUSED, refused or notice.message)
        self._link.signals.emit("permission_error", notice)
        for detail in notice.details:
            self._link.signals.emit("permission_denied", detail)

    def _read_custom_message(self, frame: dict[str, Any]) -> None:
        notice = decode(CustomMessage, frame)
        self._link.signals.emit(("custom_message", notice.action), notice.payload)
        self._link.router.deliver(StreamType.CUSTOM_MESSAGE.value, frame)

    def _read_always_on(self, frame: dict[str, Any]) -> None:
        notice = decode(DashboardAlwaysOnChanged, frame)
        self._link.signals.emit("dashboard_always_on", notice.enabled)


class EventStream(Iterator[Any]):
    """The events of one stream, one after the other; iterating blocks until the next one."""

    def __init__(self, link: Link, stream: StreamName) -> None:
        self._closed = True  # until there is something to close
        self._timers = link.timers
        self._mailbox = link.mailbox(stream)
        self._closed = False

    def __next__(self) -> Any:
        if self._closed:
            raise StopIteration
        try:
            return self._mailbox.get(None)
        except SessionEnded:
            self.close()
            raise StopIteration from None

    def close(self) -> None:
        """Stop listening. A second time does nothing."""
        if not self._closed:
            self._closed = True
            self._mailbox.close()

    def __enter__(self) -> EventStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A loop that was left with break: nobody listens any more. A destructor may run anywhere,
        # also where this thread holds the lock that closing takes.
        if not self._closed:
            self._closed = True
            self._timers.after(0, self._mailbox.close)


def stream_named(name: str) -> StreamName:
    """The stream that a person named; ``ValueError`` for a bad language or gesture."""
    if not isinstance(name, str) or not name:
        raise ValueError(f'a stream has a name like "button_press", got {name!r}')
    stream = StreamName.parse(name)
    base, colon, argument = name.partition("?")[0].partition(":")
    if base == StreamType.TRANSCRIPTION and stream.language is None:
        StreamName.transcription(argument)
    elif base == StreamType.TRANSLATION and stream.source is None:
        source, _, target = argument.partition("-to-")
        StreamName.translation(source, target)
    elif base == StreamType.TOUCH_EVENT:
        StreamName.touch(argument if colon else None)
    elif base == StreamType.AUGMENTOS and colon:
        StreamName.setting(argument)
    elif base not in StreamType.values():
        _warn_of_likely_misspelling(base)
    return stream


def _warn_of_likely_misspelling(base: str) -> None:
    """Streams that this version does not know are fine; one that looks like another is a slip."""
    meant = get_close_matches(base, StreamType.values(), 1, 0.7)
    if meant:
        _log.warning(hints.UNKNOWN_STREAM, shortened(base), meant[0])
