"""The times and sizes that one connection keeps, in one object that a test can replace."""

from __future__ import annotations

from dataclasses import dataclass

from mentra_sync import config


@dataclass(frozen=True)
class Limits:
    """What ``config`` says, unless told otherwise. Seconds of real time, and bytes."""

    start: float = config.START_TIMEOUT
    attempt: float = config.ATTEMPT_TIMEOUT
    silence: float = config.SILENCE_TIMEOUT
    write: float = config.WRITE_TIMEOUT
    close: float = config.CLOSE_TIMEOUT
    reconnect_delays: tuple[float, ...] = config.RECONNECT_DELAYS
    reconnect_jitter: float = config.RECONNECT_JITTER
    reconnect_window: float = config.RECONNECT_WINDOW
    max_frame: int = config.MAX_FRAME_BYTES
    read_ahead: int = config.READ_AHEAD_BYTES
    max_outbox: int = config.MAX_OUTBOX
