"""Both directions at once, as hard as it goes: nothing lost, nothing out of order, no deadlock."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fake_cloud import (  # noqa: F401
    PATIENCE,
    QUICK,
    TEXT,
    App,
    FakeCloud,
    Peer,
    Recorder,
    any_cloud_fixture,
    apps_fixture,
    no_leaks_fixture,
    server_frame,
)

pytestmark = pytest.mark.stress

SECONDS = 2.0
FRAMES_PER_SECOND = 10_000
SENDERS = "abcd"


class Counter(Recorder):
    """Takes in numbered frames and checks that none is missing."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.out_of_order = 0

    def received(self, frame: dict[str, Any]) -> None:
        if frame["number"] != self.count:
            self.out_of_order += 1
        self.count += 1


def talk(peer: Peer) -> int:
    """Send numbered frames at the wanted rate, or as fast as the app takes them."""
    began = time.monotonic()
    number = 0
    while time.monotonic() < began + SECONDS:
        batch = []
        while number < (time.monotonic() - began) * FRAMES_PER_SECOND:
            text = json.dumps({"type": "data_stream", "number": number, "text": "x" * 380})
            batch.append(server_frame(TEXT, text.encode()))
            number += 1
        peer.sock.sendall(b"".join(batch))
        time.sleep(0.002)
    return number


def listen(peer: Peer, wanted: int) -> dict[str, list[int]]:
    """Read all that the senders write."""
    found: dict[str, list[int]] = {name: [] for name in SENDERS}
    while sum(map(len, found.values())) < wanted:
        text = peer.read_text()
        found[text[0]].append(int(text[1:].partition(".")[0]))
    return found


def test_both_directions_at_once(any_cloud: FakeCloud, apps: Callable[..., App]) -> None:
    owner = Counter()
    app = apps(any_cloud, owner, limits=replace(QUICK, write=PATIENCE))
    peer = any_cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    each = 2500

    def send(name: str) -> None:
        for number in range(each):
            app.connection.send(f"{name}{number}" + "." * 400)

    with ThreadPoolExecutor(8) as pool:
        talking = pool.submit(talk, peer)
        listening = pool.submit(listen, peer, each * len(SENDERS))
        for future in [pool.submit(send, name) for name in SENDERS]:
            future.result(60)
        told = talking.result(60)
        heard = listening.result(60)
    for name in SENDERS:
        assert heard[name] == list(range(each))
    until = time.monotonic() + PATIENCE
    while owner.count < told and time.monotonic() < until:
        time.sleep(0.005)
    assert owner.count == told
    assert told > SECONDS * FRAMES_PER_SECOND * 0.3
    assert owner.out_of_order == 0
    assert app.connection.connected
    assert owner.all("lost") == []


def test_both_sides_write_before_they_read(any_cloud: FakeCloud, apps: Callable[..., App]) -> None:
    """The cloud reads nothing until all of its own is written, with large frames both ways."""
    owner = Counter()
    app = apps(any_cloud, owner, limits=replace(QUICK, write=PATIENCE))
    peer = any_cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    started = threading.Barrier(len(SENDERS) + 1)

    def send(name: str) -> None:
        started.wait()
        for number in range(12):
            app.connection.send(f"{name}{number}" + "." * 1_000_000)

    with ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send, name) for name in SENDERS]
        started.wait()
        for number in range(100):
            text = json.dumps({"type": "x", "number": number, "text": "y" * 400_000})
            peer.send(TEXT, text.encode())
        heard = listen(peer, 12 * len(SENDERS))
        for future in sending:
            future.result(60)
    for name in SENDERS:
        assert heard[name] == list(range(12))
    until = time.monotonic() + PATIENCE
    while owner.count < 100 and time.monotonic() < until:
        time.sleep(0.005)
    assert (owner.count, owner.out_of_order) == (100, 0)
