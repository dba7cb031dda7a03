"""A script that makes an app and forgets to run it ends without a word: say so, at its end."""

from __future__ import annotations

import atexit
import sys
import weakref
from typing import Any

from mentra_sync import hints

_state: dict[str, bool] = {"watched": False, "asked": False}


def watch(app: Any) -> None:
    """Say at the program's end if it has run nothing; for an app made in the script itself."""
    typed = sys.flags.inspect or hasattr(sys, "ps1")  # or the person goes on by hand (python -i)
    if not _state["watched"] and not typed and _is_made_by_the_script():
        _state["watched"] = True
        app.flask.before_request(asked)  # it is a WSGI app too, and tests call it as that
        atexit.register(_look, weakref.ref(app))


def asked() -> None:
    """An app was asked to run, whatever comes of it: there is nothing to say."""
    _state["asked"] = True


def _is_made_by_the_script() -> bool:
    """Whether the code that makes the app is what Python was started with.

    Not where another program has loaded it (a WSGI server, pytest, ``mentra-sync run``), nor
    where a person types the lines one by one.
    """
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("mentra_sync"):
        frame = frame.f_back
    outermost = frame
    while outermost.f_back is not None:
        outermost = outermost.f_back
    main = vars(sys.modules["__main__"])
    return frame.f_globals is main and outermost.f_globals is main and "__file__" in main


def _look(app: weakref.ref[Any]) -> None:
    server = app()
    failed = hasattr(sys, "last_value")  # an exception has ended the script, and was shown
    commanded = len(sys.argv) > 1  # a script with options may have been asked for something else
    if server is None or failed or commanded or _state["asked"] or sys.stderr is None:
        return
    overridden = type(server).on_session.__module__ != "mentra_sync.server"
    if overridden or server._session_handler is not None:
        sys.stderr.write(hints.NEVER_RUN)
