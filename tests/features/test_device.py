"""``session.device.state`` and the wifi: what tells of them, in whatever order it comes."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from background import Call
from cloud import SOON, AppSocket, Calls, Scene, scene_fixture, wait_until
from end_to_end import body, ended, refused, settle

from mentra_sync import AppSession, SessionEnded
from mentra_sync.features import device

__all__ = ["scene_fixture"]

STREAMS = ("glasses_connection_state", "glasses_battery_update")
DEFAULTS = {
    "wifi_connected": False,
    "wifi_ssid": None,
    "wifi_local_ip": None,
    "battery_level": None,
    "charging": None,
    "case_battery_level": None,
    "case_charging": None,
    "case_open": None,
    "case_removed": None,
    "hotspot_enabled": None,
    "hotspot_ssid": None,
    "connected": False,
    "model_name": None,
}


def state_update(there: AppSocket, **state: Any) -> None:
    there.send({"type": "device_state_update", "state": state})


def connection(there: AppSocket, status: str = "CONNECTED", **fields: Any) -> None:
    there.event(
        "glasses_connection_state", type="glasses_connection_state", status=status, **fields
    )


def battery(there: AppSocket, level: Any, **fields: Any) -> None:
    there.event("glasses_battery_update", type="glasses_battery_update", level=level, **fields)


# --- The state --------------------------------------------------------------------------------


def test_what_is_known_before_anything_has_come(scene: Scene) -> None:
    session, there = scene.session()
    assert session.device.state.snapshot() == DEFAULTS
    assert session.device.state.wifi_connected.value is False
    assert session.device.state.battery_level.value is None
    there.wait_streams(*STREAMS)


def test_nothing_is_subscribed_to_before_the_first_use(scene: Scene) -> None:
    session, there = scene.session()
    session.events.on_button_press(lambda: None)
    there.wait_streams("button_press")
    assert session.device.state.connected.value is False
    there.wait_streams("button_press", *STREAMS)
    assert session.device.state.connected.value is False
    settle(session, there)
    assert len(there.all("subscription_update")) <= 3, "a second use subscribes to nothing more"


def test_updates_bring_changed_fields_only(scene: Scene) -> None:
    session, there = scene.session()
    state = session.device.state
    state_update(
        there,
        connected=True,
        modelName="Mentra Live",
        wifiConnected=True,
        wifiSsid="lab",
        wifiLocalIp="10.0.0.7",
        batteryLevel=77,
        charging=False,
        caseBatteryLevel=60,
        caseCharging=True,
        caseOpen=True,
        caseRemoved=False,
        hotspotEnabled=True,
        hotspotSsid="spot",
        fwVersion="1.2",
    )
    settle(session, there)
    everything = {
        "connected": True,
        "model_name": "Mentra Live",
        "wifi_connected": True,
        "wifi_ssid": "lab",
        "wifi_local_ip": "10.0.0.7",
        "battery_level": 77,
        "charging": False,
        "case_battery_level": 60,
        "case_charging": True,
        "case_open": True,
        "case_removed": False,
        "hotspot_enabled": True,
        "hotspot_ssid": "spot",
    }
    assert state.snapshot() == everything
    state_update(there, batteryLevel=76, wifiSsid=None)
    settle(session, there)
    assert state.snapshot() == {**everything, "battery_level": 76, "wifi_ssid": None}


def test_handlers_hear_of_changes_and_of_what_has_come_already(scene: Scene) -> None:
    session, there = scene.session()
    level = session.device.state.battery_level
    early, late, other = Calls(), Calls(), Calls()
    level.on_change(early.one)
    session.device.state.charging.on_change(other.one)
    settle(session, there)
    assert early.all == [], "nothing has come yet"
    for value in (50, 50, 49):
        state_update(there, batteryLevel=value)
    assert early.wait(2) == [50, 49]
    stop = level.on_change(late.one)
    assert late.wait() == [49], "at once"
    stop()
    state_update(there, batteryLevel=48)
    assert early.wait(3)[-1] == 48
    settle(session, there)
    assert late.values == [49]
    assert other.all == []


def test_a_default_that_has_come_is_a_value(scene: Scene) -> None:
    session, there = scene.session()
    wifi = session.device.state.wifi_connected
    before, after = Calls(), Calls()
    wifi.on_change(before.one)
    state_update(there, wifiConnected=False)
    assert before.wait() == [False]
    wifi.on_change(after.one)
    assert after.wait() == [False]


def test_every_handler_hears_a_value_once_whenever_it_registers(scene: Scene) -> None:
    """Registered while values come: the last one is told, none twice in a row."""
    session, there = scene.session()
    level = session.device.state.battery_level
    seen = [Calls() for _ in range(40)]
    begin = threading.Barrier(2)

    def send() -> None:
        begin.wait()
        for value in range(200):
            state_update(there, batteryLevel=value)

    sender = threading.Thread(target=send)
    sender.start()
    begin.wait()
    for calls in seen:
        level.on_change(calls.one)
    sender.join()
    for calls in seen:
        wait_until(lambda calls=calls: calls.values[-1:] == [199])
        assert calls.values == list(range(calls.values[0], 200))


def test_a_handler_that_could_not_be_called(scene: Scene) -> None:
    session, there = scene.session()
    state = session.device.state
    there.wait_streams(*STREAMS)
    with refused(session, there, "function", error=TypeError):
        state.connected.on_change(5)  # type: ignore[arg-type]


def test_connection_and_battery_tell_of_the_state_too(scene: Scene) -> None:
    session, there = scene.session()
    state = session.device.state
    there.wait_streams(*STREAMS)
    connection(there, modelName="Even Realities G1", wifi={"connected": True, "ssid": "lab"})
    battery(there, 55, charging=True, timeRemaining=30)
    settle(session, there)
    wanted = {
        "connected": True,
        "model_name": "Even Realities G1",
        "wifi_connected": True,
        "wifi_ssid": "lab",
        "battery_level": 55,
        "charging": True,
    }
    assert state.snapshot() == {**DEFAULTS, **wanted}
    battery(there, 54)
    connection(there, "DISCONNECTED")
    settle(session, there)
    assert state.snapshot() == {**DEFAULTS, **wanted, "battery_level": 54, "connected": False}


@pytest.mark.parametrize(
    ("status", "connected"),
    [
        ("CONNECTED", True),
        ("connected", True),
        ("BATTERY_OK", True),
        ("DISCONNECTED", False),
        ("disconnected", False),
        ("CONNECTING", False),
    ],
)
def test_what_counts_as_connected(scene: Scene, status: str, connected: bool) -> None:
    session, there = scene.session()
    seen = Calls()
    session.device.state.connected.on_change(seen.one)
    connection(there, status)
    assert seen.wait() == [connected]


def test_the_subscriptions_last_beyond_the_handlers(scene: Scene) -> None:
    session, there = scene.session()
    with session.device.state.connected.on_change(lambda: None):
        there.wait_streams(*STREAMS)
    session.events.on_head_position(lambda: None)
    there.wait_streams("head_position", *STREAMS)


def test_what_the_app_listened_to_anyway_is_remembered(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, there = scene.session()
    heard = Calls()
    session.events.on_glasses_connection_state(heard.one)
    there.wait_streams("glasses_connection_state")
    connection(there, modelName="Mentra Live", wifi={"connected": True, "ssid": "home"})
    heard.wait()
    monkeypatch.setattr(device, "_FIRST_REPORT", 60.0)  # which it need not wait for
    status = session.get_wifi_status()
    assert status is not None
    assert (status.connected, status.ssid) == (True, "home")
    assert session.device.state.model_name.value == "Mentra Live"


def test_nonsense_is_an_error_and_no_more(scene: Scene) -> None:
    session, there = scene.session()
    errors = Calls()
    session.events.on_error(errors.one)
    there.send({"type": "device_state_update", "state": "good"})
    assert "state" in str(errors.wait()[0])
    state_update(there, batteryLevel="full", charging="yes", caseOpen=[], modelName=5)
    settle(session, there)
    assert session.device.state.snapshot() == DEFAULTS


# --- The wifi ---------------------------------------------------------------------------------


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first report is waited for as long as a slow machine may need."""
    monkeypatch.setattr(device, "_FIRST_REPORT", 60.0)


def wifi(session: AppSession) -> tuple[bool | None, str | None] | None:
    status = session.get_wifi_status()
    return None if status is None else (status.connected, status.ssid)


@pytest.mark.usefixtures("patient")
def test_the_first_question_waits_for_the_first_report(scene: Scene) -> None:
    session, there = scene.session()
    asked = [Call(lambda: wifi(session)) for _ in range(3)]
    there.wait_streams(*STREAMS)
    connection(there, modelName="G1")  # says nothing of the wifi
    settle(session, there)
    assert all(one.pending for one in asked)
    connection(there, wifi={"connected": True, "ssid": "lab"})
    assert [one.outcome for one in asked] == [(True, "lab")] * 3
    assert session.is_wifi_connected()


def test_the_first_question_waits_a_second_and_later_ones_not_at_all(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, _ = scene.session()
    begin = time.monotonic()
    assert session.get_wifi_status() is None
    assert 0.9 < time.monotonic() - begin < 30
    monkeypatch.setattr(device, "_FIRST_REPORT", 6.0)
    begin = time.monotonic()
    for _ in range(5):
        assert session.get_wifi_status() is None
        assert session.is_wifi_connected() is False
    assert time.monotonic() - begin < 30, "ten waits would have taken a minute"


@pytest.mark.usefixtures("patient")
def test_the_second_counts_from_the_first_use_of_any_kind(scene: Scene) -> None:
    session, _ = scene.session()
    assert session.device.state.connected.value is False
    session._link.clock.advance_to(session._link.clock.now() + 61)
    assert session.get_wifi_status() is None, "at once"


@pytest.mark.usefixtures("patient")
def test_a_report_that_comes_after_the_first_use_is_waited_for(scene: Scene) -> None:
    session, there = scene.session()
    assert session.device.state.connected.value is False
    asked = Call(lambda: wifi(session))
    time.sleep(SOON)
    assert asked.pending
    state_update(there, wifiConnected=True, wifiSsid="lab")
    assert asked.outcome == (True, "lab")


def test_whichever_report_came_last(scene: Scene) -> None:
    session, there = scene.session()
    state_update(there, wifiConnected=True, wifiSsid="state")
    settle(session, there)
    assert wifi(session) == (True, "state")
    connection(there, wifi={"connected": True, "ssid": "connection"})
    settle(session, there)
    assert wifi(session) == (True, "connection")
    state_update(there, wifiSsid="state again")
    settle(session, there)
    assert wifi(session) == (True, "state again")
    battery(there, 5)
    connection(there, modelName="G1")
    state_update(there, batteryLevel=4)
    settle(session, there)
    assert wifi(session) == (True, "state again"), "these say nothing of the wifi"
    state_update(there, wifiConnected=False)
    settle(session, there)
    assert wifi(session) == (False, None)
    assert not session.is_wifi_connected()
    connection(there, wifi={"connected": None, "ssid": None})
    settle(session, there)
    assert wifi(session) == (False, None)


@pytest.mark.usefixtures("patient")
def test_other_callbacks_run_while_one_asks(scene: Scene) -> None:
    session, there = scene.session()
    pressed, answers = Calls(), Calls()

    def on_press(press: Any) -> None:
        pressed(press.button_id)
        if press.button_id == "ask":
            answers(wifi(session))

    session.events.on_button_press(on_press)
    there.wait_streams("button_press")
    there.press("ask")
    there.press("other")
    pressed.wait(2)
    assert answers.all == []
    connection(there, wifi={"connected": False})
    assert answers.wait() == [(False, None)]


@pytest.mark.usefixtures("patient")
def test_the_end_of_the_session_ends_the_question(scene: Scene) -> None:
    session, there = scene.session()
    asked = Call(session.get_wifi_status)
    there.wait_streams(*STREAMS)
    session.disconnect()
    assert isinstance(asked.outcome, SessionEnded)
    with ended(session):
        session.get_wifi_status()
    with ended(session):
        session.is_wifi_connected()
    with ended(session):
        session.request_wifi_setup()


def test_asking_the_wearer_for_a_wifi(scene: Scene) -> None:
    session, there = scene.session()
    session.request_wifi_setup()
    session.request_wifi_setup("Streaming needs it")
    assert body(there.wait("request_wifi_setup")) == {}
    assert body(there.wait("request_wifi_setup", 2)) == {"reason": "Streaming needs it"}
    with refused(session, there, "reason", "text", "5"):
        session.request_wifi_setup(5)  # type: ignore[arg-type]
