"""The recordings of a real cloud: what each end said and heard, line by line.

``recordings/*.jsonl`` have one JSON object a line: ``t`` (ms), ``at`` (``app`` or ``glasses``),
``dir`` (``in`` or ``out``, seen from that end), ``kind``, and what goes with the kind.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"

_ARBITRARY = {"timestamp", "createdAt", "timeStamp"}
"""Moments: only whether they are there, and whether they are texts or numbers, is compared."""

_RECOGNISER = {"startTime", "endTime", "provider", "metadata", "duration"}
"""A recogniser's own affair, where a frame is a transcription or a translation."""

_ADDRESS = re.compile(r"(http|ws)://(127\.0\.0\.1|localhost):\d+")


@dataclass(frozen=True)
class Line:
    """One line of a recording."""

    number: int
    t: float
    """Seconds since the start of the file."""
    at: str
    out: bool
    kind: str
    sock: int | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """Something that one end has seen: when, by what way, what it was, and all of it."""

    t: float
    channel: str
    """``app 3`` and ``glasses 1`` are sockets, ``app hooks`` the webhooks, ``c2`` an answer."""
    label: str
    content: Any
    order: int


def lines_of(name: str) -> list[Line]:
    """All lines of a recording, with values that were given in an earlier line filled in."""
    texts = (FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()
    rows: list[dict[str, Any]] = []
    for text in texts:
        rows.append(_resolved(json.loads(text), rows))
    return [
        Line(
            number,
            row.pop("t") / 1000,
            row.pop("at"),
            row.pop("dir") == "out",
            row.pop("kind"),
            row.pop("sock", None),
            row,
        )
        for number, row in enumerate((dict(row) for row in rows), 1)
    ]


def _resolved(value: Any, rows: list[dict[str, Any]], key: str = "") -> Any:
    if isinstance(value, dict):
        if "$same_as_line" in value:
            return _found(rows[value["$same_as_line"] - 1], key)[0]
        return {name: _resolved(one, rows, name) for name, one in value.items()}
    return [_resolved(one, rows) for one in value] if isinstance(value, list) else value


def _found(value: Any, key: str) -> list[Any]:
    """The values under a key, wherever it stands."""
    if isinstance(value, list):
        return [found for one in value for found in _found(one, key)]
    if not isinstance(value, dict):
        return []
    here = [value[key]] if key in value else []
    return here + [found for one in value.values() for found in _found(one, key)]


class Normal:
    """Makes what was seen comparable: ids become numbers, moments and addresses kinds of them."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def of(self, value: Any, key: str = "", speech: bool = False) -> Any:
        """A value without what is arbitrary in it."""
        if speech and key in _RECOGNISER and value:
            return "<recogniser>"
        if isinstance(value, dict):
            speech = value.get("type") in ("transcription", "translation")
            return {
                name: self.of(one, name, speech) for name, one in value.items() if name != "_id"
            }
        if isinstance(value, list):
            return [self.of(one) for one in value]
        if key in _ARBITRARY:
            return f"<{type(value).__name__}>"
        if key in ("streamId", "ackId") and value:
            return self._ids.setdefault(value, f"<{key} {len(self._ids) + 1}>")
        return _ADDRESS.sub(r"\1://<address>", value) if isinstance(value, str) else value


def label_of(kind: str, content: Any) -> str:
    """What one thing is, in a few words: things are put side by side by these."""
    if kind != "frame":
        return kind
    words = [content.get("type")]
    layout = content.get("layout")
    if isinstance(layout, dict):
        texts = (text for name, text in layout.items() if name in _TEXTS)
        words += [content.get("view"), layout.get("layoutType"), *texts]
    if content.get("type") == "data_stream":
        data = content.get("data") or {}
        words += [content.get("streamType"), data.get("text"), data.get("isFinal")]
    words += [content.get(name) for name in ("code", "status", "packageName") if name in content]
    return " ".join(str(word) for word in words if word not in (None, ""))


_TEXTS = ("text", "title", "topText", "bottomText")


def heard(lines: list[Line]) -> list[Seen]:
    """What the ends of a recording heard."""
    normal = Normal()
    asked = {line.data["id"]: line.data for line in lines if line.out and "id" in line.data}
    seen = []
    for line in lines:
        one = None if line.out else _heard(line, asked, normal)
        if one is not None:
            seen.append(one)
    return seen


def _heard(line: Line, asked: dict[str, Any], normal: Normal) -> Seen | None:
    channel = f"{line.at} {line.sock}"
    content: Any = None
    if line.kind == "frame":
        content = normal.of(line.data["frame"])
        label = label_of("frame", content)
    elif line.kind == "http" and "method" in line.data:
        if line.data["path"] == "/photo-upload":
            return None  # it came from the glasses, not from the cloud
        channel, content = f"{line.at} hooks", normal.of(hook(line.data))
        label = hook_label(line.data)
    elif line.kind == "http" and line.sock is not None:
        label, content = "upgrade", answer(line.data, normal)
    elif line.kind == "http":
        request = asked[line.data["id"]]
        if "host" in request:
            return None
        channel = f"{line.at} {line.data['id']}"
        label, content = f"{request['method']} {request['path']}", answer(line.data, normal)
    elif line.kind == "close":
        label, content = "close", [line.data["code"], line.data["reason"]]
    elif line.kind == "binary":
        label, content = "binary", [line.data["length"], line.data["first64hex"]]
    else:
        label = line.kind
    return Seen(line.t, channel, label, content, line.number)


def hook(request: dict[str, Any]) -> dict[str, Any]:
    """What matters in a request of the cloud to an app."""
    headers = {name.lower(): value for name, value in request["headers"].items()}
    has_key = "x-app-api-key" in headers
    return {"path": request["path"], "body": request["body"], "has key": has_key}


def hook_label(request: dict[str, Any]) -> str:
    """What a request of the cloud to an app is, and to which."""
    body = request["body"]
    words = (request["path"], body.get("type"), str(body.get("sessionId", "")).rpartition("-")[2])
    return " ".join(word for word in words if word)


def answer(data: dict[str, Any], normal: Normal) -> list[Any]:
    """What matters in an answer: what is no JSON is each server's own."""
    body = data["body"]
    if isinstance(body, str):
        body = json.loads(body) if body.startswith("{") else "<page>"
    return [data["status"], normal.of(body)]
