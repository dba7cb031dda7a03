"""The tables name every word of the protocol, and every message says of itself what it is."""

import json

import pytest
from wire_samples import optional_names, wire_names

from mentra_sync.protocol import commands, events, layouts, names, notices
from mentra_sync.protocol.streams import StreamName

OLD_NAMES = {
    "stream_request": "rtmp_stream_request",
    "stream_stop": "rtmp_stream_stop",
    "stream_status": "rtmp_stream_status",
    "connection_error": "tpa_connection_error",
    "websocket_error": "tpa_connection_error",
    "local_transcription": "transcription",
    "location_stream": "location_update",
}
TABLES = [
    (commands.COMMANDS, names.CommandType, "type"),
    (notices.NOTICES, names.NoticeType, "type"),
    (layouts.LAYOUTS, names.LayoutType, "layout_type"),
]
UNTYPED_STREAMS = {
    "audio_chunk",
    "augmentos",
    "video",
    "start_app",
    "stop_app",
    "open_dashboard",
    "core_status_update",
    "photo_request",
    "photo_response",
    "settings_update_request",
    "custom_message",
    "all",
    "*",
}

ESSENTIAL = {
    "VAD": {"status"},
    "button_press": {"buttonId"},
    "head_position": {"position"},
    "touch_event": {"gesture_name"},
    "glasses_battery_update": {"level"},
    "phone_battery_update": {"level"},
    "glasses_connection_state": {"status"},
    "location_update": {"lat", "lng"},
    "location_stream": {"lat", "lng"},
    "data_stream": {"streamType"},
    "settings_update": {"settings"},
    "augmentos_settings_update": {"settings"},
    "device_state_update": {"state"},
    "photo_response": {"requestId"},
    "audio_play_response": {"requestId"},
    "rgb_led_control_response": {"requestId"},
    "rtmp_stream_status": {"status"},
    "stream_status": {"status"},
    "managed_stream_status": {"status"},
    "dashboard_mode_changed": {"mode"},
    "dashboard_always_on_changed": {"enabled"},
    "custom_message": {"action"},
    "app_user_joined": {"userId"},
    "app_user_left": {"userId"},
    "app_direct_message_response": {"messageId"},
}


@pytest.mark.parametrize("name", sorted({**events.EVENTS, **notices.NOTICES}))
def test_only_what_carries_the_meaning_is_essential(name):
    cls = {**events.EVENTS, **notices.NOTICES}[name]
    essential = set(wire_names(cls).values()) - set(optional_names(cls))
    assert essential == ESSENTIAL.get(name, set())


@pytest.mark.parametrize(("table", "vocabulary", "field"), TABLES)
def test_tables_are_complete(table, vocabulary, field):
    assert set(table) == set(vocabulary.values())
    for name, cls in table.items():
        assert getattr(cls, field) == OLD_NAMES.get(name, name)


def test_every_stream_with_typed_data_has_a_class():
    assert set(events.EVENTS) == set(names.StreamType.values()) - UNTYPED_STREAMS
    for name, cls in events.EVENTS.items():
        assert cls.type == OLD_NAMES.get(name, name)


def test_every_stream_name_is_its_own_base():
    for name in names.StreamType.values():
        assert StreamName.parse(name).base == name


def test_a_word_of_the_wire_is_its_text():
    assert names.ViewType.MAIN == "main"
    assert str(names.ViewType.MAIN) == f"{names.ViewType.MAIN}" == "main"
    assert json.dumps(names.ViewType.MAIN) == '"main"'
    assert {names.TouchGesture.LONG_PRESS: 1}["long_press"] == 1
    assert names.PhotoSize("full") is names.PhotoSize.FULL
    assert names.PressType.values() == ("short", "long")
