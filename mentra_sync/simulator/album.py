"""The last photos of simulated glasses, small, as pages show them."""

from __future__ import annotations

import base64
import threading
from collections import deque
from io import BytesIO
from typing import Any

from mentra_sync.simulator import limits

_SIZE = (256, 144)
_QUALITY = 70


class Album:
    """Keeps what pages are told of the last photos; may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the next
        self._messages: deque[dict[str, Any]] = deque(maxlen=limits.MAX_ALBUM)

    def add(self, message: dict[str, Any]) -> None:
        """One more photo."""
        with self._lock:
            self._messages.append(message)

    def messages(self) -> list[dict[str, Any]]:
        """All of them, the newest last."""
        with self._lock:
            return list(self._messages)


def thumbnail(data: bytes) -> str | None:
    """A small copy of a picture, as an address; None for what is no picture."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as image:
            image.draft("RGB", _SIZE)
            small = image.convert("RGB")
            small.thumbnail(_SIZE)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    file = BytesIO()
    small.save(file, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
