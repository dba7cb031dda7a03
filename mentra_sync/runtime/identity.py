"""Whose session it is, and how the app proves that it may serve it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Identity:
    """A session's names on the wire, and the app's key."""

    session_id: str
    user_id: str
    package_name: str
    api_key: str = field(repr=False)
