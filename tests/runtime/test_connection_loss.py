"""A connection that is lost, and comes back or does not."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fake_cloud import (  # noqa: F401
    ACK,
    BINARY,
    CLOSE,
    FOR_EVER,
    IN_TIME,
    PATIENCE,
    PING,
    PONG,
    QUICK,
    TEXT,
    App,
    FakeCloud,
    Peer,
    Recorder,
    any_cloud_fixture,
    apps_fixture,
    cloud_fixture,
    no_leaks_fixture,
    server_frame,
    wait_until,
)

from mentra_sync.errors import ConnectionFailed
from mentra_sync.runtime import live as live_module

Apps = Callable[..., App]

SLOW_DELAYS = replace(QUICK, reconnect_delays=(0.6,), reconnect_window=60.0)
LATE = replace(QUICK, reconnect_delays=(10 * PATIENCE,), reconnect_window=20 * PATIENCE)
"""What dials in time with these has not waited for its turn."""
ROOMY = replace(QUICK, max_outbox=1_000_000)
"""For who sends on, however long a busy machine takes to connect again."""


def connected(cloud: FakeCloud, apps: Apps, owner: Recorder | None = None, **options: Any) -> Any:
    """An app whose connection is live, and the cloud's end of it."""
    app = apps(cloud, owner, **options)
    peer = cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    return app, peer


# --- Coming back ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lose", "code", "reason"),
    [
        (lambda peer: peer.close(), None, ""),
        (lambda peer: peer.reset(), None, ""),
        (lambda peer: peer.send_close(1011, "Internal server error"), 1011, "Internal"),
        (lambda peer: peer.send_close(1012, "Service restart"), 1012, "Service restart"),
        (lambda peer: peer.send_close(1006 + 2, "No"), 1008, "No"),
        (lambda peer: peer.send_close(4000, ""), 4000, ""),
        (lambda peer: peer.send_close(None), None, ""),
        (lambda peer: peer.sock.shutdown(socket.SHUT_WR), None, ""),
    ],
)
def test_a_loss_is_told_and_repaired(
    any_cloud: FakeCloud,
    apps: Apps,
    lose: Callable[[Peer], None],
    code: int | None,
    reason: str,
) -> None:
    owner = Recorder()
    owner.first_frames = ["subscribe"]
    app, peer = connected(any_cloud, apps, owner)
    assert peer.read_text() == "subscribe"
    app.connection.send("one")
    assert peer.read_text() == "one"
    lose(peer)
    ((told_code, told_reason),) = owner.wait_for("lost")
    assert told_code == code
    assert told_reason.startswith(reason)
    assert not app.connection.connected
    assert not app.connection.ended
    app.connection.send("kept")
    peer = any_cloud.accept_websocket()
    peer.introduce()
    peer.ack()
    assert [peer.read_text(), peer.read_text()] == ["subscribe", "kept"]
    wait_until(lambda: app.connection.connected)
    app.connection.send("two")
    assert peer.read_text() == "two"
    assert [call[0] for call in owner.calls] == [
        "init_frame",
        "acknowledged",
        "lost",
        "init_frame",
        "acknowledged",
    ]


def test_it_comes_back_again_and_again(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, max_reconnect_attempts=1)
    for number in range(5):
        peer.reset()
        peer = cloud.accept_app()
        peer.send_json({"type": "x", "number": number})
        app.owner.wait_for("received", number + 1)
    assert len(app.owner.all("lost")) == 5


PATIENT = replace(QUICK, reconnect_delays=(0.01, 60.0), reconnect_window=100.0)
"""The first pause is short, and nobody waits for the second."""


def lose_again(cloud: FakeCloud, app: App, peer: Any) -> Any:
    """The second connection, after the first was lost as soon as it had been made."""
    peer.reset()
    app.owner.wait_for("lost")
    again = cloud.accept_app()
    app.owner.wait_for("acknowledged", 2)
    return again


def test_the_pauses_go_on_growing_when_a_connection_brings_nothing(
    cloud: FakeCloud, apps: Apps
) -> None:
    """A cloud that accepts us and drops us at once is not dialled three times a second."""
    app, peer = connected(cloud, apps, limits=PATIENT)
    again = lose_again(cloud, app, peer)
    again.send(PING, b"")
    again.send_close(1011, "cannot parse")
    app.owner.wait_for("lost", 2)
    assert cloud.nobody_comes(0.3)


@pytest.mark.parametrize("data", [b"not even JSON", b'{"type": "x"}'])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_the_pauses_begin_anew_after_a_connection_that_brought_something(
    cloud: FakeCloud, apps: Apps, opcode: int, data: bytes
) -> None:
    app, peer = connected(cloud, apps, limits=PATIENT)
    again = lose_again(cloud, app, peer)
    again.send(opcode, data)
    again.send_close(1011)
    cloud.accept_app()


def test_the_pauses_begin_anew_after_a_connection_that_lived_longer(
    cloud: FakeCloud, apps: Apps
) -> None:
    app, peer = connected(cloud, apps, limits=PATIENT)
    again = lose_again(cloud, app, peer)
    live_long(app)
    again.send_close(1011)
    cloud.accept_app()


def live_long(app: App) -> None:
    """Until the connection has lived for longer than an attempt may take: for this one a moment."""
    limits = app.connection._limits

    def lost(code: int | None, reason: str) -> None:
        app.connection._limits = limits
        Recorder.lost(app.owner, code, reason)

    wait_until(lambda: app.connection.connected)
    app.owner.lost = lost  # type: ignore[method-assign]
    app.connection._limits = replace(limits, attempt=0.01)
    time.sleep(0.02)


def test_silence_is_a_loss(any_cloud: FakeCloud, apps: Apps) -> None:
    class Owner(Recorder):
        def lost(self, code: int | None, reason: str) -> None:
            ends.append(time.monotonic())
            super().lost(code, reason)

    ends: list[float] = []
    pings: list[float] = []
    app, peer = connected(any_cloud, apps, Owner(), limits=replace(QUICK, silence=0.8))
    until = time.monotonic() + 1.2
    with contextlib.suppress(OSError):
        while not ends and time.monotonic() < until:
            pings.append(time.monotonic())
            peer.send(PING, b"")  # any byte is life
            time.sleep(0.05)
    assert app.owner.wait_for("lost") == [(None, "silence for 0.8 s")]
    assert ends[0] - max(ping for ping in pings if ping < ends[0]) >= 0.8
    # The cloud learns of the old end before it sees the new beginning.
    again = any_cloud.accept()
    with contextlib.suppress(OSError):
        peer.sock.setblocking(False)
        while peer.sock.recv(65536):
            pass
    again.upgrade()


def test_time_spent_elsewhere_is_no_silence(cloud: FakeCloud, apps: Apps) -> None:
    """While the owner waits for room in a full backlog, pings wait in the socket's buffer."""

    class Owner(Recorder):
        def received(self, frame: dict[str, Any]) -> None:
            # Short only while time is spent here: the test may be slow before and after.
            first = frame["type"] == "first"
            vars(limits)["silence"] = 0.3 if first else QUICK.silence
            if first:
                entered.set()
                assert go_on.wait(PATIENCE)
            super().received(frame)

    entered, go_on = threading.Event(), threading.Event()
    limits = replace(QUICK)
    app, peer = connected(cloud, apps, Owner(), limits=limits)
    peer.send_json({"type": "first"})
    assert entered.wait(PATIENCE)
    for _ in range(4):
        peer.send(PING, b"")
    peer.send_json({"type": "last"})
    time.sleep(0.4)
    go_on.set()
    app.owner.wait_for("received", 2)
    # All of them on this connection, so it has not been given up before they were read.
    assert [peer.read_frame() for _ in range(4)] == [(PONG, b"")] * 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (server_frame(TEXT, b"x", masked=True), 1002),
        (server_frame(TEXT, b"x", rsv=4), 1002),
        (server_frame(CLOSE, b"\x03"), 1002),
        (b"\x81\x7f" + (1 << 40).to_bytes(8, "big"), 1009),
        (server_frame(TEXT, b"x" * 600, fin=0) + server_frame(0, b"x" * 600), 1009),
    ],
)
def test_a_violation_is_told_to_the_cloud(
    any_cloud: FakeCloud, apps: Apps, data: bytes, code: int
) -> None:
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, max_frame=1000))
    peer.send_json({"type": "before"})
    peer.sock.sendall(data + server_frame(TEXT, b'{"type": "after"}'))
    assert peer.read_close()[0] == code
    peer.close()
    assert app.owner.wait_for("lost")[0][0] == code
    any_cloud.accept_app()
    assert app.owner.all("received") == [({"type": "before"},)]


def test_frames_sent_while_a_violation_is_told_wait_for_the_next_connection(
    any_cloud: FakeCloud, apps: Apps
) -> None:
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, close=PATIENCE))
    app.connection.send("before")
    peer.sock.sendall(server_frame(TEXT, b"x", masked=True))
    assert peer.read_text() == "before"
    assert peer.read_close()[0] == 1002
    for number in range(3):
        app.connection.send(str(number))  # and does not block
    peer.close()
    again = any_cloud.accept_app()
    assert [again.read_text() for _ in range(3)] == ["0", "1", "2"]


def test_a_flood_behind_a_violation_holds_nothing_up(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, limits=replace(QUICK, max_frame=1000))
    with pytest.raises(OSError):
        for _ in range(100_000):
            peer.send(TEXT, b"x" * 60_000)
    assert app.owner.wait_for("lost") == [(1009, "message is larger than 1000 bytes")]
    cloud.accept_app()


# --- What happens to frames ----------------------------------------------------------------------


def test_a_frame_that_was_not_wholly_written_is_written_again(
    any_cloud: FakeCloud, apps: Apps
) -> None:
    any_cloud.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, write=PATIENCE))
    app.connection.send("written")
    assert peer.read_text() == "written"
    large = "x" * 8_000_000
    with ThreadPoolExecutor(4) as pool:
        sending = pool.submit(app.connection.send, large)
        wait_until(lambda: app.connection._live.backlog == 1)
        behind = [pool.submit(app.connection.send, f"behind {n}") for n in range(3)]
        wait_until(lambda: app.connection._live.backlog == 4)
        assert peer.sock.recv(1000)
        assert not sending.done()
        peer.reset()
        for future in (sending, *behind):
            future.result(PATIENCE)  # kept, so nobody waits any longer
        app.owner.wait_for("lost")
        app.connection.send("later")
        peer = any_cloud.accept_app()
        assert peer.read_text() == large
    assert {peer.read_text() for _ in range(3)} == {f"behind {n}" for n in range(3)}
    assert peer.read_text() == "later"
    app.connection.send("end")
    assert peer.read_text() == "end"


def test_a_cloud_that_does_not_read_is_lost(any_cloud: FakeCloud, apps: Apps) -> None:
    any_cloud.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)

    class Owner(Recorder):
        def lost(self, code: int | None, reason: str) -> None:
            app.connection._limits = QUICK  # from here on the cloud reads, as fast as it can
            super().lost(code, reason)

    app, peer = connected(any_cloud, apps, Owner(), limits=replace(QUICK, write=0.3))
    large = "x" * 8_000_000
    began = time.monotonic()
    app.connection.send(large)
    assert 0.3 <= time.monotonic() - began < IN_TIME
    ((code, reason),) = app.owner.wait_for("lost")
    assert code is None
    assert "not wholly written after 0.3 s" in reason
    again = any_cloud.accept_app()
    # By a reset: an orderly end would stand behind all that the cloud does not read.
    assert any_cloud.tls or peer.wait_gone() == "reset"
    assert again.read_text() == large


def test_frames_sent_while_the_loss_goes_unnoticed_are_kept_in_order(
    cloud: FakeCloud, apps: Apps
) -> None:
    app, peer = connected(cloud, apps, limits=ROOMY)
    stop = threading.Event()
    sent: list[int] = []

    def send() -> None:
        while not stop.is_set():
            app.connection.send(str(len(sent)))
            sent.append(len(sent))
            time.sleep(0.0001)

    sender = threading.Thread(target=send)
    sender.start()
    got: list[int] = []
    for _ in range(5):
        until = len(got) + 50
        while len(got) < until:
            got.append(int(peer.read_text()))
        peer.reset()  # what is in the buffers is lost: those frames were written
        peer = cloud.accept_app()
    stop.set()
    sender.join()
    app.connection.send("-1")
    while got[-1] != -1:
        got.append(int(peer.read_text()))
    got.pop()
    assert got == sorted(set(got)), "a frame came twice, or out of order"
    assert got[-1] == len(sent) - 1


def test_frames_sent_while_the_cloud_closes_arrive_in_order(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, limits=ROOMY)
    stop = threading.Event()
    sent: list[int] = []

    def send() -> None:
        while not stop.is_set():
            app.connection.send(str(len(sent)))
            sent.append(len(sent))
            time.sleep(0.0005)

    sender = threading.Thread(target=send)
    sender.start()
    got: list[int] = []

    def read_to_the_close() -> None:
        while True:
            opcode, payload = peer.read_frame()
            if opcode == CLOSE:
                return
            got.append(int(payload))

    for _ in range(20):
        peer.send_close(1012)
        read_to_the_close()
        peer = cloud.accept_app()
    stop.set()
    sender.join()
    wait_until(lambda: app.connection.connected)
    app.connection.end("over")
    read_to_the_close()
    assert got == list(range(len(sent)))


def test_waking_while_it_is_lost_counts_when_it_is_back(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    peer.reset()
    app.owner.wait_for("lost")
    app.connection.wake()
    peer = cloud.accept_websocket()
    assert app.owner.all("due") == []
    peer.introduce()
    peer.ack()
    app.owner.wait_for("due")


# --- Giving up -----------------------------------------------------------------------------------


def test_the_attempts_are_counted(any_cloud: FakeCloud, apps: Apps) -> None:
    class Owner(Recorder):
        def init_frame(self) -> str:
            frame = super().init_frame()
            if len(self.all("init_frame")) == 4:  # its own time was set before: the next one's
                app.connection._limits = replace(QUICK, attempt=0.5)
            return frame

    app, peer = connected(any_cloud, apps, Owner(), max_reconnect_attempts=4)
    peer.reset()
    any_cloud.accept_tcp().close()
    any_cloud.accept_websocket().close()
    refused = any_cloud.accept_websocket()
    refused.introduce()
    refused.refuse("INTERNAL_ERROR")
    with contextlib.suppress(EOFError, OSError):  # on a busy machine its time is over by now
        silent = any_cloud.accept_websocket()  # never acknowledged: a failed attempt too
        silent.introduce()
    reason, code, detail = app.ended()
    assert (reason, code) == ("connection_lost", None)
    assert detail
    assert any_cloud.nobody_comes(0.2)
    assert len(app.owner.all("lost")) == 1
    assert len(app.owner.all("init_frame")) == 5


def test_no_attempt_at_all(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, max_reconnect_attempts=0)
    peer.send_close(1011, "bad")
    assert app.ended() == ("connection_lost", 1011, "bad")
    assert app.owner.all("lost") == []
    assert cloud.nobody_comes(0.1)


def test_no_attempt_at_all_after_a_refused_request(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, max_reconnect_attempts=0)
    peer.refuse("PERMISSION_DENIED", "Camera")
    assert app.ended() == ("connection_lost", 1008, "Camera")


def test_a_loss_becomes_final_with_time(cloud: FakeCloud, apps: Apps) -> None:
    limits = replace(QUICK, reconnect_window=0.5)
    app, peer = connected(cloud, apps, limits=limits, max_reconnect_attempts=1000)
    began = time.monotonic()
    peer.reset()
    cloud.listener.close()
    assert app.ended()[0] == "connection_lost"
    assert 0.5 <= time.monotonic() - began < IN_TIME


def test_an_attempt_does_not_outlive_the_time(cloud: FakeCloud, apps: Apps) -> None:
    limits = replace(QUICK, attempt=FOR_EVER, reconnect_window=0.5)
    app, peer = connected(cloud, apps, limits=limits)
    began = time.monotonic()
    peer.reset()
    cloud.accept_websocket()
    assert app.ended()[0] == "connection_lost"
    assert 0.4 <= time.monotonic() - began < IN_TIME


def test_app_not_started_is_waited_out(cloud: FakeCloud, apps: Apps) -> None:
    limits = replace(QUICK, reconnect_delays=(0.02, 0.05), reconnect_window=1.5)
    app, peer = connected(cloud, apps, limits=limits, max_reconnect_attempts=2)
    began = time.monotonic()
    peer.reset()
    while not app.connection.ended:
        cloud.listener.settimeout(0.3)
        try:
            peer = cloud.accept_websocket()
            peer.introduce()
            peer.refuse("APP_NOT_STARTED")
        except (TimeoutError, EOFError, ConnectionError):
            continue  # nobody came, or gave up in the middle because the time was over
    assert time.monotonic() - began >= 1.4  # two attempts would have been over long before
    assert app.ended()[0] == "connection_lost"


def test_app_not_started_may_pass(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, max_reconnect_attempts=1)
    peer.reset()
    for _ in range(3):
        peer = cloud.accept_websocket()
        peer.introduce()
        peer.refuse("APP_NOT_STARTED")
    cloud.accept_app()
    wait_until(lambda: app.connection.connected)


@pytest.mark.parametrize("code", ["SESSION_NOT_FOUND", "INVALID_API_KEY"])
def test_a_fatal_refusal_of_a_reconnection(cloud: FakeCloud, apps: Apps, code: str) -> None:
    app, peer = connected(cloud, apps)
    peer.reset()
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.refuse(code)
    assert app.ended()[0] == f"rejected: {code}"
    assert cloud.nobody_comes(0.1)


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_close_before_the_ack_is_a_failed_attempt(
    cloud: FakeCloud, apps: Apps, code: int
) -> None:
    app, peer = connected(cloud, apps)
    peer.reset()
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_close(code, "restarting")
    cloud.accept_app()
    wait_until(lambda: app.connection.connected)


# --- Connection errors on a live connection ------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["PERMISSION_DENIED", "WIFI_NOT_CONNECTED", "MALFORMED_MESSAGE", "INTERNAL_ERROR"]
)
def test_a_refused_request_reconnects_at_once(any_cloud: FakeCloud, apps: Apps, code: str) -> None:
    app, peer = connected(any_cloud, apps, limits=LATE)
    peer.refuse(code, "Camera")
    any_cloud.accept_app()
    error = {"type": "tpa_connection_error", "message": "Camera", "code": code}
    kinds = [call for call in app.owner.calls if call[0] in ("received", "lost")]
    assert kinds == [("received", error), ("lost", 1008, "Camera")]


def test_refused_requests_in_a_row_are_no_storm(cloud: FakeCloud, apps: Apps) -> None:
    _, peer = connected(cloud, apps, limits=SLOW_DELAYS)
    began = time.monotonic()
    peer.refuse("INTERNAL_ERROR")
    cloud.accept_app().refuse("INTERNAL_ERROR")
    cloud.accept_app()
    assert time.monotonic() - began >= 0.45


@pytest.mark.parametrize("code", ["websocket_error", "PERMISSION_DENIED", "APP_NOT_STARTED", None])
@pytest.mark.parametrize("kind", ["tpa_connection_error", "connection_error"])
def test_an_error_alone_is_only_told(
    cloud: FakeCloud, apps: Apps, code: str | None, kind: str
) -> None:
    app, peer = connected(cloud, apps)
    peer.send_json({"type": kind, "code": code, "message": "hm"}, {"type": "after"})
    app.owner.wait_for("received", 2)
    assert app.connection.connected


@pytest.mark.parametrize("code", ["SESSION_NOT_FOUND", "JWT_INVALID"])
@pytest.mark.parametrize("close", [1008, None])
def test_a_fatal_error_ends_a_live_session(
    any_cloud: FakeCloud, apps: Apps, code: str, close: int | None
) -> None:
    app, peer = connected(any_cloud, apps)
    peer.refuse(code, "Gone", close)
    assert app.owner.wait_for("received")
    if close is None:
        assert peer.read_close() == (1000, "")
        peer.close()
    assert app.ended()[:1] == (f"rejected: {code}",)
    assert any_cloud.nobody_comes(0.1)


def test_the_close_that_comes_with_a_fatal_error_is_answered(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, limits=replace(QUICK, close=PATIENCE))
    error = b'{"type": "tpa_connection_error", "code": "SESSION_NOT_FOUND", "message": "Gone"}'
    peer.sock.sendall(server_frame(TEXT, error) + server_frame(CLOSE, b"\x03\xf0Gone"))
    assert peer.read_close() == (1008, "")
    assert app.ended()[0] == "rejected: SESSION_NOT_FOUND"


def test_another_error_and_a_close_is_an_ordinary_loss(cloud: FakeCloud, apps: Apps) -> None:
    _, peer = connected(cloud, apps, limits=SLOW_DELAYS)
    began = time.monotonic()
    peer.refuse("APP_NOT_STARTED", "no")
    cloud.accept_app()
    assert time.monotonic() - began >= 0.45


def test_an_unexplained_refusal_has_one_immediate_attempt(any_cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(any_cloud, apps, limits=LATE)
    peer.send_close(1008, "Policy")
    peer = any_cloud.accept_websocket()
    peer.introduce()
    peer.send_close(1008, "Policy again")
    reason, code, detail = app.ended()
    assert (reason, code) == ("rejected: 1008", 1008)
    assert "Policy again" in detail
    assert app.owner.all("lost") == [(1008, "Policy")]
    assert any_cloud.nobody_comes(0.1)


def test_an_unexplained_refusal_right_after_the_ack_is_the_same_one(
    cloud: FakeCloud, apps: Apps
) -> None:
    app, peer = connected(cloud, apps)
    peer.send_close(1008, "")
    cloud.accept_app().send_close(1008, "")
    assert app.ended() == ("rejected: 1008", 1008, "")


def test_an_unexplained_refusal_is_forgotten_with_time(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    peer.send_close(1008, "")
    peer = cloud.accept_app()
    live_long(app)
    peer.send_close(1008, "")
    cloud.accept_app()
    wait_until(lambda: app.connection.connected)


def test_an_immediate_attempt_that_fails_otherwise_goes_on_as_usual(
    cloud: FakeCloud, apps: Apps
) -> None:
    app, peer = connected(cloud, apps)
    peer.send_close(1008, "")
    cloud.accept().reset()
    cloud.accept_app()
    wait_until(lambda: app.connection.connected)


def test_an_error_of_long_ago_explains_no_close(
    cloud: FakeCloud, apps: Apps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "_ERROR_EXPLAINS_CLOSE", 0.0)
    app, peer = connected(cloud, apps)
    peer.refuse("INTERNAL_ERROR")
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_close(1008, "no")
    assert app.ended()[0] == "rejected: 1008"


def test_an_error_frame_full_of_nonsense(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    peer.send_json(
        {"type": "tpa_connection_error", "code": ["x"], "message": {}},
        {"type": "connection_error", "code": "X" * 10_000, "message": "\n" * 10_000},
        {"type": "tpa_connection_error"},
    )
    app.owner.wait_for("received", 3)
    peer.reset()
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_json({"type": "tpa_connection_error", "code": 7, "message": None})
    peer.close()
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_json(ACK)
    wait_until(lambda: app.connection.connected)
    with pytest.raises(ConnectionFailed):
        raise ConnectionFailed("x")
