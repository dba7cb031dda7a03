"""Sessions from their start to their one end, whatever brings it about."""

from __future__ import annotations

import contextlib
import gc
import http.client
import logging
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from cloud import (  # noqa: F401
    KEY,
    PACKAGE,
    SOON,
    USER,
    AppSocket,
    Calls,
    Scene,
    quick_fixture,
    scene_fixture,
    wait_until,
)

from mentra_sync import AppServer, AppSession, Disconnection, SessionEnded, config
from mentra_sync.runtime.limits import Limits

ID = f"{USER}-{PACKAGE}"


@pytest.fixture(name="short_grace")
def short_grace_fixture(monkeypatch: pytest.MonkeyPatch) -> float:
    """The time that user code gets at the end, made short."""
    monkeypatch.setattr(config, "CALLBACK_GRACE", 0.4)
    monkeypatch.setattr(config, "LAST_WORDS", 0.2)
    return 0.4


# --- Styles --------------------------------------------------------------------------------------


def test_a_class(scene: Scene):
    began, stopped = Calls(), Calls()

    class App(AppServer):
        def on_session(self, session: AppSession, session_id: str, user_id: str) -> None:
            began(session.session_id, session_id, user_id)

        def on_stop(self, session_id: str, user_id: str, reason: str) -> None:
            stopped(session_id, user_id, reason)

    app = scene.serve(App(PACKAGE, KEY, port=0, host="127.0.0.1"))
    there = scene.start(app)
    assert began.wait() == [(ID, ID, USER)]
    scene.stop_session(app, there)
    assert stopped.wait() == [(ID, USER, "user_disabled")]
    assert began.threads == [f"mentra-main-{ID}"]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_functions_of_fewer_arguments(scene: Scene, count: int):
    seen = Calls()
    began: Callable[..., Any] = [
        lambda: seen(),
        lambda session: seen(session.session_id),
        lambda session, session_id: seen(session.session_id, session_id),
        lambda session, session_id, user_id: seen(session.session_id, session_id, user_id),
    ][count]
    scene.start(scene.app(began))
    seen.wait()
    assert seen.all == [(ID, ID, USER)[:count]]


def test_decorators(scene: Scene):
    app = scene.make()
    began, stopped = Calls(), Calls()

    @app.session_handler
    def main(session: AppSession) -> None:
        began(session.user_id)

    @app.stop_handler
    def ended(session_id: str) -> None:
        stopped(session_id)

    assert callable(main) and callable(ended)
    scene.serve(app)
    there = scene.start(app)
    scene.stop_session(app, there)
    assert (began.wait(), stopped.wait()) == ([USER], [ID])


@pytest.mark.parametrize(
    "refused",
    [
        lambda: AppServer(PACKAGE, KEY, on_session=lambda a, b, c, d: None),
        lambda: AppServer(PACKAGE, KEY, on_session="main"),
        lambda: AppServer(PACKAGE, KEY, on_stop=lambda a, b, c, d: None),
        lambda: AppServer(PACKAGE, KEY, on_tool_call=lambda a, b: None),
        lambda: AppServer(PACKAGE, KEY).session_handler(5),
        lambda: AppServer(PACKAGE, KEY).settings_handler(lambda a, b, c: None),
    ],
)
def test_functions_that_could_not_be_called_are_refused_at_once(refused: Callable[[], object]):
    with pytest.raises(TypeError):
        refused()


def test_methods_that_could_not_be_called_are_refused_at_once():
    class App(AppServer):
        def on_session(self, session, session_id, user_id, more):  # type: ignore
            pass

    class Async(AppServer):
        async def on_stop(self, session_id, user_id, reason):  # type: ignore
            pass

    with pytest.raises(TypeError, match="on_session"):
        App(PACKAGE, KEY)
    with pytest.raises(TypeError, match="async"):
        Async(PACKAGE, KEY)


def test_an_app_without_a_function_says_so(scene: Scene, caplog: pytest.LogCaptureFixture):
    app = scene.serve(AppServer(PACKAGE, KEY, port=0, host="127.0.0.1"))
    scene.start(app)
    wait_until(lambda: "session_handler" in caplog.text)


# --- What on_session does ------------------------------------------------------------------------


def test_a_session_outlives_its_on_session(scene: Scene):
    pressed = Calls()
    session, there = scene.session(lambda s: s.events.on_button_press(pressed.one))
    there.wait_streams("button_press")
    there.press("right")
    assert pressed.wait()[0].button_id == "right"
    assert session.connected


@pytest.mark.parametrize("raised", [RuntimeError("my mistake"), SystemExit(1), KeyboardInterrupt()])
def test_on_session_that_raises(
    scene: Scene, raised: BaseException, caplog: pytest.LogCaptureFixture
):
    errors, pressed, stopped = Calls(), Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_error(errors.one)
        session.events.on_button_press(pressed.one)
        raise raised

    app = scene.app(main, on_stop=stopped)
    there = scene.start(app)
    assert errors.wait() == [raised]
    there.wait_streams("button_press")
    there.press()
    pressed.wait()
    assert "in main" in caplog.text, "a traceback shows where"
    scene.stop_session(app, there)
    assert len(stopped.wait()) == 1


def test_a_loop_ends_by_itself(scene: Scene, caplog: pytest.LogCaptureFixture):
    shown = Calls()

    def main(session: AppSession) -> None:
        number = 0
        while True:
            session.layouts.show_text_wall(number)
            number += 1
            shown()
            time.sleep(0.001)

    stopped = Calls()
    app = scene.app(main, on_stop=stopped)
    there = scene.start(app)
    shown.wait(3)
    scene.stop_session(app, there)
    stopped.wait()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_a_loop_that_swallows_the_end_is_slowed_and_named_once(
    scene: Scene, caplog: pytest.LogCaptureFixture, short_grace: float
):
    calls = Calls()
    give_up = threading.Event()

    def main(session: AppSession) -> None:
        while not give_up.is_set():
            try:
                session.layouts.show_text_wall("again")  # the line to name
            except Exception:
                calls()

    app = scene.app(main)
    there = scene.start(app)
    scene.stop_session(app, there)
    calls.wait(10)
    before, began = len(calls.all), time.monotonic()
    time.sleep(0.6)  # it may not be fast: that is what is looked at
    more = len(calls.all) - before
    assert more <= (time.monotonic() - began) / config.ENDED_CALL_PAUSE + 1
    give_up.set()
    warnings = [r.message for r in caplog.records if "SessionEnded" in r.message]
    assert len(warnings) == 1
    assert "test_session_life.py" in warnings[0] and "session.ended" in warnings[0]


# --- One end, and its reason ---------------------------------------------------------------------


class Watched:
    """A session whose end is written down: who was told what, in which order."""

    def __init__(self, scene: Scene, **options: Any) -> None:
        self.told: list[Any] = []
        self.stopped = Calls()
        self.main_ended = threading.Event()

        def main(session: AppSession) -> None:
            session.events.on_disconnected(self.told.append)
            session.events.on_button_press(self.press)
            session.wait()
            self.main_ended.set()

        def stopped(*how: Any) -> None:
            self.told.append(("stopped", *how))
            self.stopped(*how)  # only now: that is what is waited for

        self.pressed = Calls()
        self.app = scene.app(main, on_stop=stopped, **options)
        self.there = scene.start(self.app)
        session = self.app.session_for(USER)
        assert session is not None
        self.session: AppSession = session
        self.there.wait_streams("button_press")

    def press(self, event: Any) -> None:
        self.pressed(event)

    def reason(self) -> str:
        """Wait for the end, which must be told exactly once, and after all else."""
        self.stopped.wait()
        assert self.main_ended.is_set()
        assert self.session.ended and not self.session.connected
        assert self.app.sessions == [] and self.app.session_for(USER) is None
        ((session_id, user_id, reason),) = self.stopped.all
        assert (session_id, user_id) == (ID, USER)
        *_, last, stopped = self.told
        assert isinstance(last, Disconnection) and last.permanent
        assert stopped == ("stopped", ID, USER, reason)
        assert sum(isinstance(one, Disconnection) and one.permanent for one in self.told) == 1
        with pytest.raises(SessionEnded) as raised:
            self.session.layouts.show_text_wall("too late")
        assert raised.value.reason == reason
        return str(reason)

    def still_once(self) -> None:
        time.sleep(SOON)
        assert len(self.stopped.all) == 1


def close_quietly(there: AppSocket, code: int, reason: str) -> None:
    there.close_with(code, reason)


ENDINGS: dict[str, tuple[Callable[[Scene, Watched], Any], str]] = {
    "stop webhook, frame, close": (
        lambda scene, it: scene.stop_session(it.app, it.there),
        "user_disabled",
    ),
    "stop webhook alone": (
        lambda scene, it: scene.post(it.app, "/webhook", scene.stop_body(reason="error")),
        "error",
    ),
    "frame and close": (
        lambda scene, it: (
            it.there.send({"type": "app_stopped"}),
            it.there.close_with(1000, "App stopped"),
        ),
        "app_stopped",
    ),
    "close in words": (lambda scene, it: it.there.close_with(1000, "App stopped"), "app_stopped"),
    "glasses gone": (
        lambda scene, it: (
            it.there.send({"type": "app_stopped"}),
            it.there.close_with(1000, "User session ended"),
        ),
        "session_ended",
    ),
    "words with another code": (
        lambda scene, it: it.there.close_with(1011, "User session ended"),
        "session_ended",
    ),
    "close 1001": (lambda scene, it: it.there.close_with(1001, ""), "session_ended"),
    "fatal error": (
        lambda scene, it: (
            it.there.send(
                {"type": "tpa_connection_error", "code": "INVALID_API_KEY", "message": "no"}
            ),
            it.there.close_with(1008, "no"),
        ),
        "rejected: INVALID_API_KEY",
    ),
    "disconnect": (lambda scene, it: it.session.disconnect(), "disconnected"),
    "disconnect in a callback": (
        lambda scene, it: it.session.after(0, it.session.disconnect),
        "disconnected",
    ),
    "server": (lambda scene, it: it.app.stop(), "server_stopped"),
    "server in a callback": (
        lambda scene, it: it.session.after(0, it.app.stop),
        "server_stopped",
    ),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_an_end_is_told_once(scene: Scene, how: str):
    watched = Watched(scene)
    act, reason = ENDINGS[how]
    act(scene, watched)
    assert watched.reason() == reason
    watched.still_once()


def test_a_lost_connection_that_cannot_be_had_again(scene: Scene, quick: None):
    watched = Watched(scene)
    scene.cloud.vanish()
    watched.there.drop()
    assert watched.reason() == "connection_lost"
    lost, last = [one for one in watched.told if isinstance(one, Disconnection)]
    assert not lost.permanent and last.permanent
    watched.still_once()


def test_no_reconnection_when_none_is_wanted(scene: Scene):
    watched = Watched(scene, max_reconnect_attempts=0)
    watched.there.drop()
    assert watched.reason() == "connection_lost"
    assert scene.cloud.nobody_comes(SOON)


@pytest.mark.parametrize("release", [None, "clean_shutdown"])
def test_disconnecting(scene: Scene, release: str | None):
    watched = Watched(scene, display_interval_ms=60_000)
    for text in ("first", "second", "third"):
        watched.session.layouts.show_text_wall(text)
    watched.session.disconnect(release_ownership=release)
    assert watched.session.ended
    assert watched.there.wait_closed() == (1000, "")
    assert watched.there.texts() == ["first", "third"], "what waits its turn is sent"
    released = watched.there.all("ownership_release")
    assert [frame["reason"] for frame in released] == ([release] if release else [])
    assert watched.reason() == "disconnected"
    watched.session.disconnect()


def test_a_reason_that_is_none(scene: Scene):
    session, there = scene.session()
    with pytest.raises(ValueError, match="clean_shutdown"):
        session.disconnect(release_ownership="tired")
    with pytest.raises(ValueError, match="user_logout"):
        session.release_ownership("")
    session.release_ownership("user_logout")
    assert there.wait("ownership_release")["reason"] == "user_logout"
    assert not session.ended


def test_a_stop_webhook_leaves_the_closing_to_the_cloud(scene: Scene):
    watched = Watched(scene)
    scene.post(watched.app, "/webhook", scene.stop_body())
    assert watched.reason() == "user_disabled"
    assert not watched.there.gone and watched.there.closed is None
    watched.there.close_with(1000, "App stopped")
    watched.there.wait_closed()


def test_a_cloud_that_never_closes(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "STOP_LINGER", 0.1)
    watched = Watched(scene)
    scene.post(watched.app, "/webhook", scene.stop_body())
    assert watched.there.wait_closed() == (1000, "")


def test_the_end_of_the_server_closes_with_1001(scene: Scene):
    watched = Watched(scene)
    watched.app.stop()
    assert watched.stopped.all, "stop() waits for on_stop"
    assert watched.there.wait_closed() == (1001, "")
    assert watched.there.all("ownership_release") == []


@pytest.mark.parametrize("attempt", range(12))
def test_ends_at_the_same_instant(scene: Scene, attempt: int):
    watched = Watched(scene)
    ways = [
        lambda: watched.session.disconnect(),
        lambda: scene.post(watched.app, "/webhook", scene.stop_body()),
        lambda: watched.there.close_with(1000, "App stopped"),
        lambda: watched.app.stop(),
        lambda: watched.there.drop(),
    ]
    both = [ways[attempt % 5], ways[(attempt // 2 + 1 + attempt) % 5]]
    start = threading.Barrier(2)

    def go(way: Callable[[], Any]) -> None:
        start.wait()
        with contextlib.suppress(SessionEnded, OSError):
            way()

    threads = [threading.Thread(target=go, args=(way,)) for way in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not watched.session.ended:
        watched.session.disconnect()
    watched.reason()
    watched.still_once()


# --- What still runs at the end ------------------------------------------------------------------


def test_queued_callbacks_are_dropped_and_the_running_one_ends(scene: Scene):
    in_callback, go_on = threading.Event(), threading.Event()
    ran, stopped = Calls(), Calls()

    def pressed(press: Any) -> None:
        ran(press.button_id)
        in_callback.set()
        go_on.wait(10)

    app = scene.app(lambda s: s.events.on_button_press(pressed), on_stop=stopped)
    there = scene.start(app)
    session = app.sessions[0]
    there.wait_streams("button_press")
    for name in "abc":
        there.press(name)
    there.settle()
    in_callback.wait(10)
    session.disconnect()
    assert app.sessions == []
    time.sleep(SOON)
    assert stopped.all == [], "the running callback comes first"
    go_on.set()
    stopped.wait()
    assert ran.values == ["a"]
    assert session.events.dropped == 2


@pytest.mark.parametrize("where", ["callback", "on_session", "on_disconnected"])
def test_code_that_hangs_holds_up_the_end_for_a_while_only(
    scene: Scene, where: str, short_grace: float
):
    hang, ready = threading.Event(), threading.Event()
    stopped = Calls()

    def hangs() -> None:
        ready.set()
        hang.wait(60)

    def main(session: AppSession) -> None:
        if where == "callback":
            session.events.on_button_press(hangs)
        elif where == "on_disconnected":
            session.events.on_disconnected(hangs)
            ready.set()
        else:
            hangs()

    app = scene.app(main, on_stop=stopped)
    there = scene.start(app)
    if where == "callback":
        there.wait_streams("button_press")
        there.press()
    assert ready.wait(10)
    began = time.monotonic()
    scene.stop_session(app, there)
    stopped.wait()  # for a shorter time than it hangs
    assert short_grace * 0.9 <= time.monotonic() - began
    hang.set()


def test_a_callback_and_a_handler_of_the_end_that_hang_share_the_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "CALLBACK_GRACE", 1.0)

    def took() -> float:
        hang, ready, told = threading.Event(), threading.Event(), threading.Event()
        stopped = Calls()

        def pressed() -> None:
            ready.set()
            hang.wait(20)

        def disconnected() -> None:
            told.set()
            hang.wait(20)

        def main(session: AppSession) -> None:
            session.events.on_button_press(pressed)
            session.events.on_disconnected(disconnected)

        app = scene.app(main, on_stop=stopped)
        there = scene.start(app)
        there.wait_streams("button_press")
        there.press()
        assert ready.wait(10)
        began = time.monotonic()
        scene.stop_session(app, there)
        stopped.wait()
        seconds = time.monotonic() - began
        assert told.is_set() and seconds >= 0.9
        hang.set()
        return seconds

    assert any(took() < 1.7 for _ in range(3))  # once, on a machine that has time


def test_a_callback_that_ends_late_ends_before_on_stop_all_the_same(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "CALLBACK_GRACE", 6.0)
    monkeypatch.setattr(config, "LAST_WORDS", 3.0)
    ready, told, seen = threading.Event(), threading.Event(), Calls()

    def pressed() -> None:
        ready.set()
        told.wait(10)
        time.sleep(SOON)
        seen("callback")

    def main(session: AppSession) -> None:
        session.events.on_button_press(pressed)
        session.events.on_disconnected(told.set)

    app = scene.app(main, on_stop=lambda *_: seen("on_stop"))
    there = scene.start(app)
    there.wait_streams("button_press")
    there.press()
    assert ready.wait(10)
    scene.stop_session(app, there)
    assert seen.wait(2) == ["callback", "on_stop"]


def test_blocked_calls_raise_and_nothing_is_logged(scene: Scene, caplog: pytest.LogCaptureFixture):
    ended = Calls()

    def blocked(function: Callable[[], Any]) -> None:
        try:
            function()
        except SessionEnded as error:
            ended(error.reason)
            raise

    def main(session: AppSession) -> None:
        waits = [
            lambda: session.sleep(60),
            lambda: session.listen(),
            lambda: session.events.wait_for("button_press"),
            lambda: session.audio.play_tts("hello"),
            lambda: session.ask("what?", speak=False),
        ]
        for wait in waits:
            session.after(0, lambda wait=wait: blocked(wait))
        assert list(session.events.stream("head_position")) == []
        assert session.wait() is True
        assert session.wait(0) is True
        ended("main")

    app = scene.app(main)
    there = scene.start(app)
    there.wait("audio_play_request")
    there.wait("display_event")
    session = app.sessions[0]
    there.wait_streams("transcription:en-US", "button_press", "head_position")
    session.disconnect()
    assert sorted(ended.wait(6)) == ["disconnected"] * 5 + ["main"]
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_handlers_of_the_end_may_still_call(scene: Scene, caplog: pytest.LogCaptureFixture):
    """They get SessionEnded, which is nobody's mistake."""
    kept: list[AppSession] = []

    def main(session: AppSession) -> None:
        kept.append(session)
        session.events.on_disconnected(lambda: session.layouts.show_text_wall("bye"))

    stopped = Calls(lambda *_: kept[0].layouts.show_text_wall("bye"))
    app = scene.app(main, on_stop=stopped)
    there = scene.start(app)
    wait_until(lambda: kept)
    scene.stop_session(app, there)
    stopped.wait()
    app.stop()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_on_stop_that_raises(scene: Scene, caplog: pytest.LogCaptureFixture):
    def ended() -> None:
        raise RuntimeError("my mistake")

    errors, ready = Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_error(errors.one)
        ready()

    app = scene.app(main, on_stop=ended)
    there = scene.start(app)
    ready.wait()
    scene.stop_session(app, there)
    assert str(errors.wait()[0]) == "my mistake"
    assert "my mistake" in caplog.text
    scene.start(app)


def test_what_raises_in_its_last_words_is_told_all_the_same(scene: Scene):
    """Callbacks that end after the session, and on_session; a handler that fails is told none."""
    in_callback, go_on = threading.Event(), threading.Event()
    errors, stopped = Calls(), Calls()

    def told(error: BaseException) -> None:
        errors(str(error))
        raise RuntimeError("no more, please")

    def pressed() -> None:
        in_callback.set()
        go_on.wait(10)
        raise RuntimeError("callback")

    def main(session: AppSession) -> None:
        session.events.on_error(told)
        session.events.on_button_press(pressed)
        session.wait()
        raise RuntimeError("on_session")

    app = scene.app(main, on_stop=stopped)
    there = scene.start(app)
    there.wait_streams("button_press")
    there.press()
    assert in_callback.wait(10)
    scene.stop_session(app, there)
    errors.wait()
    go_on.set()
    stopped.wait()
    assert errors.values == ["on_session", "callback"]


def test_all_that_still_runs_at_the_stop_is_named_in_one_warning(
    scene: Scene, caplog: pytest.LogCaptureFixture, short_grace: float
):
    hang, hanging = threading.Event(), Calls()

    def hang_in_session() -> None:
        hanging()
        hang.wait(60)

    def hang_in_tool() -> None:
        hanging()
        hang.wait(60)

    def call_tool() -> None:
        call = {"toolId": "add", "toolParameters": {}, "userId": USER, "timestamp": ""}
        with contextlib.suppress(OSError, http.client.HTTPException):  # it gets no answer
            scene.post(app, "/tool", call)

    app = scene.make(hang_in_session)
    app.tool("add")(hang_in_tool)
    scene.serve(app)
    scene.start(app)
    caller = threading.Thread(target=call_tool)
    caller.start()
    hanging.wait(2)
    app.stop()
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    for function in ("hang_in_session", "hang_in_tool"):
        assert f"in {function}" in warning.getMessage()
    hang.set()
    caller.join(10)


# --- Replaced ------------------------------------------------------------------------------------


def test_a_second_start_replaces_the_first(scene: Scene):
    order: list[str] = []
    lock = threading.Lock()

    def note(what: str) -> None:
        with lock:
            order.append(what)

    numbers = iter("12")
    heard: dict[str, Calls] = {"1": Calls(), "2": Calls()}

    def main(session: AppSession) -> None:
        number = next(numbers)
        note(f"began {number}")
        session.events.on_button_press(heard[number].one)
        session.wait()
        time.sleep(0.05)
        note(f"main ended {number}")

    app = scene.app(main, on_stop=lambda i, u, reason: note(reason))
    old = scene.start(app)
    old.wait_streams("button_press")
    first = app.sessions[0]
    webhook = scene.posting(app, "/webhook", scene.start_body())
    assert old.wait_closed() == (1000, "")
    assert old.all("ownership_release")[0]["reason"] == "switching_clouds"
    new = scene.accept()
    new.press("early")
    assert webhook.answer().status == 200
    new.wait_streams("button_press")
    assert heard["2"].wait()[0].button_id == "early"
    assert order == ["began 1", "main ended 1", "replaced", "began 2"]
    (second,) = app.sessions
    assert second is not first and first.ended
    assert app.session_for(USER) is second
    assert heard["1"].all == []
    assert scene.get(app, "/health").json["activeSessions"] == 1


def test_late_events_of_a_replaced_connection_go_nowhere(scene: Scene):
    heard = Calls()

    def main(session: AppSession) -> None:
        session.events.on_button_press(heard.one)

    app = scene.app(main)
    old = scene.start(app)
    old.wait_streams("button_press")
    old.answers_close = False
    webhook = scene.posting(app, "/webhook", scene.start_body())
    old.wait("ownership_release")
    for _ in range(20):
        try:
            old.press("old")
        except OSError:
            break
    new = scene.accept()
    assert webhook.answer().status == 200
    new.wait_streams("button_press")
    new.press("new")
    wait_until(lambda: any(press.button_id == "new" for press in heard.values))
    after_new = [press.button_id for press in heard.values]
    assert after_new[after_new.index("new") :] == ["new"]


def test_a_new_session_does_not_wait_for_an_old_connection_that_is_stalled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    """Nobody reads the old one; the cloud waits 5 s for the new one."""
    write_timeout = 60.0
    patient = Limits(write=write_timeout)
    monkeypatch.setattr("mentra_sync.runtime.connection.Limits", lambda: patient)

    def flood(session: AppSession) -> None:
        with contextlib.suppress(SessionEnded):
            while True:
                session.users.broadcast("x" * 900_000)

    app = scene.app(flood)
    webhook = scene.posting(app, "/webhook", scene.start_body())
    stalled = scene.cloud.accept_websocket()
    stalled.introduce()
    stalled.ack()
    assert webhook.answer().status == 200
    old = app.sessions[0]._link.connection._live
    assert old is not None

    def stuck() -> bool:
        with old._lock:
            return old._write_deadline() < time.monotonic() + write_timeout - 0.3

    wait_until(stuck)
    began = time.monotonic()
    webhook = scene.posting(app, "/webhook", scene.start_body())
    scene.accept()
    assert time.monotonic() - began < write_timeout / 2
    assert webhook.answer().status == 200
    assert stalled.wait_gone() == "reset"


def test_a_new_session_waits_for_a_stuck_old_one_only_so_long(
    scene: Scene, short_grace: float, caplog: pytest.LogCaptureFixture
):
    hang = threading.Event()
    began, stopped = Calls(), Calls()

    def main(session: AppSession) -> None:
        began()
        if len(began.all) == 1:
            hang.wait(20)

    app = scene.app(main, on_stop=stopped)
    scene.start(app)
    began.wait(1)
    asked = time.monotonic()
    webhook = scene.posting(app, "/webhook", scene.start_body())
    scene.accept()
    assert webhook.answer().status == 200
    began.wait(2)
    assert time.monotonic() - asked >= 0.9 * short_grace
    assert stopped.wait()[0][2] == "replaced"
    hang.set()


def test_the_next_session_waits_for_the_last_words_of_a_stopped_one(scene: Scene):
    """A resurrection: the stop webhook, and 20 ms later the start of the same session."""
    in_stop, go_on = threading.Event(), threading.Event()
    began = Calls()

    def ended() -> None:
        in_stop.set()
        go_on.wait(10)

    app = scene.app(began, on_stop=ended)
    old = scene.start(app)
    scene.post(app, "/webhook", scene.stop_body())
    in_stop.wait(10)
    webhook = scene.posting(app, "/webhook", scene.start_body())
    assert old.wait_closed() == (1000, ""), "the old socket is let go of first"
    scene.accept()
    assert webhook.answer().status == 200
    time.sleep(SOON)
    assert len(began.all) == 1
    go_on.set()
    began.wait(2)


def test_the_next_session_waits_for_the_socket_of_one_that_is_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    """A close that came after the new connection would end that one."""
    monkeypatch.setattr(config, "STOP_LINGER", 30)
    stopped = Calls()
    app = scene.app(on_stop=stopped)
    there = scene.start(app)
    assert scene.post(app, "/webhook", scene.stop_body()).status == 200  # and it is not closed
    stopped.wait()
    wait_until(lambda: app._register.all() == [])
    webhook = scene.posting(app, "/webhook", scene.start_body())
    scene.accept()
    assert there.wait_closed() == (1000, "")
    assert webhook.answer().status == 200


@pytest.mark.parametrize("attempt", range(3))
def test_two_starts_at_the_same_instant_leave_one_session(scene: Scene, attempt: int):
    stopped, began = Calls(), Calls()
    app = scene.app(began, on_stop=stopped)
    webhooks = [scene.posting(app, "/webhook", scene.start_body()) for _ in range(2)]
    sockets = [scene.accept(), scene.accept()]
    assert [webhook.answer().status for webhook in webhooks] == [200, 200]
    wait_until(lambda: len(app.sessions) == 1 and sum(not s.gone for s in sockets) == 1)
    wait_until(lambda: len(began.all) - len(stopped.all) == 1)
    assert all(reason == "replaced" for _, _, reason in stopped.values)


def test_one_user_with_two_sessions(scene: Scene):
    app = scene.app()
    scene.start(app, session_id="one")
    second = scene.start(app, session_id="two")
    assert [s.session_id for s in app.sessions] == ["one", "two"]
    newest = app.session_for(USER)
    assert newest is not None and newest.session_id == "two"
    scene.post(app, "/webhook", scene.stop_body(session_id="two"))
    second.close_with(1000, "App stopped")
    left = app.session_for(USER)
    assert left is not None and left.session_id == "one" and left.connected
    assert app.session_for("nobody@example.com") is None


def test_a_stop_while_starting(scene: Scene, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    began, stopped = Calls(), Calls()
    app = scene.app(began, on_stop=stopped)
    webhook = scene.posting(app, "/webhook", scene.start_body())
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    assert scene.post(app, "/webhook", scene.stop_body()).status == 200
    assert webhook.answer().status == 500
    assert app.sessions == [] and began.all == stopped.all == []
    assert "was ended while it started: user_disabled" in caplog.text
    assert not [one for one in caplog.records if one.levelno > logging.INFO]
    assert scene.cloud.nobody_comes(SOON)
    scene.start(app)
    began.wait()


def test_no_start_while_the_server_stops(scene: Scene):
    in_stop, go_on = threading.Event(), threading.Event()
    app = scene.app(on_stop=lambda: (in_stop.set(), go_on.wait(10)))
    scene.start(app)
    stopping = threading.Thread(target=app.stop)
    stopping.start()
    in_stop.wait(10)
    assert scene.post(app, "/webhook", scene.start_body(session_id="other")).status == 500
    go_on.set()
    stopping.join(10)
    assert scene.cloud.nobody_comes(0.05)


def test_a_second_function_for_sessions_is_said_to_take_the_place_of_the_first(
    scene: Scene, caplog: pytest.LogCaptureFixture
):
    app = AppServer(PACKAGE, KEY)

    @app.session_handler
    def first() -> None: ...

    assert caplog.text == ""

    @app.session_handler
    def second() -> None: ...

    assert "first; " in caplog.text and "second takes its place" in caplog.text


def test_no_connection_is_left_that_was_closing_as_the_server_stopped(scene: Scene):
    stopped = Calls()
    app = scene.app(on_stop=stopped)
    there = scene.start(app)
    there.answers_close = False
    (session,) = app.sessions
    session.disconnect()
    stopped.wait()
    wait_until(lambda: app._register.all() == [])
    del session
    app.stop()
    assert [t.name for t in threading.enumerate() if t.name.startswith("mentra-")] == []


def test_a_session_that_is_over_is_kept_by_nobody(scene: Scene):
    stopped, ready = Calls(), Calls()

    def on_session(session: AppSession) -> None:
        session.after(86_400, lambda: session.layouts.show_text_wall("tomorrow"))
        session.every(3_600, lambda: session.layouts.show_text_wall("every hour"))
        session.after(86_400, lambda: session.layouts.show_text_wall("never")).cancel()
        ready()

    app = scene.app(on_session, on_stop=stopped)
    scene.start(app)
    ready.wait()
    session = weakref.ref(app.sessions[0])
    app.sessions[0].disconnect()
    stopped.wait()

    def gone() -> bool:
        gc.collect()
        return session() is None

    wait_until(gone)


def test_timers_that_only_the_session_keeps_ring(scene: Scene):
    rung, rung_again = Calls(), Calls()

    def on_session(session: AppSession) -> None:
        session.after(0.05, lambda: rung())
        session.every(0.05, lambda: rung_again())
        gc.collect()

    session, _ = scene.session(on_session)
    rung.wait()
    gc.collect()
    rung_again.wait(len(rung_again.all) + 2)
    assert len(session._link.pending) == 1  # the one that rings again


# --- A log handler of the app's that raises -------------------------------------------------------


@pytest.fixture(name="failing_log")
def failing_log_fixture(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """A handler whose ``emit`` raises, and what it was given."""

    def fail(message: str) -> None:
        raise RuntimeError(f"the app's handler cannot take: {message}")

    lines = Calls(fail)

    class Failing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines(record.getMessage())

    sdk = logging.getLogger("mentra_sync")
    monkeypatch.setattr(sdk, "handlers", [Failing()])
    monkeypatch.setattr(sdk, "propagate", False)
    return lines


def test_a_log_handler_that_raises_ends_no_connection(scene: Scene, failing_log: Calls):
    stopped, pressed = Calls(), Calls()
    app = scene.app(lambda session: session.events.on_button_press(pressed.one), on_stop=stopped)
    there = scene.start(app)
    there.wait_streams("button_press")
    there.send({"type": "of_a_new_kind"})
    there.press()
    pressed.wait()
    assert any("of_a_new_kind" in line for line in failing_log.values)
    scene.stop_session(app, there)
    assert stopped.wait() == [(ID, USER, "user_disabled")]


def test_a_log_handler_that_raises_keeps_no_error_from_on_error(scene: Scene, failing_log: Calls):
    told = Calls()
    problem = ValueError("of the app")

    def on_press(_: object) -> None:
        raise problem

    def on_session(session: AppSession) -> None:
        session.events.on_error(told.one)
        session.events.on_button_press(on_press)

    _, there = scene.session(on_session)
    there.wait_streams("button_press")
    there.press()
    assert told.wait() == [problem]
    assert failing_log.values


def test_a_log_handler_that_raises_stops_no_timer(
    scene: Scene, failing_log: Calls, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "BACKLOG_PATIENCE", 0.0)
    go_on = threading.Event()
    rang = Calls()

    def on_session(session: AppSession) -> None:
        session.events.on_button_press(lambda _: go_on.wait(10))

    session, there = scene.session(on_session, event_backlog=1)
    there.wait_streams("button_press")
    for _ in range(5):
        there.press()
    failing_log.wait()  # the drop, told on the timer thread
    go_on.set()
    session.after(0.01, rang)
    rang.wait()
