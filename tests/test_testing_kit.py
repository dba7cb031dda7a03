"""Simulated glasses in a test: an app on them, what it does, and time that is moved."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import pytest
from simulator.still_clock import StillClock

from mentra_sync import AppServer, AppSession, RequestTimeout, config
from mentra_sync.testing import AppFailed, AppStillBusy, Light, SimulatedGlasses


@pytest.fixture
def worn() -> Iterator[SimulatedGlasses]:
    with SimulatedGlasses() as glasses:
        yield glasses


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedGlasses]:
    """The same, for which no time passes but what is advanced: not even on a slow machine."""
    monkeypatch.setattr("mentra_sync.testing.simulated_glasses.Clock", StillClock)
    with SimulatedGlasses() as glasses:
        yield glasses


class Echo(AppServer):
    """Shows what was said."""

    def on_session(self, session: AppSession, session_id: str, user_id: str) -> None:
        session.layouts.show_text_wall("Welcome")
        session.events.on_transcription_for_language(
            "en-US", lambda data: session.layouts.show_text_wall(f"You said: {data.text}")
        )
        session.audio.play_tts("Hello from your app")


def quiet_app(session: AppSession) -> None:
    """Listens to nothing."""


# --- Starting --------------------------------------------------------------------------------


def test_a_class_is_started_and_answers(worn: SimulatedGlasses):
    worn.start(Echo)
    assert worn.app.package_name == "com.example.echo"
    assert worn.lens.text == "Welcome"  # shown before it began to wait
    worn.say("hello there")
    assert worn.lens.wait_for("You said: hello there")
    assert worn.spoken.wait_for("Hello from your app")
    assert worn.spoken == ["Hello from your app"]
    assert [one.text for one in worn.lens.history][-1] == "You said: hello there"


@pytest.mark.parametrize(
    "make",
    [
        lambda: AppServer("com.example.made", port=9, on_session=quiet_app),
        lambda: quiet_app,
        lambda: lambda session, session_id, user_id: None,
    ],
    ids=["instance", "function of a session", "function of three"],
)
def test_an_instance_or_a_function_is_started(worn: SimulatedGlasses, make, monkeypatch):
    monkeypatch.setattr("mentra_sync.testing.simulated_glasses.READY", 60.0)
    began = time.monotonic()
    worn.start(make())
    assert worn.session is not None and worn.session.connected
    assert worn.streams == ()
    assert time.monotonic() - began < 30  # one that listens to nothing is not waited for
    assert worn.app.port != 9


def test_a_class_with_arguments_of_its_own(worn: SimulatedGlasses):
    class Named(AppServer):
        def __init__(self, greeting: str) -> None:
            super().__init__("com.example.named")
            self.greeting = greeting

        def on_session(self, session: AppSession, session_id: str, user_id: str) -> None:
            session.layouts.show_text_wall(self.greeting)

    with pytest.raises(TypeError, match=r"greeting.*glasses\.start\(Named\(\.\.\.\)\)"):
        worn.start(Named)
    worn.start(Named("Good day"))
    assert worn.lens.text == "Good day"


@pytest.mark.parametrize("wrong", [3, "app.py", dict])
def test_what_is_no_app_is_refused(worn: SimulatedGlasses, wrong):
    with pytest.raises(TypeError, match="takes an AppServer"):
        worn.start(wrong)


def test_glasses_without_an_app_say_how_to_begin(worn: SimulatedGlasses):
    for use in (lambda: worn.lens, lambda: worn.press(), lambda: worn.advance(1), worn.start):
        with pytest.raises(RuntimeError, match=r"glasses\.start\(MyApp\)"):
            use()


def test_one_pair_runs_one_app(worn: SimulatedGlasses):
    worn.start(quiet_app)
    with pytest.raises(RuntimeError, match=r"run com\.example\.quietapp already"):
        worn.start(Echo)


def test_the_developers_own_key_is_never_used(worn, monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("MENTRAOS_API_KEY=from-the-file\nPORT=80\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MENTRAOS_API_KEY", "from-the-environment")
    worn.start(Echo)
    worn.say("hi")
    assert worn.lens.wait_for("You said: hi")
    bodies = [one.body for one in worn.simulator.cloud.timeline.after()]
    used = {body["apiKey"] for body in bodies if isinstance(body, dict) and "apiKey" in body}
    assert len(used) == 1 and not any("from-the" in key for key in used)
    assert worn.app.port not in (80, 7010)


def test_a_start_that_raises_shows_the_apps_own_exception(worn: SimulatedGlasses):
    def broken(session: AppSession) -> None:
        raise ZeroDivisionError("seven by nothing")

    with pytest.raises(AppFailed, match="ZeroDivisionError: seven by nothing") as caught:
        worn.start(broken)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert worn.errors == [caught.value.__cause__]


def test_settings_and_model_are_there_from_the_start(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        model = session.capabilities.model_name if session.capabilities else None
        session.layouts.show_text_wall(f"{model} {session.settings.get('volume')}")
        session.settings.on_value_change(
            "volume", lambda new, old: session.layouts.show_text_wall(f"{old} to {new}")
        )

    volume = {"key": "volume", "type": "slider", "label": "Volume", "defaultValue": 1}
    worn.start(main, glasses="g1", config={"settings": [volume]}, settings={"volume": 3})
    assert worn.lens.text == "Even Realities G1 3"
    worn.change_settings(volume=5)
    assert worn.lens.wait_for("3 to 5")


def test_a_setting_that_no_frame_can_carry_is_refused_at_once(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        session.layouts.show_text_wall(f"at {session.settings.get('volume')}")

    with pytest.raises(ValueError, match="JSON"):
        worn.start(main, settings={"volume": float("nan")})
    worn.start()
    with pytest.raises(ValueError, match="JSON"):
        worn.change_settings(volume=float("nan"))
    worn.change_settings(volume=3)
    worn.stop()
    worn.start()
    assert worn.lens.text == "at 3"


def test_stopped_and_started_again(worn: SimulatedGlasses):
    reasons: list[str] = []
    app = AppServer("com.example.again", on_session=lambda session: session.wait())
    app.stop_handler(lambda session_id, user_id, reason: reasons.append(reason))
    worn.start(app)
    worn.stop()
    assert reasons == ["user_disabled"]
    with pytest.raises(AssertionError, match="the app is stopped, so nobody listens to button"):
        worn.press()
    worn.start()
    assert worn.session is not None
    worn.close()
    assert reasons == ["user_disabled", "server_stopped"]


# --- Inputs ----------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs do not wait for a listener, where none will come."""
    monkeypatch.setattr("mentra_sync.testing.listening.PATIENCE", 0.01)


@pytest.mark.usefixtures("impatient")
def test_nobody_listens(worn: SimulatedGlasses):
    worn.start(Echo)
    worn.spoken.wait_for()
    words = "^nobody listens to button_press; the app listens to: transcription:en-US$"
    with pytest.raises(AssertionError, match=words):
        worn.press()
    worn.press(wait=False)
    with pytest.raises(AssertionError, match="nobody listens to transcription:de-DE"):
        worn.say("hallo", language="de-DE")


def test_an_input_waits_for_its_listener(worn: SimulatedGlasses, monkeypatch):
    monkeypatch.setattr("mentra_sync.testing.listening.PATIENCE", 10.0)
    go_on = threading.Event()

    def late(session: AppSession) -> None:
        while not go_on.is_set():
            session.sleep(0.01)
        session.events.on_button_press(lambda press: session.layouts.show_text_wall("pressed"))

    worn.start(late)
    assert worn.streams == ()
    starter = threading.Timer(0.2, go_on.set)
    starter.start()
    worn.press()
    assert go_on.is_set()
    assert worn.lens.wait_for("pressed")
    starter.join()


def test_a_denied_permission_is_named(worn: SimulatedGlasses, monkeypatch):
    worn.deny("MICROPHONE")
    worn.start(Echo)
    with monkeypatch.context() as patched:
        patched.setattr("mentra_sync.testing.listening.PATIENCE", 0.01)
        with pytest.raises(AssertionError, match="the permission MICROPHONE is denied"):
            worn.say("hello")
    worn.allow("MICROPHONE")
    worn.say("hello")
    assert worn.lens.wait_for("You said: hello")


STREAMS = [
    ("button_press", lambda worn: worn.press("main", "long")),
    ("touch_event", lambda worn: worn.touch("double_tap")),
    ("touch_event:double_tap", lambda worn: worn.touch("double_tap")),
    ("head_position", lambda worn: worn.head("up")),
    ("phone_notification", lambda worn: worn.notify("Mail", "News", "Good ones")),
    ("phone_notification_dismissed", lambda worn: worn.dismiss()),
    ("location_update", lambda worn: worn.move_to(48.1, 11.5)),
    ("glasses_battery_update", lambda worn: worn.battery(80)),
    ("phone_battery_update", lambda worn: worn.phone_battery(20, True)),
    ("glasses_connection_state", lambda worn: worn.connection(wifi=True)),
    ("VAD", lambda worn: worn.voice_activity(True)),
    ("calendar_event", lambda worn: worn.calendar("Tea", "2026-01-01T10", "2026-01-01T11")),
    ("audio_chunk", lambda worn: worn.audio(b"\0\0" * 160)),
    ("translation:en-US-to-de-DE", lambda worn: worn.say("hi", translations={"de-DE": "hallo"})),
    ("vps_coordinates", lambda worn: worn.send({"type": "vps_coordinates", "x": 1})),
    ("*", lambda worn: worn.press()),
]


@pytest.mark.parametrize(("stream", "happens"), STREAMS, ids=[name for name, _ in STREAMS])
def test_every_input_reaches_who_listens_to_its_stream(worn: SimulatedGlasses, stream, happens):
    came = threading.Event()
    worn.start(lambda session: session.events.on(stream, lambda event: came.set()))
    happens(worn)
    assert came.wait(30)


UNHEARD = [entry for entry in STREAMS if entry[0] not in ("*", "touch_event:double_tap")]


@pytest.mark.usefixtures("impatient")
def test_no_input_is_lost_without_a_word(worn: SimulatedGlasses):
    worn.start(quiet_app)
    for _, happens in UNHEARD:
        with pytest.raises(AssertionError, match=r"^nobody listens to .*listens to: nothing$"):
            happens(worn)


def test_other_things_that_happen(worn: SimulatedGlasses):
    app = AppServer("com.example.others")

    @app.tool("add")
    def add(number: int) -> str:
        return f"{number + 1}"

    @app.session_handler
    def main(session: AppSession) -> None:
        show = session.layouts.show_text_wall
        session.events.on_custom_message("ring", lambda payload: show(f"ring {payload}"))
        session.settings.on_mentraos_change("brightness", lambda new, old: show(f"bright {new}"))
        session.events.on_dashboard_mode_change(lambda mode: show(f"mode {mode}"))
        session.events.on_capabilities_update(lambda update: show(f"now {update.model_name}"))
        session.events.on_dashboard_always_on_change(lambda on: show(f"always {on}"))

    worn.start(app)
    worn.send_custom_message("ring", 3)
    assert worn.lens.wait_for("ring 3")
    worn.change_system_settings(brightness=77)
    assert worn.lens.wait_for("bright 77")
    worn.change_dashboard("expanded")
    assert worn.lens.wait_for("mode expanded")
    worn.connection(model="Vuzix Z100")
    assert worn.lens.wait_for("now Vuzix Z100")
    worn.keep_dashboard()
    assert worn.lens.wait_for("always True")
    assert worn.call_tool("add", number=4) == "5"


def test_a_place_that_the_app_asks_for(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        place = session.location.get_latest_location()
        session.layouts.show_text_wall(f"at {place.lat}")

    worn.start(main)
    worn.move_to(48.25, 11.5)
    assert worn.lens.wait_for("at 48.25")


# --- Outputs ---------------------------------------------------------------------------------


def test_outputs_compare_as_lists_and_can_be_waited_on(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        session.led.blink("green", 200, 100, 2)
        session.audio.play_audio("http://127.0.0.1:9/bell.wav")
        session.camera.request_photo(size="small")
        session.wait()

    worn.start(main, glasses="live")
    assert worn.lights.wait_for("green")
    assert worn.lights == [Light("on", "green", 200, 100, 2)]
    assert worn.played.wait_for("bell.wav")
    assert worn.played == ["http://127.0.0.1:9/bell.wav"]
    photo = worn.photos.wait_for()
    assert photo and photo.size == "small"
    assert len(worn.photos) == 1
    assert worn.frames.wait_for("photo_request")
    assert worn.frames.wait_for({"type": "photo_request", "size": "small"})
    worn.settle()
    assert worn.spoken == []


def test_what_was_missed_is_false_and_names_the_nearest(worn: SimulatedGlasses):
    worn.start(Echo)
    worn.say("hello")
    assert worn.lens.wait_for("You said: hello")
    missed = worn.lens.wait_for("You said: hallo", timeout=0.05)
    assert not missed
    assert repr(missed).startswith("<'You said: hallo' not in the lens within 0.05 s; nearest: ")
    assert "'You said: hello' at " in repr(missed)
    assert repr(worn.played.wait_for("bell", 0.01)).endswith("; nothing at all>")


def test_a_second_wearer(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        session.layouts.show_text_wall(f"Hello {session.user_id}")
        session.users.on_message(lambda m: session.layouts.show_text_wall(f"got {m.payload}"))
        session.events.on_transcription(lambda data: session.users.broadcast(data.text))

    worn.start(main)
    bob = worn.user("bob")
    assert worn.user("bob") is bob
    assert bob.lens.text == "Hello bob"
    assert worn.lens.text == "Hello you@example.com"
    bob.say("hi all", interim=False)
    assert worn.lens.wait_for("got hi all")
    bob.stop()
    assert bob.session is None and worn.session is not None
    bob.start()
    assert bob.session is not None


def test_two_apps_side_by_side():
    with SimulatedGlasses() as one, SimulatedGlasses() as other:
        one.start(Echo)
        other.start(Echo)
        one.say("one")
        other.say("other")
        assert one.lens.wait_for("You said: one")
        assert other.lens.wait_for("You said: other")
        other.advance(100)
        assert one.time < 50 < other.time


def test_a_lost_connection_comes_back(worn: SimulatedGlasses):
    worn.start(Echo)
    assert worn.spoken.wait_for()
    worn.drop_connection()
    worn.say("still there")
    assert worn.lens.wait_for("You said: still there")


# --- The app's exceptions --------------------------------------------------------------------


def raises_when_pressed(session: AppSession) -> None:
    @session.events.on_button_press
    def pressed() -> None:
        raise KeyError("nothing here")


def test_an_exception_in_the_app_fails_the_test():
    words = r"pressed raised KeyError.*expect_error\(KeyError\)"
    with pytest.raises(AppFailed, match=words) as caught, SimulatedGlasses() as glasses:
        glasses.start(raises_when_pressed)
        glasses.press()
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_exception_that_was_expected_does_not():
    with SimulatedGlasses() as glasses:
        glasses.start(raises_when_pressed)
        glasses.press()
        error = glasses.expect_error(KeyError, "nothing")
        assert glasses.errors == [error]
        with pytest.raises(AssertionError, match="raised no KeyError within"):
            glasses.expect_error(KeyError, timeout=0.01)


def test_an_exception_in_on_stop_fails_the_test():
    def ended(reason: str) -> None:
        raise RuntimeError("too late")

    app = AppServer("com.example.ends", on_session=quiet_app)
    app.stop_handler(lambda session_id, user_id, reason: ended(reason))
    with pytest.raises(AppFailed, match="too late"), SimulatedGlasses() as glasses:
        glasses.start(app)


def test_the_end_of_the_session_is_no_exception_of_the_app(caplog):
    def busy(session: AppSession) -> None:
        @session.every(0.001)
        def tick() -> None:
            for number in range(20):
                session.layouts.show_text_wall(str(number))

    for _ in range(5):
        with SimulatedGlasses() as glasses:
            glasses.start(busy)
            assert glasses.lens.wait_for("1")
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


# --- Code that hangs -------------------------------------------------------------------------


@pytest.mark.leaves_threads_or_sockets
def test_code_that_hangs_does_not_hang_the_test(
    monkeypatch: pytest.MonkeyPatch, wait_until: Callable[..., None]
):
    # An app on real glasses would be given that long; in a test it has a second.
    for limit in ("CALLBACK_GRACE", "STOP_TIMEOUT"):
        monkeypatch.setattr(config, limit, 60.0)
    monkeypatch.setattr(config, "HOLD_AT_START", 0.1)
    hanging, go_on = threading.Event(), threading.Event()

    def hangs(session: AppSession) -> None:
        hanging.set()
        while not go_on.wait(0.05):
            pass

    stopped: list[str] = []
    app = AppServer("com.example.hangs", on_session=hangs)
    app.stop_handler(lambda session_id, user_id, reason: stopped.append(reason))
    glasses = SimulatedGlasses()
    glasses.start(app)
    assert hanging.wait(10)
    began = time.monotonic()
    with pytest.warns(AppStillBusy, match=r"(?s)still runs.*go_on\.wait"):
        glasses.close()
    assert time.monotonic() - began < 30
    wait_until(lambda: stopped)
    assert stopped == ["server_stopped"]
    go_on.set()


def test_time_goes_on_past_what_hangs(worn: SimulatedGlasses, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "HOLD_AT_START", 0.1)
    hanging, go_on = threading.Event(), threading.Event()

    def hangs(session: AppSession) -> None:
        session.after(60, lambda: session.layouts.show_text_wall("later"))
        hanging.set()
        while not go_on.wait(0.01):
            pass

    worn.start(hangs)
    assert hanging.wait(10)
    with monkeypatch.context() as impatient:
        impatient.setattr("mentra_sync.testing.stillness.PATIENCE", 0.2)
        with pytest.warns(AppStillBusy, match=r"still at work: on_session of you@example\.com"):
            worn.advance(61)
    assert worn.lens.wait_for("later")
    go_on.set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert worn.settle()


# --- Time ------------------------------------------------------------------------------------


def test_an_hour_of_minutes(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        minutes = iter(range(1, 1000))
        session.every(60, lambda: session.layouts.show_text_wall(f"minute {next(minutes)}"))

    worn.start(main)
    began = time.monotonic()
    worn.advance(3600)
    assert time.monotonic() - began < 60
    shown = [one for one in worn.lens.history if one.text.startswith("minute")]
    assert [one.text for one in shown] == [f"minute {n}" for n in range(1, 61)]
    # Each at its own moment, give or take what really passed.
    for number, one in enumerate(shown, 1):
        assert one.at == pytest.approx(60 * number, abs=20)


def test_sleep_in_on_session_and_in_callbacks(still: SimulatedGlasses):
    order: list[str] = []

    def main(session: AppSession) -> None:
        @session.after(10)
        def callback() -> None:
            order.append("callback at 10")
            session.sleep(100)
            order.append("callback at 110")

        session.sleep(50)
        order.append("main at 50")
        session.sleep(100)
        order.append("main at 150")

    still.start(main)
    still.advance(149)
    assert order == ["callback at 10", "main at 50", "callback at 110"]
    still.advance(2)
    assert order[3:] == ["main at 150"]


def test_threads_of_the_apps_own_are_waited_for(worn: SimulatedGlasses):
    counted: list[int] = []

    def main(session: AppSession) -> None:
        def count() -> None:
            for number in range(5):
                session.sleep(60)
                time.sleep(0.02)  # works
                counted.append(number)

        thread = threading.Thread(target=count, name="counts", daemon=True)
        thread.start()

    worn.start(main)
    worn.settle()
    worn.advance(330)
    assert counted == [0, 1, 2, 3, 4]


def test_a_listener_that_gives_up(still: SimulatedGlasses):
    def main(session: AppSession) -> None:
        try:
            session.listen(timeout=30)
        except RequestTimeout:
            session.layouts.show_text_wall("Nobody there?")

    still.start(main)
    assert still.streams == ("transcription:en-US",)
    still.advance(29)
    assert still.lens.text == ""
    still.advance(2)
    assert still.lens.text == "Nobody there?"
    still.advance(31)  # the recogniser is kept for a while
    assert still.streams == ()


def test_durations_of_displays(still: SimulatedGlasses):
    still.start(lambda session: session.layouts.show_text_wall("brief", duration_ms=5000))
    assert still.lens.text == "brief"
    still.advance(4)
    assert still.lens.text == "brief"
    still.advance(2)
    assert still.lens.text == ""


def test_storage_is_written_when_its_time_has_come(still: SimulatedGlasses):
    def main(session: AppSession) -> None:
        session.simple_storage.set("count", "1")

    still.start(main)
    storage, app = still.simulator.cloud.storage, still.app.package_name
    still.advance(2)
    assert storage.everything(app, still.user_id)[1]["data"] == {}
    still.advance(2)
    assert storage.everything(app, still.user_id)[1]["data"] == {"count": "1"}


def test_rest_calls_and_photos_are_waited_for(worn: SimulatedGlasses):
    done: list[str] = []

    def main(session: AppSession) -> None:
        session.sleep(60)
        session.settings.fetch()
        done.append("settings")
        session.sleep(60)
        done.append(session.camera.request_photo().mime_type)

    worn.start(main, glasses="live")
    worn.advance(61)
    assert done == ["settings"]
    worn.advance(60)
    assert done == ["settings", "image/jpeg"]


def test_realistic_pacing_boot_and_speech(still: SimulatedGlasses):
    spoken: list[float] = []

    def main(session: AppSession) -> None:
        session.layouts.show_text_wall("first")

        @session.events.on_button_press
        def pressed() -> None:
            for number in range(5):
                session.layouts.show_text_wall(f"fast {number}")
            session.audio.play_tts("a sentence of some thirty letters, or so")
            spoken.append(still.time)

    still.start(main, realistic=True)
    assert still.lens.main.boot
    still.advance(3)
    assert still.lens.text == "first"
    still.press()
    pressed = still.time
    still.advance(1)
    shown = [one.text for one in still.lens.history if one.text.startswith("fast")]
    assert shown == ["fast 0", "fast 4"]
    assert spoken == []
    still.advance(10)
    assert len(spoken) == 1 and spoken[0] - pressed > 2


def test_without_realism_nothing_is_paced(worn: SimulatedGlasses):
    def main(session: AppSession) -> None:
        for number in range(5):
            session.layouts.show_text_wall(f"fast {number}")

    worn.start(AppServer("com.example.paced", on_session=main, display_interval_ms=60_000))
    assert [one.text for one in worn.lens.history] == [f"fast {n}" for n in range(5)]


def test_the_apps_own_interval_holds_with_realism(still: SimulatedGlasses):
    def main(session: AppSession) -> None:
        for number in range(3):
            session.layouts.show_text_wall(f"fast {number}")

    app = AppServer("com.example.paced", on_session=main, display_interval_ms=20_000)
    still.start(app, realistic=True)
    still.advance(19)
    assert still.lens.text == "fast 0"
    still.advance(2)
    assert still.lens.text == "fast 2"


@pytest.mark.parametrize("wrong", [-1, "1", True, float("nan")])
def test_only_time_that_can_pass_does(worn: SimulatedGlasses, wrong):
    worn.start(quiet_app)
    with pytest.raises(ValueError, match="seconds must be a number, 0 or more"):
        worn.advance(wrong)


def test_everything_that_follows_an_input_is_waited_for(worn: SimulatedGlasses):
    """Through every part: callback, REST, timer, upload, another callback."""
    done: list[str] = []

    def main(session: AppSession) -> None:
        @session.events.on_button_press
        def pressed() -> None:
            session.simple_storage.set("key", "value")
            session.simple_storage.flush()
            session.after(0, then)

        def then() -> None:
            session.camera.request_photo()
            time.sleep(0.01)
            session.layouts.show_text_wall("done")
            done.append("done")

    worn.start(main, glasses="live")
    for number in range(1, 21):
        worn.press()
        worn.settle()
        assert len(done) == number
