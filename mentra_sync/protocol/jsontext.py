"""JSON text to plain values and back, the same with and without orjson.

orjson is used when it is installed, else the standard library. Where the two differ, both are
made to agree: NaN, Infinity and numbers too big for a float are malformed; an integer that 64
bits don't hold is read as a float; an unpaired surrogate, which UTF-8 cannot carry, becomes
U+FFFD, in and out. What orjson refuses gets a second, slower look here before it counts as bad.
"""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timezone
from enum import Enum
from typing import Any, NoReturn

try:
    import orjson
except ImportError:
    _fast_loads: Callable[[str | bytes], Any] | None = None
    _fast_dumps: Callable[[Any], bytes] | None = None
else:
    _fast_loads = orjson.loads
    _PASSED_ON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME

    def _fast_dumps(value: Any) -> bytes:
        return orjson.dumps(value, None, _PASSED_ON)


_NULL_VALUES = (b":null", b",null", b"[null")
"""Where a null can stand in a message; also found inside a text, which only costs time."""


class MalformedMessage(ValueError):
    """A text or a JSON object that is not what the protocol says; the text says where."""


def parse(text: str | bytes) -> dict[str, Any]:
    """The JSON object in a text (bytes: strict UTF-8); raises MalformedMessage."""
    value = parse_value(text)
    if value.__class__ is not dict:
        raise MalformedMessage(f"a message must be a JSON object, got {shortened(value)}")
    parsed: dict[str, Any] = value
    return parsed


def parse_value(text: str | bytes) -> Any:
    """Any JSON value in a text (bytes: strict UTF-8); raises MalformedMessage."""
    if _fast_loads is None:
        return _slow_loads(text)
    try:
        return _fast_loads(text)
    except ValueError:
        return _slow_loads(text)


def dumps(value: Any) -> str:
    """The JSON text of plain values, without spaces; enums are sent as their values.

    Raises TypeError for a value that JSON doesn't have, ValueError for NaN, Infinity and for
    values nested deeper than Python can follow.
    """
    if _fast_dumps is None:
        return _slow_dumps(value)
    try:
        data = _fast_dumps(value)
    except TypeError:
        return _slow_dumps(value)
    if b"null" in data and (data == b"null" or any(null in data for null in _NULL_VALUES)):
        # orjson writes NaN and Infinity as null: let the slow way refuse them.
        return _slow_dumps(value)
    return data.decode()


def clean_text(text: str) -> str:
    """The text with every unpaired surrogate replaced by U+FFFD, so that UTF-8 can carry it.

    A plain ``str``: a member of somebody's ``class Color(str, Enum)`` is one by its value, but
    ``str()`` gives its name.
    """
    text = str.__str__(text)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def text_of(value: object) -> str:
    """What is to be shown or said: a text as it is, nothing for None, else the ``str()`` of it."""
    if value is None:
        return ""
    return clean_text(value if isinstance(value, str) else str(value))


def iso_timestamp(now: float | None = None) -> str:
    """A moment (s since 1970; default: now) as the wire has it: ``2026-11-22T08:42:25.917Z``."""
    moment = (
        datetime.now(timezone.utc) if now is None else datetime.fromtimestamp(now, timezone.utc)
    )
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def shortened(value: Any) -> str:
    """A value as an error message shows it: as JSON, 60 characters at most."""
    try:
        text = json.dumps(value if not isinstance(value, str) else value[:80], ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    text = clean_text(text)
    return text if len(text) <= 60 else text[:57] + "..."


def _read_int(digits: str) -> int | float:
    if len(digits) < 19:
        return int(digits)
    number = _read_float(digits)
    if abs(number) < 1e20 and -(1 << 63) <= int(digits) < 1 << 64:
        return int(digits)
    return number


def _read_float(digits: str) -> float:
    number = float(digits)
    if number - number != 0:
        raise MalformedMessage(f"number too big: {shortened(digits)}")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedMessage(f"{name} is not JSON")


_decode_text = json.JSONDecoder(
    parse_int=_read_int, parse_float=_read_float, parse_constant=_refuse_constant
).decode


def _slow_loads(text: str | bytes) -> Any:
    try:
        text = clean_text(text) if isinstance(text, str) else str(text, "utf-8")
        value = _decode_text(text)
        return _cleaned(value) if "\\ud" in text or "\\uD" in text else value
    except MalformedMessage:
        raise
    except UnicodeDecodeError as error:
        raise MalformedMessage(f"not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise MalformedMessage("nested too deeply") from None
    except ValueError as error:
        raise MalformedMessage(f"not JSON: {error}; it begins {shortened(text)}") from None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"JSON has no {type(value).__name__}: {value!r:.60}")


_encode_text = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
).encode


def _slow_dumps(value: Any) -> str:
    try:
        text = _encode_text(value)
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                text = _encode_text(_cleaned(value))
        return text
    except RecursionError:
        raise ValueError("nested too deeply for JSON") from None
