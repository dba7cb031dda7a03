"""What a test may start: a class, an app, or just the function for a session."""

from __future__ import annotations

import inspect
import re
from typing import Any

from mentra_sync.server import AppServer

_WHAT = (
    "start() takes an AppServer, a class of your own made of it, or a function that takes a"
    " session; got {!r}"
)
_MAKE_IT = (
    "{name} needs arguments of its own ({error}); make it yourself: glasses.start({name}(...))"
)

_KEY = "only-for-simulated-glasses"
"""So that the key of whoever runs the test is never looked up."""


def app_of(given: Any) -> AppServer:
    """The app to start; TypeError for what is none."""
    if isinstance(given, AppServer):
        return given
    if inspect.isclass(given):
        if not issubclass(given, AppServer):
            raise TypeError(_WHAT.format(given))
        return _made(given)
    if not callable(given):
        raise TypeError(_WHAT.format(given))
    name = getattr(given, "__name__", type(given).__name__)
    return AppServer(_package(name), _KEY, port=0, on_session=given)


def _made(cls: type[AppServer]) -> AppServer:
    """An app of a class, with those of our arguments that it takes."""
    signature = inspect.signature(cls)
    takes_any = any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values())
    ours: dict[str, Any] = {
        "package_name": _package(cls.__name__),
        "api_key": _KEY,
        "port": 0,
    }
    given = {name: ours[name] for name in ours if takes_any or name in signature.parameters}
    try:
        signature.bind(**given)
    except TypeError as error:
        raise TypeError(_MAKE_IT.format(name=cls.__name__, error=error)) from None
    return cls(**given)


def _package(name: str) -> str:
    return f"com.example.{re.sub(r'[^a-z0-9]+', '', name.lower()) or 'app'}"
