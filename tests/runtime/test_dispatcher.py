"""One session's callbacks: one at a time, in order, and the baton handed on while one waits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import pytest
from stage import PATIENCE, Holder, Stage, Waiter, finish, in_thread

from mentra_sync import config
from mentra_sync.errors import SessionEnded
from mentra_sync.runtime.dispatcher import Wait

WaitUntil = Callable[..., None]


# --- One at a time, in order ----------------------------------------------------------------


def test_callbacks_run_one_at_a_time_in_the_order_of_their_events(stage: Stage) -> None:
    running = 0
    most = 0

    def callback(n: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0)  # let others in, if they may
        running -= 1
        stage.note(n)

    for n in range(2000):
        stage.dispatcher.post(callback, n)
    assert stage.wait_for_count(2000) == list(range(2000))
    assert most == 1
    assert stage.dispatcher.dropped == 0


def test_the_argument_reaches_the_function(stage: Stage) -> None:
    event = object()
    stage.post_note(event)
    assert stage.wait_for_count(1)[0] is event


def test_callbacks_never_run_on_the_posting_thread(stage: Stage) -> None:
    stage.post(lambda: stage.note(threading.current_thread()))
    thread = stage.wait_for_count(1)[0]
    assert thread is not threading.current_thread()
    assert thread.name == "mentra-calls-test"
    assert thread.daemon


def test_a_callback_may_post(stage: Stage) -> None:
    stage.post(lambda: (stage.post_note("second"), stage.note("first")))
    assert stage.wait_for_count(2) == ["first", "second"]


def test_several_posting_threads_keep_each_ones_order(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(10_000)

    def work(name: int) -> None:
        for n in range(500):
            stage.post_note((name, n))

    threads = [in_thread(lambda name=name: work(name)) for name in range(4)]  # type: ignore[misc]
    for thread in threads:
        finish(thread)
    happened = stage.wait_for_count(2000)
    for name in range(4):
        assert [n for who, n in happened if who == name] == list(range(500))


def test_one_thread_is_enough_for_callbacks_that_do_not_wait(stage: Stage) -> None:
    for n in range(200):
        stage.post(lambda n=n: stage.note(threading.get_ident()))  # type: ignore[misc]
    assert len(set(stage.wait_for_count(200))) == 1
    assert len(stage.dispatcher.threads) == 1


# --- The baton ------------------------------------------------------------------------------


def test_the_next_callback_runs_while_one_waits(stage: Stage) -> None:
    waiter = Waiter(stage, "a")
    holder = Holder(stage)
    waiter.answer()
    stage.post_note("queued")
    assert "a goes on" not in stage.happened
    holder.release()
    assert stage.wait_for_count(5) == [
        "a waits",
        "holder begins",
        "holder returns",
        "a goes on",
        "queued",
    ]


def test_with_nothing_else_to_do_the_one_that_waited_goes_on(stage: Stage) -> None:
    Waiter(stage, "a").answer()
    assert stage.wait_for_count(2) == ["a waits", "a goes on"]


def test_whose_wait_ended_first_goes_first_and_before_queued_events(stage: Stage) -> None:
    waiters = {name: Waiter(stage, name) for name in "abcde"}
    holder = Holder(stage)
    stage.post_note("queued")
    for name in "dbeac":
        waiters[name].answer()
    holder.release()
    assert stage.wait_for_count(13)[6:] == [
        "holder returns",
        *(f"{name} goes on" for name in "dbeac"),
        "queued",
    ]


def test_one_that_goes_on_is_not_joined_by_another(stage: Stage) -> None:
    go_on = threading.Event()
    waits: list[Wait] = []

    def callback(name: str) -> None:
        wait = Wait(stage.dispatcher)
        waits.append(wait)
        stage.note(f"{name} waits")
        wait.block(None)
        stage.note(f"{name} begins again")
        assert go_on.wait(PATIENCE)
        stage.note(f"{name} returns")

    for name in ("a", "b"):
        stage.dispatcher.post(callback, name)
        stage.wait_for(f"{name} waits")
    for wait in waits:
        wait.end()
    stage.post_note("queued")
    stage.wait_for("a begins again")
    assert stage.happened[2:] == ["a begins again"]
    go_on.set()
    assert stage.wait_for_count(7)[3:] == [
        "a returns",
        "b begins again",
        "b returns",
        "queued",
    ]


def test_a_callback_may_wait_again_and_again(stage: Stage) -> None:
    waits: list[Wait] = []

    def callback() -> None:
        for n in range(3):
            waits.append(Wait(stage.dispatcher))
            stage.note(f"wait {n}")
            waits[n].block(None)
        stage.note("returns")

    stage.post(callback)
    for n in range(3):
        stage.wait_for(f"wait {n}")
        stage.post_note(f"between {n}")
        stage.wait_for(f"between {n}")
        waits[n].end()
    stage.wait_for("returns")
    assert stage.happened == [
        *(what for n in range(3) for what in (f"wait {n}", f"between {n}")),
        "returns",
    ]


def test_waits_nest_over_callbacks(stage: Stage) -> None:
    # Each callback that runs while others wait may wait in turn; answers in any order.
    names = [f"w{n}" for n in range(20)]
    waiters = {name: Waiter(stage, name) for name in names}
    order = names[:]
    random.Random(1).shuffle(order)
    for name in order:
        waiters[name].answer()
        stage.wait_for(f"{name} goes on")
    assert stage.happened[20:] == [f"{name} goes on" for name in order]


def test_an_answer_that_is_there_already_costs_no_turn(stage: Stage) -> None:
    queued = threading.Event()

    def callback() -> None:
        assert queued.wait(PATIENCE)
        wait = Wait(stage.dispatcher)
        wait.end()
        wait.end()
        assert wait.block(None) is True
        stage.note("went on at once")

    stage.post(callback)
    stage.post_note("queued")
    queued.set()
    assert stage.wait_for_count(2) == ["went on at once", "queued"]


def test_a_wait_outside_callbacks_leaves_the_baton_alone(stage: Stage) -> None:
    holder = Holder(stage)
    stage.post_note("queued")
    wait = Wait(stage.dispatcher)
    assert wait.block(stage.clock.now() + 0.05) is False
    assert stage.happened == ["holder begins"]
    # Nor does it need the baton to go on.
    answered = Wait(stage.dispatcher)
    thread = in_thread(answered.end)
    assert answered.block(None) is True
    finish(thread)
    assert stage.happened == ["holder begins"]
    holder.release()
    stage.wait_for("queued")


def test_a_wait_in_a_call_of_another_session_keeps_the_baton(
    make_stage: Callable[..., Stage],
) -> None:
    one, other = make_stage(), make_stage()
    waits: list[Wait] = []

    def callback() -> None:
        waits.append(Wait(other.dispatcher))
        one.note("waits")
        waits[0].block(None)
        one.note("goes on")

    one.post(callback)
    one.post_note("queued")
    one.wait_for("waits")
    other.post_note("runs")
    other.wait_for("runs")
    assert one.happened == ["waits"]
    waits[0].end()
    assert one.wait_for_count(3) == ["waits", "goes on", "queued"]


def test_who_is_about_to_wait_is_told_of(stage: Stage) -> None:
    told: list[int] = []
    stage.dispatcher.about_to_wait = lambda: told.append(threading.get_ident())
    wait = Wait(stage.dispatcher)
    wait.end()
    assert wait.block(None)
    assert told == [threading.get_ident()]


# --- 32 at most -------------------------------------------------------------------------------


def thirty_two_waiting(stage: Stage) -> list[Waiter]:
    """As many callbacks as may wait at once."""
    return [Waiter(stage, f"w{n}") for n in range(config.MAX_WAITING_CALLBACKS)]


def parked(stage: Stage, count: int) -> Callable[[], bool]:
    return lambda: len(stage.dispatcher.parked) == count


def test_the_thirty_third_waits_with_the_baton_in_its_hand(
    stage: Stage, wait_until: WaitUntil
) -> None:
    waiters = thirty_two_waiting(stage)
    stage.post_note("still runs")
    stage.wait_for("still runs")
    last = Waiter(stage, "last")
    stage.post_note("queued")
    wait_until(parked(stage, len(waiters) + 1))
    with stage.changed:
        early = stage.changed.wait_for(lambda: stage.happened[-1] != "last waits", 0.1)
    assert not early, stage.happened[-1]
    last.answer()
    stage.wait_for("queued")
    assert stage.happened[-2:] == ["last goes on", "queued"]
    waiters[7].answer()
    stage.wait_for("w7 goes on")
    # There is room for one more now.
    Waiter(stage, "one more")
    stage.post_note("runs again")
    stage.wait_for("runs again")


def test_the_thirty_third_holds_up_none_whose_wait_is_over(
    stage: Stage, wait_until: WaitUntil
) -> None:
    waiters = thirty_two_waiting(stage)
    last = Waiter(stage, "last")
    wait_until(parked(stage, len(waiters) + 1))
    for waiter in waiters:
        waiter.answer()
        stage.wait_for(f"{waiter.name} goes on")
        assert len(stage.dispatcher.threads) <= config.MAX_WAITING_CALLBACKS + 1
    stage.post_note("queued")
    stage.wait_for("queued")
    last.answer()
    stage.wait_for("last goes on")


def test_the_thirty_third_gives_way_to_one_whose_wait_ended_before(stage: Stage) -> None:
    waiters = thirty_two_waiting(stage)
    begins, go_on = threading.Event(), threading.Event()
    last: list[Wait] = []

    def wait_in_turn() -> None:
        begins.set()
        assert go_on.wait(PATIENCE)
        last.append(Wait(stage.dispatcher))
        last[0].block(None)
        stage.note("last goes on")

    stage.post(wait_in_turn)
    assert begins.wait(PATIENCE)
    stage.post_note("queued")
    waiters[7].answer()  # and must wait for its turn, as the last one runs
    go_on.set()
    stage.wait_for("queued")
    assert stage.happened[-2:] == ["w7 goes on", "queued"]
    last[0].end()
    stage.wait_for("last goes on")


def test_thirty_two_may_wait_again_after_they_went_on(stage: Stage) -> None:
    for turn in range(3):
        waiters = [Waiter(stage, f"{turn} {n}") for n in range(config.MAX_WAITING_CALLBACKS)]
        for waiter in waiters:
            waiter.answer()
            stage.wait_for(f"{waiter.name} goes on")


def test_there_is_a_thread_for_each_waiting_callback_and_one_more(
    stage: Stage, wait_until: WaitUntil
) -> None:
    waiters = [Waiter(stage, f"w{n}") for n in range(5)]
    stage.post_note("runs")
    stage.wait_for("runs")
    assert len(stage.dispatcher.threads) == 6
    for waiter in waiters:
        waiter.answer()
    wait_until(lambda: len(stage.dispatcher.threads) == 1)


# --- Timeouts ---------------------------------------------------------------------------------


def test_a_wait_times_out_in_session_time(stage: Stage) -> None:
    Waiter(stage, "a", until=stage.clock.now() + 1000)
    stage.post_note("runs meanwhile")
    stage.wait_for("runs meanwhile")
    stage.clock.advance_to(stage.clock.now() + 1000)
    stage.wait_for("a timed out")


def test_who_timed_out_waits_for_its_turn_all_the_same(stage: Stage) -> None:
    until = stage.clock.now() + 1000
    late = Waiter(stage, "late", until=until)
    early = Waiter(stage, "early", until=until - 500)
    answered = Waiter(stage, "answered")
    holder = Holder(stage)
    stage.post_note("queued")
    assert early.wait is not None
    assert late.wait is not None
    stage.clock.advance_to(until - 500)
    with stage.dispatcher._lock:
        early.wait.condition.wait_for(lambda: early.wait.done, PATIENCE)  # type: ignore[union-attr]
    answered.answer()
    stage.clock.advance_to(until)
    with stage.dispatcher._lock:
        late.wait.condition.wait_for(lambda: late.wait.done, PATIENCE)  # type: ignore[union-attr]
    late.answer()  # too late
    holder.release()
    assert stage.wait_for_count(9)[4:] == [
        "holder returns",
        "early timed out",
        "answered goes on",
        "late timed out",
        "queued",
    ]


def test_a_moment_that_has_passed_lets_the_others_have_a_turn(stage: Stage) -> None:
    posted = threading.Event()

    def callback() -> None:
        assert posted.wait(PATIENCE)
        assert Wait(stage.dispatcher).block(stage.clock.now() - 1) is False
        stage.note("goes on")

    stage.post(callback)
    posted.set()
    stage.wait_for("goes on")


def test_a_wait_that_cannot_be_made_gives_the_baton_back(stage: Stage) -> None:
    stage.post(lambda: Wait(stage.dispatcher).block("tomorrow"))  # type: ignore[arg-type]
    stage.post_note("next")
    stage.post_note("next but one")
    stage.wait_for("next but one")
    assert [type(error) for error, _ in stage.errors] == [TypeError]
    Waiter(stage, "a").answer()
    stage.wait_for("a goes on")


# --- Errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), GeneratorExit(), SessionEnded()]
)
def test_whatever_a_callback_raises_is_reported_and_ends_nothing_else(
    stage: Stage, error: BaseException
) -> None:
    def callback(_: object) -> None:
        raise error

    stage.dispatcher.post(callback, None)
    stage.post_note("next")
    stage.wait_for("next")
    assert stage.errors == [(error, callback)]


def test_a_callback_that_raises_after_its_wait_hands_the_baton_on(
    stage: Stage, wait_until: WaitUntil
) -> None:
    def callback() -> None:
        Wait(stage.dispatcher).block(stage.clock.now() + 0.001)
        raise ValueError("after the wait")

    for _ in range(40):  # more than may wait at once
        stage.post(callback)
    stage.post_note("next")
    stage.wait_for("next")
    Waiter(stage, "a").answer()
    stage.wait_for("a goes on")
    wait_until(lambda: len(stage.errors) == 40)


def test_a_report_that_fails_ends_nothing_either(
    make_stage: Callable[..., Stage], capsys: pytest.CaptureFixture[str]
) -> None:
    def report(error: BaseException, function: object) -> None:
        raise SystemExit("a log handler of the app's own")

    stage = make_stage(report=report)
    stage.post(lambda: 1 / 0)
    stage.post_note("next")
    stage.wait_for("next")
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_report_is_made_on_the_thread_of_the_callback_without_the_lock(
    make_stage: Callable[..., Stage],
) -> None:
    reported: list[int] = []

    def report(error: BaseException, function: object) -> None:
        stage.post_note("posted by the report")
        reported.append(threading.get_ident())

    stage = make_stage(report=report)
    stage.post(lambda: 1 / 0)
    stage.wait_for("posted by the report")
    assert reported != [threading.get_ident()]


# --- Busy -------------------------------------------------------------------------------------


def test_busy_is_who_runs_or_could(stage: Stage, wait_until: WaitUntil) -> None:
    assert not stage.dispatcher.busy
    holder = Holder(stage)
    assert stage.dispatcher.busy
    holder.release()
    wait_until(lambda: not stage.dispatcher.busy)
    waiter = Waiter(stage, "a")
    wait_until(lambda: not stage.dispatcher.busy)
    holder = Holder(stage, "second")
    waiter.answer()
    assert stage.dispatcher.busy
    holder.release()
    wait_until(lambda: not stage.dispatcher.busy)
