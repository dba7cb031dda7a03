"""Logging: the SDK's own lines, and the logger that a session hands to its app.

The SDK logs under ``mentra_sync``; a session's logger adds session_id, user_id and
package_name to every record and takes what MentraOS's documentation shows::

    session.logger.info("User said:", data.text)
    session.logger.info("Started", {"volume": 3})
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from mentra_sync import hints

ROOT = "mentra_sync"
APP = "mentra_sync.app"
_OWN_THREADS = ("mentra-", "waitress-")  # how their names begin

if TYPE_CHECKING:
    Adapter = logging.LoggerAdapter[logging.Logger]
    Logger = logging.Logger | logging.LoggerAdapter[Any]
else:  # Python 3.10 knows the adapter without its brackets only
    Adapter = logging.LoggerAdapter
    Logger = logging.Logger | logging.LoggerAdapter


class OwnLogger(Adapter):
    """A logger of the SDK's own, which never raises: behind it stand the app's handlers.

    Logging lets pass what a filter or a handler's ``emit`` raises, and it would end the thread
    that holds a connection, or the timers of a whole server.  It is shown on ``stderr`` instead.
    """

    def __init__(self, logger: Logger) -> None:
        super().__init__(logger, {})  # type: ignore[arg-type]  # an adapter may stand behind it

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at ``level``; only Ctrl+C on the main thread is passed on."""
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1  # for this frame
        try:
            self.logger.log(level, msg, *args, **kwargs)
        except BaseException as error:
            if not isinstance(error, Exception) and _on_main_thread():
                raise
            with contextlib.suppress(Exception):  # there may be no stderr
                traceback.print_exc()


def own_logger(name: str) -> OwnLogger:
    """The :class:`OwnLogger` of a module."""
    return OwnLogger(logging.getLogger(name))


def on_own_thread() -> bool:
    """Whether the caller is a thread of the SDK's own, as ``on_session`` and callbacks are on."""
    return threading.current_thread().name.startswith(_OWN_THREADS)


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


class SessionLogger(Adapter):
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
    text = str(message).replace("%", "%%") + " %s" * len(args)
    shown = tuple(_Fields(arg) if isinstance(arg, Mapping) else arg for arg in args)
    return text, shown


def _formats(message: object, args: tuple[object, ...]) -> bool:
    """Whether the message has places for its arguments, as logging would fill them."""
    if not isinstance(message, str):
        return False
    places = message.replace("%%", "")
    if "%" not in places or "% " in places:  # "50% done" has no place, though Python sees one
        return False
    values = args[0] if len(args) == 1 and isinstance(args[0], Mapping) and args[0] else args
    try:
        message % values
    except (TypeError, ValueError, KeyError):
        return False
    except Exception:
        return True  # an argument cannot be shown: logging tells of it, without raising
    return True


class _Fields:
    """A mapping appended to a message, shown as ``key=value`` when the record is formatted."""

    def __init__(self, mapping: Mapping[Any, Any]) -> None:
        self._mapping = mapping

    def __str__(self) -> str:
        return " ".join(f"{key}={value!r}" for key, value in self._mapping.items()) or "{}"


def name_running(threads: list[threading.Thread]) -> None:
    """Warn of code of the app that goes on after the end, with the place where it is."""
    alive = [thread for thread in threads if thread.is_alive()]
    if alive:
        logging.getLogger(ROOT).warning(hints.STILL_RUNNING, stacks(alive))


def stacks(threads: list[threading.Thread]) -> str:
    """Where threads are right now, for a log line."""
    frames = sys._current_frames()
    return "\n".join(
        f"{thread.name}:\n{''.join(traceback.format_stack(frames[thread.ident]))}"
        for thread in threads
        if thread.ident in frames
    )
