"""An app server and the simulator, which meet on the wire only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cloud import Calls, wait_until
from simulator.still_clock import StillClock
from world import World

from mentra_sync import AppSession
from mentra_sync.simulator import limits


@pytest.fixture(name="world")
def world_fixture() -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(on_session: Callable[..., Any], **options: Any) -> World:
        worlds.append(World(on_session, **{"display_interval_ms": 0, **options}))
        return worlds[-1]

    yield make
    for one in worlds:
        one.close()


def echo(session: AppSession) -> None:
    session.layouts.show_text_wall("Welcome!")
    session.events.on_transcription(
        lambda data: data.is_final and session.layouts.show_text_wall(f"You said: {data.text}")
    )


def test_a_whole_session(world: Callable[..., World]):
    it = world(echo)
    it.start()
    assert it.glasses.lens.wait_for("Welcome!")
    it.glasses.say("hello")
    assert it.glasses.lens.wait_for("You said: hello")
    it.simulator.stop_app()
    ((_, user, reason),) = it.stopped.wait()
    assert (user, reason) == ("you@example.com", "user_disabled")
    assert it.app.sessions == []
    it.start()
    it.glasses.say("again")
    assert it.glasses.lens.wait_for("You said: again")


def test_a_conversation(world: Callable[..., World]):
    def main(session: AppSession) -> None:
        name = session.ask("What is your name?")
        session.layouts.show_text_wall(f"Hello {name}!")
        session.audio.play_tts(f"Hello {name}")

    it = world(main)
    it.start()
    assert it.glasses.lens.wait_for("What is your name?")
    assert it.glasses.spoken.wait_for("What is your name?")
    it.glasses.say("Ada")
    assert it.glasses.lens.wait_for("Hello Ada!")
    assert it.glasses.spoken.wait_for("Hello Ada")


def test_a_lost_connection(world: Callable[..., World]):
    lost, back = threading.Event(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_disconnected(lost.set)
        session.events.on_connected(back)
        echo(session)

    it = world(main)
    it.start()
    back.wait(1)
    session = it.app.sessions[0]
    it.simulator.drop_connection()
    assert lost.wait(10)
    back.wait(2)
    assert it.app.sessions == [session] and session.connected
    it.glasses.say("still there?")
    assert it.glasses.lens.wait_for("You said: still there?")
    assert it.stopped.all == []


def webhooks(it: World) -> list[Any]:
    """The bodies of all webhooks so far."""
    crossings = it.simulator.cloud.timeline.after()
    return [one.body for one in crossings if (one.name, one.kind) == ("POST /webhook", "request")]


def test_a_resurrection(world: Callable[..., World]):
    """An app that closes is taken for a lost one: five seconds later it is started again."""
    began, clock = Calls(), StillClock()

    def main(session: AppSession) -> None:
        began(session.session_id)
        echo(session)

    it = world(main, simulator={"wire_clock": clock})
    it.start()
    first = it.app.sessions[0]
    first.disconnect()
    assert it.stopped.wait()[0][2] == "disconnected"
    wait_until(lambda: it.simulator.app_state == "starting")  # it is missed
    clock.to(limits.GRACE - 0.1, lambda: it.simulator.cloud.wire_time.quiet)
    assert len(began.all) == 1
    clock.to(limits.GRACE + 0.1, lambda: it.simulator.cloud.wire_time.quiet)

    def asked_again() -> bool:
        # A moment after the app has answered that it has stopped, which takes real time.
        if [body["type"] for body in webhooks(it)].count("session_request") == 2:
            return True
        clock.advance_to(clock.now() + limits.RESURRECTION_PAUSE)
        return False

    wait_until(asked_again)
    began.wait(2)
    wait_until(lambda: it.app.sessions and it.app.sessions[0] is not first)
    assert began.values[0] == began.values[1]
    assert it.simulator.wait_for_streams(lambda streams: bool(streams), timeout=5)
    it.glasses.say("back")
    assert it.glasses.lens.wait_for("You said: back")
    assert len(it.stopped.all) == 1


def test_the_server_stops(world: Callable[..., World]):
    it = world(echo)
    it.start()
    it.app.stop()
    assert it.stopped.wait()[0][2] == "server_stopped"


def test_two_wearers(world: Callable[..., World]):
    it = world(echo)
    it.start()
    other = it.simulator.glasses_of("bob@example.com")
    assert it.simulator.start_app("bob@example.com")
    assert it.simulator.wait_for_streams(lambda s: bool(s), user_id="bob@example.com")
    other.say("I am Bob")
    assert other.lens.wait_for("You said: I am Bob")
    assert not it.glasses.lens.wait_for("I am Bob", timeout=0.1)
    assert {s.user_id for s in it.app.sessions} == {"you@example.com", "bob@example.com"}
