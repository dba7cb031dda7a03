"""``session.audio``: speaking and playing, and every way in which that ends."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cloud import SOON, AppSocket, Calls, Scene, scene_fixture  # noqa: F401

from mentra_sync import AppSession, RequestTimeout, SessionEnded


def answering(there: AppSocket, **fields: Any) -> None:
    """Have every play answered so."""
    there.answers["audio_play_request"] = lambda frame: {
        "type": "audio_play_response",
        "requestId": frame["requestId"],
        **fields,
    }


class Play:
    """A call on a thread of its own."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(function,))
        self._thread.start()

    def _run(self, function: Callable[[], Any]) -> None:
        try:
            self.result = function()
        except Exception as error:
            self.error = error

    @property
    def waiting(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> Any:
        self._thread.join(10)
        assert not self.waiting
        if self.error is not None:
            raise self.error
        return self.result


def test_speaking(scene: Scene):
    session, there = scene.session()
    answering(there, success=True, duration=1234)
    result = session.audio.play_tts("Hello & good bye + ü")
    assert (result.success, result.error, result.duration) == (True, None, 1234)
    assert result
    frame = there.wait("audio_play_request")
    assert (frame["volume"], frame["stopOtherAudio"], frame["trackId"]) == (1.0, True, 2)
    url = urlsplit(frame["audioUrl"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{session.http_url}/api/tts"
    assert session.http_url == f"http://127.0.0.1:{scene.cloud.port}"
    assert parse_qs(url.query) == {"text": ["Hello & good bye + ü"]}


def test_the_voice(scene: Scene):
    session, there = scene.session()
    answering(there, success=True)
    session.audio.speak(
        "a", voice_id="v 1", model_id="m/2", voice_settings={"speed": 1.5}, volume=0.5, track_id=1
    )
    frame = there.wait("audio_play_request")
    assert (frame["volume"], frame["trackId"]) == (0.5, 1)
    query = parse_qs(urlsplit(frame["audioUrl"]).query)
    assert json.loads(query.pop("voice_settings")[0]) == {"speed": 1.5}
    assert query == {"text": ["a"], "voice_id": ["v 1"], "model_id": ["m/2"]}


def test_playing(scene: Scene):
    session, there = scene.session()
    answering(there, success=True)
    assert session.audio.play_audio("https://a.example/b.mp3")
    frame = there.wait("audio_play_request")
    assert frame["audioUrl"] == "https://a.example/b.mp3"
    assert (frame["volume"], frame["stopOtherAudio"], frame["trackId"]) == (1.0, True, 0)


def test_a_failure_is_a_false_result(scene: Scene):
    session, there = scene.session()
    answering(there, success=False, error="no such file")
    result = session.audio.play_audio("https://a.example/b.mp3")
    assert not result and not result.success
    assert result.error == "no such file"


def test_no_answer_in_time(scene: Scene):
    session, there = scene.session()
    play = Play(lambda: session.audio.play_tts("hello", timeout=0.05))
    request = there.wait("audio_play_request")
    with pytest.raises(RequestTimeout, match="timeout="):
        play.wait()
    there.send({"type": "audio_play_response", "requestId": request["requestId"], "success": True})
    answering(there, success=False)
    assert not session.audio.play_tts("again"), "the late answer is nobody's"


def test_no_limit(scene: Scene):
    session, there = scene.session()
    play = Play(lambda: session.audio.play_tts("hello", timeout=None))
    request = there.wait("audio_play_request")
    there.send({"type": "audio_play_response", "requestId": request["requestId"], "success": True})
    assert play.wait()


@pytest.mark.parametrize("options", [{"wait": False}, {"stop_other_audio": False}])
def test_not_waiting(scene: Scene, options: dict[str, Any]):
    session, there = scene.session()
    result = session.audio.play_tts("hello", **options)
    assert result.success and result.error is None
    frame = there.wait("audio_play_request")
    assert frame["stopOtherAudio"] is options.get("stop_other_audio", True)


@pytest.mark.parametrize(("track", "ends"), [(None, True), (2, True), (0, False), (1, False)])
def test_stopping(scene: Scene, track: int | None, ends: bool):
    session, there = scene.session()
    play = Play(lambda: session.audio.play_tts("hello"))
    request = there.wait("audio_play_request")
    session.audio.stop_audio(track)
    stop = there.wait("audio_stop_request")
    assert stop.get("trackId") == track and ("trackId" in stop) == (track is not None)
    if ends:
        result = play.wait()
        assert (result.success, result.error) == (False, "stopped")
    else:
        time.sleep(SOON)
        assert play.waiting
        there.send(
            {"type": "audio_play_response", "requestId": request["requestId"], "success": True}
        )
        assert play.wait().success


@pytest.mark.parametrize("wait", [True, False])
def test_another_play_takes_over(scene: Scene, wait: bool):
    session, there = scene.session()
    first = Play(lambda: session.audio.play_tts("first"))
    there.wait("audio_play_request")
    answering(there, success=True)
    assert session.audio.play_audio("https://a.example/b.mp3", wait=wait)
    result = first.wait()
    assert (result.success, result.error) == (False, "interrupted")


def test_a_play_beside_it_does_not(scene: Scene):
    session, there = scene.session()
    first = Play(lambda: session.audio.play_tts("first"))
    request = there.wait("audio_play_request")
    session.audio.play_audio("https://a.example/b.mp3", stop_other_audio=False)
    there.wait("audio_play_request", 2)
    time.sleep(SOON)
    assert first.waiting
    there.send({"type": "audio_play_response", "requestId": request["requestId"], "success": True})
    assert first.wait()


def test_the_end_of_the_session(scene: Scene):
    session, there = scene.session()
    play = Play(lambda: session.audio.play_tts("first"))
    there.wait("audio_play_request")
    session.disconnect()
    with pytest.raises(SessionEnded):
        play.wait()
    for call in (lambda: session.audio.play_tts("x"), session.audio.stop_audio):
        with pytest.raises(SessionEnded):
            call()


def test_stop_is_heard_while_something_is_spoken(scene: Scene):
    order: list[Any] = []
    done = threading.Event()

    def main(session: AppSession) -> None:
        @session.events.on_button_press
        def read(press: Any) -> None:
            order.append("reading")
            result = session.audio.play_tts("a long story")
            order.append(result.error)
            done.set()

        @session.events.on_transcription
        def heard(data: Any) -> None:
            order.append(data.text)
            session.audio.stop_audio()
            order.append("told to stop")

    _, there = scene.session(main)
    there.wait_streams("button_press", "transcription:en-US")
    there.press()
    there.wait("audio_play_request")
    there.say("stop")
    done.wait(10)
    assert order == ["reading", "stop", "told to stop", "stopped"]


def test_settings_that_no_voice_takes(scene: Scene):
    session, _ = scene.session()
    endless: list[Any] = []
    endless.append(endless)
    for settings in ("fast", 5):
        with pytest.raises(TypeError, match="voice_settings must be a dict"):
            session.audio.play_tts("a", voice_settings=settings)  # type: ignore[arg-type]
    for value in (float("nan"), object(), endless):
        with pytest.raises(ValueError, match="voice_settings must be made of"):
            session.audio.play_tts("a", voice_settings={"speed": value})


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a: a.play_tts(""),
        lambda a: a.play_tts("  \n"),
        lambda a: a.play_tts(None),
        lambda a: a.play_tts(5),
        lambda a: a.play_audio(""),
        lambda a: a.play_audio(None),
        lambda a: a.play_tts("a", volume=-0.1),
        lambda a: a.play_tts("a", volume=1.1),
        lambda a: a.play_tts("a", volume="1"),
        lambda a: a.play_tts("a", volume=float("nan")),
        lambda a: a.play_tts("a", track_id=3),
        lambda a: a.play_tts("a", track_id=-1),
        lambda a: a.play_tts("a", track_id="2"),
        lambda a: a.stop_audio(3),
        lambda a: a.play_tts("a", voice_id=5),
        lambda a: a.play_tts("a", voice_settings=5),
        lambda a: a.play_tts("a", voice_settings={"a": float("nan")}),
    ],
)
def test_what_is_refused_is_not_sent(scene: Scene, wrong: Callable[[Any], Any]):
    session, there = scene.session()
    with pytest.raises((ValueError, TypeError)):
        wrong(session.audio)
    session.layouts.show_text_wall("marker")
    there.wait_text("marker")
    assert there.all("audio_play_request") == there.all("audio_stop_request") == []


def test_answers_that_nobody_waits_for(scene: Scene):
    heard = Calls()
    session, there = scene.session()
    session.events.on_error(heard.one)
    there.send({"type": "audio_play_response", "requestId": "?", "success": True})
    answering(there, success=True)
    assert session.audio.play_tts("hello")
    assert heard.all == []


def test_a_file_of_this_machine_is_warned_of(scene: Scene, caplog: pytest.LogCaptureFixture):
    session, there = scene.session()
    session.audio.play_audio("song.mp3", wait=False)
    assert "'song.mp3' is no address" in caplog.text and "public_dir" in caplog.text
    there.wait("audio_play_request")
    caplog.clear()
    session.audio.play_audio("https://example.com/song.mp3", wait=False)
    assert caplog.text == ""


def test_of_two_plays_at_once_one_ends_the_other(scene: Scene):
    """Nothing comes between ending what plays and being played oneself."""
    session, there = scene.session()
    together = threading.Barrier(2)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for count in range(2, 402, 2):
            results = Calls()

            def play(results: Calls = results) -> None:
                together.wait(10)
                results(session.audio.play_audio("https://x/", timeout=5))

            threads = [threading.Thread(target=play) for _ in range(2)]
            for thread in threads:
                thread.start()
            there.wait("audio_play_request", count)
            assert results.wait()[0].error == "interrupted"
            session.audio.stop_audio()
            for thread in threads:
                thread.join(10)
            assert [one.error for one in results.values] == ["interrupted", "stopped"]
    finally:
        sys.setswitchinterval(before)
