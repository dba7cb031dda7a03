"""Whether the app listens to what is about to happen; an input that nobody hears fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mentra_sync.simulator import subscriptions
from mentra_sync.simulator.app_session import AppSession, State
from mentra_sync.simulator.http import Simulator

PATIENCE = 2.0
"""How long an input waits for a listener, in s (real)."""

Heard = Callable[[AppSession], bool]
"""Whether an app with these subscriptions would get it."""

_NOBODY = "nobody listens to {}; the app listens to: {}"
_DENIED = " (the permission {} is denied)"
_NOT_RUNNING = "the app is {}, so nobody listens to {}{}"


def to_event(name: str, data: dict[str, Any]) -> Heard:
    """For an event of a stream."""
    return lambda session: bool(subscriptions.event_names(session.streams, name, data))


def to_speech(language: str, *, final: bool) -> Heard:
    """For speech in a language; only final speech is translated."""

    def heard(session: AppSession) -> bool:
        opened = subscriptions.transcription_streams(session.streams)
        if subscriptions.transcription_names(session.streams, language, opened):
            return True
        return final and bool(subscriptions.translation_names(session.streams, language))

    return heard


def to_any(streams: list[str]) -> Heard:
    """For what comes by one of several streams."""
    wanted = {*streams, *subscriptions.EVERYTHING}
    return lambda session: not wanted.isdisjoint(session.streams)


def wait_for_listener(simulator: Simulator, user_id: str, stream: str, heard: Heard) -> None:
    """Block until the app of a wearer listens, 2 s (real) at most; then AssertionError."""
    __tracebackhide__ = True
    permission = subscriptions.permission_for(stream)
    cloud = simulator.cloud
    session = simulator.session_of(user_id)

    def listens() -> bool:
        return session.live and session.app.allows(permission) and heard(session)

    def decided() -> bool:
        return session.state in (State.STOPPED, State.FAILED) or listens()

    cloud.wait_for(decided, PATIENCE)
    with cloud.lock:
        if listens():
            return
        if not session.live:
            why = f": {session.detail}" if session.detail else ""
            raise AssertionError(_NOT_RUNNING.format(session.state.value, stream, why))
        text = _NOBODY.format(stream, ", ".join(session.streams) or "nothing")
        raise AssertionError(
            text + ("" if session.app.allows(permission) else _DENIED.format(permission))
        )
