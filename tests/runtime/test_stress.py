"""Both directions at once, as hard as it goes: nothing lost, nothing out of order, no deadlock."""

from __future__ import annotations

import json
import selectors
import ssl
import time
from collections.abc import Callable, Iterator
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
    wait_until,
)
from websocket import ABNF

pytestmark = pytest.mark.stress

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


class Duplex:
    """The cloud's end, on one thread: over TLS a socket must not be used by two at once."""

    def __init__(self, peer: Peer) -> None:
        peer.sock.setblocking(False)
        self._sock = peer.sock
        self._out = bytearray()
        self._in = bytearray()
        self.heard: dict[str, list[int]] = {name: [] for name in SENDERS}

    def run(self, frames: Iterator[bytes | None], wanted: int) -> int:
        """Write ``frames`` (None: none is due yet) and read ``wanted`` ones; returns how many."""
        told = 0
        talking = True
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            while talking or self._out or sum(map(len, self.heard.values())) < wanted:
                while talking and len(self._out) < 100_000:
                    frame = next(frames, b"")
                    if frame is None:
                        break
                    talking = frame != b""
                    told += talking
                    self._out += frame
                write = selectors.EVENT_WRITE if self._out else 0
                selector.modify(self._sock, selectors.EVENT_READ | write)
                selector.select(0.001)
                self._write()
                self._read()
        return told

    def _write(self) -> None:
        try:
            while self._out:
                # TLS wants the same bytes again after it would have blocked: the front is them.
                del self._out[: self._sock.send(bytes(self._out[:16_000]))]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass

    def _read(self) -> None:
        try:
            while True:
                data = self._sock.recv(65536)
                assert data, "the app has closed"
                self._in += data
                self._take()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass

    def _take(self) -> None:
        while len(self._in) >= 14:
            assert self._in[0] == 0x81
            length, start = self._in[1] & 0x7F, 2
            if length >= 126:
                start = 4 if length == 126 else 10
                length = int.from_bytes(self._in[2:start], "big")
            end = start + 4 + length
            if len(self._in) < end:
                return
            mask = bytes(self._in[start : start + 4])
            text = ABNF.mask(mask, bytes(self._in[start + 4 : start + 24])).decode()
            self.heard[text[0]].append(int(text[1:].partition(".")[0]))
            del self._in[:end]


def paced(count: int, a_second: int) -> Iterator[bytes | None]:
    """Numbered frames of 450 bytes at that rate, or as fast as they are taken."""
    began = time.monotonic()
    number = 0
    while number < count:
        if number >= (time.monotonic() - began) * a_second:
            yield None
            continue
        text = json.dumps({"type": "data_stream", "number": number, "text": "x" * 400})
        yield server_frame(TEXT, text.encode())
        number += 1


def test_both_directions_at_once(any_cloud: FakeCloud, apps: Callable[..., App]) -> None:
    owner = Counter()
    app = apps(any_cloud, owner, limits=replace(QUICK, write=PATIENCE))
    peer = any_cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    each = 2500

    def send(name: str) -> None:
        for number in range(each):
            app.connection.send(f"{name}{number}" + "." * 400)

    duplex = Duplex(peer)
    with ThreadPoolExecutor(8) as pool:
        talking = pool.submit(duplex.run, paced(10_000, 10_000), each * len(SENDERS))
        for future in [pool.submit(send, name) for name in SENDERS]:
            future.result(60)
        told = talking.result(60)
    for name in SENDERS:
        assert duplex.heard[name] == list(range(each))
    wait_until(lambda: owner.count == told)
    assert told == 10_000
    assert owner.out_of_order == 0
    assert app.connection.connected
    assert owner.all("lost") == []


def test_both_sides_write_before_they_read(any_cloud: FakeCloud, apps: Callable[..., App]) -> None:
    """The cloud reads nothing until all of its own is written, with large frames both ways."""
    owner = Counter()
    app = apps(any_cloud, owner, limits=replace(QUICK, write=PATIENCE))
    peer = any_cloud.accept_app()
    app.connection.wait_connected(PATIENCE)
    each = 12

    def send(name: str) -> None:
        for number in range(each):
            app.connection.send(f"{name}{number}" + "." * 1_000_000)

    with ThreadPoolExecutor(8) as pool:
        sending = [pool.submit(send, name) for name in SENDERS]
        wait_until(lambda: app.connection._live.backlog == len(SENDERS))
        for number in range(100):
            text = json.dumps({"type": "x", "number": number, "text": "y" * 400_000})
            peer.send(TEXT, text.encode())
        heard: dict[str, list[int]] = {name: [] for name in SENDERS}
        for _ in range(each * len(SENDERS)):
            text = peer.read_text()
            heard[text[0]].append(int(text[1:].partition(".")[0]))
        for future in sending:
            future.result(60)
    for name in SENDERS:
        assert heard[name] == list(range(each))
    wait_until(lambda: owner.count == 100)
    assert owner.out_of_order == 0
