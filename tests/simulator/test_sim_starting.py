"""Starting and stopping an app, and everything that can go wrong with it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from networks import free_port
from raw_app import API_KEY, PACKAGE, RawApp, simulator_threads
from stage import out_of_threads

from mentra_sync import config
from mentra_sync.errors import ConfigurationError
from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator


def kinds(app: RawApp) -> list[str]:
    return [hook["type"] for hook in app.hooks.all()]


def test_the_acknowledgement_tells_all_that_an_app_needs(
    app: RawApp, simulate: Callable[..., Simulator]
) -> None:
    settings = [{"key": "flag", "type": "toggle", "label": "Flag", "defaultValue": True}]
    simulator = simulate(config={"name": "Raw", "settings": settings}, glasses="g1")
    assert simulator.start_app()
    ack = app.wait_connected().wait("tpa_connection_ack")
    assert ack["sessionId"] == f"runner@example.com-{PACKAGE}"
    assert ack["settings"] == settings
    assert ack["config"] == {"name": "Raw", "settings": settings}
    assert ack["augmentosSettings"]["metricSystemEnabled"] is False
    assert ack["capabilities"]["modelName"] == "Even Realities G1"
    assert ack["capabilities"]["camera"] is None


def test_saved_settings_hide_the_others(app: RawApp, simulate: Callable[..., Simulator]) -> None:
    simulator = simulate(config={"settings": [{"key": "a", "defaultValue": 1}]})
    simulator.app.save_settings(simulator.user_id, {"b": 2})
    simulator.start_app()
    ack = app.wait_connected().wait("tpa_connection_ack")
    assert ack["settings"] == [{"key": "b", "value": 2}]


def test_starting_twice_is_starting_once(running: Simulator, app: RawApp) -> None:
    assert running.start_app()
    assert kinds(app) == ["session_request"]
    running.stop_app()
    running.stop_app()
    assert kinds(app) == ["session_request", "stop_request"]
    assert app.hooks.all()[1]["reason"] == "user_disabled"
    assert app.sockets[0].wait_closed() == (1000, "App stopped")
    assert app.sockets[0].seen.all()[-1]["type"] == "app_stopped"
    assert running.start_app()
    app.wait_connected(2)


def test_a_start_during_a_stop_waits_for_it(running: Simulator, app: RawApp) -> None:
    stopping, go_on = threading.Event(), threading.Event()

    def answer(hook: dict[str, object]) -> int:
        if hook["type"] == "stop_request":
            stopping.set()
            go_on.wait(20)
        return 200

    app.answer = answer
    stopper = threading.Thread(target=running.stop_app)
    stopper.start()
    assert stopping.wait(20)
    starter = threading.Thread(target=running.start_app)
    starter.start()
    go_on.set()
    stopper.join(20)
    starter.join(20)
    assert running.app_state == "running"
    assert kinds(app) == ["session_request", "stop_request", "session_request"]


def test_a_webhook_that_fails_is_repeated_once(
    simulator: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_PAUSE", 0.05)
    app.answer = lambda hook: 500
    assert not simulator.start_app()
    first, second = app.hooks.all()
    assert first == second
    assert simulator.app_state == "failed"
    assert simulator.app_detail == f"the app answered 500 to {app.webhook_url}"
    app.answer = lambda hook: 200
    assert simulator.start_app()


def test_nobody_at_home(
    simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_PAUSE", 0.05)
    port = free_port()
    simulator = simulate(webhook_url=f"http://127.0.0.1:{port}")
    assert not simulator.start_app()
    assert "is the app running?" in str(simulator.app_detail)
    assert f":{port}/webhook" in str(simulator.app_detail)


def test_an_app_that_never_connects(
    simulator: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "START_TIMEOUT", 0.2)
    app.connects = False
    assert not simulator.start_app()
    assert "did not connect" in str(simulator.app_detail)
    late = app.dial(app.hooks.all()[0])
    assert late.wait("tpa_connection_error")["code"] == "APP_NOT_STARTED"
    assert late.wait_closed()[0] == 1008


def test_a_slow_answer_brings_the_webhook_again_on_a_live_session(
    simulator: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_TIMEOUT", 0.2)
    monkeypatch.setattr(limits, "WEBHOOK_PAUSE", 0.05)
    release = threading.Event()
    connect, app.connects = app.connect, False

    def answer(hook: dict[str, object]) -> int:
        if len(app.hooks.all()) == 1:
            monkeypatch.setattr(limits, "WEBHOOK_TIMEOUT", 60.0)  # the next one is not too slow
            connect(hook)
            release.wait(20)
        return 200

    app.answer = answer
    assert simulator.start_app()
    app.hooks.wait_count(lambda hook: True, 2)
    release.set()
    first, second = app.hooks.all()
    assert first == second
    assert simulator.app_state == "running"


def test_two_wearers_have_their_own_sessions(running: Simulator, app: RawApp) -> None:
    bob = running.glasses_of("bob@example.com", "z100")
    assert running.start_app("bob@example.com")
    raw = app.wait_connected(2)
    assert raw.wait("tpa_connection_ack")["capabilities"]["modelName"] == "Vuzix Z100"
    app.subscribe(raw, "", ["button_press"])
    assert running.wait_for_streams(bool, user_id="bob@example.com")
    assert running.glasses.press() == 0
    assert bob.press("main", "long") == 1
    assert raw.wait("data_stream")["data"]["pressType"] == "long"
    app.sockets[0].wait("app_user_joined")
    kinds = [frame["type"] for frame in app.sockets[0].seen.all()]
    assert kinds == ["tpa_connection_ack", "app_user_joined"]
    app.send("display_event", view="main", layout={"layoutType": "text_wall", "text": "for bob"})
    assert bob.lens.wait_for("for bob")
    assert running.glasses.lens.text == ""
    running.stop_app()
    assert running.app_state == "stopped"
    assert bob.press() == 1


@pytest.mark.parametrize(
    "url",
    ["http://example.com/webhook", "https://127.0.0.1/webhook", "ftp://localhost", "nonsense", ""],
)
def test_webhooks_go_to_this_machine_only(url: str) -> None:
    with pytest.raises(ConfigurationError, match="this machine only"):
        Simulator(webhook_url=url, package_name=PACKAGE, api_key=API_KEY)


def test_the_simulator_listens_on_this_machine_or_on_all_its_addresses(app: RawApp) -> None:
    with pytest.raises(ConfigurationError, match="this machine only"):
        Simulator(
            webhook_url=app.webhook_url, package_name=PACKAGE, api_key=API_KEY, host="10.0.0.1"
        )


def test_unknown_glasses(app: RawApp) -> None:
    with pytest.raises(ConfigurationError, match='"g1"'):
        Simulator(
            webhook_url=app.webhook_url, package_name=PACKAGE, api_key=API_KEY, glasses="xreal"
        )


def test_a_busy_port_moves_or_is_named(simulate: Callable[..., Simulator]) -> None:
    first = simulate()
    second = simulate(port=first.port)
    assert second.port != first.port
    with pytest.raises(ConfigurationError, match=f"port {first.port} is in use.*--port"):
        simulate(port=first.port, port_may_move=False)


@pytest.mark.parametrize("last", ["mentra-sim-wire-time", "mentra-sim-server"])
def test_a_start_that_finds_no_thread_leaves_nothing_behind(
    last: str, simulate: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with monkeypatch.context() as patched:
        out_of_threads(patched, last)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            simulate(port=port)
    assert simulator_threads() == []
    assert simulate(port=port, port_may_move=False).port == port


def test_a_port_that_cannot_be(simulate: Callable[..., Simulator]) -> None:
    with pytest.raises(ConfigurationError, match="from 0 to 65535, got 70000"):
        simulate(port=70_000)


def test_stopping_the_simulator_ends_everything_at_once(
    running: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A second wearer's start is under way, and the app does not answer.
    hanging, release = threading.Event(), threading.Event()

    def answer(hook: dict[str, object]) -> int:
        hanging.set()
        release.wait(60)
        return 200

    app.answer = answer
    app.connects = False
    results: list[bool] = []
    starter = threading.Thread(target=lambda: results.append(running.start_app("bob@example.com")))
    starter.start()
    assert hanging.wait(20)
    running.stop()
    running.stop()
    starter.join(10)
    release.set()
    assert results == [False]
    assert app.sockets[0].wait_closed() == (1001, "The simulator has ended")
    assert running.app_state == "stopped"
