"""Members of an app's own ``class Word(str, Enum)`` are texts: their values go over the wire."""

from __future__ import annotations

from enum import Enum, IntEnum

import pytest
from cloud import Scene, scene_fixture
from end_to_end import body
from storage_cloud import Shelf, shelf_fixture

from mentra_sync import RequestTimeout

__all__ = ["scene_fixture", "shelf_fixture"]


class Word(str, Enum):
    RED = "red"
    DASHBOARD = "dashboard"
    EXPANDED = "expanded"
    HIGH = "high"
    FRENCH = "fr-FR"
    ENGLISH = "en-US"
    TAP = "single_tap"
    SMALL = "small"
    HEAVY = "heavy"
    SHARP = "1080p"
    HERE = "https://example.com/here"
    HELLO = "hello"


def test_in_what_is_sent(scene: Scene):
    session, there = scene.session()
    session.led.turn_on(Word.RED)
    assert there.wait("rgb_led_control")["color"] == "red"
    session.layouts.show_text_wall(Word.HELLO, view=Word.DASHBOARD)
    display = body(there.wait("display_event"))
    assert display == {
        "view": "dashboard",
        "layout": {"layoutType": "text_wall", "text": "hello"},
    }
    session.dashboard.content.write(Word.HELLO, [Word.EXPANDED])
    written = body(there.wait("dashboard_content_update"))
    assert written == {"content": "hello", "modes": ["expanded"]}
    session.audio.play_tts(Word.HELLO, voice_id=Word.RED, wait=False)
    url = there.wait("audio_play_request")["audioUrl"]
    assert url.endswith("/api/tts?text=hello&voice_id=red")
    session.camera.request_photo(size=Word.SMALL, compress=Word.HEAVY, custom_webhook_url=Word.HERE)
    photo = there.wait("photo_request")
    assert (photo["size"], photo["compress"]) == ("small", "heavy")


def test_a_number_may_be_a_member_too(scene: Scene):
    class Number(IntEnum):
        TWO = 2

    session, there = scene.session()
    session.users.join_room("r", max_users=Number.TWO)
    assert there.wait("app_room_join")["roomConfig"] == {"maxUsers": 2}
    session.audio.stop_audio(Number.TWO)
    assert there.wait("audio_stop_request")["trackId"] == 2


def test_in_what_is_stored(shelf: Shelf):
    storage = shelf.session().simple_storage
    storage.set(Word.HELLO, Word.RED)
    assert repr(storage.get_all_data()) == "{'hello': 'red'}"


def test_in_what_is_waited_for(scene: Scene):
    session, there = scene.session()

    for call in (
        lambda: session.location.get_latest_location(Word.HIGH, timeout=0.01),
        lambda: session.camera.start_managed_stream(quality=Word.SHARP, timeout=0.01),
        lambda: session.ask(Word.HELLO, timeout=0.01, speak=False),
    ):
        with pytest.raises(RequestTimeout):
            call()
    assert there.wait("location_poll_request")["accuracy"] == "high"
    assert there.wait("managed_stream_request")["quality"] == "1080p"
    assert there.wait("display_event")["layout"]["text"] == "hello"


def test_in_the_names_of_streams(scene: Scene):
    session, there = scene.session()
    events = session.events
    events.on_transcription_for_language(Word.FRENCH, print, hints=[Word.ENGLISH])
    events.on_translation_for_language(Word.FRENCH, Word.ENGLISH, print)
    events.on_touch_event(Word.TAP, print)
    session.settings.on_mentraos_change(Word.HELLO, print)
    session.location.subscribe_to_stream(print, Word.HIGH)
    there.wait_streams(
        "transcription:fr-FR",
        "transcription:fr-FR?hints=en-US",
        "translation:fr-FR-to-en-US",
        "touch_event:single_tap",
        "augmentos:hello",
        {"stream": "location_stream", "rate": "high"},
    )
