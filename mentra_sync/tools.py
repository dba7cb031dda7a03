"""Tool calls: what an assistant asks of the app, bound to plain functions."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from mentra_sync.runtime.callbacks import describe
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
        """Register a function; ``ValueError`` when the id is taken, or is none."""
        if not isinstance(tool_id, str) or not tool_id:
            raise ValueError(f'a tool has an id like "add_todo", got {tool_id!r}')
        if not callable(function):
            raise TypeError(f"a tool must be a function, got {function!r}")
        if inspect.iscoroutinefunction(function):
            raise TypeError(
                f"{describe(function)} is async; write def instead of async def, without await"
            )
        with self._lock:
            if tool_id in self._functions:
                raise ValueError(f"the tool {tool_id!r} is registered already")
            self._functions[tool_id] = function

    def find(self, tool_id: str) -> Callable[[ToolCall], Any] | None:
        """What answers calls of a tool, or None."""
        with self._lock:
            function = self._functions.get(tool_id)
        return None if function is None else lambda call: function(**bind(function, call))


def bind(function: Callable[..., Any], call: ToolCall) -> dict[str, Any]:
    """The keyword arguments for a call; :class:`BadToolCall` says what is missing or wrong.

    A parameter named ``call`` gets the call itself.  Numbers and booleans that came as text are
    taken as what the function's annotations say.
    """
    signature = inspect.signature(function)
    annotations = _annotations(function)
    given = dict(call.tool_parameters)
    arguments: dict[str, Any] = {}
    takes_more = False
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            takes_more = True
        elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            continue
        elif name == "call":
            arguments[name] = call
        elif name in given:
            arguments[name] = _converted(name, given.pop(name), annotations.get(name))
        elif parameter.default is inspect.Parameter.empty:
            raise BadToolCall(f"the tool {call.tool_id} needs the parameter {name!r}")
    if takes_more:
        arguments.update({name: value for name, value in given.items() if name not in arguments})
    elif given:
        unknown = ", ".join(sorted(map(repr, given)))
        raise BadToolCall(f"the tool {call.tool_id} has no parameter {unknown}")
    return arguments


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError):
        return {}  # an annotation that means nothing at run time checks nothing


def _converted(name: str, value: Any, wanted: Any) -> Any:
    """The value as the annotation wants it; only plain types are checked, and ``| None``."""
    if get_origin(wanted) in (Union, UnionType):
        choices = [choice for choice in get_args(wanted) if choice is not NoneType]
        if value is None or len(choices) != 1:
            return value
        wanted = choices[0]
    if wanted not in tuple(_WORDS) or type(value) is wanted:
        return value
    wrong = BadToolCall(f"the parameter {name!r} must be {_WORDS[wanted]}, got {value!r}")
    if wanted is bool:
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise wrong
    if isinstance(value, bool) or value is None:
        raise wrong
    if wanted is str:
        return str(value)
    if wanted is int and isinstance(value, str):
        with contextlib.suppress(ValueError):
            return int(value)  # not by way of a float, which has 53 bits
    try:
        number = float(value)
        if wanted is int and not number.is_integer():
            raise wrong
        return wanted(number)
    except (TypeError, ValueError, OverflowError):
        raise wrong from None


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
