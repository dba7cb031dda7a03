"""``POST /photo-upload``: every form of it, and everything that is none."""

from __future__ import annotations

import random
import socket
import time
from typing import Any

import pytest
from background import Call
from cloud import Scene, quick_fixture, scene_fixture, wait_until
from shoot import Shoot, shoot_fixture
from uploads import (
    BOUNDARY,
    bluetooth_form,
    error_form,
    field,
    jpeg,
    multipart,
    photo,
    upload,
    wifi_form,
)

from mentra_sync import PhotoError, config
from mentra_sync.photo_uploads import receive
from mentra_sync.runtime.replies import AwaitedPhotos

__all__ = ["quick_fixture", "scene_fixture", "shoot_fixture"]

MEGABYTE = 1024 * 1024


@pytest.fixture
def asked(shoot: Shoot) -> tuple[Call, str]:
    call, request = shoot.ask(timeout=None)
    return call, request["requestId"]


def still_served(shoot: Shoot) -> None:
    """After whatever came, the next photo arrives."""
    call, request = shoot.ask()
    assert shoot.upload(wifi_form(request["requestId"], jpeg()))[0] == 200
    assert call.outcome.size


# --- What is taken ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/avif", "IMAGE/JPEG; q=1"])
def test_any_kind_of_image_is_taken(shoot: Shoot, asked: tuple[Call, str], kind: str) -> None:
    call, request_id = asked
    assert shoot.upload(wifi_form(request_id, b"bytes", kind=kind))[0] == 200
    assert call.outcome.mime_type == kind.lower().partition(";")[0]


def test_the_order_of_the_parts_does_not_matter(shoot: Shoot, asked: tuple[Call, str]) -> None:
    call, request_id = asked
    data = random.Random(7).randbytes(3 * MEGABYTE)
    body = multipart(
        field("unknown", "x" * 100_000), photo(data), field("success", "TRUE"),
        field("requestId", request_id), field("requestId", "another"),
    )  # fmt: skip
    assert shoot.upload(body)[0] == 200
    assert call.outcome.data == data


def test_bytes_arrive_as_they_were_sent(shoot: Shoot) -> None:
    """Line ends, dashes and pieces of the boundary are what a decoder gets wrong."""
    tricky = [
        b"\r\n", b"\r", b"\n--", f"\r\n--{BOUNDARY[:-1]}".encode(), f"x--{BOUNDARY}".encode(),
        b"\0" * 70_000 + b"\r\n", b"-" * 65_536 + b"\r", b"\r\n" * 40_000,
    ]  # fmt: skip
    for data in tricky:
        call, request = shoot.ask()
        assert shoot.upload(wifi_form(request["requestId"], data))[0] == 200
        assert call.outcome.data == data


def test_exactly_ten_megabytes_are_taken(shoot: Shoot, asked: tuple[Call, str]) -> None:
    call, request_id = asked
    assert shoot.upload(wifi_form(request_id, bytes(10 * MEGABYTE)))[0] == 200
    assert call.outcome.size == 10 * MEGABYTE


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\mine.jpg", "photosmine.jpg"),
        ("/", "photo.jpg"),
        ("..", "photo.jpg"),
        ("", "photo.jpg"),
        ("a\tb.jpg", "a?b.jpg"),
        ("x" * 1000 + ".jpg", "x" * 196 + ".jpg"),
        ("grüße.jpg", "grüße.jpg"),
    ],
)
def test_a_file_name_has_no_path(
    shoot: Shoot, asked: tuple[Call, str], sent: str, name: str
) -> None:
    call, request_id = asked
    assert shoot.upload(wifi_form(request_id, b"x", name=sent))[0] == 200
    assert call.outcome.filename == name


# --- Failures that the glasses tell -----------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "photo_error"},
        {"type": "photo_error", "success": "true"},
        {"success": "false"},
        {"success": "False", "type": "photo_upload"},
    ],
)
def test_a_failure_is_answered_200_and_fails_the_call(
    shoot: Shoot, asked: tuple[Call, str], fields: dict[str, str]
) -> None:
    call, request_id = asked
    given = {"errorCode": "UPLOAD_FAILED", "errorMessage": "too dark", **fields}
    body = multipart(field("requestId", request_id), *(field(*item) for item in given.items()))
    status, answer = shoot.upload(body)
    assert (status, answer["success"], answer["requestId"]) == (200, True, request_id)
    assert (call.outcome.code, call.outcome.message) == ("UPLOAD_FAILED", "too dark")


def test_a_failure_counts_even_if_a_file_is_with_it(shoot: Shoot, asked: tuple[Call, str]) -> None:
    call, request_id = asked
    body = multipart(
        field("requestId", request_id), field("success", "false"), photo(b"half a photo")
    )
    assert shoot.upload(body)[0] == 200
    assert isinstance(call.outcome, PhotoError)


def test_a_failure_without_words_and_one_with_too_many(shoot: Shoot) -> None:
    for fields, code, length in (
        ({}, "UNKNOWN_ERROR", 60),
        ({"errorCode": "C" * 9000, "errorMessage": "m\n" * 9000}, "C" * 100, 500),
    ):
        call, request = shoot.ask()
        assert shoot.upload(error_form(request["requestId"], **fields))[0] == 200
        assert call.outcome.code == code
        assert 0 < len(call.outcome.message) <= length
        assert call.outcome.message.isprintable()


# --- Refused, and the call fails at once ------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([], 400, "NO_FILE"),
        ([photo(b"")], 400, "NO_FILE"),
        ([field("photo", "a text of that name")], 400, "NO_FILE"),
        ([("file", b"x", {"filename": "p.jpg", "type": "image/jpeg"})], 400, "NO_FILE"),
        ([photo(b"text", "photo.jpg", "text/plain")], 400, "NOT_AN_IMAGE"),
        ([photo(b"text", "photo.jpg", None)], 400, "NOT_AN_IMAGE"),
        ([photo(b"x", "photo.jpg", "application/octet-stream")], 400, "NOT_AN_IMAGE"),
        ([photo(b"x", "photo.jpg", "imagery/jpeg")], 400, "NOT_AN_IMAGE"),
        ([photo(bytes(10 * MEGABYTE + 1))], 413, "TOO_LARGE"),
        ([photo(bytes(11_000_000))], 413, "TOO_LARGE"),
        ([photo(bytes(30 * MEGABYTE))], 413, "TOO_LARGE"),
        ([field(f"f{n}", "x") for n in range(1000)], 413, "BAD_UPLOAD"),
        ([field("x" * 300_000, "x")], 413, "BAD_UPLOAD"),
    ],
)
def test_a_refused_upload_fails_its_call_at_once(
    shoot: Shoot, asked: tuple[Call, str], parts: list[Any], status: int, code: str
) -> None:
    call, request_id = asked
    got, answer = shoot.upload(multipart(field("requestId", request_id), *parts))
    assert (got, answer["success"], answer["requestId"]) == (status, False, request_id)
    assert isinstance(call.outcome, PhotoError)
    assert call.outcome.code == code
    assert call.outcome.message == answer["message"]
    still_served(shoot)


def test_one_that_is_too_large_is_found_whatever_comes_first(
    shoot: Shoot, asked: tuple[Call, str]
) -> None:
    call, request_id = asked
    body = multipart(photo(bytes(10 * MEGABYTE + 1)), field("requestId", request_id))
    assert shoot.upload(body)[0] == 413
    assert call.outcome.code == "TOO_LARGE"


@pytest.mark.parametrize("cut", [b"--\r\n", b"------glasses1--\r\n"])
def test_a_form_without_its_end_fails_its_call(
    shoot: Shoot, asked: tuple[Call, str], cut: bytes
) -> None:
    call, request_id = asked
    body = wifi_form(request_id, b"x").removesuffix(cut)
    assert shoot.upload(body)[0] == 400
    assert call.outcome.code == "BAD_UPLOAD"


# --- Refused, and no call is touched ----------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "b" * 300,
        "multipart/form-data; boundary=other",
        "multipart/mixed; boundary=" + BOUNDARY,
        "application/json",
        "application/x-www-form-urlencoded",
        "image/jpeg",
        "nonsense",
    ],
)
def test_what_is_no_form_is_a_bad_request(
    shoot: Shoot, asked: tuple[Call, str], content_type: str | None
) -> None:
    call, request_id = asked
    status, answer = upload(shoot.app.port, wifi_form(request_id, b"x"), None, content_type)
    assert status == 400
    assert answer["success"] is False
    assert call.pending
    assert shoot.upload(wifi_form(request_id, b"x"))[0] == 200


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [photo(b"x")],
        [field("requestId", ""), photo(b"x")],
        [field("requestId", "i" * 1001), photo(b"x")],
        [field("requestid", "wrong case"), photo(b"x")],
        [photo(b"x", "requestId")],
    ],
)
def test_without_a_request_id_it_is_a_bad_request(shoot: Shoot, parts: list[Any]) -> None:
    status, answer = shoot.upload(multipart(*parts))
    assert (status, answer["success"]) == (400, False)
    assert "requestId" in answer["message"]


def test_a_photo_for_nobody_is_not_found_and_logged_with_advice(shoot: Shoot, logged: Any) -> None:
    status, answer = shoot.upload(wifi_form("unknown", jpeg()))
    assert (status, answer["success"], answer["requestId"]) == (404, False, "unknown")
    assert "gunicorn -w 1" in logged.wait_for("a photo came for a session that is not here")
    assert shoot.upload(error_form("unknown"))[0] == 404
    assert shoot.upload(multipart(field("requestId", "unknown")))[0] == 400
    still_served(shoot)


def test_a_second_upload_is_not_found_and_no_reason_for_advice(
    shoot: Shoot, asked: tuple[Call, str], logged: Any
) -> None:
    call, request_id = asked
    assert shoot.upload(wifi_form(request_id, b"first"))[0] == 200
    assert call.outcome.data == b"first"
    for body in (wifi_form(request_id, b"again"), error_form(request_id)):
        assert shoot.upload(body)[0] == 404
    assert logged.about("not here") == []
    assert logged.about("a request that is over")


def test_two_uploads_at_once_are_one_photo(shoot: Shoot, asked: tuple[Call, str]) -> None:
    call, request_id = asked
    uploads = [Call(lambda: shoot.upload(wifi_form(request_id, jpeg()))) for _ in range(8)]
    assert sorted(one.outcome[0] for one in uploads) == [200] + 7 * [404]
    assert call.outcome.size


def test_the_token_of_the_request_must_come_with_the_upload(shoot: Shoot, logged: Any) -> None:
    call, request = shoot.ask(auth_token="right")
    request_id = request["requestId"]
    wrong: list[dict[str, str]] = [
        {}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"},
        {"Authorization": "Basic right"}, {"Authorization": "Bearer right2"},
        {"Authorization": "Bearer "}, {"Authorization": "Bearer r\xefght"},
    ]  # fmt: skip
    for headers in wrong:
        for body in (wifi_form(request_id, b"x"), error_form(request_id), multipart(
            field("requestId", request_id))):  # fmt: skip
            status, answer = upload(shoot.app.port, body, headers)
            assert (status, answer["success"]) == (401, False), headers
    assert call.pending
    logged.wait_for("without the auth_token")
    assert not [line for line in logged.lines if "right" in line]
    assert shoot.upload(bluetooth_form(request_id, b"x"), Authorization="bearer right")[0] == 200
    assert call.outcome.data == b"x"


def test_a_token_that_nobody_asked_for_does_no_harm(shoot: Shoot, asked: tuple[Call, str]) -> None:
    call, request_id = asked
    assert shoot.upload(wifi_form(request_id, b"x"), Authorization="Bearer x")[0] == 200
    assert call.outcome.size


def test_bodies_beyond_every_limit_are_refused(shoot: Shoot, asked: tuple[Call, str]) -> None:
    """The web server does it before anything is read, so the call cannot be told."""
    call, request_id = asked
    head = (
        "POST /photo-upload HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", shoot.app.port), 10) as sock:
        sock.sendall(head.encode() + wifi_form(request_id, b"x"))
        assert b" 413 " in sock.recv(1000).partition(b"\r\n")[0]
    assert call.pending
    assert shoot.upload(wifi_form(request_id, b"x"))[0] == 200


def test_a_slow_upload_holds_nobody_up_and_may_break_off(
    shoot: Shoot, asked: tuple[Call, str]
) -> None:
    call, request_id = asked
    body = wifi_form(request_id, bytes(100_000))
    head = (
        f"POST /photo-upload HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    ).encode()
    slow = [socket.create_connection(("127.0.0.1", shoot.app.port), 10) for _ in range(100)]
    try:
        for sock in slow:
            sock.sendall(head + body[:50_000])
        began = time.monotonic()
        still_served(shoot)
        assert time.monotonic() - began < 9
        assert call.pending
    finally:
        for sock in slow:
            sock.close()
    assert shoot.upload(wifi_form(request_id, b"second try"))[0] == 200
    assert call.outcome.data == b"second try"


def test_an_upload_that_comes_in_small_pieces_is_taken(
    shoot: Shoot, asked: tuple[Call, str]
) -> None:
    call, request_id = asked
    body = wifi_form(request_id, b"piecemeal")
    head = (
        f"POST /photo-upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", shoot.app.port), 10) as sock:
        sock.sendall(head)
        for index in range(0, len(body), 7):
            piece = body[index : index + 7]
            sock.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        sock.sendall(b"0\r\n\r\n")
        assert b" 200 " in sock.recv(1000).partition(b"\r\n")[0]
    assert call.outcome.data == b"piecemeal"


def test_nonsense_is_never_a_server_error(shoot: Shoot, logged: Any) -> None:
    chance = random.Random(20)
    good = wifi_form("unknown", jpeg())
    for _ in range(300):
        body = bytearray(good)
        for _ in range(chance.randrange(1, 8)):
            place, length = chance.randrange(len(body)), chance.randrange(20)
            body[place : place + length] = chance.choice(
                [b"", b"\r\n", b"\r\n\r\n", b'"', b"\xff\xfe", b"\r\n--" + BOUNDARY.encode(), b";"]
            )
        status, answer = shoot.upload(bytes(body))
        assert status in (400, 404, 413), (status, bytes(body))
        assert answer["success"] is False
    assert [record for record in logged.records if record.exc_info] == []
    still_served(shoot)


def test_only_post_is_taken(scene: Scene) -> None:
    app = scene.app()
    assert scene.get(app, "/photo-upload").status == 405


# --- Under another server ---------------------------------------------------------------------


class BrokenOff:
    """What a WSGI server gives for a connection that ends in the middle of the body."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        taken, self._data = self._data[:size], self._data[size:]
        return taken


def test_a_connection_that_breaks_off_leaves_the_call_alone(
    shoot: Shoot, asked: tuple[Call, str]
) -> None:
    """The glasses may try again over Bluetooth."""
    call, request_id = asked
    body = wifi_form(request_id, bytes(1000))
    with shoot.app.flask.test_client() as client:
        answer = client.open(
            "/photo-upload",
            method="POST",
            environ_overrides={
                "wsgi.input": BrokenOff(body[:700]),
                "CONTENT_LENGTH": str(len(body)),
                "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
            },
        )
    assert answer.status_code == 400
    assert call.pending
    assert shoot.upload(bluetooth_form(request_id, b"x"))[0] == 200


def test_nothing_is_kept_of_a_photo_that_nobody_waits_for(shoot: Shoot) -> None:
    """Its data is thrown away as it comes."""
    photos = AwaitedPhotos()
    with shoot.app.flask.test_request_context(
        "/photo-upload",
        method="POST",
        data=wifi_form("unknown", bytes(9 * MEGABYTE)),
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
    ) as context:
        import tracemalloc

        tracemalloc.start()
        assert receive(context.request, photos)[1] == 404
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 * MEGABYTE


def test_the_register_holds_no_request_that_is_over(shoot: Shoot) -> None:
    for _ in range(3):
        call, request = shoot.ask(timeout=0.01)
        assert isinstance(call.outcome, TimeoutError)
        assert shoot.app.photos.find(request["requestId"]) is None
        assert shoot.app.photos.is_over(request["requestId"])
    wait_until(lambda: not shoot.session._link.replies.kinds)


def test_limits_leave_room_for_what_is_around_a_photo() -> None:
    assert config.MAX_PHOTO_BYTES < config.MAX_UPLOAD_BYTES
