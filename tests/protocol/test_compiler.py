"""Kinds of fields that few of the protocol's messages have, and classes that are no messages."""

import enum
import threading
from typing import Any

import pytest
from dataclasses_json.core import _decode_dataclass

from mentra_sync.protocol import compiler
from mentra_sync.protocol.codec import MalformedMessage, decode, encode
from mentra_sync.protocol.message import Message, message, wire


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


@message
class Inner(Message):
    mood: Mood


@message
class Outer(Message):
    inner: Inner
    moods: list[Mood] | None = None
    by_name: dict[str, Inner] | None = None
    spare: Inner | None = None
    mood: Mood = Mood.GOOD
    counts: dict[str, int] | None = None
    odd_name: Any = wire("Odd-Name", default=None)


SENT = {
    "inner": {"mood": "good", "why": 1},
    "moods": ["good", "bad"],
    "byName": {"x": {"mood": "bad"}},
    "mood": "bad",
    "counts": {"a": 1},
    "Odd-Name": [None],
}


def test_enums_and_nested_messages():
    outer = decode(Outer, SENT)
    assert outer == _decode_dataclass(Outer, SENT, False)
    assert outer == Outer(
        Inner(Mood.GOOD, extra={"why": 1}),
        [Mood.GOOD, Mood.BAD],
        {"x": Inner(Mood.BAD)},
        mood=Mood.BAD,
        counts={"a": 1},
        odd_name=[None],
    )
    assert outer.to_dict() == SENT
    plain = Outer(Inner(Mood.BAD), [Mood.GOOD], {"x": Inner(Mood.BAD)})
    assert encode(plain) == {
        "inner": {"mood": "bad"},
        "moods": ["good"],
        "byName": {"x": {"mood": "bad"}},
        "mood": "good",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("moods", ["good", "so-so"]),
        ("moods", "good"),
        ("byName", {"x": {}}),
        ("byName", [1]),
        ("spare", {}),
        ("spare", {"mood": 5}),
        ("spare", [{"mood": "good"}]),
        ("mood", "so-so"),
        ("mood", {"good": 1}),
        ("mood", None),
        ("counts", {"a": True}),
    ],
)
def test_what_cannot_be_used_is_kept(field, value):
    sent = {**SENT, field: value}
    outer = decode(Outer, sent)
    default = Mood.GOOD if field == "mood" else None
    assert getattr(outer, {"byName": "by_name"}.get(field, field)) is default
    assert outer.to_dict() == sent


@pytest.mark.parametrize("inner", [{}, {"mood": 1}, None, [], "good"])
def test_an_essential_nested_message_must_be_whole(inner):
    with pytest.raises(MalformedMessage, match="Outer: inner must be an object, got "):
        decode(Outer, {"inner": inner})


def test_an_enum_survives_a_value_nested_too_deeply_to_show():
    deep = None
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(MalformedMessage, match="Inner: mood must be one of good, bad, got a list"):
        decode(Inner, {"mood": deep})
    while deep:
        deep = deep.pop()


def test_classes_that_are_no_messages_are_refused():
    with pytest.raises(TypeError, match="not a message class"):
        decode(int, {})

    @message
    class Strange(Message):
        when: complex

    with pytest.raises(TypeError, match=r"no JSON is known for .*complex"):
        decode(Strange, {"when": 1})


def test_threads_may_meet_at_the_first_use_of_a_class(monkeypatch):
    monkeypatch.setattr(compiler, "_decoders", {})
    monkeypatch.setattr(compiler, "_encoders", {})
    start, results = threading.Barrier(8), []

    def use():
        start.wait()
        results.append(decode(Outer, SENT).to_dict())

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [SENT] * 8
