"""What tests of features share: a running session, and what has (not) been sent."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cloud import AppSocket, Calls

from mentra_sync import AppSession, SessionEnded

_ENVELOPE = ("packageName", "sessionId", "timestamp", "type")
_numbers = itertools.count()


def body(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame without what all of them carry."""
    return {name: value for name, value in frame.items() if name not in _ENVELOPE}


def settle(session: AppSession, there: AppSocket) -> None:
    """Until all that was sent so far, either way, has arrived and been worked on."""
    marker = f"marker {next(_numbers)}"
    rooms = Calls()
    # Of all that a cloud tells, this needs no subscription; it is told after what came before.
    with session.users.on_room_updated(lambda event: rooms(event.room_id)):
        there.send({"type": "app_room_updated", "roomId": marker})
        assert rooms.wait() == [marker]
    session.dashboard.content.write(marker)
    there.wait("dashboard_content_update", where=lambda frame: frame["content"] == marker)


@contextmanager
def refused(
    session: AppSession, there: AppSocket, *words: str, error: type[Exception] = ValueError
) -> Iterator[None]:
    """What is done inside is refused in these words, and nothing is sent for it."""
    settle(session, there)
    before = len(there.frames)
    with pytest.raises(error) as caught:
        yield
    for word in words:
        assert word in str(caught.value)
    settle(session, there)
    sent = [frame for frame in there.frames[before:] if not _is_expected(frame)]
    assert sent == []


@contextmanager
def ended(session: AppSession) -> Iterator[None]:
    """What is done inside is too late."""
    with pytest.raises(SessionEnded):
        yield


def no_call_left() -> bool:
    """Whether no REST call of a session is under way."""
    return not any(thread.name.startswith("mentra-rest") for thread in threading.enumerate())


def _is_expected(frame: dict[str, Any]) -> bool:
    """A marker, or the list of an app that has begun and listens to nothing."""
    if frame["type"] == "subscription_update":
        return frame["subscriptions"] == []
    return frame["type"] == "dashboard_content_update" and frame["content"].startswith("marker ")
