"""Faults in a test: what goes wrong on purpose, for as long as a ``with`` block."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simulator.still_clock import StillClock

from mentra_sync import AppSession
from mentra_sync.errors import RequestTimeout
from mentra_sync.testing import SimulatedGlasses


@pytest.fixture
def worn() -> Iterator[SimulatedGlasses]:
    with SimulatedGlasses() as glasses:
        yield glasses


def test_an_app_comes_back_from_a_lost_connection(worn: SimulatedGlasses) -> None:
    def main(session: AppSession) -> None:
        session.events.on_connected(lambda: session.layouts.show_text_wall("back"))
        session.events.on_button_press(lambda: session.layouts.show_text_wall("pressed"))

    worn.start(main)
    worn.faults.drop_connection()
    assert worn.lens.wait_for("back", timeout=5)
    worn.press()
    assert worn.lens.wait_for("pressed")


def test_speech_fails_inside_the_block_only(worn: SimulatedGlasses) -> None:
    results: list[bool] = []

    def main(session: AppSession) -> None:
        @session.events.on_button_press
        def speak() -> None:
            results.append(bool(session.audio.play_tts("Hello")))
            session.layouts.show_text_wall(f"{len(results)} done")

    worn.start(main)
    with worn.faults.failing_tts():
        worn.press()
        assert worn.lens.wait_for("1 done")
    worn.press()
    assert worn.lens.wait_for("2 done")
    assert results == [False, True]
    assert worn.spoken == ["Hello"]


def test_a_photo_that_never_comes_is_given_up_in_session_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mentra_sync.testing.simulated_glasses.Clock", StillClock)
    with SimulatedGlasses() as glasses:
        _give_up_a_photo(glasses)


def _give_up_a_photo(worn: SimulatedGlasses) -> None:
    given_up: list[RequestTimeout] = []

    def main(session: AppSession) -> None:
        @session.events.on_button_press
        def shoot() -> None:
            try:
                session.camera.request_photo(timeout=30)
            except RequestTimeout as error:
                given_up.append(error)

    worn.start(main, glasses="live")
    with worn.faults.no_photos():
        worn.press()
        worn.advance(29)
        assert given_up == []
        worn.advance(2)
    assert len(given_up) == 1
    worn.press()
    assert worn.photos.wait_for(lambda photo: True)


def test_a_slow_network_delays_and_loses_nothing(worn: SimulatedGlasses) -> None:
    def main(session: AppSession) -> None:
        session.events.on_button_press(
            lambda press: session.layouts.show_text_wall(str(press.button_id))
        )

    worn.start(main)
    with worn.faults.slow_network(0.05):
        for button in ("one", "two", "three"):
            worn.press(button)
    assert worn.lens.wait_for("three")
    assert [shown.text for shown in worn.lens.history][-3:] == ["one", "two", "three"]


def test_the_other_wearer_notices_nothing(worn: SimulatedGlasses) -> None:
    worn.start(lambda session: session.layouts.show_text_wall("here"))
    bob = worn.user("bob")
    with worn.faults.slow_network(0.01):
        assert worn.faults.active == ["slow_network"]
        assert bob.faults.active == []
        bob.faults.end_session()
        worn.settle()
    assert bob.session is None
    assert worn.session is not None
