"""``session.events``: from registering to the wire, to the event, and back."""

from __future__ import annotations

import gc
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cloud import SOON, AppSocket, Calls, Scene, scene_fixture, wait_until  # noqa: F401

from mentra_sync import AppSession, RequestTimeout, SessionEnded, config

Register = Callable[[Any, Calls], Any]

# What is registered, what is subscribed to, what comes, and what of it the handler sees.
STREAMS: dict[str, tuple[Register, str, dict[str, Any], dict[str, Any]]] = {
    "transcription": (
        lambda e, f: e.on_transcription(f.one),
        "transcription:en-US",
        {"text": "hi", "isFinal": True, "startTime": 1, "endTime": 2, "speakerId": "1"},
        {"text": "hi", "is_final": True, "start_time": 1, "end_time": 2, "speaker_id": "1"},
    ),
    "transcription of a language": (
        lambda e, f: e.on_transcription_for_language("fr-FR", f.one),
        "transcription:fr-FR",
        {"text": "salut", "isFinal": False, "transcribeLanguage": "fr-FR"},
        {"text": "salut", "is_final": False, "transcribe_language": "fr-FR"},
    ),
    "translation": (
        lambda e, f: e.on_translation_for_language("es-ES", "en-US", f.one),
        "translation:es-ES-to-en-US",
        {"text": "hi", "originalText": "hola", "isFinal": True, "didTranslate": True},
        {"text": "hi", "original_text": "hola", "is_final": True, "did_translate": True},
    ),
    "translation of all": (
        lambda e, f: e.on_translation_for_language("all", "en-US", f.one),
        "translation:all-to-en-US",
        {"text": "hi"},
        {"text": "hi", "is_final": None},
    ),
    "voice": (
        lambda e, f: e.on_voice_activity(f.one),
        "VAD",
        {"type": "VAD", "status": "false"},
        {"status": False},
    ),
    "button": (
        lambda e, f: e.on_button_press(f.one),
        "button_press",
        {"type": "button_press", "buttonId": "main", "pressType": "long"},
        {"button_id": "main", "press_type": "long", "type": "button_press"},
    ),
    "head": (
        lambda e, f: e.on_head_position(f.one),
        "head_position",
        {"position": "up", "timestamp": "2026-01-01T00:00:00Z"},
        {"position": "up", "timestamp": "2026-01-01T00:00:00Z"},
    ),
    "touch": (
        lambda e, f: e.on_touch_event(f.one),
        "touch_event",
        {"gesture_name": "single_tap", "device_model": "G1"},
        {"gesture_name": "single_tap", "device_model": "G1"},
    ),
    "gesture": (
        lambda e, f: e.on_touch_event("double_tap", f.one),
        "touch_event:double_tap",
        {"gesture_name": "double_tap", "device_model": "G1"},
        {"gesture_name": "double_tap"},
    ),
    "notification": (
        lambda e, f: e.on_phone_notification(f.one),
        "phone_notification",
        {"notificationId": "7", "app": "Mail", "title": "t", "content": "c", "priority": "high"},
        {"notification_id": "7", "app": "Mail", "title": "t", "content": "c", "priority": "high"},
    ),
    "notification dismissed": (
        lambda e, f: e.on_phone_notification_dismissed(f.one),
        "phone_notification_dismissed",
        {"notificationId": "7", "notificationKey": "k", "packageName": "p"},
        {"notification_id": "7", "notification_key": "k", "title": None},
    ),
    "glasses battery": (
        lambda e, f: e.on_glasses_battery(f.one),
        "glasses_battery_update",
        {"level": 55, "charging": True, "timeRemaining": 30},
        {"level": 55, "charging": True, "time_remaining": 30},
    ),
    "phone battery": (
        lambda e, f: e.on_phone_battery(f.one),
        "phone_battery_update",
        {"level": 5, "charging": False},
        {"level": 5, "charging": False, "time_remaining": None},
    ),
    "location": (
        lambda e, f: e.on_location(f.one),
        "location_update",
        {"lat": 1.5, "lng": -2, "accuracy": 3},
        {"lat": 1.5, "lng": -2, "accuracy": 3, "altitude": None},
    ),
    "calendar": (
        lambda e, f: e.on_calendar_event(f.one),
        "calendar_event",
        {"eventId": "1", "title": "Lunch", "dtStart": "a", "dtEnd": "b", "timeStamp": "c"},
        {"event_id": "1", "title": "Lunch", "dt_start": "a", "dt_end": "b", "time_stamp": "c"},
    ),
    "vps": (
        lambda e, f: e.on_vps_coordinates(f.one),
        "vps_coordinates",
        {"deviceModel": "m", "requestId": "r", "x": 1, "qw": 0.5, "confidence": 1},
        {"device_model": "m", "request_id": "r", "x": 1, "qw": 0.5, "confidence": 1},
    ),
    "photo": (
        lambda e, f: e.on_photo_taken(f.one),
        "photo_taken",
        {"photoData": "AAAA", "mimeType": "image/jpeg"},
        {"photo_data": "AAAA", "mime_type": "image/jpeg"},
    ),
    "glasses": (
        lambda e, f: e.on_glasses_connection_state(f.one),
        "glasses_connection_state",
        {"modelName": "G1", "status": "CONNECTED", "wifi": {"connected": True, "ssid": "home"}},
        {"model_name": "G1", "status": "CONNECTED"},
    ),
    "any": (
        lambda e, f: e.on("head_position", f.one),
        "head_position",
        {"position": "down"},
        {"position": "down"},
    ),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_from_end_to_end(scene: Scene, kind: str):
    register, stream, data, seen = STREAMS[kind]
    heard = Calls()
    session, there = scene.session()
    there.wait_streams()
    subscription = register(session.events, heard)
    there.wait_streams(stream)
    there.event(stream, **data, newField={"a": [1]})
    (event,) = heard.wait()
    assert {name: getattr(event, name) for name in seen} == seen
    assert event.extra == {"newField": {"a": [1]}}
    assert event.to_dict() == {**data, "newField": {"a": [1]}}
    assert heard.threads[0].startswith("mentra-calls-")
    assert subscription.active
    subscription()
    subscription.unsubscribe()
    assert not subscription.active
    there.wait_streams()
    there.event(stream, **data)
    there.settle()
    session.events.on_button_press(heard.one)
    there.wait_streams("button_press")
    there.press("marker")
    assert [getattr(e, "button_id", None) for e in heard.wait(2)][1:] == ["marker"]


def test_a_stream_that_nobody_knows(scene: Scene):
    heard = Calls()
    session, there = scene.session()
    session.events.on("core_status_update", heard.one)
    there.wait_streams("core_status_update")
    there.event("core_status_update", anything=[1])
    assert heard.wait() == [{"anything": [1]}]


def test_options_of_a_transcription(scene: Scene):
    heard = Calls()
    session, there = scene.session()
    session.events.on_transcription_for_language(
        "es-ES", heard.one, disable_language_identification=True, hints=["en", "fr"]
    )
    full = "transcription:es-ES?no-language-identification=true&hints=en,fr"
    there.wait_streams("transcription:es-ES", full)
    for name in ("transcription:es-ES", full):
        there.event(name, text="hola", isFinal=True)
    there.event("transcription:es-ES", text="adiós", isFinal=True)
    assert [event.text for event in heard.wait(2)] == ["hola", "adiós"]


def test_two_languages_at_once(scene: Scene):
    english, french = Calls(), Calls()
    session, there = scene.session()
    session.events.on_transcription(english.one)
    session.events.on_transcription_for_language("fr-FR", french.one)
    there.wait_streams("transcription:en-US", "transcription:fr-FR")
    there.say("salut", language="fr-FR")
    there.say("hello")
    assert french.wait()[0].text == "salut" and english.wait()[0].text == "hello"
    assert len(french.all) == len(english.all) == 1


def test_sound(scene: Scene):
    heard = Calls()
    session, there = scene.session()
    session.events.on_audio_chunk(heard.one)
    there.wait_streams("audio_chunk")
    there.peer.send(2, b"\x00\x40" * 1600)
    (chunk,) = heard.wait()
    assert chunk.data == b"\x00\x40" * 1600
    assert (chunk.sample_rate, chunk.duration, chunk.rms()) == (16000, 0.1, 0.5)


def test_on_device_speech(scene: Scene):
    heard = Calls()
    session, there = scene.session()
    session.events.on_transcription(heard.one)
    there.wait_streams("transcription:en-US")
    there.event("transcription", type="local_transcription", text="here", isFinal=True)
    assert heard.wait()[0].type == "local_transcription"


# --- Ways to register ----------------------------------------------------------------------------


def test_decorators_and_blocks(scene: Scene):
    session, there = scene.session()
    heard: list[str] = []
    events = session.events

    @events.on_button_press
    def pressed(press: Any) -> None:
        heard.append("pressed")

    @events.on_transcription_for_language("fr-FR")
    def french() -> None:
        heard.append("french")

    @events.on_touch_event("up_swipe")
    def swiped() -> None:
        heard.append("swiped")

    @events.on("head_position")
    def looked() -> None:
        heard.append("looked")

    @events.on_custom_message("go")
    def went(payload: Any) -> None:
        heard.append(payload)

    there.wait_streams("button_press", "transcription:fr-FR", "touch_event:up_swipe",
                       "head_position", "custom_message")  # fmt: skip
    there.press()
    there.say("salut", language="fr-FR")
    there.event("touch_event:up_swipe", gesture_name="up_swipe")
    there.event("head_position", position="up")
    there.send({"type": "custom_message", "action": "go", "payload": "went"})
    wait_until(lambda: len(heard) == 5)
    assert heard == ["pressed", "french", "swiped", "looked", "went"]
    with events.on_voice_activity(lambda: None):
        there.wait("subscription_update", where=lambda f: "VAD" in f["subscriptions"])
    there.wait_streams("button_press", "transcription:fr-FR", "touch_event:up_swipe",
                       "head_position", "custom_message")  # fmt: skip


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes at the start is held for as long as a slow machine may need."""
    monkeypatch.setattr(config, "HOLD_AT_START", 60.0)


@pytest.mark.usefixtures("held")
def test_handlers_of_one_registration_go_out_as_one_update(scene: Scene):
    def main(session: AppSession) -> None:
        session.events.on_button_press(lambda: None)
        time.sleep(0.05)
        session.events.on_head_position(lambda: None)
        session.events.on_transcription(lambda: None)

    _, there = scene.session(main)
    there.wait_streams("button_press", "head_position", "transcription:en-US")
    assert len(there.all("subscription_update")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda e: e.on_button_press(lambda a, b: None),
        lambda e: e.on_button_press(None),
        lambda e: e.on_button_press("pressed"),
        lambda e: e.on_setting_change("k", lambda a, b, c: None),
        lambda e: e.on_transcription_for_language("en-US", 5),
        lambda e: e.on_custom_message("a", lambda a, b: None),
        lambda e: e.on("button_press", lambda a, b: None),
        lambda e: e.on_connected(lambda a, b: None),
        lambda e: e.on_touch_event("double_tap", "f"),
    ],
)
def test_handlers_that_could_not_be_called(scene: Scene, wrong: Callable[[Any], Any]):
    session, there = scene.session()
    there.wait_streams()
    with pytest.raises(TypeError):
        wrong(session.events)

    async def asynchronous(event: Any) -> None: ...

    with pytest.raises(TypeError, match="async"):
        session.events.on_button_press(asynchronous)
    time.sleep(0.05)
    assert len(there.all("subscription_update")) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda e: e.on_transcription_for_language("english", print),
        lambda e: e.on_transcription_for_language("en", print),
        lambda e: e.on_transcription_for_language("all", print),
        lambda e: e.on_transcription_for_language(None, print),
        lambda e: e.on_transcription_for_language("en-US", print, hints="fr"),
        lambda e: e.on_transcription_for_language("en-US", print, hints=5),
        lambda e: e.on_translation_for_language("auto", "en-US", print),
        lambda e: e.on_translation_for_language("en-US", "all", print),
        lambda e: e.on_touch_event("tap", print),
        lambda e: e.on_touch_event(5, print),
        lambda e: e.on("transcription:english", print),
        lambda e: e.on_touch_event(None, print),
        lambda e: e.on("touch_event:tap", print),
        lambda e: e.on("touch_event:", print),
        lambda e: e.on("augmentos:", print),
        lambda e: e.on("", print),
        lambda e: e.on(None, print),
        lambda e: e.wait_for("translation:x"),
        lambda e: e.stream(7),
    ],
)
def test_streams_that_cannot_be(scene: Scene, wrong: Callable[[Any], Any]):
    session, _ = scene.session()
    with pytest.raises(ValueError, match=r"must|like"):
        wrong(session.events)


def test_a_handler_is_not_set_with_an_equals_sign(scene: Scene):
    session, _ = scene.session()
    with pytest.raises(AttributeError, match=r"called .*session\.events\.on_button_press\("):
        session.events.on_button_press = print  # type: ignore[method-assign, assignment]
    session.events.wait_for = lambda *_: "faked"  # type: ignore[method-assign, assignment]
    assert session.events.wait_for("button_press") == "faked", "as tests of an app may do"


def test_registering_after_the_end(scene: Scene):
    session, _ = scene.session()
    session.disconnect()
    for register in (
        session.events.on_button_press,
        session.events.on_connected,
        session.settings.on_change,
        lambda f: session.events.on_custom_message("a", f),
        lambda f: session.every(1, f),
    ):
        with pytest.raises(SessionEnded):
            register(print)
    with pytest.raises(SessionEnded):
        session.events.stream("button_press")
    with pytest.raises(SessionEnded):
        session.events.wait_for("button_press")
    gc.collect()


# --- Notices -------------------------------------------------------------------------------------


def test_notices(scene: Scene):
    heard: dict[str, Calls] = {}

    def main(session: AppSession) -> None:
        for name in ("dashboard_mode_change", "dashboard_always_on_change", "permission_error",
                     "permission_denied", "capabilities_update", "connected"):  # fmt: skip
            heard[name] = Calls()
            getattr(session.events, f"on_{name}")(heard[name].one)

    session, there = scene.session(main, ack={"settings": [{"key": "k", "value": 1}]})
    there.wait_streams()
    details = [
        {"stream": "location_update", "requiredPermission": "LOCATION", "message": "a"},
        {"stream": "audio_chunk", "requiredPermission": "MICROPHONE", "message": "b"},
    ]
    there.send(
        {"type": "dashboard_mode_changed", "mode": "expanded"},
        {"type": "dashboard_always_on_changed", "enabled": True},
        {"type": "permission_error", "message": "no", "details": details},
        {"type": "capabilities_update", "capabilities": {"hasCamera": True}, "modelName": "M"},
        {"type": "capabilities_update", "capabilities": None, "modelName": None},
    )
    assert heard["dashboard_mode_change"].wait() == ["expanded"]
    assert heard["dashboard_always_on_change"].wait() == [True]
    (error,) = heard["permission_error"].wait()
    assert error.message == "no" and len(error.details) == 2
    denied = heard["permission_denied"].wait(2)
    assert [(d.stream, d.required_permission) for d in denied] == [
        ("location_update", "LOCATION"),
        ("audio_chunk", "MICROPHONE"),
    ]
    first, second = heard["capabilities_update"].wait(2)
    assert first.capabilities.has_camera and first.model_name == "M"
    assert second.capabilities is None and session.capabilities is None
    assert len(heard["connected"].wait()) == 1


def test_capabilities_and_config(scene: Scene):
    ack = {
        "capabilities": {"modelName": "Mentra Live", "hasCamera": True, "hasSpeaker": True,
                         "light": {"count": 1, "lights": [{"id": "privacy"}]}},
        "config": {"name": "My app", "settings": [{"key": "a", "type": "toggle"}], "tools": []},
    }  # fmt: skip
    session, _ = scene.session(ack=ack)
    capabilities = session.capabilities
    assert capabilities is not None
    assert (capabilities.model_name, capabilities.has_camera) == ("Mentra Live", True)
    assert capabilities.light is not None and capabilities.light.lights[0].id == "privacy"
    assert session.config is not None and session.config.name == "My app"


def test_custom_messages_go_by_their_action(scene: Scene):
    one, other = Calls(), Calls()
    session, there = scene.session()
    stop = session.events.on_custom_message("one", one.one)
    session.events.on_custom_message("other", other.one)
    there.wait_streams("custom_message")
    there.send(
        {"type": "custom_message", "action": "other", "payload": {"n": 1}},
        {"type": "custom_message", "action": "third", "payload": 2},
        {"type": "custom_message", "action": "one"},
    )
    assert one.wait() == [None] and other.wait() == [{"n": 1}]
    stop()
    time.sleep(0.05)
    there.wait_streams("custom_message")


# --- What makes no sense -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "data_stream", "streamType": "button_press", "data": {}},
        {"type": "data_stream", "streamType": "button_press", "data": {"buttonId": 5}},
        {"type": "data_stream", "streamType": "button_press", "data": "x"},
        {"type": "data_stream", "streamType": "button_press"},
        {"type": "data_stream", "streamType": ["button_press"], "data": {}},
        {"type": "data_stream"},
        {"type": "dashboard_mode_changed"},
        {"type": "dashboard_always_on_changed", "enabled": "yes"},
        {"type": "custom_message", "payload": 1},
        {"type": "settings_update", "settings": 5},
        {"type": "augmentos_settings_update", "settings": []},
        {"type": "audio_play_response", "success": True},
    ],
)
def test_a_malformed_event_is_an_error_and_no_more(scene: Scene, frame: dict[str, Any]):
    errors, heard = Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_error(errors.one)
        session.events.on_button_press(heard.one)

    _, there = scene.session(main)
    there.wait_streams("button_press")
    there.send(frame)
    there.press("after")
    assert [press.button_id for press in heard.wait()] == ["after"]
    error = errors.wait()[0]
    assert isinstance(error, ValueError) and str(error)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "null", '{"type": 5}', "{}", '{"a": NaN}'])
def test_a_frame_that_is_none(scene: Scene, text: str):
    errors, heard = Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_error(errors.one)
        session.events.on_button_press(heard.one)

    _, there = scene.session(main)
    there.wait_streams("button_press")
    there.send_text(text)
    there.press()
    heard.wait()
    assert len(errors.wait()) == 1


def test_an_unknown_frame_is_no_error(scene: Scene, caplog: pytest.LogCaptureFixture):
    errors, heard = Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_error(errors.one)
        session.events.on_button_press(heard.one)

    _, there = scene.session(main)
    there.wait_streams("button_press")
    for _ in range(3):
        there.send({"type": "from_the_future", "x": 1})
    there.press()
    heard.wait()
    assert errors.all == []
    assert len([r for r in caplog.records if "from_the_future" in r.getMessage()]) == 1


def test_an_error_handler_that_raises_is_not_called_for_it(scene: Scene):
    errors = Calls()

    def failing(error: Exception) -> None:
        errors(error)
        raise RuntimeError("in the handler of errors")

    def main(session: AppSession) -> None:
        session.events.on_error(failing)
        session.events.on_button_press(lambda: 1 / 0)

    _, there = scene.session(main)
    there.wait_streams("button_press")
    there.press()
    errors.wait()
    time.sleep(SOON)
    assert [type(error) for error in errors.values] == [ZeroDivisionError]


# --- Waiting -------------------------------------------------------------------------------------


def test_waiting_for_an_event(scene: Scene):
    session, there = scene.session()
    there.wait_streams()
    results = Calls()

    def wait() -> None:
        results(session.events.wait_for("button_press", timeout=10,
                                        where=lambda p: p.press_type == "long"))  # fmt: skip

    thread = threading.Thread(target=wait)
    thread.start()
    there.wait_streams("button_press")
    there.press("a", "short")
    there.press("b", "long")
    assert results.wait()[0].button_id == "b"
    thread.join()
    there.wait_streams()


def test_waiting_in_vain(scene: Scene):
    session, _ = scene.session()
    for timeout in (0.01, 0, -1):
        with pytest.raises(RequestTimeout, match="button_press"):
            session.events.wait_for("button_press", timeout=timeout)
    with pytest.raises(TimeoutError):
        session.listen(timeout=0.01)


def test_a_choice_that_is_no_function_is_refused_before_anything_comes(scene: Scene):
    session, _ = scene.session()
    with pytest.raises(TypeError, match=r"where must be .* got 'long'"):
        session.events.wait_for("button_press", 0, where="long")  # type: ignore[arg-type]


def test_a_choice_that_raises(scene: Scene):
    session, there = scene.session()
    raised = Calls()

    def wait() -> None:
        try:
            session.events.wait_for("button_press", where=lambda p: 1 / 0)
        except ZeroDivisionError as error:
            raised(error)

    thread = threading.Thread(target=wait)
    thread.start()
    there.wait_streams("button_press")
    there.press()
    raised.wait()
    thread.join()


@pytest.mark.usefixtures("held")
def test_on_session_hears_what_came_before_it_waits(scene: Scene):
    got = Calls()

    def main(session: AppSession) -> None:
        started.wait(10)
        got(session.events.wait_for("button_press", timeout=10).button_id)
        got(session.listen(timeout=10))

    started = threading.Event()
    app = scene.app(main)
    there = scene.start(app)
    there.press("early")
    there.settle()
    started.set()
    assert got.wait() == ["early"]
    there.wait_streams("transcription:en-US")
    there.say("later")
    assert got.wait(2)[1] == "later"


@pytest.mark.usefixtures("held")
def test_events_before_registration_are_kept(scene: Scene):
    heard, go_on = Calls(), threading.Event()

    def main(session: AppSession) -> None:
        go_on.wait(10)
        session.events.on_button_press(heard.one)
        session.events.on_connected(heard.one)
        session.settings.on_value_change("size", heard)

    app = scene.app(main)
    there = scene.start(app, ack={"settings": [{"key": "size", "value": 1}]})
    there.press("early")
    there.send({"type": "settings_update", "settings": [{"key": "size", "value": 2}]})
    there.settle()
    go_on.set()
    _, press, change = heard.wait(3)
    assert press.button_id == "early" and change == (2, 1)
    assert len(heard.all) == 3


def test_nothing_is_kept_longer_than_a_second(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "HOLD_AT_START", 0.1)
    heard, go_on = Calls(), threading.Event()

    def main(session: AppSession) -> None:
        session.events.on_button_press(heard.one)
        go_on.wait(10)

    app = scene.app(main)
    there = scene.start(app)
    there.press()
    there.wait_streams("button_press")
    heard.wait()
    go_on.set()


def test_a_stream_without_gaps(scene: Scene):
    got = Calls()

    def main(session: AppSession) -> None:
        for press in session.events.stream("button_press"):
            got(press.button_id)
            if press.button_id == "3":
                break
        session.events.on_head_position(lambda: None)

    _, there = scene.session(main)
    there.wait_streams("button_press")
    for number in range(6):
        there.press(str(number))
    assert got.wait(4) == ["0", "1", "2", "3"]
    there.wait_streams("head_position")
    assert len(got.all) == 4


def test_a_stream_ends_with_the_session_and_can_be_closed(scene: Scene):
    session, there = scene.session()
    with session.events.stream("button_press") as stream:
        there.wait_streams("button_press")
        there.press("one")
        assert next(stream).button_id == "one"
    there.wait_streams()
    assert list(stream) == []
    other = session.events.stream("button_press")
    session.disconnect()
    assert list(other) == []


def test_a_stream_that_the_collector_finds_takes_no_lock_there(scene: Scene):
    session, there = scene.session()
    gc.collect()
    lost: list[Any] = [session.events.stream("button_press")]
    lost.append(lost)
    there.wait_streams("button_press")
    collected = threading.Event()

    def collect() -> None:
        with session._link.router._lock:  # as where a collection happens to begin
            gc.collect()
        collected.set()

    del lost
    threading.Thread(target=collect, daemon=True).start()
    assert collected.wait(10), "it waits for a lock that its own thread holds"
    there.wait_streams()


def test_everything_at_once(scene: Scene):
    everything = Calls()
    session, there = scene.session()
    session.events.on("*", everything.one)
    there.wait_streams("*")
    there.press()
    there.event("head_position", position="up")
    assert len(everything.wait(2)) == 2


def test_a_touch_reaches_both_kinds_of_handlers_once(scene: Scene):
    every, double = Calls(), Calls()
    session, there = scene.session()
    session.events.on_touch_event(every.one)
    session.events.on_touch_event("double_tap", double.one)
    there.wait_streams("touch_event", "touch_event:double_tap")
    there.event("touch_event:double_tap", gesture_name="double_tap")
    there.event("touch_event", gesture_name="single_tap")
    assert [t.gesture_name for t in every.wait(2)] == ["double_tap", "single_tap"]
    assert [t.gesture_name for t in double.wait()] == ["double_tap"]
    assert isinstance(there, AppSocket)


# --- Slips of the pen -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "slip",
    [
        lambda s: s.every(5, None),
        lambda s: s.after(5, None),
        lambda s: s.events.on("button_press", None),
        lambda s: s.events.on_touch_event(None),
        lambda s: s.events.on_touch_event("single_tap", None),
        lambda s: s.events.on_transcription_for_language("fr-FR", None),
        lambda s: s.events.on_translation_for_language("fr-FR", "en-US", None),
        lambda s: s.events.on_custom_message("a", None),
        lambda s: s.events.on_setting_change("k", None),
        lambda s: s.settings.on_change(None),
        lambda s: s.settings.on_value_change("k", None),
        lambda s: s.settings.on_mentraos_change("k", None),
    ],
)
def test_what_a_call_returned_is_no_handler(scene: Scene, slip: Callable[[Any], Any]):
    """``on_x(f())`` for ``on_x(f)``: a decorator that nobody uses would be waited for in vain."""
    session, _ = scene.session()
    with pytest.raises(TypeError, match=r"got None.*without parentheses"):
        slip(session)


def test_a_decorator_without_its_seconds(scene: Scene):
    session, _ = scene.session()

    def tick() -> None: ...

    with pytest.raises(TypeError, match=r"@session\.every\(5\).*tick"):
        session.every(tick)


@pytest.mark.parametrize("timeout", ["5", [1], True, float("nan")])
@pytest.mark.parametrize(
    "waiting",
    [
        lambda s, timeout: s.wait(timeout),
        lambda s, timeout: s.ask("What?", timeout),
        lambda s, timeout: s.events.wait_for("button_press", timeout),
        lambda s, timeout: s.location.get_latest_location(timeout=timeout),
        lambda s, timeout: s.audio.play_tts("hi", timeout=timeout),
        lambda s, timeout: s.users.send("bob@example.com", {}, timeout=timeout),
    ],
)
def test_timeouts_that_are_none(scene: Scene, waiting: Callable[[Any, Any], Any], timeout: Any):
    session, there = scene.session()
    with pytest.raises(ValueError, match=f"timeout must be .* got {re.escape(repr(timeout))}"):
        waiting(session, timeout)
    there.settle()
    assert [f["type"] for f in there.frames if f["type"] != "subscription_update"] == []


def test_a_question_to_listen(scene: Scene):
    session, _ = scene.session()
    with pytest.raises(ValueError, match=r"session\.ask\('What\\'s up\?'\)|session\.ask\("):
        session.listen("What's up?")


def test_a_stream_that_looks_like_another_is_warned_of(
    scene: Scene, caplog: pytest.LogCaptureFixture
):
    session, _ = scene.session()
    session.events.on("button_pres", print)
    assert 'did you mean "button_press"?' in caplog.text
    caplog.clear()
    session.events.on("my_own_stream", print)
    assert caplog.text == ""


def test_streams_whose_values_come_as_frames_of_their_own(scene: Scene):
    session, there = scene.session()
    settings, messages, everything = Calls(), Calls(), Calls()
    session.events.on("augmentos:brightness", settings.one)
    session.events.on("custom_message", messages.one)
    session.events.on("*", everything.one)
    there.wait_streams("augmentos:brightness", "custom_message", "*")
    there.send({"type": "augmentos_settings_update", "settings": {"brightness": 77, "other": 1}})
    there.send({"type": "augmentos_settings_update", "settings": {"brightness": 77}})
    message = {"type": "custom_message", "action": "go", "payload": [1]}
    there.send(message)
    assert messages.wait() == [message]
    assert settings.values == [{"brightness": 77}], "what has not changed is no event"
    assert everything.wait(3) == [{"brightness": 77}, {"other": 1}, message]
