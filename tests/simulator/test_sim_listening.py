"""What an app hears: which events reach it, under which names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from raw_app import RawApp
from still_clock import StillClock

from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.subscriptions import (
    event_names,
    microphone_state,
    read_list,
    transcription_names,
)


def listen(simulator: Simulator, app: RawApp, *streams: Any) -> None:
    """Subscribe, and wait until the cloud knows."""
    before = len(app.socket.seen.items)
    app.subscribe(app.socket, "", list(streams))
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response", after=before)


def events(app: RawApp) -> list[tuple[str, dict[str, Any]]]:
    return [
        (frame["streamType"], frame["data"])
        for frame in app.socket.seen.all()
        if isinstance(frame, dict) and frame.get("type") == "data_stream"
    ]


@pytest.mark.parametrize(
    ("wanted", "streams"),
    [
        (["button_press", "bogus_stream"], ("button_press", "bogus_stream")),
        (["transcription"], ("transcription:en-US",)),
        (["transcription", "transcription:en-US"], ("transcription:en-US",)),
        (["transcription:auto", "transcription:english", "transcription:"], ()),
        (["transcription:es-ES?hints=en,fr"], ("transcription:es-ES?hints=en,fr",)),
        (
            ["translation:all-to-en-US", "translation:es-ES-to-en-US?x=1", "translation:es-ES"],
            ("translation:all-to-en-US", "translation:es-ES-to-en-US?x=1"),
        ),
        ([{"stream": "location_stream", "rate": "high"}], ("location_stream",)),
        ([{"stream": "location_stream", "rate": "warp"}], ()),
        ([{"stream": "location_stream", "rate": []}, {}, 5, None, [], "", "x" * 2000], ()),
        ("button_press", None),
        (None, None),
        ({}, None),
    ],
)
def test_subscription_lists(wanted: Any, streams: Any) -> None:
    assert read_list(wanted) == streams


@pytest.mark.parametrize(
    ("streams", "event", "data", "names"),
    [
        (["touch_event"], "touch_event", {"gesture_name": "up_swipe"}, ["touch_event"]),
        (["touch_event:double_tap"], "touch_event", {"gesture_name": "up_swipe"}, []),
        (
            ["touch_event", "touch_event:double_tap"],
            "touch_event",
            {"gesture_name": "double_tap"},
            ["touch_event:double_tap"],
        ),
        (["location_stream"], "location_update", {}, ["location_update"]),
        (["*"], "head_position", {}, ["head_position"]),
        (["all"], "bogus", {}, ["bogus"]),
        (["bogus"], "bogus", {}, ["bogus"]),
        (["button_press"], "head_position", {}, []),
        (["transcription:en-US"], "local_transcription", {}, ["transcription"]),
        (
            ["transcription:de-DE", "local_transcription"],
            "local_transcription",
            {"transcribeLanguage": "de-DE"},
            ["transcription", "local_transcription"],
        ),
    ],
)
def test_where_events_go(
    streams: list[str], event: str, data: dict[str, Any], names: list[str]
) -> None:
    assert event_names(streams, event, data) == names


def test_where_transcriptions_go() -> None:
    plain, hinted = "transcription:es-ES", "transcription:es-ES?hints=en"
    assert transcription_names([plain], "es-ES", [plain]) == [plain]
    assert transcription_names([hinted], "es-ES", [hinted]) == []
    assert transcription_names([plain, hinted], "es-ES", [plain, hinted]) == [plain, hinted]
    assert transcription_names(["*"], "es-ES", []) == []
    assert transcription_names(["*", hinted], "es-ES", [hinted]) == [hinted]
    assert transcription_names([plain], "en-US", [plain]) == []


def test_when_the_microphone_is_on() -> None:
    assert microphone_state([])["isMicrophoneEnabled"] is False
    assert microphone_state(["button_press", "VAD"])["isMicrophoneEnabled"] is False
    on = {"isMicrophoneEnabled": True, "requiredData": ["pcm"]}
    assert microphone_state(["transcription:en-US"]) == {**on, "bypassVad": False}
    assert microphone_state(["translation:all-to-en-US"]) == {**on, "bypassVad": False}
    assert microphone_state(["audio_chunk"]) == {**on, "bypassVad": True}


def test_every_input_arrives_as_recorded(running: Simulator, app: RawApp) -> None:
    glasses = running.glasses
    listen(running, app, "*")
    assert glasses.press("main", "long") == 1
    glasses.head("up")
    glasses.touch("double_tap")
    glasses.battery(81, time_remaining=120)
    glasses.phone_battery(40, charging=True)
    glasses.voice_activity(True)
    glasses.move_to(48.86, 2.36, accuracy=9)
    glasses.notify("Mail", "Lunch", "At noon?", "high")
    glasses.dismiss("n1")
    glasses.calendar("Dinner", "2026-12-01T18:00:00Z", "2026-12-01T19:00:00Z", event_id="ev3")
    glasses.send({"type": "bogus_event", "x": 1})
    app.socket.wait("data_stream", streamType="bogus_event")
    stamps = {"timestamp", "timeStamp"}
    received = [
        {name: value for name, value in data.items() if name not in stamps}
        for stream, data in events(app)
        if stream == data["type"]
    ]
    assert received == [
        {"type": "button_press", "buttonId": "main", "pressType": "long"},
        {"type": "head_position", "position": "up"},
        {
            "type": "touch_event",
            "device_model": "Simulated Glasses",
            "gesture_name": "double_tap",
        },
        {"type": "glasses_battery_update", "level": 81, "charging": False, "timeRemaining": 120},
        {"type": "phone_battery_update", "level": 40, "charging": True},
        {"type": "VAD", "status": True},
        {"type": "location_update", "lat": 48.86, "lng": 2.36, "accuracy": 9},
        {
            "type": "phone_notification",
            "notificationId": "n1",
            "app": "Mail",
            "title": "Lunch",
            "content": "At noon?",
            "priority": "high",
        },
        {
            "type": "phone_notification_dismissed",
            "notificationId": "n1",
            "notificationKey": "n1",
            "packageName": "",
        },
        {
            "type": "calendar_event",
            "eventId": "ev3",
            "title": "Dinner",
            "dtStart": "2026-12-01T18:00:00.000Z",
            "dtEnd": "2026-12-01T19:00:00.000Z",
            "timezone": "UTC",
        },
        {"type": "bogus_event", "x": 1},
    ]


@pytest.mark.parametrize(
    "start", ["someday", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_a_moment_that_utc_does_not_have_stays_as_it_is(
    running: Simulator, app: RawApp, start: str
) -> None:
    listen(running, app, "calendar_event")
    assert running.glasses.calendar("Dinner", start, "2026-12-01T19:00:00Z") == 1
    data = app.socket.wait("data_stream", streamType="calendar_event")["data"]
    assert (data["dtStart"], data["dtEnd"]) == (start, "2026-12-01T19:00:00.000Z")


def test_who_does_not_listen_hears_nothing(running: Simulator, app: RawApp) -> None:
    listen(running, app, "head_position")
    assert running.glasses.press() == 0
    assert running.glasses.head("down") == 1
    app.socket.wait("data_stream")
    assert [stream for stream, _ in events(app)] == ["head_position"]


@pytest.mark.parametrize(
    "press",
    [
        lambda glasses: glasses.press(kind="double"),
        lambda glasses: glasses.head("left"),
        lambda glasses: glasses.touch("poke"),
        lambda glasses: glasses.battery(101),
        lambda glasses: glasses.say("x", language="english"),
        lambda glasses: glasses.hear("x", True, "auto"),
    ],
)
def test_impossible_inputs(simulator: Simulator, press: Callable[[Any], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        press(simulator.glasses)


def test_words_come_one_by_one_then_the_whole(running: Simulator, app: RawApp) -> None:
    listen(running, app, "transcription:en-US")
    running.glasses.say("hello there friend")
    app.socket.seen.wait_count(lambda frame: frame.get("type") == "data_stream", 4)
    heard = [data for _, data in events(app)]
    assert [(data["text"], data["isFinal"]) for data in heard] == [
        ("hello", False),
        ("hello there", False),
        ("hello there friend", False),
        ("hello there friend", True),
    ]
    for data in heard:
        assert data["type"] == "transcription"
        assert data["transcribeLanguage"] == "en-US"
        assert data["startTime"] < data["endTime"]
        assert ("confidence" in data) is not data["isFinal"]
    assert len({data["startTime"] for data in heard}) == 1


def test_another_language_is_not_heard(running: Simulator, app: RawApp) -> None:
    listen(running, app, "transcription:es-ES", "transcription:es-ES?hints=en")
    running.glasses.say("hello", interim=False)
    running.glasses.say("hola", interim=False, language="es-ES")
    app.socket.seen.wait_count(lambda frame: frame.get("type") == "data_stream", 2)
    assert [(stream, data["text"]) for stream, data in events(app)] == [
        ("transcription:es-ES", "hola"),
        ("transcription:es-ES?hints=en", "hola"),
    ]


def test_speech_is_translated_where_the_words_are_known(running: Simulator, app: RawApp) -> None:
    listen(running, app, "translation:es-ES-to-en-US", "translation:all-to-fr-FR")
    running.glasses.say("hola", language="es-ES", translations={"en-US": "hello"})
    app.socket.seen.wait_count(lambda frame: frame.get("type") == "data_stream", 2)
    assert [
        (stream, data["text"], data["originalText"], data["didTranslate"], data["isFinal"])
        for stream, data in events(app)
    ] == [
        ("translation:es-ES-to-en-US", "hello", "hola", True, True),
        ("translation:all-to-fr-FR", "hola", "hola", False, True),
    ]


def test_realistic_speech_takes_its_time_and_keeps_its_order(
    app: RawApp, simulate: Callable[..., Simulator]
) -> None:
    clock = StillClock()
    simulator = simulate(realistic=True, clock=clock)
    simulator.start_app()
    app.wait_connected()
    listen(simulator, app, "transcription:en-US")
    simulator.glasses.say("one two")
    simulator.glasses.say("three")
    clock.advance_to(clock.now() + 10)
    app.socket.seen.wait_count(lambda frame: frame.get("type") == "data_stream", 5)
    assert [data["text"] for _, data in events(app)] == [
        "one",
        "one two",
        "one two",
        "three",
        "three",
    ]


def test_sound_reaches_who_wants_it(running: Simulator, app: RawApp) -> None:
    assert running.glasses.audio(b"\0\1") == 0
    listen(running, app, "audio_chunk")
    assert running.glasses.audio(b"\0\1" * 800) == 1
    assert app.socket.seen.wait(lambda what: isinstance(what, bytes)) == b"\0\1" * 800


def test_what_was_denied_does_not_come(running: Simulator, app: RawApp) -> None:
    listen(running, app, "*", "transcription:en-US", "audio_chunk")
    running.deny("MICROPHONE")
    running.deny("LOCATION")
    assert running.glasses.audio(b"\0") == 0
    running.glasses.say("secret")
    assert running.glasses.move_to(1, 2) == 0
    assert running.glasses.press() == 1
    running.allow("LOCATION")
    assert running.glasses.move_to(1, 2) == 1
    app.socket.wait("data_stream", streamType="location_update")
    assert [stream for stream, _ in events(app)] == ["button_press", "location_update"]


def test_a_location_poll_is_answered_from_what_is_known(running: Simulator, app: RawApp) -> None:
    app.send("location_poll_request", correlationId="early", accuracy="high")
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response")
    assert events(app) == []
    running.glasses.move_to(48.8, 2.3)
    first = app.socket.wait("data_stream")["data"]
    assert (first["lat"], first["lng"], first["correlationId"]) == (48.8, 2.3, "early")
    before = len(app.socket.seen.items)
    app.send("location_poll_request", correlationId="late", accuracy="high")
    second = app.socket.wait("data_stream", after=before)["data"]
    assert second["correlationId"] == "late"


def test_other_glasses_can_do_other_things(running: Simulator, app: RawApp) -> None:
    listen(running, app, "glasses_connection_state")
    running.glasses.connection(model="Mentra Live", wifi=True, ssid="lab")
    update = app.socket.wait("capabilities_update")
    assert set(update) == {"type", "capabilities", "modelName"}
    assert update["capabilities"]["hasCamera"] is True
    data = app.socket.wait("data_stream")["data"]
    assert data["wifi"] == {"connected": True, "ssid": "lab"}
    running.glasses.connection(model="Some Unknown Glasses")
    update = app.socket.wait("capabilities_update", modelName="Some Unknown Glasses")
    assert update["capabilities"] is None


def test_system_settings_reach_who_listens(running: Simulator, app: RawApp) -> None:
    wearer = running.cloud.find_wearer(running.user_id)
    assert wearer is not None
    listen(running, app, "augmentos:metricSystemEnabled")
    wearer.preferences.change_system({"brightness": 33})
    wearer.preferences.change_system({"metricSystemEnabled": True})
    update = app.socket.wait("augmentos_settings_update")
    assert update["settings"] == {"metricSystemEnabled": True}
