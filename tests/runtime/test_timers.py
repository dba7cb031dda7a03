"""Alarms: rung in order on one thread, in session time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from stage import out_of_threads

from mentra_sync.clock import Clock
from mentra_sync.runtime.timers import Timers

WaitUntil = Callable[..., None]


class Bell:
    """Remembers who rang, and can be waited for."""

    def __init__(self) -> None:
        self.rung: list[Any] = []
        self._changed = threading.Condition()

    def __call__(self, name: object) -> Callable[[], None]:
        def ring() -> None:
            with self._changed:
                self.rung.append(name)
                self._changed.notify_all()

        return ring

    def wait(self, count: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.rung) >= count, 10), self.rung
            return list(self.rung)


@pytest.fixture
def bell() -> Bell:
    return Bell()


def pass_time(clock: Clock, seconds: float) -> None:
    clock.advance_to(clock.now() + seconds)


def test_alarms_ring_in_the_order_of_their_moments(
    timers: Timers, clock: Clock, bell: Bell
) -> None:
    for seconds in (300, 100, 200):
        timers.after(seconds, bell(seconds))
    pass_time(clock, 1000)
    assert bell.wait(3) == [100, 200, 300]


def test_alarms_of_one_moment_ring_in_the_order_in_which_they_were_set(
    timers: Timers, clock: Clock, bell: Bell
) -> None:
    moment = clock.now() + 100
    for n in range(50):
        timers.at(moment, bell(n))
    clock.advance_to(moment)
    assert bell.wait(50) == list(range(50))


def test_an_alarm_does_not_ring_early(timers: Timers, clock: Clock, bell: Bell) -> None:
    timers.after(100, bell("late"))
    timers.after(50, bell("early"))
    pass_time(clock, 60)
    assert bell.wait(1) == ["early"]
    timers.after(0, bell("now"))
    assert bell.wait(2) == ["early", "now"]
    pass_time(clock, 60)
    assert bell.wait(3)[2] == "late"


def test_an_earlier_alarm_goes_ahead_of_one_that_is_waited_for(
    timers: Timers, clock: Clock, bell: Bell, wait_until: WaitUntil
) -> None:
    timers.after(1000, bell("late"))
    wait_until(clock.next_due)
    timers.after(0.01, bell("soon"))
    assert bell.wait(1) == ["soon"]


def test_what_is_due_in_the_past_rings_at_once(timers: Timers, clock: Clock, bell: Bell) -> None:
    timers.at(clock.now() - 100, bell("past"))
    assert bell.wait(1) == ["past"]


def test_a_cancelled_alarm_stays_silent(timers: Timers, clock: Clock, bell: Bell) -> None:
    alarm = timers.after(10, bell("cancelled"))
    timers.after(20, bell("rings"))
    assert alarm.pending
    alarm.cancel()
    alarm.cancel()
    assert not alarm.pending
    pass_time(clock, 100)
    assert bell.wait(1) == ["rings"]


def test_alarms_that_were_called_off_are_not_kept(
    timers: Timers, clock: Clock, bell: Bell, wait_until: WaitUntil
) -> None:
    first = timers.after(50, bell("never"))
    for n in range(3000):
        timers.after(100 + n, bell(n))
        for _ in range(10):
            timers.after(1000, bell("never")).cancel()
        first.cancel()
        first = timers.after(50, bell("never"))
    first.cancel()
    assert len(timers._heap) < 10_000
    wait_until(lambda: not timers.busy)
    pass_time(clock, 10_000)
    assert bell.wait(3000) == list(range(3000))


def test_an_alarm_that_has_rung_is_not_pending(timers: Timers, bell: Bell) -> None:
    alarm = timers.after(0, bell("rings"))
    bell.wait(1)
    assert not alarm.pending
    alarm.cancel()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_an_alarm_that_fails_is_logged_and_the_others_ring(
    timers: Timers, bell: Bell, logged: Any, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    timers.after(0, fail)
    timers.after(0, bell("next"))
    assert bell.wait(1) == ["next"]
    assert len(logged.about("a timer of the runtime failed")) == 1


def test_an_alarm_may_set_another(timers: Timers, clock: Clock, bell: Bell) -> None:
    def again() -> None:
        timers.after(10, bell("second"))
        bell("first")()

    timers.after(0, again)
    bell.wait(1)
    pass_time(clock, 10)
    assert bell.wait(2) == ["first", "second"]


def test_the_thread_starts_with_the_first_alarm_and_ends_with_stop(clock: Clock) -> None:
    timers = Timers(clock)
    before = threading.active_count()
    timers.stop()
    timers = Timers(clock)
    assert threading.active_count() == before
    timers.after(1000, lambda: None)
    assert [t.name for t in threading.enumerate()].count("mentra-timers") == 1
    timers.stop()
    assert "mentra-timers" not in [t.name for t in threading.enumerate()]
    timers.stop()


def test_after_stop_nothing_rings_and_nothing_starts(clock: Clock, bell: Bell) -> None:
    timers = Timers(clock)
    timers.after(10, bell("forgotten"))
    timers.stop()
    timers.after(0, bell("too late"))
    pass_time(clock, 100)
    assert "mentra-timers" not in [t.name for t in threading.enumerate()]
    assert bell.rung == []


def test_stop_waits_for_the_one_that_rings(clock: Clock) -> None:
    timers = Timers(clock)
    began, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def ring() -> None:
        began.set()
        go_on.wait(10)
        done.set()

    timers.after(0, ring)
    assert began.wait(10)
    stopper = threading.Thread(target=timers.stop)
    stopper.start()
    go_on.set()
    stopper.join(10)
    assert done.is_set()


def test_stop_from_an_alarm_does_not_wait_for_itself(clock: Clock) -> None:
    timers = Timers(clock)
    stopped = threading.Event()

    def stop() -> None:
        timers.stop()
        stopped.set()

    timers.after(0, stop)
    assert stopped.wait(10)


def test_busy_tells_of_what_is_due_or_ringing(
    timers: Timers, clock: Clock, wait_until: WaitUntil
) -> None:
    began, go_on = threading.Event(), threading.Event()

    def ring() -> None:
        began.set()
        go_on.wait(10)

    assert not timers.busy
    timers.after(1000, ring)
    wait_until(lambda: not timers.busy)  # once the clock knows of it
    pass_time(clock, 1000)
    assert timers.busy
    assert began.wait(10)
    assert timers.busy
    go_on.set()
    wait_until(lambda: not timers.busy)


def test_without_a_thread_the_next_alarm_tries_again(
    clock: Clock, bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = Timers(clock)
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        timers.after(0, bell("first"))
        timers.stop()  # nothing to wait for
    timers = Timers(clock)
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        timers.after(0, bell("second"))
    timers.after(0, bell("third"))
    assert bell.wait(2) == ["second", "third"]
    timers.stop()


@pytest.mark.stress
def test_alarms_set_and_called_off_by_many_threads(clock: Clock, bell: Bell) -> None:
    timers = Timers(clock)
    moment = clock.now() + 100

    def work(name: int) -> None:
        for n in range(200):
            timers.at(moment + n % 7, bell((name, n)))
            timers.at(moment - 50 + n % 5, bell("cancelled")).cancel()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock.advance_to(moment + 10)
    rung = bell.wait(800)
    assert sorted(rung) == sorted((name, n) for name in range(4) for n in range(200))
    assert [n % 7 for _, n in rung] == sorted(n % 7 for _, n in rung)
    timers.stop()
