"""A word about missing permissions: once, in the background, and only when the cloud says so."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import (  # noqa: F401
    PACKAGE,
    USER,
    Scene,
    http_answer,
    scene_fixture,
    wait_until,
)
from stage import out_of_threads

from mentra_sync import AppSession, PermissionType
from mentra_sync.runtime.permissions import STREAMS

PATH = f"/api/public/permissions/{PACKAGE}"


def listed(*types: str) -> bytes:
    permissions = [{"type": kind, "description": ""} for kind in types]
    return json.dumps(
        {"success": True, "packageName": PACKAGE, "permissions": permissions}
    ).encode()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The permissions that the log has warned of so far."""
    caplog.set_level(logging.DEBUG)

    def warned() -> list[str]:
        lines = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        for line in lines:
            assert line.startswith(f"{PACKAGE} uses something that needs the permission "), line
            assert "developer console" in line
        return [line.split("permission ")[1].split(",")[0] for line in lines]

    return warned


def asking() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("mentra-permission-")]


def asked(scene: Scene) -> int:
    """How often the cloud was asked, once no question is under way any more."""
    wait_until(lambda: not asking())
    return sum(PATH.encode() in request for request in scene.cloud.requests)


def ignore() -> None:
    """A handler."""


USES: dict[str, tuple[str, Callable[[AppSession], Any]]] = {
    "transcription": ("MICROPHONE", lambda s: s.events.on_transcription(ignore)),
    "a language": (
        "MICROPHONE",
        lambda s: s.events.on_transcription_for_language("de-DE", ignore),
    ),
    "translation": (
        "MICROPHONE",
        lambda s: s.events.on_translation_for_language("en-US", "de-DE", ignore),
    ),
    "voices": ("MICROPHONE", lambda s: s.events.on_voice_activity(ignore)),
    "audio": ("MICROPHONE", lambda s: s.events.on_audio_chunk(ignore)),
    "location": ("LOCATION", lambda s: s.events.on_location(ignore)),
    "location stream": ("LOCATION", lambda s: s.location.subscribe_to_stream(ignore, "high")),
    "notifications": ("READ_NOTIFICATIONS", lambda s: s.events.on_phone_notification(ignore)),
    "dismissals": (
        "READ_NOTIFICATIONS",
        lambda s: s.events.on_phone_notification_dismissed(ignore),
    ),
    "calendar": ("CALENDAR", lambda s: s.events.on_calendar_event(ignore)),
    "any stream by name": ("CALENDAR", lambda s: s.events.on("calendar_event", ignore)),
}


@pytest.mark.parametrize("use", USES)
def test_what_is_missing_is_told_once(scene: Scene, told: Any, use: str):
    permission, do = USES[use]
    scene.cloud.rest[PATH] = listed(
        *(
            p
            for p in PermissionType.values()
            if p not in (permission, "ALL", *GRANTING.get(permission, ()))
        )
    )
    app = scene.app()
    scene.start(app)
    scene.start(app, "bob@example.com")
    for session in app.sessions:
        for _ in range(3):
            do(session)
    assert asked(scene) == 1
    assert told() == [permission]


GRANTING = {"LOCATION": ("BACKGROUND_LOCATION",), "READ_NOTIFICATIONS": ("NOTIFICATIONS",)}
"""What includes another one."""


def test_what_is_listed_is_not_told_of(scene: Scene, told: Any):
    for names in (
        ["ALL"],
        ["MICROPHONE", "LOCATION", "READ_NOTIFICATIONS", "CALENDAR"],
        ["MICROPHONE", "BACKGROUND_LOCATION", "NOTIFICATIONS", "CALENDAR", "NEW_ONE"],
    ):
        scene.cloud.rest[PATH] = listed(*names)
        app = scene.app()
        scene.start(app, session_id=str(names))
        (session,) = app.sessions
        for _, do in USES.values():
            do(session)
        asked(scene)
    assert asked(scene) == 3 * 4, "each permission is asked for once per server"
    assert told() == []


def test_an_app_without_permissions(scene: Scene, told: Any):
    scene.cloud.rest[PATH] = listed()
    session, _ = scene.session()
    for _, do in USES.values():
        do(session)
    assert asked(scene) == 4
    assert sorted(told()) == ["CALENDAR", "LOCATION", "MICROPHONE", "READ_NOTIFICATIONS"]


def test_calls_that_wait_need_permissions_too(scene: Scene, told: Any):
    scene.cloud.rest[PATH] = listed("CAMERA")
    session, there = scene.session()
    heard: list[str] = []
    thread = threading.Thread(target=lambda: heard.append(session.listen()))
    thread.start()
    there.wait_streams("transcription:en-US")
    there.say("hello")
    thread.join()
    assert heard == ["hello"] and asked(scene) == 1
    assert told() == ["MICROPHONE"]


def test_what_needs_none_asks_nothing(scene: Scene, told: Any):
    session, there = scene.session()
    session.events.on_button_press(ignore)
    session.events.on_head_position(ignore)
    session.events.on_glasses_battery(ignore)
    session.layouts.show_text_wall("hello")
    there.wait_text("hello")
    assert asking() == [] and asked(scene) == 0
    assert told() == []


NONSENSE: list[bytes | None] = [
    None,
    b"",
    b"[]",
    b"<html>",
    b"{}",
    b'{"permissions": null}',
    b'{"permissions": "MICROPHONE"}',
    b'{"permissions": {"type": "MICROPHONE"}}',
    b'{"permissions": [5]}',
    b'{"permissions": ["MICROPHONE"]}',
    b'{"permissions": [{"type": 5}, {}]}',
    b'{"permissions": [null]}',
    b'{"success": false, "permissions": []}',
    b"[" * 100_000,
]
STATUSES = ("302 Found", "401 Unauthorized", "404 Not Found", "500 Oops", "503 Busy")


def test_a_cloud_that_says_nothing_of_use(scene: Scene, told: Any):
    answers = [body if body is None else http_answer(body) for body in NONSENSE]
    answers += [http_answer(listed(), status) for status in STATUSES]
    for number, answer in enumerate(answers):
        scene.cloud.rest.pop(PATH, None)
        if answer is not None:
            scene.cloud.rest[PATH] = lambda peer, answer=answer: (
                peer.sock.sendall(answer),
                peer.close(),
            )
        app = scene.app()
        scene.start(app, session_id=str(number))
        (session,) = app.sessions
        session.events.on_transcription(ignore)
        wait_until(lambda: asked(scene) >= number + 1)  # noqa: B023
        app.stop()
        assert told() == [], answer and answer[:200]


def test_a_cloud_that_cannot_be_reached(scene: Scene, told: Any, caplog: Any):
    session, there = scene.session()
    scene.cloud.vanish()
    session.events.on_transcription(ignore)
    wait_until(lambda: "are not known" in caplog.text)
    wait_until(lambda: not asking())
    assert told() == []
    there.say("the session does not mind")
    assert session.connected


def test_nothing_waits_for_the_answer(scene: Scene, told: Any):
    """Not the calls, not the events, and not the end of the server."""
    came = threading.Event()
    scene.cloud.rest[PATH] = lambda peer: came.set()  # and never a word
    app = scene.app()
    there = scene.start(app)
    (session,) = app.sessions
    heard: list[str] = []
    began = time.monotonic()
    session.events.on_transcription(lambda data: heard.append(data.text))
    session.events.on_calendar_event(ignore)
    assert came.wait(10)
    there.wait_streams("transcription:en-US", "calendar_event")
    there.say("hello")
    wait_until(lambda: heard == ["hello"])
    assert len(asking()) == 2
    app.stop()
    assert asking() == []
    assert time.monotonic() - began < 9, "the cloud would have been waited for 15 s"
    assert told() == []


def test_when_there_are_no_more_threads(scene: Scene, told: Any, monkeypatch: pytest.MonkeyPatch):
    session, there = scene.session()
    out_of_threads(monkeypatch, "mentra-permission-")
    session.events.on_transcription(ignore)
    there.wait_streams("transcription:en-US")
    assert told() == [] and asked(scene) == 0


def test_an_error_of_our_own_stays_a_hint(
    scene: Scene, told: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
):
    session, _ = scene.session()

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(session._cloud_api, "permissions", fail)
    session.events.on_transcription(ignore)
    wait_until(lambda: "on purpose" in caplog.text)
    wait_until(lambda: not asking())
    assert told() == []


def test_first_uses_at_the_same_moment_ask_once(scene: Scene, told: Any):
    scene.cloud.rest[PATH] = listed("CAMERA")
    session, _ = scene.session()
    together = threading.Barrier(8)

    def use() -> None:
        together.wait(10)
        session.events.on_transcription(lambda: None)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked(scene) == 1 and told() == ["MICROPHONE"]


def test_every_permission_of_a_stream_is_one_that_clouds_know():
    assert {permission.value for permission in STREAMS.values()} <= set(PermissionType.values())
    assert {permission for permission, _ in USES.values()} == {p.value for p in STREAMS.values()}
