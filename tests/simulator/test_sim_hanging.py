"""An app that answers nothing holds up nobody else, nor the end of the simulator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from background import Call
from cloud import wait_until
from post_server import Post, PostServer
from raw_app import PATIENCE, RawApp, RawSocket
from stage import out_of_threads

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator

LONG = 120.0
"""Seconds: a test that waits for so long has failed before."""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WEBHOOK_TIMEOUT", LONG)


@pytest.fixture
def hanging(app: RawApp) -> Iterator[RawApp]:
    """It answers webhooks, and nothing else."""
    gate = threading.Event()
    app.on_post = lambda frame: gate.wait(LONG)
    yield app
    gate.set()


@pytest.fixture
def page(running: Simulator, open_socket: Callable[..., RawSocket]) -> RawSocket:
    page = open_socket(running.url.replace("http", "ws") + "simulator-ws")
    page.wait("hello")
    return page


def change_settings(page: RawSocket, times: int) -> None:
    for _ in range(times):
        page.send({"action": "change_settings", "settings": {"flag": True}})


def test_webhooks_go_out_while_pages_wait_for_the_app(
    running: Simulator, hanging: RawApp, page: RawSocket
) -> None:
    most = max(limits.ACTION_THREADS, limits.WEBHOOK_THREADS)
    change_settings(page, most)
    hanging.posts.wait_count(lambda post: True, limits.ACTION_THREADS)
    running.end_app().result(20)
    assert running.app_state == "stopped"


def test_so_many_may_wait_and_no_more(running: Simulator, hanging: RawApp, page: RawSocket) -> None:
    change_settings(page, limits.MAX_ACTIONS + 1)
    problem = page.wait("problem")["message"]
    assert f"{limits.MAX_ACTIONS} actions wait for the app already" in problem


def test_the_end_does_not_wait_for_the_app(
    running: Simulator, hanging: RawApp, page: RawSocket
) -> None:
    change_settings(page, 1)
    hanging.posts.wait_count(lambda post: True, 1)
    assert Call(running.stop).outcome is None


def test_the_end_does_not_wait_for_the_rest_of_an_answer(
    simulate: Callable[..., Simulator],
) -> None:
    begun, gate = threading.Event(), threading.Event()

    def answer(post: Post) -> tuple[int, bytes]:
        # What follows ends with the connection, which http.client then holds no more.
        post.connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        begun.set()
        gate.wait(LONG)
        return 200, b""

    server = PostServer(answer)
    try:
        simulator = simulate(webhook_url=server.url)
        simulator.begin_app()
        assert begun.wait(PATIENCE)
        assert Call(simulator.stop).outcome is None
    finally:
        gate.set()
        server.close()


def test_a_webhook_that_found_out_of_threads_is_sent_by_the_next_one(
    simulator: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhooks = simulator.cloud.webhooks
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        simulator.begin_app()
    assert webhooks.busy == 1
    sent = threading.Event()
    webhooks.post(f"{app.webhook_url}/2", {}, repeat=False, done=lambda *how: sent.set())
    app.wait_connected()
    assert sent.wait(PATIENCE)
    wait_until(lambda: webhooks.busy == 0)


@pytest.mark.parametrize("name", ["lens", "spoken", "played", "lights", "photos", "frames"])
def test_the_end_does_not_wait_for_who_waits_to_see_something(
    simulator: Simulator, name: str
) -> None:
    waits = Call(lambda: getattr(simulator.glasses, name).wait_for("never", LONG))
    simulator.stop()
    assert waits.outcome is None
