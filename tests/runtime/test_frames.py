"""Bytes to messages: websocket-client's encoder is the other side."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from fake_cloud import BINARY, CLOSE, PING, PONG, TEXT, server_frame
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync.runtime.frames import (
    FrameParser,
    Message,
    Opcode,
    Violation,
    close_payload,
    encode,
    read_close,
)

CONTINUATION = 0


def parse(data: bytes, limit: int = 1 << 20) -> tuple[list[Message], Violation | None]:
    parser = FrameParser(limit)
    return parser.feed(data), parser.violation


def parse_in_pieces(data: bytes, cuts: list[int], limit: int = 1 << 20) -> list[Message]:
    parser = FrameParser(limit)
    messages: list[Message] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        messages += parser.feed(data[start:end])
    assert parser.violation is None
    return messages


sizes = st.sampled_from([0, 1, 2, 5, 124, 125, 126, 127, 128, 1000, 65535, 65536, 70000])
payloads = st.builds(lambda size, byte: bytes([byte]) * size, sizes, st.integers(0, 255))
controls = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))
messages = st.tuples(st.sampled_from([TEXT, BINARY]), payloads)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Message], bytes]:
    """Messages in the order in which they become whole, and the bytes that carry them."""
    expected: list[Message] = []
    data = b""
    for opcode, payload in draw(st.lists(st.one_of(messages, controls), max_size=8)):
        if opcode in (PING, PONG):
            data += server_frame(opcode, payload)
            expected.append((opcode, payload))
            continue
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
        edges = [0, *cuts, len(payload)]
        for index, (start, end) in enumerate(itertools.pairwise(edges)):
            last = index == len(edges) - 2
            kind = CONTINUATION if index else opcode
            data += server_frame(kind, payload[start:end], fin=int(last))
            if not last and draw(st.booleans()):
                control = draw(controls)
                data += server_frame(*control)
                expected.append(control)
        expected.append((opcode, payload))
    return expected, data


@given(streams(), st.lists(st.integers(0, 1 << 20), max_size=20))
def test_any_stream_in_any_portions(stream: tuple[list[Message], bytes], cuts: list[int]) -> None:
    expected, data = stream
    assert parse_in_pieces(data, cuts) == expected


@given(streams())
def test_byte_by_byte(stream: tuple[list[Message], bytes]) -> None:
    expected, data = stream
    if len(data) < 3000:
        assert parse_in_pieces(data, list(range(len(data)))) == expected


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_garbage_is_read_the_same_in_any_portions(data: bytes, cuts: list[int]) -> None:
    whole = FrameParser(100)
    expected = whole.feed(data)
    pieces = FrameParser(100)
    found: list[Message] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        found += pieces.feed(data[start:end])
    assert (found, pieces.violation) == (expected, whole.violation)


GOOD = server_frame(TEXT, b"good")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (server_frame(TEXT, b"x", masked=True), 1002),
        (server_frame(TEXT, b"x" * 200, masked=True), 1002),
        (server_frame(TEXT, b"x", rsv=4), 1002),
        (server_frame(TEXT, b"x", rsv=2), 1002),
        (server_frame(TEXT, b"x", rsv=1), 1002),
        (b"\x83\x00", 1002),
        (b"\x8b\x00", 1002),
        (b"\x8f\x01x", 1002),
        (server_frame(PING, b"x" * 126), 1002),
        (server_frame(CLOSE, close_payload(1000, "") + b"x" * 124), 1002),
        (server_frame(PING, b"x", fin=0), 1002),
        (server_frame(CLOSE, b"\x03\xe8", fin=0), 1002),
        (server_frame(CONTINUATION, b"x"), 1002),
        (server_frame(CONTINUATION, b"x", fin=0), 1002),
        (server_frame(TEXT, b"x", fin=0) + server_frame(TEXT, b"y"), 1002),
        (server_frame(TEXT, b"x", fin=0) + server_frame(BINARY, b"y", fin=0), 1002),
        (server_frame(TEXT, b"x" * 1001), 1009),
        (b"\x81\x7f" + (1 << 62).to_bytes(8, "big"), 1009),
        (b"\x82\x7f" + (0xFFFFFFFFFFFFFFFF).to_bytes(8, "big"), 1009),
        (server_frame(TEXT, b"x" * 600, fin=0) + server_frame(0, b"x" * 401)[:4], 1009),
        (server_frame(CLOSE, b"x"), 1002),
        *((server_frame(CLOSE, c.to_bytes(2, "big")), 1002) for c in (0, 999, 1004, 1005, 1006)),
        *((server_frame(CLOSE, c.to_bytes(2, "big")), 1002) for c in (1015, 1016, 2999, 5000)),
    ],
)
def test_violations(data: bytes, code: int) -> None:
    """They are told after the messages before them, by the header alone, and end everything."""
    found, violation = parse(GOOD + data + GOOD, limit=1000)
    assert [m for m in found if m[0] == TEXT] == [(TEXT, b"good")]
    assert violation is not None
    assert violation.code == code
    parser = FrameParser(1000)
    for byte in GOOD + data:
        parser.feed(bytes([byte]))
    assert parser.violation == violation
    assert parser.feed(GOOD) == []


def test_a_too_large_frame_is_refused_before_its_body() -> None:
    assert parse(server_frame(TEXT, b"x" * 1001)[:4], limit=1000)[1] is not None
    assert parse(server_frame(TEXT, b"x" * 1000), limit=1000)[1] is None
    parts = [server_frame(TEXT, b"x" * 500, fin=0), server_frame(0, b"x" * 500)]
    assert parse(b"".join(parts), limit=1000) == ([(TEXT, b"x" * 1000)], None)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1012, 1014, 3000, 4999])
def test_close_frames(code: int) -> None:
    payload = close_payload(code, "Gl\u00fcck")
    found, violation = parse(server_frame(CLOSE, payload) + GOOD)
    assert (found, violation) == ([(CLOSE, payload)], None)
    assert read_close(payload) == (code, "Gl\u00fcck")


def test_a_close_frame_without_code_or_with_bad_text() -> None:
    assert parse(server_frame(CLOSE)) == ([(CLOSE, b"")], None)
    assert read_close(b"") == (None, "")
    assert read_close(b"\x03\xe8\xff") == (1000, "\ufffd")


def test_a_close_reason_is_cut_between_characters() -> None:
    payload = close_payload(1000, "\u00e9" * 100)
    assert len(payload) == 124
    assert read_close(payload) == (1000, "\u00e9" * 61)


@given(st.sampled_from(list(Opcode)), st.text(max_size=300))
def test_what_we_write_is_masked_and_whole(opcode: Opcode, text: str) -> None:
    data = encode(opcode, text)
    assert data[0] == 0x80 | opcode
    assert data[1] & 0x80
    payload = text.encode()
    assert data.endswith(_masked(data[-len(payload) - 4 :][:4], payload))


def _masked(mask: bytes, payload: bytes) -> bytes:
    return bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def test_a_dripped_large_frame_costs_no_more_memory_than_itself() -> None:
    size = 200_000
    data = server_frame(BINARY, b"x" * size)
    parser = FrameParser()
    tracemalloc.start()
    try:
        for start in range(0, len(data) - 10, 10):
            assert parser.feed(data[start : start + 10]) == []
        assert tracemalloc.get_traced_memory()[1] < 2 * size
    finally:
        tracemalloc.stop()
    assert parser.feed(data[start + 10 :]) == [(BINARY, b"x" * size)]
