"""What each recording begins with: whose it is, what runs already, and what is said in it."""

from __future__ import annotations

from typing import Any

from recording import lines_of
from replay import Frame, Scene

_SAVED = {"flag": False, "name": "zed", "level": 7}
_SYSTEM = {"metricSystemEnabled": True, "brightness": 60}
_LIVE = "Mentra Live"
_RUNNER, _WEARER, _WALKER = "runner@example.com", "wearer@example.com", "walker@example.com"

SCENES = {
    scene.name: scene
    for scene in (
        Scene("1_start", _RUNNER, phone=False),
        Scene(
            "2_events",
            _RUNNER,
            running=3,
            said=(
                (2.378, "en-US", "hello there friend", {}),
                (6.0, "es-ES", "uno dos", {}),
                (8.0, "en-US", "auto", {}),
                (11.045, "en-US", "plain words", {}),
                (13.509, "en-US", "two at once", {}),
                (13.65, "fr-FR", "deux", {}),
                (16.345, "es-ES", "uno dos", {}),
                (19.269, "es-ES", "tres", {}),
                (22.108, "es-ES", "cuatro", {"en-US": "four"}),
                (25.412, "es-ES", "hola mundo", {"en-US": "hello world"}),
                (27.815, "de-DE", "guten tag", {"en-US": "good day"}),
            ),
        ),
        Scene("3_displays", _WEARER, running=1),
        Scene("3b_rapid_displays", _RUNNER, running=1),
        Scene("4_requests", _WEARER, model=_LIVE, saved=_SAVED, system=_SYSTEM, running=2),
        Scene("4b_keepalive", _RUNNER, model=_LIVE, running=9),
        Scene("5_refusals", _WEARER, saved=_SAVED, system=_SYSTEM),
        Scene(
            "6_losses",
            _WALKER,
            package="com.example.loss",
            app_name="Conformance",
            running=1,
            streams=("button_press",),
        ),
        Scene(
            "6b_stop_after_reconnection",
            _RUNNER,
            model=_LIVE,
            saved=_SAVED,
            system=_SYSTEM,
            running=3,
            streams=("button_press",),
        ),
    )
}

_TOOL = {
    "id": "weather",
    "description": "tells the weather",
    "activationPhrases": ["what is the weather"],
    "parameters": {"city": {"type": "string", "description": "the city", "required": True}},
}


def config() -> Frame:
    """The configuration of the recorded apps: settings from the first ack, and a tool."""
    ack = next(
        line.data["frame"]
        for line in lines_of("1_start")
        if line.kind == "frame" and line.data["frame"]["type"] == "tpa_connection_ack"
    )
    settings: list[Any] = ack["settings"]
    return {"name": "Raw", "settings": settings, "tools": [_TOOL]}
