"""Whatever comes from outside, over HTTP or the websocket: a session and a server live on."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from cloud import PACKAGE, USER, Calls, Scene, scene_fixture  # noqa: F401

from mentra_sync import AppSession
from mentra_sync.protocol.notices import NOTICES

STREAMS = [
    "transcription:en-US", "transcription", "translation:all-to-en-US", "VAD", "button_press",
    "head_position", "touch_event", "touch_event:x", "glasses_battery_update", "location_update",
    "glasses_connection_state", "phone_notification", "calendar_event", "vps_coordinates",
    "photo_taken", "audio_chunk", "rtmp_stream_status", "custom_message", "*", "", "?", ":",
    "a:b?c",
]  # fmt: skip

# What the cloud may end a session with is not sent.
KINDS = sorted({*NOTICES} - {"tpa_connection_error", "connection_error", "app_stopped"})
FIELDS = [
    "streamType",
    "data",
    "settings",
    "state",
    "capabilities",
    "modelName",
    "message",
    "details",
    "code",
    "requestId",
    "success",
    "error",
    "duration",
    "status",
    "stats",
    "mode",
    "enabled",
    "action",
    "payload",
    "text",
    "isFinal",
    "buttonId",
    "pressType",
    "position",
    "gesture_name",
    "level",
    "lat",
    "lng",
    "wifi",
    "type",
    "key",
    "value",
    "config",
    "mentraosSettings",
    "hasCamera",
]


def anything(chance: random.Random, depth: int = 0) -> Any:
    """Some JSON value."""
    kinds = 8 if depth < 3 else 6
    match chance.randrange(kinds):
        case 0:
            return None
        case 1:
            return chance.random() < 0.5
        case 2:
            return chance.choice([0, -1, 1e308, 2**70, 0.5])
        case 3:
            return chance.choice(STREAMS)
        case 4:
            return chance.choice(["", "x" * 2000, "\ud800", "\x00", "ünï", "%s %d {}", "true"])
        case 5:
            return chance.choice(FIELDS)
        case 6:
            return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            return some_object(chance, depth + 1)


def some_object(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    return {chance.choice(FIELDS): anything(chance, depth) for _ in range(chance.randrange(6))}


@pytest.mark.parametrize("seed", range(6))
def test_frames_of_all_kinds(scene: Scene, seed: int, caplog: pytest.LogCaptureFixture):
    chance = random.Random(seed)
    heard = Calls()

    def main(session: AppSession) -> None:
        for name in dir(session.events):
            register = getattr(session.events, name)
            if name.startswith("on_") and "language" not in name:
                try:
                    register(lambda: None)
                except (TypeError, ValueError):
                    register("button", lambda: None) if "touch" not in name else None
        session.events.on("*", lambda: None)
        session.settings.on_change(lambda: None)
        session.events.on_button_press(lambda press: press.button_id == "end" and heard())

    session, there = scene.session(main, ack=some_object(chance, 1))
    for _ in range(300):
        frame = {**some_object(chance), "type": chance.choice(KINDS)}
        if frame["type"] == "data_stream":
            frame["streamType"] = chance.choice(STREAMS)
        there.send(frame)
    there.peer.send(2, b"\x01")
    there.peer.send(2, b"")
    there.press("end")
    heard.wait()
    assert session.connected
    session.settings.get_all()
    for record in caplog.records:
        record.getMessage()
        assert "fault" not in record.getMessage() and "raised; the conn" not in record.getMessage()


@pytest.mark.parametrize("seed", range(3))
def test_requests_of_all_kinds(scene: Scene, seed: int):
    chance = random.Random(seed)
    app = scene.app()
    there = scene.start(app)
    for _ in range(80):
        path = chance.choice(["/webhook", "/tool", "/settings", "/photo-upload"])
        base: dict[str, Any] = {
            "type": chance.choice(["session_request", "stop_request", "x"]),
            "sessionId": chance.choice([f"other-{PACKAGE}", anything(chance)]),
            "userId": chance.choice(["eve", anything(chance)]),
            "augmentOSWebsocketUrl": chance.choice(["wss://evil.example/", anything(chance)]),
            "toolId": anything(chance),
            "toolParameters": anything(chance),
            "userIdForSettings": chance.choice([USER, anything(chance)]),
            "settings": chance.choice([[some_object(chance)], anything(chance)]),
        }
        left = {key: value for key, value in base.items() if chance.random() < 0.8}
        body = json.dumps(left).encode()
        if chance.random() < 0.2:
            body = body[: chance.randrange(len(body))]
        answer = scene.post(app, path, body)
        assert answer.status in (200, 400, 403, 404), (path, left, answer.body)
        assert b"Traceback" not in answer.body
    assert app.sessions and not there.gone
