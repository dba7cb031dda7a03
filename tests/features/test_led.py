"""``session.led``: what goes over the wire, what is refused, and which lights there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cloud import Scene, scene_fixture
from end_to_end import body, ended, refused, settle

from mentra_sync import LedColor
from mentra_sync.features.led import Led
from mentra_sync.protocol import codec
from mentra_sync.protocol.capabilities import MENTRA_LIVE

__all__ = ["scene_fixture"]

COMMANDS: dict[str, tuple[Callable[[Led], None], dict[str, Any]]] = {
    "defaults": (lambda led: led.turn_on(), {"color": "red", "on": 1000, "off": 0, "count": 1}),
    "all given": (
        lambda led: led.turn_on("blue", 200, 100, 3),
        {"color": "blue", "on": 200, "off": 100, "count": 3},
    ),
    "by name": (
        lambda led: led.turn_on(color=LedColor.WHITE, on_ms=1, off_ms=0, count=1),
        {"color": "white", "on": 1, "off": 0, "count": 1},
    ),
    "blink": (
        lambda led: led.blink("green", 500, 250, 4),
        {"color": "green", "on": 500, "off": 250, "count": 4},
    ),
    "solid": (
        lambda led: led.solid("orange", 2500),
        {"color": "orange", "on": 2500, "off": 0, "count": 1},
    ),
    "fractions": (
        lambda led: led.turn_on("red", 99.6, 0.2, 2.0),  # type: ignore[arg-type]
        {"color": "red", "on": 100, "off": 0, "count": 2},
    ),
}

WRONG: dict[str, tuple[Callable[[Led], None], tuple[str, ...]]] = {
    "colour": (lambda led: led.turn_on("purple"), ("color", "red, green, blue", "'purple'")),
    "no colour": (lambda led: led.turn_on(None), ("color", "None")),  # type: ignore[arg-type]
    "on": (lambda led: led.turn_on(on_ms=0), ("on_ms", "1 or more", "0")),
    "on text": (lambda led: led.turn_on(on_ms="9"), ("on_ms", "'9'")),  # type: ignore[arg-type]
    "on bool": (lambda led: led.turn_on(on_ms=True), ("on_ms", "True")),
    "on endless": (lambda led: led.turn_on(on_ms=float("inf")), ("on_ms", "inf")),
    "on nothing": (lambda led: led.turn_on(on_ms=float("nan")), ("on_ms", "nan")),
    "off": (lambda led: led.turn_on(off_ms=-1), ("off_ms", "0 or more", "-1")),
    "count": (lambda led: led.turn_on(count=0), ("count", "1 or more", "0")),
    "half": (lambda led: led.turn_on(count=1.5), ("count", "whole", "1.5")),  # type: ignore[arg-type]
    "blink": (lambda led: led.blink("red", 10, -5, 1), ("off_ms", "-5")),
    "solid": (lambda led: led.solid("red", 0), ("duration_ms", "1 or more")),
    "solid colour": (lambda led: led.solid("pink", 10), ("color", "'pink'")),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_form_on_the_wire(scene: Scene, name: str) -> None:
    command, wanted = COMMANDS[name]
    session, there = scene.session()
    command(session.led)
    sent = body(there.wait("rgb_led_control"))
    assert sent.pop("requestId")
    assert sent == {
        "action": "on",
        "color": wanted["color"],
        "ontime": wanted["on"],
        "offtime": wanted["off"],
        "count": wanted["count"],
    }
    assert [type(sent[field]) for field in ("ontime", "offtime", "count")] == [int] * 3


def test_off_says_no_more_than_that(scene: Scene) -> None:
    session, there = scene.session()
    session.led.turn_off()
    session.led.turn_off()
    first, second = there.wait("rgb_led_control"), there.wait("rgb_led_control", 2)
    assert set(body(first)) == {"requestId", "action"}
    assert first["action"] == "off"
    assert first["requestId"] != second["requestId"]


def test_what_is_refused_is_not_sent(scene: Scene) -> None:
    session, there = scene.session()
    for command, words in WRONG.values():
        with refused(session, there, *words):
            command(session.led)


def test_lights_are_those_of_the_glasses(scene: Scene) -> None:
    session, there = scene.session(ack={"capabilities": codec.encode(MENTRA_LIVE)})
    assert [light.id for light in session.led.lights] == ["privacy", "user_feedback"]
    there.send({"type": "capabilities_update", "capabilities": None, "modelName": "?"})
    settle(session, there)
    assert session.led.lights == []


def test_unknown_glasses_have_no_lights_that_are_known(scene: Scene) -> None:
    session, _ = scene.session()
    assert session.led.lights == []
    session.disconnect()
    with ended(session):
        session.led.turn_on()
    with ended(session):
        session.led.turn_off()


def test_an_answer_comes_to_who_subscribes(scene: Scene) -> None:
    session, there = scene.session()
    with session.events.stream("rgb_led_control_response") as answers:
        there.wait_streams("rgb_led_control_response")
        session.led.turn_on()
        request_id = there.wait("rgb_led_control")["requestId"]
        there.event("rgb_led_control_response", requestId=request_id, success=True)
        answer = next(answers)
    assert (answer.request_id, answer.success) == (request_id, True)
