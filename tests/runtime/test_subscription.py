"""Registered handlers, and the signals they are registered for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mentra_sync.clock import Clock
from mentra_sync.runtime.callbacks import describe
from mentra_sync.runtime.dispatcher import Dispatcher
from mentra_sync.runtime.subscription import Handler, Signals, Subscription
from mentra_sync.runtime.timers import Timers


@pytest.fixture
def dispatcher(clock: Clock, timers: Timers) -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(
        "test",
        clock,
        timers,
        logger=logging.getLogger("mentra_sync.test"),
        report=lambda error, function: reported.append((error, describe(function))),
    )
    reported.clear()
    yield dispatcher
    dispatcher.end("test is over")
    assert dispatcher.join(10)


reported: list[tuple[BaseException, str]] = []


@pytest.fixture
def signals(dispatcher: Dispatcher) -> Signals:
    return Signals(dispatcher)


def settle(dispatcher: Dispatcher) -> None:
    """Wait until everything that was posted before has run."""
    done = threading.Event()
    dispatcher.post_now(lambda _: done.set())
    assert done.wait(10)


class Blocked:
    """The session's one callback at a time is this one, until ``release``."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        began = threading.Event()
        self._go_on = threading.Event()
        dispatcher.post(lambda _: (began.set(), self._go_on.wait(10)), None)
        assert began.wait(10)

    def release(self) -> None:
        self._go_on.set()


# --- A subscription ---------------------------------------------------------------------------


def make_subscription() -> tuple[Subscription, list[str]]:
    removed: list[str] = []
    return Subscription(settle, lambda: removed.append("removed")), removed


def test_there_are_three_ways_to_stop() -> None:
    called, removed = make_subscription()
    called()
    assert removed == ["removed"]
    named, removed = make_subscription()
    named.unsubscribe()
    assert removed == ["removed"]
    block, removed = make_subscription()
    with block as entered:
        assert entered is block
        assert removed == []
    assert removed == ["removed"]


def test_a_with_block_stops_after_an_error_as_well() -> None:
    subscription, removed = make_subscription()
    with pytest.raises(ValueError, match="inside"), subscription:
        raise ValueError("inside")
    assert removed == ["removed"]


def test_stopping_again_does_nothing() -> None:
    subscription, removed = make_subscription()
    assert subscription.active
    for _ in range(3):
        subscription()
        assert not subscription.active
    with subscription:
        pass
    assert removed == ["removed"]


def test_a_subscription_shows_itself() -> None:
    subscription, _ = make_subscription()
    assert repr(subscription) == "<Subscription of settle, active>"
    subscription()
    assert repr(subscription) == "<Subscription of settle, stopped>"


# --- Signals ----------------------------------------------------------------------------------


def test_every_handler_of_a_signal_is_called_in_order(
    dispatcher: Dispatcher, signals: Signals
) -> None:
    called: list[Any] = []
    signals.on("setting", lambda new, old: called.append((new, old)), "new", "old")
    signals.on("setting", lambda new: called.append(new), "new", "old")
    signals.on("setting", lambda: called.append("nothing"), "new", "old")
    signals.on(("setting", "volume"), called.append, "new")
    signals.emit("setting", 1, 2)
    signals.emit(("setting", "volume"), 5)
    signals.emit("nobody listens", 1)
    signals.emit_now("setting", 3, 4)
    settle(dispatcher)
    assert called == [(1, 2), 1, "nothing", 5, (3, 4), 3, "nothing"]


def test_a_bad_handler_is_refused_and_not_registered(signals: Signals) -> None:
    with pytest.raises(TypeError):
        signals.on("error", lambda a, b: None, "error")
    assert signals.handlers("error") == ()


def test_a_handler_registered_twice_is_called_twice_and_removed_once(
    dispatcher: Dispatcher, signals: Signals
) -> None:
    called: list[int] = []
    first = signals.on("error", called.append, "error")
    signals.on("error", called.append, "error")
    signals.emit("error", 1)
    settle(dispatcher)
    first()
    signals.emit("error", 2)
    settle(dispatcher)
    assert called == [1, 1, 2]
    assert len(signals.handlers("error")) == 1


def test_the_handlers_can_be_called_by_hand(signals: Signals) -> None:
    called: list[Any] = []
    subscription = signals.on("disconnected", called.append, "disconnection")
    for handler in signals.handlers("disconnected"):
        handler(("how",))
    assert called == ["how"]
    subscription()
    assert signals.handlers("disconnected") == ()


def test_a_failing_handler_is_named_by_its_own_name(
    dispatcher: Dispatcher, signals: Signals
) -> None:
    def breaks() -> None:
        raise ValueError("no")

    signals.on("connected", breaks, "settings")
    signals.emit("connected", None)
    settle(dispatcher)
    assert [(str(error), name.rpartition(".")[2]) for error, name in reported] == [("no", "breaks")]


def test_a_call_already_queued_does_not_come_after_unsubscribe(
    dispatcher: Dispatcher, signals: Signals
) -> None:
    called: list[Any] = []
    blocked = Blocked(dispatcher)
    stopped = signals.on("error", lambda error: called.append(("stopped", error)), "error")
    signals.on("error", lambda error: called.append(("stays", error)), "error")
    signals.emit("error", 1)
    stopped()
    signals.emit("error", 2)
    blocked.release()
    settle(dispatcher)
    assert called == [("stays", 1), ("stays", 2)]


def test_a_handler_may_stop_itself_and_others(dispatcher: Dispatcher, signals: Signals) -> None:
    called: list[str] = []

    def once() -> None:
        called.append("once")
        subscriptions["once"]()
        subscriptions["other"]()

    subscriptions = {
        "once": signals.on("error", once, "error"),
        "other": signals.on("error", lambda: called.append("other"), "error"),
    }
    blocked = Blocked(dispatcher)
    for n in range(3):
        signals.emit("error", n)
    blocked.release()
    settle(dispatcher)
    assert called == ["once"]


def test_a_stream_handler_is_silent_once_stopped(dispatcher: Dispatcher) -> None:
    called: list[int] = []
    handler = Handler(called.append)
    assert describe(handler) == "list.append"
    blocked = Blocked(dispatcher)
    dispatcher.post(handler, 1)
    blocked.release()
    settle(dispatcher)
    blocked = Blocked(dispatcher)
    dispatcher.post(handler, 2)
    handler.stop()
    handler.stop()
    dispatcher.post(handler, 3)
    blocked.release()
    settle(dispatcher)
    assert called == [1]


def test_handlers_come_and_go_while_signals_are_emitted(
    dispatcher: Dispatcher, signals: Signals
) -> None:
    called: list[int] = []
    signals.on("error", called.append, "error")
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            with signals.on("error", lambda: None, "error"):
                pass

    threads = [threading.Thread(target=come_and_go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(500):
        signals.emit("error", n)
    done.set()
    for thread in threads:
        thread.join(10)
    settle(dispatcher)
    assert called == list(range(500))
    assert len(signals.handlers("error")) == 1
