"""The camera of simulated glasses: photos that are uploaded, streams that are told of."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from PIL import Image
from post_server import Post, PostServer
from raw_app import RawApp, RawSocket, Seen
from still_clock import StillClock

from mentra_sync import (
    AppServer,
    AppSession,
    ManagedStream,
    PermissionDenied,
    PhotoData,
    PhotoError,
    RequestTimeout,
    StreamError,
)
from mentra_sync.simulator import limits
from mentra_sync.simulator.camera import Photo
from mentra_sync.simulator.color_bars import SIZES, color_bars
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.records import Record
from mentra_sync.simulator.streaming import VideoStream

URL = "rtmp://127.0.0.1/live/x"


class Pair:
    """A real app on simulated glasses; the session is used from the test's own thread."""

    def __init__(self, **options: Any) -> None:
        began: Queue[AppSession] = Queue()
        self.app = AppServer(
            "com.example.photos", "the-key", port=0, host="127.0.0.1", on_session=began.put
        )
        self.app.start()
        self.simulator = Simulator(
            webhook_url=f"http://127.0.0.1:{self.app.port}",
            package_name="com.example.photos",
            api_key="the-key",
            **{"port": 0, "glasses": "live", "realistic": False, **options},
        )
        self.simulator.start()
        assert self.simulator.start_app()
        self.glasses = self.simulator.glasses
        self.session = began.get(timeout=10)

    def photo(self, **options: Any) -> PhotoData:
        return self.session.camera.request_photo(**{"timeout": 10, **options})

    def close(self) -> None:
        self.app.stop()
        self.simulator.stop()


@pytest.fixture
def make_pair() -> Iterator[Callable[..., Pair]]:
    made: list[Pair] = []

    def make(**options: Any) -> Pair:
        made.append(Pair(**options))
        return made[-1]

    yield make
    for pair in made:
        pair.close()


@pytest.fixture
def pair(make_pair: Callable[..., Pair]) -> Pair:
    return make_pair()


class Receiver:
    """Somebody else's server that photos can be sent to."""

    def __init__(self) -> None:
        self.posts = Seen()
        self.status = 200
        self._server = PostServer(self._answer)
        self.url = f"{self._server.url}/take?from=glasses"

    def _answer(self, post: Post) -> tuple[int, bytes]:
        self.posts.add((post.path, post.headers, post.body))
        return self.status, b""

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


# --- Photos -----------------------------------------------------------------------------------


def test_an_app_gets_a_photo_of_the_size_it_asked_for(pair: Pair) -> None:
    sizes = {}
    for size, pixels in SIZES.items():
        photo = pair.photo(size=size)
        assert photo.image().size == pixels
        assert (photo.mime_type, photo.filename) == ("image/jpeg", f"{photo.request_id}.jpg")
        sizes[size] = photo.size
    assert sorted(sizes, key=lambda size: sizes[size]) == list(SIZES)
    assert pair.glasses.photos == [Photo(size) for size in SIZES]
    assert pair.glasses.photos[0].url == f"http://127.0.0.1:{pair.app.port}/photo-upload"
    assert pair.glasses.photos.wait_for(lambda photo: photo.size == "full")


def test_compression_makes_it_smaller() -> None:
    sizes = [len(color_bars("medium", compress)) for compress in ("none", "medium", "heavy")]
    assert sizes == sorted(sizes, reverse=True)
    assert Image.open(BytesIO(color_bars("huge", "?"))).size == SIZES["medium"]


def test_the_camera_sees_what_it_is_shown(pair: Pair, tmp_path: Path) -> None:
    png = BytesIO()
    Image.new("RGB", (30, 20), "blue").save(png, "PNG")
    path = tmp_path / "cat.png"
    path.write_bytes(png.getvalue())
    for shown in (path, str(path), png.getvalue()):
        pair.glasses.camera.show(shown)
        photo = pair.photo()
        assert (photo.data, photo.mime_type) == (png.getvalue(), "image/png")
        assert photo.filename.endswith(".png")
    pair.glasses.camera.show(Image.new("RGBA", (7, 5)))
    assert pair.photo().image().size == (7, 5)
    pair.glasses.camera.show(None)
    assert pair.photo().image().size == SIZES["medium"]
    with pytest.raises(ValueError, match="no picture"):
        pair.glasses.camera.show(b"a text")


def test_what_is_no_picture_can_be_shown_on_purpose(pair: Pair) -> None:
    pair.glasses.camera.show(b"a text", mime_type="text/plain")
    with pytest.raises(PhotoError) as caught:
        pair.photo()
    assert caught.value.code == "NOT_AN_IMAGE"
    assert pair.glasses.camera.uploads.wait_for(lambda upload: "400" in upload.problem)


def test_photos_come_over_bluetooth_too(pair: Pair, receiver: Receiver) -> None:
    pair.glasses.camera.bluetooth = True
    assert pair.photo(auth_token="secret").image()
    pair.photo(custom_webhook_url=receiver.url)
    _, _, body = receiver.posts.wait(lambda post: True)
    assert b'name="source"\r\n\r\nble_transfer\r\n' in body
    assert b'name="type"' not in body


@pytest.mark.parametrize("how", ["response", "upload"])
def test_a_photo_fails_as_it_is_told(pair: Pair, how: str) -> None:
    pair.glasses.camera.fail_next(how, "CAMERA_BUSY", "busy just now")
    with pytest.raises(PhotoError) as caught:
        pair.photo()
    assert (caught.value.code, caught.value.message) == ("CAMERA_BUSY", "busy just now")
    assert pair.glasses.photos == []
    assert pair.photo().image()


def test_a_photo_may_never_come(pair: Pair) -> None:
    pair.glasses.camera.fail_next("silence")
    with pytest.raises(RequestTimeout):
        pair.photo(timeout=0.05)
    assert pair.photo().image()


def test_failures_come_in_their_order(pair: Pair) -> None:
    for code in ("A", "B"):
        pair.glasses.camera.fail_next(code=code)
    for code in ("A", "B"):
        with pytest.raises(PhotoError) as caught:
            pair.photo()
        assert caught.value.code == code
    with pytest.raises(ValueError, match="response, upload, silence; got 'loudly'"):
        pair.glasses.camera.fail_next("loudly")


def test_without_permission_there_is_no_photo(pair: Pair) -> None:
    pair.simulator.deny("CAMERA")
    with pytest.raises(PermissionDenied, match="Camera permission required to take photos"):
        pair.photo()
    with pytest.raises(PermissionDenied, match="start managed streams"):
        pair.session.camera.start_managed_stream(timeout=10)
    pair.simulator.allow("CAMERA")
    assert pair.photo().image()


def test_glasses_without_a_camera_say_so_at_once(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(glasses="simulated")
    with pytest.raises(PhotoError, match="Simulated Glasses have no camera") as caught:
        pair.photo()
    assert caught.value.code == "CAMERA_UNAVAILABLE"
    pair.glasses.connection(model="Mentra Live", wifi=True)
    assert pair.photo().image()


def test_glasses_that_are_off_take_no_photo(pair: Pair) -> None:
    pair.glasses.connection("DISCONNECTED")
    with pytest.raises(PhotoError, match="smart glasses are not connected"):
        pair.photo()


def test_a_photo_survives_a_lost_connection(make_pair: Callable[..., Pair]) -> None:
    clock = StillClock()
    pair = make_pair(realistic=True, clock=clock)
    photos: list[PhotoData] = []
    thread = threading.Thread(target=lambda: photos.append(pair.photo()))
    thread.start()
    assert pair.glasses.frames.wait_for(lambda frame: frame["type"] == "photo_request", 10)
    assert pair.glasses.photos == []
    pair.simulator.drop_connection()
    clock.to(clock.now() + limits.SHUTTER_SECONDS, lambda: at_rest(pair.simulator))
    thread.join(10)
    assert photos[0].image()


def test_a_photo_goes_where_the_app_wants_it(pair: Pair, receiver: Receiver) -> None:
    photo = pair.photo(custom_webhook_url=receiver.url, auth_token="tok", save_to_gallery=True)
    assert photo.data == b""
    path, headers, body = receiver.posts.wait(lambda post: True)
    assert path == "/take?from=glasses"
    assert headers["Authorization"] == "Bearer tok"
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=----glasses")
    assert f'name="requestId"\r\n\r\n{photo.request_id}\r\n'.encode() in body
    assert b'name="type"\r\n\r\nphoto_upload\r\n' in body
    assert b'name="success"\r\n\r\ntrue\r\n' in body
    assert b'name="photo"; filename="' in body
    assert b"Content-Type: image/jpeg\r\n\r\n\xff\xd8" in body


@pytest.mark.parametrize("url", ["https://example.com/photos", "http://192.0.2.1/", "ftp://x"])
def test_nothing_is_uploaded_beyond_this_machine(
    simulate: Callable[..., Simulator], app: RawApp, url: str
) -> None:
    simulator = started(simulate, app)
    app.send("photo_request", requestId="p1", customWebhookUrl=url)
    answer = app.socket.wait("photo_response", success=False)
    assert answer["error"]["code"] == "UPLOAD_FAILED"
    assert "this machine only" in answer["error"]["message"]
    assert simulator.glasses.camera.uploads.wait_for(lambda upload: upload.problem)


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "grüße", 5])
def test_a_token_that_is_no_header_does_no_harm(
    simulate: Callable[..., Simulator], app: RawApp, receiver: Receiver, token: Any
) -> None:
    started(simulate, app)
    app.send("photo_request", requestId="p1", customWebhookUrl=receiver.url, authToken=token)
    app.socket.wait("photo_response", requestId="p1")
    for _, headers, _ in receiver.posts.all():
        assert "X-Evil" not in headers


def test_after_the_upload_the_glasses_say_that_it_went_well(
    simulate: Callable[..., Simulator], app: RawApp, receiver: Receiver
) -> None:
    """As recorded: a photo_response when the upload has been answered."""
    started(simulate, app)
    app.send("photo_request", requestId="p1", customWebhookUrl=receiver.url)
    answer = app.socket.wait("photo_response")
    del answer["timestamp"]
    assert answer == {
        "type": "photo_response", "requestId": "p1", "success": True,
        "photoUrl": receiver.url, "savedToGallery": False,
    }  # fmt: skip
    receiver.status = 503
    app.send("photo_request", requestId="p2", customWebhookUrl=receiver.url)
    failed = app.socket.wait("photo_response", requestId="p2")
    assert failed["error"]["code"] == "UPLOAD_FAILED"
    assert "503" in failed["error"]["message"]


# --- Streams, as an app sees them -------------------------------------------------------------


def test_an_app_streams(pair: Pair) -> None:
    camera, told = pair.session.camera, Record[str]()
    camera.on_stream_status(lambda status: told.add(status.status))
    camera.start_stream(URL, video={"width": 1280}, stream={"duration_limit": 60})
    assert told.wait_for("active")
    stream = pair.glasses.stream
    assert stream == VideoStream(URL)
    assert stream is not None
    assert stream.options == {
        "video": {"width": 1280}, "audio": {}, "stream": {"durationLimit": 60},
    }  # fmt: skip
    check = camera.check_existing_stream()
    assert check
    assert check.stream_info is not None
    assert (check.stream_info.type, check.stream_info.rtmp_url) == ("unmanaged", URL)
    camera.stop_stream()
    assert told.wait_for("stopped")
    assert pair.glasses.frames.wait_for(lambda frame: frame["type"] == "rtmp_stream_stop")
    assert not camera.is_streaming
    assert not camera.check_existing_stream()
    assert pair.glasses.stream is None
    assert pair.glasses.streaming.started == [VideoStream(URL)]


def test_an_app_has_its_stream_distributed(pair: Pair) -> None:
    camera, told = pair.session.camera, Record[str]()
    camera.on_managed_stream_status(lambda status: told.add(status.status))
    stream = camera.start_managed_stream(enable_webrtc=True, timeout=10)
    assert isinstance(stream, ManagedStream)
    for address in (stream.hls_url, stream.dash_url, stream.webrtc_url, stream.preview_url):
        assert address is not None
        assert address.startswith("https://streams.example.com/")
    assert told.wait_for("active")
    assert told == ["initializing", "initializing", "preparing", "active"]
    check = camera.check_existing_stream()
    assert check.stream_info is not None
    assert (check.stream_info.type, check.stream_info.hls_url) == ("managed", stream.hls_url)
    camera.stop_managed_stream()
    assert told.wait_for("stopped")
    assert not camera.is_managed_stream_active
    assert not camera.check_existing_stream()


def test_streams_fail_as_they_are_told(pair: Pair) -> None:
    camera, told = pair.session.camera, Record[str]()
    camera.on_stream_status(lambda status: told.add(status.status))
    pair.glasses.streaming.fail_next("connection refused")
    camera.start_stream(URL)
    assert told.wait_for("stopped")
    assert pair.glasses.stream is None
    pair.glasses.streaming.fail_next("no room")
    with pytest.raises(StreamError, match="no room"):
        camera.start_managed_stream(timeout=10)
    pair.glasses.connection(wifi=False)
    with pytest.raises(StreamError, match="must be connected to WiFi"):
        camera.start_managed_stream(timeout=10)
    camera.start_stream(URL)
    assert told.wait_for("error")
    assert not camera.is_streaming


def test_without_a_video_service_nothing_is_distributed(pair: Pair) -> None:
    wearer = pair.simulator.cloud.find_wearer(pair.simulator.user_id)
    assert wearer is not None
    wearer.video.distributes = False
    with pytest.raises(StreamError, match="Managed streaming is not configured"):
        pair.session.camera.start_managed_stream(timeout=10)


# --- Streams, as the wire has them ------------------------------------------------------------


def at_rest(simulator: Simulator) -> bool:
    """Whether all is done that frames and moments have brought about so far."""
    with simulator.cloud.lock:  # held from a frame's note to what it brings about
        return simulator.cloud.session_time.quiet


def started(simulate: Callable[..., Simulator], app: RawApp, **options: Any) -> Simulator:
    simulator = simulate(**{"glasses": "live", **options})
    assert simulator.start_app()
    app.wait_connected()
    return simulator


def statuses(app: RawApp) -> list[tuple[str, str]]:
    return [
        (frame["streamId"], frame["status"])
        for frame in app.socket.seen.all()
        if frame["type"] == "rtmp_stream_status"
    ]


def settled(app: RawApp) -> None:
    before = len(app.socket.seen.items)
    app.send("stream_status_check")
    app.socket.wait("stream_status_check_response", after=before)


def test_statuses_are_rewritten_as_recorded(
    simulate: Callable[..., Simulator], app: RawApp
) -> None:
    simulator = started(simulate, app)
    app.send("rtmp_stream_request", rtmpUrl=URL)
    settled(app)
    glasses = simulator.glasses
    for status in ("active", "reconnecting", "reconnected", "active"):
        glasses.streaming.report(status, stats={"bitrate": 1})
    settled(app)
    [stream] = {stream_id for stream_id, _ in statuses(app)}
    # The first is the cloud's own; then initializing, connecting and streaming of the glasses.
    assert [status for _, status in statuses(app)] == [
        "initializing", "initializing", "initializing", "active",
        "active", "initializing", "active", "active",
    ]  # fmt: skip
    frame = app.socket.wait("rtmp_stream_status", status="active")
    del frame["timestamp"]
    assert frame == {
        "type": "rtmp_stream_status",
        "sessionId": f"{simulator.user_id}-{simulator.app.package_name}",
        "streamId": stream,
        "status": "active",
        "appId": simulator.app.package_name,
    }
    assert stream == glasses.stream.stream_id


def test_a_second_request_replaces_the_first(
    simulate: Callable[..., Simulator], app: RawApp
) -> None:
    simulator = started(simulate, app)
    app.send("rtmp_stream_request", rtmpUrl=URL)
    settled(app)
    count = len(statuses(app))
    first = statuses(app)[0][0]
    app.send("stream_request", rtmpUrl=URL + "2")
    settled(app)
    second = simulator.glasses.stream
    assert second == VideoStream(URL + "2")
    assert statuses(app)[count:][:2] == [(first, "stopped"), (second.stream_id, "initializing")]
    app.send("rtmp_stream_stop", streamId=second.stream_id)
    settled(app)
    assert statuses(app)[-1] == (second.stream_id, "stopped")
    assert simulator.glasses.stream is None


def test_errors_lose_their_details_and_nothing_is_heard_after_the_end(
    simulate: Callable[..., Simulator], app: RawApp
) -> None:
    simulator = started(simulate, app)
    simulator.glasses.streaming.fail_next("connection refused")
    app.send("rtmp_stream_request", rtmpUrl=URL)
    settled(app)
    assert [status for _, status in statuses(app)][-1] == "stopped"
    assert "errorDetails" not in app.socket.wait("rtmp_stream_status", status="stopped")
    count = len(statuses(app))
    stream_id = statuses(app)[0][0]
    for status in ("active", "stopped", "nonsense"):
        simulator.glasses.send(
            {"type": "rtmp_stream_status", "streamId": stream_id, "status": status}
        )
    settled(app)
    assert len(statuses(app)) == count


def test_the_phone_sees_the_orders_of_the_cloud(
    simulate: Callable[..., Simulator], app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    simulator = started(simulate, app)
    address = simulator.url.replace("http", "ws")
    phone = open_socket(f"{address}glasses-ws?token={simulator.token_of()}")
    phone.send({"type": "connection_init"})
    phone.wait("connection_ack")
    app.send("rtmp_stream_request", rtmpUrl=URL, video={"width": 1})
    order = phone.wait("start_rtmp_stream")
    stream_id = order.pop("streamId")
    del order["timestamp"]
    assert order == {
        "type": "start_rtmp_stream", "sessionId": simulator.user_id, "rtmpUrl": URL,
        "appId": simulator.app.package_name, "video": {"width": 1}, "audio": {}, "stream": {},
    }  # fmt: skip
    app.send("rtmp_stream_stop")
    assert phone.wait("stop_rtmp_stream")["streamId"] == stream_id
    app.send("managed_stream_stop")
    app.send("rtmp_stream_stop")
    assert phone.wait("stop_rtmp_stream", streamId="")


def test_streams_are_kept_alive_until_they_no_longer_answer(
    simulate: Callable[..., Simulator], app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    """As in 4b: asked every 15 s from the first active on; three missed are a timeout."""
    clock = StillClock()
    simulator = started(simulate, app, clock=clock)
    address = simulator.url.replace("http", "ws")
    phone = open_socket(f"{address}glasses-ws?token={simulator.token_of()}")
    phone.send({"type": "connection_init"})
    phone.wait("connection_ack")
    app.send("rtmp_stream_request", rtmpUrl=URL)
    app.socket.wait("rtmp_stream_status", status="active")

    def asked(count: int) -> None:
        phone.seen.wait_count(
            lambda frame: isinstance(frame, dict) and frame["type"] == "keep_rtmp_stream_alive",
            count,
        )

    for count, acknowledges in enumerate((True, True, False, False, True, False, False, False), 1):
        simulator.glasses.streaming.acknowledges = acknowledges
        clock.to(clock.now() + 15, lambda: at_rest(simulator))
        asked(count)
        settled(app)
        assert statuses(app)[-1][1] == "active"
    clock.to(clock.now() + 10, lambda: at_rest(simulator))
    app.socket.wait("rtmp_stream_status", status="timeout")
    assert not [f for f in phone.seen.all() if f.get("type") == "stop_rtmp_stream"]


def test_glasses_take_their_time(simulate: Callable[..., Simulator], app: RawApp) -> None:
    clock = StillClock()
    simulator = started(simulate, app, clock=clock, realistic=True)
    app.send("rtmp_stream_request", rtmpUrl=URL)
    for count in (2, 3, 4):
        app.socket.seen.wait_count(
            lambda frame: isinstance(frame, dict) and frame["type"] == "rtmp_stream_status", count
        )
        assert (statuses(app)[-1][1] == "active") is (count == 4)
        clock.to(clock.now() + limits.STREAM_STEP_SECONDS, lambda: at_rest(simulator))
    app.send("rtmp_stream_stop")
    app.socket.wait("rtmp_stream_status", status="stopped")
    assert simulator.glasses.stream is not None
    clock.to(clock.now() + limits.STREAM_STEP_SECONDS, lambda: at_rest(simulator))
    assert simulator.glasses.stream is None


def test_the_stream_of_an_app_that_was_stopped_ends_at_the_next_look(
    simulate: Callable[..., Simulator], app: RawApp
) -> None:
    clock = StillClock()
    simulator = started(simulate, app, clock=clock)
    app.send("rtmp_stream_request", rtmpUrl=URL)
    app.socket.wait("rtmp_stream_status", status="active")
    simulator.stop_app()
    assert simulator.glasses.stream is not None
    clock.to(clock.now() + limits.KEEP_ALIVE_INTERVAL, lambda: at_rest(simulator))
    assert simulator.glasses.stream is None


# --- The example ------------------------------------------------------------------------------


def test_the_example_takes_photos_and_tells_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[AppServer] = []
    monkeypatch.setattr(AppServer, "run", lambda app: made.append(app))
    for name in ("MENTRAOS_API_KEY", "PACKAGE_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", "0")
    runpy.run_path(str(Path(__file__).parents[2] / "examples" / "05_photo.py"))
    app = made[0]
    simulator = app.start_simulated()
    try:
        simulator.start()
        glasses = simulator.glasses
        assert simulator.start_app()
        assert simulator.wait_for_streams(lambda streams: "button_press" in streams, 10)
        glasses.press()
        assert glasses.spoken.wait_for("A photo of 640 by 360 pixels", 10)
        glasses.camera.fail_next(message="too dark")
        glasses.press()
        assert glasses.spoken.wait_for("No photo: too dark (CAMERA_BUSY)", 10)
        assert glasses.photos == [Photo("small")]
        glasses.connection(model="Simulated Glasses")
        glasses.press()
        assert glasses.spoken.wait_for("Simulated Glasses have no camera", 10)
    finally:
        app.stop()
        simulator.stop()
