"""The closed vocabularies of the wire: every word that the protocol gives a fixed meaning.

Each member *is* its wire text (``ViewType.MAIN == "main"``), so the plain text can be used
wherever a member can, and a word that this version doesn't know travels as plain text.
"""

from __future__ import annotations

from enum import Enum


class WireName(str, Enum):
    """Base of all vocabularies: a member prints and compares as its wire text."""

    def __str__(self) -> str:
        return str.__str__(self)

    def __format__(self, spec: str) -> str:
        return str.__format__(self, spec)

    @classmethod
    def values(cls) -> tuple[str, ...]:
        """The wire texts of all members, in their order of definition."""
        return tuple(str(member) for member in cls)


class CommandType(WireName):
    """``type`` of the frames that an app sends (section 3)."""

    CONNECTION_INIT = "tpa_connection_init"
    SUBSCRIPTION_UPDATE = "subscription_update"
    DISPLAY_EVENT = "display_event"
    PHOTO_REQUEST = "photo_request"
    AUDIO_PLAY_REQUEST = "audio_play_request"
    AUDIO_STOP_REQUEST = "audio_stop_request"
    RGB_LED_CONTROL = "rgb_led_control"
    RTMP_STREAM_REQUEST = "rtmp_stream_request"
    RTMP_STREAM_STOP = "rtmp_stream_stop"
    STREAM_REQUEST = "stream_request"
    """What newer clouds call rtmp_stream_request."""
    STREAM_STOP = "stream_stop"
    """What newer clouds call rtmp_stream_stop."""
    MANAGED_STREAM_REQUEST = "managed_stream_request"
    MANAGED_STREAM_STOP = "managed_stream_stop"
    STREAM_STATUS_CHECK = "stream_status_check"
    LOCATION_POLL_REQUEST = "location_poll_request"
    DASHBOARD_CONTENT_UPDATE = "dashboard_content_update"
    DASHBOARD_MODE_CHANGE = "dashboard_mode_change"
    DASHBOARD_SYSTEM_UPDATE = "dashboard_system_update"
    REQUEST_WIFI_SETUP = "request_wifi_setup"
    OWNERSHIP_RELEASE = "ownership_release"
    APP_BROADCAST_MESSAGE = "app_broadcast_message"
    APP_DIRECT_MESSAGE = "app_direct_message"
    APP_ROOM_JOIN = "app_room_join"
    APP_ROOM_LEAVE = "app_room_leave"


class NoticeType(WireName):
    """``type`` of the frames that the cloud sends to an app (section 4)."""

    TPA_CONNECTION_ACK = "tpa_connection_ack"
    TPA_CONNECTION_ERROR = "tpa_connection_error"
    CONNECTION_ERROR = "connection_error"
    WEBSOCKET_ERROR = "websocket_error"
    DATA_STREAM = "data_stream"
    SETTINGS_UPDATE = "settings_update"
    AUGMENTOS_SETTINGS_UPDATE = "augmentos_settings_update"
    CAPABILITIES_UPDATE = "capabilities_update"
    DEVICE_STATE_UPDATE = "device_state_update"
    APP_STOPPED = "app_stopped"
    PERMISSION_ERROR = "permission_error"
    PHOTO_RESPONSE = "photo_response"
    AUDIO_PLAY_RESPONSE = "audio_play_response"
    RGB_LED_CONTROL_RESPONSE = "rgb_led_control_response"
    RTMP_STREAM_STATUS = "rtmp_stream_status"
    STREAM_STATUS = "stream_status"
    """What newer clouds call rtmp_stream_status."""
    MANAGED_STREAM_STATUS = "managed_stream_status"
    STREAM_STATUS_CHECK_RESPONSE = "stream_status_check_response"
    DASHBOARD_MODE_CHANGED = "dashboard_mode_changed"
    DASHBOARD_ALWAYS_ON_CHANGED = "dashboard_always_on_changed"
    CUSTOM_MESSAGE = "custom_message"
    APP_MESSAGE_RECEIVED = "app_message_received"
    APP_USER_JOINED = "app_user_joined"
    APP_USER_LEFT = "app_user_left"
    APP_ROOM_UPDATED = "app_room_updated"
    APP_DIRECT_MESSAGE_RESPONSE = "app_direct_message_response"


class StreamType(WireName):
    """Base names of the streams that an app can subscribe to (section 6)."""

    TRANSCRIPTION = "transcription"
    LOCAL_TRANSCRIPTION = "local_transcription"
    TRANSLATION = "translation"
    VAD = "VAD"
    AUDIO_CHUNK = "audio_chunk"
    BUTTON_PRESS = "button_press"
    HEAD_POSITION = "head_position"
    TOUCH_EVENT = "touch_event"
    GLASSES_BATTERY_UPDATE = "glasses_battery_update"
    PHONE_BATTERY_UPDATE = "phone_battery_update"
    GLASSES_CONNECTION_STATE = "glasses_connection_state"
    LOCATION_UPDATE = "location_update"
    LOCATION_STREAM = "location_stream"
    PHONE_NOTIFICATION = "phone_notification"
    PHONE_NOTIFICATION_DISMISSED = "phone_notification_dismissed"
    CALENDAR_EVENT = "calendar_event"
    VPS_COORDINATES = "vps_coordinates"
    PHOTO_TAKEN = "photo_taken"
    RTMP_STREAM_STATUS = "rtmp_stream_status"
    MANAGED_STREAM_STATUS = "managed_stream_status"
    RGB_LED_CONTROL_RESPONSE = "rgb_led_control_response"
    AUGMENTOS = "augmentos"
    """Prefix of ``augmentos:{key}``, one system setting."""
    VIDEO = "video"
    START_APP = "start_app"
    STOP_APP = "stop_app"
    OPEN_DASHBOARD = "open_dashboard"
    CORE_STATUS_UPDATE = "core_status_update"
    PHOTO_REQUEST = "photo_request"
    PHOTO_RESPONSE = "photo_response"
    SETTINGS_UPDATE_REQUEST = "settings_update_request"
    CUSTOM_MESSAGE = "custom_message"
    ALL = "all"
    WILDCARD = "*"


class LayoutType(WireName):
    """``layoutType`` of a layout (section 5)."""

    TEXT_WALL = "text_wall"
    DOUBLE_TEXT_WALL = "double_text_wall"
    REFERENCE_CARD = "reference_card"
    DASHBOARD_CARD = "dashboard_card"
    BITMAP_VIEW = "bitmap_view"
    BITMAP_ANIMATION = "bitmap_animation"
    CLEAR_VIEW = "clear_view"


class ViewType(WireName):
    """Where a display goes."""

    MAIN = "main"
    DASHBOARD = "dashboard"


class PressType(WireName):
    """How long a button was held."""

    SHORT = "short"
    LONG = "long"


class HeadDirection(WireName):
    """Where the wearer looks."""

    UP = "up"
    DOWN = "down"


class TouchGesture(WireName):
    """What a finger did on the touch pad."""

    SINGLE_TAP = "single_tap"
    DOUBLE_TAP = "double_tap"
    TRIPLE_TAP = "triple_tap"
    LONG_PRESS = "long_press"
    FORWARD_SWIPE = "forward_swipe"
    BACKWARD_SWIPE = "backward_swipe"
    UP_SWIPE = "up_swipe"
    DOWN_SWIPE = "down_swipe"


class NotificationPriority(WireName):
    """How urgent the phone calls a notification."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class LocationRate(WireName):
    """How exact, and so how often, a location stream is."""

    STANDARD = "standard"
    HIGH = "high"
    REALTIME = "realtime"
    TEN_METERS = "tenMeters"
    HUNDRED_METERS = "hundredMeters"
    KILOMETER = "kilometer"
    THREE_KILOMETERS = "threeKilometers"
    REDUCED = "reduced"


class PhotoSize(WireName):
    """Resolution class of a photo."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"
    FULL = "full"


class PhotoCompression(WireName):
    """How hard a photo is compressed."""

    NONE = "none"
    MEDIUM = "medium"
    HEAVY = "heavy"


class LedColor(WireName):
    """Colours of the glasses' LED."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    ORANGE = "orange"
    WHITE = "white"


class LedAction(WireName):
    """What an LED is told to do."""

    ON = "on"
    OFF = "off"


class ManagedQuality(WireName):
    """Resolution of a managed stream."""

    HD = "720p"
    FULL_HD = "1080p"


class DashboardMode(WireName):
    """How much of the dashboard is shown."""

    MAIN = "main"
    EXPANDED = "expanded"


class DashboardSection(WireName):
    """The corner that a system dashboard writes to."""

    TOP_LEFT = "topLeft"
    TOP_RIGHT = "topRight"
    BOTTOM_LEFT = "bottomLeft"
    BOTTOM_RIGHT = "bottomRight"


class PermissionType(WireName):
    """What a user can allow an app (section 7)."""

    MICROPHONE = "MICROPHONE"
    LOCATION = "LOCATION"
    BACKGROUND_LOCATION = "BACKGROUND_LOCATION"
    CALENDAR = "CALENDAR"
    CAMERA = "CAMERA"
    NOTIFICATIONS = "NOTIFICATIONS"
    READ_NOTIFICATIONS = "READ_NOTIFICATIONS"
    POST_NOTIFICATIONS = "POST_NOTIFICATIONS"
    ALL = "ALL"


class RtmpStatus(WireName):
    """State of an RTMP stream; ``stopped``, ``error`` and ``timeout`` end it."""

    INITIALIZING = "initializing"
    CONNECTING = "connecting"
    RECONNECTING = "reconnecting"
    STREAMING = "streaming"
    ERROR = "error"
    STOPPED = "stopped"
    ACTIVE = "active"
    STOPPING = "stopping"
    DISCONNECTED = "disconnected"
    TIMEOUT = "timeout"
    RECONNECTED = "reconnected"
    RECONNECT_FAILED = "reconnect_failed"


class ManagedStatus(WireName):
    """State of a managed stream; ``error`` and ``stopped`` end it."""

    INITIALIZING = "initializing"
    PREPARING = "preparing"
    ACTIVE = "active"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ERROR = "error"


class ReleaseReason(WireName):
    """Why an app gives up a session with ``ownership_release``."""

    SWITCHING_CLOUDS = "switching_clouds"
    CLEAN_SHUTDOWN = "clean_shutdown"
    USER_LOGOUT = "user_logout"


class StopReason(WireName):
    """``reason`` of a stop webhook."""

    USER_DISABLED = "user_disabled"
    SYSTEM_STOP = "system_stop"
    ERROR = "error"


class WebhookType(WireName):
    """``type`` of what the cloud POSTs to ``/webhook``."""

    SESSION_REQUEST = "session_request"
    STOP_REQUEST = "stop_request"


class ConnectionErrorCode(WireName):
    """Codes that were seen in connection errors; a cloud may send others."""

    INVALID_API_KEY = "INVALID_API_KEY"
    APP_NOT_STARTED = "APP_NOT_STARTED"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    INVALID_JWT = "INVALID_JWT"
    JWT_INVALID = "JWT_INVALID"
    JWT_SIGNATURE_FAILED = "JWT_SIGNATURE_FAILED"
    PACKAGE_NOT_FOUND = "PACKAGE_NOT_FOUND"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    WIFI_NOT_CONNECTED = "WIFI_NOT_CONNECTED"
    MALFORMED_MESSAGE = "MALFORMED_MESSAGE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class SettingType(WireName):
    """Kinds of settings; ``group`` and ``titleValue`` hold no value (section 9)."""

    TOGGLE = "toggle"
    TEXT = "text"
    TEXT_NO_SAVE_BUTTON = "text_no_save_button"
    SELECT = "select"
    SELECT_WITH_SEARCH = "select_with_search"
    MULTISELECT = "multiselect"
    SLIDER = "slider"
    NUMERIC_INPUT = "numeric_input"
    TIME_PICKER = "time_picker"
    GROUP = "group"
    TITLE_VALUE = "titleValue"


class ToolParameterType(WireName):
    """Types of a tool's parameters."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"


class ButtonType(WireName):
    """Kinds of buttons that glasses have (section 10)."""

    PRESS = "press"
    SWIPE_1D = "swipe1d"
    SWIPE_2D = "swipe2d"
