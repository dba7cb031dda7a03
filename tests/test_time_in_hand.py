"""What moving session time stands on: knowing what is under way, at both ends of the wire."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mentra_sync import AppServer, AppSession, config
from mentra_sync.clock import Clock
from mentra_sync.testing import SimulatedGlasses

WaitUntil = Callable[..., None]


@pytest.fixture
def worn() -> Iterator[SimulatedGlasses]:
    with SimulatedGlasses() as glasses:
        yield glasses


def test_a_clock_may_begin_at_a_reading():
    clock = Clock(100.0)
    assert 100 <= clock.now() < 101
    clock.advance_to(200)
    assert 200 <= clock.now() < 201


def test_both_sides_have_one_clock(worn: SimulatedGlasses):
    worn.start(lambda session: None)
    assert worn.session is not None
    assert worn.session._link.clock is worn.simulator.cloud.session_time.clock
    assert worn.time < 60


def test_an_app_simulated_by_itself_shares_its_clock_too():
    app = AppServer("com.example.shared", on_session=lambda session: None)
    simulator = app.start_simulated(port=0)
    try:
        assert simulator.cloud.session_time.clock is app._shared.timers.clock
    finally:
        app.stop()
        simulator.stop()


def test_catching_up_means_that_frames_were_worked_on_at_both_ends(worn: SimulatedGlasses):
    heard: list[str] = []

    def main(session: AppSession) -> None:
        # On the connection thread, as what the SDK does itself.
        session._link.router.read("app_room_updated", lambda frame: slowly(session, frame))

    def slowly(session: AppSession, frame: dict[str, object]) -> None:
        time.sleep(0.05)
        heard.append(str(frame["roomId"]))
        session.dashboard.content.write(str(frame["roomId"]))

    worn.start(main)
    for number in range(5):
        link = worn.simulator.session_of().link
        assert link is not None
        link.send({"type": "app_room_updated", "roomId": str(number)})
        assert worn.simulator.catch_up()
        assert heard[-1] == str(number)
        written = [one["content"] for one in worn.frames if "content" in one]
        assert written[-1] == str(number)


def test_catching_up_has_an_end(worn: SimulatedGlasses):
    go_on = threading.Event()

    def main(session: AppSession) -> None:
        session._link.router.read("app_room_updated", lambda frame: go_on.wait(10))

    worn.start(main)
    link = worn.simulator.session_of().link
    assert link is not None
    link.send({"type": "app_room_updated", "roomId": "r"})
    assert not worn.simulator.catch_up(0.1)
    go_on.set()
    assert worn.simulator.catch_up()


def test_catching_up_with_a_connection_that_is_lost_meanwhile(worn: SimulatedGlasses):
    worn.start(lambda session: None)
    link = worn.simulator.session_of().link
    assert link is not None
    worn.drop_connection()
    done = threading.Event()
    link.when_caught_up(done.set)
    assert done.wait(30)


def test_what_a_slow_network_carries_is_waited_for(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        session.events.on_button_press(lambda: session.layouts.show_text_wall("pressed"))

    worn.start(main)
    with worn.simulator.faults_of().slow_network(0.2):
        worn.press()
        worn.settle()
        assert worn.lens.text == "pressed"


def test_a_request_to_the_app_is_not_quiet(worn: SimulatedGlasses, wait_until: WaitUntil):
    go_on = threading.Event()
    app = AppServer("com.example.slow", on_session=lambda session: None)
    app.tool("slow")(lambda: str(go_on.wait(10)))
    worn.start(app)
    wait_until(lambda: worn.simulator.quiet)
    call = threading.Thread(target=worn.call_tool, args=("slow",))
    call.start()
    wait_until(lambda: not worn.simulator.quiet)
    go_on.set()
    call.join(10)
    wait_until(lambda: worn.simulator.quiet)


def test_a_tool_that_sleeps_in_its_session_lets_time_pass(
    worn: SimulatedGlasses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mentra_sync.testing.stillness.PATIENCE", 60.0)
    app = AppServer("com.example.sleeps", on_session=lambda session: None)
    began = threading.Event()

    @app.tool("nap")
    def nap() -> str:
        session = app.session_for(worn.user_id)
        assert session is not None
        began.set()
        session.sleep(100)
        return "awake"

    worn.start(app)
    replies: list[object] = []
    call = threading.Thread(target=lambda: replies.append(worn.call_tool("nap")))
    call.start()
    assert began.wait(10)
    started = time.monotonic()
    worn.advance(101)
    assert time.monotonic() - started < 30  # it was not taken for busy
    call.join(10)
    assert replies == ["awake"]


@pytest.mark.parametrize(
    ("wait", "rests"),
    [
        (lambda event: event.wait(), True),
        (lambda event: event.wait(10), False),
        (
            lambda event: all(not event.is_set() and not time.sleep(0.01) for _ in range(1000)),
            False,
        ),
    ],
    ids=["an event", "an event, for a while", "time.sleep"],
)
def test_on_session_rests_where_somebody_else_must_wake_it(
    worn: SimulatedGlasses, monkeypatch: pytest.MonkeyPatch, wait, rests
):
    monkeypatch.setattr(config, "HOLD_AT_START", 0.1)  # it does not wait through its session
    event, in_it = threading.Event(), threading.Event()

    def main(session: AppSession) -> None:
        session.after(0, in_it.set)
        in_it.wait(10)
        wait(event)

    worn.start(main)
    assert in_it.wait(10)
    quiet = worn._still.wait(10 if rests else 0.2) == []
    assert quiet == rests
    event.set()


def test_threads_of_the_web_server_come_with_the_requests(worn: SimulatedGlasses):
    app = AppServer("com.example.web", on_session=lambda session: None)
    together = threading.Barrier(5)
    app.tool("meet")(lambda: str(together.wait(10)))
    worn.start(app)
    assert _web_threads() <= 2
    calls = [threading.Thread(target=worn.call_tool, args=("meet",)) for _ in range(5)]
    for call in calls:
        call.start()
    for call in calls:
        call.join(20)
    assert not together.broken
    assert 5 <= _web_threads() <= 12


def _web_threads() -> int:
    return sum(thread.name.startswith("waitress") for thread in threading.enumerate())


def test_a_thread_that_is_being_woken_is_at_work(
    worn: SimulatedGlasses, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "HOLD_AT_START", 0.1)  # it does not wait through its session
    go_on, ended = threading.Event(), threading.Event()

    def main(session: AppSession) -> None:
        session.layouts.show_text_wall("here")
        go_on.wait()
        ended.set()

    worn.start(main)
    session = worn.session
    assert session is not None
    worn.settle()
    assert session.busy_with() == [], "it waits for somebody else"
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)  # the thread is awake, and does not get to run
    try:
        go_on.set()
        assert session.busy_with() == ["on_session"]
    finally:
        sys.setswitchinterval(before)
    assert ended.wait(10)
