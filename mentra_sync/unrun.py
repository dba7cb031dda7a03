"""A script that makes an app and forgets to run it ends without a word: say so, at its end."""

from __future__ import annotations

import atexit
import dis
import sys
import weakref
from types import FrameType
from typing import Any

from mentra_sync import hints

_INTO_THE_VOID = ("RETURN_VALUE", "RETURN_CONST")
_state: dict[str, bool] = {"watched": False, "asked": False}


def watch(app: Any) -> None:
    """Say at the program's end if it has run nothing; for an app made in the script itself."""
    typed = sys.flags.inspect or hasattr(sys, "ps1")  # or the person goes on by hand (python -i)
    if _state["watched"] or typed:
        return
    script = _script_that_calls()
    if script is not None:
        _state["watched"] = True
        atexit.register(_look, weakref.ref(app), script)


def asked() -> None:
    """An app was asked to run, whatever comes of it: there is nothing to say."""
    _state["asked"] = True


def _script_that_calls() -> FrameType | None:
    """The frame of the script that Python was started with, if its own code calls the package.

    None where another program has loaded it (a WSGI server, pytest, ``mentra-sync run``), and
    where a person types the lines one by one.
    """
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("mentra_sync"):
        frame = frame.f_back
    outermost = frame
    while outermost.f_back is not None:
        outermost = outermost.f_back
    main = vars(sys.modules["__main__"])
    of_main = frame.f_globals is main and outermost.f_globals is main
    return outermost if of_main and "__file__" in main else None


def _look(app: weakref.ref[Any], script: FrameType) -> None:
    server = app()
    if server is None or _state["asked"] or not _came_to_its_end(script):
        return
    called = server.flask._got_first_request  # by another WSGI server, or a test client
    if _has_handler(server) and not called and sys.stderr is not None:
        sys.stderr.write(hints.NEVER_RUN)


def _has_handler(server: Any) -> bool:
    overridden = type(server).on_session.__module__ != "mentra_sync.server"
    return overridden or server._session_handler is not None


def _came_to_its_end(script: FrameType) -> bool:
    """Not by an exception, nor by ``sys.exit()``, after either of which it stops elsewhere."""
    last = script.f_code.co_code[script.f_lasti]
    return dis.opname[last] in _INTO_THE_VOID
