"""Lost connections, refused ones, and frames that are none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from raw_app import PACKAGE, PATIENCE, RawApp
from still_clock import StillClock

from mentra_sync import config
from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator


@pytest.fixture(autouse=True)
def time_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a crowded machine an app may be away for longer than it has on glasses."""
    monkeypatch.setattr(limits, "GRACE", 60.0)
    monkeypatch.setattr(config, "EMPTY_SUBSCRIPTIONS_GRACE", 60.0)


def test_events_are_dropped_while_the_app_is_away(running: Simulator, app: RawApp) -> None:
    app.subscribe(app.socket, "", ["button_press"])
    assert running.wait_for_streams(bool)
    running.drop_connection()
    assert app.socket.wait_closed() == (None, "")
    assert running.app_state == "starting"
    assert running.glasses.press() == 0
    app.subscriptions = None
    again = app.connect(app.hooks.all()[0])
    # The streams are those of before: the cloud has not forgotten them.
    assert running.glasses.press() == 1
    again.wait("data_stream")
    assert len(again.seen.all()) == 2
    assert len(app.hooks.all()) == 1


def test_an_empty_list_right_after_a_reconnection_is_ignored(
    running: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.subscribe(app.socket, "", ["button_press"])
    assert running.wait_for_streams(bool)
    running.drop_connection()
    app.socket.wait_closed()
    app.connect(app.hooks.all()[0])
    app.show("the list was read before this")
    assert running.glasses.lens.wait_for("before this")
    assert running.glasses.press() == 1
    monkeypatch.setattr(config, "EMPTY_SUBSCRIPTIONS_GRACE", 0.0)
    app.subscribe(app.socket, "", [])
    assert running.wait_for_streams(lambda streams: streams == ())


def test_a_second_socket_takes_the_place_of_the_first(running: Simulator, app: RawApp) -> None:
    first = app.socket
    second = app.connect(app.hooks.all()[0])
    app.subscribe(second, "", ["button_press"])
    assert running.wait_for_streams(lambda streams: streams == ("button_press",))
    first.send({"type": "subscription_update", "subscriptions": ["head_position"]})
    first.close(1000, "superseded")
    assert first.closed == (1000, "superseded")
    assert running.glasses.press() == 1
    second.wait("data_stream")
    assert running.app_state == "running"
    assert running.streams() == ("button_press",)


class Timed:
    """A running app on a cloud whose own times, of grace and the like, a test moves."""

    def __init__(self, app: RawApp, simulate: Callable[..., Simulator]) -> None:
        self.clock = StillClock()
        self.simulator = simulate(wire_clock=self.clock)
        assert self.simulator.start_app()
        app.wait_connected()

    def pass_grace(self) -> None:
        """Let more time pass than an app has to come back."""
        self.clock.to(
            self.clock.now() + limits.GRACE + 1, lambda: self.simulator.cloud.wire_time.quiet
        )
        time.sleep(0.1)  # what must not happen has no sign


@pytest.fixture
def timed(app: RawApp, simulate: Callable[..., Simulator]) -> Timed:
    return Timed(app, simulate)


def test_a_stop_while_the_app_is_away_is_a_stop(timed: Timed, app: RawApp) -> None:
    running = timed.simulator
    running.drop_connection()
    app.socket.wait_closed()
    running.stop_app()
    timed.pass_grace()
    assert [hook["type"] for hook in app.hooks.all()] == ["session_request", "stop_request"]
    assert running.app_state == "stopped"


def test_a_stop_after_a_repaired_loss_is_a_stop(timed: Timed, app: RawApp) -> None:
    """Unlike in the recorded cloud, which starts the app again (6b)."""
    running = timed.simulator
    running.drop_connection()
    app.socket.wait_closed()
    app.connect(app.hooks.all()[0])
    running.stop_app()
    timed.pass_grace()
    assert [hook["type"] for hook in app.hooks.all()] == ["session_request", "stop_request"]


@pytest.mark.parametrize("message", ["hello", "[]", "5", '"text"', "", "{", b"\0\1", "NaN"])
def test_what_is_no_message_ends_the_connection(
    running: Simulator, app: RawApp, message: str | bytes
) -> None:
    app.socket.send(message)
    assert app.socket.wait_closed() == (1011, "Internal server error")
    app.connect(app.hooks.all()[0])
    assert running.app_state == "running"


@pytest.mark.parametrize(
    ("changes", "code", "closed"),
    [
        ({"apiKey": "wrong"}, "INVALID_API_KEY", (1008, "Invalid API key")),
        ({"apiKey": 5}, "INVALID_API_KEY", (1008, "Invalid API key")),
        ({"packageName": "com.nope"}, "INVALID_API_KEY", (1008, "Invalid API key")),
        (
            {"sessionId": f"ghost@example.com-{PACKAGE}"},
            "SESSION_NOT_FOUND",
            (1008, "Session not found"),
        ),
        ({"type": "subscription_update"}, "SESSION_NOT_FOUND", (1008, "Session not found")),
        ({"sessionId": "abc"}, None, (1008, "Invalid session ID format")),
        ({"sessionId": None}, None, (1011, "Internal server error")),
        ({"sessionId": ["a-b"]}, None, (1011, "Internal server error")),
    ],
)
def test_who_is_refused(
    running: Simulator,
    app: RawApp,
    changes: dict[str, Any],
    code: str | None,
    closed: tuple[int, str],
) -> None:
    raw = app.dial(app.hooks.all()[0], **changes)
    assert raw.wait_closed() == closed
    assert [frame.get("code") for frame in raw.seen.all()] == ([code] if code else [])
    assert running.app_state == "running"


def test_an_app_that_nobody_has_started(simulator: Simulator, app: RawApp) -> None:
    hook = {
        "augmentOSWebsocketUrl": simulator.websocket_url,
        "sessionId": f"{simulator.user_id}-{PACKAGE}",
    }
    raw = app.dial(hook)
    assert raw.wait_closed() == (1008, "App not started for this session")
    assert raw.seen.all()[0]["code"] == "APP_NOT_STARTED"


def test_unknown_requests_get_no_answer_and_do_no_harm(running: Simulator, app: RawApp) -> None:
    before = len(app.socket.seen.all())
    for frame in ({"type": "bogus"}, {}, {"type": 7}, {"type": None}, {"type": ["x"]}):
        app.socket.send(frame)
    app.send("ownership_release", reason="clean_shutdown")
    app.send("stream_status_check")
    answer = app.socket.wait("stream_status_check_response")
    assert answer == {"type": "stream_status_check_response", "hasActiveStream": False}
    assert len(app.socket.seen.all()) == before + 1


def test_the_app_is_pinged(
    running: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PING_INTERVAL", 0.05)
    pings: list[bytes] = []
    raw = app.connect(app.hooks.all()[0])
    original = raw._socket.pong
    raw._socket.pong = lambda data="": (pings.append(data), original(data))[1]
    running.drop_connection()
    raw.wait_closed()
    again = app.connect(app.hooks.all()[0])
    original_again = again._socket.pong
    again._socket.pong = lambda data="": (pings.append(data), original_again(data))[1]
    deadline = time.monotonic() + PATIENCE
    while len(pings) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(pings) >= 2


def test_the_wearer_goes_away_and_comes_back(
    running: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    wearer = running.cloud.find_wearer(running.user_id)
    assert wearer is not None
    monkeypatch.setattr(limits, "GLASSES_GONE", 0.1)
    wearer.leave()
    assert app.sockets[0].wait_closed() == (1000, "User session ended")
    assert app.sockets[0].seen.all()[-1]["type"] == "app_stopped"
    assert len(app.hooks.all()) == 1
    late = app.dial(app.hooks.all()[0])
    assert late.wait("tpa_connection_error")["code"] == "SESSION_NOT_FOUND"
    wearer.come_back()
    app.wait_connected(2)
    assert running.app_state == "running"
