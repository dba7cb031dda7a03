"""What goes wrong with networks, clouds and glasses, on purpose: to see how an app takes it.

A fault that lasts is a context manager: it begins at the call and ends with the ``with`` block,
or with :meth:`Fault.stop`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from mentra_sync.simulator.app_session import AppSession, State
from mentra_sync.simulator.glasses import Glasses
from mentra_sync.simulator.schedule import Later, Schedule

LONGEST = 3600.0
"""Seconds that a fault may last, and a network may be slow by."""


@dataclass(frozen=True)
class FaultKind:
    """A fault as pages and other tools offer it: ``parameter`` is what its number (s) means."""

    name: str
    title: str
    help: str
    lasting: bool
    parameter: str | None = None
    default: float | None = None


KINDS = (
    FaultKind(
        "drop_connection",
        "Drop the connection",
        "The app's connection is lost without a word. It has 5 s to come back.",
        lasting=False,
    ),
    FaultKind(
        "refuse_connections",
        "Refuse connections",
        "The connection is lost, and the app cannot come back for a while.",
        lasting=True,
        parameter="seconds",
        default=8.0,
    ),
    FaultKind(
        "slow_network",
        "Slow network",
        "Everything between app and cloud takes longer, in both directions.",
        lasting=True,
        parameter="delay",
        default=0.5,
    ),
    FaultKind(
        "repeat_webhook",
        "Webhook twice",
        "The cloud calls the webhook a second time for a session that is live.",
        lasting=False,
    ),
    FaultKind(
        "no_photos",
        "Photos never come",
        "The glasses don't answer when the app asks for a photo.",
        lasting=True,
    ),
    FaultKind(
        "failing_tts",
        "Speech fails",
        "Nothing can be spoken or played; the app is told so.",
        lasting=True,
    ),
    FaultKind(
        "out_of_reach",
        "Glasses out of reach",
        "The phone has lost the glasses: no display, no photo, no stream.",
        lasting=True,
    ),
    FaultKind(
        "end_session",
        "End of the session",
        "The cloud ends the app as when the wearer's phone has been gone for a minute.",
        lasting=False,
    ),
)


class Fault:
    """One fault that goes on until it is stopped; also a context manager."""

    def __init__(self, name: str, over: Callable[[Fault], None]) -> None:
        self.name = name
        self._over = over

    def stop(self) -> None:
        """End it; may be called more than once, from any thread."""
        self._over(self)

    def __enter__(self) -> Fault:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Faults:
    """The faults of one wearer's app and glasses.

    Each lasting one is on or off; switched on again, it begins anew.  Every method may be called
    from any thread; none blocks.  ``changed`` is called when one begins or ends, ``note`` is
    told of what is done here, as an action and its arguments.
    """

    def __init__(
        self,
        session: AppSession,
        glasses: Glasses,
        wire_time: Schedule,
        lock: threading.RLock,
        changed: Callable[[], None],
        note: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._session = session
        self._glasses = glasses
        self._wire_time = wire_time
        self._lock = lock  # the cloud's: guards the next, and the session
        self._active: dict[str, tuple[Fault, Callable[[], object], Later | None]] = {}
        self._changed = changed
        self._note = note

    @property
    def active(self) -> list[str]:
        """The names of those that go on now."""
        with self._lock:
            return list(self._active)

    # --- At once -----------------------------------------------------------------------------

    def drop_connection(self) -> None:
        """Lose the app's connection without a word, as a network does."""
        self._note("drop_connection", {})
        self._drop()

    def repeat_webhook(self) -> None:
        """Call the webhook of a running app a second time, as after an answer that was slow.

        Raises ValueError when the app is not running.
        """
        self._note("repeat_webhook", {})
        if not self._session.repeat_webhook():
            raise ValueError("the app is not running, so its webhook cannot be repeated")

    def end_session(self) -> None:
        """End the app as when the wearer has been gone for a minute: no stop webhook."""
        self._note("end_session", {})
        with self._lock:
            if self._session.state not in (State.STOPPED, State.FAILED):
                self._session.end("User session ended")

    # --- For a while -------------------------------------------------------------------------

    def refuse_connections(self, seconds: float | None = None) -> Fault:
        """Lose the connection, and every new one too; for ``seconds`` (real), or until stopped."""
        seconds = None if seconds is None else _checked("seconds", seconds)
        with self._lock:
            self._session.refuses_connections = True
            self._drop()
            return self._begin("refuse_connections", self._accept_again, seconds)

    def slow_network(self, delay: float = 0.5) -> Fault:
        """Have everything between app and cloud arrive ``delay`` seconds (real) later."""
        _checked("delay", delay)
        with self._lock:
            self._session.delay = delay
            return self._begin("slow_network", self._fast_again, value=delay)

    def no_photos(self) -> Fault:
        """Have the glasses answer no request for a photo."""
        with self._lock:
            self._glasses.camera.silent = True
            return self._begin("no_photos", lambda: setattr(self._glasses.camera, "silent", False))

    def failing_tts(self, error: str = "TTS failed") -> Fault:
        """Have nothing be spoken or played; the app is told ``error``."""
        with self._lock:
            self._glasses.fail_audio(error)
            return self._begin("failing_tts", lambda: self._glasses.fail_audio(None))

    def out_of_reach(self) -> Fault:
        """Have the phone lose the glasses."""
        with self._lock:
            self._glasses.connection("DISCONNECTED")
            return self._begin("out_of_reach", lambda: self._glasses.connection("CONNECTED"))

    # --- By name -----------------------------------------------------------------------------

    def switch(self, name: str, on: bool = True, value: float | None = None) -> None:
        """Begin (or end) the fault of a name; ``value`` (s) is what it takes, if anything.

        Raises ValueError for a name that there is not, or a value that makes no sense.
        """
        kind = next((one for one in KINDS if one.name == name), None)
        if kind is None:
            known = ", ".join(one.name for one in KINDS)
            raise ValueError(f"name must be one of {known}; got {name!r}")
        if not on:
            self._end(name)
            return
        given: dict[str, Any] = {}
        if kind.parameter is not None and value is not None:
            given[kind.parameter] = value
        elif kind.parameter is not None:
            given[kind.parameter] = kind.default
        getattr(self, name)(**given)

    # --- Inside ------------------------------------------------------------------------------

    def _drop(self) -> None:
        with self._lock:
            link = self._session.link
            if link is not None:
                link.abort()
                self._session.lost(link)

    def _begin(
        self,
        name: str,
        over: Callable[[], object],
        seconds: float | None = None,
        value: float | None = None,
    ) -> Fault:
        self._note_fault(name, True, seconds if value is None else value)
        before = self._active.pop(name, None)
        if before is not None and before[2] is not None:
            before[2].cancel()
        fault = Fault(name, self._stop)
        later = None
        if seconds is not None:
            later = self._wire_time.after(seconds, fault.stop)
        self._active[name] = (fault, over, later)
        self._changed()
        return fault

    def _stop(self, fault: Fault) -> None:
        """End a fault, unless another of its name has taken its place."""
        with self._lock:
            active = self._active.get(fault.name)
            if active is not None and active[0] is fault:
                self._end(fault.name)

    def _end(self, name: str) -> None:
        with self._lock:
            active = self._active.pop(name, None)
            if active is None:
                return
            self._note_fault(name, False)
            _, over, later = active
            if later is not None:
                later.cancel()
            over()
            self._changed()

    def _note_fault(self, name: str, on: bool, value: float | None = None) -> None:
        # What takes the glasses away is a report of theirs, and noted as such.
        if name != "out_of_reach":
            self._note("fault", {"name": name, "on": on, "value": value})

    def _accept_again(self) -> None:
        self._session.refuses_connections = False

    def _fast_again(self) -> None:
        self._session.delay = 0.0


def _checked(name: str, seconds: float) -> float:
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not (0 < seconds <= LONGEST)
    ):
        raise ValueError(
            f"{name} must be seconds, more than 0 and {LONGEST:g} at most; got {seconds!r}"
        )
    return seconds
