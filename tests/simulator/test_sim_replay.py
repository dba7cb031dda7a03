"""All recordings of a real cloud are played at ours: the same is sent, in order and in time.

``DIFFERENCES`` are all that is not the same, with the reason of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest
from comparison import differences
from recording import FOLDER, heard, lines_of
from replay import Replay
from scenes import SCENES, config

from mentra_sync.simulator import limits

OTHER_APP = "com.example.nocam"
MICROPHONE_ONLY = {
    "ALL",
    "LOCATION",
    "BACKGROUND_LOCATION",
    "CALENDAR",
    "CAMERA",
    "NOTIFICATIONS",
    "READ_NOTIFICATIONS",
    "POST_NOTIFICATIONS",
}

DEFAULT, QUIRKS = False, True


@dataclass(frozen=True)
class Different:
    """What may differ in a recording: ``what`` are patterns, of which each must be found."""

    name: str
    modes: tuple[bool, ...]
    what: tuple[str, ...]
    reason: str


BOTH = (DEFAULT, QUIRKS)
ONLY_DEFAULT = (DEFAULT,)

DIFFERENCES = [
    Different(
        "1_start",
        BOTH,
        ("glasses 1: set_location_tier * came -1.1 s",),
        "Ours says so at once, the recorded one with the subscriptions, about a second later.",
    ),
    Different(
        "5_refusals",
        BOTH,
        ("glasses 1: extra set_location_tier at 1.4",),
        "The recorded wearer had started an app earlier; it is said once in a user session.",
    ),
    Different(
        "2_events",
        BOTH,
        (
            "glasses microphone: extra microphone True pcm False at 9.1",
            "glasses microphone: extra microphone False False at 45.1",
        ),
        "Ours turns the microphone off as soon as nobody listens, not seconds later or never.",
    ),
    Different(
        "2_events",
        BOTH,
        ("app 3: data_stream transcription:es-ES[?]* uno False * before * uno dos True *",),
        "There each stream has a recogniser of its own; ours gives a text to both in turn.",
    ),
    Different(
        "4b_keepalive",
        BOTH,
        ("glasses microphone: missing microphone False False at 1.0",),
        "Belongs to what went before the recording.",
    ),
    Different(
        "4_requests",
        BOTH,
        ("app c51: GET /api/sdk/version: *", "app c53: GET /api/tts[?]text=hi: *"),
        "The recorded cloud had no network: ours knows the version, and speaks silence.",
    ),
    Different(
        "5_refusals",
        BOTH,
        ("glasses microphone: missing microphone False True at 43.2",),
        "There bypassVad keeps its old value for a moment when the microphone is turned off.",
    ),
    Different(
        "5_refusals",
        BOTH,
        ("glasses 4: extra display_event * at 52.2",),
        "The recording ends in the middle of a failed start.",
    ),
    Different(
        "6_losses",
        BOTH,
        ("app 8 pings: extra ping at *",),
        "The recorded cloud has forgotten this socket, and does not even ping it.",
    ),
    *(
        Different(
            name,
            ONLY_DEFAULT,
            ("app *: tpa_connection_ack: config is extra: *",),
            "Newer clouds send the configuration.",
        )
        for name in (
            "1_start",
            "4_requests",
            "5_refusals",
            "6_losses",
            "6b_stop_after_reconnection",
        )
    ),
    Different(
        "2_events",
        ONLY_DEFAULT,
        ("app 3: data_stream location_update: data.altitude is extra: '35'",),
        "An altitude that the phone reports is passed on.",
    ),
    Different(
        "3b_rapid_displays",
        ONLY_DEFAULT,
        (
            "glasses 1: missing display_event main text_wall 250 ms, number [246] *",
            "glasses 1: missing display_event main text_wall second *",
        ),
        "An older display does not come after a newer one.",
    ),
    Different(
        "4_requests",
        ONLY_DEFAULT,
        (
            "app 4: extra app_direct_message_response at *",
            "app 4: extra app_room_updated at *",
            "app c56: POST /api/app-communication/discover-users: *",
        ),
        "Newer clouds know about other users.",
    ),
    Different(
        "5_refusals",
        ONLY_DEFAULT,
        ("app 26: extra permission_error at 41.4",),
        "Newer clouds say which streams lack a permission.",
    ),
    *(
        Different(
            name,
            ONLY_DEFAULT,
            (f"glasses {sock}: missing connection_ack at *",),
            "A phone that comes back is greeted once.",
        )
        for name, sock in (("5_refusals", 4), ("6_losses", 2))
    ),
    Different(
        "5_refusals",
        ONLY_DEFAULT,
        (
            "app hooks: missing /webhook stop_request com.example.nocam at 45.1",
            "app hooks: missing /webhook session_request com.example.nocam at 45.2",
            "app 27: missing tpa_connection_ack at 45.2",
            "app 27: extra tpa_connection_error APP_NOT_STARTED at 45.2",
            "app 27: extra close at 45.2",
            "glasses *: * at 4[567].*",
        ),
        "A stopped app stays stopped, though it had lost a connection less than 5 s before.",
    ),
    Different(
        "6_losses",
        ONLY_DEFAULT,
        (
            "app hooks: missing /webhook stop_request com.example.loss at 47.0",
            "app hooks: missing /webhook session_request com.example.loss at 47.0",
            "app 8: extra data_stream button_press at 42.5",
            "glasses 1: missing display_event * at 4[78].*",
        ),
        "An old socket that closes does no harm to the one that took its place.",
    ),
    Different(
        "6_losses",
        ONLY_DEFAULT,
        ("glasses 1: missing display_event main text_wall * at 57.3",),
        "The boot screen of a failed start is over with it.",
    ),
    Different(
        "6b_stop_after_reconnection",
        ONLY_DEFAULT,
        (
            "app hooks: missing /webhook * at 5.0",
            "app hooks: missing /webhook stop_request com.example.raw at 10.1",
            "app 5: missing * at *",
            "app 5: extra tpa_connection_error APP_NOT_STARTED at 5.0",
            "app 5: extra close at 5.0",
            "glasses 1: missing * at *",
        ),
        "A stopped app stays stopped, though it had lost a connection less than 5 s before.",
    ),
]


def played(name: str, quirks: bool) -> list[str]:
    """What differs when a recording is played."""
    replay = Replay(SCENES[name], config(), quirks=quirks)
    replay.add_app(OTHER_APP, "Conformance", config(), MICROPHONE_ONLY)
    try:
        seen = replay.play()
    finally:
        replay.stop()
    return differences(heard(lines_of(name)), seen)


def told(difference: str, pattern: str) -> bool:
    """Whether a pattern means a difference; line ends and double spaces do not count."""
    return fnmatchcase(" ".join(difference.split()), pattern)


@pytest.mark.parametrize("quirks", BOTH, ids=("default", "quirks"))
@pytest.mark.parametrize("name", SCENES)
def test_a_recording_is_played(name: str, quirks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # The recorded cloud's recogniser was a stand-in, which spoke as fast as this.
    monkeypatch.setattr(limits, "WORD_SECONDS", 0.03)
    monkeypatch.setattr(limits, "FINAL_SECONDS", 0.03)
    found = played(name, quirks)
    patterns = [
        pattern
        for one in DIFFERENCES
        if one.name == name and quirks in one.modes
        for pattern in one.what
    ]
    unknown = [text for text in found if not any(told(text, pattern) for pattern in patterns)]
    assert unknown == []
    idle = [pattern for pattern in patterns if not any(told(text, pattern) for text in found)]
    assert idle == [], "these differences are none any more"


def test_every_recording_is_played() -> None:
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(SCENES)
    assert {one.name for one in DIFFERENCES} <= set(SCENES)


@pytest.mark.parametrize(
    ("limit", "seconds", "name"),
    [
        ("BOOT_SECONDS", 1.2, "1_start"),
        ("PING_INTERVAL", 11.0, "1_start"),
        ("GRACE", 4.7, "6_losses"),
        ("GLASSES_GONE", 59.7, "6_losses"),
        ("WEBHOOK_TIMEOUT", 9.7, "6_losses"),
        ("KEEP_ALIVE_INTERVAL", 14.7, "4b_keepalive"),
    ],
)
def test_a_wrong_time_is_found(
    limit: str, seconds: float, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, limit, seconds)
    right = [text for one in DIFFERENCES if one.name == name for text in one.what]
    found = played(name, QUIRKS)
    assert [text for text in found if not any(told(text, pattern) for pattern in right)] != []
