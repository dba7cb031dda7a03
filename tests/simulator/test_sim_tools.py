"""Tools that an assistant calls, and what else comes to an app from the cloud itself."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from post_server import Post, PostServer
from raw_app import API_KEY, PACKAGE, RawApp

from mentra_sync.errors import RequestFailed
from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator

WEATHER = {"id": "weather", "description": "tells the weather", "parameters": {}}


class ToolApp:
    """Answers tool calls as it is told to: a status and a body each, the last one again."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = [(200, b'{"status": "success", "reply": "sunny"}')]
        self.calls: list[tuple[str, dict[str, Any], str | None]] = []
        self._server = PostServer(self._answer)
        self.url = self._server.url

    def _answer(self, post: Post) -> tuple[int, bytes]:
        self.calls.append((post.path, json.loads(post.body), post.headers.get("X-App-API-Key")))
        answer = self.answers[0]
        del self.answers[: len(self.answers) > 1]
        return answer

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def tools() -> Iterator[ToolApp]:
    app = ToolApp()
    yield app
    app.close()


@pytest.fixture
def assisted(tools: ToolApp, simulate: Callable[..., Simulator]) -> Simulator:
    return simulate(webhook_url=tools.url, config={"tools": [WEATHER]})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_PAUSE", 0.01)


def test_a_call(assisted: Simulator, tools: ToolApp) -> None:
    assert assisted.call_tool("weather", {"city": "Paris", "days": 2, "user_id": "x"}) == "sunny"
    assert assisted.call_tool("weather", user_id="bob@example.com") == "sunny"
    (path, body, key), (_, second, _) = tools.calls
    assert (path, key) == ("/tool", hashlib.sha256(API_KEY.encode()).hexdigest())
    assert body.pop("timestamp")
    assert body == {
        "toolId": "weather",
        "toolParameters": {"city": "Paris", "days": 2, "user_id": "x"},
        "userId": assisted.user_id,
    }
    assert (second["userId"], second["toolParameters"]) == ("bob@example.com", {})


def test_a_failure_is_tried_again_once(assisted: Simulator, tools: ToolApp) -> None:
    bad = (500, b'{"status": "error", "message": "handler raised"}')
    tools.answers[:0] = [bad]
    assert assisted.call_tool("weather") == "sunny"
    assert len(tools.calls) == 2
    tools.answers[:] = [bad]
    with pytest.raises(RequestFailed, match="handler raised") as caught:
        assisted.call_tool("weather")
    assert caught.value.code == "HTTP_500"
    assert len(tools.calls) == 4


def test_answers_that_are_none(assisted: Simulator, tools: ToolApp) -> None:
    tools.answers[:] = [(404, b"<html>")]
    with pytest.raises(RequestFailed, match="the app answered 404") as caught:
        assisted.call_tool("weather")
    assert caught.value.code == "HTTP_404"
    tools.answers[:] = [(200, b"<html>")]
    assert assisted.call_tool("weather") is None


def test_an_app_that_is_gone_or_slow(
    simulate: Callable[..., Simulator], app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RequestFailed, match="is the app running") as caught:
        simulate(webhook_url="http://127.0.0.1:9/webhook").call_tool("x")
    assert caught.value.code == "UNREACHABLE"
    held = threading.Event()
    app._hook = lambda path, body: 200 if held.wait(20) else 500  # type: ignore[method-assign]
    monkeypatch.setattr(limits, "TOOL_TIMEOUT", 0.1)
    with pytest.raises(RequestFailed, match=r"did not answer .* within 0\.1 s"):
        simulate().call_tool("slow")
    held.set()


def test_tools_by_rest(assisted: Simulator, tools: ToolApp) -> None:
    url = f"{assisted.url}api/tools/apps/{PACKAGE}/tool"
    call = {"toolId": "weather", "toolParameters": {"city": "Paris"}, "userId": "u"}
    answer = requests.post(url, json=call, timeout=20)
    wanted = {"status": "success", "reply": "sunny"}
    assert (answer.status_code, answer.json()) == (200, wanted)
    answer = requests.post(url, json={"toolId": "weather"}, timeout=20)
    wanted = {"error": True, "message": "Missing required fields: userId"}
    assert (answer.status_code, answer.json()) == (400, wanted)
    assert requests.post(url, data="x", timeout=20).status_code == 400
    other = f"{assisted.url}api/tools/apps/com.nope/tool"
    assert requests.post(other, json=call, timeout=20).status_code == 404
    tools.answers[:] = [(500, b'{"message": "handler raised"}')]
    answer = requests.post(url, json=call, timeout=20)
    assert answer.status_code == 500
    assert answer.json() == {
        "error": True,
        "message": "Webhook failed: Request failed with status code 500",
        "details": {"message": "handler raised"},
    }
    assert requests.get(f"{assisted.url}api/tools/apps/{PACKAGE}/tools", timeout=20).json() == [
        WEATHER
    ]


def test_tools_of_a_user(app: RawApp, simulate: Callable[..., Simulator]) -> None:
    simulator = simulate(config={"tools": [WEATHER]})
    url = f"{simulator.url}api/tools/users/{simulator.user_id}/tools"
    assert requests.get(url, timeout=20).json() == []
    assert simulator.start_app()
    assert requests.get(url, timeout=20).json() == [{**WEATHER, "appPackageName": PACKAGE}]
    assert requests.get(url.replace("runner", "nobody"), timeout=20).json() == []


# --- Messages of the cloud's own --------------------------------------------------------------


def custom(app: RawApp) -> list[tuple[str, Any]]:
    frames = [frame for frame in app.socket.seen.all() if frame["type"] == "custom_message"]
    return [(frame["action"], frame["payload"]) for frame in frames]


def test_custom_messages_are_repeated_to_who_subscribes(running: Simulator, app: RawApp) -> None:
    assert running.send_custom_message("time", 1) == 0
    app.subscribe(app.socket, "", ["custom_message"])
    app.socket.wait("custom_message")
    assert running.send_custom_message("time", 2) == 1
    assert running.send_custom_message("other", {"a": 1}) == 1
    app.subscribe(app.socket, "", ["custom_message", "button_press"])
    app.socket.seen.wait_count(lambda frame: frame.get("type") == "custom_message", 5)
    last = [("time", 2), ("other", {"a": 1})]
    assert custom(app) == [("time", 1), *last, *last]


# --- Permissions ------------------------------------------------------------------------------


def subscribe(app: RawApp, *streams: Any) -> None:
    before = len(app.socket.seen.items)
    app.subscribe(app.socket, "", list(streams))
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response", after=before)


def refusals(app: RawApp) -> list[list[tuple[str, str]]]:
    frames = [frame for frame in app.socket.seen.all() if frame["type"] == "permission_error"]
    return [[(d["stream"], d["requiredPermission"]) for d in f["details"]] for f in frames]


def test_refused_streams_are_told_once(running: Simulator, app: RawApp) -> None:
    running.deny("LOCATION")
    running.deny("MICROPHONE")
    rate = {"stream": "location_stream", "rate": "high"}
    subscribe(app, "button_press", "transcription:en-US", rate)
    wanted = [("transcription:en-US", "MICROPHONE"), ("location_stream", "LOCATION")]
    assert refusals(app) == [wanted]
    subscribe(app, "button_press", "transcription:en-US", rate)
    subscribe(app, "transcription:en-US", "calendar_event")
    assert refusals(app) == [wanted]
    subscribe(app, "location_update")
    assert refusals(app) == [wanted, [("location_update", "LOCATION")]]
    assert running.glasses.move_to(1, 2) == 0
    running.allow("LOCATION")
    subscribe(app, "location_update")
    assert running.glasses.move_to(1, 2) == 1
    assert len(refusals(app)) == 2


def test_the_recorded_cloud_says_nothing_of_permissions(
    app: RawApp, simulate: Callable[..., Simulator]
) -> None:
    simulator = simulate(tells_permission_errors=False)
    simulator.deny("LOCATION")
    assert simulator.start_app()
    app.wait_connected()
    subscribe(app, "location_update")
    assert refusals(app) == []
