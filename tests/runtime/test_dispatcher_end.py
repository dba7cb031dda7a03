"""The end of a session's callbacks."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from stage import PATIENCE, Holder, Stage, Waiter, finish, in_thread

from mentra_sync.errors import SessionEnded
from mentra_sync.runtime.dispatcher import Wait

WaitUntil = Callable[..., None]


# --- The end ----------------------------------------------------------------------------------


def test_the_end_ends_every_wait_one_at_a_time(stage: Stage) -> None:
    running = 0
    most = 0

    def callback(n: int) -> None:
        nonlocal running, most
        try:
            stage.note(f"{n} waits")
            Wait(stage.dispatcher).block(None)
        except SessionEnded as error:
            assert error.reason == "user_disabled"
            running += 1
            most = max(most, running)
            time.sleep(0.001)
            running -= 1
            stage.note(n)
            raise

    for n in range(20):
        stage.dispatcher.post(callback, n)
    stage.wait_for("19 waits")
    holder = Holder(stage)
    stage.dispatcher.end("user_disabled")
    holder.release()
    assert stage.dispatcher.join(PATIENCE)
    assert most == 1
    assert [what for what in stage.happened if isinstance(what, int)] == list(range(20))
    assert stage.errors == []  # SessionEnded after the end is no news
    assert stage.dispatcher.threads == []


def test_the_end_ends_waits_outside_callbacks_too(stage: Stage) -> None:
    outcome: list[str] = []

    def wait() -> None:
        try:
            Wait(stage.dispatcher).block(stage.clock.now() + 1000)
        except SessionEnded as error:
            outcome.append(error.reason)

    thread = in_thread(wait)
    while stage.clock.next_due() is None:
        time.sleep(0.001)
    stage.dispatcher.end("connection_lost")
    finish(thread)
    assert outcome == ["connection_lost"]


def test_the_end_drops_what_has_not_begun_and_counts_it(stage: Stage) -> None:
    holder = Holder(stage)
    for n in range(5):
        stage.post_note(n)
    assert stage.dispatcher.end("over") == 5
    assert stage.dispatcher.end("again") == 0
    stage.post_note("too late")
    stage.dispatcher.post_now(stage.note, "too late")
    assert stage.dispatcher.dropped == 7
    holder.release()
    assert stage.dispatcher.join(PATIENCE)
    assert stage.happened == ["holder begins", "holder returns"]


def test_after_the_end_nothing_waits(stage: Stage) -> None:
    wait = Wait(stage.dispatcher)
    answered = Wait(stage.dispatcher)
    stage.dispatcher.end("first reason")
    stage.dispatcher.end("second reason")
    answered.end()
    assert answered.block(None) is True
    for waiting in (wait, Wait(stage.dispatcher)):
        with pytest.raises(SessionEnded, match="first reason"):
            waiting.block(None)


def test_an_answer_that_came_before_the_end_is_given(stage: Stage) -> None:
    waiter = Waiter(stage, "a")
    holder = Holder(stage)
    waiter.answer()
    stage.dispatcher.end("over")
    holder.release()
    stage.wait_for("a goes on")


def test_a_callback_may_end_its_session(stage: Stage) -> None:
    Waiter(stage, "other")

    def callback() -> None:
        stage.note(stage.dispatcher.end("by itself"))
        with pytest.raises(SessionEnded, match="by itself"):
            Wait(stage.dispatcher).block(None)
        stage.note("goes on to its own end")
        raise SessionEnded("by itself")

    stage.post(lambda: (stage.post_note("dropped"), callback()))
    assert stage.wait_for_count(4) == ["other waits", 1, "goes on to its own end", "other ended"]
    assert stage.dispatcher.join(PATIENCE)
    assert stage.errors == []


def test_join_tells_whether_all_have_returned(stage: Stage) -> None:
    holder = Holder(stage)
    stage.dispatcher.end("over")
    assert stage.dispatcher.join(0.01) is False
    assert len(stage.dispatcher.threads) == 1
    holder.release()
    assert stage.dispatcher.join(PATIENCE) is True
    assert stage.dispatcher.threads == []


def test_join_sends_idle_threads_away_at_once(stage: Stage) -> None:
    stage.post_note("ran")
    stage.wait_for("ran")
    stage.dispatcher.end("over")
    assert stage.dispatcher.join(PATIENCE)


def test_join_in_a_callback_does_not_wait_for_itself(stage: Stage) -> None:
    def callback() -> None:
        stage.dispatcher.end("over")
        stage.note(stage.dispatcher.join(PATIENCE))

    stage.post(callback)
    assert stage.wait_for_count(1) == [True]


def test_abandon_lets_the_others_end_when_one_never_returns(
    stage: Stage, wait_until: WaitUntil
) -> None:
    for name in ("a", "b"):
        Waiter(stage, name)
    holder = Holder(stage)
    stage.dispatcher.end("over")
    assert stage.dispatcher.join(0.01) is False
    assert stage.happened == ["a waits", "b waits", "holder begins"]
    stage.dispatcher.abandon()
    stage.wait_for("a ended")
    stage.wait_for("b ended")
    wait_until(lambda: len(stage.dispatcher.threads) == 1)
    assert "holder returns" not in stage.happened
    holder.release()
    assert stage.dispatcher.join(PATIENCE)


def test_a_thread_on_its_way_finds_the_session_ended(make_stage: Callable[..., Stage]) -> None:
    for _ in range(100):
        stage = make_stage()
        stage.post_note("perhaps")
        dropped = stage.dispatcher.end("over")
        assert stage.dispatcher.join(PATIENCE)
        assert len(stage.happened) + dropped == 1
        assert dropped == stage.dispatcher.dropped
        stage.close()
