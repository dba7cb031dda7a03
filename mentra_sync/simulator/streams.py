"""The cloud's part in streaming: who streams, what apps are told of it, and keeping it alive."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.app_session import AppSession, State
from mentra_sync.simulator.faces import CloudFace, WearerFace
from mentra_sync.simulator.schedule import Later

Frame = dict[str, Any]

_TOLD = {
    "initializing": "initializing",
    "connecting": "initializing",
    "reconnecting": "initializing",
    "streaming": "active",
    "active": "active",
    "reconnected": "active",
    "stopped": "stopped",
    "error": "stopped",
    "timeout": "timeout",
}
"""What the glasses report -> what the app is told, as recorded; anything else is passed on."""

_ENDS = ("stopped", "timeout")


@dataclass(eq=False)
class _Stream:
    """The stream of one wearer's glasses."""

    stream_id: str
    session: AppSession
    url: str
    request: Frame | None
    """The request of a managed stream; None for one to the app's own address."""
    status: str = "initializing"
    created_at: str = field(default_factory=iso_timestamp)
    ack_id: str | None = None
    """Of the keep-alive that is not acknowledged yet."""
    missed: int = 0
    timers: list[Later] = field(default_factory=list)


class Streams:
    """What the cloud knows of one wearer's streams; its lock guards all of it.

    With ``distributes`` False it has no video service behind it, as the recorded cloud had none.
    """

    def __init__(self, cloud: CloudFace, wearer: WearerFace) -> None:
        self.distributes = True
        self._cloud = cloud
        self._wearer = wearer
        self._stream: _Stream | None = None

    # --- From apps ---------------------------------------------------------------------------

    def start(self, session: AppSession, frame: Frame) -> None:
        """Stream to the app's own address, in the place of a stream that is running."""
        self._begin(_Stream(_made_up("s"), session, frame["rtmpUrl"], None), frame)

    def start_managed(self, session: AppSession, frame: Frame) -> None:
        """Stream to the cloud, which distributes it."""
        stream_id = _made_up("m")
        ingest = f"rtmp://ingest.example.com/live/{stream_id}"
        self._begin(_Stream(stream_id, session, ingest, frame), frame)

    def stop(self, session: AppSession, frame: Frame) -> None:
        """Stop the app's stream; without one the glasses are told all the same, as recorded."""
        stream = self._of(session, managed=False)
        named = frame.get("streamId")
        if stream is not None and named in (None, "", stream.stream_id):
            self._end("stopped")
        self._tell_stop(session, stream.stream_id if stream is not None else "")

    def stop_managed(self, session: AppSession, frame: Frame) -> None:
        """Stop the app's managed stream; without one nothing is said to anybody."""
        stream = self._of(session, managed=True)
        if stream is not None:
            self._say(stream, "stopping")
            self._end("stopped")
            self._tell_stop(session, stream.stream_id)

    def check(self, session: AppSession) -> None:
        """Tell an app whether the glasses are streaming."""
        answer: Frame = {"type": "stream_status_check_response", "hasActiveStream": False}
        stream = self._stream
        if stream is not None:
            managed = stream.request is not None
            answer["hasActiveStream"] = True
            answer["streamInfo"] = {
                "type": "managed" if managed else "unmanaged",
                "streamId": stream.stream_id,
                "status": stream.status,
                "createdAt": stream.created_at,
                **(_addresses(stream) if managed else {"rtmpUrl": stream.url}),
                "requestingAppId": stream.session.app.package_name,
            }
        session.send(answer)

    # --- From the glasses --------------------------------------------------------------------

    def reported(self, frame: Frame) -> int:
        """Take in what the glasses say of their stream; whatever they say after its end is lost."""
        stream = self._stream
        if stream is None or frame.get("streamId") != stream.stream_id:
            return 0
        reported = str(frame.get("status"))
        status = _TOLD.get(reported, reported)
        managed = stream.request is not None
        if managed and reported == "connecting":
            status = "preparing"
        if status in _ENDS:
            failed = managed and reported == "error"
            self._end("error" if failed else status, frame.get("errorDetails"))
            return 1
        if status == "active" and stream.status != "active" and not stream.timers:
            self._keep_alive(stream)
        stream.status = status
        self._say(stream, status)
        return 1

    def acknowledged(self, frame: Frame) -> int:
        """The glasses say that their stream is alive."""
        stream = self._stream
        if stream is not None and stream.ack_id is not None and stream.ack_id == frame.get("ackId"):
            stream.ack_id = None
            stream.missed = 0
        return 0

    # --- Inside ------------------------------------------------------------------------------

    def _begin(self, stream: _Stream, frame: Frame) -> None:
        if self._stream is not None:
            self._end("stopped")
        self._stream = stream
        self._say(stream, "initializing")
        options = {name: frame.get(name) or {} for name in ("video", "audio", "stream")}
        self._wearer.tell_glasses(
            "start_rtmp_stream",
            sessionId=self._wearer.user_id,
            rtmpUrl=stream.url,
            appId=stream.session.app.package_name,
            streamId=stream.stream_id,
            **options,
        )

    def _end(self, status: str, details: Any = None) -> None:
        stream, self._stream = self._stream, None
        assert stream is not None
        for timer in stream.timers:
            timer.cancel()
        self._say(stream, status, details)

    def _of(self, session: AppSession, *, managed: bool) -> _Stream | None:
        stream = self._stream
        mine = stream is not None and stream.session is session
        return stream if mine and stream and (stream.request is not None) is managed else None

    def _tell_stop(self, session: AppSession, stream_id: str) -> None:
        self._wearer.tell_glasses(
            "stop_rtmp_stream",
            sessionId=self._wearer.user_id,
            appId=session.app.package_name,
            streamId=stream_id,
        )

    def _say(self, stream: _Stream, status: str, details: Any = None) -> None:
        """Tell the app; reasons and figures get lost on the way, as recorded."""
        kind, fields = "rtmp_stream_status", {"appId": stream.session.app.package_name}
        if stream.request is not None:
            kind, fields = "managed_stream_status", {}
            if status == "active":
                fields = _addresses(stream)
            if details is not None:
                fields = {"message": str(details)}
        stream.session.send(
            {
                "type": kind,
                "sessionId": stream.session.session_id,
                "streamId": stream.stream_id,
                "status": status,
                **fields,
                "timestamp": iso_timestamp(),
            }
        )

    # --- Keeping it alive --------------------------------------------------------------------

    def _keep_alive(self, stream: _Stream) -> None:
        self._after(stream, limits.KEEP_ALIVE_INTERVAL, self._ask_whether_alive)

    def _ask_whether_alive(self, stream: _Stream) -> None:
        if stream.session.state in (State.STOPPED, State.FAILED):
            self._end("stopped")
            self._tell_stop(stream.session, stream.stream_id)
            return
        stream.timers.clear()
        stream.ack_id = ack_id = _made_up("a")
        self._keep_alive(stream)
        self._after(stream, limits.KEEP_ALIVE_TIMEOUT, lambda one: self._missed(one, ack_id))
        ids = {"streamId": stream.stream_id, "ackId": ack_id}
        self._wearer.send_to_glasses({"type": "keep_rtmp_stream_alive", **ids})

    def _missed(self, stream: _Stream, ack_id: str) -> None:
        if stream.ack_id != ack_id:
            return
        stream.missed += 1
        if stream.missed >= limits.KEEP_ALIVES_MISSED:
            self._end("stopped" if stream.request is not None else "timeout")

    def _after(self, stream: _Stream, seconds: float, function: Any) -> None:
        def due() -> None:
            with self._cloud.lock:
                if self._stream is stream:
                    function(stream)

        stream.timers.append(self._cloud.session_time.after(seconds, due))


def _addresses(stream: _Stream) -> Frame:
    """Where a managed stream could be watched, if it were one."""
    base = f"https://streams.example.com/{stream.stream_id}"
    addresses = {
        "hlsUrl": f"{base}/manifest/video.m3u8",
        "dashUrl": f"{base}/manifest/video.mpd",
        "previewUrl": f"{base}/iframe",
        "thumbnailUrl": f"{base}/thumbnails/thumbnail.jpg",
    }
    if (stream.request or {}).get("enableWebRTC") is True:
        addresses["webrtcUrl"] = f"{base}/webRTC/play"
    return addresses


def _made_up(letter: str) -> str:
    return letter + secrets.token_hex(5)
