"""Sound from the microphone."""

import array
import math
import sys

import pytest

from mentra_sync.protocol.events import AudioChunk


def chunk(samples):
    data = array.array("h", samples)
    if sys.byteorder == "big":
        data.byteswap()
    return AudioChunk(data.tobytes())


def test_duration_is_in_seconds():
    assert AudioChunk(bytes(32000)).duration == 1.0
    assert AudioChunk(bytes(32000), sample_rate=8000).duration == 2.0
    assert AudioChunk(b"").duration == 0.0


def test_loudness():
    assert chunk([0] * 100).rms() == 0.0
    assert chunk([-32768] * 10).rms() == 1.0
    assert chunk([16384, -16384]).rms() == 0.5
    sine = [int(32767 * math.sin(i / 10)) for i in range(6283)]
    assert chunk(sine).rms() == pytest.approx(math.sqrt(0.5), abs=0.001)
    assert AudioChunk(b"").rms() == 0.0


def test_half_a_sample_at_the_end_is_left_out():
    whole = chunk([1000, 2000])
    assert AudioChunk(whole.data + b"\x7f").rms() == whole.rms()
    assert AudioChunk(whole.data + b"\x7f").duration == whole.duration
