"""What reaches the lens, and when: boot screen, one display in 300 ms, expiry, dashboard."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from raw_app import RawApp
from still_clock import StillClock

from mentra_sync.simulator.displays import Displays
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.pace import Display, FaultyPace, Pace
from mentra_sync.simulator.schedule import Schedule


class Stopwatch:
    """A schedule on a clock that a test moves."""

    def __init__(self) -> None:
        self.clock = StillClock()
        self.schedule = Schedule(self.clock, "mentra-sim-test")
        self.schedule.start()

    def to(self, seconds: float) -> None:
        """Go to so many seconds after the beginning, doing on the way what is due."""
        self.clock.to(seconds, lambda: self.schedule.quiet)


@pytest.fixture
def stopwatch() -> Iterator[Stopwatch]:
    watch = Stopwatch()
    yield watch
    watch.schedule.stop()


def display(text: str, view: str = "main", package: str = "app") -> Display:
    layout = {"layoutType": "text_wall", "text": text}
    return Display({"type": "display_event", "view": view, "layout": layout}, package)


UNEVEN = [(moment, display(str(n + 1))) for n, moment in enumerate((0, 250, 310))]


def first(offer: tuple[int, Display]) -> int:
    return offer[0]


def run(
    stopwatch: Stopwatch, *offers: tuple[int, Display], kind: type[Pace] = Pace
) -> list[tuple[int, str]]:
    """Offer displays at moments (ms); what was passed on, and when."""
    passed: list[tuple[int, str]] = []

    def pass_on(one: Display) -> None:
        passed.append((round(stopwatch.clock.now() * 1000), one.frame["layout"]["text"]))

    lock = threading.RLock()
    pace = kind(stopwatch.schedule, lock, 0.3, pass_on)
    for moment, one in offers:
        stopwatch.to(moment / 1000)
        with lock:
            pace.offer(one)
    stopwatch.to(5)
    return passed


def test_the_newest_of_a_burst_is_shown(stopwatch: Stopwatch) -> None:
    burst = [(n * 20, display(str(n))) for n in range(5)]
    assert run(stopwatch, *burst) == [(0, "0"), (380, "4")]


def test_an_older_display_never_replaces_a_newer_one(stopwatch: Stopwatch) -> None:
    passed = run(stopwatch, *UNEVEN)
    assert passed == [(0, "1"), (310, "3")]


def test_the_recorded_cloud_lets_the_older_one_win(stopwatch: Stopwatch) -> None:
    passed = run(stopwatch, *UNEVEN, kind=FaultyPace)
    assert passed == [(0, "1"), (310, "3"), (550, "2")]


def test_the_recorded_cloud_mixes_up_a_steady_stream(stopwatch: Stopwatch) -> None:
    stream = [(n * 250, display(str(n + 1))) for n in range(8)]
    texts = [text for _, text in run(stopwatch, *stream, kind=FaultyPace)]
    assert texts == ["1", "3", "2", "5", "4", "7", "6", "8"]


def test_no_view_keeps_the_other_off_the_lens(stopwatch: Stopwatch) -> None:
    """One is always a little ahead of the other's turn."""
    main = [(n * 100, display(str(n))) for n in range(20)]
    passed = run(stopwatch, *sorted([*main, (50, display("card", "dashboard"))], key=first))
    assert (600, "card") in passed
    moments = [moment for moment, _ in passed]
    assert all(later - moment >= 300 for moment, later in pairwise(moments))
    assert passed[-1][1] == "19"


@pytest.mark.parametrize("step", [100, 250, 310])
def test_a_steady_stream_is_shown_in_order(stopwatch: Stopwatch, step: int) -> None:
    texts = [text for _, text in run(stopwatch, *((n * step, display(str(n))) for n in range(9)))]
    assert texts == sorted(texts)
    assert texts[-1] == "8"


def test_both_views_share_the_limit_and_take_turns(stopwatch: Stopwatch) -> None:
    offers = [
        (0, display("a")),
        (10, display("b")),
        (20, display("c", "dashboard")),
        (30, display("d")),
    ]
    assert run(stopwatch, *offers) == [(0, "a"), (320, "c"), (620, "d")]


def test_a_late_turn_does_not_bring_back_what_is_old() -> None:
    clock = StillClock()
    schedule = Schedule(clock, "mentra-sim-test")  # its thread is late: not started yet
    passed: list[str] = []
    pace = Pace(
        schedule,
        threading.RLock(),
        0.3,
        lambda display: passed.append(display.frame["layout"]["text"]),
    )
    pace.offer(display("1"))
    pace.offer(display("2"))
    clock.advance_to(0.5)
    pace.offer(display("3"))
    schedule.start()
    clock.to(5, lambda: schedule.quiet)
    schedule.stop()
    assert passed == ["1", "3"]


class Frame(dict[str, Any]):
    """One whose end can be seen."""


def test_what_was_replaced_is_not_kept_until_its_time_would_be_up(stopwatch: Stopwatch) -> None:
    displays = Displays(stopwatch.schedule, threading.RLock(), lambda frame: None, realistic=False)
    frames = [Frame(display(text).frame, durationMs=86_400_000) for text in ("1", "2", "3")]
    kept = [weakref.ref(frame) for frame in frames]
    while frames:
        displays.offer(frames.pop(0), "app")
    gc.collect()
    assert [one() is not None for one in kept] == [False, False, True]


@pytest.fixture
def timed(app: RawApp, simulate: Callable[..., Simulator]) -> Callable[[float], Simulator]:
    """A realistic simulator with a running app, whose session time a test moves."""
    clock = StillClock()
    simulator = simulate(realistic=True, clock=clock)
    assert simulator.start_app()
    app.wait_connected()

    def to(seconds: float) -> Simulator:
        clock.to(seconds, lambda: simulator.quiet)
        return simulator

    return to


def arrived(simulator: Simulator, app: RawApp) -> None:
    """Until the cloud has read everything that the app has sent."""
    before = len(app.socket.seen.items)
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response", after=before)


def test_the_last_display_of_the_boot_time_is_shown_after_it(
    timed: Callable[[float], Simulator], app: RawApp
) -> None:
    simulator = timed(0.1)
    lens = simulator.glasses.lens
    assert lens.main.boot
    assert lens.main.title == "// MentraOS - Starting App"
    app.show("first")
    app.show("second")
    arrived(simulator, app)
    timed(1.4)
    assert lens.main.boot
    timed(1.6)
    assert lens.text == "second"
    assert [shown.text for shown in lens.history][1:] == ["second"]


def test_a_display_can_expire_or_be_replaced(
    timed: Callable[[float], Simulator], app: RawApp
) -> None:
    simulator = timed(3)
    lens = simulator.glasses.lens
    app.show("short lived", durationMs=9000)
    assert lens.wait_for("short lived")
    timed(8)
    assert lens.text == "short lived"
    timed(15)
    assert lens.text == ""
    app.show("replaced", durationMs=9000)
    assert lens.wait_for("replaced")
    timed(20)
    app.show("the replacement")
    assert lens.wait_for("the replacement")
    timed(60)
    assert lens.text == "the replacement"


@pytest.mark.parametrize("duration", [0, -5, None, "900", True, [1], 1e300])
def test_nonsense_durations_last(running: Simulator, app: RawApp, duration: Any) -> None:
    app.show("stays", durationMs=duration)
    assert running.glasses.lens.wait_for("stays")
    arrived(running, app)
    assert running.glasses.lens.text == "stays"


def test_every_layout_has_lines(running: Simulator, app: RawApp) -> None:
    layouts: list[tuple[dict[str, Any], list[str], dict[str, Any]]] = [
        ({"layoutType": "text_wall", "text": "one\ntwo"}, ["one", "two"], {}),
        (
            {"layoutType": "double_text_wall", "topText": "top", "bottomText": "bottom"},
            ["top", "bottom"],
            {"columns": [["top"], ["bottom"]]},
        ),
        (
            {"layoutType": "reference_card", "title": "Title", "text": "card"},
            ["Title", "card"],
            {"title": "Title"},
        ),
        (
            {"layoutType": "dashboard_card", "leftText": "left", "rightText": "right"},
            ["left", "right"],
            {"columns": [["left"], ["right"]]},
        ),
        ({"layoutType": "bitmap_view", "data": "Qk0="}, [], {}),
        ({"layoutType": "clear_view"}, [], {}),
        ({"layoutType": "no_such_layout", "text": "x"}, [], {}),
        ({"layoutType": ["x"]}, [], {}),
        ({"layoutType": "text_wall", "text": 5}, [], {}),
        ({"layoutType": "text_wall"}, [], {}),
    ]
    for layout, lines, more in layouts:
        app.send("display_event", view="main", layout=layout)
        arrived(running, app)
        message = running.glasses.lens.main.message()
        assert message["lines"] == lines
        assert message["layout"] == layout
        assert {name: message[name] for name in ("title", "columns") if name in message} == more
    for layout in (None, [], "text"):
        app.send("display_event", view="main", layout=layout)
    app.show("still there")
    assert running.glasses.lens.wait_for("still there")


def test_long_text_is_broken_as_on_the_lens(running: Simulator, app: RawApp) -> None:
    app.show("The quick brown fox jumps over the lazy dog. " * 3)
    shown = running.glasses.lens.wait_for("fox jumps over the lazy dog. The quick")
    assert shown is not None
    assert len(shown.lines) > 2


def test_displays_of_somebody_else_go_nowhere(running: Simulator, app: RawApp) -> None:
    app.show("not mine", packageName="com.example.other")
    app.show("mine")
    assert running.glasses.lens.wait_for("mine")
    assert [shown.text for shown in running.glasses.lens.history] == ["mine"]


def test_the_dashboard(running: Simulator, app: RawApp) -> None:
    lens = running.glasses.lens
    app.send("dashboard_content_update", content="dash", modes=["main"])
    assert lens.wait_for("dash")
    assert lens.dashboard.columns == ((), ("", "dash"))
    app.send("dashboard_content_update", content="more", modes=["expanded"])
    app.send("dashboard_mode_change", mode="expanded")
    app.show("to the side", view="dashboard")
    assert lens.wait_for("to the side")
    assert [shown.text.strip() for shown in lens.history] == ["dash", "to the side"]
    running.stop_app()
    assert lens.dashboard.text.strip() == ""


def test_waiting_for_the_lens(running: Simulator, app: RawApp) -> None:
    lens = running.glasses.lens
    assert lens.wait_for("nothing yet", timeout=0.01) is None
    app.show("one")
    app.show("two")
    app.show("three")
    assert lens.wait_for("three")
    # What was shown for a moment only is found, once something newer has been waited for not.
    assert lens.wait_for(lambda shown: shown.text == "three")
    assert lens.wait_for("one", timeout=0.01) is None
    app.show("four")
    app.show("five")
    arrived(running, app)
    assert lens.wait_for("four")
    assert lens.wait_for("five")


def test_glasses_without_a_display_show_nothing(
    app: RawApp, simulate: Callable[..., Simulator]
) -> None:
    simulator = simulate(glasses="Mentra Live")
    simulator.start_app()
    app.wait_connected()
    app.show("unseen")
    arrived(simulator, app)
    assert simulator.glasses.lens.history == []
