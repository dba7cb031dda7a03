"""``session.camera``: photos; its video streams are in ``streams``."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mentra_sync import config, hints
from mentra_sync.errors import PhotoError
from mentra_sync.features.streams import Streams
from mentra_sync.protocol.capabilities import Capabilities
from mentra_sync.protocol.codec import clean_text, decode
from mentra_sync.protocol.commands import PhotoRequest
from mentra_sync.protocol.names import PhotoCompression, PhotoSize
from mentra_sync.protocol.notices import PhotoResponse
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import PHOTO, PhotoUpload, check_timeout, photo_error

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class PhotoData:
    """A photo, as the glasses uploaded it."""

    data: bytes
    """The file itself; empty when it went to a ``custom_webhook_url``."""
    mime_type: str
    """Such as ``"image/jpeg"``."""
    filename: str
    """What the glasses call it: a plain name without a path."""
    request_id: str
    size: int
    """Bytes."""
    timestamp: datetime
    """When it came, in UTC."""

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the photo to a file, and return its path; what was there is overwritten.

        Raises ``PhotoError`` when there is no data here, and ``OSError`` when it can't be written.
        """
        target = Path(path)
        target.write_bytes(self._here())
        return target

    def image(self) -> Image:
        """The photo as a Pillow image. Raises ``PhotoError`` when it is no picture after all."""
        from PIL import Image, UnidentifiedImageError

        try:
            image = Image.open(BytesIO(self._here()))
            image.load()
        except UnidentifiedImageError:
            raise PhotoError("NOT_AN_IMAGE", hints.PHOTO_UNREADABLE.format(self.size)) from None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            if isinstance(error, PhotoError):
                raise
            raise PhotoError("BROKEN_IMAGE", f"the photo cannot be read: {error}") from error
        return image

    def _here(self) -> bytes:
        if not self.data:
            raise PhotoError("NO_DATA", hints.PHOTO_ELSEWHERE)
        return self.data

    def __repr__(self) -> str:
        return f"PhotoData({self.filename!r}, {self.mime_type}, {self.size} bytes)"


class Camera(Streams):
    """Takes photos, and streams video.

    A photo is taken by the glasses and uploaded to this app's server, at ``/photo-upload`` of
    its public address; several may be on their way at once.  Streams go from the glasses to an
    RTMP address, or to the cloud, which distributes them.
    """

    def __init__(self, link: Link, capabilities: Callable[[], Capabilities | None]) -> None:
        super().__init__(link)
        self._capabilities = capabilities
        link.refusals.add(PHOTO, PhotoError, "photo", "camera")
        link.router.read("photo_response", self._read_photo_response)

    def request_photo(
        self,
        *,
        size: str = PhotoSize.MEDIUM.value,
        compress: str = PhotoCompression.NONE.value,
        save_to_gallery: bool = False,
        custom_webhook_url: str | None = None,
        auth_token: str | None = None,
        timeout: float | None = config.PHOTO_TIMEOUT,
    ) -> PhotoData:
        """Take a photo; blocks until it is here, ``timeout`` seconds at most (None: no limit).

        ``size`` is ``"small"``, ``"medium"``, ``"large"`` or ``"full"``, ``compress`` is
        ``"none"``, ``"medium"`` or ``"heavy"``.  With ``custom_webhook_url`` the glasses upload
        it there, and this returns at once, with no data.  ``auth_token`` comes back with the
        upload, as ``Authorization: Bearer ...``; one without it is refused.  A reconnection
        meanwhile does no harm.

        Raises ``PermissionDenied`` when the app may not use the camera, ``PhotoError`` when the
        glasses or the cloud could not do it (its ``code`` says why), ``RequestTimeout`` when
        nothing comes in time, ``SessionEnded`` when the session ends first, and ``ValueError``
        for values that no camera takes.
        """
        check_timeout(timeout)
        request = PhotoRequest(
            request_id=str(uuid.uuid4()),
            save_to_gallery=_flag("save_to_gallery", save_to_gallery),
            size=_one_of("size", size, PhotoSize.values()),
            compress=_one_of("compress", compress, PhotoCompression.values()),
            custom_webhook_url=_webhook_url(custom_webhook_url),
            auth_token=_auth_token(auth_token),
        )
        if request.custom_webhook_url is not None:
            self._link.send(request)
            return _photo_data(request.request_id, PhotoUpload(b"", "image/jpeg", "photo.jpg"))
        upload = self._send_and_wait(request, timeout)
        return _photo_data(request.request_id, upload)

    def _send_and_wait(self, request: PhotoRequest, timeout: float | None) -> PhotoUpload:
        link, request_id = self._link, request.request_id
        with (
            link.expect(PHOTO, request_id) as reply,
            link.photos.awaiting(link.replies, request_id, request.auth_token),
        ):
            link.send(request, reply)
            upload: PhotoUpload = reply.result(timeout, self._too_late(timeout))
            return upload

    def _too_late(self, timeout: float | None) -> str:
        capabilities = self._capabilities()
        if capabilities is not None and capabilities.has_camera is False:
            return hints.NO_CAMERA.format(capabilities.model_name or "which are worn now")
        return "" if timeout is None else hints.PHOTO_TIMEOUT.format(timeout)

    def _read_photo_response(self, frame: dict[str, Any]) -> None:
        """On the connection thread. Success says only that the upload is on its way."""
        answer = decode(PhotoResponse, frame)
        if not answer.success:
            failure = answer.failure
            error = photo_error(failure.code, failure.message)
            self._link.replies.fail(PHOTO, answer.request_id, error)


def _photo_data(request_id: str, upload: PhotoUpload) -> PhotoData:
    return PhotoData(
        data=upload.data,
        mime_type=upload.mime_type,
        filename=upload.filename,
        request_id=request_id,
        size=len(upload.data),
        timestamp=datetime.now(timezone.utc),
    )


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}")
    return clean_text(value)


def _flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return value


def _webhook_url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
    except (ValueError, TypeError, AttributeError):
        usable = False
    if not usable or " " in url:
        raise ValueError(
            'custom_webhook_url must be an address like "https://example.com/photos",'
            f" which the glasses can reach; got {url!r}"
        )
    return url


def _auth_token(token: str | None) -> str | None:
    if token is None:
        return None
    text = isinstance(token, str)
    if not text or not token or not token.isascii() or not token.isprintable() or " " in token:
        # It is a secret, so only its kind is shown.
        kind = f"{len(token)} characters" if text else type(token).__name__
        raise ValueError(
            "auth_token travels in an HTTP header: it must be letters, digits and punctuation of"
            f" ASCII without spaces (secrets.token_urlsafe() makes one); got {kind}"
        )
    return token
