"""What all tests share: nothing may be left over, and waiting for a condition."""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from stage import Stage

from mentra_sync import config as limits
from mentra_sync.clock import Clock
from mentra_sync.runtime.timers import Timers
from mentra_sync.simulator import records

PATIENCE = 10.0
"""Seconds after which a test gives up waiting; only a failing test waits that long."""


def _be_patient() -> None:
    """Give what the package itself waits for as much: a crowded machine may stand still."""
    # Before what takes it for a default is loaded.
    records.WAIT_SECONDS = PATIENCE
    records.Record.wait_for.__defaults__ = (PATIENCE,)

    from mentra_sync.simulator.http import Simulator
    from mentra_sync.testing import listening, simulated_glasses, stillness

    accept, _, user_id = Simulator.wait_for_streams.__defaults__ or ()
    Simulator.wait_for_streams.__defaults__ = (accept, PATIENCE, user_id)
    # An on_session that is late would be taken for one that listens to nothing.
    limits.HOLD_AT_START = listening.PATIENCE = PATIENCE
    stillness.PATIENCE = simulated_glasses.READY = 2 * PATIENCE


_be_patient()

_FDS = Path("/proc/self/fd")

# How long an example takes says more of the machine than of the code.
settings.register_profile(
    "mentra_sync", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mentra_sync")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "leaves_threads_or_sockets: what stays open is ended by somebody else later"
    )
    # A shell starts what runs in its background deaf to Ctrl+C, and the programs that the tests
    # start, and press it in, would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_left_over(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test no thread of the package lives on, and no socket is open that wasn't before."""
    threads, sockets = _threads(), _sockets()
    yield
    if request.node.get_closest_marker("leaves_threads_or_sockets"):
        return
    deadline = time.monotonic() + PATIENCE
    left = _threads() - threads
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = {thread for thread in left if thread.is_alive()}
    assert not left, f"threads left over: {sorted(thread.name for thread in left)}"
    while open_now := _sockets() - sockets:
        gc.collect()
        assert time.monotonic() < deadline, f"sockets left open: {sorted(open_now)}"
        time.sleep(0.005)


def _threads() -> set[threading.Thread]:
    return {
        thread
        for thread in threading.enumerate()
        if thread.name.startswith(("mentra-", "waitress"))
    }


def _sockets() -> set[str]:
    """The open sockets of this process, by inode; none where the system doesn't tell."""
    if not _FDS.is_dir():
        return set()
    found = set()
    for descriptor in _FDS.iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue  # closed meanwhile; the listing itself is one of them
        if target.startswith("socket:"):
            found.add(target)
    return found


def _wait_until(condition: Callable[[], object], timeout: float = PATIENCE) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.001)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """``wait_until(condition)``: for what can only be looked at; fails after some seconds."""
    return _wait_until


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timers(clock: Clock) -> Iterator[Timers]:
    timers = Timers(clock)
    yield timers
    timers.stop()


class LogLines(logging.Handler):
    """What the package has logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._more = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        record.getMessage()  # a text that does not fit its values fails here
        with self._more:
            self.records.append(record)
            self._more.notify_all()

    @property
    def lines(self) -> list[str]:
        with self._more:
            return [record.getMessage() for record in self.records]

    def about(self, text: str) -> list[str]:
        return [line for line in self.lines if text in line]

    def wait_for(self, text: str) -> str:
        with self._more:
            came = self._more.wait_for(
                lambda: any(text in record.getMessage() for record in self.records), PATIENCE
            )
        assert came, f"nothing about {text!r} in {self.lines}"
        return self.about(text)[0]


@pytest.fixture
def logged() -> Iterator[LogLines]:
    """The lines that the package logs during the test."""
    lines = LogLines()
    logger = logging.getLogger("mentra_sync")
    before = logger.level
    logger.addHandler(lines)
    logger.setLevel(logging.DEBUG)
    yield lines
    logger.removeHandler(lines)
    logger.setLevel(before)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def make_stage() -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(*arguments: Any, **named: Any) -> Stage:
        made.append(Stage(*arguments, **named))
        return made[-1]

    yield make
    for stage in made:
        stage.close()
