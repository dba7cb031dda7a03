"""An app on the official TypeScript SDK, unchanged, runs on the simulator and talks with a wearer.

What cannot work against a cloud on plain HTTP, whoever wrote it, because the SDK asks over HTTPS:

- its look at the app's permissions, for a warning on the console (`/api/public/permissions`);
- the address of speech, ``https://127.0.0.1:…/api/tts``: nothing could fetch it.  The simulated
  glasses speak the words in it themselves;
- its look for a newer version of itself, which it asks of the real cloud only.

And on the recorded cloud neither: ``getInstructions()`` and ``isUserActive()``, which ask what is
no address; the rate of a location stream, changes of system settings and custom messages, which it
never subscribes to.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from official_app import API_KEY, INSTALL_SECONDS, PACKAGE, PATIENCE, Missing, OfficialApp
from official_app import node_modules as find_node_modules

from mentra_sync.errors import RequestFailed
from mentra_sync.simulator.http import Simulator

pytestmark = pytest.mark.timeout(INSTALL_SECONDS + 120)

USER = "runner@example.com"
CONFIG = {
    "name": "Companion",
    "settings": [
        {"key": "greeting", "type": "text", "label": "Greeting", "defaultValue": "Hello"},
    ],
    "tools": [{"id": "add", "description": "Add an item"}],
}


@pytest.fixture(scope="session")
def modules() -> Path:
    try:
        return find_node_modules()
    except Missing as missing:
        pytest.skip(f"the official SDK cannot be tried: {missing}")


@pytest.fixture
def official(modules: Path, tmp_path: Path) -> Iterator[OfficialApp]:
    app = OfficialApp(tmp_path, modules)
    yield app
    app.stop()


@pytest.fixture
def run(official: OfficialApp) -> Iterator[Callable[..., Simulator]]:
    """Runs the app on a simulator, until it has subscribed to what it wants to hear."""
    made: list[Simulator] = []

    def start(**options: Any) -> Simulator:
        defaults: dict[str, Any] = {
            "webhook_url": official.webhook_url,
            "package_name": PACKAGE,
            "api_key": API_KEY,
            "port": 0,
            "user_id": USER,
            "config": CONFIG,
            "realistic": False,
        }
        made.append(Simulator(**{**defaults, **options}))
        made[-1].start()
        assert made[-1].start_app(), made[-1].app_detail
        assert made[-1].wait_for_streams(lambda streams: "location_update" in streams, PATIENCE)
        return made[-1]

    yield start
    for simulator in made:
        simulator.stop()


def ask(simulator: Simulator, official: OfficialApp, words: str) -> Any:
    """Say what the app knows as a request, and return what came of it."""
    before = len(official.told(words))
    simulator.glasses.say(words)
    return official.wait_for(words, count=before + 1)


@pytest.mark.parametrize("realistic", [False, True])
def test_a_conversation(
    official: OfficialApp, run: Callable[..., Simulator], realistic: bool
) -> None:
    simulator = run(realistic=realistic)
    glasses = simulator.glasses
    assert official.wait_for("session") == {
        "sessionId": f"{USER}-{PACKAGE}",
        "userId": USER,
        "model": "Simulated Glasses",
        "greeting": None,  # the SDK knows no defaults while only those are there
    }
    assert glasses.lens.wait_for("Hello from TypeScript", PATIENCE)

    glasses.say("how are you today")
    assert glasses.lens.wait_for("You said: how are you today", PATIENCE)
    assert glasses.spoken.wait_for("You said: how are you today", PATIENCE)
    assert official.wait_for("spoken")["success"] is True
    assert official.told("interim")[0] == "how"

    glasses.press("main", "long")
    assert glasses.lens.wait_for("main long", PATIENCE)

    simulator.stop_app()
    assert official.wait_for("stop") == [f"{USER}-{PACKAGE}", "user_disabled"]
    assert simulator.app_state == "stopped"
    assert simulator.start_app()
    assert official.wait_for("session", count=2)
    assert len(official.told("stop")) == 1


def test_what_the_wearer_does(official: OfficialApp, run: Callable[..., Simulator]) -> None:
    simulator = run()
    glasses = simulator.glasses
    glasses.head("up")
    assert official.wait_for("head") == "up"
    glasses.touch("double_tap")
    assert official.wait_for("touch") == "double_tap"
    glasses.notify("Mail", "New letter")
    assert official.wait_for("notification") == ["Mail", "New letter"]
    glasses.battery(17)
    assert official.wait_for("battery") == 17
    glasses.voice_activity(True)
    assert official.wait_for("voice") is True
    glasses.calendar("Dentist", "2030-01-02T10:00:00Z", "2030-01-02T11:00:00Z")
    assert official.wait_for("calendar") == "Dentist"
    glasses.audio(bytes(640))
    assert official.wait_for("audio") == 640
    glasses.say("guten Tag", language="de-DE")
    assert official.wait_for("german") == "guten Tag"
    glasses.move_to(52.5, 13.25)
    assert official.wait_for("place") == [52.5, 13.25]
    assert ask(simulator, official, "where am i") == {"lat": 52.5, "lng": 13.25}
    glasses.connection(model="Mentra Live", wifi=True, ssid="home")
    assert official.wait_for("model") == "Mentra Live"
    assert official.wait_for("wifi", lambda state: state[1]) == [
        {"connected": True, "ssid": "home"},
        True,
    ]
    assert official.told("error") == []


def test_what_the_cloud_tells(official: OfficialApp, run: Callable[..., Simulator]) -> None:
    simulator = run()
    assert simulator.change_settings({"greeting": "Servus"})
    assert official.wait_for("greeting", lambda change: change[0] == "Servus")
    assert ask(simulator, official, "fetch the settings") == "Servus"
    simulator.change_dashboard("expanded")
    assert official.wait_for("mode") == "expanded"
    assert simulator.call_tool("add", {"item": "bread"}) == f"added bread for {USER}"
    assert simulator.glasses.lens.wait_for("Tool: bread")
    with pytest.raises(RequestFailed, match="500"):
        simulator.call_tool("fail")

    simulator.deny("LOCATION")
    simulator.stop_app()
    assert simulator.start_app()
    assert "location_update" in official.wait_for("permissions")


def test_a_web_page_of_the_app_knows_who_looks(
    official: OfficialApp, run: Callable[..., Simulator]
) -> None:
    simulator = run()
    with urllib.request.urlopen(simulator.page_url("/whoami"), timeout=PATIENCE) as answer:
        assert json.load(answer) == {"userId": USER, "running": True}
    with urllib.request.urlopen(f"{official.webhook_url}/whoami", timeout=PATIENCE) as answer:
        assert json.load(answer) == {"userId": None, "running": False}


def test_what_it_shows_and_stores(official: OfficialApp, run: Callable[..., Simulator]) -> None:
    simulator = run()
    glasses = simulator.glasses
    ask(simulator, official, "show a card")
    assert glasses.lens.wait_for("A title and a text")
    ask(simulator, official, "show two texts")
    assert glasses.lens.wait_for("above below")
    ask(simulator, official, "clear")
    assert glasses.lens.wait_for(lambda shown: shown.view == "main" and not shown.text)
    ask(simulator, official, "write on the dashboard")
    assert glasses.lens.wait_for(lambda shown: "two letters" in shown.text)

    assert ask(simulator, official, "remember the milk") == ["item", "shop"]
    simulator.stop_app()
    assert simulator.start_app()
    assert simulator.wait_for_streams(lambda streams: "location_update" in streams, PATIENCE)
    assert ask(simulator, official, "what was it") == "milk"
    assert ask(simulator, official, "forget it") == [True, {"shop": "corner"}]


def test_what_is_heard_and_lit(official: OfficialApp, run: Callable[..., Simulator]) -> None:
    simulator = run()
    result = ask(simulator, official, "play a tune")
    assert result["success"] is True
    assert simulator.glasses.played == ["https://example.com/tune.mp3"]
    ask(simulator, official, "be quiet")
    ask(simulator, official, "blink")
    light = simulator.glasses.lights.wait_for(lambda light: light.action == "on")
    assert light is not None
    assert (light.color, light.on_ms, light.off_ms, light.count) == ("green", 200, 100, 3)


def test_photos_and_video(official: OfficialApp, run: Callable[..., Simulator]) -> None:
    simulator = run(glasses="live")
    glasses = simulator.glasses
    photo = ask(simulator, official, "take a photo")
    assert photo["type"] == "image/jpeg" and photo["start"] == "ffd8ff" and photo["size"] > 1000
    assert glasses.photos[0].size == "large"
    glasses.camera.fail_next("upload", "CAMERA_BUSY", "The camera is busy")
    glasses.say("take a photo")
    assert "The camera is busy" in official.wait_for("failed")

    ask(simulator, official, "set up wifi")
    assert glasses.wifi_setups.wait_for(lambda setup: setup.reason == "to stream")
    glasses.connection(wifi=True, ssid="home")
    ask(simulator, official, "go live")
    assert official.wait_for("stream", lambda status: status == "active")
    ask(simulator, official, "stop the stream")
    assert official.wait_for("stream", lambda status: status == "stopped")
    assert ask(simulator, official, "broadcast this").endswith(".m3u8")
    assert ask(simulator, official, "stop the broadcast")["hasActiveStream"] is False


def test_several_wearers(official: OfficialApp, run: Callable[..., Simulator]) -> None:
    simulator = run()
    simulator.glasses_of("ann@example.com")
    assert simulator.start_app("ann@example.com")
    official.wait_for("session", count=2)
    users = ask(simulator, official, "who is here")
    assert users["totalUsers"] == 2
    assert ask(simulator, official, "tell ann") is True
    assert official.wait_for("message") == [USER, {"text": "hi"}]
    ask(simulator, official, "tell everybody")
    assert official.wait_for("message", count=2) == [USER, {"text": "hello all"}]


def test_a_lost_connection_comes_back(official: OfficialApp, run: Callable[..., Simulator]) -> None:
    simulator = run()
    simulator.drop_connection()
    assert official.wait_for("disconnected")[0] == 1006
    official.wait_for("connected", count=1)
    assert simulator.wait_for_streams(lambda streams: "location_update" in streams, PATIENCE)
    simulator.glasses.say("still there")
    assert simulator.glasses.lens.wait_for("You said: still there", PATIENCE)
    assert len(official.told("session")) == 1 and official.told("stop") == []


def test_a_refusal_ends_its_connection_and_the_cloud_starts_it_again(
    official: OfficialApp, run: Callable[..., Simulator]
) -> None:
    """The SDK takes the close after a refusal for an ordinary end, and does not come back."""
    simulator = run(glasses="live")
    simulator.deny("CAMERA")
    simulator.glasses.say("take a photo")
    assert "Camera permission" in official.wait_for("error")
    official.wait_for("session", count=2)
    simulator.allow("CAMERA")
    assert simulator.wait_for_streams(lambda streams: "location_update" in streams, PATIENCE)
    assert ask(simulator, official, "take a photo")["type"] == "image/jpeg"
    assert [reason for _, reason in official.told("stop")] == ["user_disabled"]


def test_a_wrong_key_is_refused(official: OfficialApp) -> None:
    with Simulator(
        webhook_url=official.webhook_url, package_name=PACKAGE, api_key="another", port=0
    ) as simulator:
        assert not simulator.start_app()
        assert simulator.app_state == "failed"
    assert official.told("session") == []
