"""Session time: real time plus what a test has added."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from mentra_sync.clock import Clock, Deadline

WaitUntil = Callable[..., None]


class Sleeper:
    """A thread that waits on a clock."""

    def __init__(self, clock: Clock, until: float | None) -> None:
        self.condition = threading.Condition()
        self.flag = False
        self.result: bool | None = None
        self.woke_at = 0.0
        self._clock = clock
        self._until = until
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        with self.condition:
            self.result = self._clock.wait_for(self.condition, lambda: self.flag, self._until)
            self.woke_at = self._clock.now()

    def signal(self) -> None:
        with self.condition:
            self.flag = True
            self.condition.notify_all()

    def join(self) -> bool | None:
        self.thread.join(10)
        assert not self.thread.is_alive()
        return self.result


def test_it_runs_with_real_time(clock: Clock) -> None:
    before, real = clock.now(), time.monotonic()
    assert before == pytest.approx(real, abs=1)
    readings = [clock.now() for _ in range(1000)]
    assert readings == sorted(readings)


def test_advancing_adds_and_never_takes_away(clock: Clock) -> None:
    start = clock.now()
    clock.advance_to(start + 3600)
    there = clock.now()
    assert there >= start + 3600 - 1e-6
    clock.advance_to(start)
    assert there <= clock.now() < there + 60


def test_a_wait_ends_when_the_predicate_comes_true(clock: Clock) -> None:
    for until in (None, clock.now() + 1000):
        sleeper = Sleeper(clock, until)
        sleeper.signal()
        assert sleeper.join() is True


def test_a_predicate_that_is_true_is_enough_even_when_the_moment_has_passed(clock: Clock) -> None:
    condition = threading.Condition()
    with condition:
        assert clock.wait_for(condition, lambda: True, clock.now() - 5) is True
        assert clock.wait_for(condition, lambda: False, clock.now() - 5) is False
        assert clock.wait_for(condition, lambda: False, float("nan")) is False


def test_a_wait_ends_by_itself_in_real_time(clock: Clock) -> None:
    until = clock.now() + 0.02
    sleeper = Sleeper(clock, until)
    assert sleeper.join() is False
    assert sleeper.woke_at >= until


def test_advancing_wakes_who_waits(clock: Clock, wait_until: WaitUntil) -> None:
    start = clock.now()
    sleepers = [Sleeper(clock, start + 1000 * (n + 1)) for n in range(3)]
    wait_until(lambda: len(clock._waits) == 3)
    assert clock.next_due() == start + 1000
    for sleeper in sleepers:
        due = clock.next_due()
        assert due is not None
        assert sleeper.thread.is_alive()
        clock.advance_to(due)
        assert sleeper.join() is False
    assert clock.next_due() is None


def test_advancing_to_less_leaves_the_wait_alone(clock: Clock, wait_until: WaitUntil) -> None:
    until = clock.now() + 1000
    sleeper = Sleeper(clock, until)
    wait_until(clock.next_due)
    clock.advance_to(until - 100)
    assert clock.next_due() == until
    sleeper.signal()
    assert sleeper.join() is True
    assert clock.next_due() is None


def test_no_wake_up_is_missed() -> None:
    # The advance may come before, while or after the other thread goes to sleep.
    for _ in range(300):
        clock = Clock()
        until = clock.now() + 1000
        sleeper = Sleeper(clock, until)
        clock.advance_to(until)
        assert sleeper.join() is False
        assert clock.next_due() is None


def test_a_wait_may_be_longer_than_the_system_can_wait(clock: Clock, wait_until: WaitUntil) -> None:
    for until in (clock.now() + 1e15, float("inf")):
        sleeper = Sleeper(clock, until)
        wait_until(clock.next_due)
        sleeper.signal()
        assert sleeper.join() is True


def test_a_predicate_that_raises_leaves_nothing_behind(clock: Clock) -> None:
    condition = threading.Condition()
    answers = iter([False])
    with condition, pytest.raises(StopIteration):
        clock.wait_for(condition, lambda: next(answers), clock.now() + 1000)
    assert clock.next_due() is None


def test_a_deadline_runs_out() -> None:
    assert Deadline(-1).passed
    assert Deadline(0).remaining == 0.0
    later = Deadline(100)
    assert not later.passed
    assert 99 < later.remaining <= 100
