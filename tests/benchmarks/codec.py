"""How fast messages are read and written: ``python tests/benchmarks/codec.py``.

Over the ten messages that a session sees most, with texts of real length: text to dataclass
against ``json.loads`` alone, dataclass to text against ``json.dumps`` alone (target: at most
twice the time, as a geometric mean), and both against dataclasses-json. Rounds of all contenders
alternate, and the best round of each counts, so that a busy machine disturbs all of them alike.
``--json`` measures what a system without orjson gets.
"""

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

from dataclasses_json.core import _asdict, _decode_dataclass, _ExtendedEncoder

from mentra_sync.protocol import commands, events, jsontext, notices
from mentra_sync.protocol.codec import from_json, to_json

SESSION = "wearer@example.com-com.example.hello"
FRAME = {"packageName": "com.example.hello", "sessionId": SESSION}
NOW = "2026-11-22T08:42:25.917Z"
MS = 1795336946655

MESSAGES: list[tuple[type[Any], dict[str, Any]]] = [
    (
        events.TranscriptionData,
        {
            "type": "transcription",
            "text": "so what I wanted to say is that the train",
            "isFinal": False,
            "utteranceId": "utt-7f3a9c",
            "confidence": 0.93,
            "startTime": MS,
            "endTime": MS + 1840,
            "transcribeLanguage": "en-US",
            "provider": "soniox",
            "metadata": {"provider": "soniox", "soniox": {"tokens": []}},
        },
    ),
    (
        events.TranscriptionData,
        {
            "type": "transcription",
            "text": "so what I wanted to say is that the train leaves at nine from platform two",
            "isFinal": True,
            "startTime": MS,
            "endTime": MS + 3920,
            "speakerId": "1",
            "duration": 3920,
            "transcribeLanguage": "en-US",
            "detectedLanguage": "en-US",
            "provider": "soniox",
            "metadata": {"provider": "soniox"},
        },
    ),
    (
        events.TranslationData,
        {
            "type": "translation",
            "text": "the train leaves at nine from platform two",
            "originalText": "el tren sale a las nueve del andén dos",
            "isFinal": True,
            "startTime": 0,
            "endTime": 0,
            "duration": 0,
            "transcribeLanguage": "es-ES",
            "translateLanguage": "en-US",
            "didTranslate": True,
            "provider": "soniox",
        },
    ),
    (
        notices.DataStream,
        {
            "type": "data_stream",
            "sessionId": SESSION,
            "streamType": "button_press",
            "data": {
                "type": "button_press",
                "buttonId": "main",
                "pressType": "short",
                "timestamp": MS,
            },
            "timestamp": NOW,
        },
    ),
    (
        events.LocationUpdate,
        {
            "type": "location_update",
            "lat": 48.858370123,
            "lng": 2.294481456,
            "accuracy": 4.2,
            "altitude": 35.25,
            "correlationId": "poll-0b6d4b6e-5a43-4f55-9a0c-7d4f3c2f8f11",
            "timestamp": NOW,
            "provider": "fused",
            "bearing": 181.5,
        },
    ),
    (
        events.PhoneNotification,
        {
            "type": "phone_notification",
            "notificationId": "0|com.whatsapp|1|null|10234",
            "app": "WhatsApp",
            "title": "Ann",
            "content": "Are you coming to lunch? We meet at the fountain at noon.",
            "priority": "normal",
            "packageName": "com.whatsapp",
            "timestamp": MS,
        },
    ),
    (
        commands.DisplayEvent,
        {
            "type": "display_event",
            **FRAME,
            "view": "main",
            "layout": {
                "layoutType": "text_wall",
                "text": "so what I wanted to say is\nthat the train leaves at nine",
            },
            "durationMs": 5000,
            "timestamp": NOW,
        },
    ),
    (
        commands.AudioPlayRequest,
        {
            "type": "audio_play_request",
            **FRAME,
            "requestId": "audio-0b6d4b6e-5a43-4f55-9a0c-7d4f3c2f8f11",
            "audioUrl": "https://api.mentra.glass/api/tts?text=Hello%20from%20your%20app",
            "volume": 1.0,
            "stopOtherAudio": True,
            "trackId": 2,
            "timestamp": NOW,
        },
    ),
    (
        commands.SubscriptionUpdate,
        {
            "type": "subscription_update",
            **FRAME,
            "subscriptions": ["button_press", "head_position", "transcription:en-US"],
            "timestamp": NOW,
        },
    ),
    (
        notices.RtmpStreamStatus,
        {
            "type": "rtmp_stream_status",
            "sessionId": SESSION,
            "streamId": "srl68qmtzin",
            "status": "active",
            "appId": "com.example.hello",
            "stats": {"bitrate": 2000000, "fps": 30, "droppedFrames": 0, "duration": 61},
            "timestamp": NOW,
        },
    ),
]

CALLS = 2000
ROUNDS = 15


def seconds_per_call(contenders: list[Callable[[], object]], calls: int) -> list[float]:
    """The best of several rounds of each contender, the rounds of all of them alternating."""
    best = [math.inf] * len(contenders)
    for _ in range(ROUNDS):
        for number, contender in enumerate(contenders):
            begin = time.perf_counter()
            for _ in range(calls):
                contender()
            best[number] = min(best[number], (time.perf_counter() - begin) / calls)
    return best


def mean(ratios: list[float]) -> float:
    """The geometric mean."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main() -> None:
    if "--json" in sys.argv:
        jsontext._fast_loads = jsontext._fast_dumps = None
    print(f"with {'the standard library' if jsontext._fast_loads is None else 'orjson'}")
    print(f"{'us per message':<22}{'loads':>8}{'read':>8}{'dumps':>8}{'write':>8}   ratios")
    reading, writing, faster_reading, faster_writing = [], [], [], []
    for cls, data in MESSAGES:
        text = json.dumps(data)
        message = from_json(cls, text)
        assert message.to_dict() == data, f"{cls.__name__} loses something"
        assert 180 <= len(text) <= 450, f"{cls.__name__} has {len(text)} bytes"
        loads, read, dumps, write = seconds_per_call(
            [
                lambda text=text: json.loads(text),
                lambda cls=cls, text=text: from_json(cls, text),
                lambda data=data: json.dumps(data),
                lambda message=message: to_json(message),
            ],
            CALLS,
        )
        slow_read, slow_write = seconds_per_call(
            [
                lambda cls=cls, text=text: _decode_dataclass(cls, json.loads(text), False),
                lambda message=message: json.dumps(_asdict(message), cls=_ExtendedEncoder),
            ],
            CALLS // 100,
        )
        reading.append(read / loads)
        writing.append(write / dumps)
        faster_reading.append(slow_read / read)
        faster_writing.append(slow_write / write)
        times = "".join(f"{1e6 * t:8.2f}" for t in (loads, read, dumps, write))
        print(f"{cls.__name__:<22}{times}   {read / loads:.2f} {write / dumps:.2f}")
    print(f"text -> dataclass: {mean(reading):.2f} x json.loads (at most 2.0)")
    print(f"dataclass -> text: {mean(writing):.2f} x json.dumps (at most 2.0)")
    print(f"dataclasses-json takes {mean(faster_reading):.0f} and {mean(faster_writing):.0f} times")


if __name__ == "__main__":
    main()
