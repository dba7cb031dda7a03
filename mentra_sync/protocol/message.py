"""What every message of the wire has in common: its wire form and its way to and from JSON.

dataclasses-json defines the wire form: field names in camelCase, fields that are None left out,
unknown fields kept in ``extra``. The settings that say so stand here in dataclasses-json's own
terms, so that its decoder, its encoder and its ``schema()`` work on every message; but it is
imported only when one of them is asked for. The daily work is done by plain functions that
`compiler` derives, once per class, from the same settings: dataclasses-json takes 270 us for a
message of 12 fields and its import brings marshmallow. A property test holds the two equal.

Annotations are real objects in every module with messages (no ``from __future__ import
annotations``), because dataclasses-json resolves a base class's names in the subclass's module.
"""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mentra_sync.protocol import compiler, jsontext

if TYPE_CHECKING:
    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda decorator: decorator


T = TypeVar("T")

Timestamp = str | float
"""ISO 8601 text, or milliseconds since 1970: the wire has both."""


def wire(
    name: str | None = None,
    *,
    default: Any = dataclasses.MISSING,
    default_factory: Any = dataclasses.MISSING,
    decoder: Callable[[Any], Any] | None = None,
    send_none: bool = False,
) -> Any:
    """A field whose wire form is not the usual one.

    ``name`` is the wire name where camelCase does not give it; ``decoder`` makes the value from
    what was sent if that is not yet of the field's class, and raises ValueError for what it cannot
    take; ``send_none`` sends None as null instead of leaving the field out.
    """
    settings: dict[str, Any] = {}
    if name is not None:
        settings["letter_case"] = lambda _: name
    if decoder is not None:
        settings["decoder"] = decoder
    if send_none:
        settings["exclude"] = _never
    return field(
        default=default, default_factory=default_factory, metadata={"dataclasses_json": settings}
    )


@dataclass_transform(field_specifiers=(field, wire))
def message(cls: type[T]) -> type[T]:
    """Make a message class a dataclass; repr and equality come from `Message`."""
    return dataclasses.dataclass(repr=False, eq=False)(cls)


def _never(_: Any) -> bool:
    return False


def _is_none(value: Any) -> bool:
    return value is None


class _WireForm:
    """The settings of all messages, as dataclasses-json wants to find them; imports it if asked."""

    def __get__(self, instance: object, owner: type) -> dict[str, Any]:
        from dataclasses_json import CatchAll, DataClassJsonMixin, Undefined

        Message.__annotations__["extra"] = CatchAll
        DataClassJsonMixin.register(Message)
        return {
            "letter_case": compiler.camel_case,
            "undefined": Undefined.INCLUDE,
            "exclude": _is_none,
        }


@message
class Message:
    """Base of everything that crosses the wire as a JSON object.

    ``to_dict()`` of a message that came in gives back exactly the fields that came: absent ones
    stay absent, a null comes back as null, and a value of the wrong type, which reads as the
    field's default (mostly None), comes back as it was, until the field is set to something else.
    """

    extra: dict[str, Any] = field(default_factory=dict, kw_only=True)
    """Fields that this version doesn't know, under their wire names."""

    dataclass_json_config = _WireForm()

    _sent: ClassVar[Any] = None
    """On a message that came in: what `compiler` noted of fields that are not as they came."""

    @classmethod
    def from_dict(cls, data: Any) -> "Self":
        """The message that a JSON object stands for; raises MalformedMessage."""
        return compiler.decode(cls, data)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Self":
        """The message that a JSON text stands for; raises MalformedMessage."""
        return compiler.decode(cls, jsontext.parse(text))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, under wire names; a copy that may be changed freely."""
        copied: dict[str, Any] = _copy(compiler.encode(self))
        return copied

    def to_json(self, **options: Any) -> str:
        """The JSON text; ``options`` such as ``indent=2`` are those of ``json.dumps``."""
        if options:
            return json.dumps(self.to_dict(), **options)
        return jsontext.dumps(compiler.encode(self))

    @classmethod
    def schema(cls, **options: Any) -> Any:
        """The marshmallow schema of the message, made by dataclasses-json.

        Raises TypeError for the few messages with a field of any type, which have none.
        """
        from dataclasses_json import DataClassJsonMixin

        _ = cls.dataclass_json_config
        try:
            return DataClassJsonMixin.schema.__func__(cls, **options)  # type: ignore[attr-defined]
        except AttributeError:
            raise TypeError(f"{cls.__name__} has a field of any type, so no schema") from None

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        return all(
            getattr(self, f.name) == getattr(other, f.name) for f in dataclasses.fields(self)
        )

    def __repr__(self) -> str:
        values = (
            (f.name, getattr(self, f.name))
            for f in dataclasses.fields(self)
            if f.repr and f.name not in ("type", "layout_type", "extra")
        )
        shown = [f"{name}={value!r}" for name, value in values if value is not None]
        if self.extra:
            shown.append(f"extra={self.extra!r}")
        return f"{type(self).__qualname__}({', '.join(shown)})"


def _copy(value: Any) -> Any:
    """A copy of a JSON value that shares no container with it."""
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return value
