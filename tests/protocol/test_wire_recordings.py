"""Every frame that a real cloud and an app were seen to exchange is known, whole, and comes back.

``data/frames.jsonl`` has one frame of each shape from the recordings.
"""

import dataclasses
import json
from pathlib import Path

import pytest

from mentra_sync.protocol import codec
from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.protocol.commands import COMMANDS, DisplayEvent
from mentra_sync.protocol.events import EVENTS
from mentra_sync.protocol.layouts import LAYOUTS
from mentra_sync.protocol.message import Message
from mentra_sync.protocol.notices import NOTICES, DataStream
from mentra_sync.protocol.settings import Setting
from mentra_sync.protocol.streams import StreamName
from mentra_sync.protocol.webhooks import WEBHOOKS, SettingsPush, ToolCallRequest

LINES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "frames.jsonl").read_text("utf-8").splitlines()
]
FRAMES = {
    direction: [line["frame"] for line in LINES if line.get("dir") == direction]
    for direction in ("in", "out")
}
STREAMED = [frame for frame in FRAMES["in"] if frame["type"] == "data_stream"]
BODIES = [line for line in LINES if "path" in line]


def name(frame):
    return f"{frame.get('type')}-{frame.get('streamType', '')}"


def unknown_fields(message):
    """Names of the unknown fields of a message and of the messages in it."""
    found = set(message.extra)
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Message):
                found |= unknown_fields(item)
    return found


@pytest.mark.parametrize("frame", FRAMES["out"], ids=name)
def test_what_an_app_sent(frame):
    command = codec.decode(COMMANDS[frame["type"]], frame)
    assert unknown_fields(command) == set()
    assert command.to_dict() == frame
    assert codec.from_json(type(command), command.to_json()) == command
    if isinstance(command, DisplayEvent) and "layout" in frame:
        assert type(command.layout) is LAYOUTS[frame["layout"]["layoutType"]]


@pytest.mark.parametrize("frame", FRAMES["in"], ids=name)
def test_what_the_cloud_sent(frame):
    notice = codec.decode(NOTICES[frame["type"]], frame)
    assert unknown_fields(notice) == set()
    assert notice.to_dict() == frame


@pytest.mark.parametrize("frame", STREAMED, ids=name)
def test_events(frame):
    stream = StreamName.parse(codec.decode(DataStream, frame).stream_type)
    if stream.base == "bogus_event":
        assert stream.base not in EVENTS
        return
    event = codec.decode(EVENTS[stream.base], frame["data"])
    assert unknown_fields(event) == set()
    assert event.to_dict() == frame["data"]
    assert event.type == frame["data"]["type"]


@pytest.mark.parametrize("line", BODIES, ids=lambda line: line["path"])
def test_what_the_cloud_posted(line):
    classes = {"/tool": ToolCallRequest, "/settings": SettingsPush}
    body = line["body"]
    request = codec.decode(classes.get(line["path"]) or WEBHOOKS[body["type"]], body)
    assert unknown_fields(request) == set()
    assert request.to_dict() == body


@pytest.mark.parametrize("model", ["Even Realities G1", "Mentra Live"])
def test_profiles_are_what_the_cloud_says_of_the_glasses(model):
    recorded = [
        frame["capabilities"]
        for frame in FRAMES["in"]
        if (frame.get("capabilities") or {}).get("modelName") == model
    ]
    assert recorded
    for capabilities in recorded:
        assert KNOWN[model].to_dict() == capabilities
        assert codec.encode(KNOWN[model]) == capabilities


def test_the_other_profiles_agree_with_the_table_of_the_protocol():
    z100, simulated = KNOWN["Vuzix Z100"], KNOWN["Simulated Glasses"]
    assert (z100.has_microphone, z100.has_speaker, z100.has_button) == (False, False, False)
    assert (z100.display.resolution.width, z100.display.resolution.height) == (640, 480)
    assert (z100.display.can_display_bitmap, z100.display.max_text_lines) == (False, 7)
    assert z100.to_dict()["microphone"] is None
    assert simulated.display == z100.display
    assert simulated.button.buttons[0].events == ["press"]
    for model, profile in KNOWN.items():
        assert profile.model_name == model
        for thing in ("camera", "display", "microphone", "speaker", "button", "light"):
            has, detail = getattr(profile, f"has_{thing}"), getattr(profile, thing)
            assert has == (detail is not None), f"{model}: {thing}"


def test_a_setting_in_force():
    acks = [frame for frame in FRAMES["in"] if frame["type"] == "tpa_connection_ack"]
    fresh = [Setting.from_dict(setting) for setting in acks[0]["settings"]]
    assert {s.key: s.in_force for s in fresh} == {
        "flag": True,
        "name": "anon",
        "level": 3,
        "lang": "en",
    }
    assert fresh[3].options[1].value == "fr"
    saved = Setting.from_dict({"key": "flag", "value": False})
    assert saved.in_force is False
    shown = fresh[0].with_value_in_force()
    assert (shown.value, shown.default_value, fresh[0].value) == (True, True, None)
    shown.extra["new"] = 1
    assert fresh[0].extra == {}
    assert Setting.from_dict({"type": "group", "title": "Looks"}).holds_value is False
    assert Setting.from_dict({"type": "titleValue", "key": "v"}).holds_value is False
    assert all(setting.holds_value for setting in fresh)


def test_system_settings_under_both_names():
    ack = NOTICES["tpa_connection_ack"]
    old, new = {"brightness": 50}, {"brightness": 60}
    assert ack.from_dict({"augmentosSettings": old}).system_settings == old
    assert ack.from_dict({"mentraosSettings": new}).system_settings == new
    assert ack.from_dict({"mentraosSettings": new, "augmentosSettings": old}).system_settings == new
    assert ack.from_dict({}).system_settings == {}
