"""The camera of simulated glasses: takes a photo and uploads it, or fails as it is told."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.album import Album, thumbnail
from mentra_sync.simulator.color_bars import color_bars
from mentra_sync.simulator.records import Record
from mentra_sync.simulator.schedule import Later, Schedule
from mentra_sync.simulator.webhooks import MakeBody, Upload

if TYPE_CHECKING:
    from PIL.Image import Image

Frame = dict[str, Any]

FAILURES = ("response", "upload", "silence")
"""How a photo can fail: the glasses say so by ``photo_response``, by an upload of type
``photo_error``, or not at all."""


@dataclass(frozen=True)
class Photo:
    """A photo that was taken; two with the same size and compression are equal."""

    size: str = "medium"
    compress: str = "none"
    request_id: str = field(default="", compare=False)
    url: str = field(default="", compare=False)
    """Where it was uploaded to."""


@dataclass(frozen=True)
class UploadEnded:
    """How an upload ended; ``problem`` is empty when it was taken."""

    request_id: str
    problem: str = ""


@dataclass(frozen=True)
class _Failure:
    how: str
    code: str
    message: str


@dataclass(frozen=True)
class _Picture:
    data: bytes
    mime_type: str
    suffix: str


class Camera:
    """Takes photos of a test card, or of what it is shown.

    ``photos`` are those taken and ``uploads`` what became of them; both can be waited on.  With
    ``bluetooth`` True photos come as a phone passes them on.  Every method may be called from
    any thread; none blocks.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        answer: Callable[[Frame], object],
        upload: Upload,
        problem: Callable[[], str],
        tell: Callable[[Frame], object],
        realistic: bool,
    ) -> None:
        """``problem`` says why these glasses can take no photo; an empty text when they can.

        ``tell`` tells pages what becomes of each photo.
        """
        self.photos: Record[Photo] = Record()
        self.uploads: Record[UploadEnded] = Record()
        self.bluetooth = False
        self.silent = False
        """Whether requests for photos are not answered at all."""
        self._schedule = schedule
        self._answer = answer
        self._upload = upload
        self._problem = problem
        self._tell = tell
        self._realistic = realistic
        self._album = Album()
        self._lock = threading.Lock()  # guards the next four
        self._failures: deque[_Failure] = deque()
        self._picture: _Picture | None = None
        self._follows = False
        self._open: dict[str, tuple[Frame, Later]] = {}

    # --- For tests ---------------------------------------------------------------------------

    def show(self, picture: str | Path | bytes | Image | None, mime_type: str = "") -> None:
        """Hold a picture before the camera: a file, its bytes or a Pillow image; None: the card.

        It is uploaded as it is, whatever size is asked for.  ``mime_type`` says that it is of
        that type, true or not.  Raises ValueError for bytes that are no picture, without it.
        """
        made = None if picture is None else _picture(picture, mime_type)
        with self._lock:
            self._picture = made

    def fail_next(
        self,
        how: str = "response",
        code: str = "CAMERA_BUSY",
        message: str = "The camera is busy",
    ) -> None:
        """Let the next photo fail: by ``"response"``, by ``"upload"``, or in ``"silence"``.

        Called several times, as many photos fail, in that order.
        """
        if how not in FAILURES:
            raise ValueError(f"how must be one of {', '.join(FAILURES)}; got {how!r}")
        with self._lock:
            self._failures.append(_Failure(how, code, message))

    # --- For pages ---------------------------------------------------------------------------

    def album(self) -> list[Frame]:
        """What pages were told of the last photos."""
        return self._album.messages()

    def follow(self, on: bool) -> None:
        """Have each photo wait for what the webcam of a page sees at that moment, or not.

        The page is told ``look``, and answers by :meth:`seen`, in three seconds at most.
        """
        with self._lock:
            self._follows = on

    def seen(self, request_id: str, picture: bytes) -> None:
        """What a webcam sees for a photo; raises ValueError for what is no picture."""
        made = _picture(picture, "")
        with self._lock:
            self._picture = made
        self._look_over(request_id)

    # --- From the cloud ----------------------------------------------------------------------

    def take(self, request: Frame) -> None:
        """Take a photo that a ``photo_request`` asks for."""
        problem = self._problem()
        if problem:
            self._say_failed(request, "CAMERA_UNAVAILABLE", problem)
            return
        self._tell_of(request, "taking")
        if self._realistic:
            self._schedule.after(limits.SHUTTER_SECONDS, lambda: self._take(request))
        else:
            self._take(request)

    def _take(self, request: Frame) -> None:
        with self._lock:
            failure = self._failures.popleft() if self._failures else None
            picture = self._picture
            follows = self._follows
        if self.silent:
            return
        if failure is None and follows:
            self._look(request)
        elif failure is None:
            self._take_and_upload(request, picture)
        elif failure.how == "response":
            self._say_failed(request, failure.code, failure.message)
        elif failure.how == "upload":
            fields = {"errorCode": failure.code, "errorMessage": failure.message}
            form = {"type": "photo_error", "success": "false", **fields}
            self._send(request, lambda: _form(request, form, None), told=False)

    def _look(self, request: Frame) -> None:
        request_id = str(request.get("requestId"))
        seconds = limits.PAGE_SHUTTER_SECONDS
        with self._lock:
            timer = self._schedule.after(seconds, lambda: self._look_over(request_id))
            self._open[request_id] = (request, timer)
        self._tell_of(request, "look")

    def _look_over(self, request_id: str) -> None:
        """The page has looked, or does not."""
        with self._lock:
            request, timer = self._open.pop(request_id, (None, None))
            picture = self._picture
        if request is not None and timer is not None:
            timer.cancel()
            self._take_and_upload(request, picture)

    def _take_and_upload(self, request: Frame, picture: _Picture | None) -> None:
        photo = Photo(
            size=str(request.get("size")),
            compress=str(request.get("compress")),
            request_id=str(request.get("requestId")),
            url=str(request.get("webhookUrl")),
        )
        self.photos.add(photo)
        fields = {"type": "photo_upload", "success": "true"}
        if self.bluetooth:
            fields = {"source": "ble_transfer"}

        def make() -> tuple[bytes, str]:
            taken = picture or _Picture(color_bars(photo.size, photo.compress), "image/jpeg", "jpg")
            self._tell_of(request, "taken", taken)
            return _form(request, fields, taken)

        # Over Bluetooth it is the phone that uploads, and the glasses say nothing.
        self._send(request, make, told=not self.bluetooth)

    def _send(self, request: Frame, make: MakeBody, *, told: bool) -> None:
        """Upload a form, which is made on the uploading thread; ``told``: then say how it went."""
        request_id = str(request.get("requestId"))
        token = request.get("authToken")
        headers = {"Authorization": f"Bearer {token}"} if isinstance(token, str) else {}

        def done(answered: bool, problem: str) -> None:
            self.uploads.add(UploadEnded(request_id, problem))
            if not answered:
                self._say_failed(request, "UPLOAD_FAILED", problem)
            elif told:
                url = request.get("webhookUrl")
                self._say(request, success=True, photoUrl=url, savedToGallery=False)

        self._upload(str(request.get("webhookUrl")), make, headers, done)

    def _tell_of(self, request: Frame, state: str, taken: _Picture | None = None) -> None:
        told: Frame = {"kind": "photo", "state": state, "requestId": request.get("requestId")}
        if taken is not None:
            told |= {"size": request.get("size"), "at": iso_timestamp()}
            told |= {"bytes": len(taken.data), "picture": thumbnail(taken.data)}
            self._album.add(told)
        self._tell(told)

    def _say_failed(self, request: Frame, code: str, message: str) -> None:
        self._tell_of(request, "failed")
        self._say(request, success=False, errorCode=code, errorMessage=message)

    def _say(self, request: Frame, **fields: Any) -> None:
        self._answer({"type": "photo_response", "requestId": request.get("requestId"), **fields})


def _picture(given: str | Path | bytes | Image, mime_type: str) -> _Picture:
    from PIL import Image

    if isinstance(given, str | Path):
        given = Path(given).read_bytes()
    if not isinstance(given, bytes):
        data = BytesIO()
        given.convert("RGB").save(data, "JPEG")
        given = data.getvalue()
    if mime_type:
        return _Picture(given, mime_type, mime_type.rpartition("/")[2])
    try:
        with Image.open(BytesIO(given)) as image:
            found = image.get_format_mimetype() or "image/jpeg"
    except OSError:
        raise ValueError("the bytes are no picture; with mime_type= they are sent as it") from None
    return _Picture(given, found, found.rpartition("/")[2])


def _form(request: Frame, fields: Frame, picture: _Picture | None) -> tuple[bytes, str]:
    """A multipart form as glasses send it, and its content type."""
    request_id = str(request.get("requestId"))
    boundary = f"----glasses{secrets.token_hex(12)}"
    body = bytearray()
    for name, value in {"requestId": request_id, **fields}.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        body += f"{value}\r\n".encode()
    if picture is not None:
        filename = f"{request_id}.{picture.suffix}".replace('"', "").replace("\n", "")
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="photo"; '.encode()
        body += f'filename="{filename}"\r\nContent-Type: {picture.mime_type}\r\n\r\n'.encode()
        body += picture.data + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return bytes(body), f"multipart/form-data; boundary={boundary}"
