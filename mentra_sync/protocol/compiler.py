"""Plain decoders and encoders of message classes, compiled once per class from its fields.

A field's annotation says what JSON it takes, its dataclasses-json settings (`message.wire`) its
wire name and other exceptions. On first use a class gets two functions of generated source: a
decoder that looks at every field inline and calls for help only when a value is not of the
expected class, and an encoder that fills a dict.

What a decoder could not use, or had to make up (a default), it notes in ``_sent`` of the message
as field name -> `Sent`, so that the encoder gives back what came as long as the field is as the
decoder left it.
"""

import dataclasses
import types
import typing
from collections.abc import Callable
from copy import deepcopy
from enum import Enum
from typing import Any, NamedTuple, NoReturn, TypeVar

from mentra_sync.protocol.jsontext import MalformedMessage, shortened

M = TypeVar("M")

_decoders: dict[type, Callable[[Any], Any]] = {}
_encoders: dict[type, Callable[[Any], dict[str, Any]]] = {}


class _Absence(Enum):
    """Stands for a field that was not sent; an enum, because it must survive copy and pickle."""

    ABSENT = 0


_ABSENT = _Absence.ABSENT


def decode(cls: type[M], data: Any) -> M:
    """The message of a class that a JSON object stands for.

    ``data`` is not changed, but lists and objects in it may become part of the message. Raises
    MalformedMessage, which names message and field, when an essential field (one without a
    default) is missing or of the wrong type; any other field reads as its default then.
    """
    try:
        decoder = _decoders[cls]
    except KeyError:
        decoder = _decoders[cls] = _compile_decoder(cls)
    message: M = decoder(data)
    return message


def encode(message: Any) -> dict[str, Any]:
    """The JSON object of a message, under wire names; shares lists and objects with it."""
    try:
        encoder = _encoders[message.__class__]
    except KeyError:
        encoder = _encoders[message.__class__] = _compile_encoder(message.__class__)
    return encoder(message)


def camel_case(name: str) -> str:
    """The usual wire name of a field: ``button_id`` becomes ``buttonId``."""
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def wire_names(cls: type) -> dict[str, str]:
    """Field name -> wire name of a message class."""
    return {plan.name: plan.wire for plan in _plans(cls)}


class Sent(NamedTuple):
    """What came for a field (``raw``), and what the field was set to instead."""

    wire: str
    raw: Any
    value: Any


class _Kind(NamedTuple):
    """What JSON a field takes, and how it is turned into the field's value and back."""

    described: str
    """With an article, for messages: "a string"."""
    at_home: tuple[type, ...]
    """Classes whose values need no closer look."""
    accept: Callable[[Any], Any]
    """The field's value; raises ValueError for JSON of the wrong type."""
    encode: Callable[[Any], Any] | None = None
    """None: the value is JSON as it is."""


class _Plan(NamedTuple):
    """One field of a message class."""

    name: str
    wire: str
    kind: _Kind
    required: bool
    default: Callable[[], Any]
    sends_none: bool
    message_name: str


# What an annotation means


def _refuse(raw: Any) -> NoReturn:
    raise ValueError(raw)


def _accept_str(raw: Any) -> Any:
    return raw if isinstance(raw, str) else _refuse(raw)


def _accept_bool(raw: Any) -> Any:
    return raw if isinstance(raw, bool) else _refuse(raw)


def _accept_int(raw: Any) -> Any:
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else _refuse(raw)


def _accept_number(raw: Any) -> Any:
    return raw if isinstance(raw, int | float) and not isinstance(raw, bool) else _refuse(raw)


_SCALARS: dict[Any, _Kind] = {
    str: _Kind("a string", (str,), _accept_str),
    bool: _Kind("true or false", (bool,), _accept_bool),
    int: _Kind("a whole number", (int,), _accept_int),
    float: _Kind("a number", (float, int), _accept_number),
}

_ANYTHING = _Kind("anything", (), lambda raw: raw)


def _kind_of(annotation: Any) -> _Kind:
    if annotation is Any:
        return _ANYTHING
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _any_of([_kind_of(one) for one in arguments if one is not type(None)])
    if origin is list:
        return _list_of(_kind_of(arguments[0]))
    if origin is dict:
        return _object_of(_kind_of(arguments[1]))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        words = ", ".join(str(member.value) for member in annotation)
        return _Kind(f"one of {words}", (), annotation, lambda member: member.value)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _Kind("an object", (), lambda raw: decode(annotation, raw), _encode_nested)
    raise TypeError(f"no JSON is known for {annotation!r}")


def _any_of(kinds: list[_Kind]) -> _Kind:
    if len(kinds) == 1:
        return kinds[0]

    def accept(raw: Any) -> Any:
        for kind in kinds:
            try:
                return kind.accept(raw)
            except ValueError:
                continue
        _refuse(raw)

    at_home = tuple(cls for kind in kinds for cls in kind.at_home)
    return _Kind(" or ".join(kind.described for kind in kinds), at_home, accept)


def _list_of(item: _Kind) -> _Kind:
    if item is _ANYTHING:
        return _Kind("a list", (list,), lambda raw: raw if isinstance(raw, list) else _refuse(raw))

    def accept(raw: Any) -> Any:
        return [item.accept(one) for one in raw] if isinstance(raw, list) else _refuse(raw)

    encode_item = item.encode
    described = f"a list, each item {item.described}"
    if encode_item is None:
        return _Kind(described, (), accept)
    return _Kind(described, (), accept, lambda value: [encode_item(one) for one in value])


def _object_of(item: _Kind) -> _Kind:
    if item is _ANYTHING:
        return _Kind(
            "an object", (dict,), lambda raw: raw if isinstance(raw, dict) else _refuse(raw)
        )

    def accept(raw: Any) -> Any:
        if not isinstance(raw, dict):
            _refuse(raw)
        return {key: item.accept(one) for key, one in raw.items()}

    encode_item = item.encode
    described = f"an object, each value {item.described}"
    if encode_item is None:
        return _Kind(described, (), accept)
    return _Kind(
        described,
        (),
        accept,
        lambda value: {key: encode_item(one) for key, one in value.items()},
    )


def _encode_nested(value: Any) -> Any:
    """A nested message as JSON; a dict that was given in its place passes as it is."""
    return value if isinstance(value, dict) else encode(value)


# What a class means


def _plans(cls: type) -> list[_Plan]:
    """The fields of a message class but ``extra``, ``type`` first."""
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls!r} is not a message class")
    hints = typing.get_type_hints(cls)
    plans = [
        _plan(cls, field, hints[field.name])
        for field in dataclasses.fields(cls)
        if field.name != "extra"
    ]
    return sorted(plans, key=lambda plan: plan.name != "type")


def _plan(cls: type, field: "dataclasses.Field[Any]", annotation: Any) -> _Plan:
    settings = field.metadata.get("dataclasses_json", {})
    kind = _kind_of(annotation)
    if "decoder" in settings:
        kind = kind._replace(accept=settings["decoder"])
    required = field.default is dataclasses.MISSING
    default: Callable[[], Any] = lambda: field.default  # noqa: E731
    if field.default_factory is not dataclasses.MISSING:
        required, default = False, field.default_factory
    return _Plan(
        name=field.name,
        wire=settings.get("letter_case", camel_case)(field.name),
        kind=kind,
        required=required,
        default=default,
        sends_none="exclude" in settings,
        message_name=_message_name(cls),
    )


def _message_name(cls: type) -> str:
    """What a message is called in errors: its ``type``, else the name of its class."""
    return getattr(cls, "type", None) or getattr(cls, "layout_type", None) or cls.__name__


# Decoders


def _compile_decoder(cls: type) -> Callable[[Any], Any]:
    plans = _plans(cls)
    known = frozenset(plan.wire for plan in plans)
    names: dict[str, Any] = {
        "cls": cls,
        "known": known,
        "look": _look,
        "new": object.__new__,
        "refuse": _refuse_message,
    }
    lines = ["if not isinstance(data, dict): refuse(cls, data)", "get = data.get", "sent = None"]
    for number, plan in enumerate(plans):
        names[f"plan{number}"], names[f"accept{number}"] = plan, plan.kind.accept
        lines += _decoding_lines(f"v{number}", number, plan)
    values = "".join(f"{plan.name!r}: v{number}, " for number, plan in enumerate(plans))
    lines += [
        "message = new(cls)",
        "extra = {} if known.issuperset(data) else "
        "{key: data[key] for key in data if key not in known}",
        f"message.__dict__ = {{{values}'extra': extra}}",
        "if sent is not None: message._sent = sent",
        "return message",
    ]
    return _function(f"decode_{cls.__name__}", "data", lines, names)


def _decoding_lines(variable: str, number: int, plan: _Plan) -> list[str]:
    """Source that sets a variable to a field's value, inline if the value is at home."""
    look = f"{variable}, sent = look(plan{number}, data, sent)"
    lines = [f"{variable} = get({plan.wire!r})"]
    tests = [f"{variable}.__class__ is not {cls.__name__}" for cls in plan.kind.at_home]
    condition = " and ".join(tests) or "True"
    if plan.kind is _ANYTHING:
        condition = f"{variable} is None"
    if not plan.required and not plan.sends_none and plan.default() is None:
        # Mostly the field is just not there; then None is its value and there is nothing to note.
        condition += f" and ({variable} is not None or {plan.wire!r} in data)"
    if plan.kind.encode is not _encode_nested:
        return [*lines, f"if {condition}: {look}"]
    return [
        *lines,
        f"if {variable}.__class__ is dict:",
        f"    try: {variable} = accept{number}({variable})",
        f"    except ValueError: {look}",
        f"elif {condition}: {look}",
    ]


def _look(
    plan: _Plan, data: dict[str, Any], sent: dict[str, Sent] | None
) -> tuple[Any, dict[str, Sent] | None]:
    """The value of a field that is absent or not of the expected class, and what to note of it."""
    raw = data.get(plan.wire, _ABSENT)
    value = _accepted(plan, raw)
    if value is _ABSENT:
        value = plan.default()
        as_sent = value is None and raw is (None if plan.sends_none else _ABSENT)
    elif value is None:
        as_sent = plan.sends_none
    else:
        # A kind with an encoder gives back what it took; a custom decoder's value may differ.
        as_sent = plan.kind.encode is not None or value == raw
    if not as_sent:
        sent = {} if sent is None else sent
        sent[plan.name] = Sent(plan.wire, raw, deepcopy(value))
    return value, sent


def _accepted(plan: _Plan, raw: Any) -> Any:
    """The value that was sent for a field; _ABSENT if it reads as its default."""
    if raw is not _ABSENT and (raw is not None or (plan.kind is _ANYTHING and plan.required)):
        try:
            return plan.kind.accept(raw)
        except (ValueError, RecursionError):  # an enum's error shows its value, however deep
            pass
    if not plan.required:
        return _ABSENT
    where = f"{plan.message_name}: {plan.wire}"
    if raw is _ABSENT:
        raise MalformedMessage(f"{where} is missing")
    raise MalformedMessage(f"{where} must be {plan.kind.described}, got {shortened(raw)}")


def _refuse_message(cls: type, data: Any) -> NoReturn:
    raise MalformedMessage(f"{_message_name(cls)} must be an object, got {shortened(data)}")


# Encoders


def _compile_encoder(cls: type) -> Callable[[Any], dict[str, Any]]:
    names: dict[str, Any] = {"restore": _restore}
    lines = ["data = {}"]
    for number, plan in enumerate(_plans(cls)):
        value = "value"
        if plan.kind.encode is not None:
            names[f"encode{number}"] = plan.kind.encode
            value = f"encode{number}(value)"
        lines.append(f"value = message.{plan.name}")
        if plan.sends_none:
            lines.append(f"data[{plan.wire!r}] = None if value is None else {value}")
        else:
            lines.append(f"if value is not None: data[{plan.wire!r}] = {value}")
    lines += [
        "if message.extra:",
        "    for key, value in message.extra.items(): data.setdefault(key, value)",
        "if message._sent is not None: restore(message, data)",
        "return data",
    ]
    return _function(f"encode_{cls.__name__}", "message", lines, names)


def _restore(message: Any, data: dict[str, Any]) -> None:
    """Put back what came for the fields that are still as the decoder left them."""
    for name, (wire, raw, value) in message._sent.items():
        if getattr(message, name) != value:
            continue
        if raw is _ABSENT:
            data.pop(wire, None)
        else:
            data[wire] = raw


def _function(
    name: str, argument: str, lines: list[str], names: dict[str, Any]
) -> Callable[[Any], Any]:
    """The function of one argument that has these lines as its body and may use these names."""
    body = "".join(f"    {line}\n" for line in lines)
    exec(f"def {name}({argument}):\n{body}", names)
    function: Callable[[Any], Any] = names[name]
    return function
