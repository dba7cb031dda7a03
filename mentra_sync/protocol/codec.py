"""JSON to dataclass and back: the face of `jsontext` (text) and `compiler` (classes).

>>> decode(ButtonPress, parse('{"type": "button_press", "buttonId": "main"}'))
ButtonPress(button_id='main')
"""

from __future__ import annotations

from typing import Any, TypeVar

from mentra_sync.protocol.compiler import decode, encode
from mentra_sync.protocol.jsontext import (
    MalformedMessage,
    clean_text,
    dumps,
    iso_timestamp,
    parse,
    parse_value,
    text_of,
)

__all__ = [
    "MalformedMessage",
    "clean_text",
    "decode",
    "dumps",
    "encode",
    "from_json",
    "iso_timestamp",
    "parse",
    "parse_value",
    "text_of",
    "to_json",
]

M = TypeVar("M")


def to_json(message: Any) -> str:
    """The JSON text of a message."""
    return dumps(encode(message))


def from_json(cls: type[M], text: str | bytes) -> M:
    """The message of a class that a JSON text stands for; raises MalformedMessage."""
    return decode(cls, parse(text))
