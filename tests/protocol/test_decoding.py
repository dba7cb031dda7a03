"""What decoding makes of fields that are missing, null, mistyped or hostile."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_samples import CLASSES, JSON, wire_names

from mentra_sync.protocol.capabilities import Capabilities
from mentra_sync.protocol.codec import MalformedMessage, decode, encode
from mentra_sync.protocol.commands import AudioPlayRequest, DisplayEvent, ManagedStreamRequest
from mentra_sync.protocol.events import (
    ButtonPress,
    GlassesBatteryUpdate,
    GlassesConnectionState,
    HeadPosition,
    LocationUpdate,
    PhoneBatteryUpdate,
    TouchEvent,
    TranscriptionData,
    VoiceActivity,
)
from mentra_sync.protocol.layouts import ClearView, Layout, TextWall, layout_from_dict
from mentra_sync.protocol.names import LayoutType, ViewType
from mentra_sync.protocol.notices import (
    DeviceState,
    PermissionErrorNotice,
    PhotoResponse,
    SettingsUpdate,
)
from mentra_sync.protocol.webhooks import SessionRequest, ToolAnswer


@pytest.mark.parametrize(
    ("cls", "data", "error"),
    [
        (ButtonPress, {}, "button_press: buttonId is missing"),
        (ButtonPress, {"buttonId": 5}, "button_press: buttonId must be a string, got 5"),
        (ButtonPress, {"buttonId": None}, "button_press: buttonId must be a string, got null"),
        (HeadPosition, {"position": True}, "head_position: position must be a string, got true"),
        (TouchEvent, {"gestureName": "x"}, "touch_event: gesture_name is missing"),
        (GlassesBatteryUpdate, {"level": "9"}, 'glasses_battery_update: level .* number, got "9"'),
        (PhoneBatteryUpdate, {"level": True}, "phone_battery_update: level .* number, got true"),
        (LocationUpdate, {"lat": 1}, "location_update: lng is missing"),
        (LocationUpdate, {"lng": 1}, "location_update: lat is missing"),
        (GlassesConnectionState, {"status": []}, r"status must be a string, got \[\]"),
        (VoiceActivity, {}, "VAD: status is missing"),
        (VoiceActivity, {"status": 1}, "VAD: status must be true or false, got 1"),
        (VoiceActivity, {"status": "True"}, 'VAD: status must be true or false, got "True"'),
        (SettingsUpdate, {"settings": [5]}, r"settings must be a list, each .* object, got \[5\]"),
        (SessionRequest, {"sessionId": "s"}, "session_request: userId is missing"),
        (ButtonPress, ["buttonId"], r'button_press must be an object, got \["buttonId"\]'),
        (TranscriptionData, None, "transcription must be an object, got null"),
        (DeviceState, "x", 'DeviceState must be an object, got "x"'),
    ],
)
def test_an_error_names_message_and_field(cls, data, error):
    with pytest.raises(MalformedMessage, match=error):
        decode(cls, data)
    with pytest.raises(MalformedMessage, match=error):
        cls.from_dict(data)


def test_a_long_value_is_shortened_in_the_error():
    with pytest.raises(MalformedMessage) as caught:
        decode(GlassesBatteryUpdate, {"level": "9" * 10_000})
    assert len(str(caught.value)) < 130
    assert '"9999' in str(caught.value)


@pytest.mark.parametrize(
    ("sent", "status"), [(True, True), (False, False), ("true", True), ("false", False)]
)
def test_voice_activity_is_always_a_bool(sent, status):
    event = decode(VoiceActivity, {"type": "VAD", "status": sent})
    assert event.status is status
    assert event.to_dict() == {"type": "VAD", "status": sent}
    assert type(event.to_dict()["status"]) is type(sent)


def test_a_missing_text_is_empty_and_stays_missing():
    event = decode(TranscriptionData, {"isFinal": True})
    assert (event.text, event.type, event.is_final) == ("", "transcription", True)
    assert event.to_dict() == {"isFinal": True}
    assert decode(TranscriptionData, {"text": None}).to_dict() == {"text": None}
    event.text = "now there is one"
    assert event.to_dict() == {"isFinal": True, "text": "now there is one"}


def test_what_came_gives_way_to_what_was_set_later():
    event = decode(TranscriptionData, {"text": 7, "isFinal": "yes", "provider": None})
    assert (event.text, event.is_final, event.provider) == ("", None, None)
    event.is_final = False
    assert event.to_dict() == {"text": 7, "isFinal": False, "provider": None}
    error = decode(PermissionErrorNotice, {"message": "no"})
    error.details.append({"stream": "camera"})
    assert error.to_dict() == {"message": "no", "details": [{"stream": "camera"}]}


def test_a_null_is_not_an_absent_field():
    assert decode(Capabilities, {}).to_dict() == {}
    assert decode(Capabilities, {"camera": None}).to_dict() == {"camera": None}
    assert Capabilities().to_dict()["camera"] is None
    assert ToolAnswer().to_dict() == {"status": "success", "reply": None}
    assert encode(AudioPlayRequest("r", "u")) == {
        "type": "audio_play_request",
        "requestId": "r",
        "audioUrl": "u",
        "volume": 1.0,
        "stopOtherAudio": True,
        "trackId": 0,
    }


def test_numbers():
    assert decode(LocationUpdate, {"lat": 1, "lng": -2.5}).lat == 1
    request = decode(AudioPlayRequest, {"requestId": "r", "audioUrl": "u", "trackId": 2.0})
    assert request.track_id == 2 and isinstance(request.track_id, int)
    for track in (2.5, True, "2"):
        data = {"requestId": "r", "audioUrl": "u", "trackId": track}
        request = decode(AudioPlayRequest, data)
        assert request.track_id == 0
        assert request.to_dict() == data


def test_layouts():
    event = decode(DisplayEvent, {"layout": {"layoutType": "text_wall", "text": "hi"}})
    assert event.layout == TextWall("hi")
    assert DisplayEvent(TextWall("hi"), view=ViewType.DASHBOARD).to_dict() == {
        "type": "display_event",
        "view": "dashboard",
        "layout": {"layoutType": "text_wall", "text": "hi"},
    }
    strange = {"layoutType": "hologram", "depth": 3}
    layout = layout_from_dict(strange)
    assert type(layout) is Layout
    assert (layout.layout_type, layout.extra) == ("hologram", {"depth": 3})
    assert layout.to_dict() == strange
    assert decode(DisplayEvent, {"layout": 5}).layout is None
    assert layout_from_dict({"layoutType": ["text_wall"]}).to_dict() == {
        "layoutType": ["text_wall"]
    }
    assert ClearView() != TextWall() and ClearView() == ClearView()
    assert decode(TextWall, {"layoutType": LayoutType.TEXT_WALL}) == TextWall()


def test_a_dict_in_place_of_a_nested_message_is_sent_as_it_is():
    request = ManagedStreamRequest(video={"width": 640}, restream_destinations=[{"url": "u"}])
    assert request.to_dict()["video"] == {"width": 640}
    assert request.to_dict()["restreamDestinations"] == [{"url": "u"}]


def test_an_unknown_field_never_hides_a_known_one():
    press = ButtonPress("main", extra={"buttonId": "other", "new": 1})
    assert press.to_dict() == {"type": "button_press", "buttonId": "main", "new": 1}


def test_device_state_changes():
    state = decode(DeviceState, {"wifiSsid": None, "batteryLevel": 5, "charging": "x", "new": 1})
    assert state.changes() == {"wifi_ssid": None, "battery_level": 5}


def test_why_a_photo_failed():
    new = {"requestId": "r", "success": False, "error": {"code": "BUSY", "message": "busy"}}
    old = {"requestId": "r", "success": False, "errorCode": "BUSY", "errorMessage": "busy"}
    for data in (new, old):
        failure = decode(PhotoResponse, data).failure
        assert (failure.code, failure.message) == ("BUSY", "busy")


def test_to_dict_can_be_changed_freely():
    sent = {"text": "x", "metadata": {"tokens": [1]}}
    event = decode(TranscriptionData, sent)
    event.to_dict()["metadata"]["tokens"].append(2)
    assert event.metadata == {"tokens": [1]}


def test_messages_copy_pickle_and_compare_as_what_they_are():
    event = decode(TranscriptionData, {"isFinal": "yes", "new": [1]})
    for same in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
        assert same == event
        assert same.to_dict() == {"isFinal": "yes", "new": [1]}
    assert event != decode(TranscriptionData, {"new": [2]})
    assert event != {"new": [1]}


def test_repr_shows_what_is_there():
    assert repr(ButtonPress("main")) == "ButtonPress(button_id='main')"
    assert repr(decode(ButtonPress, {"buttonId": "a", "x": 1})) == (
        "ButtonPress(button_id='a', extra={'x': 1})"
    )


@settings(max_examples=500)
@given(data=st.data(), cls=st.sampled_from(CLASSES))
def test_no_json_makes_decoding_raise_anything_else(data, cls):
    names = st.sampled_from([*wire_names(cls).values(), "extra", "layoutType", "zz"])
    sent = data.draw(st.dictionaries(names, JSON) | JSON)
    before = copy.deepcopy(sent)
    try:
        message = decode(cls, sent)
    except MalformedMessage as error:
        assert len(str(error)) < 200
    else:
        assert message.to_dict() == before
    assert sent == before


def test_deeply_nested_json_does_no_harm():
    deep = None
    for _ in range(100_000):
        deep = [deep]
    for field in ("text", "metadata", "type", "zz"):
        assert decode(TranscriptionData, {field: deep}).text == ""
    with pytest.raises(MalformedMessage, match="got a list"):
        decode(ButtonPress, {"buttonId": deep})
    while deep:
        deep = deep.pop()
