"""Answers to requests, and events for waiting calls."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from background import Call
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.clock import Clock
from mentra_sync.errors import PhotoError, RequestTimeout, SessionEnded
from mentra_sync.runtime.backlog import AUDIO, KEEP, SUPERSEDED
from mentra_sync.runtime.dispatcher import Dispatcher
from mentra_sync.runtime.replies import Mailbox, Replies
from mentra_sync.runtime.timers import Timers

WaitUntil = Callable[..., None]


def make_dispatcher(clock: Clock, timers: Timers) -> Dispatcher:
    return Dispatcher(
        "test",
        clock,
        timers,
        logger=logging.getLogger("mentra_sync.test"),
        report=lambda error, function: None,
    )


@pytest.fixture
def dispatcher(clock: Clock, timers: Timers) -> Iterator[Dispatcher]:
    dispatcher = make_dispatcher(clock, timers)
    yield dispatcher
    dispatcher.end("test is over")
    assert dispatcher.join(10)


@pytest.fixture
def replies(dispatcher: Dispatcher) -> Replies:
    return Replies(dispatcher)


@pytest.fixture
def ask(replies: Replies, wait_until: WaitUntil) -> Callable[..., Call]:
    """Start a call that waits for an answer; returns when it is registered."""

    def ask(kind: str, key: str, timeout: float | None = None) -> Call:
        def run() -> Any:
            with replies.expect(kind, key) as reply:
                registered.set()
                return reply.result(timeout, f"no answer to {key}")

        registered = threading.Event()
        call = Call(run)
        assert registered.wait(10)
        return call

    return ask


# --- Answers ----------------------------------------------------------------------------------


def test_an_answer_reaches_the_call_that_waits_for_it(
    replies: Replies, ask: Callable[..., Call]
) -> None:
    calls = {key: ask("photo", key) for key in ("a", "b", "c")}
    for key in ("b", "c", "a"):
        assert replies.answer("photo", key, f"answer {key}") is True
    assert {key: call.outcome for key, call in calls.items()} == {
        key: f"answer {key}" for key in calls
    }


def test_an_answer_may_come_before_the_call_waits(replies: Replies) -> None:
    with replies.expect("photo", "a") as reply:
        assert replies.answer("photo", "a", None)
        assert reply.result(None, "") is None


def test_an_answer_that_nobody_waits_for_says_so(
    replies: Replies, ask: Callable[..., Call]
) -> None:
    call = ask("photo", "a")
    assert replies.answer("photo", "b", 1) is False
    assert replies.answer("audio", "a", 1) is False
    assert replies.answer_oldest("audio", 1) is False
    assert replies.answer("photo", "a", 1) is True
    assert replies.answer("photo", "a", 2) is False
    assert call.outcome == 1


def test_an_answer_without_a_name_is_for_the_oldest(
    replies: Replies, ask: Callable[..., Call]
) -> None:
    calls = [ask("check", f"{n}") for n in range(3)]
    ask_other = ask("photo", "x")
    for n in range(3):
        assert replies.answer_oldest("check", n)
    assert [call.outcome for call in calls] == [0, 1, 2]
    assert replies.answer_oldest("check", 3) is False
    replies.answer("photo", "x", "its own")
    assert ask_other.outcome == "its own"


def test_answer_all_and_refuse_reach_every_call_of_their_kinds(
    replies: Replies, ask: Callable[..., Call]
) -> None:
    photos = [ask("photo", f"{n}") for n in range(2)]
    streams = [ask("stream", f"{n}") for n in range(2)]
    sounds = [ask("audio", f"{n}") for n in range(2)]
    assert replies.answer_all("audio", "interrupted") == 2
    error = PhotoError("CAMERA", "no")
    assert replies.refuse(["photo", "stream", "nothing"], error) == 4
    assert [call.outcome for call in sounds] == ["interrupted"] * 2
    assert [call.outcome for call in photos + streams] == [error] * 4
    assert replies.refuse(["photo"], error) == 0


def test_no_answer_in_time_is_a_timeout_with_the_text_of_the_call(
    replies: Replies, ask: Callable[..., Call], clock: Clock, wait_until: WaitUntil
) -> None:
    call = ask("photo", "a", 30)
    wait_until(clock.next_due)
    clock.advance_to(clock.now() + 30)
    assert isinstance(call.outcome, RequestTimeout)
    assert str(call.outcome) == "no answer to a"


def test_a_late_answer_finds_nobody(replies: Replies) -> None:
    with replies.expect("photo", "a") as reply, pytest.raises(RequestTimeout):
        reply.result(0, "too late")
    assert replies.answer("photo", "a", 1) is False
    assert replies.answer_oldest("photo", 1) is False


def test_a_call_that_failed_before_it_waited_is_forgotten(replies: Replies) -> None:
    with pytest.raises(ValueError, match="sending failed"), replies.expect("photo", "a"):
        raise ValueError("sending failed")
    assert replies.answer("photo", "a", 1) is False


def test_forgetting_one_does_not_forget_its_namesake(replies: Replies) -> None:
    first = replies.expect("check", "same")
    second = replies.expect("check", "same")
    replies.forget(first)
    assert replies.answer("check", "same", "answer")
    assert second.result(None, "") == "answer"


def test_the_end_of_the_session_ends_the_call(
    replies: Replies, ask: Callable[..., Call], dispatcher: Dispatcher
) -> None:
    call = ask("photo", "a", 30)
    dispatcher.end("user_disabled")
    assert isinstance(call.outcome, SessionEnded)
    assert call.outcome.reason == "user_disabled"
    assert replies.answer("photo", "a", 1) is False
    with pytest.raises(SessionEnded), replies.expect("photo", "b") as reply:
        reply.result(1, "")


def test_other_callbacks_run_while_one_waits_for_an_answer(
    replies: Replies, dispatcher: Dispatcher
) -> None:
    happened: list[str] = []
    done = threading.Event()

    def speak(_: object) -> None:
        with replies.expect("audio", "a") as reply:
            happened.append(reply.result(None, ""))
        done.set()

    dispatcher.post(speak, None)
    dispatcher.post(lambda _: happened.append("stop heard"), None)
    dispatcher.post(lambda _: replies.answer("audio", "a", "stopped"), None)
    assert done.wait(10)
    assert happened == ["stop heard", "stopped"]


def test_each_of_many_calls_gets_its_answer(replies: Replies, ask: Callable[..., Call]) -> None:
    keys = [f"{n}" for n in range(60)]
    calls = [ask("photo", key) for key in keys]
    shuffled = keys[:]
    random.Random(0).shuffle(shuffled)
    threads = [
        Call(lambda part=part: [replies.answer("photo", key, key) for key in part])  # type: ignore[misc]
        for part in (shuffled[:30], shuffled[30:])
    ]
    assert [call.outcome for call in calls] == keys
    assert [thread.outcome for thread in threads] == [[True] * 30] * 2


# --- Events for waiting calls -----------------------------------------------------------------


def test_a_mailbox_gives_events_in_their_order(dispatcher: Dispatcher) -> None:
    mailbox = Mailbox(dispatcher)
    for n in range(5):
        mailbox.put(n)
    assert [mailbox.get(None) for _ in range(5)] == list(range(5))


def test_a_mailbox_waits_for_the_next_event(dispatcher: Dispatcher) -> None:
    mailbox = Mailbox(dispatcher)
    call = Call(lambda: [mailbox.get(None) for _ in range(500)])
    for n in range(500):
        mailbox.put(n)
    assert call.outcome == list(range(500))


def test_a_mailbox_gives_up_at_its_moment(
    dispatcher: Dispatcher, clock: Clock, wait_until: WaitUntil
) -> None:
    mailbox = Mailbox(dispatcher)
    until = clock.now() + 100
    call = Call(lambda: mailbox.get(until))
    wait_until(clock.next_due)
    clock.advance_to(until)
    assert isinstance(call.outcome, TimeoutError)
    mailbox.put("later")
    assert mailbox.get(until) == "later"


def test_a_mailbox_gives_what_is_left_and_then_ends(dispatcher: Dispatcher) -> None:
    mailbox = Mailbox(dispatcher)
    mailbox.put("left")
    dispatcher.end("over")
    assert mailbox.get(None) == "left"
    with pytest.raises(SessionEnded, match="over"):
        mailbox.get(None)


def test_the_end_ends_a_mailbox_that_waits(dispatcher: Dispatcher, wait_until: WaitUntil) -> None:
    mailbox = Mailbox(dispatcher)
    call = Call(lambda: mailbox.get(None))
    wait_until(lambda: dispatcher._blocked)
    dispatcher.end("over")
    assert isinstance(call.outcome, SessionEnded)


def test_a_cleared_mailbox_is_empty(dispatcher: Dispatcher, clock: Clock) -> None:
    mailbox = Mailbox(dispatcher)
    mailbox.put("old")
    mailbox.clear()
    with pytest.raises(TimeoutError):
        mailbox.get(clock.now())
    mailbox.put("new")
    assert mailbox.get(None) == "new"


def test_several_threads_share_a_mailbox_without_losing_events(dispatcher: Dispatcher) -> None:
    mailbox = Mailbox(dispatcher, 10_000)

    def take() -> list[int]:
        taken: list[int] = []
        while (event := mailbox.get(None)) is not None:
            taken.append(event)
        return taken

    calls = [Call(take) for _ in range(3)]
    for n in range(1000):
        mailbox.put(n)
    for _ in calls:
        mailbox.put(None)
    outcomes = [call.outcome for call in calls]
    assert sorted(n for taken in outcomes for n in taken) == list(range(1000))
    assert all(taken == sorted(taken) for taken in outcomes)


def test_put_never_waits_for_room(dispatcher: Dispatcher) -> None:
    mailbox = Mailbox(dispatcher, 3)
    for n in range(10):
        mailbox.put(n)
    assert dispatcher.dropped == 7
    assert [mailbox.get(None) for _ in range(3)] == [7, 8, 9]


@given(
    size=st.integers(1, 5),
    ranks=st.lists(st.sampled_from([AUDIO, SUPERSEDED, KEEP]), max_size=30),
)
def test_a_full_mailbox_drops_the_oldest_of_the_least_dear(size: int, ranks: list[int]) -> None:
    timers = Timers(Clock())
    dispatcher = make_dispatcher(timers.clock, timers)
    mailbox = Mailbox(dispatcher, size)
    kept: list[tuple[int, int]] = []
    for number, rank in enumerate(ranks):
        mailbox.put((rank, number), rank)
        kept.append((rank, number))
        if len(kept) > size:
            kept.remove(min(kept))
    assert [mailbox.get(None) for _ in kept] == kept
    assert dispatcher.dropped == len(ranks) - len(kept)
    with pytest.raises(TimeoutError):
        mailbox.get(timers.clock.now())
    timers.stop()


def test_an_overflow_is_logged_once(dispatcher: Dispatcher, timers: Timers, logged: Any) -> None:
    mailbox = Mailbox(dispatcher, 1)
    for n in range(20):
        mailbox.put(n)
    logged.wait_for("They wait for: a waiting call.")
    rang = threading.Event()
    timers.after(0, rang.set)
    assert rang.wait(10)
    assert len(logged.about("more events come")) == 1
