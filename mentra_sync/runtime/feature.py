"""What all that a session offers has in common: its methods end with the session."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from mentra_sync.runtime.link import Link

Method = TypeVar("Method", bound=Callable[..., Any])

_ALSO_AFTER_END: set[Callable[..., Any]] = set()


class Feature:
    """A part of a session, whose public methods raise ``SessionEnded`` once that has ended.

    Those too that would only read what is known, so that a loop over nothing but them ends as
    well.  Properties go on answering, and so do methods that are marked ``@also_after_end``.
    """

    _link: Link

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, member in list(vars(cls).items()):
            public = inspect.isfunction(member) and not name.startswith("_")
            if public and member not in _ALSO_AFTER_END:
                setattr(cls, name, _until_the_end(member))


def also_after_end(method: Method) -> Method:
    """Mark a method that merely undoes something, or is part of the ending itself."""
    _ALSO_AFTER_END.add(method)
    return method


def _until_the_end(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(feature: Feature, /, *arguments: Any, **named: Any) -> Any:
        feature._link.check()
        return method(feature, *arguments, **named)

    return call
