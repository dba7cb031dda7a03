"""The app's own functions: how each may be written, and how it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mentra_sync.register import Register
from mentra_sync.runtime.callbacks import adapt

SESSION = ("session", "session_id", "user_id")
STOP = ("session_id", "user_id", "reason")
SETTINGS = ("user_id", "settings")
TOOL_CALL = ("tool_call",)


class Handlers:
    """An app's methods, each callable with all its arguments; what sessions see of their server.

    Raises ``TypeError`` for a method that could not be called.
    """

    def __init__(self, app: Any, register: Register) -> None:
        self.on_session = adapt(app.on_session, *SESSION)
        self.on_stop = adapt(app.on_stop, *STOP)
        self.on_tool_call = adapt(app.on_tool_call, *TOOL_CALL)
        self.on_settings_update = adapt(app.on_settings_update, *SETTINGS)
        self.session_over = register.forget
        self.session_finished = register.finished


def adapted(function: Callable[..., Any] | None, *arguments: str) -> Callable[..., Any] | None:
    """A function that may be left out, callable with all its arguments; see ``adapt``."""
    return None if function is None else adapt(function, *arguments)
