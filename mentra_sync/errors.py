"""Everything that mentra_sync raises on purpose.

Each error also inherits the builtin that a Python reader expects, so that
``except TimeoutError`` or ``except ConnectionError`` work as they would elsewhere.
Wrong arguments are plain ``ValueError`` and ``TypeError``.  All can be copied and pickled, as by
``multiprocessing``: Python makes an error anew from its text, unless told what it was made of.
"""

from __future__ import annotations


class MentraError(Exception):
    """The base of all errors of this package."""


class ConfigurationError(MentraError, ValueError):
    """The app cannot run as it is configured; the message says what to set, and how."""


class ConnectionFailed(MentraError, ConnectionError):
    """The cloud could not be reached, or did not accept this app.

    ``code`` is the cloud's own error code (for example ``INVALID_API_KEY``), or None.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class SessionEnded(MentraError, ConnectionError):
    """The session is over: nothing more can be shown, said or heard on it.

    The runtime catches it when it leaves ``on_session`` or a callback, so a loop there
    simply ends.  ``reason`` is the one that ``on_stop`` receives.
    """

    def __init__(self, reason: str = "disconnected") -> None:
        super().__init__(f"the session has ended ({reason}); a new one comes with the next start")
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.reason,), self.__dict__


class RequestTimeout(MentraError, TimeoutError):
    """An answer did not come within the time that the call allowed."""


class RequestFailed(MentraError, RuntimeError):
    """The cloud or the glasses refused a request.

    ``code`` is the machine-readable reason (for example ``WIFI_NOT_CONNECTED``), ``message``
    the words that came with it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})" if code else message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.code, self.message), self.__dict__


class PermissionDenied(RequestFailed, PermissionError):
    """The wearer or the developer console has not granted what this call needs."""


class PhotoError(RequestFailed, OSError):
    """A photo could not be taken or delivered."""


class StreamError(RequestFailed, OSError):
    """A video stream could not be started, or broke."""


class StorageError(RequestFailed, OSError):
    """Simple storage could not be read or written."""
