"""Simulators for tests, and the promise that none leaves a thread or a socket behind."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from raw_app import API_KEY, PACKAGE, PATIENCE, RawApp, RawSocket, simulator_threads

from mentra_sync.simulator.http import Simulator


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """After each test no thread of a simulator runs, and no socket is open (warnings fail)."""
    yield
    deadline = time.monotonic() + PATIENCE
    while simulator_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert simulator_threads() == []
    gc.collect()


@pytest.fixture
def app() -> Iterator[RawApp]:
    raw = RawApp()
    yield raw
    raw.close()


@pytest.fixture
def simulate(app: RawApp) -> Iterator[Callable[..., Simulator]]:
    """Makes running simulators of the raw app."""
    made: list[Simulator] = []

    def make(**options: Any) -> Simulator:
        defaults: dict[str, Any] = {
            "webhook_url": app.webhook_url,
            "package_name": PACKAGE,
            "api_key": API_KEY,
            "app_name": "Raw",
            "port": 0,
            "user_id": "runner@example.com",
            "realistic": False,
        }
        made.append(Simulator(**{**defaults, **options}))
        made[-1].start()
        return made[-1]

    yield make
    for simulator in made:
        simulator.stop()


@pytest.fixture
def simulator(simulate: Callable[..., Simulator]) -> Simulator:
    """A simulator that takes no time."""
    return simulate()


@pytest.fixture
def running(simulator: Simulator, app: RawApp) -> Simulator:
    """The same, with the app running."""
    assert simulator.start_app()
    app.wait_connected()
    assert simulator.wait_for_streams()
    return simulator


@pytest.fixture
def open_socket() -> Iterator[Callable[..., RawSocket]]:
    """Opens websockets that are closed at the end."""
    opened: list[RawSocket] = []

    def open_one(url: str, **options: Any) -> RawSocket:
        opened.append(RawSocket(url, **options))
        return opened[-1]

    yield open_one
    for raw in opened:
        raw.reset()
