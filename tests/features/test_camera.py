"""Photos: asked for on a real socket, uploaded over real HTTP."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from background import Call
from cloud import Scene, quick_fixture, scene_fixture, wait_until
from shoot import CAMERA_DENIED, Shoot, shoot_fixture
from uploads import bluetooth_form, error_form, jpeg, upload, wifi_form

from mentra_sync import (
    AppSession,
    PermissionDenied,
    PhotoData,
    PhotoError,
    PhotoSize,
    RequestFailed,
    RequestTimeout,
    SessionEnded,
)

__all__ = ["quick_fixture", "scene_fixture", "shoot_fixture"]

G1 = {"modelName": "Even Realities G1", "hasCamera": False}


# --- What is asked, and what comes back -------------------------------------------------------


def test_a_photo_comes_back_from_the_call(shoot: Shoot) -> None:
    asked, request = shoot.ask()
    before = datetime.now(timezone.utc)
    data = jpeg()
    status, answer = shoot.upload(wifi_form(request["requestId"], data, name="first.jpg"))
    assert (status, answer["success"], answer["requestId"]) == (200, True, request["requestId"])
    photo = asked.outcome
    assert isinstance(photo, PhotoData)
    assert photo.data == data
    assert (photo.size, photo.mime_type, photo.filename) == (len(data), "image/jpeg", "first.jpg")
    assert photo.request_id == request["requestId"]
    assert before - timedelta(seconds=5) < photo.timestamp < before + timedelta(seconds=20)
    assert photo.timestamp.tzinfo is not None


def test_the_request_has_the_defaults_of_the_protocol(shoot: Shoot) -> None:
    asked, request = shoot.ask()
    assert {key: request[key] for key in ("saveToGallery", "size", "compress")} == {
        "saveToGallery": False,
        "size": "medium",
        "compress": "none",
    }
    assert "customWebhookUrl" not in request
    assert "authToken" not in request
    shoot.upload(wifi_form(request["requestId"], jpeg()))
    assert asked.outcome.size


def test_the_request_says_what_was_asked_for(shoot: Shoot) -> None:
    asked, request = shoot.ask(
        size=PhotoSize.FULL, compress="heavy", save_to_gallery=True, auth_token="t-1"
    )
    assert request["size"] == "full"
    assert request["compress"] == "heavy"
    assert request["saveToGallery"] is True
    assert request["authToken"] == "t-1"
    shoot.upload(wifi_form(request["requestId"], jpeg()), Authorization="Bearer t-1")
    assert asked.outcome.size


def test_a_photo_may_come_over_bluetooth(shoot: Shoot) -> None:
    asked, request = shoot.ask()
    assert shoot.upload(bluetooth_form(request["requestId"], jpeg()))[0] == 200
    assert asked.outcome.filename == "ble.jpg"


def test_the_success_of_a_request_is_not_the_photo(shoot: Shoot) -> None:
    """With saveToGallery it comes before the glasses have done anything."""
    asked, request = shoot.ask(save_to_gallery=True)
    shoot.there.send({"type": "photo_response", "requestId": request["requestId"], "success": True})
    shoot.there.ping(b"after it")
    wait_until(lambda: shoot.there.pongs)
    assert asked.pending
    shoot.upload(wifi_form(request["requestId"], jpeg()))
    assert asked.outcome.size


def test_several_photos_are_on_their_way_at_once(shoot: Shoot) -> None:
    calls = [shoot.ask() for _ in range(5)]
    for number in (3, 0, 4, 2, 1):
        request_id = calls[number][1]["requestId"]
        assert shoot.upload(wifi_form(request_id, jpeg(number + 1, 1)))[0] == 200
    assert [call.outcome.image().width for call, _ in calls] == [1, 2, 3, 4, 5]


def test_sessions_of_several_wearers_get_their_own_photos(scene: Scene) -> None:
    app = scene.app()
    calls = []
    for user in ("ann@example.com", "bob@example.com"):
        there = scene.start(app, user)
        session = app.session_for(user)
        assert session is not None
        asked = Call(session.camera.request_photo)
        calls.append((asked, there.wait("photo_request")["requestId"]))
    for width, (_, request_id) in enumerate(calls, 1):
        assert upload(app.port, wifi_form(request_id, jpeg(width, 1)))[0] == 200
    assert [asked.outcome.image().width for asked, _ in calls] == [1, 2]


def test_with_a_webhook_of_its_own_the_call_returns_at_once(shoot: Shoot) -> None:
    photo = shoot.session.camera.request_photo(custom_webhook_url="https://example.com/p?a=1")
    request = shoot.there.wait("photo_request")
    assert request["customWebhookUrl"] == "https://example.com/p?a=1"
    assert (photo.data, photo.size, photo.request_id) == (b"", 0, request["requestId"])
    assert shoot.upload(wifi_form(request["requestId"], jpeg()))[0] == 404
    with pytest.raises(PhotoError, match="custom_webhook_url"):
        photo.save("nowhere.jpg")
    with pytest.raises(PhotoError, match="custom_webhook_url"):
        photo.image()


def test_other_callbacks_run_while_one_waits_for_its_photo(scene: Scene) -> None:
    order: list[str] = []
    photos: list[PhotoData] = []

    def main(session: AppSession) -> None:
        def pressed(press: Any) -> None:
            order.append(f"{press.button_id} begins")
            if press.button_id == "photo":
                photos.append(session.camera.request_photo())
            order.append(f"{press.button_id} ends")

        session.events.on_button_press(pressed)

    app = scene.app(main)
    there = scene.start(app)
    there.wait_streams("button_press")
    there.press("photo")
    request = there.wait("photo_request")
    there.press("other")
    wait_until(lambda: "other ends" in order)
    upload(app.port, wifi_form(request["requestId"], jpeg()))
    wait_until(lambda: "photo ends" in order)
    assert order == ["photo begins", "other begins", "other ends", "photo ends"]
    assert len(photos) == 1


# --- The photo --------------------------------------------------------------------------------


def photo_of(data: bytes) -> PhotoData:
    return PhotoData(data, "image/jpeg", "p.jpg", "id", len(data), datetime.now(timezone.utc))


def test_a_photo_is_saved_and_opened(tmp_path: Path) -> None:
    data = jpeg(20, 10)
    photo = photo_of(data)
    for path in (tmp_path / "a.jpg", str(tmp_path / "b.jpg")):
        saved = photo.save(path)
        assert saved == Path(path)
        assert saved.read_bytes() == data
    assert photo.image().size == (20, 10)
    assert "p.jpg" in repr(photo)
    assert len(repr(photo)) < 100


@pytest.mark.parametrize("data", [b"no picture at all", jpeg(100, 100)[:300]])
def test_what_is_no_picture_is_a_photo_error(data: bytes) -> None:
    with pytest.raises(PhotoError, match=r"picture|cannot be read"):
        photo_of(data).image()


def test_a_photo_is_not_changed_by_accident() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        photo_of(b"x").data = b"y"  # type: ignore[misc]


# --- Failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"errorCode": "CAMERA_BUSY", "errorMessage": "busy"}, "CAMERA_BUSY", "busy"),
        ({"error": {"code": "FAILED", "message": "no", "details": {"a": 1}}}, "FAILED", "no"),
        ({"error": {"code": "FAILED"}}, "FAILED", "did not say why"),
        ({}, "UNKNOWN_ERROR", "did not say why"),
        ({"error": "nonsense", "errorCode": "OLD"}, "OLD", "did not say why"),
    ],
)
def test_a_failure_ends_the_call_at_once(
    shoot: Shoot, fields: dict[str, Any], code: str, message: str
) -> None:
    asked, request = shoot.ask(timeout=None)
    answer = {"type": "photo_response", "requestId": request["requestId"], "success": False}
    shoot.there.send({**answer, **fields})
    error = asked.outcome
    assert isinstance(error, PhotoError)
    assert isinstance(error, OSError)
    assert error.code == code
    assert message in error.message
    assert shoot.upload(wifi_form(request["requestId"], jpeg()))[0] == 404


def test_a_failure_is_of_one_photo_only(shoot: Shoot) -> None:
    (one, first), (other, second) = shoot.ask(), shoot.ask()
    failure = {"type": "photo_response", "success": False, "errorCode": "X", "errorMessage": "y"}
    shoot.there.send({**failure, "requestId": first["requestId"]}, {**failure, "requestId": "?"})
    assert isinstance(one.outcome, PhotoError)
    shoot.upload(wifi_form(second["requestId"], jpeg()))
    assert other.outcome.size


def test_a_failure_may_come_by_upload(shoot: Shoot) -> None:
    asked, request = shoot.ask()
    body = error_form(request["requestId"], errorCode="DARK", errorMessage="too dark")
    assert shoot.upload(body)[0] == 200
    assert (asked.outcome.code, asked.outcome.message) == ("DARK", "too dark")


def test_no_photo_in_time_is_a_timeout_that_says_where_to_look(shoot: Shoot) -> None:
    asked, request = shoot.ask(timeout=0.05)
    assert isinstance(asked.outcome, RequestTimeout)
    assert isinstance(asked.outcome, TimeoutError)
    assert "/photo-upload" in str(asked.outcome)
    assert shoot.upload(wifi_form(request["requestId"], jpeg()))[0] == 404


def test_glasses_without_a_camera_are_named_after_the_timeout(scene: Scene) -> None:
    shoot = Shoot(scene, ack={"capabilities": G1})
    asked, _ = shoot.ask(timeout=0.05)
    assert "Even Realities G1" in str(asked.outcome)
    assert "no camera" in str(asked.outcome)


def test_the_end_of_the_session_ends_the_call(shoot: Shoot) -> None:
    asked, request = shoot.ask()
    shoot.session.disconnect()
    assert isinstance(asked.outcome, SessionEnded)
    assert shoot.upload(wifi_form(request["requestId"], jpeg()))[0] == 404
    with pytest.raises(SessionEnded):
        shoot.session.camera.request_photo()


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"size": "huge"}, "small, medium, large, full; got 'huge'"),
        ({"size": None}, "got None"),
        ({"compress": "zip"}, "none, medium, heavy; got 'zip'"),
        ({"save_to_gallery": "yes"}, "True or False, got 'yes'"),
        ({"custom_webhook_url": "ftp://x/y"}, 'like "https://example.com/photos".*ftp://x/y'),
        ({"custom_webhook_url": ""}, "https://example.com"),
        ({"custom_webhook_url": "https://"}, "https://example.com"),
        ({"custom_webhook_url": "https://a b/"}, "https://example.com"),
        ({"custom_webhook_url": 5}, "got 5"),
        ({"custom_webhook_url": "http://[bad"}, "https://example.com"),
        ({"auth_token": ""}, "token_urlsafe"),
        ({"auth_token": "a\r\nX: y"}, "token_urlsafe"),
        ({"auth_token": "grüße"}, "token_urlsafe"),
        ({"auth_token": b"bytes"}, "got bytes"),
        ({"timeout": -1}, "timeout must be .* got -1"),
        ({"timeout": "10"}, "got '10'"),
        ({"timeout": float("nan")}, "got nan"),
        ({"timeout": True}, "got True"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(
    shoot: Shoot, options: dict[str, Any], advice: str
) -> None:
    with pytest.raises(ValueError, match=advice):
        shoot.session.camera.request_photo(**options)
    shoot.session.layouts.show_text_wall("nothing was sent before this")
    shoot.there.wait_text("nothing was sent before this")
    assert shoot.there.all("photo_request") == []


def test_a_token_is_not_shown_in_the_error(shoot: Shoot) -> None:
    with pytest.raises(ValueError, match="got 9 characters"):
        shoot.session.camera.request_photo(auth_token="s e c r t")


# --- Refusals of the cloud --------------------------------------------------------------------


def test_no_permission_is_permission_denied_and_the_session_goes_on(shoot: Shoot) -> None:
    calls = [shoot.ask()[0] for _ in range(2)]
    shoot.refuse("PERMISSION_DENIED", CAMERA_DENIED)
    for asked in calls:
        error = asked.outcome
        assert isinstance(error, PermissionDenied)
        assert isinstance(error, PermissionError)
        assert (error.code, error.message) == ("PERMISSION_DENIED", CAMERA_DENIED)
    shoot.session.layouts.show_text_wall("still here")
    shoot.there.wait_text("still here")
    assert shoot.errors.all == []


@pytest.mark.parametrize(
    "message",
    [
        "Cannot process photo request - smart glasses are not connected",
        "Glasses not connected",
        "Internal server error",
    ],
)
def test_a_refused_photo_is_a_photo_error(shoot: Shoot, message: str) -> None:
    asked, _ = shoot.ask()
    shoot.refuse("INTERNAL_ERROR", message)
    error = asked.outcome
    assert type(error) is PhotoError
    assert (error.code, error.message) == ("INTERNAL_ERROR", message)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("INTERNAL_ERROR", "Cannot process stream request - smart glasses are not connected"),
        ("INTERNAL_ERROR", "Managed streaming is not configured"),
        ("WIFI_NOT_CONNECTED", "smart glasses must be connected to WiFi for this operation"),
        ("PERMISSION_DENIED", "Microphone permission required"),
        ("INTERNAL_ERROR", "Cannot process display"),
    ],
)
def test_what_is_about_something_else_leaves_a_photo_alone(
    shoot: Shoot, code: str, message: str
) -> None:
    asked, request = shoot.ask()
    shoot.refuse(code, message)
    [error] = shoot.errors.wait()
    assert isinstance(error, RequestFailed)
    assert (error.code, error.message) == (code, message)
    assert asked.pending
    shoot.upload(wifi_form(request["requestId"], jpeg()))
    assert asked.outcome.size


@pytest.mark.parametrize("kind", ["tpa_connection_error", "websocket_error"])
def test_an_error_with_another_code_ends_no_call(shoot: Shoot, kind: str) -> None:
    asked, request = shoot.ask()
    code = "SOMETHING_ELSE" if kind == "tpa_connection_error" else "INTERNAL_ERROR"
    shoot.there.send({"type": kind, "code": code, "message": "photo"})
    [error] = shoot.errors.wait()
    assert (error.code, error.message) == (code, "photo")
    assert asked.pending
    shoot.upload(wifi_form(request["requestId"], jpeg()))
    assert asked.outcome.size


@pytest.mark.parametrize("fields", [{}, {"code": 7, "message": ["x"]}, {"message": ""}])
def test_an_error_without_words_is_an_error_event(shoot: Shoot, fields: dict[str, Any]) -> None:
    shoot.there.send({"type": "tpa_connection_error", **fields})
    [error] = shoot.errors.wait()
    assert isinstance(error, RequestFailed)
    assert error.code == ""
    assert error.message


def test_a_refusal_reaches_calls_of_every_kind_that_it_can_be_about(shoot: Shoot) -> None:
    photo, _ = shoot.ask()
    speech = Call(lambda: shoot.session.audio.play_tts("hello"))
    shoot.there.wait("audio_play_request")
    shoot.refuse("INTERNAL_ERROR", "Glasses not connected")
    assert isinstance(photo.outcome, PhotoError)
    assert type(speech.outcome) is RequestFailed


def test_a_refused_photo_leaves_speech_alone(shoot: Shoot) -> None:
    photo, _ = shoot.ask()
    speech = Call(lambda: shoot.session.audio.play_tts("hello"))
    play = shoot.there.wait("audio_play_request")
    there = shoot.refuse("PERMISSION_DENIED", CAMERA_DENIED)
    assert isinstance(photo.outcome, PermissionDenied)
    answer = {"type": "audio_play_response", "requestId": play["requestId"], "success": True}
    there.send(answer)
    assert speech.outcome.success


def test_calls_of_features_that_added_nothing_fail_as_well(shoot: Shoot) -> None:
    photo, _ = shoot.ask()
    message = Call(lambda: shoot.session.users.send("bob@example.com", {}))
    shoot.there.wait("app_direct_message")
    shoot.refuse("INTERNAL_ERROR", "Internal server error")
    assert isinstance(photo.outcome, PhotoError)
    assert type(message.outcome) is RequestFailed


def test_what_is_sent_after_a_refusal_waits_for_the_next_connection(
    shoot: Shoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the old one, which the cloud is closing, it would be lost."""
    monkeypatch.setattr("mentra_sync.runtime.refusals._CLOSE_COMES_WITHIN", 30)
    photo = shoot.session.camera.request_photo

    def again() -> Any:
        try:
            return photo()
        except PermissionDenied:
            return photo()

    asked = Call(again)
    old = shoot.there
    first = old.wait("photo_request")
    old.send(
        {"type": "tpa_connection_error", "code": "PERMISSION_DENIED", "message": CAMERA_DENIED}
    )
    old.ping(b"after it")
    wait_until(lambda: old.pongs)
    assert set(shoot.session._link.replies._pending) == {("photo", first["requestId"])}
    request = shoot.refuse("PERMISSION_DENIED", CAMERA_DENIED).wait("photo_request")
    assert request["requestId"] != first["requestId"]
    assert len(old.all("photo_request")) == 1
    shoot.upload(wifi_form(request["requestId"], jpeg()))
    assert asked.outcome.size


def test_a_refusal_without_a_close_ends_the_call_all_the_same(shoot: Shoot) -> None:
    asked, _ = shoot.ask(timeout=None)
    error = {"type": "tpa_connection_error", "code": "PERMISSION_DENIED", "message": CAMERA_DENIED}
    shoot.there.send(error)
    assert isinstance(asked.outcome, PermissionDenied)
    assert shoot.session.connected


def test_a_refusal_is_told_even_if_nothing_reconnects(scene: Scene) -> None:
    shoot = Shoot(scene, max_reconnect_attempts=0)
    asked, _ = shoot.ask()
    error = {"type": "tpa_connection_error", "code": "PERMISSION_DENIED", "message": CAMERA_DENIED}
    shoot.there.send(error)
    shoot.there.close_with(1008, CAMERA_DENIED[:100])
    assert isinstance(asked.outcome, PermissionDenied)
    wait_until(lambda: shoot.session.ended)


# --- Losses -----------------------------------------------------------------------------------


def test_a_photo_survives_a_reconnection(shoot: Shoot) -> None:
    asked, request = shoot.ask()
    shoot.there.drop()
    shoot.there = shoot.scene.accept()
    assert shoot.upload(wifi_form(request["requestId"], jpeg()))[0] == 200
    assert asked.outcome.size
    assert shoot.there.all("photo_request") == []


def test_a_photo_is_delivered_while_there_is_no_connection(shoot: Shoot) -> None:
    asked, request = shoot.ask()
    shoot.there.drop()
    wait_until(lambda: not shoot.session.connected)
    assert shoot.upload(wifi_form(request["requestId"], jpeg()))[0] == 200
    assert asked.outcome.size
    shoot.scene.accept()


def test_a_photo_asked_for_without_a_connection_is_sent_when_it_is_back(shoot: Shoot) -> None:
    shoot.there.drop()
    wait_until(lambda: not shoot.session.connected)
    asked = Call(shoot.session.camera.request_photo)
    request = shoot.scene.accept().wait("photo_request")
    shoot.upload(wifi_form(request["requestId"], jpeg()))
    assert asked.outcome.size


def test_a_photo_that_the_glasses_refuse_for_want_of_permission(shoot: Shoot) -> None:
    call, request = shoot.ask()
    answer = {"success": False, "errorCode": "PERMISSION_DENIED", "errorMessage": "no camera"}
    shoot.there.send({"type": "photo_response", "requestId": request["requestId"], **answer})
    assert isinstance(call.outcome, PermissionDenied)
    assert call.outcome.code == "PERMISSION_DENIED"
