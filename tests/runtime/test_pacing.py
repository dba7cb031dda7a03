"""When displays go out."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync import config
from mentra_sync.clock import Clock
from mentra_sync.protocol.commands import DisplayEvent
from mentra_sync.protocol.layouts import TextWall
from mentra_sync.runtime.pacing import DisplayPacer
from mentra_sync.runtime.timers import Alarm, Timers
from mentra_sync.simulator.pace import Display, FaultyPace

INTERVAL = 0.3


class Hands:
    """A clock and timers whose time goes on when they are told to."""

    def __init__(self) -> None:
        self.clock: Any = self
        self.moment = 1000.0
        self.heap: list[tuple[float, int, Alarm]] = []
        self._order = count()

    def now(self) -> float:
        return self.moment

    def at(self, moment: float, function: Callable[[], object]) -> Alarm:
        alarm = Alarm(moment, function)
        heapq.heappush(self.heap, (moment, next(self._order), alarm))
        return alarm

    @property
    def pending(self) -> int:
        return sum(alarm.pending for _, _, alarm in self.heap)

    def advance(self, seconds: float) -> None:
        end = round(self.moment + seconds, 6)
        while self.heap and round(self.heap[0][0], 6) <= end:
            moment, _, alarm = heapq.heappop(self.heap)
            # Never before its moment, or what is due then is not due yet, again and again.
            self.moment = max(self.moment, moment)
            function, alarm.function = alarm.function, None
            if function is not None:
                function()
        self.moment = max(self.moment, end)


class Lens:
    """A pacer with a connection that can be lost, and what it has sent."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self.hands = Hands()
        self.connected = True
        self.sent: list[tuple[int, str, str, float | None]] = []
        self.pacer = DisplayPacer(
            self.hands,  # type: ignore[arg-type]
            interval,
            connected=lambda: self.connected,
            send=self._send,
            wake=lambda: self.pacer.due(),
        )

    def _send(self, display: DisplayEvent) -> None:
        assert isinstance(display.layout, TextWall)
        at = round((self.hands.moment - 1000) * 1000)
        self.sent.append((at, display.view, display.layout.text, display.duration_ms))

    def show(self, text: str, view: str = "main", duration_ms: float | None = None) -> None:
        self.pacer.show(DisplayEvent(layout=TextWall(text), view=view, duration_ms=duration_ms))

    def advance(self, ms: float) -> None:
        self.hands.advance(ms / 1000)

    def lose(self) -> None:
        self.connected = False

    def come_back(self) -> None:
        self.pacer.restore()
        self.connected = True
        self.pacer.due()

    @property
    def texts(self) -> list[str]:
        return [text for _, _, text, _ in self.sent]

    @property
    def times(self) -> list[tuple[int, str]]:
        return [(at, text) for at, _, text, _ in self.sent]


@pytest.fixture
def lens() -> Lens:
    return Lens()


# --- Turns ------------------------------------------------------------------------------------


def test_the_first_of_a_quiet_time_goes_out_at_once(lens: Lens) -> None:
    lens.show("a")
    assert lens.times == [(0, "a")]
    lens.advance(300)
    lens.show("b")
    lens.advance(5000)
    lens.show("c")
    assert lens.times == [(0, "a"), (300, "b"), (5300, "c")]


def test_after_that_the_newest_goes_out_when_its_turn_comes(lens: Lens) -> None:
    lens.show("a")
    for text in "bcd":
        lens.advance(50)
        lens.show(text)
    assert lens.texts == ["a"]
    lens.advance(149)
    assert lens.texts == ["a"]
    lens.advance(1)
    assert lens.times == [(0, "a"), (300, "d")]
    lens.advance(10_000)
    assert lens.texts == ["a", "d"]


def test_a_steady_stream_keeps_its_distance_and_ends_with_the_last(lens: Lens) -> None:
    # As recorded, this is what leaves an older display on the lens when it is not paced.
    for n in range(1, 9):
        lens.show(f"{n}")
        lens.advance(250)
    lens.advance(1000)
    assert lens.times == [
        (0, "1"),
        (300, "2"),
        (600, "3"),
        (900, "4"),
        (1200, "5"),
        (1500, "6"),
        (1800, "8"),
    ]


def test_each_view_has_its_newest_and_views_take_turns(lens: Lens) -> None:
    lens.show("m1")
    lens.show("m2")
    lens.show("d1", "dashboard")
    lens.show("m3")
    lens.show("d2", "dashboard")
    lens.advance(300)
    lens.show("m4")
    lens.show("d3", "dashboard")
    lens.advance(2000)
    assert lens.times == [(0, "m1"), (300, "m3"), (600, "d3"), (900, "m4")]


def test_a_busy_view_does_not_keep_another_from_its_turn(lens: Lens) -> None:
    lens.show("m")
    lens.show("d", "dashboard")
    for n in range(30):
        lens.show(f"m{n}")
        lens.advance(30)
    assert lens.times[1] == (300, "d")
    assert [at for at, _ in lens.times] == [0, 300, 600, 900]


def test_without_an_interval_every_display_goes_out_at_once() -> None:
    lens = Lens(interval=0)
    for n in range(10):
        lens.show(f"{n}", "main" if n % 2 else "dashboard")
    assert lens.texts == [f"{n}" for n in range(10)]
    assert lens.hands.pending == 0


def test_wake_ups_for_other_reasons_change_nothing(lens: Lens) -> None:
    lens.show("a")
    lens.show("b")
    lens.show("d", "dashboard")
    for _ in range(100):
        lens.pacer.due()
        assert lens.hands.pending == 1
    lens.advance(300)
    for _ in range(100):
        lens.pacer.due()
        assert lens.hands.pending == 1
    lens.advance(1000)
    assert lens.times == [(0, "a"), (300, "b"), (600, "d")]
    assert lens.hands.pending == 0


def test_the_duration_counts_from_when_it_is_sent(lens: Lens) -> None:
    lens.show("a")
    lens.show("b", duration_ms=1000)
    lens.advance(300)
    assert lens.sent[-1] == (300, "main", "b", 1000)


# --- Losses -----------------------------------------------------------------------------------


def test_what_is_shown_without_a_connection_waits_for_it(lens: Lens) -> None:
    lens.lose()
    lens.show("a")
    lens.show("b")
    lens.show("d", "dashboard")
    lens.advance(5000)
    assert lens.sent == []
    lens.come_back()
    assert lens.texts == ["b"]
    lens.advance(300)
    assert lens.texts == ["b", "d"]


@pytest.mark.parametrize("interval", [0, INTERVAL])
def test_what_waited_without_a_connection_never_follows_what_is_newer(interval: float) -> None:
    lens = Lens(interval)
    lens.lose()
    lens.show("old")
    lens.connected = True  # the connection thread has not been told yet
    lens.show("new")
    lens.pacer.due()
    lens.advance(5000)
    assert lens.texts == ["new"]


def test_a_display_whose_turn_comes_without_a_connection_waits(lens: Lens) -> None:
    lens.show("a")
    lens.show("b")
    lens.lose()
    lens.advance(1000)
    assert lens.texts == ["a"]
    lens.connected = True
    lens.pacer.due()
    assert lens.times == [(0, "a"), (1000, "b")]


def test_after_a_loss_the_last_display_of_each_view_is_shown_again(lens: Lens) -> None:
    lens.show("m1")
    lens.advance(300)
    lens.show("d1", "dashboard")
    lens.advance(300)
    lens.show("m2")
    lens.lose()
    lens.advance(1000)
    lens.come_back()
    lens.advance(1000)
    assert lens.times[3:] == [(1600, "m2"), (1900, "d1")]


def test_what_was_shown_during_the_loss_replaces_what_was_there(lens: Lens) -> None:
    lens.show("old", duration_ms=60_000)
    lens.lose()
    lens.show("new")
    lens.advance(1000)
    lens.come_back()
    lens.advance(1000)
    assert lens.texts == ["old", "new"]


def test_what_is_shown_again_lasts_for_the_rest_of_its_time(lens: Lens) -> None:
    lens.show("m", duration_ms=5000)
    lens.lose()
    lens.advance(2000)
    lens.come_back()
    assert lens.sent[-1] == (2000, "main", "m", 3000)
    # The rest of the rest, after the next loss; and it isn't shown at all when that is over.
    lens.lose()
    lens.advance(1000)
    lens.come_back()
    assert lens.sent[-1] == (3000, "main", "m", 2000)
    lens.lose()
    lens.advance(2000)
    lens.come_back()
    lens.advance(5000)
    assert len(lens.sent) == 3


def test_the_rest_is_reckoned_when_it_is_sent(lens: Lens) -> None:
    lens.show("m", duration_ms=5000)
    lens.advance(300)
    lens.show("d", "dashboard", duration_ms=10_000)
    lens.lose()
    lens.advance(700)
    lens.pacer.restore()
    lens.advance(1000)  # back, but lost again before anything went out
    lens.pacer.restore()
    lens.come_back()
    lens.advance(300)
    assert lens.sent[2:] == [(2000, "main", "m", 3000), (2300, "dashboard", "d", 8000)]


def test_one_that_is_over_takes_nobodys_turn(lens: Lens) -> None:
    lens.show("m", duration_ms=100)
    lens.advance(300)
    lens.show("d", "dashboard")
    lens.advance(1000)
    lens.lose()
    lens.come_back()
    assert lens.times[2:] == [(1300, "d")]


# --- The end ----------------------------------------------------------------------------------


def test_flush_sends_what_waits_whatever_its_turn(lens: Lens) -> None:
    lens.show("a")
    lens.show("b")
    lens.show("d", "dashboard")
    lens.pacer.flush()
    assert lens.times == [(0, "a"), (0, "b"), (0, "d")]
    lens.pacer.flush()
    assert len(lens.sent) == 3
    # The next one keeps its distance from these.
    lens.show("c")
    lens.advance(300)
    assert lens.times[3:] == [(300, "c")]


def test_flush_without_a_connection_keeps_what_waits(lens: Lens) -> None:
    lens.lose()
    lens.show("a")
    lens.pacer.flush()
    assert lens.sent == []
    lens.come_back()
    assert lens.texts == ["a"]


def test_stop_forgets_what_waits_and_asks_for_nothing_more(lens: Lens) -> None:
    lens.show("a")
    lens.show("b")
    assert lens.hands.pending == 1
    lens.pacer.stop()
    assert lens.hands.pending == 0
    lens.show("c")
    lens.pacer.due()
    lens.advance(5000)
    assert lens.texts == ["a"]
    assert lens.hands.pending == 0


def test_the_connection_thread_never_waits_for_one_that_writes(lens: Lens) -> None:
    writing, go_on = threading.Event(), threading.Event()
    send = lens.pacer._send

    def slow(display: DisplayEvent) -> None:
        if display.view == "main":
            writing.set()
            assert go_on.wait(10)
        send(display)

    lens.pacer._send = slow
    lens.show("d", "dashboard")
    lens.advance(1000)
    writer = threading.Thread(target=lens.show, args=("a long bitmap",), daemon=True)
    writer.start()
    assert writing.wait(10)
    lens.pacer._waiting["dashboard"] = None  # has its turn while the other one is written
    lens.hands.moment += 1
    lens.pacer.due()  # returns, or this test hangs
    assert lens.texts == ["d"]
    go_on.set()
    writer.join(10)
    assert lens.texts == ["d", "a long bitmap", "d"]


def test_an_alarm_that_rings_while_it_is_being_set_is_not_missed(
    lens: Lens, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(moment: float, wake: Callable[[], object]) -> Alarm:
        lens.hands.moment = moment
        thread = threading.Thread(target=wake, daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
        alarm = Alarm(moment, wake)
        alarm.cancel()  # it has rung
        return alarm

    lens.show("a")
    monkeypatch.setattr(lens.hands, "at", at)
    lens.show("b")
    assert lens.times == [(0, "a"), (300, "b")]


def test_stop_never_waits_for_one_that_writes(lens: Lens) -> None:
    writing, go_on = threading.Event(), threading.Event()
    send = lens.pacer._send

    def slow(display: DisplayEvent) -> None:
        writing.set()
        assert go_on.wait(10)
        send(display)

    lens.pacer._send = slow
    writer = threading.Thread(target=lens.show, args=("a",), daemon=True)
    writer.start()
    assert writing.wait(10)
    lens.pacer.stop()
    go_on.set()
    writer.join(10)
    lens.show("b")
    lens.advance(1000)
    assert lens.texts == ["a"]


# --- Any order of things ----------------------------------------------------------------------

views = st.sampled_from(["main", "dashboard", "always_on"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("show"), views),
        st.tuples(st.just("advance"), st.integers(0, 700)),
        st.tuples(st.just("due"), st.none()),
        st.tuples(st.just("lose"), st.none()),
        st.tuples(st.just("come back"), st.none()),
    ),
    max_size=60,
)


@given(steps=steps, interval=st.sampled_from([0, 0.001, 0.3]))
def test_whatever_happens_the_lens_ends_with_the_newest_and_nothing_goes_too_fast(
    steps: list[tuple[str, Any]], interval: float
) -> None:
    lens = Lens(interval)
    shown: dict[str, str] = {}
    waiting: dict[str, int] = {}  # how many displays had been sent when a view began to wait
    numbers = count()

    def look_at_what_was_sent(since: int) -> None:
        for index in range(since, len(lens.sent)):
            _, view, text, _ = lens.sent[index]
            assert text == shown[view]
            others = [view for _, view, _, _ in lens.sent[waiting.pop(view, index) : index]]
            assert len(others) == len(set(others)), "another view had two turns meanwhile"

    for step, value in steps:
        before = len(lens.sent)
        if step == "show":
            shown[value] = f"{next(numbers)}"
            waiting.setdefault(value, before)
            lens.show(shown[value], value)
        elif step == "advance":
            lens.advance(value)
        elif step == "due":
            lens.pacer.due()
        elif step == "lose":
            lens.lose()
        else:
            lens.come_back()
        look_at_what_was_sent(before)
        if not lens.connected:
            assert len(lens.sent) == before
        assert lens.hands.pending <= 1

    times = [at for at, *_ in lens.sent]
    assert all(b - a >= interval * 1000 for a, b in pairwise(times))
    lens.come_back()
    lens.advance(3000)
    last = {view: text for _, view, text, _ in lens.sent}
    assert last == shown
    assert lens.hands.pending == 0


@pytest.mark.parametrize("interval", [0, 0.0005])
def test_threads_that_show_at_once_never_overtake_each_other(
    clock: Clock, timers: Timers, interval: float
) -> None:
    sent: list[int] = []
    last = threading.Event()
    lock = threading.Lock()

    def send(display: DisplayEvent) -> None:
        sent.append(int(display.layout.text))  # type: ignore[union-attr]
        if sent[-1] == 999:
            last.set()

    pacer = DisplayPacer(
        timers, interval, connected=lambda: True, send=send, wake=lambda: pacer.due()
    )
    numbers = iter(range(1000))

    def show() -> None:
        while True:
            with lock:
                number = next(numbers, None)
                if number is None:
                    return
                pacer.show(DisplayEvent(layout=TextWall(f"{number}")))

    threads = [threading.Thread(target=show) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert last.wait(10)
    pacer.stop()
    assert sent == sorted(sent)
    assert interval or sent == list(range(1000))


# --- The recorded cloud -----------------------------------------------------------------------

MARGIN = config.DISPLAY_MARGIN_MS / 1000


def on_the_lens(steps: list[tuple[int, int]], interval: float) -> list[str]:
    """What a cloud with the recorded fault shows of displays that a session shows.

    A step is a pause (ms) and how long the display of then is on its way (ms).
    """
    lens, shown = Lens(interval), []
    pace = FaultyPace(
        lens.hands,  # type: ignore[arg-type]
        threading.RLock(),
        INTERVAL,
        lambda display: shown.append(display.frame["text"]),
    )
    delays, arrived = {}, 0.0

    def send(display: DisplayEvent) -> None:
        nonlocal arrived
        assert isinstance(display.layout, TextWall)
        text = display.layout.text
        arrived = max(arrived, lens.hands.moment + delays[text])
        frame = {"view": display.view, "text": text}
        lens.hands.at(arrived, lambda: pace.offer(Display(frame, "app")))

    lens.pacer._send = send
    for number, (pause, delay) in enumerate(steps):
        lens.advance(pause)
        delays[f"{number:02}"] = delay / 1000
        lens.show(f"{number:02}")
    lens.advance(5000)
    return shown


PAUSES_AND_DELAYS = st.lists(
    st.tuples(st.integers(0, 700), st.integers(0, config.DISPLAY_MARGIN_MS)), min_size=1
)


@given(PAUSES_AND_DELAYS)
def test_the_newest_stays_on_the_lens_of_the_recorded_cloud(steps: list[tuple[int, int]]) -> None:
    """Also when one display is longer on its way than the next, as far as the margin goes."""
    shown = on_the_lens(steps, INTERVAL + MARGIN)
    assert shown == sorted(shown)
    assert shown[-1] == f"{len(steps) - 1:02}"


def test_it_would_not_without_a_margin() -> None:
    steps = [(0, 10), (300, 0), (300, 5), (300, 4)]
    assert on_the_lens(steps, INTERVAL) == ["00", "01", "03", "02"]
