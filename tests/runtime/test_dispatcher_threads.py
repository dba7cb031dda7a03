"""Threads that run callbacks: idle, refused by the system, or held up by a slow callback."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from stage import PATIENCE, Holder, Stage, Waiter, out_of_threads

from mentra_sync import config

WaitUntil = Callable[..., None]


# --- Threads that come and go -----------------------------------------------------------------


def test_an_idle_thread_goes_away_and_comes_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr(config, "DISPATCHER_IDLE", 0.01)
    assert stage.dispatcher.threads == []
    for n in range(3):
        stage.post_note(n)
        stage.wait_for(n)
        wait_until(lambda: not stage.dispatcher.threads)


@pytest.mark.parametrize("idle", [0.0, 0.0001, 0.001])
def test_no_event_is_lost_on_a_thread_that_is_leaving(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, idle: float
) -> None:
    monkeypatch.setattr(config, "DISPATCHER_IDLE", idle)
    chance = random.Random(idle)
    for n in range(300):
        stage.post_note(n)
        stage.wait_for_count(n + 1)
        if chance.random() < 0.5:
            time.sleep(idle * chance.random() * 2)  # the moment itself is what is tried here
    assert stage.happened == list(range(300))


def test_without_a_thread_events_wait_for_the_next_one(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.timers.after(0, lambda: stage.note("timers run"))
    stage.wait_for("timers run")
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        stage.post_note(1)
        stage.post_note(2)
        logged.wait_for("gives no more threads")
    stage.post_note(3)
    stage.wait_for(3)
    assert stage.happened == ["timers run", 1, 2, 3]
    assert len(logged.about("gives no more threads")) == 1


def test_without_a_thread_and_without_another_event_a_timer_tries_again(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    stage.timers.after(0, lambda: stage.note("timers run"))
    stage.wait_for("timers run")
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        stage.post_note("queued")
        for _ in range(3):
            stage.clock.advance_to(stage.clock.now() + 1)
            wait_until(lambda: not stage.timers.busy)
    stage.clock.advance_to(stage.clock.now() + 1)
    stage.wait_for("queued")
    assert len(logged.about("gives no more threads")) == 1


def test_without_a_second_thread_one_that_waits_still_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiter = Waiter(stage, "a")
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        stage.post_note("queued")
        waiter.answer()
        stage.wait_for("a goes on")
        stage.wait_for("queued")  # on the thread that has become free


def test_with_the_very_first_thread_refused_the_dispatcher_recovers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not even the timer thread could be started to log it.
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        stage.post_note(1)
    stage.post_note(2)
    stage.wait_for(2)
    assert stage.happened == [1, 2]


# --- Callbacks that take long -----------------------------------------------------------------


def test_a_slow_callback_is_named_once_with_its_stack_and_those_it_holds_up(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    waiter = Waiter(stage, "a")
    holder = Holder(stage, "slow one")
    waiter.answer()
    usual = config.SLOW_CALLBACK
    monkeypatch.setattr(config, "SLOW_CALLBACK", 0.05)  # only now: the answer might be slow
    time.sleep(0.06)
    stage.clock.advance_to(stage.clock.now() + usual)
    line = logged.wait_for("has been running for")
    assert re.match(r"Holder\.run has been running for \d+ s", line)
    assert "self._go_on.wait(3 * PATIENCE)" in line  # where it is
    assert "session.sleep()" in line
    assert "Waiting for their turn: Waiter.run." in line
    for _ in range(5):
        stage.clock.advance_to(stage.clock.now() + 1)
        wait_until(lambda: not stage.timers.busy)
    holder.release()
    stage.wait_for("a goes on")
    assert len(logged.about("has been running for")) == 1


def test_a_callback_that_waits_in_its_session_is_not_slow(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr(config, "MAX_WAITING_CALLBACKS", 1)
    waiters = [Waiter(stage, "a"), Waiter(stage, "keeps the baton")]
    wait_until(lambda: len(stage.dispatcher._blocked) == 2)
    usual = config.SLOW_CALLBACK
    monkeypatch.setattr(config, "SLOW_CALLBACK", 0.01)  # only now: they might be slow to wait
    time.sleep(0.02)
    checked = threading.Event()
    stage.clock.advance_to(stage.clock.now() + usual)
    stage.timers.after(0.1, checked.set)
    assert checked.wait(PATIENCE)
    assert logged.about("has been running for") == []
    for waiter in waiters:
        waiter.answer()
    stage.wait_for("a goes on")


def test_the_next_slow_callback_is_named_as_well(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr(config, "SLOW_CALLBACK", 0.02)
    for n in range(2):
        holder = Holder(stage, f"slow {n}")
        wait_until(lambda n=n: len(logged.about("has been running for")) == n + 1)
        holder.release()
        stage.wait_for(f"slow {n} returns")
