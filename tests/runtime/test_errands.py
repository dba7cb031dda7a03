"""Errands: one at a time, in order, with a thread only while there is something to do."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from stage import out_of_threads

from mentra_sync.runtime.errands import Errands

NAME = "mentra-errands-test"


def running() -> bool:
    return any(thread.name == NAME for thread in threading.enumerate())


def test_one_at_a_time_in_order(wait_until: Callable[..., None]) -> None:
    idle = threading.Event()
    errands = Errands(NAME, idle.set)
    gate = threading.Event()
    order: list[int] = []
    first = errands.do(lambda: gate.wait(10))
    rest = [errands.do(lambda n=n: order.append(n)) for n in range(100)]  # type: ignore[misc]
    assert errands.busy and order == [] and not idle.is_set()
    gate.set()
    assert first.result(10) is True
    for future in rest:
        future.result(10)
    assert order == list(range(100))
    assert idle.wait(10)
    wait_until(lambda: not errands.busy and not running())
    assert errands.do(lambda: threading.current_thread().name).result(10) == NAME
    assert errands.join(10)
    assert not running()


def test_what_an_errand_raises_is_the_futures() -> None:
    errands = Errands(NAME, lambda: None)
    with pytest.raises(SystemExit):
        errands.do(lambda: exec("raise SystemExit")).result(10)
    assert errands.do(lambda: 5).result(10) == 5
    errands.join(10)


def test_from_many_threads() -> None:
    errands = Errands(NAME, lambda: None)
    counts = [0]

    def count() -> None:
        counts[0] += 1  # no lock: one at a time

    def send() -> None:
        for future in [errands.do(count) for _ in range(200)]:
            future.result(10)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1600]
    errands.join(10)


def test_without_a_thread_the_caller_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    out_of_threads(monkeypatch)
    errands = Errands(NAME, lambda: None)
    assert errands.do(threading.current_thread).result(0) is threading.current_thread()
    assert not errands.busy
