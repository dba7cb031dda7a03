"""Tool calls: what an assistant asks of the app, bound to plain functions."""

from __future__ import annotations

import enum
import functools
import inspect
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, SimpleNamespace, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from mentra_sync import hints
from mentra_sync.runtime.callbacks import describe

if TYPE_CHECKING:
    from mentra_sync.session import AppSession

Reply = str | None


@dataclass(frozen=True)
class ToolCall:
    """One call of a tool."""

    tool_id: str
    tool_parameters: dict[str, Any]
    user_id: str
    timestamp: Any
    active_session: AppSession | None
    """The user's newest live session, or None: tools are called without one too."""


class BadToolCall(ValueError):
    """The call does not fit the tool; the text is for the caller."""


class Tools:
    """The functions that answer tool calls, by tool id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._functions: dict[str, Callable[..., Any]] = {}  # guarded by _lock

    def add(self, tool_id: str, function: Callable[..., Any]) -> None:
        """Register a function; ``ValueError`` when the id is taken, or is none.

        Raises ``TypeError`` for what could not be called with the parameters of a tool.
        """
        checked_tool_id(tool_id)
        _check_function(function)
        with self._lock:
            if tool_id in self._functions:
                raise ValueError(f"the tool {tool_id!r} is registered already")
            self._functions[tool_id] = function

    def find(self, tool_id: str) -> Callable[[ToolCall], Any] | None:
        """What answers calls of a tool, or None."""
        with self._lock:
            function = self._functions.get(tool_id)
        if function is None:
            return None
        found = function

        def answer(call: ToolCall) -> Any:
            arguments, named = bind(found, call)
            return found(*arguments, **named)

        return answer


def checked_tool_id(tool_id: object) -> str:
    """The id of a tool; ``ValueError`` for what is none."""
    if callable(tool_id):
        raise ValueError(hints.TOOL_WITHOUT_ID.format(describe(tool_id)))
    if not isinstance(tool_id, str) or not tool_id:
        raise ValueError(f'a tool has an id like "add_todo", got {tool_id!r}')
    return tool_id


def bind(function: Callable[..., Any], call: ToolCall) -> tuple[list[Any], dict[str, Any]]:
    """The arguments for a call; :class:`BadToolCall` says what is missing or wrong.

    All go by name but those that have none for callers (``def add(item, /)``).  A parameter named
    ``call`` gets the call itself.  Numbers and booleans that came as text are taken as what the
    function's annotations say.  None for a parameter that has a default, and cannot be None by its
    annotation, counts as not given.
    """
    signature = _signature(function)
    types = _types(function, signature)
    given = dict(call.tool_parameters)
    arguments: list[Any] = []
    named: dict[str, Any] = {}
    rest = None
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            rest = types[name]
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            continue
        value = call if name == "call" else _taken(parameter, types[name], given)
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            arguments.append(parameter.default if value is _NOT_GIVEN else value)
        elif value is not _NOT_GIVEN:
            named[name] = value
        if value is _NOT_GIVEN and parameter.default is inspect.Parameter.empty:
            raise BadToolCall(f"the tool {call.tool_id:.100} needs the parameter {name!r}")
    if rest is not None:
        more = {name: value for name, value in given.items() if name not in named}
        named.update({name: _converted(name, value, rest) for name, value in more.items()})
    elif given:
        unknown = ", ".join(sorted(f"{name!r:.100}" for name in given)[:5])
        raise BadToolCall(f"the tool {call.tool_id:.100} has no parameter {unknown}")
    return arguments, named


def _taken(parameter: inspect.Parameter, wanted: Any, given: dict[str, Any]) -> Any:
    """Take a parameter's value from what is given."""
    value = given.pop(parameter.name, _NOT_GIVEN)
    has_default = parameter.default is not inspect.Parameter.empty
    if value is _NOT_GIVEN or (value is None and has_default and not _takes_none(wanted)):
        return _NOT_GIVEN
    return _converted(parameter.name, value, wanted)


_NOT_GIVEN: Any = object()


# --- What a function takes -------------------------------------------------------------------


def _check_function(function: Callable[..., Any]) -> None:
    if not callable(function):
        raise TypeError(f"a tool must be a function, got {function!r}")
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        type(function).__call__
    ):
        raise TypeError(hints.HANDLER_ASYNC.format(describe(function)))
    try:
        parameters = list(_signature(function).parameters)
    except ValueError:
        raise TypeError(hints.TOOL_WITHOUT_SIGNATURE.format(describe(function))) from None
    if parameters[:1] == ["self"]:
        raise TypeError(hints.TOOL_IN_CLASS.format(describe(function)))


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """What it takes; a decorator's wrapper that takes anything passes it on to what it wraps."""
    own = inspect.signature(function, follow_wrapped=False)
    takes_anything = any(
        parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in own.parameters.values()
    )
    return inspect.signature(function) if takes_anything else own


def _types(function: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    """The annotation of each parameter; one that means nothing at run time checks nothing."""
    annotations = {name: one.annotation for name, one in signature.parameters.items()}
    plain: Any = inspect.unwrap(function)
    while isinstance(plain, functools.partial):
        plain = inspect.unwrap(plain.func)
    if not hasattr(plain, "__globals__"):  # neither a function nor a method
        plain = type(plain).__call__
    names = getattr(plain, "__globals__", {})
    return {name: _meaning(annotation, names) for name, annotation in annotations.items()}


def _meaning(annotation: Any, names: dict[str, Any]) -> Any:
    """What an annotation means, if it is text: whole, or in part as in ``Optional["Size"]``."""
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        return get_type_hints(holder, names, include_extras=True)["it"]
    except Exception:  # whatever it is, it checks nothing
        return Any


# --- Values ----------------------------------------------------------------------------------


def _takes_none(wanted: Any) -> bool:
    wanted = _bare(wanted)
    if get_origin(wanted) in (Union, UnionType):
        return any(map(_takes_none, get_args(wanted)))
    return wanted is None or not _words(wanted)


def _converted(name: str, value: Any, wanted: Any) -> Any:
    """The value as the annotation wants it; what is no plain type is not checked."""
    wanted = _bare(wanted)
    if get_origin(wanted) in (Union, UnionType):
        return _one_of(name, value, get_args(wanted))
    if choices := _choices(wanted):
        return _chosen(name, value, choices)
    if wanted is None or wanted is NoneType:
        if value is not None:
            raise _wrong(name, "null", value)
        return None
    if wanted not in tuple(_WORDS) or type(value) is wanted:
        return value
    wrong = _wrong(name, _WORDS[wanted], value)
    if wanted is bool:
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        raise wrong
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong
    if wanted is str:
        return str(value)
    try:
        return _number(value, wanted)
    except (ValueError, OverflowError):
        raise wrong from None


def _one_of(name: str, value: Any, types: tuple[Any, ...]) -> Any:
    """The value as the first type of a union that it is already, or else can be taken for."""
    if value is None and any(map(_takes_none, types)):
        return None
    if type(value) in types:
        return value
    for wanted in types:
        try:
            return _converted(name, value, wanted)
        except BadToolCall:
            continue
    raise _wrong(name, " or ".join(filter(None, map(_words, types))), value)


def _choices(wanted: Any) -> dict[Any, Any]:
    """The values that a ``Literal`` or an ``Enum`` allows, each with what the function gets."""
    if get_origin(wanted) is Literal:
        return {choice: choice for choice in get_args(wanted)}
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        try:
            return {member.value: member for member in wanted}
        except TypeError:  # values that cannot be looked up
            return {member.name: member for member in wanted}
    return {}


def _chosen(name: str, value: Any, choices: dict[Any, Any]) -> Any:
    for choice, meant in choices.items():
        if type(choice) is type(value) and choice == value:
            return meant
    for choice, meant in choices.items():  # a number that came as text, or the other way round
        try:
            if type(choice) in _WORDS and _converted(name, value, type(choice)) == choice:
                return meant
        except BadToolCall:
            continue
    raise _wrong(name, _words_for(choices), value)


def _number(value: str | int | float, wanted: Any) -> int | float:
    if wanted is int and isinstance(value, str):
        try:
            return int(value)  # not by way of a float, which has 53 bits
        except ValueError:
            pass
    number = float(value)
    if not math.isfinite(number) or (wanted is int and not number.is_integer()):
        raise ValueError
    result: int | float = wanted(number)
    return result


def _bare(wanted: Any) -> Any:
    return get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted


def _words(wanted: Any) -> str:
    """What is wanted, in words; empty for what is not checked."""
    wanted = _bare(wanted)
    if choices := _choices(wanted):
        return _words_for(choices)
    return _WORDS[wanted] if wanted in tuple(_WORDS) else ""


def _words_for(choices: dict[Any, Any]) -> str:
    return f"one of {', '.join(map(repr, choices))}"


def _wrong(name: str, words: str, value: Any) -> BadToolCall:
    return BadToolCall(f"the parameter {name!r} must be {words}, got {value!r:.100}")


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
