"""Timers, sleep and wait, and the conversation: on session time, which a test pushes forward."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import PATIENCE, SOON, AppSocket, Calls, Scene, scene_fixture, wait_until  # noqa: F401

from mentra_sync import AppSession, RequestTimeout, SessionEnded, Timer

HUGE: Any = pytest.param(10**400, id="huge")


def advance(session: AppSession, seconds: float) -> None:
    clock = session._link.clock
    clock.advance_to(clock.now() + seconds)


# --- Timers --------------------------------------------------------------------------------------


def test_once(scene: Scene):
    session, _ = scene.session()
    called = Calls()
    timer = session.after(600, called)
    assert isinstance(timer, Timer)
    advance(session, 500)
    time.sleep(0.05)
    assert called.all == []
    advance(session, 101)
    called.wait()
    advance(session, 600)
    time.sleep(0.05)
    assert len(called.all) == 1
    assert called.threads[0].startswith("mentra-calls-")


def test_again_and_again_until_cancelled(scene: Scene):
    session, _ = scene.session()
    called = Calls()
    timer = session.every(60, called)
    for count in (1, 2, 3):
        advance(session, 60)
        called.wait(count)
    timer.cancel()
    timer.cancel()
    advance(session, 600)
    time.sleep(0.05)
    assert len(called.all) == 3


def test_decorated(scene: Scene):
    session, _ = scene.session()
    called = Calls()

    @session.every(60)
    def tick() -> None:
        called("tick")

    @session.after(30)
    def once() -> None:
        called("once")

    advance(session, 31)
    called.wait(1)
    advance(session, 31)
    assert called.wait(2) == ["once", "tick"]
    assert "tick" in repr(tick)
    tick.cancel()


def test_a_slow_function_skips_beats(scene: Scene):
    session, _ = scene.session()
    go_on = threading.Semaphore(0)
    called = Calls(lambda: go_on.acquire(timeout=10))
    session.every(10, called)
    for _ in range(20):
        advance(session, 10)
        time.sleep(0.002)
    called.wait(1)
    for _ in range(30):
        go_on.release()
    time.sleep(SOON)
    assert 1 <= len(called.all) <= 3


def test_timers_are_callbacks(scene: Scene):
    session, there = scene.session()
    order: list[str] = []
    in_press, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def pressed() -> None:
        in_press.set()
        go_on.wait(10)
        order.append("pressed")

    session.events.on_button_press(pressed)
    there.wait_streams("button_press")
    there.press()
    in_press.wait(10)
    session.after(0, lambda: (order.append("timer"), done.set()))
    time.sleep(0.05)
    assert order == []
    go_on.set()
    done.wait(10)
    assert order == ["pressed", "timer"]


def test_timers_end_with_the_session(scene: Scene):
    session, _ = scene.session()
    called = Calls()
    session.every(1, called)
    session.after(1, called)
    session.disconnect()
    advance(session, 100)
    time.sleep(0.05)
    assert called.all == []


def test_a_timer_that_raises_goes_on(scene: Scene):
    errors, called = Calls(), Calls(lambda: 1 / 0)
    session, _ = scene.session(lambda s: s.events.on_error(errors.one))
    wait_until(lambda: session._link.signals.handlers("error"))
    session.every(10, called)
    advance(session, 10)
    errors.wait(1)
    advance(session, 10)
    assert [type(e) for e in errors.wait(2)] == [ZeroDivisionError] * 2


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1", None, True, HUGE])
def test_times_that_are_none(scene: Scene, seconds: Any):
    session, _ = scene.session()
    for call in (session.every, session.after):
        with pytest.raises(ValueError, match="seconds"):
            call(seconds, print)
    with pytest.raises(ValueError, match="more than 0"):
        session.every(0, print)
    with pytest.raises(TypeError):
        session.after(1, lambda argument: None)
    with pytest.raises(TypeError):
        session.after(1, "tick")


def test_a_time_that_never_comes_harms_nobody(scene: Scene):
    session, _ = scene.session()
    called = Calls()
    session.after(1e300, called)
    session.after(0, lambda: called("now"))
    assert called.wait() == ["now"]


# --- Sleeping ------------------------------------------------------------------------------------


def test_sleeping(scene: Scene):
    session, there = scene.session()
    woken, heard = Calls(), Calls()

    def pressed() -> None:
        session.sleep(60)
        woken("slept")

    session.events.on_button_press(pressed)
    session.events.on_head_position(heard.one)
    there.wait_streams("button_press", "head_position")
    there.press()
    there.event("head_position", position="up")
    heard.wait()
    assert woken.all == []
    advance(session, 61)
    assert woken.wait() == ["slept"]


@pytest.mark.parametrize("seconds", [-1, "1", None, float("nan"), True])
def test_sleeps_that_are_none(scene: Scene, seconds: Any):
    session, _ = scene.session()
    with pytest.raises(ValueError, match="seconds"):
        session.sleep(seconds)


@pytest.mark.parametrize("timeout", [float("inf"), HUGE])
def test_a_time_that_no_clock_can_show_is_no_limit(scene: Scene, timeout: float):
    heard = Calls()
    session, there = scene.session(lambda session: heard(session.listen(timeout)))
    there.wait_streams("transcription:en-US")
    there.say("at last")
    assert heard.wait() == ["at last"]
    with pytest.raises(SessionEnded):
        session.after(0.01, session.disconnect)
        session.events.wait_for("button_press", timeout)


def test_sleeping_without_end_and_waiting(scene: Scene):
    session, _ = scene.session()
    ended = Calls()

    def sleep() -> None:
        try:
            session.sleep(float("inf"))
        except SessionEnded as error:
            ended(error.reason)

    thread = threading.Thread(target=sleep)
    thread.start()
    assert session.wait(0.01) is False
    waiting = threading.Thread(target=lambda: ended(session.wait()))
    waiting.start()
    session.disconnect()
    thread.join(10)
    waiting.join(10)
    assert sorted(map(str, ended.values)) == ["True", "disconnected"]


# --- Conversation --------------------------------------------------------------------------------


class Talk:
    """A conversation on the thread of on_session."""

    def __init__(self, scene: Scene, talk: Callable[[AppSession], Any], **ack: Any) -> None:
        self.results = Calls()

        def main(session: AppSession) -> None:
            try:
                self.results(talk(session))
            except Exception as error:
                self.results(error)
                raise

        self.session, self.there = scene.session(main, ack=ack)

    def result(self) -> Any:
        return self.results.wait()[0]


def say_until_heard(there: AppSocket, text: str, heard: Calls, count: int = 1) -> None:
    """Say it again and again: when exactly the app begins to listen, nothing tells."""

    def said() -> bool:
        there.say(text)
        there.settle()
        return len(heard.all) >= count

    wait_until(said)


def spoken(there: AppSocket, count: int = 1, **fields: Any) -> None:
    request = there.wait("audio_play_request", count)
    answer = {"type": "audio_play_response", "requestId": request["requestId"], **fields}
    there.send(answer)


def test_listening(scene: Scene):
    talk = Talk(scene, lambda s: s.listen())
    talk.there.wait_streams("transcription:en-US")
    talk.there.say("hel", final=False)
    talk.there.say("  ")
    talk.there.say("hello there")
    assert talk.result() == "hello there"


def test_listening_in_another_language(scene: Scene):
    talk = Talk(scene, lambda s: s.listen(language="fr-FR"))
    talk.there.wait_streams("transcription:fr-FR")
    talk.there.say("bonjour", language="fr-FR")
    assert talk.result() == "bonjour"


def test_nobody_says_anything(scene: Scene):
    talk = Talk(scene, lambda s: s.listen(timeout=30))
    talk.there.wait_streams("transcription:en-US")
    advance(talk.session, 31)
    error = talk.result()
    assert isinstance(error, RequestTimeout) and isinstance(error, TimeoutError)
    assert "30 s" in str(error)


@pytest.mark.parametrize(
    "call", [lambda s: s.listen(language="english"), lambda s: s.ask("a", language="e")]
)
def test_a_language_that_is_none(scene: Scene, call: Callable[[AppSession], Any]):
    talk = Talk(scene, call)
    assert isinstance(talk.result(), ValueError)
    assert talk.there.all("display_event") == []


def test_asking(scene: Scene):
    talk = Talk(scene, lambda s: s.ask("What is your name?"))
    there = talk.there
    there.wait_text("What is your name?")
    there.wait_streams("transcription:en-US")
    there.wait("audio_play_request")
    there.say("What is your name")
    there.settle()
    spoken(there, success=True)
    there.say("A", final=False)
    there.say("Ada")
    assert talk.result() == "Ada"


def test_an_answer_counts_from_the_end_of_the_speaking(scene: Scene):
    answers, busy, go_on = Calls(), threading.Event(), threading.Event()

    def pressed() -> None:
        busy.set()
        assert go_on.wait(PATIENCE)

    def main(session: AppSession) -> None:
        session.after(0, lambda: answers(session.ask("Name?")))
        session.events.on_button_press(pressed)

    _, there = scene.session(main)
    there.wait("audio_play_request")
    there.wait_streams("transcription:en-US", "button_press")
    there.press()
    assert busy.wait(PATIENCE)
    there.say("Name")
    spoken(there, success=True)
    there.say("Ada")
    there.settle()
    go_on.set()  # only now may the callback that asks go on
    assert answers.wait() == ["Ada"]


@pytest.mark.parametrize("how", ["not wanted", "no speaker", "empty"])
def test_asking_without_a_word(scene: Scene, how: str):
    ack = {"capabilities": {"hasSpeaker": False}} if how == "no speaker" else {}
    prompt = " " if how == "empty" else "Name?"
    talk = Talk(scene, lambda s: s.ask(prompt, speak=how != "not wanted"), **ack)
    talk.there.wait_text(prompt)
    talk.there.wait_streams("transcription:en-US")
    talk.there.say("Ada")
    assert talk.result() == "Ada"
    assert talk.there.all("audio_play_request") == []


def test_asking_when_the_voice_fails(scene: Scene, caplog: pytest.LogCaptureFixture):
    talk = Talk(scene, lambda s: s.ask("Name?"))
    spoken(talk.there, success=False, error="no voice today")
    talk.there.say("Ada")
    assert talk.result() == "Ada"
    assert "no voice today" in caplog.text


def test_the_time_to_answer_counts_from_the_end_of_the_speaking(scene: Scene):
    talk = Talk(scene, lambda s: s.ask("Name?", timeout=300))
    clock = talk.session._link.clock
    talk.there.wait("audio_play_request")
    advance(talk.session, 40)
    spoken(talk.there, success=True)
    # What it waits for is no longer the end of the speaking, which has a minute.
    wait_until(lambda: (clock.next_due() or 0) > clock.now() + 60)
    advance(talk.session, 270)
    time.sleep(0.05)
    assert talk.results.all == []
    advance(talk.session, 31)
    assert isinstance(talk.result(), RequestTimeout)


def test_the_recogniser_is_kept_for_a_loop_of_questions(scene: Scene):
    heard = Calls()

    def talk(session: AppSession) -> None:
        heard(session.listen())
        heard(session.listen())

    conversation = Talk(scene, talk)
    there, session = conversation.there, conversation.session
    there.wait_streams("transcription:en-US")
    there.say("one")
    heard.wait()
    advance(session, 20)
    say_until_heard(there, "two", heard, 2)
    advance(session, 20)
    time.sleep(0.1)
    assert len(there.all("subscription_update")) == 1
    advance(session, 11)
    there.wait_streams()


def test_asking_in_a_callback_lets_others_run(scene: Scene):
    answers, presses = Calls(), Calls()

    def main(session: AppSession) -> None:
        session.after(0, lambda: answers(session.ask("Name?", speak=False)))
        session.events.on_button_press(presses.one)

    _, there = scene.session(main)
    there.wait_text("Name?")
    there.wait_streams("transcription:en-US", "button_press")
    there.press()
    presses.wait()
    assert answers.all == []
    there.say("Ada")
    assert answers.wait() == ["Ada"]


# --- Threads -------------------------------------------------------------------------------------


def test_pings_are_answered_while_the_app_blocks(scene: Scene):
    go_on = threading.Event()

    def main(session: AppSession) -> None:
        session.events.on_button_press(lambda: go_on.wait(10))
        go_on.wait(10)

    _, there = scene.session(main)
    there.press()
    there.ping(b"are you there?")
    wait_until(lambda: b"are you there?" in there.pongs)
    go_on.set()


def test_callbacks_run_one_at_a_time_in_order(scene: Scene):
    running, most, order = 0, 0, []
    lock = threading.Lock()

    def pressed(press: Any) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001)
        order.append(press.button_id)
        with lock:
            running -= 1

    session, there = scene.session(lambda s: s.events.on_button_press(pressed))
    there.wait_streams("button_press")
    for number in range(50):
        there.press(str(number))
    wait_until(lambda: len(order) == 50)
    assert order == [str(number) for number in range(50)] and most == 1
    assert session.events.dropped == 0


def test_the_logger(scene: Scene, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    session, _ = scene.session()
    session.logger.info("User said:", "hello")
    session.logger.info("Started", {"volume": 3})
    session.logger.info("%d of %d", 1, 2)
    records = [r for r in caplog.records if r.name == "mentra_sync.app"]
    texts = [r.getMessage() for r in records]
    assert texts == ["User said: hello", "Started volume=3", "1 of 2"]
    for record in records:
        assert record.session_id == session.session_id  # type: ignore[attr-defined]
        assert record.user_id == session.user_id  # type: ignore[attr-defined]
        assert record.package_name == session.package_name  # type: ignore[attr-defined]
        assert record.funcName == "test_the_logger"


def test_a_question_that_is_nothing_is_not_spoken(scene: Scene):
    session, there = scene.session()
    with pytest.raises(RequestTimeout):
        session.ask(None, timeout=0)
    there.settle()
    assert there.all("audio_play_request") == []
