"""When a connection is dialled again, and when that is given up."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mentra_sync.runtime import schedule as schedule_module
from mentra_sync.runtime.limits import Limits
from mentra_sync.runtime.schedule import Schedule, Step


class Time:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(schedule_module, "time", clock)
    return clock


def schedule(clock: Time, **options: Any) -> Schedule:
    options.setdefault("until", clock.now + 15)
    options.setdefault("max_attempts", None)
    options.setdefault("at_once", False)
    return Schedule(Limits(), **options)


def fail_until_given_up(clock: Time, one: Schedule) -> tuple[list[float], Step]:
    """The pauses when each attempt fails the moment it begins, and the last step."""
    pauses = []
    while True:
        step = one.next()
        if not step.dial:
            return pauses, step
        pauses.append(step.at - clock.now)
        clock.now = step.at
        one.failed()


@pytest.mark.parametrize("number", range(20))
def test_the_delays_grow_and_vary(clock: Time, number: int) -> None:
    found, _ = fail_until_given_up(clock, schedule(clock))
    for delay, expected in zip(found, [0.25, 1, 2, 4, 4, 4], strict=False):
        assert 0.8 * expected <= delay <= 1.2 * expected
    assert 5 <= len(found) <= 6


def test_the_delays_go_on_from_those_of_a_schedule_before(clock: Time) -> None:
    before = schedule(clock)
    for _ in range(2):
        before.next()
        before.failed()
    assert before.pauses == 2
    found, _ = fail_until_given_up(clock, schedule(clock, pauses=before.pauses))
    for delay, expected in zip(found, [2, 4, 4], strict=False):
        assert 0.8 * expected <= delay <= 1.2 * expected


def test_they_vary_indeed(clock: Time) -> None:
    assert len({schedule(clock).next().at for _ in range(10)}) > 5


def test_it_ends_with_the_attempts(clock: Time) -> None:
    one = schedule(clock, max_attempts=4)
    pauses, last = fail_until_given_up(clock, one)
    assert len(pauses) == 4
    assert last.at == clock.now  # and at once
    assert not schedule(clock, max_attempts=0).next().dial


def test_it_ends_with_the_time(clock: Time) -> None:
    until = clock.now + 15
    one = schedule(clock, max_attempts=100)
    assert fail_until_given_up(clock, one)[1] == Step(until, dial=False)


def test_waiting_out_goes_on_beyond_the_attempts(clock: Time) -> None:
    one = schedule(clock, max_attempts=1)
    clock.now = one.next().at
    one.failed(wait_out=True)
    assert len(fail_until_given_up(clock, one)[0]) >= 4


def test_at_once_takes_no_delay_away(clock: Time) -> None:
    one = schedule(clock, at_once=True)
    assert one.next().at == clock.now
    one.failed(at_once=True)
    assert one.next().at == clock.now
    one.failed()
    assert 0.2 <= one.next().at - clock.now <= 0.3


def test_it_runs_on_real_time() -> None:
    began = time.monotonic()
    one = Schedule(Limits(), until=began + 15, max_attempts=4, at_once=False)
    assert began + 0.2 <= one.next().at <= time.monotonic() + 0.3
