"""What registering a handler gives back, and the lists that handlers stand in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from types import TracebackType
from typing import Any

from mentra_sync.runtime.callbacks import adapt, describe
from mentra_sync.runtime.dispatcher import Dispatcher


class Subscription:
    """A registered handler. Call it, or :meth:`unsubscribe`, or leave its ``with`` block, to stop.

    ::

        stop = session.events.on_button_press(pressed)
        ...
        stop()
    """

    def __init__(self, handler: object, remove: Callable[[], None]) -> None:
        self._handler = handler
        self._remove: Callable[[], None] | None = remove

    @property
    def active(self) -> bool:
        """Whether the handler is still registered."""
        return self._remove is not None

    def unsubscribe(self) -> None:
        """Stop calling the handler. From any thread; a second time does nothing."""
        remove, self._remove = self._remove, None
        if remove is not None:
            remove()

    def __call__(self) -> None:
        self.unsubscribe()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unsubscribe()

    def __repr__(self) -> str:
        state = "active" if self.active else "stopped"
        return f"<Subscription of {describe(self._handler)}, {state}>"


class Signals:
    """People's handlers for what is not a stream: connected, error, a setting, ..."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        self._handlers: dict[Hashable, tuple[Callable[..., Any], ...]] = {}  # copied on write

    def on(
        self,
        signal: Hashable,
        handler: object,
        *arguments: str,
        now: tuple[Any, ...] | None = None,
    ) -> Subscription:
        """Register ``handler``, which takes ``arguments`` or fewer of them, for a signal.

        ``now`` are the values of a first call that is queued at once.
        """
        one_more = SignalHandler(adapt(handler, *arguments))
        with self._lock:
            self._handlers[signal] = (*self._handlers.get(signal, ()), one_more)
        if now is not None:
            self._dispatcher.post_now(one_more, now)
        return Subscription(handler, lambda: self._remove(signal, one_more))

    def emit(self, signal: Hashable, *values: Any) -> None:
        """Queue a call of every handler of a signal, as an event that has come."""
        for handler in self._handlers.get(signal, ()):
            self._dispatcher.post(handler, values)

    def emit_now(self, signal: Hashable, *values: Any) -> None:
        """The same without ever waiting for room: for what a callback itself brought about."""
        for handler in self._handlers.get(signal, ()):
            self._dispatcher.post_now(handler, values)

    def handlers(self, signal: Hashable) -> tuple[Callable[..., Any], ...]:
        """The handlers of a signal, each to be called with the tuple of its values."""
        return self._handlers.get(signal, ())

    def _remove(self, signal: Hashable, handler: SignalHandler) -> None:
        handler.stop()
        with self._lock:
            left = tuple(h for h in self._handlers.get(signal, ()) if h is not handler)
            if left:
                self._handlers[signal] = left
            else:
                self._handlers.pop(signal, None)


class Handler:
    """A person's function as it stands in the queue, one object per registration.

    It is called with an event.  Once stopped it does nothing, so that a call which was queued
    before ``unsubscribe()`` doesn't come after it.
    """

    __slots__ = ("__wrapped__", "_stopped")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = function  # describe() names it by this
        self._stopped = False

    def stop(self) -> None:
        """Call the function no more. From any thread."""
        self._stopped = True

    def __call__(self, event: Any) -> None:
        if not self._stopped:
            self.__wrapped__(event)


class SignalHandler(Handler):
    """The same for a signal: called with the tuple of its values."""

    __slots__ = ()

    def __call__(self, values: tuple[Any, ...]) -> None:
        if not self._stopped:
            self.__wrapped__(*values)
