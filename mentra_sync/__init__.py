"""Apps for smart glasses in plain, synchronous Python, and glasses in a web page to try them on.

from mentra_sync import AppServer

app = AppServer("com.example.hello")

@app.session_handler
def main(session):
    session.layouts.show_text_wall("Hello!")

app.run()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mentra_sync._version import VERSION as __version__

if TYPE_CHECKING:
    from mentra_sync.errors import ConfigurationError as ConfigurationError
    from mentra_sync.errors import ConnectionFailed as ConnectionFailed
    from mentra_sync.errors import MentraError as MentraError
    from mentra_sync.errors import PermissionDenied as PermissionDenied
    from mentra_sync.errors import PhotoError as PhotoError
    from mentra_sync.errors import RequestFailed as RequestFailed
    from mentra_sync.errors import RequestTimeout as RequestTimeout
    from mentra_sync.errors import SessionEnded as SessionEnded
    from mentra_sync.errors import StorageError as StorageError
    from mentra_sync.errors import StreamError as StreamError
    from mentra_sync.features.camera import PhotoData as PhotoData
    from mentra_sync.features.layouts import Animation as Animation
    from mentra_sync.features.player import AudioPlayResult as AudioPlayResult
    from mentra_sync.features.settings import SettingChange as SettingChange
    from mentra_sync.features.streams import ManagedStream as ManagedStream
    from mentra_sync.features.streams import StreamCheck as StreamCheck
    from mentra_sync.features.timers import Timer as Timer
    from mentra_sync.protocol.capabilities import Capabilities as Capabilities
    from mentra_sync.protocol.commands import AudioOptions as AudioOptions
    from mentra_sync.protocol.commands import RestreamDestination as RestreamDestination
    from mentra_sync.protocol.commands import StreamOptions as StreamOptions
    from mentra_sync.protocol.commands import VideoOptions as VideoOptions
    from mentra_sync.protocol.events import AudioChunk as AudioChunk
    from mentra_sync.protocol.events import ButtonPress as ButtonPress
    from mentra_sync.protocol.events import CalendarEvent as CalendarEvent
    from mentra_sync.protocol.events import GlassesBatteryUpdate as GlassesBatteryUpdate
    from mentra_sync.protocol.events import GlassesConnectionState as GlassesConnectionState
    from mentra_sync.protocol.events import HeadPosition as HeadPosition
    from mentra_sync.protocol.events import LocationUpdate as LocationUpdate
    from mentra_sync.protocol.events import PhoneBatteryUpdate as PhoneBatteryUpdate
    from mentra_sync.protocol.events import PhoneNotification as PhoneNotification
    from mentra_sync.protocol.events import (
        PhoneNotificationDismissed as PhoneNotificationDismissed,
    )
    from mentra_sync.protocol.events import PhotoTaken as PhotoTaken
    from mentra_sync.protocol.events import TouchEvent as TouchEvent
    from mentra_sync.protocol.events import TranscriptionData as TranscriptionData
    from mentra_sync.protocol.events import TranslationData as TranslationData
    from mentra_sync.protocol.events import VoiceActivity as VoiceActivity
    from mentra_sync.protocol.events import VpsCoordinates as VpsCoordinates
    from mentra_sync.protocol.events import WifiStatus as WifiStatus
    from mentra_sync.protocol.names import ButtonType as ButtonType
    from mentra_sync.protocol.names import ConnectionErrorCode as ConnectionErrorCode
    from mentra_sync.protocol.names import DashboardMode as DashboardMode
    from mentra_sync.protocol.names import DashboardSection as DashboardSection
    from mentra_sync.protocol.names import HeadDirection as HeadDirection
    from mentra_sync.protocol.names import LayoutType as LayoutType
    from mentra_sync.protocol.names import LedAction as LedAction
    from mentra_sync.protocol.names import LedColor as LedColor
    from mentra_sync.protocol.names import LocationRate as LocationRate
    from mentra_sync.protocol.names import ManagedQuality as ManagedQuality
    from mentra_sync.protocol.names import ManagedStatus as ManagedStatus
    from mentra_sync.protocol.names import NotificationPriority as NotificationPriority
    from mentra_sync.protocol.names import PermissionType as PermissionType
    from mentra_sync.protocol.names import PhotoCompression as PhotoCompression
    from mentra_sync.protocol.names import PhotoSize as PhotoSize
    from mentra_sync.protocol.names import PressType as PressType
    from mentra_sync.protocol.names import ReleaseReason as ReleaseReason
    from mentra_sync.protocol.names import RtmpStatus as RtmpStatus
    from mentra_sync.protocol.names import SettingType as SettingType
    from mentra_sync.protocol.names import StopReason as StopReason
    from mentra_sync.protocol.names import StreamType as StreamType
    from mentra_sync.protocol.names import ToolParameterType as ToolParameterType
    from mentra_sync.protocol.names import TouchGesture as TouchGesture
    from mentra_sync.protocol.names import ViewType as ViewType
    from mentra_sync.protocol.notices import AppMessageReceived as AppMessageReceived
    from mentra_sync.protocol.notices import AppRoomUpdated as AppRoomUpdated
    from mentra_sync.protocol.notices import AppUserJoined as AppUserJoined
    from mentra_sync.protocol.notices import AppUserLeft as AppUserLeft
    from mentra_sync.protocol.notices import CapabilitiesUpdate as CapabilitiesUpdate
    from mentra_sync.protocol.notices import ManagedStreamStatus as ManagedStreamStatus
    from mentra_sync.protocol.notices import PermissionDetail as PermissionDetail
    from mentra_sync.protocol.notices import PermissionErrorNotice as PermissionErrorNotice
    from mentra_sync.protocol.notices import RgbLedControlResponse as RgbLedControlResponse
    from mentra_sync.protocol.notices import RtmpStreamStatus as RtmpStreamStatus
    from mentra_sync.protocol.notices import StreamInfo as StreamInfo
    from mentra_sync.protocol.settings import AppConfig as AppConfig
    from mentra_sync.protocol.settings import Setting as Setting
    from mentra_sync.protocol.users import AppUser as AppUser
    from mentra_sync.protocol.webhooks import (
        GIVE_APP_CONTROL_OF_TOOL_RESPONSE as GIVE_APP_CONTROL_OF_TOOL_RESPONSE,
    )
    from mentra_sync.runtime.closing import Disconnection as Disconnection
    from mentra_sync.runtime.subscription import Subscription as Subscription
    from mentra_sync.server import AppServer as AppServer
    from mentra_sync.session import AppSession as AppSession
    from mentra_sync.tools import ToolCall as ToolCall

# Each name is loaded at its first use (PEP 562): a script pays for what it needs.
_HOMES = {
    "errors": (
        "ConfigurationError ConnectionFailed MentraError PermissionDenied PhotoError RequestFailed"
        " RequestTimeout SessionEnded StorageError StreamError"
    ),
    "features.player": "AudioPlayResult",
    "features.camera": "PhotoData",
    "features.layouts": "Animation",
    "features.settings": "SettingChange",
    "features.streams": "ManagedStream StreamCheck",
    "features.timers": "Timer",
    "protocol.capabilities": "Capabilities",
    "protocol.commands": "AudioOptions RestreamDestination StreamOptions VideoOptions",
    "protocol.events": (
        "AudioChunk ButtonPress CalendarEvent GlassesBatteryUpdate GlassesConnectionState"
        " HeadPosition LocationUpdate PhoneBatteryUpdate PhoneNotification"
        " PhoneNotificationDismissed PhotoTaken TouchEvent TranscriptionData TranslationData"
        " VoiceActivity VpsCoordinates WifiStatus"
    ),
    "protocol.names": (
        "ButtonType ConnectionErrorCode DashboardMode DashboardSection HeadDirection LayoutType"
        " LedAction LedColor LocationRate ManagedQuality ManagedStatus NotificationPriority"
        " PermissionType PhotoCompression PhotoSize PressType ReleaseReason RtmpStatus SettingType"
        " StopReason StreamType ToolParameterType TouchGesture ViewType"
    ),
    "protocol.notices": (
        "AppMessageReceived AppRoomUpdated AppUserJoined AppUserLeft CapabilitiesUpdate"
        " ManagedStreamStatus PermissionDetail PermissionErrorNotice RgbLedControlResponse"
        " RtmpStreamStatus StreamInfo"
    ),
    "protocol.settings": "AppConfig Setting",
    "protocol.users": "AppUser",
    "protocol.webhooks": "GIVE_APP_CONTROL_OF_TOOL_RESPONSE",
    "runtime.closing": "Disconnection",
    "runtime.subscription": "Subscription",
    "server": "AppServer",
    "session": "AppSession",
    "tools": "ToolCall",
}
_MODULES = frozenset({"display", "tokens", "webview"})
"""What is used as ``mentra_sync.tokens.create_token``, after a plain ``import mentra_sync`` too."""

_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    except Exception as error:
        from mentra_sync.hiding import explained

        reason = explained(error, name)
        if reason is error:
            raise
        raise reason from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
