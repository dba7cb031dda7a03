"""Taking people's functions: what they may look like, and how they are named in messages."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from types import CodeType
from typing import Any

from mentra_sync import hints


class _LeftOut:
    def __repr__(self) -> str:
        return "..."


LEFT_OUT: Any = _LeftOut()
"""The default of a handler that may be left out, so that its method works as a decorator.

None is what ``on_x(f())`` passes by mistake.
"""


def adapt(handler: object, *arguments: str) -> Callable[..., Any]:
    """Make ``handler`` callable with ``arguments``, of which it may take fewer.

    ``adapt(f, "new", "old")`` accepts ``f(new, old)``, ``f(new)`` and ``f()``.  Any other
    signature is a ``TypeError`` here, where the handler is registered, and not at the first
    event.
    """
    if not callable(handler):
        raise TypeError(hints.HANDLER_NOT_CALLABLE.format(handler))
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__):
        raise TypeError(hints.HANDLER_ASYNC.format(describe(handler)))
    taken = _arguments_taken(handler, len(arguments))
    if taken is None:
        forms = " or ".join(f"f({', '.join(arguments[:n])})" for n in range(len(arguments), -1, -1))
        signature = _signature(handler) or _signature_below(handler)
        raise TypeError(
            hints.HANDLER_SIGNATURE.format(name=describe(handler), forms=forms, signature=signature)
        )
    if taken == len(arguments):
        return handler
    function: Callable[..., Any] = handler

    def shortened(*given: Any) -> Any:
        return function(*given[:taken])

    shortened.__wrapped__ = handler  # type: ignore[attr-defined]  # describe() and logs show it
    return shortened


def _arguments_taken(handler: Callable[..., Any], most: int) -> int | None:
    """How many of ``most`` positional arguments the handler takes; None when none will do."""
    told = _signature(handler)
    own = _signature(handler, follow_wrapped=False)
    if told is None or own is None:
        # Some builtins tell no signature: believe them.  A partial tells none when it gives its
        # function what that does not take.
        return most if _signature_below(handler) is None else None
    # A decorator's wrapper often takes anything and passes it on, so what it wraps decides; but
    # one that adds or keeps back arguments is right about itself.
    counts = [count for count in range(most, -1, -1) if _takes(own, count)]
    return next((count for count in counts if _takes(told, count)), counts[0] if counts else None)


def _signature(
    handler: Callable[..., Any], *, follow_wrapped: bool = True
) -> inspect.Signature | None:
    try:
        return inspect.signature(handler, follow_wrapped=follow_wrapped)
    except (ValueError, TypeError):
        return None


def _signature_below(handler: Callable[..., Any]) -> inspect.Signature | None:
    """That of the function to which a partial gives some arguments; None for no partial."""
    return _signature(handler.func) if isinstance(handler, functools.partial) else None


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def check_name(what: str, name: object) -> None:
    """Refuse what is no name; a function in its place would wait for events in vain."""
    if not isinstance(name, str):
        raise TypeError(hints.NAME_EXPECTED.format(what, describe(name)))
    if not name:
        raise ValueError(f"{what} must not be empty")


def describe(function: object) -> str:
    """A name that a person recognises: ``Counter.on_press``, ``<lambda>`` with its line, ...

    Never raises: it stands in the way of every error report.
    """
    with contextlib.suppress(Exception):  # an object may answer anything to being looked at
        function = inspect.unwrap(function) if callable(function) else function
        while isinstance(function, functools.partial):
            function = function.func
        name = getattr(function, "__qualname__", None)
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType) and code.co_name == "<lambda>":
            return f"the lambda at line {code.co_firstlineno}"
        if isinstance(name, str) and name:
            return name.replace("<locals>.", "")
    return type(function).__qualname__
