"""Whose mistake an exception shows, and what was probably meant; all for one line in the log."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, cast

from mentra_sync import hints
from mentra_sync.runtime.callbacks import describe

PACKAGE = Path(__file__).parent.parent
"""Where the code is that is not the app's."""

_NAME = PACKAGE.name

_CALLED_WRONGLY = re.compile(
    r"(?P<name>[\w.]+)\(\) (got an unexpected keyword argument '(?P<keyword>\w+)'"
    r"|takes .*positional arguments? .*given|missing \d+ required .*)"
)
"""What Python says of a wrong call, which is all that it tells: the exception has no fields.

Where it has made a suggestion of its own (from 3.13 on), this does not match."""


def trimmed(error: BaseException) -> TracebackType | None:
    """Its traceback from the first line of the app's own code on; whole where there is none."""
    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace or error.__traceback__


def culprit(error: BaseException, source: object) -> str:
    """The name of the app's function that raised, which was called as ``source``.

    A function that was given to the server by decorator is called by a method of the server's.
    """
    trace = trimmed(error)
    with suppress(Exception):  # as in describe: an object may answer anything to being looked at
        called = inspect.unwrap(source) if callable(source) else source
        ours = _is_module_of_ours(called.__module__)
        if ours and trace is not None and not _is_ours(trace.tb_frame.f_code.co_filename):
            return trace.tb_frame.f_code.co_name
    return describe(source)


def suggestion(error: BaseException) -> str:
    """For a misspelt name of this package's, or a wrong call: what was meant, or nothing."""
    with suppress(Exception):
        if isinstance(error, AttributeError) and isinstance(error.name, str):
            meant = _meant(error.obj, error.name)
            return hints.DID_YOU_MEAN.format(meant) if meant else ""
        if isinstance(error, TypeError):
            return _meant_call(error)
    return ""


def _meant(owner: object, name: str) -> str | None:
    if not _is_of_ours(owner):
        return None
    names = {word: word for word in _public(owner)}
    for part, value in vars(owner).items():
        if not part.startswith("_") and _is_of_ours(value):
            # What stands one level down is named with the way there: layouts.show_text_wall.
            names |= {word: f"{part}.{word}" for word in _public(value) if word not in names}
    found = get_close_matches(name, names, 1, 0.7)
    return names[found[0]] if found else None


def _meant_call(error: TypeError) -> str:
    told = _CALLED_WRONGLY.fullmatch(str(error))
    function = told and _function_of_ours(told["name"])
    if not told or not function:
        return ""
    if "." not in told["name"].removesuffix(".__init__") and not _in_sight(function, error):
        return ""  # the app has a function or class of its own that is called so
    its = list(inspect.signature(function).parameters.values())
    its = [one for one in its if one.name != "self"]
    near = get_close_matches(told["keyword"] or "", [one.name for one in its], 1, 0.7)
    if near:
        return hints.DID_YOU_MEAN.format(near[0])
    places = [one.name if one.default is one.empty else f"{one.name}=..." for one in its]
    return hints.CALL_IT.format(f"{function.__name__}({', '.join(places)})")


def _function_of_ours(name: str) -> Callable[..., Any] | None:
    """The public function, method or class that Python calls so: ``Layouts.show_text_wall``."""
    path = name.removesuffix(".__init__").split(".")
    if path[-1].startswith("_"):
        return None
    for module in list(sys.modules.values()):
        if _is_module_of_ours(getattr(module, "__name__", "")):
            found: Any = module
            for part in path:
                found = getattr(found, part, None)
            if callable(found) and found.__module__ == module.__name__:
                return cast("Callable[..., Any]", found)
    return None


def _in_sight(function: Callable[..., Any], error: BaseException) -> bool:
    """Whether the code that made the call has this very function, or a module of ours with it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    for one in [*trace.tb_frame.f_locals.values(), *trace.tb_frame.f_globals.values()]:
        ours = isinstance(one, ModuleType) and _is_module_of_ours(one.__name__)
        if one is function or (ours and getattr(one, function.__name__, None) is function):
            return True
    return False


def _is_of_ours(thing: object) -> bool:
    return _is_module_of_ours(type(thing).__module__)


def _is_module_of_ours(name: str) -> bool:
    return name.partition(".")[0] == _NAME


def _public(owner: object) -> list[str]:
    return [word for word in dir(owner) if not word.startswith("_")]


def _is_ours(filename: str) -> bool:
    return Path(filename).is_relative_to(PACKAGE)
