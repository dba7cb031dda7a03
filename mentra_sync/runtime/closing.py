"""What the end of a websocket means for its session (protocol.md, sections 1 and 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

POLICY_VIOLATION = 1008

ERROR_TYPES = frozenset({"tpa_connection_error", "connection_error"})
"""The frames by which the cloud refuses a connection, or a request on a live one."""

FATAL_CODES = frozenset(
    {
        "INVALID_API_KEY",
        "SESSION_NOT_FOUND",
        "INVALID_JWT",
        "JWT_INVALID",
        "JWT_SIGNATURE_FAILED",
        "PACKAGE_NOT_FOUND",
    }
)
"""The cloud will not change its mind about these."""

APP_NOT_STARTED = "APP_NOT_STARTED"
"""Fatal on a first connection; on a reconnection the cloud is restarting the app."""

REFUSED_REQUEST_CODES = frozenset(
    {"PERMISSION_DENIED", "WIFI_NOT_CONNECTED", "MALFORMED_MESSAGE", "INTERNAL_ERROR"}
)
"""The cloud refuses one request so, and then closes a connection that may come back at once."""

CONNECTION_LOST = "connection_lost"

_REASONS = {"App stopped": "app_stopped", "User session ended": "session_ended"}


_SHORTEST_KEY = 8
"""A made-up key of a letter or two stands in every word by chance; real ones are far longer."""


@dataclass(frozen=True)
class Secret:
    """The app's key: the cloud has been told it, and may repeat it in what is logged."""

    key: str = field(repr=False)

    def hide_in(self, text: str) -> str:
        """The cloud's words without the key."""
        return text.replace(self.key, "***") if len(self.key) >= _SHORTEST_KEY else text

    def hide_in_error(self, frame: dict[str, Any]) -> dict[str, Any]:
        """A connection error whose words are without the key; before they are cut short."""
        hidden = dict(frame)
        for name in ("code", "message"):
            words = frame.get(name)
            if isinstance(words, str):
                hidden[name] = self.hide_in(words)
        return hidden


@dataclass(frozen=True)
class ErrorFrame:
    """A connection error, as far as its fields can be trusted."""

    code: str | None
    message: str

    @classmethod
    def read(cls, frame: dict[str, Any]) -> ErrorFrame:
        """Take what has the right type from a frame of one of ``ERROR_TYPES``."""
        code, message = frame.get("code"), frame.get("message")
        return cls(
            printable(code[:100]) if isinstance(code, str) and code else None,
            printable(message[:200]) if isinstance(message, str) else "",
        )


@dataclass(frozen=True)
class Ending:
    """The session is over: what ``Owner.ended`` is told."""

    reason: str
    code: int | None = None
    detail: str = ""


@dataclass(frozen=True)
class Disconnection:
    """What ``on_disconnected`` handlers get."""

    code: int | None
    """The websocket's close code, or None when there was no close frame."""
    reason: str
    permanent: bool
    """False: the SDK is reconnecting. True: the session is over, ``on_stop`` comes next."""


@dataclass(frozen=True)
class Loss:
    """The connection is gone, the session may go on: what ``Owner.lost`` is told, and more."""

    code: int | None = None
    reason: str = ""
    unexplained_refusal: bool = False
    """A close 1008 without an error frame before it."""
    refused_request: bool = False
    """The cloud closed it only because it refused one request."""
    violation: bool = False
    """The other side broke the protocol; it is to be told ``code`` and ``reason``."""
    in_vain: bool = False
    """It was lost soon after its acknowledgement, and brought nothing meanwhile."""
    abort: bool = False
    """The other side does not answer any more: don't wait for it in closing."""


def printable(text: str) -> str:
    """``text`` fit for one line of a log."""
    return "".join(character if character.isprintable() else "?" for character in text)


def rejected(code: str | int) -> str:
    """The reason of a session whose connection the cloud does not accept."""
    return f"rejected: {code}"


def is_fatal(code: str | None, *, first: bool) -> bool:
    """Whether an error code ends the session; ``first`` means before its first ack."""
    return code in FATAL_CODES or (first and code == APP_NOT_STARTED)


def reason_in_words(close_reason: str) -> str | None:
    """The ``on_stop`` reason that the words of a close frame give, whatever its code."""
    for words, reason in _REASONS.items():
        if words in close_reason:
            return reason
    return None


def meaning_of_close(
    code: int | None, reason: str, *, app_stopped: bool, error: ErrorFrame | None
) -> Ending | Loss:
    """What a close frame of the cloud means for a live connection.

    ``app_stopped`` says whether such a frame came before it, ``error`` is the connection error
    that came shortly before it.
    """
    ending = reason_in_words(reason)
    if ending is None and code in (1000, 1001):
        ending = "app_stopped" if app_stopped else "session_ended"
    if ending is not None:
        return Ending(ending, code, reason)
    refused = code == POLICY_VIOLATION
    return Loss(
        code,
        reason,
        unexplained_refusal=refused and error is None,
        refused_request=refused and error is not None and error.code in REFUSED_REQUEST_CODES,
    )
