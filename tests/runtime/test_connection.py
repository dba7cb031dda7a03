"""A connection that is made, acknowledged and used."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fake_cloud import (  # noqa: F401
    ACK,
    BINARY,
    FOR_EVER,
    IN_TIME,
    INIT,
    PATIENCE,
    PING,
    PONG,
    QUICK,
    TEXT,
    App,
    FakeCloud,
    Recorder,
    any_cloud_fixture,
    apps_fixture,
    cloud_fixture,
    no_leaks_fixture,
    open_sockets,
    server_frame,
    wait_until,
)
from stage import out_of_threads

from mentra_sync.errors import ConnectionFailed, SessionEnded
from mentra_sync.runtime import connection as connection_module

Apps = Callable[..., App]


# --- The first connection ------------------------------------------------------------------------


def test_it_introduces_itself_and_goes_live(any_cloud: FakeCloud, apps: Apps) -> None:
    app = apps(any_cloud)
    assert not app.connection.connected
    peer = any_cloud.accept_websocket()
    assert peer.introduce() == INIT
    assert not app.connection.connected
    peer.ack(settings=[1])
    app.connection.wait_connected(PATIENCE)
    assert app.connection.connected
    assert not app.connection.ended
    assert app.owner.calls == [("init_frame",), ("acknowledged", {**ACK, "settings": [1]})]
    peer.send_json({"type": "one"}, {"type": "two"})
    assert app.owner.wait_for("received", 2) == [({"type": "one"},), ({"type": "two"},)]
    app.connection.send("hello")
    assert peer.read_text() == "hello"
    assert app.owner.threads == {"mentra-conn-test"}


def test_what_comes_together_with_the_ack_is_delivered(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_json(ACK, {"type": "one"}, {"type": "two"})
    assert app.owner.wait_for("received", 2) == [({"type": "one"},), ({"type": "two"},)]


def test_what_comes_before_the_ack_is_dropped(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_json({"type": "data_stream"}, {"type": "app_stopped"}, {"x": 1}, {"type": [ACK]})
    peer.send(TEXT, b"not JSON")
    peer.send(TEXT, b"\xff")
    peer.send(BINARY, b"pcm")
    peer.send(PING, b"alive?")
    assert peer.read_frame() == (PONG, b"alive?")
    peer.ack()
    peer.send_json({"type": "after"})
    assert app.owner.wait_for("received") == [({"type": "after"},)]
    assert [call[0] for call in app.owner.calls] == ["init_frame", "acknowledged", "received"]


@pytest.mark.parametrize(
    "code",
    [
        "INVALID_API_KEY",
        "SESSION_NOT_FOUND",
        "INVALID_JWT",
        "JWT_INVALID",
        "JWT_SIGNATURE_FAILED",
        "PACKAGE_NOT_FOUND",
        "APP_NOT_STARTED",
    ],
)
@pytest.mark.parametrize("close", [1008, None])
def test_a_fatal_refusal(cloud: FakeCloud, apps: Apps, code: str, close: int | None) -> None:
    app = apps(cloud, limits=replace(QUICK, start=FOR_EVER, attempt=FOR_EVER))
    peer = cloud.accept_websocket()
    peer.introduce()
    began = time.monotonic()
    peer.refuse(code, "No way", close)
    with pytest.raises(ConnectionFailed, match=f"No way \\({code}\\)") as caught:
        app.connection.wait_connected(PATIENCE)
    assert caught.value.code == code
    assert app.ended()[0] == f"rejected: {code}"
    assert time.monotonic() - began < IN_TIME
    assert peer.wait_gone()
    assert cloud.nobody_comes(0.05)
    with pytest.raises(ConnectionFailed):
        app.connection.wait_connected(PATIENCE)
    with pytest.raises(SessionEnded, match="rejected"):
        app.connection.send("x")


@pytest.mark.parametrize("code", ["INTERNAL_ERROR", "websocket_error", None])
def test_another_refusal_is_tried_again(cloud: FakeCloud, apps: Apps, code: str | None) -> None:
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.refuse(code)
    cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    assert app.owner.all("lost") == []


def test_an_ack_after_an_error_does_not_count(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.refuse("INVALID_API_KEY", close=None)
    peer.ack()
    assert app.ended()[0] == "rejected: INVALID_API_KEY"


@pytest.mark.parametrize("how", ["drop", "reset", "close", "no websocket", "violation"])
def test_a_failed_start_is_tried_again(any_cloud: FakeCloud, apps: Apps, how: str) -> None:
    app = apps(any_cloud)
    if how == "no websocket":
        peer = any_cloud.accept()
        peer.read_request()
        peer.sock.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
    else:
        peer = any_cloud.accept_websocket()
        peer.introduce()
        if how == "close":
            peer.send_close(1011, "Internal server error")
        elif how == "violation":
            peer.sock.sendall(b"\x83\x00")
    peer.reset() if how == "reset" else peer.close()
    any_cloud.accept_app()
    app.connection.wait_connected(PATIENCE)


def test_a_start_ends_when_its_time_is_over(cloud: FakeCloud, apps: Apps) -> None:
    """The next attempt would be too late, so nobody waits: neither for it, nor for that time."""
    limits = replace(QUICK, start=10 * PATIENCE, reconnect_delays=(0.01, 0.02, 20 * PATIENCE))
    app = apps(cloud, limits=limits)
    for _ in range(3):
        cloud.accept().close()
    with pytest.raises(ConnectionFailed, match="cannot be reached: upgrading"):
        app.connection.wait_connected(PATIENCE)
    assert app.ended()[0] == "connection_lost"
    assert cloud.nobody_comes(0.2)


def test_nobody_listens(cloud: FakeCloud, apps: Apps) -> None:
    target_port = cloud.port
    cloud.listener.close()
    app = apps(cloud, limits=replace(QUICK, start=0.5))
    with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{target_port} cannot be reached"):
        app.connection.wait_connected(PATIENCE)
    assert app.ended()[0] == "connection_lost"


@pytest.mark.parametrize("stage", ["tcp", "upgraded", "introduced"])
def test_a_cloud_that_says_nothing(cloud: FakeCloud, apps: Apps, stage: str) -> None:
    app = apps(cloud, limits=replace(QUICK, start=0.3))
    peer = cloud.accept()
    with contextlib.suppress(EOFError, OSError):  # on a busy machine its time is over by now
        if stage != "tcp":
            peer.upgrade()
            if stage == "introduced":
                peer.introduce()
    with pytest.raises(ConnectionFailed, match=r"too long|in time"):
        app.connection.wait_connected(PATIENCE)
    assert app.ended()[0] == "connection_lost"
    assert peer.wait_gone()


def test_a_cloud_that_drips_instead_of_acknowledging(cloud: FakeCloud, apps: Apps) -> None:
    began = time.monotonic()
    app = apps(cloud, limits=replace(QUICK, start=0.4))
    with pytest.raises((OSError, EOFError)):
        peer = cloud.accept_websocket()
        peer.introduce()
        while time.monotonic() < began + FOR_EVER:
            peer.send_json({"type": "data_stream"})
            time.sleep(0.01)
    assert time.monotonic() - began < IN_TIME
    assert app.ended()[0] == "connection_lost"


def test_who_waits_may_give_up_earlier(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    with pytest.raises(ConnectionFailed, match=r"within 0\.1 s"):
        app.connection.wait_connected(0.1)
    assert app.ended()[0] == "connection_lost"
    assert app.owner.all("acknowledged") == []
    assert peer.wait_gone()
    assert cloud.nobody_comes(0.1)


def test_an_unexplained_refusal_is_tried_once_more(cloud: FakeCloud, apps: Apps) -> None:
    late = replace(QUICK, reconnect_delays=(10 * PATIENCE,), start=20 * PATIENCE)
    app = apps(cloud, limits=late)
    for _ in range(2):
        peer = cloud.accept_websocket()
        peer.introduce()
        peer.send_close(1008, "Invalid session ID format")
        assert peer.read_close() == (1008, "")
    with pytest.raises(ConnectionFailed, match="Invalid session ID format"):
        app.connection.wait_connected(PATIENCE)
    assert app.ended()[:2] == ("rejected: 1008", 1008)


def test_an_app_that_was_stopped_while_it_started(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_close(1000, "App stopped")
    with pytest.raises(ConnectionFailed, match="App stopped"):
        app.connection.wait_connected(PATIENCE)
    assert app.ended() == ("app_stopped", 1000, "App stopped")


def test_no_thread_left(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(cloud)
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        with pytest.raises(ConnectionFailed, match="can't start new thread"):
            app.connection.start()
    assert app.connection.join(0), "there is none to wait for"


# --- Sending -------------------------------------------------------------------------------------


def test_frames_wait_for_the_ack_and_keep_their_order(any_cloud: FakeCloud, apps: Apps) -> None:
    class Owner(Recorder):
        def acknowledged(self, ack: dict[str, Any]) -> list[str]:
            app.connection.send("sent by acknowledged()")
            return ["first", "second"]

    owner = Owner()
    app = App(any_cloud, owner)
    app.connection.send("before the start")
    app.connection.start()
    try:
        peer = any_cloud.accept_websocket()
        app.connection.send("before the ack")
        peer.introduce()
        peer.ack()
        app.connection.wait_connected(PATIENCE)
        app.connection.send("live")
        assert [peer.read_text() for _ in range(6)] == [
            "first",
            "second",
            "before the start",
            "before the ack",
            "sent by acknowledged()",
            "live",
        ]
    finally:
        app.connection.end("test over")
        app.ended()


def test_threads_that_send_during_the_ack_keep_their_order(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    app.owner.first_frames = ["first"]
    peer = cloud.accept_websocket()
    peer.introduce()

    def send(name: str) -> None:
        for number in range(200):
            app.connection.send(f"{name}{number}")

    senders = [threading.Thread(target=send, args=(name,)) for name in "abc"]
    for sender in senders:
        sender.start()
    peer.ack()
    texts = [peer.read_text() for _ in range(601)]
    for sender in senders:
        sender.join()
    assert texts[0] == "first"
    for name in "abc":
        assert [t for t in texts if t[0] == name] == [f"{name}{n}" for n in range(200)]


def test_only_so_many_frames_are_kept(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud, limits=replace(QUICK, max_outbox=3))
    peer = cloud.accept_websocket()
    for number in range(3):
        app.connection.send(str(number))
    with pytest.raises(ConnectionFailed, match="3 frames are waiting"):
        app.connection.send("3")
    peer.introduce()
    peer.ack()
    app.connection.wait_connected(PATIENCE)
    app.connection.send("4")
    assert [peer.read_text() for _ in range(4)] == ["0", "1", "2", "4"]


def test_an_owner_may_send_from_every_callback(any_cloud: FakeCloud, apps: Apps) -> None:
    """The connection thread never blocks in send(): both directions are full here."""
    any_cloud.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
    count = 3000

    class Owner(Recorder):
        def received(self, frame: dict[str, Any]) -> None:
            app.connection.send(str(frame["number"]) + "." * 2500)

    owner = Owner()
    app = apps(any_cloud, owner, limits=replace(QUICK, max_outbox=10 * count, write=PATIENCE))
    peer = any_cloud.accept_app()
    for number in range(count):
        peer.send_json({"type": "x", "number": number, "text": "y" * 5000})
    assert [peer.read_text().rstrip(".") for _ in range(count)] == [str(n) for n in range(count)]


def test_an_owner_that_sends_without_end_is_told(cloud: FakeCloud, apps: Apps) -> None:
    class Owner(Recorder):
        def received(self, frame: dict[str, Any]) -> None:
            try:
                for _ in range(100):
                    app.connection.send("x" * 1_000_000)
            except ConnectionFailed as error:
                self.note("full", error)

    app = apps(cloud, Owner(), limits=replace(QUICK, max_outbox=10))
    cloud.accept_app().send_json({"type": "x"})
    ((error,),) = app.owner.wait_for("full")
    assert "10 frames are waiting" in str(error)


def test_what_the_owner_sends_goes_on_between_the_frames_of_a_batch(
    cloud: FakeCloud, apps: Apps
) -> None:
    arrived = threading.Event()

    class Owner(Recorder):
        def received(self, frame: dict[str, Any]) -> None:
            if frame["number"] == 0:
                app.connection.send("x" * 8_000_000)
            elif not arrived.is_set():
                time.sleep(0.01)
            self.note("received", arrived.is_set())

    app = apps(cloud, Owner(), limits=replace(QUICK, write=PATIENCE))
    peer = cloud.accept_app()
    peer.send_json(*({"type": "x", "number": number} for number in range(500)))
    assert len(peer.read_text()) == 8_000_000
    arrived.set()
    assert app.owner.wait_for("received", 500)[-1] == (True,)


def test_text_that_cannot_be_sent(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    app.owner.first_frames = ["\ud800"]
    peer = cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    with pytest.raises(UnicodeEncodeError):
        app.connection.send("\ud800")
    app.connection.send("good")
    assert peer.read_text() == "good"


# --- Receiving -----------------------------------------------------------------------------------


def test_audio(any_cloud: FakeCloud, apps: Apps) -> None:
    app = apps(any_cloud)
    peer = any_cloud.accept_app()
    peer.send(BINARY, bytes(range(256)) * 10)
    peer.sock.sendall(server_frame(BINARY, b"ab", fin=0) + server_frame(0, b"cd"))
    assert app.owner.wait_for("audio", 2) == [(bytes(range(256)) * 10,), (b"abcd",)]


def test_a_fragmented_frame(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    peer = cloud.accept_app()
    text = json.dumps({"type": "x", "text": "\u00e9"}, ensure_ascii=False).encode()
    middle = text.index(b"\xc3") + 1
    peer.send(TEXT, text[:middle], fin=0)
    peer.send(PING, b"between")
    assert peer.read_frame() == (PONG, b"between")
    peer.send(0, text[middle:])
    assert app.owner.wait_for("received") == [({"type": "x", "text": "\u00e9"},)]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"   ",
        b"not JSON",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": null}',
        b'{"type": 7}',
        b'{"type": ""}',
        b'{"type": ["x"]}',
        b'{"type": "x", "text": "\xff"}',
        b'{"type": "x", "n": NaN}',
        b'{"a":' * 100_000,
        b"[" * 100_000,
        b'{"type": "x"} trailing',
    ],
)
def test_malformed_frames_end_nothing(cloud: FakeCloud, apps: Apps, payload: bytes) -> None:
    app = apps(cloud)
    peer = cloud.accept_app()
    peer.send(TEXT, payload)
    ((error,),) = app.owner.wait_for("malformed")
    assert isinstance(error, ValueError)
    peer.send_json({"type": "after"})
    assert app.owner.wait_for("received") == [({"type": "after"},)]
    assert app.connection.connected


def test_pings_are_answered(any_cloud: FakeCloud, apps: Apps) -> None:
    apps(any_cloud)
    peer = any_cloud.accept_app()
    for payload in (b"", b"one", b"\xff" * 125):
        peer.send(PING, payload)
        assert peer.read_frame() == (PONG, payload)
    peer.send(PONG, b"unasked")
    peer.send(PING, b"last")
    assert peer.read_frame() == (PONG, b"last")


@pytest.mark.parametrize(
    "method", ["acknowledged", "received", "received_audio", "malformed", "due"]
)
def test_an_exception_of_the_owner_is_logged_and_ends_nothing(
    cloud: FakeCloud, apps: Apps, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Recorder()

    def fail(*arguments: Any) -> Any:
        raise KeyError("the owner's fault")

    setattr(owner, method, fail)
    app = apps(cloud, owner)
    peer = cloud.accept_app()
    app.connection.wake()
    peer.send_json({"type": "x"})
    peer.send(BINARY, b"x")
    peer.send(TEXT, b"x")
    wait_until(lambda: "the owner's fault" in caplog.text)
    peer.send(PING, b"alive?")
    while peer.read_frame() != (PONG, b"alive?"):
        pass
    assert app.connection.connected
    assert "Traceback" in caplog.text


def test_an_owner_that_cannot_introduce_itself(
    cloud: FakeCloud, apps: Apps, caplog: pytest.LogCaptureFixture
) -> None:
    owner = Recorder()
    owner.init_frame = lambda: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    app = apps(cloud, owner, limits=replace(QUICK, start=0.2))
    with pytest.raises(ConnectionFailed):
        app.connection.wait_connected(PATIENCE)
    assert app.ended()[0] == "connection_lost"
    assert "ZeroDivisionError" in caplog.text


def test_an_exception_out_of_ended_leaves_nothing_behind(cloud: FakeCloud) -> None:
    class Owner(Recorder):
        def ended(self, *arguments: Any) -> None:
            super().ended(*arguments)
            raise KeyError

    app = App(cloud, Owner())
    app.connection.start()
    cloud.accept_app()
    app.connection.end("over")
    assert app.connection.join(PATIENCE)
    assert len(app.owner.all("ended")) == 1


def test_a_fault_of_our_own_still_tells_the_end(
    cloud: FakeCloud,
    apps: Apps,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module.Live, "run", lambda *_: 1 / 0)
    app = apps(cloud)
    cloud.accept_app()
    assert app.ended() == ("connection_lost", None, "internal error")
    assert "ZeroDivisionError" in caplog.text


# --- Waking --------------------------------------------------------------------------------------


def test_waking_calls_due_on_the_connection_thread(any_cloud: FakeCloud, apps: Apps) -> None:
    app = apps(any_cloud)
    any_cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    app.connection.wake()
    app.owner.wait_for("due")
    app.connection.wake()
    app.owner.wait_for("due", 2)
    assert app.owner.threads == {"mentra-conn-test"}


def test_waking_before_the_ack_counts_after_it(cloud: FakeCloud, apps: Apps) -> None:
    app = App(cloud)
    app.connection.wake()
    app.connection.start()
    try:
        peer = cloud.accept_websocket()
        app.connection.wake()
        peer.introduce()
        peer.ack()
        app.owner.wait_for("due")
        kinds = [call[0] for call in app.owner.calls]
        assert kinds == ["init_frame", "acknowledged", "due"]
    finally:
        app.connection.end("test over")
        app.ended()


def test_waking_is_seen_between_the_frames_of_a_batch(cloud: FakeCloud, apps: Apps) -> None:
    class Owner(Recorder):
        def received(self, frame: dict[str, Any]) -> None:
            super().received(frame)
            if frame["number"] == 0:
                app.connection.wake()

    app = apps(cloud, Owner())
    peer = cloud.accept_app()
    peer.send_json(*({"type": "x", "number": number} for number in range(50)))
    app.owner.wait_for("received", 50)
    kinds = [call[0] for call in app.owner.calls[2:]]
    assert kinds[:3] == ["received", "due", "received"]
    assert kinds.count("due") == 1


# --- What must not be told ------------------------------------------------------------------------


def test_no_secret_is_logged(
    cloud: FakeCloud, apps: Apps, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = apps(cloud)
    peer = cloud.accept_app()
    app.connection.send('{"type": "x", "token": "the-secret-frame"}')
    peer.read_text()
    peer.reset()
    peer = cloud.accept_app()
    peer.refuse("INVALID_API_KEY", "bad\nkey")
    app.ended()
    assert "127.0.0.1" in caplog.text
    for secret in ("secret", "query", "app-ws", "bad\nkey"):
        assert secret not in caplog.text


KEY = INIT["apiKey"]


def test_a_key_that_the_cloud_repeats_is_not_shown(
    cloud: FakeCloud, apps: Apps, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="mentra_sync")
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_close(1011, f"bad {KEY}")
    peer = cloud.accept_app()
    peer.send_json({"type": "connection_error", "code": f"X {KEY}", "message": f"not {KEY}"})
    peer.send_close(1011, f"lost {KEY}")
    ((_, reason),) = app.owner.wait_for("lost")
    assert reason == "lost ***"
    assert app.owner.all("received")[-1][0]["message"] == "not ***"
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.refuse("INVALID_API_KEY", "." * 190 + KEY)  # also where the words are cut short
    _, _, detail = app.ended()
    assert ".***" in detail and "(INVALID_API_KEY)" in detail
    assert "bad ***" in caplog.text and "lost ***" in caplog.text
    assert KEY[:5] not in caplog.text + detail


def test_a_refused_start_does_not_show_the_key(cloud: FakeCloud, apps: Apps) -> None:
    app = apps(cloud)
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.refuse("INVALID_API_KEY", f"no such key: {KEY}")
    with pytest.raises(ConnectionFailed, match=r"no such key: \*\*\* \(INVALID_API_KEY\)$"):
        app.connection.wait_connected(PATIENCE)


def test_its_face_before_the_start(cloud: FakeCloud) -> None:
    app = App(cloud)
    assert not app.connection.connected
    assert not app.connection.ended
    assert app.connection.join(0)


def test_one_file_descriptor_more_than_needed_is_too_many(cloud: FakeCloud, apps: Apps) -> None:
    """A thousand sessions must fit: one socket each, and the pair that wakes its thread."""
    before = open_sockets()
    app = apps(cloud)
    cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    assert len(open_sockets() - before) == 4  # one of them is the cloud's
