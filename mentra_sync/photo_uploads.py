"""``POST /photo-upload``: photos on their way from the glasses to the calls that wait for them."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import IO, Any

from flask import Request
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData
from werkzeug.wsgi import get_input_stream

from mentra_sync import config, hints
from mentra_sync.runtime.closing import printable
from mentra_sync.runtime.replies import AwaitedPhoto, AwaitedPhotos, PhotoUpload, photo_error

_log = logging.getLogger(__name__)

_CHUNK = 64 * 1024
_MAX_HEADERS = 4 * _CHUNK
"""What may wait for the end of a part's headers, or for the first part."""

_MAX_BOUNDARY = 200
_NO = ("false", "0", "no")
_MEGABYTES = config.MAX_PHOTO_BYTES // (1024 * 1024)

Answer = tuple[dict[str, Any], int]


def receive(request: Request, photos: AwaitedPhotos) -> Answer:
    """Take an upload in, and give the photo, or why there is none, to the call that waits for it.

    At most one photo of 10 MB is held in memory, whatever the body says.
    """
    form = _read(request, lambda request_id: photos.find(request_id) is not None)
    request_id = form.fields.get("requestId", "")
    if not 0 < len(request_id) <= config.MAX_ID_CHARACTERS:
        status, words = form.broken or (400, "the upload has no requestId")
        return _refusal("", words, status)
    awaited = photos.find(request_id)
    if awaited is None:
        if form.problem is not None and not form.tells_failure:
            return _refusal(request_id, form.problem[2], form.problem[0])
        return _nobody_waits(photos, request_id)
    if not awaited.admits(request.headers.get("Authorization")):
        _log.warning(hints.UPLOAD_WITHOUT_TOKEN)
        return _refusal(request_id, "the Authorization is not the one that was asked for", 401)
    return _deliver(photos, request_id, awaited, form)


def _deliver(photos: AwaitedPhotos, request_id: str, awaited: AwaitedPhoto, form: _Form) -> Answer:
    if form.tells_failure:
        code, words = form.fields.get("errorCode"), form.fields.get("errorMessage")
        taken = awaited.failed(photo_error(_short(code, 100), _short(words, 500)))
        message = "Photo error received"
    elif form.problem is not None:
        status, code, words = form.problem
        awaited.failed(photo_error(code, words))
        return _refusal(request_id, words, status)
    else:
        taken = awaited.arrived(PhotoUpload(bytes(form.data), form.mime_type, form.filename))
        message = "Photo received"
    if not taken:
        return _nobody_waits(photos, request_id)
    return {"success": True, "requestId": request_id, "message": message}, 200


def _nobody_waits(photos: AwaitedPhotos, request_id: str) -> Answer:
    if photos.is_over(request_id):
        _log.info("a photo came for a request that is over; it is not kept")
    else:
        _log.warning(hints.UNKNOWN_SESSION, "photo")
    return _refusal(request_id, "no request waits for this photo", 404)


def _refusal(request_id: str, message: str, status: int) -> Answer:
    return {"success": False, "requestId": request_id, "message": message}, status


# --- The form --------------------------------------------------------------------------------


class _Form:
    """What an upload holds, as far as it is of use."""

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        self.broken: tuple[int, str] | None = None
        """Why it could not be read to its end: an HTTP status, and words for it."""
        self.fields: dict[str, str] = {}
        self.data = bytearray()
        self.mime_type = ""
        self.filename = ""
        self._wanted = wanted
        self._has_photo = False
        self._keeps = False
        self._size = 0
        self._part: Field | File | None = None
        self._field = bytearray()

    @property
    def tells_failure(self) -> bool:
        """Whether it says that there is no photo; one that came over Bluetooth has no such word."""
        success = self.fields.get("success", "").strip().lower()
        return self.fields.get("type") == "photo_error" or success in _NO

    @property
    def problem(self) -> tuple[int, str, str] | None:
        """Why it is refused: an HTTP status, an error code and words for it; or None."""
        if self.broken is not None:
            return self.broken[0], "BAD_UPLOAD", self.broken[1]
        if not self._has_photo or not self._size:
            return 400, "NO_FILE", "the upload has no file in its field photo"
        if not self.mime_type.startswith("image/"):
            got = printable(self.mime_type[:100]) or "nothing"
            return 400, "NOT_AN_IMAGE", f"the file must be of a type image/..., it says {got}"
        if self._size > config.MAX_PHOTO_BYTES:
            return 413, "TOO_LARGE", f"the photo has more than {_MEGABYTES} MB"
        return None

    def take(self, event: Event) -> None:
        """Take in the next piece of it."""
        if isinstance(event, Field | File):
            self._part = event
            self._field.clear()
            if isinstance(event, File) and event.name == "photo":
                self._begin_photo(event)
        elif isinstance(event, Data):
            self._take_data(event)

    def _begin_photo(self, part: File) -> None:
        if self._has_photo:
            self._part = None  # the first one counts
            return
        self._has_photo = True
        self.mime_type = part.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        self.filename = _plain_name(part.filename)
        request_id = self.fields.get("requestId")
        self._keeps = request_id is None or self._wanted(request_id)

    def _take_data(self, event: Data) -> None:
        part = self._part
        if isinstance(part, File) and part.name == "photo":
            self._size += len(event.data)
            if self._size > config.MAX_PHOTO_BYTES:
                self._keeps = False
                self.data.clear()
            if self._keeps:
                self.data += event.data
        elif isinstance(part, Field):
            room = config.MAX_UPLOAD_FIELD_BYTES - len(self._field)
            self._field += event.data[:room]
            if not event.more_data:
                self.fields.setdefault(part.name or "", self._field.decode("utf-8", "replace"))


def _read(request: Request, wanted: Callable[[str], bool]) -> _Form:
    """Read an upload piece by piece; a bad one is read as far as it makes sense."""
    form = _Form(wanted)
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not 0 < len(boundary) <= _MAX_BOUNDARY:
        form.broken = (400, "an upload must be multipart/form-data with a boundary")
        return form
    try:
        # Not request.stream: it ends where other requests must.
        stream = get_input_stream(request.environ, max_content_length=config.MAX_UPLOAD_BYTES)
        _parse(stream, boundary.encode(), form)
    except HTTPException as error:
        if error.code != 413:
            raise  # the connection broke off; the glasses may try again by other means
        form.broken = (413, "the upload is too large, or has too many parts")
    except ValueError:
        form.broken = (400, "the upload is no complete multipart form")
    return form


def _parse(stream: IO[bytes], boundary: bytes, form: _Form) -> None:
    decoder = MultipartDecoder(boundary, _MAX_HEADERS, max_parts=config.MAX_UPLOAD_PARTS)
    while True:
        decoder.receive_data(stream.read(_CHUNK) or None)
        while not isinstance(event := decoder.next_event(), NeedData):
            form.take(event)
            if isinstance(event, Epilogue):
                return


def _plain_name(filename: str) -> str:
    """A file name without a path and without surprises."""
    name = re.split(r"[/\\:]", filename)[-1]
    name = printable(name).strip(" .")[-200:]
    return name or "photo.jpg"


def _short(text: str | None, length: int) -> str | None:
    return None if text is None else printable(text[:length].strip()) or None
