"""The video streams of ``session.camera``: to an RTMP address, or distributed by the cloud."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mentra_sync import config, hints
from mentra_sync.errors import RequestFailed, StreamError
from mentra_sync.features.stream_course import Course
from mentra_sync.features.stream_options import Options, options, options_list
from mentra_sync.protocol.codec import clean_text, decode
from mentra_sync.protocol.commands import (
    AudioOptions,
    ManagedStreamRequest,
    ManagedStreamStop,
    RestreamDestination,
    RtmpStreamRequest,
    RtmpStreamStop,
    StreamOptions,
    StreamStatusCheck,
    VideoOptions,
)
from mentra_sync.protocol.names import ManagedQuality, ManagedStatus, NoticeType, StreamType
from mentra_sync.protocol.notices import (
    ManagedStreamStatus,
    RtmpStreamStatus,
    StreamInfo,
    StreamStatusCheckResponse,
)
from mentra_sync.protocol.streams import StreamName
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import Reply, check_timeout
from mentra_sync.runtime.subscription import Subscription

_RTMP = "rtmp_stream"
_MANAGED = "managed_stream"
_CHECK = "stream_check"

_RTMP_STATUS = StreamName(StreamType.RTMP_STREAM_STATUS.value)
_MANAGED_STATUS = StreamName(StreamType.MANAGED_STREAM_STATUS.value)


@dataclass(frozen=True)
class ManagedStream:
    """Where a stream that the cloud distributes can be watched."""

    hls_url: str
    dash_url: str
    webrtc_url: str | None = None
    """Only when it was asked for."""
    preview_url: str | None = None
    """A page with a player."""
    thumbnail_url: str | None = None
    stream_id: str | None = None


@dataclass(frozen=True)
class StreamCheck:
    """Whether these glasses are streaming, for whatever app; true when they are."""

    has_active_stream: bool
    stream_info: StreamInfo | None = None
    """Which one: ``type`` (``"managed"`` or ``"unmanaged"``), ``stream_id``, ``status``, URLs."""

    def __bool__(self) -> bool:
        return self.has_active_stream


class Streams(Feature):
    """Streams video from the glasses; one stream at a time."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._rtmp = Course(ends=("stopped", "error", "timeout"))
        self._status: RtmpStreamStatus | None = None
        self._cloud = Course(ends=("stopped", "error"))
        self._managed: ManagedStream | None = None
        self._requested: Reply | None = None  # what asked for the managed stream last
        self._followed: dict[StreamName, Callable[[], None]] = {}
        router, refusals = link.router, link.refusals
        for frame_type in (NoticeType.RTMP_STREAM_STATUS, NoticeType.STREAM_STATUS):
            router.read(frame_type.value, lambda frame: router.deliver(_RTMP_STATUS.name, frame))
        router.read(
            NoticeType.MANAGED_STREAM_STATUS.value,
            lambda frame: router.deliver(_MANAGED_STATUS.name, frame),
        )
        router.read_events(_RTMP_STATUS, self._take_status)
        router.read_events(_MANAGED_STATUS, self._take_managed_status)
        router.read("stream_status_check_response", self._read_check)
        refusals.add(
            _RTMP, StreamError, "stream", "rtmp", "camera", "wifi", told=self._rtmp_refused
        )
        refusals.add(
            _MANAGED, StreamError, "stream", "managed", "camera", "wifi", told=self._managed_refused
        )
        refusals.add(_CHECK, StreamError, "stream", "camera")

    # --- To an RTMP address -------------------------------------------------------------------

    def start_stream(
        self,
        rtmp_url: str,
        *,
        video: Options[VideoOptions] = None,
        audio: Options[AudioOptions] = None,
        stream: Options[StreamOptions] = None,
    ) -> None:
        """Stream to an RTMP server; returns at once, and :meth:`on_stream_status` tells the rest.

        ``video`` takes ``width`` and ``height`` (px), ``bitrate`` (bit/s), ``frame_rate``;
        ``audio`` ``bitrate``, ``sample_rate`` (Hz), ``echo_cancellation``,
        ``noise_suppression``; ``stream`` ``duration_limit`` (s)::

            session.camera.start_stream("rtmp://example.com/live/key", video={"bitrate": 2_000_000})

        Raises ``StreamError`` while a stream of this session is in progress, ``ValueError`` for
        an address or an option that makes no sense, ``SessionEnded`` after the end.  A stream
        that the cloud refuses gets the status ``error``, with the reason in ``error_details``.
        """
        request = RtmpStreamRequest(
            rtmp_url=_rtmp_url(rtmp_url),
            video=options(VideoOptions, "video", video),
            audio=options(AudioOptions, "audio", audio),
            stream=options(StreamOptions, "stream", stream),
        )
        with self._lock:
            self._refuse_second()
            self._rtmp.begin(request.rtmp_url)
            self._follow()
        self._send_or_forget(self._rtmp, request)

    def stop_stream(self) -> None:
        """Stop the stream; without one this does nothing. Returns at once.

        It is over with its status ``stopped``; a new one may be started before that.
        """
        with self._lock:
            if self._rtmp.target is None:
                return
            self._rtmp.stopping = True
            stream_id = self._rtmp.stream_id
        self._link.send(RtmpStreamStop(stream_id=stream_id))

    def on_stream_status(self, handler: Callable[..., Any]) -> Subscription:
        """The stream's state changed: ``status``, ``stream_id``, ``error_details``, ``stats``.

        ``initializing``, ``active`` and so on; ``stopped``, ``error`` and ``timeout`` end it.
        Works as a decorator; returns a ``Subscription``.
        """
        return self._link.listen(_RTMP_STATUS, handler)

    @property
    def is_streaming(self) -> bool:
        """Whether a stream to an RTMP address is in progress, from its request to its end."""
        return self._rtmp.target is not None

    @property
    def stream_url(self) -> str | None:
        """Where the stream in progress goes, or None."""
        return self._rtmp.target

    @property
    def stream_status(self) -> RtmpStreamStatus | None:
        """What was last told of a stream, its end included; None before the first."""
        return self._status

    # --- Distributed by the cloud -------------------------------------------------------------

    def start_managed_stream(
        self,
        *,
        quality: str | None = None,
        enable_webrtc: bool | None = None,
        video: Options[VideoOptions] = None,
        audio: Options[AudioOptions] = None,
        stream: Options[StreamOptions] = None,
        restream_destinations: Iterable[Options[RestreamDestination]] | None = None,
        timeout: float | None = config.MANAGED_STREAM_TIMEOUT,
    ) -> ManagedStream:
        """Have the cloud distribute the stream; blocks until it can be watched.

        That is ``timeout`` seconds at most (None: no limit).  ``quality`` is ``"720p"`` or
        ``"1080p"``; ``video``, ``audio`` and ``stream`` are as in :meth:`start_stream`;
        ``restream_destinations`` are RTMP addresses that it also goes to:
        ``[{"url": "rtmp://...", "name": "my channel"}]``.

        Raises ``StreamError`` when the stream fails, or while another one is in progress;
        ``PermissionDenied`` when the app may not use the camera; ``RequestTimeout``, after which
        the stream may still become active; ``ValueError`` for options that make no sense; and
        ``SessionEnded``.
        """
        check_timeout(timeout)
        request = ManagedStreamRequest(
            quality=_quality(quality),
            enable_webrtc=_flag("enable_webrtc", enable_webrtc),
            video=options(VideoOptions, "video", video),
            audio=options(AudioOptions, "audio", audio),
            stream=options(StreamOptions, "stream", stream),
            restream_destinations=options_list(
                RestreamDestination, "restream_destinations", restream_destinations
            ),
        )
        text = "" if timeout is None else hints.MANAGED_STREAM_TIMEOUT.format(timeout)
        reply = self._link.expect(_MANAGED, str(uuid.uuid4()))
        try:
            with reply:
                with self._lock:
                    self._refuse_second()
                    self._cloud.begin("the cloud")
                    self._managed, self._requested = None, reply
                    self._follow()
                self._send_or_forget(self._cloud, request, reply)
                managed: ManagedStream = reply.result(timeout, text)
                return managed
        finally:
            if reply.withdrawn:
                self._never_asked(reply)

    def stop_managed_stream(self) -> None:
        """Stop the managed stream; returns at once.

        It is always sent: a stream may have outlived a restart of the app.  A call that waits
        for the stream to start fails with ``StreamError``.
        """
        with self._lock:
            self._cloud.stopping = self._cloud.target is not None
        self._link.replies.refuse([_MANAGED], StreamError("STOPPED", hints.STREAM_GIVEN_UP))
        self._link.send(ManagedStreamStop())

    def on_managed_stream_status(self, handler: Callable[..., Any]) -> Subscription:
        """The managed stream's state changed: ``status``, ``message``, ``hls_url``, ...

        ``initializing``, ``preparing``, ``active``, ``stopping``; ``stopped`` and ``error`` end
        it.  Works as a decorator; returns a ``Subscription``.
        """
        return self._link.listen(_MANAGED_STATUS, handler)

    @property
    def managed_stream(self) -> ManagedStream | None:
        """Where the managed stream can be watched; None before it is active, and after its end."""
        return self._managed

    @property
    def is_managed_stream_active(self) -> bool:
        """Whether a managed stream is in progress, from its request to its end."""
        return self._cloud.target is not None

    # --- Either -------------------------------------------------------------------------------

    def check_existing_stream(
        self, timeout: float | None = config.STREAM_CHECK_TIMEOUT
    ) -> StreamCheck:
        """Ask whether these glasses are streaming, for instance since before a restart.

        Blocks for the cloud's answer, ``timeout`` seconds at most; raises ``RequestTimeout`` when
        there is none, and ``SessionEnded``.
        """
        check_timeout(timeout)
        text = "" if timeout is None else hints.STREAM_CHECK_TIMEOUT.format(timeout)
        with self._link.expect(_CHECK, str(uuid.uuid4())) as reply:
            self._link.send(StreamStatusCheck(), reply)
            check: StreamCheck = reply.result(timeout, text)
            return check

    # --- What is in progress ------------------------------------------------------------------

    def _refuse_second(self) -> None:
        """With the lock held: raise if a stream is in progress that is not being stopped."""
        for course, stop in ((self._rtmp, "stop_stream"), (self._cloud, "stop_managed_stream")):
            if course.target is not None and not course.stopping:
                # An RTMP address mostly holds a secret key, so its path is not shown.
                where = course.target.partition("://")[2].partition("/")[0] or course.target
                text = hints.STREAM_RUNS.format(where, stop)
                raise StreamError("ALREADY_STREAMING", text)

    def _never_asked(self, reply: Reply) -> None:
        """A managed stream whose request did not get through, and never will, is none."""
        with self._lock:
            if self._requested is reply:
                self._cloud.over()
                self._follow()
            else:
                self._cloud.one_less_before()

    def _send_or_forget(self, course: Course, request: Any, reply: Reply | None = None) -> None:
        try:
            self._link.send(request, reply)
        except BaseException:
            with self._lock:
                course.over()
                self._follow()
            raise

    def _follow(self) -> None:
        """With the lock held: subscribe to the statuses of what is in progress, and no others."""
        for stream, course in ((_RTMP_STATUS, self._rtmp), (_MANAGED_STATUS, self._cloud)):
            if course.target is not None and stream not in self._followed:
                self._followed[stream] = self._link.subscribe(stream)
            elif course.target is None and stream in self._followed:
                self._followed.pop(stream)()

    # --- What the cloud tells, on the connection thread ---------------------------------------

    def _take_status(self, event: RtmpStreamStatus) -> None:
        with self._lock:
            self._status = event
            self._rtmp.take(event.status, event.stream_id)
            self._follow()

    def _take_managed_status(self, event: ManagedStreamStatus) -> None:
        ready: ManagedStream | None = None
        with self._lock:
            ours = self._cloud.take(event.status, event.stream_id)
            over = self._cloud.target is None
            if over:
                self._managed = None
            elif ours and event.status == ManagedStatus.ACTIVE:
                ready = self._managed = _watchable(event) or self._managed
            self._follow()
        if ready is not None:
            self._link.replies.answer_all(_MANAGED, ready)
        elif ours and over:
            code, message = f"STREAM_{event.status.upper()}", event.message or hints.STREAM_OVER
            self._link.replies.refuse([_MANAGED], StreamError(code, message))

    def _rtmp_refused(self, error: RequestFailed) -> None:
        """The cloud does not start the stream: to the app it ends as any that fails."""
        with self._lock:
            starting = self._rtmp.starting
        if starting:
            status = {"type": "rtmp_stream_status", "status": "error"}
            details = {"errorDetails": f"{error.message} ({error.code})"}
            self._link.router.deliver(_RTMP_STATUS.name, {**status, **details})

    def _managed_refused(self, error: RequestFailed) -> None:
        with self._lock:
            if self._cloud.starting:
                self._cloud.over()
                self._follow()

    def _read_check(self, frame: dict[str, Any]) -> None:
        answer = decode(StreamStatusCheckResponse, frame)
        check = StreamCheck(bool(answer.has_active_stream), answer.stream_info)
        self._link.replies.answer_oldest(_CHECK, check)


def _watchable(event: ManagedStreamStatus) -> ManagedStream | None:
    if not event.hls_url or not event.dash_url:
        return None
    return ManagedStream(
        hls_url=event.hls_url,
        dash_url=event.dash_url,
        webrtc_url=event.webrtc_url,
        preview_url=event.preview_url,
        thumbnail_url=event.thumbnail_url,
        stream_id=event.stream_id,
    )


def _rtmp_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("rtmp", "rtmps") and bool(parts.hostname)
    except (ValueError, TypeError, AttributeError):
        usable = False
    if not usable:
        raise ValueError(f'rtmp_url must look like "rtmp://example.com/live/key", got {url!r}')
    return clean_text(url)


def _quality(quality: str | None) -> str | None:
    if quality is None:
        return None
    if quality not in ManagedQuality.values():
        known = ", ".join(f'"{value}"' for value in ManagedQuality.values())
        raise ValueError(f"quality must be one of {known}, or None; got {quality!r}")
    return clean_text(quality)


def _flag(name: str, value: bool | None) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{name} must be True, False or None, got {value!r}")
    return value
