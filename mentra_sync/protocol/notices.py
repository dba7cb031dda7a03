"""Notices: the frames that the cloud sends to an app (section 4)."""

from dataclasses import field
from typing import Any

from mentra_sync.protocol.capabilities import Capabilities
from mentra_sync.protocol.compiler import wire_names
from mentra_sync.protocol.message import Message, Timestamp, message, wire
from mentra_sync.protocol.names import NoticeType
from mentra_sync.protocol.settings import AppConfig, Setting


@message
class Notice(Message):
    """Base of all notices."""

    type: str = field(default="", kw_only=True)
    session_id: str | None = field(default=None, kw_only=True)
    timestamp: Timestamp | None = field(default=None, kw_only=True)


@message
class ConnectionAck(Notice):
    """The session is live."""

    settings: list[Setting] | None = None
    mentraos_settings: dict[str, Any] | None = None
    augmentos_settings: dict[str, Any] | None = None
    config: AppConfig | None = None
    capabilities: Capabilities | None = None
    type: str = field(default=NoticeType.TPA_CONNECTION_ACK.value, kw_only=True)

    @property
    def system_settings(self) -> dict[str, Any]:
        """The system settings under either of their names; the deployed cloud has the older."""
        return {**(self.augmentos_settings or {}), **(self.mentraos_settings or {})}


@message
class ConnectionRejected(Notice):
    """A connection, or a request on a live one, was refused (section "Connection errors")."""

    message: str = ""
    code: str | None = None
    type: str = field(default=NoticeType.TPA_CONNECTION_ERROR.value, kw_only=True)


@message
class DataStream(Notice):
    """One event: ``data`` is decoded by the class that ``events.EVENTS`` has for the stream."""

    stream_type: str
    data: Any = None
    type: str = field(default=NoticeType.DATA_STREAM.value, kw_only=True)


@message
class SettingsUpdate(Notice):
    """New values of the app's settings; a key that is absent is unchanged."""

    settings: list[Setting]
    package_name: str | None = None
    type: str = field(default=NoticeType.SETTINGS_UPDATE.value, kw_only=True)


@message
class MentraosSettingsUpdate(Notice):
    """New system settings; a key that is absent is unchanged."""

    settings: dict[str, Any]
    type: str = field(default=NoticeType.AUGMENTOS_SETTINGS_UPDATE.value, kw_only=True)


@message
class CapabilitiesUpdate(Notice):
    """Other glasses, or the same ones again; capabilities are None for unknown glasses."""

    capabilities: Capabilities | None = wire(default=None, send_none=True)
    model_name: str | None = None
    type: str = field(default=NoticeType.CAPABILITIES_UPDATE.value, kw_only=True)


@message
class DeviceState(Message):
    """State of glasses and phone (section 11); an update has the changed fields only.

    Battery levels in % (0 to 100).
    """

    connected: bool | None = None
    model_name: str | None = None
    wifi_connected: bool | None = None
    wifi_ssid: str | None = None
    wifi_local_ip: str | None = None
    battery_level: float | None = None
    charging: bool | None = None
    case_battery_level: float | None = None
    case_charging: bool | None = None
    case_open: bool | None = None
    case_removed: bool | None = None
    hotspot_enabled: bool | None = None
    hotspot_ssid: str | None = None
    fw_version: str | None = None
    serial_number: str | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that came, by snake_case name; a null that came is None."""
        sent = self.to_dict()
        return {
            name: getattr(self, name)
            for name, wire_name in wire_names(type(self)).items()
            if wire_name in sent and sent[wire_name] == getattr(self, name)
        }


@message
class DeviceStateUpdate(Notice):
    """Some of the device's state has changed; with ``full_snapshot`` it is all there."""

    state: DeviceState
    full_snapshot: bool | None = None
    type: str = field(default=NoticeType.DEVICE_STATE_UPDATE.value, kw_only=True)


@message
class AppStopped(Notice):
    """The session is about to be closed."""

    reason: str | None = None
    message: str | None = None
    type: str = field(default=NoticeType.APP_STOPPED.value, kw_only=True)


@message
class PermissionDetail(Message):
    """One refused subscription; ``required_permission`` is a `PermissionType`."""

    stream: str | None = None
    required_permission: str | None = None
    message: str | None = None


@message
class PermissionErrorNotice(Notice):
    """Some subscriptions were refused."""

    message: str = ""
    details: list[PermissionDetail] = field(default_factory=list)
    type: str = field(default=NoticeType.PERMISSION_ERROR.value, kw_only=True)


@message
class PhotoFailure(Message):
    """Why a photo failed."""

    code: str | None = None
    message: str | None = None
    details: Any = None


@message
class PhotoResponse(Notice):
    """What became of a photo request; success says only that the upload is on its way."""

    request_id: str
    success: bool = False
    photo_url: str | None = None
    saved_to_gallery: bool | None = None
    error: PhotoFailure | None = None
    error_code: str | None = None
    error_message: str | None = None
    type: str = field(default=NoticeType.PHOTO_RESPONSE.value, kw_only=True)

    @property
    def failure(self) -> PhotoFailure:
        """Code and message of a failure, from the newer or the older fields."""
        return self.error or PhotoFailure(self.error_code, self.error_message)


@message
class AudioPlayResponse(Notice):
    """A sound has ended or failed; ``duration`` in ms."""

    request_id: str
    success: bool = False
    error: str | None = None
    duration: float | None = None
    type: str = field(default=NoticeType.AUDIO_PLAY_RESPONSE.value, kw_only=True)


@message
class RgbLedControlResponse(Notice):
    """What the glasses say to an LED command; comes as a stream."""

    request_id: str
    success: bool = False
    error: str | None = None
    type: str = field(default=NoticeType.RGB_LED_CONTROL_RESPONSE.value, kw_only=True)


@message
class StreamStats(Message):
    """How a stream does: ``bitrate`` in bit/s, ``duration`` in s."""

    bitrate: float | None = None
    fps: float | None = None
    dropped_frames: int | None = None
    duration: float | None = None


@message
class RtmpStreamStatus(Notice):
    """An RTMP stream changed its `RtmpStatus`."""

    status: str
    stream_id: str | None = None
    error_details: Any = None
    app_id: str | None = None
    stats: StreamStats | None = None
    type: str = field(default=NoticeType.RTMP_STREAM_STATUS.value, kw_only=True)


@message
class ManagedStreamStatus(Notice):
    """A managed stream changed its `ManagedStatus`."""

    status: str
    stream_id: str | None = None
    hls_url: str | None = None
    dash_url: str | None = None
    webrtc_url: str | None = None
    preview_url: str | None = None
    thumbnail_url: str | None = None
    message: str | None = None
    outputs: Any = None
    type: str = field(default=NoticeType.MANAGED_STREAM_STATUS.value, kw_only=True)


@message
class StreamInfo(Message):
    """The stream that is running; ``type`` is ``managed`` or ``unmanaged``."""

    type: str | None = None
    stream_id: str | None = None
    status: str | None = None
    created_at: Timestamp | None = None
    rtmp_url: str | None = None
    requesting_app_id: str | None = None
    hls_url: str | None = None
    dash_url: str | None = None
    webrtc_url: str | None = None
    preview_url: str | None = None
    thumbnail_url: str | None = None
    active_viewers: int | None = None


@message
class StreamStatusCheckResponse(Notice):
    """Whether a stream is running; answers the oldest waiting check."""

    has_active_stream: bool = False
    stream_info: StreamInfo | None = None
    type: str = field(default=NoticeType.STREAM_STATUS_CHECK_RESPONSE.value, kw_only=True)


@message
class DashboardModeChanged(Notice):
    """The dashboard's `DashboardMode` changed."""

    mode: str
    type: str = field(default=NoticeType.DASHBOARD_MODE_CHANGED.value, kw_only=True)


@message
class DashboardAlwaysOnChanged(Notice):
    """The dashboard stays on, or no longer."""

    enabled: bool
    type: str = field(default=NoticeType.DASHBOARD_ALWAYS_ON_CHANGED.value, kw_only=True)


@message
class CustomMessage(Notice):
    """A message of the cloud's, dispatched by ``action``."""

    action: str
    payload: Any = None
    type: str = field(default=NoticeType.CUSTOM_MESSAGE.value, kw_only=True)


@message
class AppMessageReceived(Notice):
    """A message of another user of the app."""

    payload: Any = None
    message_id: str | None = None
    sender_user_id: str | None = None
    sender_session_id: str | None = None
    room_id: str | None = None
    type: str = field(default=NoticeType.APP_MESSAGE_RECEIVED.value, kw_only=True)


@message
class AppUserJoined(Notice):
    """Another user has started the app, or entered the room."""

    user_id: str
    joined_at: Timestamp | None = None
    room_id: str | None = None
    type: str = field(default=NoticeType.APP_USER_JOINED.value, kw_only=True)


@message
class AppUserLeft(Notice):
    """Another user has left the app, or the room."""

    user_id: str
    left_at: Timestamp | None = None
    room_id: str | None = None
    type: str = field(default=NoticeType.APP_USER_LEFT.value, kw_only=True)


@message
class AppRoomUpdated(Notice):
    """A room has changed."""

    room_id: str | None = None
    update_type: str | None = None
    room_data: Any = None
    type: str = field(default=NoticeType.APP_ROOM_UPDATED.value, kw_only=True)


@message
class AppDirectMessageResponse(Notice):
    """Whether a direct message was delivered."""

    message_id: str
    success: bool = False
    error: str | None = None
    target_user_id: str | None = None
    type: str = field(default=NoticeType.APP_DIRECT_MESSAGE_RESPONSE.value, kw_only=True)


NOTICES: dict[str, type[Notice]] = {
    NoticeType.TPA_CONNECTION_ACK.value: ConnectionAck,
    NoticeType.TPA_CONNECTION_ERROR.value: ConnectionRejected,
    NoticeType.CONNECTION_ERROR.value: ConnectionRejected,
    NoticeType.WEBSOCKET_ERROR.value: ConnectionRejected,
    NoticeType.DATA_STREAM.value: DataStream,
    NoticeType.SETTINGS_UPDATE.value: SettingsUpdate,
    NoticeType.AUGMENTOS_SETTINGS_UPDATE.value: MentraosSettingsUpdate,
    NoticeType.CAPABILITIES_UPDATE.value: CapabilitiesUpdate,
    NoticeType.DEVICE_STATE_UPDATE.value: DeviceStateUpdate,
    NoticeType.APP_STOPPED.value: AppStopped,
    NoticeType.PERMISSION_ERROR.value: PermissionErrorNotice,
    NoticeType.PHOTO_RESPONSE.value: PhotoResponse,
    NoticeType.AUDIO_PLAY_RESPONSE.value: AudioPlayResponse,
    NoticeType.RGB_LED_CONTROL_RESPONSE.value: RgbLedControlResponse,
    NoticeType.RTMP_STREAM_STATUS.value: RtmpStreamStatus,
    NoticeType.STREAM_STATUS.value: RtmpStreamStatus,
    NoticeType.MANAGED_STREAM_STATUS.value: ManagedStreamStatus,
    NoticeType.STREAM_STATUS_CHECK_RESPONSE.value: StreamStatusCheckResponse,
    NoticeType.DASHBOARD_MODE_CHANGED.value: DashboardModeChanged,
    NoticeType.DASHBOARD_ALWAYS_ON_CHANGED.value: DashboardAlwaysOnChanged,
    NoticeType.CUSTOM_MESSAGE.value: CustomMessage,
    NoticeType.APP_MESSAGE_RECEIVED.value: AppMessageReceived,
    NoticeType.APP_USER_JOINED.value: AppUserJoined,
    NoticeType.APP_USER_LEFT.value: AppUserLeft,
    NoticeType.APP_ROOM_UPDATED.value: AppRoomUpdated,
    NoticeType.APP_DIRECT_MESSAGE_RESPONSE.value: AppDirectMessageResponse,
}
"""The class of each notice's ``type``, under every name that a cloud gives it."""
