"""Simple storage and the other REST calls, with the answers that a real cloud gave."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest
import requests
from raw_app import API_KEY, PACKAGE, RawApp

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.speech import speech_seconds

USER = "runner@example.com"
KEY = {"Authorization": f"Bearer {PACKAGE}:{API_KEY}"}


def call(simulator: Simulator, method: str, path: str, body: Any = None, **options: Any) -> Any:
    answer = requests.request(
        method, simulator.url + path, json=body, timeout=5, **{"headers": KEY, **options}
    )
    return answer.status_code, answer.json()


def test_storage_answers_as_recorded(simulator: Simulator) -> None:
    everything, at = f"api/sdk/simple-storage/{USER}", f"api/sdk/simple-storage/{USER}/"
    nothing = {"success": False, "message": "Storage not found"}
    unknown = {"success": False, "message": "Key not found"}
    wrong_one = {"error": "Invalid body: expected { value: string }"}
    wrong_all = {"error": "Invalid body: expected { data: Record<string,string> }"}
    not_text = {"error": "All values must be strings", "detail": 'Invalid value for key "x"'}

    def done(message: str) -> dict[str, Any]:
        return {"success": True, "message": message}

    dotted: dict[str, Any] = {"b": {"c": "dotted"}, "d": "x"}
    steps: list[tuple[str, str, Any, int, Any]] = [
        ("DELETE", everything, None, 404, nothing),
        ("GET", everything, None, 200, {"success": True, "data": {}}),
        ("GET", at + "a", None, 404, unknown),
        ("DELETE", at + "a", None, 404, nothing),
        (
            "PUT",
            everything,
            {"data": {"a": "1", "b.c": "dotted", "d": "x"}},
            200,
            done("Storage updated"),
        ),
        ("GET", everything, None, 200, {"success": True, "data": {"a": "1", **dotted}}),
        ("GET", at + "a", None, 200, {"success": True, "data": {"value": "1"}}),
        ("GET", at + "b.c", None, 404, unknown),
        ("PUT", at + "a", {"value": "2"}, 200, done('Key "a" set')),
        ("PUT", at + "a", {"value": 2}, 400, wrong_one),
        ("PUT", at + "a", None, 400, wrong_one),
        ("PUT", everything, {"data": {"x": 1}}, 400, not_text),
        ("PUT", everything, {}, 400, wrong_all),
        ("PUT", everything, [], 400, wrong_all),
        ("PUT", at + "$bad", {"value": "v"}, 200, done('Key "$bad" set')),
        ("PUT", at + "with%20space", {"value": "v"}, 200, done('Key "with space" set')),
        ("DELETE", at + "a", None, 200, done('Key "a" deleted')),
        ("DELETE", at + "a", None, 200, done('Key "a" deleted')),
        (
            "GET",
            everything,
            None,
            200,
            {"success": True, "data": {**dotted, "$bad": "v", "with space": "v"}},
        ),
        ("DELETE", at + "b.c", None, 200, done('Key "b.c" deleted')),
        ("DELETE", everything, None, 200, done("Storage cleared")),
        ("DELETE", everything, None, 200, done("Storage cleared")),
        ("DELETE", at + "a", None, 200, done('Key "a" deleted')),
    ]
    for method, path, body, status, answer in steps:
        assert call(simulator, method, path, body) == (status, answer), (method, path, body)


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        (f"Bearer {PACKAGE}:wrong", "Invalid API key"),
        ("Bearer onlykey", "Invalid token format"),
        (None, "Missing Authorization header"),
        ("Basic abc", "Invalid Authorization format"),
        (f"Bearer com.nope:{API_KEY}", "Invalid API key"),
    ],
)
def test_storage_is_for_who_has_the_key(
    simulator: Simulator, authorization: str | None, error: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for path in ("", "/a"):
        for method in ("GET", "PUT", "DELETE"):
            status, answer = call(
                simulator, method, f"api/sdk/simple-storage/{USER}{path}", headers=headers
            )
            assert (status, answer["error"]) == (401, error)


def test_storage_holds_one_megabyte(simulator: Simulator) -> None:
    path = f"api/sdk/simple-storage/{USER}"
    half = "x" * (limits.MAX_STORAGE // 2)
    assert call(simulator, "PUT", path, {"data": {"a": half}})[0] == 200
    assert call(simulator, "PUT", path, {"data": {"b": half}})[0] == 413
    assert call(simulator, "PUT", path + "/b", {"value": half})[0] == 413
    # What was refused has changed nothing, and what is replaced doesn't count twice.
    assert call(simulator, "GET", path)[1]["data"] == {"a": half}
    assert call(simulator, "PUT", path + "/a", {"value": half})[0] == 200
    too_big = requests.put(
        simulator.url + path, data=b"x" * (limits.MAX_REQUEST + 1), headers=KEY, timeout=5
    )
    assert too_big.status_code in (400, 413)


def test_a_text_cannot_hold_a_field(simulator: Simulator) -> None:
    path = f"api/sdk/simple-storage/{USER}"
    assert call(simulator, "PUT", path, {"data": {"a": "1"}})[0] == 200
    assert call(simulator, "PUT", path, {"data": {"a.b": "2"}})[0] == 500
    assert call(simulator, "GET", path)[1]["data"] == {"a": "1"}


def test_a_key_has_a_hundred_parts_at_most(simulator: Simulator) -> None:
    path = f"api/sdk/simple-storage/{USER}"
    most = ".".join("a" * limits.MAX_STORAGE_DEPTH)
    for key in (most + ".a", ".".join("a" * 499)):
        for at, body in (("", {"data": {key: "1"}}), (f"/{key}", {"value": "1"})):
            status, answer = call(simulator, "PUT", path + at, body)
            assert (status, answer["error"]) == (400, "Keys are nested too deeply")
            assert "more than 100 parts" in answer["detail"]
    assert call(simulator, "PUT", f"{path}/{most}", {"value": "1"})[0] == 200
    data = call(simulator, "GET", path)[1]["data"]
    for _ in range(limits.MAX_STORAGE_DEPTH):
        data = data["a"]
    assert data == "1"
    assert call(simulator, "DELETE", f"{path}/{most}")[0] == 200


def test_users_and_apps_have_their_own(simulator: Simulator) -> None:
    call(simulator, "PUT", f"api/sdk/simple-storage/{USER}/a", {"value": "1"})
    other = call(simulator, "GET", "api/sdk/simple-storage/nobody@example.com")
    assert other == (200, {"success": True, "data": {}})


def test_speech_is_as_long_as_its_text(simulator: Simulator) -> None:
    text = "What is your name? " * 3
    answer = requests.get(simulator.url + "api/tts", params={"text": text}, timeout=5)
    assert answer.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16000)
        seconds = sound.getnframes() / sound.getframerate()
    assert seconds == pytest.approx(speech_seconds(text), abs=0.001)
    assert call(simulator, "GET", "api/tts")[0] == 400
    assert call(simulator, "GET", "api/tts?text=" + "x" * 10_001)[0] == 413


def test_how_long_speech_takes() -> None:
    assert speech_seconds("") == speech_seconds("Hi") == 0.5
    assert speech_seconds("x" * 150) == 10.0
    assert speech_seconds("x" * 100_000) == 60.0


def test_other_calls(running: Simulator, app: RawApp) -> None:
    status, answer = call(running, "GET", f"api/public/permissions/{PACKAGE}", headers={})
    assert (status, answer["packageName"]) == (200, PACKAGE)
    assert {"type": "CAMERA"} in answer["permissions"]
    running.deny("CAMERA")
    answer = call(running, "GET", f"api/public/permissions/{PACKAGE}", headers={})[1]
    assert not {"CAMERA", "ALL"} & {entry["type"] for entry in answer["permissions"]}
    missing = (404, {"error": "App not found"})
    assert call(running, "GET", "api/public/permissions/com.nope", headers={}) == missing
    version = call(running, "GET", "api/sdk/version", headers={})[1]
    assert version["data"] == {"required": "2.1.29", "latest": "2.1.29"}
    assert requests.get(running.url + "api/instructions?userId=x", timeout=5).status_code == 404

    body = {"packageName": PACKAGE, "userId": USER}
    found = call(
        running,
        "POST",
        "api/app-communication/discover-users",
        body,
        headers={"Authorization": f"Bearer {API_KEY}"},
    )
    assert found == (200, {"users": [{"userId": USER}], "totalUsers": 1})
    assert call(running, "POST", "api/app-communication/discover-users", body)[0] == 401


def test_settings_can_be_read(running: Simulator) -> None:
    running.app.save_settings(USER, {"flag": True})
    for token in (USER, f"{USER}-{PACKAGE}"):
        headers = {"Authorization": f"Bearer {token}"}
        answer = call(running, "GET", f"appsettings/user/{PACKAGE}", headers=headers)
        assert answer == (200, {"success": True, "settings": [{"key": "flag", "value": True}]})
    assert call(running, "GET", f"appsettings/user/{PACKAGE}", headers={})[0] == 401


def test_phones_show_their_token(simulator: Simulator, app: RawApp) -> None:
    assert call(simulator, "POST", f"apps/{PACKAGE}/start", {})[0] == 401
    headers = {"Authorization": f"Bearer {simulator.token_of()}"}
    answer = call(simulator, "POST", "apps/com.nope/start", {}, headers=headers)
    assert answer == (404, {"success": False, "message": "App not found"})
    assert call(simulator, "POST", f"apps/{PACKAGE}/start", {}, headers=headers)[0] == 200
    assert simulator.app_state == "running"
