"""Faults on purpose: what the app meets, that they end, and what other wearers don't notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from raw_app import RawApp, RawSocket

from mentra_sync.simulator.faults import KINDS
from mentra_sync.simulator.http import Simulator


def test_a_dropped_connection(running: Simulator, app: RawApp) -> None:
    running.faults_of().drop_connection()
    assert app.socket.wait_closed() == (None, "")


def test_connections_are_refused_until_it_is_over(running: Simulator, app: RawApp) -> None:
    with running.faults_of().refuse_connections() as fault:
        app.socket.wait_closed()
        assert running.faults_of().active == ["refuse_connections"]
        refused = app.dial(app.hooks.all()[0])
        refused.wait_closed()
        assert refused.seen.all() == []
        fault.stop()
        assert running.faults_of().active == []
        app.connect(app.hooks.all()[0])


def test_connections_are_refused_for_a_while(
    running: Simulator, app: RawApp, wait_until: Callable[..., None]
) -> None:
    running.faults_of().refuse_connections(0.05)
    wait_until(lambda: not running.faults_of().active)
    app.connect(app.hooks.all()[0])


def test_a_slow_network_keeps_the_order(running: Simulator, app: RawApp) -> None:
    app.subscribe(app.socket, "", ["button_press"])
    assert running.wait_for_streams(lambda streams: "button_press" in streams)
    with running.faults_of().slow_network(0.2):
        began = time.monotonic()
        for number in range(3):
            running.glasses.press(f"b{number}")
        app.socket.wait("data_stream")
        assert time.monotonic() - began >= 0.2
    running.glasses.press("last")
    app.socket.seen.wait_count(lambda frame: frame["type"] == "data_stream", 4)
    pressed = [
        frame["data"]["buttonId"]
        for frame in app.socket.seen.all()
        if frame["type"] == "data_stream"
    ]
    assert pressed == ["b0", "b1", "b2", "last"]
    began = time.monotonic()
    with running.faults_of().slow_network(0.2):
        app.show("late")
        assert running.glasses.lens.wait_for("late")
        assert time.monotonic() - began >= 0.2


def test_the_webhook_twice(running: Simulator, app: RawApp) -> None:
    running.faults_of().repeat_webhook()
    app.hooks.wait_count(lambda hook: hook["type"] == "session_request", 2)
    first, second = app.hooks.all()
    assert first == second
    app.wait_connected(2)
    running.stop_app()
    with pytest.raises(ValueError, match="not running"):
        running.faults_of().repeat_webhook()


def test_speech_fails(running: Simulator, app: RawApp) -> None:
    play = {"requestId": "r1", "audioUrl": "http://x/api/tts?text=hi"}
    with running.faults_of().failing_tts("no voice"):
        app.send("audio_play_request", **play)
        answer = app.socket.wait("audio_play_response", requestId="r1")
        assert (answer["success"], answer["error"]) == (False, "no voice")
    app.send("audio_play_request", **{**play, "requestId": "r2"})
    assert app.socket.wait("audio_play_response", requestId="r2")["success"] is True
    assert running.glasses.spoken == ["hi"]


def test_photos_never_come(simulate: Callable[..., Simulator], app: RawApp) -> None:
    simulator = simulate(glasses="live")
    simulator.start_app()
    app.wait_connected()
    with simulator.faults_of().no_photos():
        app.send("photo_request", requestId="p1")
        app.send("photo_request", requestId="p2")
        assert simulator.glasses.frames.wait_for(lambda frame: frame.get("requestId") == "p2")
    app.send("photo_request", requestId="p3")
    app.socket.wait("photo_response", requestId="p3")
    assert [photo.request_id for photo in simulator.glasses.photos] == ["p3"]


def test_the_end_of_the_session(running: Simulator, app: RawApp) -> None:
    running.faults_of().end_session()
    assert app.socket.wait_closed() == (1000, "User session ended")
    assert running.app_state == "stopped"


def test_glasses_out_of_reach(running: Simulator, app: RawApp) -> None:
    app.subscribe(app.socket, "", ["glasses_connection_state"])
    assert running.wait_for_streams(lambda streams: bool(streams))
    with running.faults_of().out_of_reach():
        state = app.socket.wait("data_stream")
        assert state["data"]["status"] == "DISCONNECTED"
    app.socket.seen.wait(
        lambda frame: frame["type"] == "data_stream" and frame["data"]["status"] == "CONNECTED"
    )


def test_begun_again_it_is_still_one(running: Simulator) -> None:
    faults = running.faults_of()
    first = faults.slow_network(0.1)
    second = faults.slow_network(0.2)
    first.stop()
    assert faults.active == ["slow_network"]
    second.stop()
    second.stop()
    assert faults.active == []


def test_only_one_wearer_is_concerned(running: Simulator) -> None:
    running.glasses_of("bob@example.com")
    with running.faults_of("bob@example.com").refuse_connections():
        assert running.faults_of().active == []
        assert running.app_state == "running"


@pytest.mark.parametrize("seconds", [0, -1, True, "1", float("nan"), 1e9])
def test_durations_that_make_no_sense(running: Simulator, seconds: Any) -> None:
    with pytest.raises(ValueError, match="must be seconds"):
        running.faults_of().slow_network(seconds)
    with pytest.raises(ValueError, match="must be seconds"):
        running.faults_of().refuse_connections(seconds)


def test_pages_are_told(running: Simulator, open_socket: Callable[..., RawSocket]) -> None:
    page = open_socket(running.url.replace("http", "ws") + "simulator-ws")
    offered = page.wait("hello")["faults"]["faults"]
    assert [fault["name"] for fault in offered] == [kind.name for kind in KINDS]
    page.send({"action": "fault", "name": "slow_network", "value": 0.01})
    page.seen.wait(
        lambda message: (
            message["kind"] == "faults"
            and [fault["name"] for fault in message["faults"] if fault["active"]]
            == ["slow_network"]
        )
    )
    page.send({"action": "fault", "name": "slow_network", "on": False})
    page.seen.wait_count(lambda message: message["kind"] == "faults", 2)
    assert running.faults_of().active == []
