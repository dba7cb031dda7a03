"""Events: what a ``data_stream`` brings to an app (section 6).

Any field may be missing and is None then. Only the one that carries the meaning (the first
ones, without a default) must be there: without it decoding raises MalformedMessage.
"""

import math
import sys
from array import array
from dataclasses import dataclass, field
from typing import Any

from mentra_sync.protocol.message import Message, Timestamp, message, wire
from mentra_sync.protocol.names import StreamType
from mentra_sync.protocol.notices import (
    ManagedStreamStatus,
    RgbLedControlResponse,
    RtmpStreamStatus,
)


@message
class Event(Message):
    """Base of all events."""

    type: str = field(default="", kw_only=True)
    timestamp: Timestamp | None = field(default=None, kw_only=True)


@message
class TranscriptionData(Event):
    """What was said; times in ms, ``confidence`` 0 to 1. A missing text is empty.

    Speech that was recognised on the phone has the type ``local_transcription``.
    """

    text: str = ""
    is_final: bool | None = None
    utterance_id: str | None = None
    transcribe_language: str | None = None
    detected_language: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    speaker_id: str | float | None = None
    duration: float | None = None
    provider: str | None = None
    confidence: float | None = None
    metadata: Any = None
    type: str = field(default=StreamType.TRANSCRIPTION.value, kw_only=True)


@message
class TranslationData(Event):
    """What was said, in another language; times in ms, ``confidence`` 0 to 1."""

    text: str = ""
    original_text: str | None = None
    is_final: bool | None = None
    start_time: float | None = None
    end_time: float | None = None
    speaker_id: str | float | None = None
    duration: float | None = None
    transcribe_language: str | None = None
    translate_language: str | None = None
    did_translate: bool | None = None
    provider: str | None = None
    confidence: float | None = None
    type: str = field(default=StreamType.TRANSLATION.value, kw_only=True)


def _spoken(sent: Any) -> bool:
    """A VAD status, which comes as a bool or as one of two strings."""
    for status, forms in ((True, (True, "true")), (False, (False, "false"))):
        if isinstance(sent, bool | str) and sent in forms:
            return status
    raise ValueError('true, false, "true" or "false"')


@message
class VoiceActivity(Event):
    """Somebody has begun (``status`` True) or ceased to speak."""

    status: bool = wire(decoder=_spoken)
    type: str = field(default=StreamType.VAD.value, kw_only=True)


@dataclass
class AudioChunk:
    """Some sound from the microphone: PCM, 16 bit, little-endian, mono. Not JSON."""

    data: bytes
    sample_rate: int = 16000
    """In Hz."""
    type: str = field(default=StreamType.AUDIO_CHUNK.value, kw_only=True)

    @property
    def duration(self) -> float:
        """How long the sound is, in s."""
        return len(self.data) // 2 / self.sample_rate

    def rms(self) -> float:
        """How loud it is: root mean square of the samples, 0.0 (silence) to 1.0 (full scale)."""
        samples = array("h", self.data[: len(self.data) // 2 * 2])
        if sys.byteorder == "big":
            samples.byteswap()
        if not samples:
            return 0.0
        return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32768


@message
class ButtonPress(Event):
    """A button was pressed; ``press_type`` is a `PressType`."""

    button_id: str
    press_type: str | None = None
    type: str = field(default=StreamType.BUTTON_PRESS.value, kw_only=True)


@message
class HeadPosition(Event):
    """The head was moved; ``position`` is a `HeadDirection`."""

    position: str
    type: str = field(default=StreamType.HEAD_POSITION.value, kw_only=True)


@message
class TouchEvent(Event):
    """The touch pad was touched; ``gesture_name`` is a `TouchGesture`."""

    gesture_name: str = wire("gesture_name")
    device_model: str | None = wire("device_model", default=None)
    type: str = field(default=StreamType.TOUCH_EVENT.value, kw_only=True)


@message
class GlassesBatteryUpdate(Event):
    """Battery of the glasses: ``level`` in % (0 to 100), ``time_remaining`` in min."""

    level: float
    charging: bool | None = None
    time_remaining: float | None = None
    type: str = field(default=StreamType.GLASSES_BATTERY_UPDATE.value, kw_only=True)


@message
class PhoneBatteryUpdate(Event):
    """Battery of the phone: ``level`` in % (0 to 100), ``time_remaining`` in min."""

    level: float
    charging: bool | None = None
    time_remaining: float | None = None
    type: str = field(default=StreamType.PHONE_BATTERY_UPDATE.value, kw_only=True)


@message
class WifiStatus(Message):
    """Whether the glasses are in a wifi, and in which."""

    connected: bool | None = None
    ssid: str | None = None


@message
class GlassesConnectionState(Event):
    """The glasses were connected or lost; ``status`` as in ``CONNECTED``."""

    status: str
    model_name: str | None = None
    wifi: WifiStatus | None = None
    type: str = field(default=StreamType.GLASSES_CONNECTION_STATE.value, kw_only=True)


@message
class LocationUpdate(Event):
    """Where the wearer is: degrees, ``accuracy`` and ``altitude`` in m."""

    lat: float
    lng: float
    accuracy: float | None = None
    altitude: float | None = None
    correlation_id: str | None = None
    type: str = field(default=StreamType.LOCATION_UPDATE.value, kw_only=True)


@message
class PhoneNotification(Event):
    """The phone has shown a notification; ``priority`` is a `NotificationPriority`."""

    notification_id: str | None = None
    app: str | None = None
    title: str | None = None
    content: str | None = None
    priority: str | None = None
    package_name: str | None = None
    type: str = field(default=StreamType.PHONE_NOTIFICATION.value, kw_only=True)


@message
class PhoneNotificationDismissed(Event):
    """A notification was swiped away; the recorded cloud sends no app, title or content."""

    notification_id: str | None = None
    notification_key: str | None = None
    app: str | None = None
    title: str | None = None
    content: str | None = None
    package_name: str | None = None
    type: str = field(default=StreamType.PHONE_NOTIFICATION_DISMISSED.value, kw_only=True)


@message
class CalendarEvent(Event):
    """An appointment; times are ISO 8601 texts, and ``time_stamp`` is spelt so on the wire."""

    event_id: str | None = None
    title: str | None = None
    dt_start: Timestamp | None = None
    dt_end: Timestamp | None = None
    timezone: str | None = None
    time_stamp: Timestamp | None = None
    type: str = field(default=StreamType.CALENDAR_EVENT.value, kw_only=True)


@message
class VpsCoordinates(Event):
    """Position and orientation (a quaternion) from visual positioning."""

    device_model: str | None = None
    request_id: str | None = None
    x: float | None = None
    y: float | None = None
    z: float | None = None
    qx: float | None = None
    qy: float | None = None
    qz: float | None = None
    qw: float | None = None
    confidence: float | None = None
    type: str = field(default=StreamType.VPS_COORDINATES.value, kw_only=True)


@message
class PhotoTaken(Event):
    """The wearer took a photo; ``photo_data`` is base64."""

    photo_data: str | None = None
    mime_type: str | None = None
    type: str = field(default=StreamType.PHOTO_TAKEN.value, kw_only=True)


EVENTS: dict[str, type[Message]] = {
    StreamType.TRANSCRIPTION.value: TranscriptionData,
    StreamType.LOCAL_TRANSCRIPTION.value: TranscriptionData,
    StreamType.TRANSLATION.value: TranslationData,
    StreamType.VAD.value: VoiceActivity,
    StreamType.BUTTON_PRESS.value: ButtonPress,
    StreamType.HEAD_POSITION.value: HeadPosition,
    StreamType.TOUCH_EVENT.value: TouchEvent,
    StreamType.GLASSES_BATTERY_UPDATE.value: GlassesBatteryUpdate,
    StreamType.PHONE_BATTERY_UPDATE.value: PhoneBatteryUpdate,
    StreamType.GLASSES_CONNECTION_STATE.value: GlassesConnectionState,
    StreamType.LOCATION_UPDATE.value: LocationUpdate,
    StreamType.LOCATION_STREAM.value: LocationUpdate,
    StreamType.PHONE_NOTIFICATION.value: PhoneNotification,
    StreamType.PHONE_NOTIFICATION_DISMISSED.value: PhoneNotificationDismissed,
    StreamType.CALENDAR_EVENT.value: CalendarEvent,
    StreamType.VPS_COORDINATES.value: VpsCoordinates,
    StreamType.PHOTO_TAKEN.value: PhotoTaken,
    StreamType.RTMP_STREAM_STATUS.value: RtmpStreamStatus,
    StreamType.MANAGED_STREAM_STATUS.value: ManagedStreamStatus,
    StreamType.RGB_LED_CONTROL_RESPONSE.value: RgbLedControlResponse,
}
"""The class of each stream's data, by the stream's base name; others are passed on untyped.

Audio chunks are not here: they come as binary frames, never as a ``data_stream``.
"""
