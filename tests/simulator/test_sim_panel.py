"""What the page is told besides the glasses, and what it may ask for."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
import requests
import websocket
from raw_app import PACKAGE, RawApp, RawSocket

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator


@pytest.fixture
def open_panel(open_socket: Callable[..., RawSocket]) -> Callable[[Simulator], RawSocket]:
    def open_one(simulator: Simulator) -> RawSocket:
        page = open_socket(simulator.url.replace("http", "ws") + "simulator-ws")
        page.wait("hello")
        return page

    return open_one


def kinds(page: RawSocket) -> list[str]:
    """What a page was told of, without what crossed the wire besides."""
    told = [message["kind"] for message in page.seen.all()]
    return [kind for kind in told if kind not in ("crossing", "wearers")]


def test_a_page_is_told_how_things_stand(
    simulator: Simulator, app: RawApp, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    state = requests.get(simulator.url + "api/sim/state", timeout=5).json()
    token = state.pop("glassesToken")
    assert state.pop("version")
    assert state == {
        "packageName": PACKAGE,
        "appName": "Raw",
        "userId": "runner@example.com",
        "model": "Simulated Glasses",
        "display": [390, 189],
        "app": {"state": "stopped", "detail": None},
        "invites": False,
    }
    assert token
    assert not simulator.page_opened.is_set()
    simulator.start_app()
    app.wait_connected()
    app.subscribe(app.socket, "", ["button_press"])
    app.show("hello")
    assert simulator.glasses.lens.wait_for("hello")
    hello = open_panel(simulator).seen.all()[0]
    assert simulator.page_opened.wait(5)
    assert hello["kind"] == "hello"
    assert hello["app"] == {"state": "running", "detail": None}
    assert hello["streams"] == ["button_press"]
    assert hello["lens"]["main"]["lines"] == ["hello"]
    assert hello["lens"]["dashboard"]["lines"] == []
    assert hello["head"] == "down"
    kept = {"view", "lines", "layout", "boot", "at", "age", "size", "placed", "cut"}
    assert set(hello["lens"]["main"]) == kept


def test_a_page_sees_what_happens(
    simulator: Simulator, app: RawApp, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    page = open_panel(simulator)
    page.send({"action": "start"})
    page.wait("app", state="starting")
    page.wait("app", state="running")
    app.wait_connected()
    app.subscribe(app.socket, "", ["transcription:en-US"])
    page.wait("listening", streams=["transcription:en-US"])
    app.show("hello", view="main")
    lens = page.wait("lens", lines=["hello"])
    assert (lens["view"], lens["boot"]) == ("main", False)
    app.send("audio_play_request", requestId="r1", audioUrl="http://x/api/tts?text=hi")
    page.wait("speech", state="speaking", requestId="r1", text="hi", byBrowser=False, seconds=0.5)
    page.wait("speech", state="spoken", requestId="r1")
    app.send("audio_play_request", requestId="r2", audioUrl="http://x/song.mp3")
    page.wait("audio", state="played", requestId="r2", url="http://x/song.mp3")
    app.send("rgb_led_control", requestId="l1", action="on", color="red", ontime=100, count=2)
    page.wait("light", action="on", color="red", ontime=100, offtime=None, count=2, age=0.0)
    before = len(page.seen.items)
    page.send({"action": "stop"})
    page.wait("app", state="stopped")
    page.wait("listening", streams=[], after=before)


def test_what_is_typed_is_said_word_by_word(
    running: Simulator, app: RawApp, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    page = open_panel(running)
    page.send({"action": "say", "text": "good day"})
    page.wait("heard", text="good day", final=True, listening=False)
    heard = [message for message in page.seen.all() if message["kind"] == "heard"]
    assert [message["text"] for message in heard] == ["good", "good day", "good day"]

    app.subscribe(app.socket, "", ["transcription:de-DE"])
    page.wait("listening", streams=["transcription:de-DE"])
    page.send({"action": "hear", "text": "guten", "final": False, "language": "de-DE"})
    page.send({"action": "hear", "text": "guten Tag", "final": True, "language": "de-DE"})
    page.wait("heard", text="guten Tag", final=True, listening=True)
    app.socket.seen.wait_count(lambda frame: frame["type"] == "data_stream", 2)
    texts = [
        (frame["data"]["text"], frame["data"]["isFinal"])
        for frame in app.socket.seen.all()
        if frame["type"] == "data_stream"
    ]
    assert texts == [("guten", False), ("guten Tag", True)]


@pytest.mark.parametrize(
    "message",
    [
        "not JSON",
        "[]",
        b"\0",
        {},
        {"action": "explode"},
        {"action": 5},
        {"action": "say"},
        {"action": "say", "text": "  "},
        {"action": "say", "text": 5},
        {"action": "say", "text": "x", "language": "english"},
        {"action": "say", "text": "x", "language": 7},
        {"action": "hear", "text": "x", "final": 1},
        {"action": "say", "text": "x", "language": None},
        {"action": "press", "button": "main", "user_id": "somebody@example.com"},
        {"action": "speech_began"},
        {"action": "speech_began", "request_id": []},
    ],
)
def test_nonsense_is_answered_and_does_no_harm(
    simulator: Simulator, open_panel: Callable[[Simulator], RawSocket], message: Any
) -> None:
    page = open_panel(simulator)
    page.send(message)
    assert page.wait("problem")["message"]
    page.send({"action": "say", "text": "still there"})
    page.wait("heard", text="still there")


def test_log_records_appear_on_every_page(
    simulator: Simulator,
    open_panel: Callable[[Simulator], RawSocket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_LOG_TEXT", 200)
    log = logging.Logger("mentra_sync.app")
    log.addHandler(simulator.log_handler)
    log.info("before any page, %s", "kept")
    first = open_panel(simulator)
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError:
        log.exception("a handler failed")
    log.warning("x" * 1000)
    # A message that cannot be put together is logging's own business, not the app's end.
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.info("%d", "no number")
    log.error("last")
    second = open_panel(simulator)
    for page in (first, second):
        page.wait("log", message="last")
        records = [message for message in page.seen.all() if message["kind"] == "log"]
        assert [(r["level"], r["message"][:20]) for r in records] == [
            ("INFO", "before any page, kep"),
            ("ERROR", "a handler failed"),
            ("WARNING", "x" * 20),
            ("ERROR", "last"),
        ]
        assert records[0]["traceback"] is None
        assert records[1]["traceback"].endswith("ZeroDivisionError: division by zero")
        assert len(records[2]["message"]) == 200
        assert records[0]["logger"] == "mentra_sync.app"


def test_the_log_that_is_kept_is_bounded(
    simulator: Simulator, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    log = logging.Logger("mentra_sync")
    log.addHandler(simulator.log_handler)
    for number in range(limits.MAX_LOG_BACKLOG + 10):
        log.info("line %d", number)
    page = open_panel(simulator)
    page.wait("log", message=f"line {limits.MAX_LOG_BACKLOG + 9}")
    records = [message for message in page.seen.all() if message["kind"] == "log"]
    assert len(records) == limits.MAX_LOG_BACKLOG
    assert records[0]["message"] == "line 10"


def test_a_page_that_is_opened_late_is_told_what_was_said_and_played(
    running: Simulator, app: RawApp, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    other = running.glasses_of("bob@example.com")
    first = open_panel(running)
    running.glasses.say("good day")
    app.send("audio_play_request", requestId="r1", audioUrl="http://x/api/tts?text=hi")
    first.wait("speech", state="spoken")
    other.say("not on this page")
    running.log_handler.handle(logging.makeLogRecord({"msg": "all is told"}))
    late = open_panel(running)
    late.wait("log", message="all is told")
    late.wait("speech", state="spoken")
    told = [one for one in late.seen.all() if one["kind"] in ("heard", "speech")]
    # Of what was heard, the words as they grew are no longer of interest.
    assert [(one["text"], one.get("state")) for one in told] == [
        ("good day", None),
        ("hi", "speaking"),
        ("hi", "spoken"),
    ]


def test_the_conversation_that_is_kept_is_bounded(
    simulator: Simulator, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    for number in range(limits.MAX_CONVERSATION + 10):
        simulator.glasses.hear(f"sentence {number}", final=True)
    page = open_panel(simulator)
    page.wait("heard", text=f"sentence {limits.MAX_CONVERSATION + 9}")
    heard = [message["text"] for message in page.seen.all() if message["kind"] == "heard"]
    assert len(heard) == limits.MAX_CONVERSATION
    assert heard[0] == "sentence 10"


def test_a_failed_start_says_why(
    simulator: Simulator,
    app: RawApp,
    open_panel: Callable[[Simulator], RawSocket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_PAUSE", 0.01)
    app.answer = lambda hook: 500
    page = open_panel(simulator)
    page.send({"action": "start"})
    assert "500" in page.wait("app", state="failed")["detail"]
    app.answer = lambda hook: 200
    page.send({"action": "start"})
    page.wait("app", state="running")
    app.wait_connected()
    before = len(page.seen.items)
    simulator.drop_connection()
    assert "5 s" in page.wait("app", state="starting", after=before)["detail"]


def test_a_page_that_does_not_read_holds_nobody_up(
    running: Simulator, app: RawApp, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    page = open_panel(running)
    # Reads no more: its thread waits for the lock of what it has seen.
    with page.seen.changed:
        for number in range(300):
            app.show(f"{number} " + "x" * 20_000)
        assert running.glasses.lens.wait_for("299", timeout=10)


def test_a_page_that_never_reads_is_given_up(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_UNSENT", 100_000)
    deaf = websocket.WebSocket(sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)])
    deaf.connect(simulator.url.replace("http", "ws") + "simulator-ws", timeout=5)
    log = logging.Logger("mentra_sync")
    log.addHandler(simulator.log_handler)
    try:
        for _ in range(1000):
            log.info("x" * limits.MAX_LOG_TEXT)
        with pytest.raises((OSError, websocket.WebSocketException)):
            for _ in range(1001):
                deaf.recv()
    finally:
        deaf.shutdown()


def test_the_other_wearers_glasses_are_not_on_the_page(
    running: Simulator, app: RawApp, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    page = open_panel(running)
    bob = running.glasses_of("bob@example.com")
    bob.say("hello")
    running.start_app("bob@example.com")
    running.glasses.say("mine", interim=False)
    page.wait("heard", text="mine")
    assert kinds(page) == ["hello", "heard"]


def test_an_app_that_comes_back_to_life_is_never_called_stopped(
    running: Simulator,
    app: RawApp,
    open_panel: Callable[[Simulator], RawSocket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "GRACE", 0.05)
    page = open_panel(running)
    running.drop_connection()
    app.wait_connected(2)
    page.wait("app", state="running")
    states = [message["state"] for message in page.seen.all() if message["kind"] == "app"]
    assert set(states[:-1]) == {"starting"}


def test_what_json_cannot_carry_keeps_no_page_out(
    simulator: Simulator, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    simulator.glasses.send({"type": "odd", "value": float("nan"), "other": object()})
    page = open_panel(simulator)
    assert page.wait("crossing", name="odd")["body"]["value"] == "nan"
    simulator.glasses.send({"type": "odd again", "value": float("inf")})
    assert page.wait("crossing", name="odd again")["body"]["value"] == "inf"


def test_a_page_that_cannot_be_greeted_is_hung_up_on(
    simulator: Simulator,
    open_socket: Callable[..., RawSocket],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(simulator._desk.panel, "attach", fail)
    page = open_socket(simulator.url.replace("http", "ws") + "simulator-ws")
    assert page.wait_closed() == (1011, "Internal server error")
    assert "on purpose" in caplog.text


def test_a_new_page_is_shown_the_latest_of_very_much(
    simulator: Simulator, open_panel: Callable[[Simulator], RawSocket]
) -> None:
    for _ in range(200):
        simulator.glasses.send({"type": "wide", "texts": ["x" * limits.MAX_TIMELINE_TEXT] * 200})
    simulator.glasses.send({"type": "last"})
    page = open_panel(simulator)
    page.wait("crossing", name="last")
    told = [message for message in page.seen.all() if message.get("name") == "wide"]
    assert 0 < len(told) < 200
