"""Which frame goes to whom."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.protocol.codec import MalformedMessage, decode
from mentra_sync.protocol.events import (
    AudioChunk,
    ButtonPress,
    LocationUpdate,
    TouchEvent,
    TranscriptionData,
    VoiceActivity,
)
from mentra_sync.protocol.notices import CustomMessage
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.backlog import AUDIO, KEEP, SUPERSEDED
from mentra_sync.runtime.routing import Listener, Router


class Desk:
    """A router, what it has delivered to whom, and what it has reported."""

    def __init__(self) -> None:
        self.delivered: list[tuple[str, Any, int]] = []
        self.errors: list[Exception] = []
        self.changes = 0
        self.router = Router(report=self.errors.append, changed=self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def listen(self, name: str | StreamName | dict[str, str], who: str | None = None) -> Listener:
        stream = name if isinstance(name, StreamName) else StreamName.parse(name)
        who = who or str(stream)
        return self.router.listen(
            stream, lambda event, rank: self.delivered.append((who, event, rank))
        )

    def send(self, stream: Any, data: Any = None, **fields: Any) -> list[str]:
        """Route an event; return who got it."""
        self.delivered.clear()
        self.router.route({"type": "data_stream", "streamType": stream, "data": data or fields})
        return [who for who, _, _ in self.delivered]

    def say(self, stream: str, text: str, final: bool = True, **more: Any) -> list[str]:
        return self.send(stream, {"type": "transcription", "text": text, "isFinal": final} | more)

    @property
    def event(self) -> Any:
        assert len(self.delivered) == 1, self.delivered
        return self.delivered[0][1]

    @property
    def rank(self) -> int:
        return self.delivered[0][2]


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- Names ------------------------------------------------------------------------------------


def test_an_event_reaches_those_who_listen_to_its_name(desk: Desk) -> None:
    desk.listen("button_press", "one")
    desk.listen("button_press", "two")
    desk.listen("head_position", "head")
    assert desk.send("button_press", buttonId="main", pressType="long") == ["one", "two"]
    assert desk.delivered[0][1] == ButtonPress(button_id="main", press_type="long")
    assert desk.delivered[0][1] is desk.delivered[1][1]
    assert desk.send("head_position", position="up") == ["head"]
    assert desk.send("phone_battery_update", level=3) == []
    assert desk.errors == []


def test_who_has_gone_gets_nothing(desk: Desk) -> None:
    one = desk.listen("button_press", "one")
    desk.listen("button_press", "two")
    assert desk.send("button_press", buttonId="x") == ["one", "two"]
    desk.router.forget(one)
    desk.router.forget(one)
    assert desk.send("button_press", buttonId="x") == ["two"]
    desk.listen("button_press", "three")
    assert desk.send("button_press", buttonId="x") == ["two", "three"]


def test_changes_are_told_once_each(desk: Desk) -> None:
    listener = desk.listen("button_press")
    assert desk.changes == 1
    desk.router.forget(listener)
    desk.router.forget(listener)
    assert desk.changes == 2


def test_a_stream_unknown_here_is_passed_on_as_it_came(desk: Desk) -> None:
    desk.listen("something_new", "new")
    data = {"anything": [1, 2], "type": "something_new"}
    assert desk.send("something_new", data) == ["new"]
    assert desk.event is data
    assert desk.rank == KEEP


def test_one_who_is_only_subscribed_is_no_listener(desk: Desk) -> None:
    desk.router.listen(StreamName.parse("button_press"), None)
    assert desk.send("button_press", buttonId="x") == []
    assert desk.send("button_press", {"malformed": True}) == []
    assert desk.errors == []  # nobody wanted it, so nobody looked
    assert desk.router.subscriptions() == ["button_press"]


def test_the_wildcards_get_everything(desk: Desk) -> None:
    desk.listen("*", "star")
    desk.listen("all", "all")
    desk.listen("button_press", "button")
    assert desk.send("button_press", buttonId="x") == ["button", "star", "all"]
    assert desk.send("something_new", x=1) == ["star", "all"]
    assert desk.send("location_update", lat=1, lng=2) == ["star", "all"]
    assert desk.send("touch_event", gesture_name="single_tap") == ["star", "all"]
    assert desk.say("transcription:en-US", "hello") == ["star", "all"]


# --- Speech -----------------------------------------------------------------------------------


def test_the_exact_name_goes_before_the_same_language(desk: Desk) -> None:
    plain = desk.listen("transcription:es-ES", "plain")
    hinted = StreamName.transcription("es-ES", hints=["en"])
    desk.listen(hinted, "hinted")
    desk.listen("transcription:en-US", "english")
    assert desk.say("transcription:es-ES", "uno") == ["plain"]
    assert desk.say("transcription:es-ES?hints=en", "dos") == ["hinted"]
    # Another spelling of the options, or other options: whoever hears the language.
    assert desk.say("transcription:es-ES?hints=fr", "tres") == ["plain", "hinted"]
    desk.router.forget(plain)
    assert desk.say("transcription:es-ES", "cuatro") == ["hinted"]
    assert desk.say("transcription:fr-FR", "cinq") == []


def test_plain_transcription_is_american_english(desk: Desk) -> None:
    desk.listen("transcription", "plain")
    desk.listen("transcription:en-US", "american")
    desk.listen("transcription:en-GB", "british")
    assert desk.say("transcription", "a") == ["plain", "american"]
    assert desk.say("transcription:en-US", "b") == ["plain", "american"]
    assert desk.router.subscriptions() == ["transcription:en-US", "transcription:en-GB"]


def test_commas_in_hints_may_be_encoded_or_not(desk: Desk) -> None:
    desk.listen(StreamName.transcription("es-ES", hints=["en", "fr"]), "hinted")
    desk.listen("transcription:es-ES", "plain")
    assert desk.say("transcription:es-ES?hints=en,fr", "a") == ["hinted"]
    assert desk.say("transcription:es-ES?hints=en%2Cfr", "b") == ["hinted"]


def test_on_device_speech_reaches_the_listeners_of_its_language(desk: Desk) -> None:
    desk.listen("transcription:en-US", "english")
    desk.listen("transcription:fr-FR", "french")
    local = {"type": "local_transcription", "text": "on device", "isFinal": True}
    assert desk.send("transcription", local | {"transcribeLanguage": "en-US"}) == ["english"]
    assert desk.event.type == "local_transcription"
    assert desk.send("transcription", local | {"transcribeLanguage": "fr-FR"}) == ["french"]
    assert desk.send("transcription", local) == ["english"]
    for language in ("en", "EN-us", "", "a?b", None, 7):
        assert desk.send("transcription", local | {"transcribeLanguage": language}) == ["english"]


def test_translations_are_told_apart(desk: Desk) -> None:
    desk.listen("translation:es-ES-to-en-US", "es-en")
    desk.listen("translation:all-to-en-US", "all-en")
    option = StreamName.translation("es-ES", "en-US", disable_language_identification=True)
    assert desk.say("translation:es-ES-to-en-US", "a") == ["es-en"]
    assert desk.say("translation:all-to-en-US", "b") == ["all-en"]
    assert desk.say(option.name, "c") == ["es-en"]
    assert desk.say("transcription:es-ES", "d") == []


def test_interim_words_may_be_dropped_and_final_ones_are_dear(desk: Desk) -> None:
    desk.listen("*", "star")
    for stream in ("transcription:en-US", "translation:es-ES-to-en-US", "local_transcription"):
        desk.say(stream, "words", final=False)
        assert desk.rank == SUPERSEDED
        desk.say(stream, "words", final=True)
        assert desk.rank == KEEP
        desk.send(stream, text="unsaid whether final")
        assert desk.rank == SUPERSEDED


@pytest.mark.parametrize(
    ("stream", "data", "rank"),
    [
        ("button_press", {"buttonId": "x"}, KEEP),
        ("touch_event", {"gesture_name": "single_tap"}, KEEP),
        ("phone_notification", {"app": "x"}, KEEP),
        ("custom_message", {"x": 1}, KEEP),
        ("VAD", {"status": True}, KEEP),
        ("head_position", {"position": "up"}, SUPERSEDED),
        ("glasses_battery_update", {"level": 5}, SUPERSEDED),
        ("phone_battery_update", {"level": 5}, SUPERSEDED),
        ("location_update", {"lat": 1, "lng": 2}, SUPERSEDED),
    ],
)
def test_readings_may_be_dropped_and_what_people_do_is_dear(
    desk: Desk, stream: str, data: dict[str, Any], rank: int
) -> None:
    desk.listen(stream, "listener")
    assert desk.send(stream, data) == ["listener"]
    assert desk.rank == rank


# --- A language with and without options ------------------------------------------------------

HINTED = StreamName.transcription("es-ES", disable_language_identification=True, hints=["en", "fr"])
PLAIN_NAME = "transcription:es-ES"
HINTED_NAME = "transcription:es-ES?no-language-identification=true&hints=en,fr"  # as recorded


def test_a_language_with_options_is_subscribed_to_without_them_too(desk: Desk) -> None:
    listener = desk.listen(HINTED)
    assert desk.router.subscriptions() == [PLAIN_NAME, HINTED.wire]
    desk.listen(PLAIN_NAME)
    assert desk.router.subscriptions() == [PLAIN_NAME, HINTED.wire]
    desk.router.forget(listener)
    assert desk.router.subscriptions() == [PLAIN_NAME]


def test_the_recorded_twins_are_delivered_once_each(desk: Desk) -> None:
    desk.listen(HINTED)
    heard = []
    for name in (PLAIN_NAME, HINTED_NAME):
        for text, final in (("uno", False), ("uno dos", False), ("uno dos", True)):
            if desk.say(name, text, final, startTime=17953 + len(heard)):
                heard.append((text, final))
    assert heard == [("uno", False), ("uno dos", False), ("uno dos", True)]


def test_a_final_text_is_no_twin_of_the_same_words_before(desk: Desk) -> None:
    desk.listen(HINTED, "hinted")
    assert desk.say(PLAIN_NAME, "si", final=False) == ["hinted"]
    assert desk.say(HINTED_NAME, "si", final=True) == ["hinted"]
    assert desk.say(PLAIN_NAME, "si", final=True) == []
    assert desk.say(HINTED_NAME, "si", final=False) == []


# A recogniser repeats itself: few texts, many of them the same.
said = st.lists(st.tuples(st.sampled_from(["si", "no", ""]), st.booleans()), max_size=25)


@given(texts=said, first=st.lists(st.booleans(), min_size=50, max_size=50), plain_too=st.booleans())
def test_twins_are_delivered_once_each_in_order_however_they_interleave(
    texts: list[tuple[str, bool]], first: list[bool], plain_too: bool
) -> None:
    desk = Desk()
    if plain_too:
        desk.listen(PLAIN_NAME, "plain")
    desk.listen(HINTED, "hinted")
    heard: dict[str, list[tuple[str, bool]]] = {"plain": [], "hinted": []}
    left = {PLAIN_NAME: list(texts), HINTED_NAME: list(texts)}
    for choice in first:
        name = PLAIN_NAME if choice else HINTED_NAME
        other = HINTED_NAME if choice else PLAIN_NAME
        name = name if left[name] else other
        if left[name]:
            text = left[name].pop(0)
            for who in desk.say(name, *text):
                heard[who].append(text)
    assert not left[PLAIN_NAME]
    assert not left[HINTED_NAME]
    assert heard["hinted"] == texts
    assert heard["plain"] == (texts if plain_too else [])


@given(texts=said, name=st.sampled_from([PLAIN_NAME, HINTED_NAME]))
def test_where_only_one_name_brings_texts_each_is_delivered(
    texts: list[tuple[str, bool]], name: str
) -> None:
    desk = Desk()
    desk.listen(HINTED)
    heard = [text for text in texts if desk.say(name, *text)]
    assert heard == texts


def test_two_with_different_options_hear_each_text_once(desk: Desk) -> None:
    english = StreamName.transcription("es-ES", hints=["en"])
    french = StreamName.transcription("es-ES", hints=["fr"])
    desk.listen(english, "en")
    desk.listen(french, "fr")
    assert desk.router.subscriptions() == [PLAIN_NAME, english.wire, french.wire]
    heard = []
    for name in (PLAIN_NAME, english.name, french.name):
        heard += desk.say(name, "hola")
    assert sorted(heard) == ["en", "fr"]


def test_what_is_remembered_of_twins_is_bounded(desk: Desk) -> None:
    listener = desk.listen(HINTED)
    for n in range(1000):
        desk.say(PLAIN_NAME, f"{n}")
    assert listener._heard is not None
    assert len(listener._heard) < 100


# --- Touches and places -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["touch_event", "touch_event:double_tap"])
def test_a_touch_reaches_its_gesture_and_all_gestures_once_each(desk: Desk, name: str) -> None:
    desk.listen("touch_event", "all")
    desk.listen("touch_event:double_tap", "double")
    desk.listen("touch_event:up_swipe", "up")
    touch = {"type": "touch_event", "device_model": "Mentra Live", "gesture_name": "double_tap"}
    assert desk.send(name, touch) == ["all", "double"]
    assert isinstance(desk.delivered[0][1], TouchEvent)


def test_a_gesture_is_heard_with_no_listener_for_all(desk: Desk) -> None:
    desk.listen("touch_event:double_tap", "double")
    assert desk.send("touch_event", gesture_name="double_tap") == ["double"]
    assert desk.send("touch_event", gesture_name="up_swipe") == []
    assert desk.send("touch_event:up_swipe", gesture_name="up_swipe") == []


@pytest.mark.parametrize("gesture", ["wink", "", "a?b", "a:b", "ü"])
def test_a_gesture_unknown_here_reaches_the_listeners_for_all(desk: Desk, gesture: str) -> None:
    desk.listen("touch_event", "all")
    desk.listen("touch_event:double_tap", "double")
    assert desk.send("touch_event", gesture_name=gesture) == ["all"]
    assert desk.event.gesture_name == gesture


@pytest.mark.parametrize("name", ["location_update", "location_stream"])
def test_a_place_reaches_its_listeners_whatever_stream_it_came_by(desk: Desk, name: str) -> None:
    desk.listen("location_update", "update")
    desk.listen(StreamName.location("realtime"), "stream")
    desk.listen(StreamName.location("high"), "high")
    assert desk.send(name, lat=48.8, lng=2.3) == ["update", "stream", "high"]
    assert isinstance(desk.delivered[0][1], LocationUpdate)


# --- Sound ------------------------------------------------------------------------------------


def test_sound_reaches_its_listeners_as_chunks(desk: Desk) -> None:
    desk.router.route_audio(b"\0\1" * 4)
    desk.listen("audio_chunk", "ear")
    desk.listen("button_press", "button")
    desk.router.route_audio(b"\0\1" * 4)
    assert desk.delivered == [("ear", AudioChunk(b"\0\1" * 4), AUDIO)]


# --- What makes no sense ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "data", "message", "field"),
    [
        ("button_press", {"pressType": "long"}, "button_press", "buttonId"),
        ("button_press", {"buttonId": 7}, "button_press", "buttonId"),
        ("head_position", {"position": None}, "head_position", "position"),
        ("touch_event", {"x": 1}, "touch_event", "gesture_name"),
        ("touch_event", {"gesture_name": 3}, "touch_event", "gesture_name"),
        ("glasses_battery_update", {"level": "full"}, "glasses_battery_update", "level"),
        ("location_update", {"lat": 1.0}, "location_update", "lng"),
        ("location_stream", {"lng": 1.0}, "location_update", "lat"),
        ("VAD", {"status": "yes"}, "VAD", "status"),
        ("VAD", {"status": 1}, "VAD", "status"),
        ("glasses_connection_state", {"modelName": "x"}, "glasses_connection_state", "status"),
    ],
)
def test_malformed_data_is_reported_once_and_calls_nobody(
    desk: Desk, stream: str, data: dict[str, Any], message: str, field: str
) -> None:
    desk.listen(stream, "one")
    desk.listen(stream, "two")
    assert desk.send(stream, data) == []
    (error,) = desk.errors
    assert isinstance(error, MalformedMessage)
    assert message in str(error)
    assert field in str(error)


@pytest.mark.parametrize("data", [None, [], "text", 7])
def test_data_that_is_no_object_is_reported(desk: Desk, data: Any) -> None:
    for stream in ("button_press", "touch_event", "transcription", "location_update"):
        desk.listen(stream, stream)
        desk.router.route({"type": "data_stream", "streamType": stream, "data": data})
    assert desk.delivered == []
    assert len(desk.errors) == 4


@pytest.mark.parametrize("name", [None, 7, ["button_press"], {}])
def test_a_stream_name_that_is_no_text_is_reported(desk: Desk, name: Any) -> None:
    desk.listen("*")
    assert desk.send(name, x=1) == []
    assert [str(error) for error in desk.errors] == [
        f"data_stream: streamType must be a string, got {json.dumps(name)}"
    ]
    desk.router.route({"type": "data_stream"})
    assert len(desk.errors) == 2


def test_what_may_be_missing_may_be_missing(desk: Desk) -> None:
    desk.listen("transcription:en-US", "words")
    desk.listen("VAD", "voice")
    assert desk.send("transcription:en-US", {"isFinal": True}) == ["words"]
    assert desk.event == TranscriptionData(is_final=True)
    for sent, status in ((True, True), ("true", True), (False, False), ("false", False)):
        assert desk.send("VAD", {"status": sent}) == ["voice"]
        assert isinstance(desk.event, VoiceActivity)
        assert desk.event.status is status
    assert desk.errors == []


def test_made_up_names_do_not_fill_the_memory(desk: Desk) -> None:
    desk.listen("*", "star")
    for n in range(2500):
        assert desk.send(f"made up {n}", x=1) == ["star"]
        assert desk.send(f"touch_event:{n}", gesture_name="x") == ["star"]
    assert len(desk.router._routes) <= 1000


# --- Frames that are no events ----------------------------------------------------------------


def test_readers_get_the_frames_of_their_type(desk: Desk) -> None:
    read: list[tuple[str, dict[str, Any]]] = []
    desk.router.read("custom_message", lambda frame: read.append(("one", frame)))
    desk.router.read("custom_message", lambda frame: read.append(("two", frame)))
    frame = {"type": "custom_message", "action": "x"}
    desk.router.route(frame)
    assert read == [("one", frame), ("two", frame)]


def test_a_frame_that_a_reader_cannot_decode_is_reported(desk: Desk) -> None:
    read: list[Any] = []
    desk.router.read("custom_message", lambda frame: read.append(decode(CustomMessage, frame)))
    desk.router.read("custom_message", read.append)
    desk.router.route({"type": "custom_message", "action": 7})
    assert [type(error) for error in desk.errors] == [MalformedMessage]
    assert len(read) == 1


def test_a_notice_can_be_delivered_as_a_stream(desk: Desk) -> None:
    desk.listen("rtmp_stream_status", "status")
    desk.delivered.clear()
    desk.router.deliver("rtmp_stream_status", {"status": "active"})
    assert [(who, event.status) for who, event, _ in desk.delivered] == [("status", "active")]


def test_an_unknown_type_is_logged_once(desk: Desk, logged: Any) -> None:
    for _ in range(3):
        desk.router.route({"type": "brand_new"})
    desk.router.route({"type": "capabilities_update"})  # known, though nobody reads it
    assert len(logged.lines) == 1
    assert "'brand_new'" in logged.lines[0]
    assert desk.errors == []


def test_the_log_of_unknown_types_is_bounded(desk: Desk, logged: Any) -> None:
    for n in range(5000):
        desk.router.route({"type": f"{n}" + "x" * 1000})
    assert len(logged.lines) <= 100
    assert all(len(line) < 300 for line in logged.lines)


# --- Subscriptions ----------------------------------------------------------------------------


def test_subscriptions_are_in_wire_form_and_each_there_once(desk: Desk) -> None:
    for name in (
        "button_press",
        "transcription",
        "button_press",
        "transcription:en-US",
        "touch_event",
        "touch_event:double_tap",
        "augmentos:brightness",
        "translation:all-to-en-US",
    ):
        desk.listen(name)
    desk.listen({"stream": "location_stream", "rate": "high"})
    assert desk.router.subscriptions() == [
        "button_press",
        "transcription:en-US",
        "touch_event",
        "touch_event:double_tap",
        "augmentos:brightness",
        "translation:all-to-en-US",
        {"stream": "location_stream", "rate": "high"},
    ]
    json.dumps(desk.router.subscriptions())


@pytest.mark.parametrize(
    ("rates", "finest"),
    [
        (["standard", "realtime", "high"], "realtime"),
        (["kilometer", "threeKilometers"], "kilometer"),
        (["reduced"], "reduced"),
        ([None, "tenMeters"], "tenMeters"),
        (["tenMeters", None], "tenMeters"),
        (["made up", "reduced"], "reduced"),
        (["reduced", "made up"], "reduced"),
        ([None, "reduced"], "reduced"),
        ([None], "standard"),
    ],
)
def test_of_several_location_rates_the_finest_is_asked_for(
    desk: Desk, rates: list[str | None], finest: str
) -> None:
    for rate in rates:
        desk.listen(StreamName("location_stream", rate=rate))
    assert desk.router.subscriptions() == [{"stream": "location_stream", "rate": finest}]


def test_one_may_listen_to_what_comes_anyway_without_a_subscription(desk: Desk) -> None:
    def deliver(event: Any, rank: int) -> None:
        desk.delivered.append(("poll", event, rank))

    listener = desk.router.listen(StreamName.parse("location_update"), deliver, subscribe=False)
    assert desk.changes == 0
    assert desk.router.subscriptions() == []
    assert desk.send("location_update", lat=1, lng=2) == ["poll"]
    desk.router.forget(listener)
    assert desk.send("location_update", lat=1, lng=2) == []


def test_a_subscription_lasts_as_long_as_anybody_needs_it(desk: Desk) -> None:
    first = desk.listen("button_press")
    second = desk.listen("button_press")
    desk.router.forget(first)
    assert desk.router.subscriptions() == ["button_press"]
    desk.router.forget(second)
    assert desk.router.subscriptions() == []


def test_listeners_come_and_go_while_events_come(desk: Desk) -> None:
    desk.listen("button_press", "stays")
    done = threading.Event()

    def come_and_go() -> None:
        while not done.is_set():
            desk.router.forget(desk.router.listen(StreamName.parse("*"), lambda event, rank: None))
            desk.router.subscriptions()

    threads = [threading.Thread(target=come_and_go) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(500):
            assert desk.send("button_press", buttonId="x") == ["stays"]
    finally:
        done.set()
        for thread in threads:
            thread.join(10)
    assert desk.router.subscriptions() == ["button_press"]


def test_a_listener_may_leave_while_it_is_told(desk: Desk) -> None:
    told: list[str] = []
    listeners: list[Listener] = []

    def once(name: str) -> Callable[[Any, int], None]:
        def deliver(event: Any, rank: int) -> None:
            told.append(name)
            desk.router.forget(listeners[0])

        return deliver

    stream = StreamName.parse("button_press")
    listeners += [desk.router.listen(stream, once(name)) for name in ("one", "two")]
    desk.send("button_press", buttonId="x")
    desk.send("button_press", buttonId="x")
    assert told == ["one", "two", "two"]


# --- What must not stop the others ----------------------------------------------------------------


DEEP: Any = functools.reduce(lambda inner, _: [inner], range(2000), [])
"""Deeper than code of Python goes."""


def read_deeply(value: Any) -> None:
    for inner in value:
        read_deeply(inner)


def test_a_reader_that_fails_does_not_keep_the_frame_from_the_others(
    desk: Desk, logged: Any
) -> None:
    read: list[Any] = []

    def fail(_: object) -> None:
        raise ZeroDivisionError

    for reader in (fail, read.append):
        desk.router.read("custom_message", reader)
        desk.router.read_events(StreamName.parse("button_press"), reader)
    desk.listen("button_press")
    frame = {"type": "custom_message"}
    desk.router.route(frame)
    assert desk.send("button_press", buttonId="main") == ["button_press"]
    assert read[0] is frame
    assert read[1].button_id == "main"
    (first, second) = logged.about("failed; the connection goes on")
    assert "custom_message" in first
    assert "button_press" in second
    assert desk.errors == []


def test_what_is_nested_too_deeply_is_malformed(desk: Desk) -> None:
    read: list[Any] = []
    desk.router.read("custom_message", lambda frame: read_deeply(frame["payload"]))
    desk.router.read("custom_message", read.append)
    desk.router.route({"type": "custom_message", "payload": DEEP})
    assert len(read) == 1
    assert [str(error) for error in desk.errors] == ["custom_message: nested too deeply"]
    assert isinstance(desk.errors[0], MalformedMessage)


@pytest.mark.parametrize("name", [DEEP, ["x" * 1_000_000]], ids=["deep", "long"])
def test_a_stream_type_that_is_no_name_is_told_in_short(desk: Desk, name: Any) -> None:
    desk.send(name)
    (error,) = desk.errors
    assert "streamType must be a string" in str(error)
    assert len(str(error)) < 200


def test_names_of_any_length_are_routed_and_only_short_ones_remembered(
    desk: Desk, logged: Any
) -> None:
    desk.listen("*", "all")
    for number in range(3):
        assert desk.send(f"{number}{'x' * 10_000}") == ["all"]
        desk.router.route({"type": f"{'x' * 10_000}{number}"})
    assert sum(len(name) for name in (*desk.router._routes, *desk.router._unknown)) < 1000
    assert len(logged.about("of a type unknown here")) == 1
