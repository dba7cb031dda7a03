"""A picture that a page holds before the camera, over HTTP; and what pages hear of photos."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
import requests
from PIL import Image
from raw_app import RawApp, RawSocket
from still_clock import StillClock

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator

Simulate = Callable[..., Simulator]


def picture(color: str = "red", size: tuple[int, int] = (64, 36), kind: str = "PNG") -> bytes:
    """A picture in one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


def put(simulator: Simulator, data: bytes, path: str = "", **query: str) -> requests.Response:
    """Hold something before the camera."""
    url = f"{simulator.url}api/sim/camera{path}"
    return requests.put(url, data=data, params=query, timeout=20)


def photo(app: RawApp, number: int = 1) -> bytes:
    """Ask for a photo, and wait for its upload."""
    app.send("photo_request", requestId=f"photo-{number}", size="small")
    app.photos.wait_count(lambda body: True, number)
    body: bytes = app.photos.all()[number - 1]
    return body


@pytest.fixture
def live(simulate: Simulate, app: RawApp) -> Simulator:
    """Glasses with a camera, and an app that runs."""
    simulator = simulate(glasses="live")
    assert simulator.start_app()
    app.wait_connected()
    return simulator


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_picture_is_what_photos_show_until_it_is_put_away(
    live: Simulator, app: RawApp, kind: str
) -> None:
    shown = picture(kind=kind)
    assert put(live, shown).status_code == 200
    assert shown in photo(app)
    assert requests.delete(live.url + "api/sim/camera", timeout=20).status_code == 200
    assert shown not in photo(app, 2)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no picture"),
        (b"GIF89a and then nothing", "no picture"),
        (picture()[:60], "no picture"),
        (picture(size=(8000, 6000)), "too large: 8000 x 6000 pixels"),
        (picture(kind="TIFF"), "no picture"),
    ],
    ids=["empty", "broken", "cut off", "too large", "a format that glasses do not have"],
)
def test_what_is_no_picture_is_refused(live: Simulator, data: bytes, problem: str) -> None:
    for path in ("", "/photo-1"):
        answer = put(live, data, path)
        assert answer.status_code == 400
        assert problem in answer.json()["error"]


def test_more_bytes_than_a_request_may_have_are_refused(live: Simulator) -> None:
    assert put(live, b"\0" * (limits.MAX_REQUEST + 1)).status_code == 413


def test_each_wearer_has_a_camera(live: Simulator, app: RawApp) -> None:
    live.glasses_of("bob@example.com")
    shown = picture("blue")
    assert put(live, shown, user="bob@example.com").status_code == 200
    assert shown not in photo(app)
    assert put(live, shown, user="nobody").status_code == 404


def test_a_photo_waits_for_the_webcam_and_only_for_so_long(
    simulate: Simulate, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    clock = StillClock()
    simulator = simulate(glasses="live", clock=clock)
    assert simulator.start_app()
    app.wait_connected()
    page = open_socket(simulator.url.replace("http", "ws") + "simulator-ws")
    page.wait("hello")
    first, now = picture("red"), picture("green")
    assert put(simulator, first, webcam="true").status_code == 200
    app.send("photo_request", requestId="photo-1", size="small")
    page.wait("photo", state="taking", requestId="photo-1")
    page.wait("photo", state="look", requestId="photo-1")
    assert app.photos.all() == []
    assert put(simulator, now, "/photo-1").status_code == 200
    app.photos.wait(lambda body: now in body)
    app.send("photo_request", requestId="photo-2", size="small")
    page.wait("photo", state="look", requestId="photo-2")
    clock.advance_to(clock.now() + limits.PAGE_SHUTTER_SECONDS)
    app.photos.wait_count(lambda body: now in body, 2)
    assert put(simulator, first, "/photo-2").status_code == 200  # too late
    assert len(app.photos.all()) == 2


def test_pages_hear_what_becomes_of_a_photo(
    live: Simulator, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    page = open_socket(live.url.replace("http", "ws") + "simulator-ws")
    assert page.wait("hello")["photos"] == []
    photo(app)
    taken = page.wait("photo", state="taken")
    assert (taken["requestId"], taken["size"]) == ("photo-1", "small")
    assert taken["picture"].startswith("data:image/jpeg;base64,")
    live.glasses.camera.fail_next()
    app.send("photo_request", requestId="photo-2")
    page.wait("photo", state="failed", requestId="photo-2")
    live.glasses.camera.show(b"no picture at all", "image/jpeg")
    photo(app, 2)
    for number in range(3, 3 + limits.MAX_ALBUM):
        photo(app, number)
    late = open_socket(live.url.replace("http", "ws") + "simulator-ws")
    album = late.wait("hello")["photos"]
    assert [one["picture"] for one in album] == [None] * limits.MAX_ALBUM
