"""Sessions whose connection is lost and comes back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from background import Call
from cloud import KEY, SOON, USER, AppSocket, Calls, Scene, quick_fixture, scene_fixture, wait_until  # noqa: F401
from runtime.fake_cloud import TEXT

from mentra_sync import AppSession, RequestTimeout, SessionEnded, StreamError, config

pytestmark = pytest.mark.usefixtures("quick")


def test_a_lost_connection_comes_back(scene: Scene):
    connected, disconnected, stopped, heard = Calls(), Calls(), Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_connected(lambda: connected(session.connected))
        session.events.on_disconnected(disconnected.one)
        session.events.on_button_press(heard.one)
        session.events.on_head_position(heard.one)

    app = scene.app(main, on_stop=stopped)
    old = scene.start(app)
    old.wait_streams("button_press", "head_position")
    session = app.sessions[0]
    old.drop()
    (how,) = disconnected.wait()
    assert not how.permanent and how.code is None
    new = scene.accept()
    assert new.init["sessionId"] == session.session_id and new.init["apiKey"] == KEY
    assert connected.wait(2)[1] is True, "in a handler of on_connected it is"
    new.wait("subscription_update")
    assert new.frames[0]["type"] == "subscription_update"
    new.wait_streams("button_press", "head_position")
    assert session.connected and app.sessions == [session]
    new.press()
    heard.wait()
    assert stopped.all == [] and len(disconnected.all) == 1


def test_the_close_code_is_told(scene: Scene):
    disconnected = Calls()
    app = scene.app(lambda s: s.events.on_disconnected(disconnected.one))
    there = scene.start(app)
    there.wait_streams()
    there.close_with(1011, "internal error")
    (how,) = disconnected.wait()
    assert (how.code, how.reason, how.permanent) == (1011, "internal error", False)
    scene.accept()


def test_the_last_display_of_each_view_is_sent_again(scene: Scene):
    session, old = scene.session()
    session.layouts.show_text_wall("old")
    session.layouts.show_text_wall("still there", duration_ms=60_000)
    session.layouts.show_dashboard_card("left", "right")
    old.wait("display_event", 3)
    time.sleep(0.02)
    old.drop()
    new = scene.accept()
    new.wait("display_event", 2)
    shown = {frame["view"]: frame for frame in new.all("display_event")}
    assert shown["main"]["layout"] == {"layoutType": "text_wall", "text": "still there"}
    assert 50_000 < shown["main"]["durationMs"] < 60_000
    assert shown["dashboard"]["layout"]["leftText"] == "left"
    assert "durationMs" not in shown["dashboard"]
    time.sleep(SOON)
    assert len(new.all("display_event")) == 2


def test_a_display_that_is_over_is_not(scene: Scene):
    session, old = scene.session()
    session.layouts.show_text_wall("gone soon", duration_ms=1)
    old.wait_text("gone soon")
    time.sleep(0.01)
    old.drop()
    new = scene.accept()
    new.wait("subscription_update")
    time.sleep(SOON)
    assert new.all("display_event") == []


def test_a_display_shown_while_the_app_starts_is_sent_again_too(scene: Scene):
    """Before the app has subscribed to anything."""
    go_on = threading.Event()

    def main(session: AppSession) -> None:
        session.layouts.show_text_wall("Welcome!")
        go_on.wait(10)

    app = scene.app(main)
    old = scene.start(app)
    old.wait_text("Welcome!")
    old.drop()
    new = scene.accept()
    new.wait_text("Welcome!")
    assert app.sessions[0].connected
    go_on.set()


def test_commands_of_the_gap_go_out_in_order_after_the_acknowledgement(scene: Scene):
    disconnected = threading.Event()
    app = scene.app(lambda s: s.events.on_disconnected(disconnected.set))
    old = scene.start(app)
    old.wait_streams()
    session = app.sessions[0]
    old.drop()
    disconnected.wait(10)
    for volume in range(5):
        session.audio.play_audio("http://a.example/b.mp3", volume=volume / 10, wait=False)
    for text in ("one", "two", "three"):
        session.layouts.show_text_wall(text)
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    peer.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        peer.read_text()
    peer.sock.settimeout(10)
    peer.ack()
    new = scene.take(peer)
    new.wait("audio_play_request", 5)
    volumes = [frame["volume"] for frame in new.all("audio_play_request")]
    assert volumes == [0, 0.1, 0.2, 0.3, 0.4]
    new.wait_text("three")
    assert new.texts() == ["three"], "the newest display of a view wins"
    assert new.frames[0]["type"] == "subscription_update"


def test_a_blocking_call_survives(scene: Scene):
    session, old = scene.session()
    old.wait_streams()
    results = Calls()
    speaking = threading.Thread(target=lambda: results(session.audio.play_tts("hello")))
    speaking.start()
    request = old.wait("audio_play_request")
    old.drop()
    new = scene.accept()
    new.wait("subscription_update")
    new.send({"type": "audio_play_response", "requestId": request["requestId"], "success": True})
    speaking.join(10)
    assert results.values[0].success
    assert new.all("audio_play_request") == [], "what was written is never repeated"


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda s: s.camera.request_photo(timeout=0.05), "photo_request"),
        (lambda s: s.camera.start_managed_stream(timeout=0.05), "managed_stream_request"),
        (lambda s: s.camera.check_existing_stream(timeout=0.05), "stream_status_check"),
        (lambda s: s.audio.play_tts("hello", timeout=0.05), "audio_play_request"),
        (lambda s: s.location.get_latest_location(timeout=0.05), "location_poll_request"),
        (lambda s: s.users.send("b@example.com", {}, timeout=0.05), "app_direct_message"),
    ],
)
def test_a_request_that_was_given_up_in_the_gap_is_not_sent(
    scene: Scene, ask: Callable[[AppSession], object], kind: str
):
    disconnected = threading.Event()
    session, old = scene.session(lambda s: s.events.on_disconnected(disconnected.set))
    old.wait_streams()
    old.drop()
    disconnected.wait(10)
    peer = scene.cloud.accept_websocket()
    with pytest.raises(RequestTimeout):
        ask(session)
    session.audio.stop_audio()
    peer.introduce()
    peer.ack()
    new = scene.take(peer)
    new.wait("audio_stop_request")
    assert new.all(kind) == [], "nobody waits for its answer"
    assert not session.camera.is_managed_stream_active


def test_a_stream_that_was_never_asked_for_has_no_end(scene: Scene):
    """The end that comes is the one of the stream which took its place in the gap."""
    disconnected, ended = threading.Event(), Calls()
    session, old = scene.session(lambda s: s.events.on_disconnected(disconnected.set))
    camera = session.camera

    def begin() -> None:
        with pytest.raises(StreamError) as raised:
            camera.start_managed_stream(timeout=None)
        ended(raised.value.code)

    def begin_anew() -> None:
        camera.stop_managed_stream()
        begin()

    old.wait_streams()
    old.drop()
    assert disconnected.wait(10)
    peer = scene.cloud.accept_websocket()
    session.after(0, begin)
    wait_until(lambda: camera.is_managed_stream_active)
    session.after(0, begin_anew)
    assert ended.wait() == ["STOPPED"]
    peer.introduce()
    peer.ack()
    new = scene.take(peer)
    new.wait("managed_stream_request")
    new.send({"type": "managed_stream_status", "status": "error", "message": "no more room"})
    ended.wait(2)
    assert not camera.is_managed_stream_active
    assert len(new.all("managed_stream_request")) == 1


def test_a_request_that_is_waited_for_in_the_gap_is_sent(scene: Scene):
    disconnected = threading.Event()
    session, old = scene.session(lambda s: s.events.on_disconnected(disconnected.set))
    old.wait_streams()
    old.drop()
    disconnected.wait(10)
    peer = scene.cloud.accept_websocket()
    spoken = Call(lambda: session.audio.play_tts("hello"))
    wait_until(lambda: session._link.replies.kinds)
    peer.introduce()
    peer.ack()
    new = scene.take(peer)
    request = new.wait("audio_play_request")
    new.send({"type": "audio_play_response", "requestId": request["requestId"], "success": True})
    assert spoken.outcome.success


def test_waiting_calls_hear_what_comes_afterwards(scene: Scene):
    said = Calls()
    app = scene.app(lambda s: said(s.listen()))
    old = scene.start(app)
    old.wait_streams("transcription:en-US")
    old.drop()
    new = scene.accept()
    new.wait_streams("transcription:en-US")
    new.say("back again")
    assert said.wait() == ["back again"]


def test_a_refused_request_brings_the_session_back_at_once(scene: Scene):
    errors, stopped = Calls(), Calls()
    app = scene.app(lambda s: s.events.on_error(errors.one), on_stop=stopped)
    old = scene.start(app)
    old.wait_streams()
    error = {"type": "tpa_connection_error", "code": "INTERNAL_ERROR", "message": "no glasses"}
    old.send(error)
    old.close_with(1008, "no glasses")
    scene.accept().wait("subscription_update")
    assert "no glasses" in str(errors.wait()[0])
    assert errors.values[0].code == "INTERNAL_ERROR"
    assert stopped.all == []


@pytest.mark.parametrize("kind", ["connection_error", "websocket_error", "tpa_connection_error"])
def test_an_error_on_a_live_session_is_an_event_and_no_more(scene: Scene, kind: str):
    errors, heard = Calls(), Calls()

    def main(session: AppSession) -> None:
        session.events.on_error(errors.one)
        session.events.on_button_press(heard.one)

    there = scene.start(scene.app(main))
    there.wait_streams("button_press")
    there.send({"type": kind, "code": "STRANGE", "message": "something"})
    there.press()
    heard.wait()
    assert "something" in str(errors.wait()[0])


def test_a_stop_while_reconnecting(scene: Scene):
    disconnected, stopped = threading.Event(), Calls()
    app = scene.app(lambda s: s.events.on_disconnected(disconnected.set), on_stop=stopped)
    there = scene.start(app)
    there.wait_streams()
    there.drop()
    disconnected.wait(10)
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    assert scene.post(app, "/webhook", scene.stop_body()).status == 200
    assert stopped.wait()[0][2] == "user_disabled"
    assert app.sessions == []
    peer.wait_gone()
    assert scene.cloud.nobody_comes(SOON)


def test_a_resurrection_while_reconnecting(scene: Scene):
    """APP_NOT_STARTED is waited out; the webhook brings the session back."""
    began, stopped = Calls(), Calls()
    app = scene.app(began, on_stop=stopped)
    there = scene.start(app)
    there.drop()
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    peer.refuse("APP_NOT_STARTED")
    assert scene.post(app, "/webhook", scene.stop_body()).status == 200
    webhook = scene.posting(app, "/webhook", scene.start_body())
    while True:
        try:
            scene.accept()
            break
        except (OSError, EOFError):
            continue  # the last attempt of the old session
    assert webhook.answer().status == 200
    began.wait(2)
    assert [reason for _, _, reason in stopped.wait()] == ["user_disabled"]
    assert len(app.sessions) == 1


def test_nothing_is_sent_twice_by_waiting_too_short(scene: Scene):
    disconnected = threading.Event()
    session, old = scene.session(lambda s: s.events.on_disconnected(disconnected.set))
    old.wait_streams()
    old.drop()
    disconnected.wait(10)
    with pytest.raises(RequestTimeout):
        session.audio.play_tts("hello", timeout=0.01)
    new = scene.accept()
    new.wait("subscription_update")


def test_too_much_in_the_gap(scene: Scene):
    disconnected = threading.Event()
    session, old = scene.session(lambda s: s.events.on_disconnected(disconnected.set))
    old.wait_streams()
    old.drop()
    disconnected.wait(10)
    peer = scene.cloud.accept_websocket()
    with pytest.raises(ConnectionError, match=r"1000|1,000"):
        for _ in range(1001):
            session.audio.stop_audio()
    peer.introduce()
    peer.ack()
    new = scene.take(peer)
    new.wait("audio_stop_request", 1000)


def test_the_key_is_in_no_log(scene: Scene, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    seen: list[Any] = []

    def main(session: AppSession) -> None:
        seen.append((repr(session), str(session.__dict__)))
        session.events.on_error(seen.append)
        raise RuntimeError("my mistake")

    app = scene.app(main)
    there = scene.start(app)
    session = app.sessions[0]
    there.send({"type": "data_stream", "streamType": "button_press", "data": {}})
    there.send_text("no JSON")
    there.send({"type": "tpa_connection_error", "code": "ODD", "message": "odd"})
    wait_until(lambda: len(seen) >= 2)
    with pytest.raises(Exception) as refused:
        session.settings.fetch()
    there.drop()
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    peer.refuse("INVALID_API_KEY")
    wait_until(lambda: session.ended)
    with pytest.raises(SessionEnded) as ended:
        session.listen()
    scene.posting(app, "/webhook", {**scene.start_body(), "augmentOSWebsocketUrl": "wss://x.y/"})
    webhook = scene.posting(app, "/webhook", scene.start_body())
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    peer.refuse("INVALID_API_KEY")
    answer = webhook.answer()
    tool = scene.post(app, "/tool", {"toolId": "t", "userId": USER}, headers={"X-App-API-Key": "x"})
    everything = [caplog.text, repr(app), str(refused.value), repr(ended.value), answer.body]
    everything += [tool.body, seen, repr(session._link), repr(session._link.identity)]
    assert KEY not in str(everything)
    for record in caplog.records:
        assert KEY not in str(record.__dict__)


DEEP = "[" * 1000 + "]" * 1000
"""JSON that a parser takes, and that is nested more deeply than code of Python goes."""


def test_an_ack_that_cannot_be_read_is_followed_by_the_subscriptions(scene: Scene):
    settings = f'[{{"key":"k","value":{DEEP}}}]'

    def accept() -> AppSocket:
        peer = scene.cloud.accept_websocket()
        peer.introduce()
        peer.send(TEXT, f'{{"type":"tpa_connection_ack","settings":{settings}}}'.encode())
        return scene.take(peer)

    app = scene.app(lambda session: session.events.on_button_press(Calls().one))
    webhook = scene.posting(app, "/webhook", scene.start_body())
    there = accept()
    assert webhook.answer().status == 200
    there.wait_streams("button_press")
    there.close_with(1012, "restart")
    accept().wait_streams("button_press")


def test_a_second_ack_on_one_connection_is_followed_by_the_subscriptions(scene: Scene):
    _, there = scene.session(lambda session: session.events.on_button_press(Calls().one))
    there.wait_streams("button_press")
    there.send({"type": "tpa_connection_ack"})
    there.wait("subscription_update", 2)
    there.settle()
    assert [update["subscriptions"] for update in there.all("subscription_update")] == [
        ["button_press"]
    ] * 2


def test_what_comes_before_the_app_is_ready_survives_a_frame_that_makes_no_sense(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "HOLD_AT_START", 60.0)
    ready = threading.Event()
    pressed = Calls()

    def main(session: AppSession) -> None:
        assert ready.wait(10)
        session.events.on_button_press(lambda press: pressed(press.button_id))

    _, there = scene.session(main)
    there.press("before")
    there.send_text(f'{{"type":"data_stream","streamType":{DEEP}}}')
    there.press("after")
    there.settle()
    ready.set()
    assert pressed.wait(2) == ["before", "after"]
