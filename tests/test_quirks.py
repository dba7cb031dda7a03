"""An app on a cloud with the recorded one's faults: what the SDK does keeps it from harm."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cloud import PACKAGE, Calls, wait_until
from runtime.fake_cloud import QUICK
from simulator.still_clock import StillClock
from world import World

from mentra_sync import AppServer, AppSession
from mentra_sync.simulator import limits
from mentra_sync.simulator.quirks import QUIRKS
from mentra_sync.testing.stillness import Stillness

USER = "you@example.com"


class FaultyWorld(World):
    """An app on simulated glasses, whose cloud has all quirks."""

    def start_session(self) -> AppSession:
        self.start()
        return wait_until(lambda: self.app.sessions)[0]

    def webhooks(self) -> list[str]:
        """The types of all webhooks so far."""
        crossings = self.simulator.cloud.timeline.after()
        sent = (one for one in crossings if one.name == "POST /webhook" and one.kind == "request")
        return [one.body["type"] for one in sent]


@pytest.fixture(name="faulty")
def faulty_fixture() -> Iterator[Callable[..., FaultyWorld]]:
    worlds: list[FaultyWorld] = []

    def make(
        on_session: Callable[..., Any], app: dict[str, Any] | None = None, **options: Any
    ) -> FaultyWorld:
        worlds.append(FaultyWorld(on_session, {"quirks": True, **options}, **(app or {})))
        return worlds[-1]

    yield make
    for one in worlds:
        one.close()


def connections() -> int:
    """How many connections simulators have."""
    return sum(thread.name.startswith("mentra-sim-http") for thread in threading.enumerate())


def test_the_newest_display_stays() -> None:
    """Sent as they are called, the second of these would stay on the lens.

    Time passes by hand: the cloud's fault hits whom a slow machine holds up, too.
    """

    def main(session: AppSession) -> None:
        session.sleep(limits.BOOT_SECONDS + 1)
        for text, pause in (("first", 0.25), ("second", 0.06), ("third", 0.7)):
            session.layouts.show_text_wall(text)
            session.sleep(pause)

    clock = StillClock()
    app = AppServer(PACKAGE, on_session=main)
    simulator = app.start_simulated(clock=clock, quirks=True, port=0, app_port=0)
    try:
        simulator.start()
        assert simulator.start_app()
        Stillness(clock, app.activity, simulator).advance(10)
        assert simulator.glasses.lens.text == "third"
    finally:
        app.stop()
        simulator.stop()


def listening(presses: Calls) -> Callable[[AppSession], None]:
    def main(session: AppSession) -> None:
        session.events.on_button_press(presses.one)

    return main


def test_a_half_open_connection_is_finished_before_the_next_one(
    faulty: Callable[..., FaultyWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = dataclasses.replace(QUICK, silence=0.5)
    monkeypatch.setattr("mentra_sync.runtime.connection.Limits", lambda: quiet)
    presses, lost = Calls(), threading.Event()

    def main(session: AppSession) -> None:
        session.events.on_button_press(presses.one)

        @session.events.on_disconnected
        def now_it_pings() -> None:
            # The first connection is never pinged, so it is taken for dead; the next one is.
            if not lost.is_set():  # at the end of the test nothing must be changed any more
                monkeypatch.setattr(limits, "PING_INTERVAL", 0.05)
                lost.set()

    it = faulty(main)
    session = it.start_session()
    assert lost.wait(10)
    assert wait_until(lambda: session.connected and connections() == 1)
    wait_until(lambda: it.glasses.press())
    presses.wait()
    assert it.simulator.app_state == "running"
    assert it.webhooks() == ["session_request"]


def test_a_repeated_webhook_replaces_the_session_without_an_overlap(
    faulty: Callable[..., FaultyWorld],
) -> None:
    """As after an answer that was too slow; the old connection is closed before the new dial."""
    presses, answered = Calls(), threading.Event()
    it = faulty(listening(presses))
    first = it.start_session()
    request = next(
        one.body
        for one in it.simulator.cloud.timeline.after()
        if one.name == "POST /webhook" and one.kind == "request"
    )
    url = it.simulator.app.webhook_url
    it.simulator.cloud.webhooks.post(
        url, request, repeat=False, done=lambda right, problem: answered.set()
    )
    assert answered.wait(10)
    second = wait_until(lambda: [one for one in it.app.sessions if one is not first])[0]
    assert wait_until(lambda: second.connected and connections() == 1)
    assert wait_until(it.glasses.press)
    presses.wait()
    assert it.simulator.app_state == "running"
    assert [reason for _, _, reason in it.stopped.wait()] == ["replaced"]


def test_a_restart_after_a_repaired_loss_and_a_stop(faulty: Callable[..., FaultyWorld]) -> None:
    """The cloud starts the app again, which is no fault of ours: each session is stopped once."""
    begun, back, clock = Calls(), Calls(), StillClock()

    def main(session: AppSession) -> None:
        begun(session)
        session.events.on_connected(back)

    it = faulty(main, wire_clock=clock)
    first = it.start_session()
    it.simulator.drop_connection()
    back.wait(2)
    it.simulator.stop_app()
    assert [reason for _, _, reason in it.stopped.wait()] == ["user_disabled"]
    clock.to(limits.GRACE + 0.01, lambda: it.simulator.cloud.wire_time.quiet)

    def asked_again() -> bool:
        # A moment after the app has answered that it has stopped, which takes real time; from
        # then on no time passes, or the app would be too slow to connect.
        if it.webhooks().count("session_request") == 2:
            return True
        clock.advance_to(clock.now() + limits.RESURRECTION_PAUSE)
        return False

    wait_until(asked_again)
    second = begun.wait(2)[1]
    assert second is not first and wait_until(lambda: second.connected)
    assert it.webhooks() == ["session_request", "stop_request", "stop_request", "session_request"]
    assert len(it.stopped.all) == 1


def test_a_repaired_loss_is_no_more_than_that(faulty: Callable[..., FaultyWorld]) -> None:
    presses, back, clock = Calls(), Calls(), StillClock()

    def main(session: AppSession) -> None:
        session.events.on_button_press(presses.one)
        session.events.on_connected(back)

    it = faulty(main, wire_clock=clock)
    session = it.start_session()
    it.simulator.drop_connection()
    back.wait(2)
    clock.to(limits.GRACE + 1, lambda: it.simulator.cloud.wire_time.quiet)
    assert it.glasses.press() == 1
    presses.wait()
    assert it.webhooks() == ["session_request"]
    assert it.app.sessions == [session]


def test_a_language_with_options_is_heard_once(faulty: Callable[..., FaultyWorld]) -> None:
    """The stream with options gets nothing there by itself, and both together get it twice."""
    texts = Calls()

    def main(session: AppSession) -> None:
        session.events.on_transcription_for_language(
            "es-ES", texts.one, disable_language_identification=True, hints=["en", "fr"]
        )

    it = faulty(main)
    it.start_session()
    assert len(it.simulator.streams()) == 2
    it.glasses.say("uno", interim=False, language="es-ES")
    it.glasses.say("dos", interim=False, language="es-ES")
    texts.wait(2)
    assert [data.text for data in texts.values] == ["uno", "dos"]


def test_settings_are_known_without_a_configuration(faulty: Callable[..., FaultyWorld]) -> None:
    flag = {"key": "flag", "type": "toggle", "label": "Flag", "defaultValue": True}
    it = faulty(lambda session: None, config={"settings": [flag]})
    session = it.start_session()
    assert session.config is None
    assert session.settings.get("flag") is True
    assert it.simulator.change_settings({"flag": False})
    assert wait_until(lambda: session.settings.get("flag") is False)
    assert session.settings.get_setting("flag").label == "Flag"


def test_every_quirk_has_a_sentence() -> None:
    for name, sentence in QUIRKS.items():
        assert sentence.endswith("."), name
