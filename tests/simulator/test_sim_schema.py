"""The schema of the controls: what glasses have, and that what it says is what works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from raw_app import RawApp, RawSocket

from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator.controls import CONTROLS
from mentra_sync.simulator.http import Simulator

Message = dict[str, Any]
OpenSocket = Callable[..., RawSocket]

CONFIG = {"settings": [{"key": "name", "label": "Name", "type": "text", "defaultValue": "Ada"}]}

FILLED_IN = {
    "id": "id-1",
    "now": "2026-01-02T03:04:05.000Z",
    "timezone": "Europe/Berlin",
}


def schema_of(simulator: Simulator, **query: str) -> Message:
    """What the page is told."""
    answer = requests.get(simulator.url + "api/sim/schema", params=query, timeout=20)
    assert answer.status_code == 200, answer.text
    schema: Message = answer.json()
    return schema


def control_of(schema: Message, control_id: str) -> Message:
    """One control of a schema."""
    [found] = [one for one in schema["controls"] if one["id"] == control_id]
    return dict(found)


def message_of(control: Message) -> Message:
    """What a client that has read nothing but the schema would send."""
    message = dict(control["message"])
    for field in control["fields"]:
        value = FILLED_IN.get(field["kind"], field["default"])
        if field["kind"] == "moment":
            value = iso_timestamp()
        name, _, inner = field["name"].partition(".")
        if inner:
            message.setdefault(name, {})[inner] = value
        else:
            message[name] = value
    return message


# --- What there is -------------------------------------------------------------------------------


def test_g1_have_no_camera_and_live_do(simulate: Callable[..., Simulator]) -> None:
    simulator = simulate(glasses="g1")
    schema = schema_of(simulator)
    assert schema["model"] == "Even Realities G1"
    missing = control_of(schema, "camera")["missing"]
    assert missing == "Even Realities G1 have no camera; Mentra Live do."
    assert schema["lights"] == []
    simulator.glasses.connection(model="Mentra Live")
    schema = schema_of(simulator)
    assert control_of(schema, "camera")["missing"] is None
    assert [light["id"] for light in schema["lights"]] == ["privacy", "user_feedback"]


@pytest.mark.parametrize("model", KNOWN)
def test_what_is_missing_is_what_the_capabilities_say(
    simulate: Callable[..., Simulator], model: str
) -> None:
    schema = schema_of(simulate(glasses=model))
    known = KNOWN[model]
    has = {
        "button_press": known.has_button,
        "camera": known.has_camera,
        "VAD": known.has_microphone,
        "wifi": known.has_wifi,
    }
    assert {name: control_of(schema, name)["missing"] is None for name in has} == has


def test_glasses_out_of_reach_leave_what_the_phone_does(simulator: Simulator) -> None:
    simulator.glasses.connection("DISCONNECTED")
    schema = schema_of(simulator)
    assert schema["connected"] is False
    assert control_of(schema, "button_press")["missing"] == "No glasses are connected."
    usable = {one["id"] for one in schema["controls"] if one["missing"] is None}
    assert {"say", "location_update", "phone_notification", "calendar_event"} <= usable
    simulator.glasses.connection("CONNECTED")
    assert schema_of(simulator)["connected"] is True


def test_each_wearer_has_a_schema_and_strangers_have_none(simulator: Simulator) -> None:
    simulator.glasses_of("bob@example.com", "live")
    assert schema_of(simulator, user="bob@example.com")["model"] == "Mentra Live"
    assert schema_of(simulator)["model"] == "Simulated Glasses"
    query = {"user": "nobody"}
    assert requests.get(simulator.url + "api/sim/schema", query, timeout=20).status_code == 404


def test_settings_are_told_with_the_value_in_force(simulate: Callable[..., Simulator]) -> None:
    simulator = simulate(config=CONFIG)
    [setting] = schema_of(simulator)["settings"]
    assert setting == CONFIG["settings"][0]
    simulator.change_settings({"name": "Grace"})
    [setting] = schema_of(simulator)["settings"]
    assert (setting["value"], setting["label"]) == ("Grace", "Name")


def test_odd_settings_do_no_harm(simulate: Callable[..., Simulator]) -> None:
    odd = {"settings": ["text", {"key": ["a"]}, {"type": "group", "title": "More"}]}
    simulator = simulate(config=odd)
    simulator.change_settings({"name": "Grace"})
    assert schema_of(simulator)["settings"] == odd["settings"][1:]


def test_permissions_say_which_streams_need_them(simulator: Simulator) -> None:
    simulator.deny("LOCATION")
    permissions = {one["type"]: one for one in schema_of(simulator)["permissions"]}
    assert permissions["LOCATION"]["granted"] is False
    assert permissions["CAMERA"]["granted"] is True
    assert {"location_update", "location_stream"} == set(permissions["LOCATION"]["streams"])
    simulator.allow("LOCATION")
    granted = [one["granted"] for one in schema_of(simulator)["permissions"]]
    assert all(granted)


# --- That it is true -----------------------------------------------------------------------------

BY_GLASSES_AND_PHONE = [
    one for one in CONTROLS if one.streams and one.by != "simulator" and one.message != {}
] + [one for one in CONTROLS if one.id == "phone_notification"]


@pytest.mark.parametrize("control_id", [one.id for one in BY_GLASSES_AND_PHONE])
def test_a_client_that_reads_only_the_schema_reaches_the_app(
    simulate: Callable[..., Simulator], app: RawApp, open_socket: OpenSocket, control_id: str
) -> None:
    simulator = simulate(glasses="live")
    control = control_of(schema_of(simulator), control_id)
    assert control["missing"] is None
    app.subscriptions = [control["streams"][0]]
    assert simulator.start_app()
    assert simulator.wait_for_streams()
    message = message_of(control)
    if control["by"] == "phone":
        headers = {"Authorization": f"Bearer {simulator.token_of()}"}
        url = simulator.url.rstrip("/") + control["path"]
        assert requests.post(url, json=message, headers=headers, timeout=20).status_code == 200
    else:
        url = simulator.websocket_url.replace("/app-ws", "/glasses-ws")
        open_socket(f"{url}?token={simulator.token_of()}").send(message)
    data = app.socket.wait("data_stream", streamType=control["streams"][0])["data"]
    sent = {name: value for name, value in message.items() if name not in ("type", "timestamp")}
    assert sent.items() <= data.items()


# --- That pages are told -------------------------------------------------------------------------


def page_socket(simulator: Simulator, open_socket: OpenSocket) -> RawSocket:
    """What the page hears."""
    return open_socket(simulator.websocket_url.replace("/app-ws", "/simulator-ws"))


def test_pages_hear_of_other_glasses(simulator: Simulator, open_socket: OpenSocket) -> None:
    page = page_socket(simulator, open_socket)
    hello = page.wait("hello")
    assert hello["schema"] == schema_of(simulator)
    simulator.glasses.connection(model="Mentra Live")
    assert page.wait("schema")["model"] == "Mentra Live"
    simulator.glasses.connection("DISCONNECTED")
    assert page.wait("schema", connected=False)["model"] == "Mentra Live"


def test_pages_hear_of_settings_and_permissions_from_elsewhere(
    simulate: Callable[..., Simulator], open_socket: OpenSocket
) -> None:
    simulator = simulate(config=CONFIG)
    page = page_socket(simulator, open_socket)
    page.wait("hello")
    simulator.change_settings({"name": "Grace"})

    def named(what: Message) -> bool:
        return what.get("kind") == "settings" and what["settings"][0].get("value") == "Grace"

    page.seen.wait(named)
    simulator.deny("CAMERA")
    page.wait("permissions", denied=["CAMERA"])


def test_pages_deny_and_allow(simulator: Simulator, open_socket: OpenSocket) -> None:
    page = page_socket(simulator, open_socket)
    page.wait("hello")
    page.send({"action": "deny", "permission": "CAMERA"})
    page.wait("permissions", denied=["CAMERA"])
    assert not simulator.app.allows("CAMERA")
    page.send({"action": "allow", "permission": "CAMERA"})
    page.wait("permissions", denied=[])
    assert simulator.app.allows("CAMERA")
    page.send({"action": "deny", "permission": ["CAMERA"]})
    assert "permission must be a text" in page.wait("problem")["message"]
