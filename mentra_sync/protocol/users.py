"""Other users of the same app, as the cloud lists them (section 7, discover-users)."""

from __future__ import annotations

from typing import Any

from mentra_sync.protocol.message import Message, Timestamp, message


@message
class AppUser(Message):
    """Somebody who uses the app now; the profile only if it was asked for."""

    user_id: str
    session_id: str | None = None
    joined_at: Timestamp | None = None
    user_profile: dict[str, Any] | None = None
