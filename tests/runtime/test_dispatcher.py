"""One session's callbacks: one at a time, in order, and the baton handed on while one waits."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentra_sync import config
from mentra_sync.clock import Clock
from mentra_sync.errors import SessionEnded
from mentra_sync.runtime.backlog import AUDIO, KEEP, SUPERSEDED
from mentra_sync.runtime.dispatcher import Dispatcher, Wait
from mentra_sync.runtime.timers import Timers

WaitUntil = Callable[..., None]
PATIENCE = 10.0


class Stage:
    """A dispatcher with everything around it, and a notebook of what happened on it."""

    def __init__(self, backlog: int = 1000, *, report: Callable[..., None] | None = None) -> None:
        self.clock = Clock()
        self.timers = Timers(self.clock)
        self.errors: list[tuple[BaseException, object]] = []
        self.dispatcher = Dispatcher(
            "test",
            self.clock,
            self.timers,
            logger=logging.getLogger("mentra_sync.test"),
            report=report or (lambda error, function: self.errors.append((error, function))),
            backlog=backlog,
        )
        self.changed = threading.Condition()
        self.happened: list[Any] = []

    def note(self, what: Any) -> None:
        with self.changed:
            self.happened.append(what)
            self.changed.notify_all()

    def wait_for(self, what: Any) -> None:
        with self.changed:
            came = self.changed.wait_for(lambda: what in self.happened, PATIENCE)
        assert came, f"no {what!r} in {self.happened}"

    def wait_for_count(self, count: int) -> list[Any]:
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.happened) >= count, PATIENCE)
            assert came, f"{len(self.happened)} of {count}: {self.happened[:100]}"
            return list(self.happened)

    def post(self, function: Callable[[], object], rank: int = KEEP) -> None:
        self.dispatcher.post(lambda _: function(), None, rank)

    def post_note(self, what: Any, rank: int = KEEP) -> None:
        self.dispatcher.post(self.note, what, rank)

    def close(self) -> None:
        self.dispatcher.end("test is over")
        assert self.dispatcher.join(PATIENCE), self.dispatcher.threads
        self.timers.stop()


class Waiter:
    """A callback that waits once: notes "NAME waits", then "NAME goes on" or "NAME ended"."""

    def __init__(self, stage: Stage, name: str, until: float | None = None) -> None:
        self.stage = stage
        self.name = name
        self.until = until
        self.wait: Wait | None = None
        stage.post(self.run)
        stage.wait_for(f"{name} waits")

    def run(self) -> None:
        self.wait = Wait(self.stage.dispatcher)
        self.stage.note(f"{self.name} waits")
        try:
            answered = self.wait.block(self.until)
        except SessionEnded:
            self.stage.note(f"{self.name} ended")
            raise
        self.stage.note(f"{self.name} goes on" if answered else f"{self.name} timed out")

    def answer(self) -> None:
        assert self.wait is not None
        self.wait.end()


class Holder:
    """A callback that holds the baton until it is released; notes its name when it begins."""

    def __init__(self, stage: Stage, name: str = "holder") -> None:
        self.stage = stage
        self.name = name
        self._go_on = threading.Event()
        stage.post(self.run)
        stage.wait_for(f"{name} begins")

    def run(self) -> None:
        self.stage.note(f"{self.name} begins")
        assert self._go_on.wait(PATIENCE)
        self.stage.note(f"{self.name} returns")

    def release(self) -> None:
        self._go_on.set()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def make_stage() -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(*arguments: Any, **named: Any) -> Stage:
        made.append(Stage(*arguments, **named))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


def in_thread(function: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def finish(thread: threading.Thread) -> None:
    thread.join(PATIENCE)
    assert not thread.is_alive()


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


def test_the_thirty_third_waits_with_the_baton_in_its_hand(
    stage: Stage, wait_until: WaitUntil
) -> None:
    waiters = [Waiter(stage, f"w{n}") for n in range(config.MAX_WAITING_CALLBACKS)]
    stage.post_note("still runs")
    stage.wait_for("still runs")
    last = Waiter(stage, "last")
    stage.post_note("queued")
    waiters[7].answer()
    wait_until(lambda: len(stage.dispatcher._blocked) == len(waiters))  # the last one is parked
    with stage.changed:
        early = stage.changed.wait_for(lambda: stage.happened[-1] != "last waits", 0.1)
    assert not early, stage.happened[-1]
    last.answer()
    stage.wait_for("queued")
    assert stage.happened[-3:] == ["last goes on", "w7 goes on", "queued"]
    # There is room for one more now.
    Waiter(stage, "one more")
    stage.post_note("runs again")
    stage.wait_for("runs again")


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


def test_abandon_lets_the_others_end_when_one_never_returns(stage: Stage) -> None:
    for name in ("a", "b"):
        Waiter(stage, name)
    holder = Holder(stage)
    stage.dispatcher.end("over")
    assert stage.dispatcher.join(0.01) is False
    assert stage.happened == ["a waits", "b waits", "holder begins"]
    stage.dispatcher.abandon()
    stage.wait_for("a ended")
    stage.wait_for("b ended")
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
    wait_until(lambda: stage.dispatcher._posting)
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
    wait_until(lambda: stage.dispatcher._posting == 3)
    stage.dispatcher.end("over")
    for poster in posters:
        finish(poster)
    assert stage.dispatcher.dropped == 4
    holder.release()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 0.0)


@settings(max_examples=60, deadline=None)
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
    assert "Stage.post.<lambda>" in line or "the lambda at line" in line
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
        patched.setattr(threading.Thread, "start", no_thread)
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


def test_a_flood_arrives_whole_when_callbacks_are_quick(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(100)
    received: list[int] = []
    for n in range(50_000):
        stage.dispatcher.post(received.append, n, AUDIO)
    stage.dispatcher.post(stage.note, "last")
    stage.wait_for("last")
    assert received == list(range(50_000))
    assert stage.dispatcher.dropped == 0


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


def no_thread(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_without_a_thread_events_wait_for_the_next_one(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.timers.after(0, lambda: stage.note("timers run"))
    stage.wait_for("timers run")
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
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
        patched.setattr(threading.Thread, "start", no_thread)
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
        patched.setattr(threading.Thread, "start", no_thread)
        stage.post_note("queued")
        waiter.answer()
        stage.wait_for("a goes on")
        stage.wait_for("queued")  # on the thread that has become free


def test_with_the_very_first_thread_refused_the_dispatcher_recovers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not even the timer thread could be started to log it.
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        stage.post_note(1)
    stage.post_note(2)
    stage.wait_for(2)
    assert stage.happened == [1, 2]


# --- Callbacks that take long -----------------------------------------------------------------


def test_a_slow_callback_is_named_once_with_its_stack_and_those_it_holds_up(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "SLOW_CALLBACK", 0.05)
    waiter = Waiter(stage, "a")
    holder = Holder(stage, "slow one")
    waiter.answer()
    for _ in range(4):
        stage.clock.advance_to(stage.clock.now() + 1)
        line = logged.wait_for("has been running for")
    assert "Holder.run" in line or "Stage.post" in line or "the lambda" in line
    assert "self._go_on.wait(PATIENCE)" in line  # where it is
    assert "session.sleep()" in line
    assert "Waiting for their turn: " in line
    holder.release()
    stage.wait_for("a goes on")
    assert len(logged.about("has been running for")) == 1


def test_a_callback_that_waits_in_its_session_is_not_slow(
    stage: Stage, logged: Any, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr(config, "SLOW_CALLBACK", 0.01)
    monkeypatch.setattr(config, "MAX_WAITING_CALLBACKS", 1)
    waiters = [Waiter(stage, "a"), Waiter(stage, "keeps the baton")]
    wait_until(lambda: len(stage.dispatcher._blocked) == 2)
    checked = threading.Event()
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


# --- All at once ------------------------------------------------------------------------------


def storm(seed: int) -> None:
    """Several threads post, answer, wait, advance the clock, and one ends it all."""
    chance = random.Random(seed)
    stage = Stage(chance.choice([5, 50, 1000]))
    dispatcher = stage.dispatcher
    count = chance.choice([20, 60])
    open_waits: list[Wait] = []
    lock = threading.Lock()
    inside: list[int] = []
    begun = ended = 0
    finished = threading.Event()

    def pause(chance: random.Random) -> bool:
        """Wait in a call of the session; whether it still lives."""
        wait = Wait(dispatcher)
        with lock:
            open_waits.append(wait)
        until = stage.clock.now() + chance.random() * 20 if chance.random() < 0.3 else None
        wait.block(until)
        return True

    def callback(seed: int) -> None:
        nonlocal begun, ended
        chance = random.Random(seed)
        begun += 1
        try:
            for _ in range(chance.randrange(4)):
                assert inside == []
                inside.append(seed)
                if chance.random() < 0.1:
                    time.sleep(0)
                inside.remove(seed)
                if chance.random() < 0.1:
                    raise ValueError("on purpose")
                if chance.random() < 0.2:
                    dispatcher.post_now(lambda _: None)
                pause(chance)
        finally:
            assert inside == []
            ended += 1

    def post(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(count):
            dispatcher.post(callback, chance.random(), chance.choice([AUDIO, SUPERSEDED, KEEP]))
            if chance.random() < 0.05:
                time.sleep(0)

    def answer(seed: int) -> None:
        chance = random.Random(seed)
        while not finished.is_set():
            with lock:
                wait = open_waits.pop(chance.randrange(len(open_waits))) if open_waits else None
            if wait is not None:
                wait.end()
            else:
                time.sleep(0)
            if chance.random() < 0.1:
                stage.clock.advance_to(stage.clock.now() + 1)

    def outside(seed: int) -> None:
        chance = random.Random(seed)
        try:
            while True:
                pause(chance)
        except SessionEnded:
            pass

    posters = [in_thread(lambda n=n: post(seed * 10 + n)) for n in range(2)]  # type: ignore[misc]
    others = [
        in_thread(lambda: answer(seed * 10 + 5)),
        in_thread(lambda: outside(seed * 10 + 6)),
    ]
    if chance.random() < 0.5:
        for poster in posters:
            finish(poster)
        if chance.random() < 0.5:
            deadline = time.monotonic() + PATIENCE
            while (dispatcher.busy or begun != ended) and time.monotonic() < deadline:
                time.sleep(0.0005)
            assert begun == ended, "somebody waits for ever"
    dispatcher.end("storm is over")
    joined = dispatcher.join(PATIENCE)
    finished.set()
    for thread in posters + others:
        finish(thread)
    assert joined, (seed, dispatcher.threads)
    assert begun == ended
    assert dispatcher._waiting == 0
    assert not dispatcher._ready
    assert not dispatcher._blocked
    assert dispatcher._baton is None
    assert all(isinstance(error, ValueError) for error, _ in stage.errors), stage.errors
    stage.timers.stop()


@pytest.mark.stress
def test_a_storm_of_events_answers_timeouts_and_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISPATCHER_IDLE", 0.0005)
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 0.002)
    for seed in range(25):
        monkeypatch.setattr(config, "MAX_WAITING_CALLBACKS", 3 if seed % 2 else 32)
        storm(seed)
