"""How a connection ends: by the cloud, by the app, at any moment."""

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
    Recorder,
    any_cloud_fixture,
    apps_fixture,
    cloud_fixture,
    no_leaks_fixture,
    server_frame,
    wait_until,
)

from mentra_sync.errors import SessionEnded
from mentra_sync.runtime.closing import Ending, Loss, meaning_of_close

Apps = Callable[..., App]


def connected(cloud: FakeCloud, apps: Apps, owner: Recorder | None = None, **options: Any) -> Any:
    """An app whose connection is live, and the cloud's end of it."""
    app = apps(cloud, owner, **options)
    peer = cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    return app, peer


# --- By the cloud --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words", "stopped", "reason"),
    [
        (1000, "App stopped", True, "app_stopped"),
        (1000, "App stopped", False, "app_stopped"),
        (1008, "App stopped", False, "app_stopped"),
        (1011, "The App stopped.", False, "app_stopped"),
        (4000, "App stopped", False, "app_stopped"),
        (1000, "User session ended", True, "session_ended"),
        (1006 - 4, "User session ended", False, "session_ended"),
        (1000, "", True, "app_stopped"),
        (1000, "", False, "session_ended"),
        (1001, "going away", True, "app_stopped"),
        (1001, "going away", False, "session_ended"),
    ],
)
def test_the_cloud_ends_it(
    any_cloud: FakeCloud, apps: Apps, code: int, words: str, stopped: bool, reason: str
) -> None:
    app, peer = connected(any_cloud, apps)
    if stopped:
        peer.send_json({"type": "app_stopped"})
    peer.send_close(code, words)
    assert peer.read_close() == (code, "")
    assert peer.wait_gone() == "eof"  # at once: the cloud would hang otherwise
    assert app.ended() == (reason, code, words)
    assert app.connection.ended
    assert app.owner.all("lost") == []
    assert any_cloud.nobody_comes(0.05)
    with pytest.raises(SessionEnded) as caught:
        app.connection.send("x")
    assert caught.value.reason == reason


@pytest.mark.parametrize("code", [None, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 3000])
@pytest.mark.parametrize("stopped", [False, True])
def test_any_other_close_is_a_loss(code: int | None, stopped: bool) -> None:
    meaning = meaning_of_close(code, "app stopped", app_stopped=stopped, error=None)
    assert isinstance(meaning, Loss)
    assert meaning.unexplained_refusal == (code == 1008)
    assert isinstance(meaning_of_close(1000, "", app_stopped=stopped, error=None), Ending)


def test_a_stop_of_the_old_connection_says_nothing_about_the_new_one(
    cloud: FakeCloud, apps: Apps
) -> None:
    app, peer = connected(cloud, apps)
    peer.send_json({"type": "app_stopped"})
    peer.reset()
    peer = cloud.accept_app()
    peer.send_close(1000, "")
    assert app.ended()[0] == "session_ended"


def test_it_is_ended_while_it_reconnects(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    peer.reset()
    peer = cloud.accept_websocket()
    peer.introduce()
    peer.send_close(1000, "User session ended")
    assert app.ended() == ("session_ended", 1000, "User session ended")


def test_nothing_is_delivered_behind_a_close(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    frame = server_frame(TEXT, b'{"type": "x"}')
    peer.sock.sendall(frame + server_frame(CLOSE, b"\x03\xe8") + frame)
    app.ended()
    assert len(app.owner.all("received")) == 1


# --- By the app ----------------------------------------------------------------------------------


def test_an_orderly_end(any_cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, close=FOR_EVER))
    app.connection.send("last")
    began = time.monotonic()
    app.connection.end("server_stopped", code=1001, close_reason="bye")
    assert time.monotonic() - began < IN_TIME
    assert app.connection.ended
    assert not app.connection.connected
    with pytest.raises(SessionEnded) as caught:
        app.connection.send("too late")
    assert caught.value.reason == "server_stopped"
    assert peer.read_text() == "last"
    assert peer.read_close() == (1001, "bye")
    peer.send_json({"type": "late"})
    peer.send_close(1001, "bye")
    assert app.ended() == ("server_stopped", 1001, "bye")
    assert app.owner.all("received") == []
    assert peer.wait_gone()
    assert any_cloud.nobody_comes(0.05)


def test_an_end_that_the_cloud_does_not_answer(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, limits=replace(QUICK, close=0.2))
    began = time.monotonic()
    app.connection.end("disconnected")
    app.ended()
    assert 0.2 <= time.monotonic() - began < IN_TIME
    assert peer.read_close() == (1000, "")


def test_the_first_reason_wins_and_is_told_once(cloud: FakeCloud, apps: Apps) -> None:
    app, _ = connected(cloud, apps)
    with ThreadPoolExecutor(8) as pool:
        app.connection.end("first")
        for number in range(50):
            pool.submit(app.connection.end, f"later {number}", code=4000)
    assert app.ended() == ("first", 1000, "")
    app.connection.end("after the end")
    app.connection.wake()


def test_a_close_of_the_cloud_that_crosses_ours(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps, limits=replace(QUICK, close=PATIENCE))
    app.connection.end("user_disabled")
    peer.send_close(1000, "App stopped")
    assert app.ended()[0] == "user_disabled"
    assert peer.read_close() == (1000, "")


def test_what_is_in_flight_is_written_first(any_cloud: FakeCloud, apps: Apps) -> None:
    any_cloud.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, write=PATIENCE))
    with ThreadPoolExecutor(1) as pool:
        large = "x" * 8_000_000
        sending = pool.submit(app.connection.send, large)
        wait_until(lambda: app.connection._live.backlog)
        app.connection.end("disconnected")
        assert peer.read_text() == large
        assert peer.read_close() == (1000, "")
        assert sending.result(PATIENCE) is None


def test_a_blocked_sender_learns_of_the_end(any_cloud: FakeCloud, apps: Apps) -> None:
    any_cloud.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, write=FOR_EVER))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(app.connection.send, "x" * 8_000_000)
        wait_until(lambda: app.connection._live.backlog)
        app.connection._limits = replace(QUICK, write=0.3)  # for the end, not for the frame
        app.connection.end("disconnected")
        with pytest.raises(SessionEnded):
            sending.result(PATIENCE)
    assert app.ended()[0] == "disconnected"
    assert peer.wait_gone()


# --- Lingering -----------------------------------------------------------------------------------


def test_the_cloud_may_close_first(any_cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, close=0.1))
    app.connection.end("user_disabled", linger=PATIENCE)
    peer.send_json({"type": "app_stopped"})
    peer.send(PING, b"alive?")
    assert peer.read_frame() == (PONG, b"alive?")  # and no close frame before it
    time.sleep(0.15)
    peer.send_close(1000, "App stopped")
    assert peer.read_frame() == (CLOSE, b"\x03\xe8")
    assert peer.wait_gone() == "eof"
    assert app.ended() == ("user_disabled", 1000, "")
    assert app.owner.all("received") == []


def test_lingering_ends(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    began = time.monotonic()
    app.connection.end("user_disabled", linger=0.3)
    assert peer.read_close() == (1000, "")
    assert 0.3 <= time.monotonic() - began < IN_TIME
    peer.send_close(1000)
    app.ended()


@pytest.mark.parametrize("how", ["drop", "reset", "violation"])
def test_lingering_ends_with_the_socket(cloud: FakeCloud, apps: Apps, how: str) -> None:
    app, peer = connected(cloud, apps, limits=replace(QUICK, close=0.1))
    app.connection.end("user_disabled", linger=FOR_EVER)
    if how == "violation":
        peer.sock.sendall(b"\x83\x00")
    else:
        peer.reset() if how == "reset" else peer.close()
    began = time.monotonic()
    assert app.ended()[0] == "user_disabled"
    assert time.monotonic() - began < IN_TIME
    assert app.owner.all("lost") == []


def test_another_end_shortens_the_lingering(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    app.connection.end("user_disabled", linger=FOR_EVER)
    app.connection.end("server_stopped", linger=2 * FOR_EVER)
    assert cloud.nobody_comes(0.1)
    assert not app.owner.all("ended")
    began = time.monotonic()
    app.connection.end("server_stopped", code=1001)
    assert peer.read_close() == (1000, "")
    assert time.monotonic() - began < IN_TIME
    peer.send_close(1000)
    assert app.ended()[0] == "user_disabled"


def test_a_close_in_the_same_batch_is_answered(cloud: FakeCloud, apps: Apps) -> None:
    class Owner(Recorder):
        def received(self, frame: dict[str, Any]) -> None:
            super().received(frame)
            app.connection.end("user_disabled", linger=PATIENCE)

    app, peer = connected(cloud, apps, Owner())
    frame = server_frame(TEXT, b'{"type": "x"}')
    peer.sock.sendall(frame * 3 + server_frame(CLOSE, b"\x03\xe8App stopped"))
    assert peer.read_close() == (1000, "")
    assert app.ended()[0] == "user_disabled"
    assert len(app.owner.all("received")) == 1


# --- At any moment -------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["tcp", "upgraded", "introduced"])
@pytest.mark.parametrize("first", [True, False])
def test_an_end_while_it_connects(
    any_cloud: FakeCloud, apps: Apps, stage: str, first: bool
) -> None:
    app = apps(any_cloud, limits=replace(QUICK, start=FOR_EVER, attempt=FOR_EVER))
    if not first:
        any_cloud.accept_app().reset()
    peer = any_cloud.accept()
    if stage == "tcp":
        peer.read_request()
    else:
        peer.upgrade()
    if stage == "introduced":
        peer.introduce()
    began = time.monotonic()
    app.connection.end("replaced")
    assert app.ended()[0] == "replaced"
    assert time.monotonic() - began < IN_TIME
    assert peer.wait_gone()
    if first:
        with pytest.raises(SessionEnded, match="replaced"):
            app.connection.wait_connected(PATIENCE)
    assert any_cloud.nobody_comes(0.05)


def test_an_end_while_it_waits_to_dial(cloud: FakeCloud, apps: Apps) -> None:
    limits = replace(QUICK, reconnect_delays=(FOR_EVER,), reconnect_window=2 * FOR_EVER)
    app, peer = connected(cloud, apps, limits=limits)
    peer.reset()
    app.owner.wait_for("lost")
    began = time.monotonic()
    app.connection.end("server_stopped")
    assert app.ended()[0] == "server_stopped"
    assert time.monotonic() - began < IN_TIME
    assert cloud.nobody_comes(0.05)


def test_an_end_before_the_start(cloud: FakeCloud) -> None:
    app = App(cloud)
    app.connection.end("server_stopped")
    app.connection.start()
    assert app.ended()[0] == "server_stopped"
    assert cloud.nobody_comes(0.05)


@pytest.mark.parametrize("callback", ["init_frame", "acknowledged", "received", "due", "lost"])
def test_an_end_out_of_a_callback(cloud: FakeCloud, apps: Apps, callback: str) -> None:
    class Owner(Recorder):
        def note(self, kind: str, *rest: Any) -> None:
            super().note(kind, *rest)
            if kind == callback:
                assert not app.connection.join(PATIENCE)
                app.connection.end("disconnected")

    app = App(cloud, Owner(), limits=replace(QUICK, close=0.1))
    app.connection.start()
    if callback != "init_frame":
        peer = cloud.accept_app()
        app.connection.wake()
        if callback == "received":
            peer.send_json({"type": "x"})
        elif callback == "lost":
            wait_until(lambda: app.owner.all("due"))
            peer.reset()
    assert app.ended()[0] == "disconnected"
    cloud.close()


def test_an_end_before_it_is_live_sends_nothing_any_more(cloud: FakeCloud, apps: Apps) -> None:
    class Owner(Recorder):
        def acknowledged(self, ack: dict[str, Any]) -> list[str]:
            app.connection.end("replaced")
            return ["first"]

    app = apps(cloud, Owner(), limits=replace(QUICK, start=PATIENCE))
    app.connection.send("kept")
    peer = cloud.accept_app()
    opcode, payload = peer.read_frame()
    assert (opcode, payload) == (CLOSE, b"\x03\xe8")
    with pytest.raises(SessionEnded, match="replaced"):
        app.connection.wait_connected(PATIENCE)


def test_an_end_at_the_moment_of_the_ack(cloud: FakeCloud, apps: Apps) -> None:
    """Whoever is first, the app learns of exactly one of them."""
    for number in range(30):
        app = apps(cloud, limits=replace(QUICK, close=0.02))
        peer = cloud.accept_websocket()
        peer.introduce()
        ender = threading.Timer(number / 30 * 0.003, app.connection.end, ("disconnected",))
        ender.start()
        with contextlib.suppress(OSError):
            peer.ack()
        assert app.ended()[0] == "disconnected"
        ender.join()
        assert peer.wait_gone()
        peer.close()


def test_many_connections_end_together(cloud: FakeCloud, apps: Apps) -> None:
    made = [apps(cloud, limits=replace(QUICK, start=PATIENCE)) for _ in range(40)]
    peers = [cloud.accept_app() for _ in made]
    for app in made:
        app.connection.wait_connected(PATIENCE)
    for app in made:
        app.connection.end("server_stopped", code=1001)
    for peer in peers:
        code, reason = peer.read_close()
        peer.send_close(code, reason)
    for app in made:
        assert app.ended()[0] == "server_stopped"


def test_it_ends_even_when_its_owner_wants_the_thread_to_exit(
    cloud: FakeCloud, apps: Apps, logged: Any
) -> None:
    class Exiting(Recorder):
        def received(self, frame: dict[str, Any]) -> None:
            raise SystemExit

    app, peer = connected(cloud, apps, Exiting())
    peer.send_json({"type": "anything"})
    assert app.ended() == ("connection_lost", None, "internal error")
    assert not app.connection.connected
    assert logged.about("by a fault of this package")


# --- Making way for another ----------------------------------------------------------------------


def test_last_words_come_before_the_close(any_cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(any_cloud, apps)
    app.connection.send("before")
    app.connection.hand_over("last words")
    app.connection.end("replaced")
    assert [peer.read_text(), peer.read_text()] == ["before", "last words"]
    assert peer.read_close() == (1000, "")


def test_last_words_wait_for_nobody_who_does_not_read(any_cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(any_cloud, apps, limits=replace(QUICK, write=FOR_EVER))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(app.connection.send, "x" * 16_000_000)
        wait_until(lambda: app.connection._live.backlog)
        began = time.monotonic()
        app.connection.hand_over("last words")
        app.connection.end("replaced")
        assert app.ended()[0] == "replaced"
        assert time.monotonic() - began < IN_TIME
        with pytest.raises(SessionEnded):
            sending.result(PATIENCE)
    assert any_cloud.tls or peer.wait_gone() == "reset"


def test_last_words_without_a_connection_are_not_kept(cloud: FakeCloud, apps: Apps) -> None:
    app, peer = connected(cloud, apps)
    peer.reset()
    app.owner.wait_for("lost")
    app.connection.hand_over("last words")
    again = cloud.accept_app()
    app.connection.send("next")
    assert again.read_text() == "next"
    app.connection.end("over")
    app.connection.hand_over("too late")
    assert app.ended()[0] == "over"
