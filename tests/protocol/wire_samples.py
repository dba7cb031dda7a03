"""What hypothesis sends: well-typed JSON for every message class, straight from its annotations.

Nothing here asks the compiler under test: wire names come from dataclasses-json's own settings.
"""

import dataclasses
import types
import typing
from functools import cache
from typing import Any

from dataclasses_json.core import _user_overrides_or_exts
from hypothesis import strategies as st

from mentra_sync.protocol import (
    capabilities,
    commands,
    events,
    layouts,
    notices,
    settings,
    users,
    webhooks,
)
from mentra_sync.protocol.message import Message

MODULES = (capabilities, commands, events, layouts, notices, settings, users, webhooks)


def _subclasses(cls: type) -> list[type]:
    return [one for sub in cls.__subclasses__() for one in (sub, *_subclasses(sub))]


CLASSES = sorted(
    {cls for cls in _subclasses(Message) if cls.__module__.startswith("mentra_sync.protocol.")},
    key=lambda cls: (cls.__module__, cls.__qualname__),
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
WHOLE = st.integers(-(2**53), 2**53)
NUMBER = WHOLE | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def wire_names(cls: type) -> dict[str, str]:
    """Field name -> wire name, as dataclasses-json has it."""
    overrides = _user_overrides_or_exts(cls)
    return {
        field.name: overrides[field.name].letter_case(field.name)
        for field in dataclasses.fields(cls)
        if field.name != "extra"
    }


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Well-typed JSON for a field."""
    simple = {str: TEXT, bool: st.booleans(), int: WHOLE, float: NUMBER, Any: JSON}
    if annotation in simple:
        return simple[annotation]
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*[values(one) for one in arguments if one is not type(None)])
    if origin is list:
        return st.lists(values(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(TEXT, values(arguments[1]), max_size=3)
    if annotation is layouts.Layout:
        return st.sampled_from(sorted(layouts.LAYOUTS)).flatmap(
            lambda kind: objects(layouts.LAYOUTS[kind], complete=True).map(
                lambda data: {**data, "layoutType": kind}
            )
        )
    return objects(annotation)


@cache
def objects(cls: type, *, complete: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Well-typed JSON objects for a class, with unknown fields.

    Every field that may be absent sometimes is, unless ``complete``.
    """
    hints = typing.get_type_hints(cls)
    names = wire_names(cls)
    required, optional = {}, {}
    for field in dataclasses.fields(cls):
        if field.name != "extra":
            kind = required if complete or is_essential(field) else optional
            kind[names[field.name]] = values(hints[field.name])
    taken = {*names, *names.values(), "extra"}
    unknown = st.dictionaries(TEXT.filter(lambda key: key not in taken), JSON, max_size=1)
    known = st.fixed_dictionaries(required, optional=optional)
    return st.builds(lambda known, unknown: {**known, **unknown}, known, unknown)


def is_essential(field: dataclasses.Field) -> bool:
    """Whether a message without the field is malformed."""
    return field.default is field.default_factory is dataclasses.MISSING


def optional_names(cls: type) -> list[str]:
    """Wire names of the fields that may be missing or of the wrong type."""
    names = wire_names(cls)
    return [
        names[field.name]
        for field in dataclasses.fields(cls)
        if field.name != "extra" and not is_essential(field)
    ]
