"""Photo uploads as glasses send them, and as nobody should."""

from __future__ import annotations

import http.client
import json
from io import BytesIO
from typing import Any

from PIL import Image

BOUNDARY = "----glasses1"
PATIENCE = 20.0

Part = tuple[str, bytes, dict[str, str]]
"""Name, content, and filename and type where it is a file."""


def jpeg(width: int = 8, height: int = 6) -> bytes:
    data = BytesIO()
    Image.new("RGB", (width, height), "green").save(data, "JPEG")
    return data.getvalue()


def photo(data: bytes, name: str = "p.jpg", kind: str | None = "image/jpeg") -> Part:
    headers = {"filename": name} | ({} if kind is None else {"type": kind})
    return "photo", data, headers


def field(name: str, value: str) -> Part:
    return name, value.encode(), {}


def multipart(*parts: Part, boundary: str = BOUNDARY, end: bool = True) -> bytes:
    body = b""
    for name, content, file in parts:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if "filename" in file:
            body += f'; filename="{file["filename"]}"'.encode()
        if "type" in file:
            body += f"\r\nContent-Type: {file['type']}".encode()
        body += b"\r\n\r\n" + content + b"\r\n"
    return body + (f"--{boundary}--\r\n".encode() if end else b"")


def wifi_form(request_id: str, data: bytes, **file: Any) -> bytes:
    """What glasses send over their own wifi."""
    return multipart(
        field("requestId", request_id),
        field("type", "photo_upload"),
        field("success", "true"),
        photo(data, **file),
    )


def bluetooth_form(request_id: str, data: bytes) -> bytes:
    """What a phone sends for them."""
    return multipart(
        field("requestId", request_id), field("source", "ble_transfer"), photo(data, "ble.jpg")
    )


def error_form(request_id: str, **fields: str) -> bytes:
    """What glasses send instead of a photo."""
    given = {"type": "photo_error", "success": "false", **fields}
    return multipart(field("requestId", request_id), *(field(*item) for item in given.items()))


def upload(
    port: int,
    body: bytes,
    headers: dict[str, str] | None = None,
    content_type: str | None = f"multipart/form-data; boundary={BOUNDARY}",
) -> tuple[int, dict[str, Any]]:
    """POST it; returns status and answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    sent = dict(headers or {})
    if content_type is not None:
        sent["Content-Type"] = content_type
    try:
        connection.request("POST", "/photo-upload", body, sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
