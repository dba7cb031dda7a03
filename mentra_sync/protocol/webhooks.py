"""What the cloud POSTs to an app server, and the answers (section 2)."""

from dataclasses import field
from typing import Any

from mentra_sync.protocol.message import Message, Timestamp, message, wire
from mentra_sync.protocol.names import WebhookType
from mentra_sync.protocol.settings import Setting

GIVE_APP_CONTROL_OF_TOOL_RESPONSE = "GIVE_APP_CONTROL_OF_TOOL_RESPONSE"
"""A tool's reply that tells the assistant to say nothing: the app speaks for itself."""


@message
class SessionRequest(Message):
    """``POST /webhook``: a user has started the app."""

    session_id: str
    user_id: str
    timestamp: Timestamp | None = None
    mentra_os_websocket_url: str | None = wire("mentraOSWebsocketUrl", default=None)
    augment_os_websocket_url: str | None = wire("augmentOSWebsocketUrl", default=None)
    type: str = field(default=WebhookType.SESSION_REQUEST.value, kw_only=True)

    @property
    def websocket_url(self) -> str | None:
        """Where to dial; the deployed cloud sends only the older of the two names."""
        return self.mentra_os_websocket_url or self.augment_os_websocket_url


@message
class StopRequest(Message):
    """``POST /webhook``: the session has ended; ``reason`` is a `StopReason`."""

    session_id: str
    user_id: str
    timestamp: Timestamp | None = None
    reason: str | None = None
    type: str = field(default=WebhookType.STOP_REQUEST.value, kw_only=True)


@message
class ToolCallRequest(Message):
    """``POST /tool``: the assistant calls one of the app's tools."""

    tool_id: str
    user_id: str
    tool_parameters: dict[str, Any] = field(default_factory=dict)
    timestamp: Timestamp | None = None


@message
class SettingsPush(Message):
    """``POST /settings``: a user has saved settings."""

    user_id_for_settings: str
    settings: list[Setting]


@message
class WebhookAnswer(Message):
    """Answer to ``/webhook``, and to anything that failed: ``status`` success or error."""

    status: str
    message: str | None = None


@message
class ToolAnswer(Message):
    """Answer to a tool call that worked; ``reply`` None is sent as null."""

    reply: str | None = wire(default=None, send_none=True)
    status: str = "success"


@message
class SettingsAnswer(Message):
    """Answer to ``/settings``; ``sessions_updated`` counts the live sessions that were told."""

    sessions_updated: int
    message: str = "Settings updated"
    status: str = "success"


@message
class HealthAnswer(Message):
    """Answer to ``GET /health``; ``app`` is the package name."""

    app: str
    active_sessions: int
    status: str = "healthy"


@message
class PhotoUploadAnswer(Message):
    """Answer to ``/photo-upload``."""

    success: bool
    request_id: str | None = None
    message: str | None = None
    error: str | None = None


WEBHOOKS: dict[str, type[Message]] = {
    WebhookType.SESSION_REQUEST.value: SessionRequest,
    WebhookType.STOP_REQUEST.value: StopRequest,
}
"""The class of each ``type`` of ``POST /webhook``."""
