"""``/api/sim/...``: what the page can do, over HTTP, for every wearer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import requests
from raw_app import RawApp

from mentra_sync.simulator import actions_rest
from mentra_sync.simulator.http import Simulator

README = (Path(__file__).parents[2] / "README.rst").read_text(encoding="utf-8")


class Tool:
    """Somebody's program that uses the simulator over HTTP."""

    def __init__(self, simulator: Simulator) -> None:
        self._url = simulator.url + "api/sim"

    def post(self, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        answer = requests.post(f"{self._url}/{path}", json=body, params=query, timeout=10)
        return answer.status_code, answer.json() if answer.ok or answer.status_code != 404 else None

    def get(self, path: str, **query: Any) -> Any:
        answer = requests.get(f"{self._url}{path}", params=query, timeout=10)
        assert answer.ok, answer.text
        return answer.json()


@pytest.fixture
def tool(running: Simulator) -> Tool:
    return Tool(running)


def test_everything_is_offered_with_what_it_takes(tool: Tool) -> None:
    actions = {action["name"]: action for action in tool.get("")["actions"]}
    press = actions["press"]
    assert press["help"] == "Press a button, ``kind`` ``short`` or ``long``."
    assert press["parameters"] == [
        {"name": "button", "type": "a text", "required": False, "default": "main"},
        {"name": "kind", "type": "a text", "required": False, "default": "short"},
    ]
    assert all(action["help"] for action in actions.values())
    wearers_own = {"user_id", "self"}
    assert not any(
        parameter["name"] in wearers_own
        for action in actions.values()
        for parameter in action["parameters"]
    )


def test_inputs_reach_the_app(running: Simulator, app: RawApp, tool: Tool) -> None:
    app.subscribe(app.socket, "", ["button_press", "location_update", "transcription:en-US"])
    assert running.wait_for_streams(lambda streams: len(streams) == 3)
    assert tool.post("press", {"kind": "long"}) == (200, {"result": 1})
    assert tool.post("move_to", {"latitude": 52.5, "longitude": 13}) == (200, {"result": 1})
    assert tool.post("say", {"text": "hello"}) == (200, {"result": None})
    assert app.socket.wait("data_stream", streamType="button_press")["data"]["pressType"] == "long"
    assert app.socket.wait("data_stream", streamType="location_update")["data"]["lat"] == 52.5


def test_what_came_of_it(running: Simulator, app: RawApp, tool: Tool) -> None:
    app.show("hello there")
    assert tool.get("/lens", wait_for="hello there")["found"] is True
    assert tool.get("/lens")["text"] == "hello there"
    assert tool.get("/history")[-1]["lines"] == ["hello there"]
    assert tool.get("/lens", wait_for="never", timeout=0)["found"] is False
    app.send("audio_play_request", requestId="r1", audioUrl="http://x/api/tts?text=hi")
    assert tool.get("/spoken", wait_for="hi") == ["hi"]
    app.send(
        "rgb_led_control", requestId="r2", action="on", color="red", ontime=5, offtime=0, count=1
    )
    running.glasses.lights.wait_for(lambda light: light.color == "red")
    assert tool.get("/lights")[0]["color"] == "red"
    picture = requests.get(running.url + "api/sim/lens.png", timeout=10)
    assert picture.content.startswith(b"\x89PNG")
    names = [crossing["name"] for crossing in tool.get("/timeline")]
    assert "tpa_connection_init" in names
    last = tool.get("/timeline")[-1]["number"]
    assert tool.get("/timeline", after=last) == []


def test_start_and_stop_wait_for_the_app(simulator: Simulator, app: RawApp) -> None:
    tool = Tool(simulator)
    assert tool.post("start") == (200, {"result": True})
    assert tool.get("/state")["app"]["state"] == "running"
    app.wait_connected()
    assert tool.post("stop") == (200, {"result": None})
    assert tool.get("/state")["app"]["state"] == "stopped"


def test_another_wearer(running: Simulator, app: RawApp, tool: Tool) -> None:
    assert tool.post("press", {}, user="bob@example.com")[0] == 404
    assert tool.post("wearers/bob@example.com")[0] == 200
    assert tool.post("press", {}, user="bob@example.com") == (200, {"result": 0})
    assert tool.get("/state", user="bob@example.com")["app"]["state"] == "stopped"
    assert tool.get("/state")["app"]["state"] == "running"


@pytest.mark.parametrize(
    ("name", "arguments", "about"),
    [
        ("press", {"kind": "medium"}, "kind must be one of short, long"),
        ("press", {"kind": 5}, "kind must be a text, got 5"),
        ("press", {"user_id": "bob"}, "press takes button, kind; got user_id"),
        ("battery", {"level": True}, "level must be a whole number, got True"),
        ("battery", {}, "battery needs level"),
        ("battery", {"level": 101}, "level must be 0 to 100"),
        ("deny", {"permission": "FLYING"}, "permission must be one of"),
        ("fault", {"name": "earthquake"}, "name must be one of drop_connection"),
        ("fault", {"name": "slow_network", "value": -1}, "delay must be seconds"),
        ("send", {"frame": []}, "frame must be an object"),
        ("say", {"text": " "}, "text must be what was said"),
    ],
)
def test_nonsense_is_explained(tool: Tool, name: str, arguments: Any, about: str) -> None:
    status, answer = tool.post(name, arguments)
    assert status == 400
    assert about in answer["error"]


def test_what_is_no_action(running: Simulator) -> None:
    answer = requests.post(running.url + "api/sim/pres", json={}, timeout=20)
    assert answer.status_code == 404
    assert "try press" in answer.json()["error"]
    nonsense = ("[1]", "{", "[" * 100_000, '{"latitude": NaN, "longitude": 1}', b"\xff")
    for body in nonsense:
        answer = requests.post(running.url + "api/sim/move_to", data=body, timeout=20)
        assert answer.status_code == 400, body
        assert "the body must be a JSON object" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "about"),
    [
        ("GET", "/say", 405, "GET is no way to ask for /api/sim/say; there is: POST"),
        ("GET", "/invitations", 405, "there is: POST"),
        ("GET", "/wearers/carl@example.com", 405, "there is: POST"),
        ("DELETE", "/lens", 405, "there is: GET"),
        ("POST", "", 405, "there is: GET"),
        ("GET", "/spoke", 404, "there is no 'spoke'; try spoken"),
        ("GET", "/xyz", 404, "there is no 'xyz'; GET /api/sim tells what can be done"),
        ("GET", "/a/b/c", 404, "not found"),
        ("GET", "/lens?user=carl", 404, "there is no wearer of that name"),
        ("POST", "/say?user=carl", 404, "there is no wearer of that name"),
        ("GET", "/streams?user=carl", 404, "there is no wearer of that name"),
    ],
)
def test_every_mistake_is_answered_with_an_error(
    running: Simulator, method: str, path: str, status: int, about: str
) -> None:
    answer = requests.request(method, f"{running.url}api/sim{path}", timeout=20)
    assert answer.status_code == status
    assert about in answer.json()["error"]
    assert ("Allow" in answer.headers) is (status == 405)


def test_elsewhere_refusals_are_pages(running: Simulator) -> None:
    answer = requests.get(f"{running.url}nowhere", timeout=20)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize("timeout", ["nan", "-1"])
def test_a_timeout_that_makes_no_sense_is_the_usual_one_at_most(
    tool: Tool, timeout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions_rest, "WAIT_SECONDS", 0.2)
    assert tool.get("/lens", wait_for="never", timeout=timeout)["found"] is False


def test_a_body_as_curl_sends_it(running: Simulator) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    url = running.url + "api/sim/press"
    answer = requests.post(url, data='{"kind": "medium"}', headers=kind, timeout=20)
    assert answer.status_code == 400
    assert "got 'medium'" in answer.json()["error"]


def test_a_wearer_with_a_model_as_curl_sends_it(running: Simulator) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    url = running.url + "api/sim/wearers/bob@example.com"
    for body in ("{", '{"model": 5}', "[" * 100_000, '{"model": "g9"}'):
        answer = requests.post(url, data=body, headers=kind, timeout=20)
        assert answer.status_code == 400, body
    answer = requests.post(url, data='{"model": "g1"}', headers=kind, timeout=20)
    assert answer.json()["model"] == "Even Realities G1"


def test_the_readme_names_all_of_it(running: Simulator, tool: Tool) -> None:
    section = README.partition("From other programs")[2].partition("What runs where")[0]
    named = set(re.findall(r"``(?:GET /api/sim/)?([a-z_.]+)``", section)) - {"timeout", "error"}
    actions = {action["name"] for action in tool.get("")["actions"]}
    assert actions <= named
    assert len(named - actions) > 10
    for name in named - actions:
        answer = requests.get(f"{running.url}api/sim/{name}", timeout=20)
        assert answer.ok, name


def test_other_sites_can_do_nothing(running: Simulator) -> None:
    headers = {"Origin": "http://evil.example"}
    answer = requests.post(running.url + "api/sim/press", headers=headers, timeout=20)
    assert answer.status_code == 403
