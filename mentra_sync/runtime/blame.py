"""Whose mistake an exception shows, and what was probably meant; all for one line in the log."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType

from mentra_sync import hints
from mentra_sync.runtime.callbacks import describe

PACKAGE = Path(__file__).parent.parent
"""Where the code is that is not the app's."""


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
    module = getattr(inspect.unwrap(source) if callable(source) else source, "__module__", None)
    ours = isinstance(module, str) and module.partition(".")[0] == __name__.partition(".")[0]
    if not ours or trace is None or _is_ours(trace.tb_frame.f_code.co_filename):
        return describe(source)
    return trace.tb_frame.f_code.co_name


def suggestion(error: BaseException) -> str:
    """For a misspelt name of this package's: `` Did you mean ...?``, or nothing."""
    if not isinstance(error, AttributeError) or not isinstance(error.name, str):
        return ""
    meant = _meant(error.obj, error.name)
    return hints.DID_YOU_MEAN.format(meant) if meant else ""


def _meant(owner: object, name: str) -> str | None:
    if not type(owner).__module__.startswith(__name__.partition(".")[0]):
        return None
    # What stands one level down is named with the way there: layouts.show_text_wall.
    below = (
        {
            word: f"{part}.{word}"
            for part, value in vars(owner).items()
            if not part.startswith("_")
            if type(value).__module__.startswith(type(owner).__module__.partition(".")[0])
            for word in _public(value)
        }
        if hasattr(owner, "__dict__")
        else {}
    )
    names = {**below, **{word: word for word in _public(owner)}}
    found = get_close_matches(name, names, 1, 0.7)
    return names[found[0]] if found else None


def _public(owner: object) -> list[str]:
    return [word for word in dir(owner) if not word.startswith("_")]


def _is_ours(filename: str) -> bool:
    return Path(filename).is_relative_to(PACKAGE)
