"""Audio: who speaks, when it is over, and that the app always gets its answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from raw_app import RawApp, RawSocket
from still_clock import StillClock

from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.schedule import Schedule
from mentra_sync.simulator.speaker import Speaker

TEN_SECONDS_OF_TEXT = "x" * 150


def test_the_app_hears_of_the_end_before_the_page_does() -> None:
    told: list[str] = []
    speaker = Speaker(
        Schedule(StillClock(), "mentra-sim-test"),
        answer=lambda frame: told.append("the app"),
        tell=lambda message: told.append(message["state"]),
        realistic=False,
    )
    speaker.play({"requestId": "r1", "audioUrl": "http://x/api/tts?text=hi"}, None)
    assert told == ["speaking", "the app", "spoken"]


class Stage:
    """A running app at a realistic simulator whose session time a test moves."""

    def __init__(self, app: RawApp, simulator: Simulator, clock: StillClock) -> None:
        self.app = app
        self.simulator = simulator
        self.clock = clock
        self.glasses = simulator.glasses

    def speak(self, request_id: str, text: str, **fields: Any) -> None:
        url = f"{self.simulator.url}api/tts?text={text}"
        self.app.send("audio_play_request", requestId=request_id, audioUrl=url, **fields)

    def pass_time(self, seconds: float) -> None:
        """Let session time pass, doing on the way what is due."""
        self.clock.to(self.clock.now() + seconds, lambda: self.simulator.quiet)

    def answers(self) -> list[dict[str, Any]]:
        """The answers that the app has by now."""
        before = len(self.app.socket.seen.items)
        self.app.send("stream_status_check")
        self.app.socket.wait("stream_status_check_response", after=before)
        fields = ("requestId", "success", "duration", "error")
        return [
            {name: frame[name] for name in fields if name in frame}
            for frame in self.app.socket.seen.all()
            if frame["type"] == "audio_play_response"
        ]


@pytest.fixture
def stage(app: RawApp, simulate: Callable[..., Simulator]) -> Stage:
    clock = StillClock()
    simulator = simulate(realistic=True, clock=clock)
    assert simulator.start_app()
    app.wait_connected()
    return Stage(app, simulator, clock)


@pytest.fixture
def page(stage: Stage, open_socket: Callable[..., RawSocket]) -> Iterator[RawSocket]:
    """A page, as the glasses' socket sees it."""
    yield open_page(stage, open_socket)


def open_page(stage: Stage, open_socket: Callable[..., RawSocket]) -> RawSocket:
    token = stage.simulator.token_of()
    raw = open_socket(f"{stage.simulator.url.replace('http', 'ws')}glasses-ws?token={token}")
    raw.send({"type": "connection_init"})
    raw.wait("microphone_state_change")
    return raw


def test_without_a_page_speech_takes_its_time(stage: Stage) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    assert stage.glasses.spoken.wait_for(TEN_SECONDS_OF_TEXT)
    stage.pass_time(9.9)
    assert stage.answers() == []
    stage.pass_time(0.2)
    assert stage.answers() == [{"requestId": "r1", "success": True, "duration": 10_000}]


def test_a_page_that_does_not_begin_is_not_waited_for(stage: Stage, page: RawSocket) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    request = page.wait("audio_play_request")
    assert request["requestId"] == "r1"
    assert "trackId" not in request
    # The time counts from the request, not from when the page was given up.
    stage.pass_time(9.9)
    assert stage.answers() == []
    stage.pass_time(0.2)
    assert stage.answers() == [{"requestId": "r1", "success": True, "duration": 10_000}]
    # Too late: it has been answered.
    page.send({"type": "audio_play_response", "requestId": "r1", "success": False})
    assert len(stage.answers()) == 1


def test_a_page_that_speaks_has_the_last_word(stage: Stage, page: RawSocket) -> None:
    stage.speak("r1", "hi")
    page.wait("audio_play_request")
    stage.glasses.speech_began("r1")
    stage.pass_time(9.9)
    assert stage.answers() == []
    page.send({"type": "audio_play_response", "requestId": "r1", "success": True, "duration": 700})
    stage.app.socket.wait("audio_play_response")
    assert stage.answers() == [{"requestId": "r1", "success": True, "duration": 700}]


def test_a_page_that_falls_silent_is_given_up(stage: Stage, page: RawSocket) -> None:
    stage.speak("r1", "hi")
    page.wait("audio_play_request")
    stage.glasses.speech_began("r1")
    stage.pass_time(12)
    assert [answer["success"] for answer in stage.answers()] == [True]


def test_a_page_that_cannot_speak_leaves_it_to_the_glasses(stage: Stage, page: RawSocket) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    page.wait("audio_play_request")
    page.send({"type": "audio_play_response", "requestId": "r1", "success": False, "error": "mute"})
    time.sleep(0.1)  # what must not happen has no sign
    assert stage.answers() == []
    stage.pass_time(10.1)
    assert stage.answers() == [{"requestId": "r1", "success": True, "duration": 10_000}]


def test_a_page_that_is_closed_leaves_it_to_the_glasses(stage: Stage, page: RawSocket) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    page.wait("audio_play_request")
    stage.glasses.speech_began("r1")
    page.close()
    stage.pass_time(10.1)
    stage.app.socket.wait("audio_play_response")
    assert [answer["success"] for answer in stage.answers()] == [True]


def test_only_the_newest_page_speaks(
    stage: Stage, page: RawSocket, open_socket: Callable[..., RawSocket]
) -> None:
    newer = open_page(stage, open_socket)
    stage.speak("r1", "hi")
    newer.wait("audio_play_request")
    stage.app.show("seen on both")
    layout = {"layoutType": "text_wall", "text": "seen on both"}
    stage.pass_time(3)
    newer.wait("display_event", layout=layout)
    page.wait("display_event", layout=layout)
    assert "audio_play_request" not in [frame["type"] for frame in page.seen.all()]


def test_new_audio_stops_the_old(stage: Stage) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    stage.speak("r2", "hi")
    assert stage.glasses.spoken.wait_for("hi")
    stage.pass_time(30)
    assert [answer["requestId"] for answer in stage.answers()] == ["r2"]


def test_audio_can_play_side_by_side(stage: Stage) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    stage.speak("r2", "hi", stopOtherAudio=False)
    assert stage.glasses.spoken.wait_for("hi")
    stage.pass_time(30)
    assert [answer["requestId"] for answer in stage.answers()] == ["r2", "r1"]


def test_audio_can_be_stopped(stage: Stage, page: RawSocket) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    page.wait("audio_play_request")
    stage.app.send("audio_stop_request", trackId=2)
    assert page.wait("audio_stop_request")["appId"] == stage.simulator.app.package_name
    stage.pass_time(30)
    assert stage.answers() == []


def test_stopping_the_app_ends_its_speech(stage: Stage) -> None:
    stage.speak("r1", TEN_SECONDS_OF_TEXT)
    assert stage.glasses.spoken.wait_for("x")
    stage.simulator.stop_app()
    stage.pass_time(30)
    stage.app.sockets[0].wait_closed()  # it has read all by then
    assert stage.app.sockets[0].seen.all()[-1]["type"] == "app_stopped"


def test_other_audio_is_not_fetched(stage: Stage) -> None:
    url = "http://127.0.0.1:1/song.mp3"
    stage.app.send("audio_play_request", requestId="r1", audioUrl=url)
    assert stage.glasses.played.wait_for(url)
    assert stage.glasses.spoken == []
    stage.pass_time(1.1)
    assert stage.answers() == [{"requestId": "r1", "success": True, "duration": 1000}]


def song(stage: Stage, page: RawSocket) -> None:
    """Have the page play a song."""
    url = "http://127.0.0.1:1/song.mp3"
    stage.app.send("audio_play_request", requestId="r1", audioUrl=url)
    page.wait("audio_play_request")


def test_a_song_has_the_time_that_it_takes(stage: Stage, page: RawSocket) -> None:
    song(stage, page)
    stage.glasses.speech_began("r1", 180.0)
    stage.pass_time(179)
    assert stage.answers() == []
    page.send({"type": "audio_play_response", "requestId": "r1", "success": True})
    stage.app.socket.wait("audio_play_response")
    assert stage.answers() == [{"requestId": "r1", "success": True}]


def test_a_page_that_forgets_a_song_is_given_up(stage: Stage, page: RawSocket) -> None:
    song(stage, page)
    stage.glasses.speech_began("r1", 20.0)
    stage.pass_time(49)
    assert stage.answers() == []
    stage.pass_time(2)
    assert stage.answers() == [{"requestId": "r1", "success": True, "duration": 20_000}]


def test_a_song_of_unknown_length_plays_until_the_page_says_so(
    stage: Stage, page: RawSocket
) -> None:
    song(stage, page)
    stage.glasses.speech_began("r1")
    stage.pass_time(600)
    assert stage.answers() == []
    page.send({"type": "audio_play_response", "requestId": "r1", "success": True})
    stage.app.socket.wait("audio_play_response")


def test_the_rest_of_a_song_takes_its_time_without_the_page(stage: Stage, page: RawSocket) -> None:
    song(stage, page)
    stage.glasses.speech_began("r1", 180.0)
    stage.pass_time(100)
    page.close()
    stage.pass_time(79)
    assert stage.answers() == []
    stage.pass_time(1.1)
    stage.app.socket.wait("audio_play_response")
    assert stage.answers() == [{"requestId": "r1", "success": True, "duration": 180_000}]


@pytest.mark.parametrize("seconds", [0, -1.0, math.inf, math.nan])
def test_a_length_that_makes_no_sense(running: Simulator, seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be more than 0"):
        running.glasses.speech_began("r1", seconds)


def test_without_realism_speech_is_over_at_once(running: Simulator, app: RawApp) -> None:
    app.send(
        "audio_play_request", requestId="r1", audioUrl="http://x/api/tts?text=Hello+from+your+app"
    )
    answer = app.socket.wait("audio_play_response")
    assert (answer["success"], answer["sessionId"]) == (
        True,
        f"{running.user_id}-{running.app.package_name}",
    )
    assert running.glasses.spoken == ["Hello from your app"]
    assert running.glasses.spoken.wait_for("your app") == "Hello from your app"
    assert running.glasses.spoken.wait_for(lambda text: text.startswith("Hello"))
    assert running.glasses.spoken.wait_for("something else", timeout=0.01) is None


@pytest.mark.parametrize("request_id", [None, 5, "", "x" * 2000, ["r"]])
def test_what_is_no_request_id_gets_no_answer(
    running: Simulator, app: RawApp, request_id: Any
) -> None:
    app.send("audio_play_request", requestId=request_id, audioUrl="http://x/api/tts?text=no")
    app.send("audio_play_request", requestId="good", audioUrl=["no url"])
    assert app.socket.wait("audio_play_response")["requestId"] == "good"
    assert running.glasses.spoken == []
    assert running.glasses.played == [""]
