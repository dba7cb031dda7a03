"""Events that come faster than callbacks take them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import PATIENCE, Holder, Stage, finish, in_thread, out_of_threads

from mentra_sync import config
from mentra_sync.runtime.backlog import AUDIO, KEEP, SUPERSEDED

WaitUntil = Callable[..., None]


# --- The backlog ------------------------------------------------------------------------------


def test_a_full_backlog_first_makes_the_poster_wait_for_room(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 1000.0)
    stage = make_stage(8)
    holder = Holder(stage)
    for n in range(8):
        stage.post_note(n)
    poster = in_thread(lambda: [stage.post_note(n) for n in range(8, 100)])
    wait_until(lambda: stage.dispatcher._room.waiting)
    poster.join(0.02)
    assert poster.is_alive()
    holder.release()
    finish(poster)
    stage.wait_for(99)
    assert [n for n in stage.happened if isinstance(n, int)] == list(range(100))
    assert stage.dispatcher.dropped == 0


def test_it_waits_a_while_and_then_drops(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 0.1)
    stage = make_stage(1)
    began = time.monotonic()
    holder = Holder(stage)
    stage.post_note("first")
    stage.post_note("second")
    assert time.monotonic() - began >= 0.1
    assert stage.dispatcher.dropped == 1
    # The callback is old by now: nobody waits for it any more.
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", time.monotonic() - began)
    for n in range(1000):
        stage.post_note(n)
    assert stage.dispatcher.dropped == 1001
    holder.release()
    stage.wait_for(999)
    assert stage.happened == ["holder begins", "holder returns", 999]


def test_a_spell_of_being_full_has_one_patience(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    """Or the reader would take one event for each wait, and pings would queue behind them."""
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 0.3)
    stage = make_stage(8)
    steps = threading.Semaphore(0)
    begun: list[object] = []

    def slow(event: object) -> None:
        begun.append(event)
        assert steps.acquire(timeout=PATIENCE)
        stage.note("slow")

    def post() -> float:
        began = time.monotonic()
        stage.dispatcher.post(slow, None)
        return time.monotonic() - began

    def let_go(events: int) -> None:
        before = len(stage.happened)
        for _ in range(events):
            steps.release()
        stage.wait_for_count(before + events)
        wait_for_the_next()

    def wait_for_the_next() -> None:
        """Until it has left the queue."""
        wait_until(lambda: len(begun) > len(stage.happened))

    post()
    wait_for_the_next()
    for _ in range(9):
        post()
    assert stage.dispatcher.dropped == 1
    waited = 0
    for _ in range(20):
        let_go(1)  # a new callback begins, and the queue is full again at once
        waited += post() + post() > 0.25
    assert stage.dispatcher.dropped == 21
    assert waited < 10  # a thread may stand still for a while, but not each time

    def waits_again() -> bool:
        let_go(2)  # and it has fallen to three quarters: the spell is over
        return post() + post() + post() > 0.1

    assert any(waits_again() for _ in range(10))  # once, on a machine that has time
    steps.release(100)


def test_a_callback_that_fills_the_backlog_itself_does_not_wait(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 1000.0)
    stage = make_stage(2)

    def callback() -> None:
        for n in range(5):
            stage.post_note(n)
        stage.note("done")

    stage.post(callback)
    assert stage.wait_for_count(3) == ["done", 3, 4]


def test_the_end_frees_who_waits_for_room(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 1000.0)
    stage = make_stage(1)
    holder = Holder(stage)
    stage.post_note("queued")
    posters = [in_thread(lambda: stage.post_note("waits for room")) for _ in range(3)]
    wait_until(lambda: stage.dispatcher._room.waiting == 3)
    stage.dispatcher.end("over")
    for poster in posters:
        finish(poster)
    assert stage.dispatcher.dropped == 4
    holder.release()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 0.0)


@settings(max_examples=60)
@given(
    size=st.integers(1, 6),
    ranks=st.lists(st.sampled_from([AUDIO, SUPERSEDED, KEEP]), max_size=30),
)
@pytest.mark.usefixtures("impatient")
def test_what_is_dropped_is_the_oldest_of_the_least_dear(size: int, ranks: list[int]) -> None:
    stage = Stage(size)
    holder = Holder(stage)
    kept: list[tuple[int, int]] = []
    for number, rank in enumerate(ranks):
        stage.post_note((rank, number), rank)
        kept.append((rank, number))
        if len(kept) > size:
            kept.remove(min(kept, key=lambda event: event))
    assert stage.dispatcher.dropped == len(ranks) - len(kept)
    stage.dispatcher.post_now(stage.note, "last")
    holder.release()
    stage.wait_for("last")
    assert stage.happened == ["holder begins", "holder returns", *kept, "last"]
    stage.close()


@pytest.mark.usefixtures("impatient")
def test_the_first_drop_is_logged_with_who_is_slow(
    make_stage: Callable[..., Stage], logged: Any
) -> None:
    stage = make_stage(2)
    holder = Holder(stage)
    for n in range(50):
        stage.post_note(n)
    line = logged.wait_for("more events come than the app's callbacks can take")
    assert "2 are waiting" in line
    assert "They wait for: Holder.run." in line
    stage.dispatcher.count_dropped("a waiting call")
    assert stage.dispatcher.dropped == 49
    stage.timers.after(0, lambda: stage.note("logged"))
    stage.wait_for("logged")
    assert len(logged.about("more events come")) == 1
    holder.release()


@pytest.mark.usefixtures("impatient")
def test_a_drop_with_nothing_running_says_so(
    make_stage: Callable[..., Stage], logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = make_stage(1)
    stage.timers.after(0, lambda: stage.note("the timer thread is there"))
    stage.wait_for("the timer thread is there")
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        stage.post_note(1)
        stage.post_note(2)
    assert "They wait for: a thread to run on." in logged.wait_for("more events come")


@pytest.mark.usefixtures("impatient")
def test_post_now_takes_no_heed_of_the_backlog(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(1)
    holder = Holder(stage)
    for n in range(10):
        stage.dispatcher.post_now(stage.note, n)
    holder.release()
    stage.wait_for(9)
    assert stage.happened[2:] == list(range(10))
    assert stage.dispatcher.dropped == 0


@pytest.mark.usefixtures("impatient")
def test_what_was_posted_now_is_not_dropped_for_an_event(make_stage: Callable[..., Stage]) -> None:
    """A timer whose queued call was dropped would wait for it for good."""
    stage = make_stage(2)
    holder = Holder(stage)
    stage.post_note("the oldest")
    stage.dispatcher.post_now(stage.note, "beat")
    for n in range(10):
        stage.post_note(n)
    stage.dispatcher.post_now(stage.note, "last")
    stage.post_note("the newest")
    holder.release()
    stage.wait_for("the newest")
    assert stage.happened[2:] == ["beat", "last", "the newest"]
    assert stage.dispatcher.dropped == 11


def test_a_flood_arrives_whole_when_callbacks_are_quick(
    make_stage: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 1000.0)  # nor does a machine that stands still
    stage = make_stage(100)
    received: list[int] = []
    for n in range(50_000):
        stage.dispatcher.post(received.append, n, AUDIO)
    stage.dispatcher.post(stage.note, "last")
    stage.wait_for("last")
    assert received == list(range(50_000))
    assert stage.dispatcher.dropped == 0
