"""Taking people's functions: what they may look like, and how they are named in messages."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from mentra_sync import hints


def adapt(handler: object, *arguments: str) -> Callable[..., Any]:
    """Make ``handler`` callable with ``arguments``, of which it may take fewer.

    ``adapt(f, "new", "old")`` accepts ``f(new, old)``, ``f(new)`` and ``f()``.  Any other
    signature is a ``TypeError`` here, where the handler is registered, and not at the first
    event.
    """
    if not callable(handler):
        raise TypeError(hints.HANDLER_NOT_CALLABLE.format(handler))
    if inspect.iscoroutinefunction(handler):
        raise TypeError(hints.HANDLER_ASYNC.format(describe(handler)))
    taken = _arguments_taken(handler, len(arguments))
    if taken is None:
        forms = " or ".join(f"f({', '.join(arguments[:n])})" for n in range(len(arguments), -1, -1))
        signature = inspect.signature(handler)
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
    try:
        signature = inspect.signature(handler)
    except (ValueError, TypeError):
        return most  # some builtins tell no signature: believe them
    for count in range(most, -1, -1):
        try:
            signature.bind(*[None] * count)
        except TypeError:
            continue
        return count
    return None


def describe(function: object) -> str:
    """A name that a person recognises: ``Counter.on_press``, ``<lambda>`` with its line, ..."""
    function = inspect.unwrap(function) if callable(function) else function
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    name = name.replace("<locals>.", "")
    code = getattr(function, "__code__", None)
    if code is not None and name.endswith("<lambda>"):
        return f"the lambda at line {code.co_firstlineno}"
    return name
