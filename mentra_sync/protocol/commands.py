"""Commands: the frames that an app sends to the cloud (section 3)."""

from dataclasses import field
from typing import Any

from mentra_sync.protocol.layouts import Layout, layout_from_dict
from mentra_sync.protocol.message import Message, Timestamp, message, wire
from mentra_sync.protocol.names import (
    CommandType,
    LedAction,
    PhotoCompression,
    PhotoSize,
    ViewType,
)


@message
class Command(Message):
    """Base of all commands. Names, session and time are filled in by whoever sends it."""

    type: str = field(default="", kw_only=True)
    package_name: str | None = field(default=None, kw_only=True)
    session_id: str | None = field(default=None, kw_only=True)
    timestamp: Timestamp | None = field(default=None, kw_only=True)


@message
class ConnectionInit(Command):
    """First frame of a connection: proves that the app may serve this session."""

    api_key: str = field(default="", repr=False)
    type: str = field(default=CommandType.CONNECTION_INIT.value, kw_only=True)


@message
class SubscriptionUpdate(Command):
    """Everything that the app listens to; replaces the list before it.

    Each item is in the form of `StreamName.wire`: a text, or an object for a location stream.
    """

    subscriptions: list[Any] = field(default_factory=list)
    type: str = field(default=CommandType.SUBSCRIPTION_UPDATE.value, kw_only=True)


@message
class DisplayEvent(Command):
    """Show a layout on a view; ``duration_ms`` clears it after that time."""

    layout: Layout | None = wire(default=None, decoder=layout_from_dict)
    view: str = ViewType.MAIN.value
    duration_ms: float | None = None
    type: str = field(default=CommandType.DISPLAY_EVENT.value, kw_only=True)


@message
class PhotoRequest(Command):
    """Take a photo and upload it; ``size`` a `PhotoSize`, ``compress`` a `PhotoCompression`."""

    request_id: str
    save_to_gallery: bool = False
    size: str = PhotoSize.MEDIUM.value
    compress: str = PhotoCompression.NONE.value
    custom_webhook_url: str | None = None
    auth_token: str | None = None
    type: str = field(default=CommandType.PHOTO_REQUEST.value, kw_only=True)


@message
class AudioPlayRequest(Command):
    """Play a sound from a URL; ``volume`` 0 to 1, ``track_id`` 0 speaker, 1 app audio, 2 tts."""

    request_id: str
    audio_url: str
    volume: float = 1.0
    stop_other_audio: bool = True
    track_id: int = 0
    type: str = field(default=CommandType.AUDIO_PLAY_REQUEST.value, kw_only=True)


@message
class AudioStopRequest(Command):
    """Stop one track, or all sound."""

    track_id: int | None = None
    type: str = field(default=CommandType.AUDIO_STOP_REQUEST.value, kw_only=True)


@message
class RgbLedControl(Command):
    """Blink or stop the LED: ``ontime`` and ``offtime`` in ms, ``count`` times."""

    request_id: str
    action: str = LedAction.ON.value
    color: str | None = None
    ontime: float | None = None
    offtime: float | None = None
    count: int | None = None
    type: str = field(default=CommandType.RGB_LED_CONTROL.value, kw_only=True)


@message
class VideoOptions(Message):
    """How a stream's picture is encoded: size in px, ``bitrate`` in bit/s."""

    width: int | None = None
    height: int | None = None
    bitrate: int | None = None
    frame_rate: float | None = None


@message
class AudioOptions(Message):
    """How a stream's sound is encoded: ``bitrate`` in bit/s, ``sample_rate`` in Hz."""

    bitrate: int | None = None
    sample_rate: int | None = None
    echo_cancellation: bool | None = None
    noise_suppression: bool | None = None


@message
class StreamOptions(Message):
    """How long a stream may run: ``duration_limit`` in s."""

    duration_limit: float | None = None


@message
class RestreamDestination(Message):
    """Another place that a managed stream is sent to."""

    url: str
    name: str | None = None


@message
class RtmpStreamRequest(Command):
    """Stream the camera to an RTMP URL."""

    rtmp_url: str
    video: VideoOptions | None = None
    audio: AudioOptions | None = None
    stream: StreamOptions | None = None
    type: str = field(default=CommandType.RTMP_STREAM_REQUEST.value, kw_only=True)


@message
class RtmpStreamStop(Command):
    """Stop an RTMP stream, or whichever runs."""

    stream_id: str | None = None
    type: str = field(default=CommandType.RTMP_STREAM_STOP.value, kw_only=True)


@message
class ManagedStreamRequest(Command):
    """Let the cloud distribute the camera's stream; ``quality`` a `ManagedQuality`."""

    quality: str | None = None
    enable_webrtc: bool | None = wire("enableWebRTC", default=None)
    video: VideoOptions | None = None
    audio: AudioOptions | None = None
    stream: StreamOptions | None = None
    restream_destinations: list[RestreamDestination] | None = None
    type: str = field(default=CommandType.MANAGED_STREAM_REQUEST.value, kw_only=True)


@message
class ManagedStreamStop(Command):
    """Stop the managed stream."""

    type: str = field(default=CommandType.MANAGED_STREAM_STOP.value, kw_only=True)


@message
class StreamStatusCheck(Command):
    """Ask whether a stream is running."""

    type: str = field(default=CommandType.STREAM_STATUS_CHECK.value, kw_only=True)


@message
class LocationPollRequest(Command):
    """Ask once where the wearer is; ``accuracy`` a `LocationRate`."""

    correlation_id: str
    accuracy: str
    type: str = field(default=CommandType.LOCATION_POLL_REQUEST.value, kw_only=True)


@message
class DashboardContentUpdate(Command):
    """The app's text on the dashboard in each of ``modes``.

    In this and the next two the session id is ``{sessionId}-{packageName}``.
    """

    content: str
    modes: list[str]
    type: str = field(default=CommandType.DASHBOARD_CONTENT_UPDATE.value, kw_only=True)


@message
class DashboardModeChange(Command):
    """Change the dashboard's `DashboardMode` (system dashboard only)."""

    mode: str
    type: str = field(default=CommandType.DASHBOARD_MODE_CHANGE.value, kw_only=True)


@message
class DashboardSystemUpdate(Command):
    """Write to a `DashboardSection` (system dashboard only)."""

    section: str
    content: str
    type: str = field(default=CommandType.DASHBOARD_SYSTEM_UPDATE.value, kw_only=True)


@message
class RequestWifiSetup(Command):
    """Ask the user to connect the glasses to a wifi."""

    reason: str | None = None
    type: str = field(default=CommandType.REQUEST_WIFI_SETUP.value, kw_only=True)


@message
class OwnershipRelease(Command):
    """Give up the session for a `ReleaseReason`, so that the cloud doesn't start it again."""

    reason: str
    type: str = field(default=CommandType.OWNERSHIP_RELEASE.value, kw_only=True)


@message
class AppBroadcastMessage(Command):
    """A message to everybody who uses the app."""

    payload: Any = wire(send_none=True)
    message_id: str
    sender_user_id: str
    type: str = field(default=CommandType.APP_BROADCAST_MESSAGE.value, kw_only=True)


@message
class AppDirectMessage(Command):
    """A message to one other user of the app."""

    target_user_id: str
    payload: Any = wire(send_none=True)
    message_id: str
    sender_user_id: str
    type: str = field(default=CommandType.APP_DIRECT_MESSAGE.value, kw_only=True)


@message
class RoomConfig(Message):
    """How a room is made when the first user joins it."""

    max_users: int | None = None
    is_private: bool | None = None
    metadata: dict[str, Any] | None = None


@message
class AppRoomJoin(Command):
    """Enter a room of users of the app."""

    room_id: str
    room_config: RoomConfig | None = None
    type: str = field(default=CommandType.APP_ROOM_JOIN.value, kw_only=True)


@message
class AppRoomLeave(Command):
    """Leave a room."""

    room_id: str
    type: str = field(default=CommandType.APP_ROOM_LEAVE.value, kw_only=True)


COMMANDS: dict[str, type[Command]] = {
    CommandType.CONNECTION_INIT.value: ConnectionInit,
    CommandType.SUBSCRIPTION_UPDATE.value: SubscriptionUpdate,
    CommandType.DISPLAY_EVENT.value: DisplayEvent,
    CommandType.PHOTO_REQUEST.value: PhotoRequest,
    CommandType.AUDIO_PLAY_REQUEST.value: AudioPlayRequest,
    CommandType.AUDIO_STOP_REQUEST.value: AudioStopRequest,
    CommandType.RGB_LED_CONTROL.value: RgbLedControl,
    CommandType.RTMP_STREAM_REQUEST.value: RtmpStreamRequest,
    CommandType.RTMP_STREAM_STOP.value: RtmpStreamStop,
    CommandType.STREAM_REQUEST.value: RtmpStreamRequest,
    CommandType.STREAM_STOP.value: RtmpStreamStop,
    CommandType.MANAGED_STREAM_REQUEST.value: ManagedStreamRequest,
    CommandType.MANAGED_STREAM_STOP.value: ManagedStreamStop,
    CommandType.STREAM_STATUS_CHECK.value: StreamStatusCheck,
    CommandType.LOCATION_POLL_REQUEST.value: LocationPollRequest,
    CommandType.DASHBOARD_CONTENT_UPDATE.value: DashboardContentUpdate,
    CommandType.DASHBOARD_MODE_CHANGE.value: DashboardModeChange,
    CommandType.DASHBOARD_SYSTEM_UPDATE.value: DashboardSystemUpdate,
    CommandType.REQUEST_WIFI_SETUP.value: RequestWifiSetup,
    CommandType.OWNERSHIP_RELEASE.value: OwnershipRelease,
    CommandType.APP_BROADCAST_MESSAGE.value: AppBroadcastMessage,
    CommandType.APP_DIRECT_MESSAGE.value: AppDirectMessage,
    CommandType.APP_ROOM_JOIN.value: AppRoomJoin,
    CommandType.APP_ROOM_LEAVE.value: AppRoomLeave,
}
"""The class of each command's ``type``."""
