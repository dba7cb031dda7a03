"""Logging: the SDK's own lines, and the logger that a session hands to its app.

The SDK logs under ``mentra_sync``; a session's logger adds session_id, user_id and
package_name to every record and takes what MentraOS's documentation shows::

    session.logger.info("User said:", data.text)
    session.logger.info("Started", {"volume": 3})
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

ROOT = "mentra_sync"
APP = "mentra_sync.app"

Logger = logging.Logger | logging.LoggerAdapter[Any]


class SessionLogger(logging.LoggerAdapter[logging.Logger]):
    """A standard logger for one session that also takes values to append, as ``print`` does."""

    def __init__(self, session_id: str, user_id: str, package_name: str) -> None:
        super().__init__(
            logging.getLogger(APP),
            {"session_id": session_id, "user_id": user_id, "package_name": package_name},
        )

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the session's fields to the record, beside those that the caller gave."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at ``level``; arguments that the message has no ``%`` place for are appended."""
        if not self.isEnabledFor(level):
            return
        # LoggerAdapter.info() and the others come through here: count this frame as well.
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        message, extra = self.process(msg, kwargs)
        text, values = _with_places(message, args)
        self.logger.log(level, text, *values, **extra)


def _with_places(message: object, args: tuple[object, ...]) -> tuple[object, tuple[object, ...]]:
    """Give every argument a place in the message, unless the message brings its own."""
    if not args or _formats(message, args):
        return message, args
    shown = (_plain(arg) for arg in args)
    return "%s", (" ".join([str(message), *shown]),)


def _formats(message: object, args: tuple[object, ...]) -> bool:
    """Whether the message has places for its arguments, as logging would fill them."""
    if not isinstance(message, str) or "%" not in message:
        return False
    if len(args) == 1 and isinstance(args[0], Mapping):
        return "%(" in message
    try:
        message % args
    except (TypeError, ValueError, KeyError):
        return False
    return True


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item!r}" for key, item in value.items())
    return str(value)
