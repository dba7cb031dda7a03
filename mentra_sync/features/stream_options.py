"""Options of streams: dicts or dataclasses in snake_case, checked before anything is sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, Union

from mentra_sync.protocol.codec import clean_text
from mentra_sync.protocol.message import Message

O = TypeVar("O", bound=Message)  # noqa: E741

Options = Union[O, Mapping[str, Any], None]  # noqa: UP007  # mypy takes no | here in 3.10
"""The message class itself, a dict of its fields, or nothing."""

_FLAGS = frozenset({"echo_cancellation", "noise_suppression", "enable_webrtc"})
_TEXTS = frozenset({"url", "name"})
_WHOLE = frozenset({"width", "height", "bitrate", "sample_rate"})


def options(cls: type[O], name: str, given: Any) -> O | None:
    """The options of an argument as the message that they are sent as; None for none.

    ``given`` is a mapping or a dataclass with (some of) the fields of ``cls``.  Raises
    ``ValueError`` for an unknown field or an unusable value, ``TypeError`` for anything else.
    """
    if given is None:
        return None
    known = [field.name for field in dataclasses.fields(cls) if field.name not in ("type", "extra")]
    values = {}
    for key, value in _items(name, given, known):
        if key not in known:
            raise ValueError(f"{name} has no {key!r}; it takes {', '.join(known)}")
        if value is not None:
            values[key] = _checked(f"{name}[{key!r}]", key, value)
    required = [
        field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING
    ]
    for key in required:
        if key in known and key not in values:
            raise ValueError(f"{name} needs {key!r}, got {given!r}")
    return cls(**values)


def options_list(cls: type[O], name: str, given: Iterable[Any] | None) -> list[O] | None:
    """The same for a list of them."""
    if given is None:
        return None
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f'{name} must be a list like [{{"url": "rtmp://..."}}], got {given!r}')
    made = (options(cls, f"{name}[{index}]", one) for index, one in enumerate(given))
    return [one for one in made if one is not None]


def _items(name: str, given: Any, known: list[str]) -> list[tuple[str, Any]]:
    if isinstance(given, Mapping):
        return list(given.items())
    if dataclasses.is_dataclass(given) and not isinstance(given, type):
        fields = (field.name for field in dataclasses.fields(given))
        return [(key, getattr(given, key)) for key in fields if key not in ("type", "extra")]
    raise TypeError(f'{name} must be a dict like {{"{known[0]}": ...}}, got {given!r}')


def _checked(name: str, key: str, value: Any) -> Any:
    if key in _TEXTS:
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name} must be a text, got {value!r}")
        return clean_text(value)
    if key in _FLAGS:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be True or False, got {value!r}")
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):
        raise ValueError(f"{name} must be a number above 0, got {value!r}")
    if key in _WHOLE:
        if value != int(value):
            raise ValueError(f"{name} must be a whole number, got {value!r}")
        return int(value)
    return value
