"""Reading ahead and writing whole frames, over TCP and TLS."""

from __future__ import annotations

import contextlib
import json
import resource
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fake_cloud import (  # noqa: F401
    CLOSE,
    FOR_EVER,
    IN_TIME,
    PATIENCE,
    PING,
    PONG,
    QUICK,
    TEXT,
    FakeCloud,
    Peer,
    any_cloud_fixture,
    client_tls,
    cloud_fixture,
    no_leaks_fixture,
    open_sockets,
    server_frame,
    wait_until,
)

from mentra_sync.clock import Deadline
from mentra_sync.runtime import transport as transport_module
from mentra_sync.runtime.dial import dial
from mentra_sync.runtime.frames import Message, Opcode, encode
from mentra_sync.runtime.limits import Limits
from mentra_sync.runtime.transport import Disconnected, Outgoing, Transport
from mentra_sync.runtime.wakeup import Wakeup

pytestmark = pytest.mark.usefixtures("no_leaks")

LIMITS = replace(QUICK, max_frame=1 << 20, write=PATIENCE)


class Pair:
    """A transport, which this thread reads, and the cloud's end of it."""

    def __init__(self, cloud: FakeCloud, limits: Limits = LIMITS) -> None:
        self.wakeup = Wakeup()
        # Buffers of a fixed size: else the kernel makes them grow behind the tests' backs.
        cloud.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50_000)
        with ThreadPoolExecutor(1) as pool:
            dialled = pool.submit(
                dial, cloud.target, Deadline(PATIENCE), self.wakeup, bool, client_tls()
            )
            self.peer = cloud.accept_websocket()
            sock = dialled.result()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 50_000)
        self.transport = Transport(sock, self.wakeup, limits)

    def read(self, count: int = 1, seconds: float = PATIENCE) -> list[Message]:
        until = time.monotonic() + seconds
        found: list[Message] = []
        while len(found) < count and time.monotonic() < until:
            found += self.transport.read(until)
        return found

    def send(self, text: str) -> Outgoing:
        outgoing = self.transport.queue(encode(Opcode.TEXT, text), text)
        self.transport.flush()
        return outgoing

    def fill(self) -> list[str]:
        """Send more than all buffers hold; returns the texts that were not wholly written."""
        self.send("x" * 8_000_000)
        self.send("last but one")
        self.send("last")
        with self.transport._lock:
            return [outgoing.text or "" for outgoing in self.transport._queue]

    def close(self) -> None:
        self.transport.close()
        self.wakeup.close()


@pytest.fixture
def pair(any_cloud: FakeCloud) -> Iterator[Pair]:
    pair = Pair(any_cloud)
    yield pair
    pair.close()


@pytest.fixture
def threads() -> Iterator[Callable[..., Any]]:
    """Runs functions on threads of their own, and wants their results at the end."""
    with ThreadPoolExecutor(8) as pool:
        futures: list[Any] = []

        def run(function: Callable[..., Any], *arguments: Any) -> Any:
            futures.append(pool.submit(function, *arguments))
            return futures[-1]

        yield run
        for future in futures:
            future.result(PATIENCE)


# --- Reading -------------------------------------------------------------------------------------


def test_messages_are_read(pair: Pair) -> None:
    pair.peer.send(TEXT, b"one")
    assert pair.read() == [(TEXT, b"one")]
    pair.peer.sock.sendall(server_frame(TEXT, b"two") + server_frame(PING, b"p"))
    assert pair.read(2) == [(TEXT, b"two"), (PING, b"p")]


def test_many_messages_come_with_few_calls(pair: Pair, threads: Callable[..., Any]) -> None:
    threads(pair.peer.sock.sendall, b"".join(server_frame(TEXT, b"x" * 400) for _ in range(2000)))
    assert len(pair.read(2000)) == 2000


def test_a_large_message_is_put_together(pair: Pair, threads: Callable[..., Any]) -> None:
    payload = bytes(range(256)) * 4096
    threads(pair.peer.send, TEXT, payload)
    assert pair.read() == [(TEXT, payload)]


def test_what_tls_has_read_already_is_not_waited_for(pair: Pair) -> None:
    # One TLS record with many messages: after the first read the socket shows nothing more.
    pair.peer.sock.sendall(b"".join(server_frame(TEXT, b"x" * 100) for _ in range(100)))
    assert len(pair.read(100)) == 100


def test_any_byte_counts_as_life(pair: Pair) -> None:
    before = pair.transport.heard_at
    pair.peer.sock.sendall(server_frame(TEXT, b"x" * 100)[:10])
    while pair.transport.heard_at == before:
        assert pair.transport.read(time.monotonic() + PATIENCE) == []


def test_a_wake_up_ends_the_wait(pair: Pair, threads: Callable[..., Any]) -> None:
    began = time.monotonic()
    threads(pair.wakeup.wake)
    assert pair.transport.read(began + FOR_EVER) == []
    # One that came before the wait counts too, and several count once.
    pair.wakeup.wake()
    pair.wakeup.wake()
    assert pair.transport.read(began + FOR_EVER) == []
    assert time.monotonic() - began < IN_TIME
    assert pair.transport.read(time.monotonic() + 0.05) == []
    assert time.monotonic() - began > 0.05


def test_the_end_of_the_socket(pair: Pair) -> None:
    pair.peer.send(TEXT, b"last")
    pair.peer.close()
    assert pair.read() == [(TEXT, b"last")]
    with pytest.raises(Disconnected, match="without a close frame"):
        pair.read()


def test_a_reset(pair: Pair) -> None:
    pair.peer.reset()
    with pytest.raises(Disconnected):
        pair.read()


def test_nothing_is_read_after_a_violation(pair: Pair) -> None:
    pair.peer.sock.sendall(server_frame(TEXT, b"good") + b"\x83\x00" + server_frame(TEXT, b"bad"))
    assert pair.read() == [(TEXT, b"good")]
    assert pair.transport.violation is not None
    pair.peer.send(TEXT, b"more")
    assert pair.read(1, 0.05) == []


def test_more_than_a_thousand_files_may_be_open(cloud: FakeCloud) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip("the hard limit of open files is too low")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2000), hard))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(1100):
                stack.enter_context(contextlib.closing(socket.socket()))
            pair = Pair(cloud)
            assert pair.transport._sock.fileno() > 1024
            stack.callback(pair.close)
            pair.peer.send(TEXT, b"hello")
            assert pair.read() == [(TEXT, b"hello")]
            pair.fill()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# --- Writing -------------------------------------------------------------------------------------


def test_frames_are_written_whole_and_in_order(pair: Pair) -> None:
    sent = [str(number) * number for number in range(50)]
    for text in sent:
        assert pair.send(text).written
    assert [pair.peer.read_text() for _ in sent] == sent


def test_a_reader_writes_what_the_socket_did_not_take(
    pair: Pair, threads: Callable[..., Any]
) -> None:
    assert len(pair.fill()) == 3
    rest = threads(_read_texts, pair.peer, "last")
    while pair.transport.backlog:
        pair.transport.read(time.monotonic() + PATIENCE)
    assert rest.result(PATIENCE)[-2:] == ["last but one", "last"]


def _read_texts(peer: Peer, last: str) -> list[str]:
    texts: list[str] = []
    while not texts or texts[-1] != last:
        texts.append(peer.read_text())
    return texts


def test_writers_need_no_reader(pair: Pair, threads: Callable[..., Any]) -> None:
    """Nobody reads the transport here, and the writers get through all the same."""
    pair.fill()

    def write(name: str) -> None:
        for number in range(5):
            outgoing = pair.send(f"{name}{number}" + "." * 100_000)
            pair.transport.wait_written(outgoing)
            assert outgoing.written

    writers = [threads(write, name) for name in "abcd"]
    texts: list[str] = []
    while len(texts) < 20:
        text = pair.peer.read_text()
        if text[0] in "abcd":
            texts.append(text[:2])
    for name in "abcd":
        assert [text for text in texts if text[0] == name] == [f"{name}{n}" for n in range(5)]
    for writer in writers:
        writer.result(PATIENCE)


def test_a_writer_waits_without_burning_the_processor(
    pair: Pair, threads: Callable[..., Any]
) -> None:
    pair.fill()
    writer = threads(pair.transport.wait_written, pair.send("waiting"))
    before = time.process_time()
    assert pair.read(1, 0.3) == []
    assert time.process_time() - before < 0.15
    assert not writer.done()
    pair.transport.close()
    writer.result(PATIENCE)


def test_both_directions_may_be_full(pair: Pair, threads: Callable[..., Any]) -> None:
    """The other side reads only after it has written everything."""
    pair.fill()
    writer = threads(pair.transport.wait_written, pair.send("end"))
    payload = b"y" * 60_000

    def talk() -> list[str]:
        for _ in range(200):
            pair.peer.send(TEXT, payload)
        return _read_texts(pair.peer, "end")

    talking = threads(talk)
    assert len(pair.read(200)) == 200
    while pair.transport.backlog:
        pair.transport.read(time.monotonic() + 0.05)
    assert talking.result(PATIENCE)[-1] == "end"
    writer.result(PATIENCE)


def test_a_frame_that_takes_too_long_breaks_the_connection(any_cloud: FakeCloud) -> None:
    pair = Pair(any_cloud, replace(LIMITS, write=0.2))
    try:
        left = pair.fill()
        began = time.monotonic()
        with pytest.raises(Disconnected, match=r"not wholly written after 0\.2 s"):
            pair.read()
        assert time.monotonic() - began < IN_TIME
        pair.transport.close()
        assert pair.transport.take_unwritten() == left
        assert not pair.send("more").written
    finally:
        pair.close()


def test_it_does_so_for_a_writer_when_nobody_reads(
    any_cloud: FakeCloud, threads: Callable[..., Any]
) -> None:
    pair = Pair(any_cloud, replace(LIMITS, write=0.2))
    try:
        pair.fill()
        outgoing = [pair.send("x" * 1_000_000) for _ in range(3)]
        waiting = [threads(pair.transport.wait_written, one) for one in outgoing]
        for one in waiting:
            one.result(PATIENCE)
        assert not any(one.written for one in outgoing)
        with pytest.raises(Disconnected, match="not wholly written"):
            pair.read()
    finally:
        pair.close()


def test_it_breaks_too_when_the_other_side_never_stops_talking(any_cloud: FakeCloud) -> None:
    pair = Pair(any_cloud, replace(LIMITS, write=0.2))
    stop = threading.Event()

    def talk() -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                pair.peer.send(TEXT, b"blah")

    thread = threading.Thread(target=talk)
    try:
        pair.fill()
        thread.start()
        with pytest.raises(Disconnected, match="not wholly written"):
            while True:
                pair.read(100_000)
    finally:
        stop.set()
        pair.close()
        thread.join()


def test_closing_lets_waiting_writers_go(pair: Pair, threads: Callable[..., Any]) -> None:
    pair.fill()
    waiting = [threads(pair.transport.wait_written, pair.send("x")) for _ in range(4)]
    wait_until(lambda: pair.transport._leading)
    pair.transport.close(abort=True)
    for one in waiting:
        one.result(PATIENCE)
    assert pair.transport.take_unwritten()[-4:] == ["x"] * 4
    assert pair.peer.wait_gone()


def test_a_close_frame_is_read_even_when_writing_failed(cloud: FakeCloud) -> None:
    pair = Pair(cloud)
    try:
        pair.peer.send(TEXT, b"before")
        assert pair.read() == [(TEXT, b"before")]
        pair.peer.send_close(1000, "App stopped")
        # The other side is gone: the first write provokes a reset, the next one fails.
        pair.peer.close()
        wait_until(lambda: _fails(pair))
        assert pair.read() == [(CLOSE, b"\x03\xe8App stopped")]
        with pytest.raises(Disconnected):
            pair.read()
    finally:
        pair.close()


def _fails(pair: Pair) -> bool:
    pair.send("x")
    return pair.transport.backlog > 0


def test_unwritten_frames_are_handed_back_once(pair: Pair) -> None:
    written = ["one", "two"]
    for text in written:
        pair.send(text)
    left = pair.fill()
    pair.transport.queue(encode(Opcode.PING, b""))
    pair.transport.close()
    assert pair.transport.take_unwritten() == left
    assert pair.transport.take_unwritten() == []


def test_a_writer_that_waits_is_never_overtaken(
    pair: Pair, threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were its frame written by another thread, it would wait for a socket that is full again."""
    waiting, go_on = threading.Event(), threading.Event()

    class Slow(transport_module.Selector):  # type: ignore[name-defined, misc]
        def select(self, timeout: float | None = None) -> Any:
            waiting.set()
            assert go_on.wait(PATIENCE)
            return super().select(timeout)

    pair.fill()
    monkeypatch.setattr(transport_module, "Selector", Slow)
    writer = threads(pair.transport.wait_written, pair.send("end"))
    assert waiting.wait(PATIENCE)
    reading = threads(_read_texts, pair.peer, "end")
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        pair.transport.flush()
        pair.transport.answer_ping(b"")
        pair.transport.read(time.monotonic())
    assert pair.transport.backlog == 5
    go_on.set()
    writer.result(PATIENCE)
    assert reading.result(PATIENCE)[-1] == "end"


def test_a_socket_that_a_writer_waits_for_is_closed_by_it(
    pair: Pair, threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed under its hands, its number might be another socket's by then."""
    waiting, go_on = threading.Event(), threading.Event()

    class Slow(transport_module.Selector):  # type: ignore[name-defined, misc]
        def select(self, timeout: float | None = None) -> Any:
            waiting.set()
            assert go_on.wait(PATIENCE)
            return super().select(timeout)

    pair.fill()
    monkeypatch.setattr(transport_module, "Selector", Slow)
    writer = threads(pair.transport.wait_written, pair.send("end"))
    assert waiting.wait(PATIENCE)
    pair.transport.close()
    assert pair.transport._sock.fileno() != -1
    go_on.set()
    writer.result(PATIENCE)
    assert pair.transport._sock.fileno() == -1


@pytest.mark.parametrize("closed", [False, True])
def test_a_writer_that_ctrl_c_takes_away(
    pair: Pair, threads: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    """Another one goes on in its place, and nothing stays open."""
    waiting, go_on = threading.Event(), threading.Event()

    class Interrupted(transport_module.Selector):  # type: ignore[name-defined, misc]
        def select(self, timeout: float | None = None) -> Any:
            if not go_on.is_set():
                waiting.set()
                assert go_on.wait(PATIENCE)
                raise KeyboardInterrupt
            return super().select(timeout)

    def write() -> None:
        with pytest.raises(KeyboardInterrupt):
            pair.transport.wait_written(first)

    pair.fill()
    first, second = pair.send("taken away"), pair.send("end")
    monkeypatch.setattr(transport_module, "Selector", Interrupted)
    taken_away = threads(write)
    assert waiting.wait(PATIENCE)
    writer = threads(pair.transport.wait_written, second)
    wait_until(lambda: pair.transport._progress._waiters)  # type: ignore[attr-defined]
    if closed:
        pair.transport.close()
    go_on.set()
    taken_away.result(PATIENCE)
    try:
        if not closed:
            assert _read_texts(pair.peer, "end")[-2:] == ["taken away", "end"]
        writer.result(PATIENCE)
    finally:
        pair.transport.close()
    assert second.written is not closed
    assert pair.transport._sock.fileno() == -1


def test_what_no_writer_waits_for_goes_back_to_the_reader(
    pair: Pair, threads: Callable[..., Any]
) -> None:
    pair.fill()
    writer = threads(pair.transport.wait_written, pair.send("waited for"))
    wait_until(lambda: pair.transport._leading)
    pair.send("y" * 8_000_000)  # nobody waits for this one, and it does not fit
    pair.send("end")
    reading = threads(_read_texts, pair.peer, "end")
    began = time.monotonic()
    while pair.transport.backlog:
        pair.transport.read(began + FOR_EVER)
    assert time.monotonic() - began < IN_TIME
    writer.result(PATIENCE)
    assert reading.result(PATIENCE)[-1] == "end"


class ScriptedSocket(socket.socket):
    """A socket that behaves as if TLS had something of its own to say."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock.family, sock.type, fileno=sock.detach())
        self.setblocking(False)
        self.write_wants_read = False
        self.read_wants_write = False

    def send(self, data: Any, flags: int = 0) -> int:
        if self.write_wants_read:
            raise ssl.SSLWantReadError
        return super().send(data, flags)

    def recv(self, size: int, flags: int = 0) -> bytes:
        if self.read_wants_write and not select.select([], [self], [], 0)[1]:
            raise ssl.SSLWantWriteError
        self.read_wants_write = False
        data = super().recv(size, flags)
        self.write_wants_read = False
        return data


@pytest.fixture
def scripted(cloud: FakeCloud) -> Iterator[tuple[Pair, ScriptedSocket]]:
    pair = Pair(cloud)
    sock = ScriptedSocket(pair.transport._sock)
    pair.transport._sock, pair.transport._tls = sock, True
    pair.transport._tls_lock = pair.transport._lock
    yield pair, sock
    pair.close()


def test_tls_that_must_read_before_it_writes(
    scripted: tuple[Pair, ScriptedSocket], threads: Callable[..., Any]
) -> None:
    pair, sock = scripted
    sock.write_wants_read = True
    outgoing = pair.send("one")
    _assert_idle(pair)
    writer = threads(pair.transport.wait_written, outgoing)
    _assert_idle(pair)
    assert not writer.done()
    pair.peer.send(TEXT, b"what TLS waited for")
    assert pair.read() == [(TEXT, b"what TLS waited for")]
    writer.result(PATIENCE)
    assert pair.peer.read_text() == "one"


def test_tls_that_must_write_before_it_reads(
    scripted: tuple[Pair, ScriptedSocket], threads: Callable[..., Any]
) -> None:
    pair, sock = scripted
    pair.fill()
    sock.read_wants_write = True
    pair.peer.send(TEXT, b"hello")
    _assert_idle(pair)
    reading = threads(_read_texts, pair.peer, "last")
    assert pair.read() == [(TEXT, b"hello")]
    while pair.transport.backlog:
        pair.transport.read(time.monotonic() + PATIENCE)
    reading.result(PATIENCE)


def _assert_idle(pair: Pair) -> None:
    until = time.monotonic() + 0.2
    reads = 0
    while time.monotonic() < until:
        assert pair.transport.read(until) == []
        reads += 1
    assert reads < 20, "it does not wait, it burns the processor"


# --- Pings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"ping", b"\xff" * 125])
def test_a_pong_has_the_payload_of_its_ping(pair: Pair, payload: bytes) -> None:
    pair.transport.answer_ping(payload)
    assert pair.peer.read_frame() == (PONG, payload)


def test_a_flood_of_pings_does_not_pile_up(pair: Pair, threads: Callable[..., Any]) -> None:
    pair.fill()
    for number in range(1000):
        pair.transport.answer_ping(str(number).encode())
    assert pair.transport.backlog == 4

    def read() -> list[Message]:
        frames: list[Message] = []
        while not frames or frames[-1][0] != PONG:
            frames.append(pair.peer.read_frame())
        return frames

    frames = threads(read)
    while pair.transport.backlog:
        pair.transport.read(time.monotonic() + PATIENCE)
    assert frames.result(PATIENCE)[-1] == (PONG, b"999")
    pair.transport.answer_ping(b"next")
    assert pair.peer.read_frame() == (PONG, b"next")


# --- Closing -------------------------------------------------------------------------------------


def test_a_close_is_answered_and_the_socket_gone_at_once(pair: Pair) -> None:
    pair.peer.send_close(1000, "App stopped")
    ((opcode, payload),) = pair.read()
    assert opcode == CLOSE
    pair.transport.answer_close(payload)
    assert pair.peer.read_close() == (1000, "")
    assert pair.peer.wait_gone() == "eof"


def test_our_close_waits_for_the_answer(any_cloud: FakeCloud, threads: Callable[..., Any]) -> None:
    """And no longer."""
    pair = Pair(any_cloud, replace(LIMITS, close=FOR_EVER))

    def answer() -> tuple[int | None, str]:
        told = pair.peer.read_close()
        pair.peer.send(TEXT, b"late")
        pair.peer.send_close(*told)
        return told

    told = threads(answer)
    try:
        began = time.monotonic()
        pair.transport.close_with(1001, "bye")
        assert told.result(PATIENCE) == (1001, "bye")
        assert time.monotonic() - began < IN_TIME
        assert pair.peer.wait_gone() == "eof"
    finally:
        pair.close()


def test_our_close_does_not_wait_for_ever(pair: Pair) -> None:
    pair.send("before")
    began = time.monotonic()
    pair.transport.close_with(1000, "")
    assert QUICK.close <= time.monotonic() - began < IN_TIME
    assert pair.peer.read_text() == "before"
    assert pair.peer.read_close() == (1000, "")


def test_our_close_comes_after_what_was_sent(pair: Pair, threads: Callable[..., Any]) -> None:
    pair.fill()
    closing = threads(lambda: (_read_texts(pair.peer, "last"), pair.peer.read_close()))
    pair.transport.close_with(1000, "")
    texts, close = closing.result(PATIENCE)
    assert texts[-2:] == ["last but one", "last"]
    assert close == (1000, "")


def test_nothing_is_written_behind_our_close(
    any_cloud: FakeCloud, threads: Callable[..., Any]
) -> None:
    """Nobody would read it; and who waits for it does not burn the processor."""
    pair = Pair(any_cloud, replace(LIMITS, close=PATIENCE))
    try:
        used: list[float] = []

        def close() -> None:
            began = time.thread_time()
            pair.transport.close_with(1012, "")
            used.append(time.thread_time() - began)

        closing = threads(close)
        assert pair.peer.read_close() == (1012, "")
        late = pair.send("late")
        waiting = threads(pair.transport.wait_written, late)
        with pytest.raises(TimeoutError):
            pair.peer.sock.settimeout(0.3)
            pair.peer.read_frame()
        pair.peer.sock.settimeout(PATIENCE)
        pair.peer.send_close(1012)
        closing.result(PATIENCE)
        waiting.result(PATIENCE)
        assert used[0] < 0.1
        assert not late.written
        assert pair.transport.take_unwritten() == ["late"]
    finally:
        pair.close()


def test_our_close_gives_up_when_nobody_reads(any_cloud: FakeCloud) -> None:
    pair = Pair(any_cloud, replace(LIMITS, write=0.2))
    try:
        pair.fill()
        began = time.monotonic()
        pair.transport.close_with(1000, "")
        assert time.monotonic() - began < IN_TIME
        assert pair.peer.wait_gone()
    finally:
        pair.close()


def test_closing_twice_is_closing_once(pair: Pair) -> None:
    pair.transport.close()
    sockets = open_sockets()
    pair.transport.close()
    pair.transport.close_with(1000, "")
    pair.transport.answer_close(b"")
    assert open_sockets() == sockets


# --- The wakeup alone ----------------------------------------------------------------------------


def test_any_number_of_wake_ups_is_one() -> None:
    wakeup = Wakeup()
    try:
        for _ in range(100_000):
            wakeup.wake()
        wakeup.wait(None, read=False, write=False, timeout=PATIENCE)
        began = time.monotonic()
        wakeup.wait(None, read=False, write=False, timeout=0.05)
        assert time.monotonic() - began >= 0.05
    finally:
        wakeup.close()


def test_a_closed_wakeup_may_still_be_used() -> None:
    wakeup = Wakeup()
    wakeup.close()
    wakeup.wake()


def test_a_wakeup_waits_for_nothing_else_when_there_is_no_socket() -> None:
    wakeup = Wakeup()
    try:
        began = time.monotonic()
        assert wakeup.wait(None, read=False, write=False, timeout=0.05) == (False, False)
        assert time.monotonic() - began >= 0.05
    finally:
        wakeup.close()


def test_json_survives(pair: Pair) -> None:
    text = json.dumps({"text": "\u00e9\U0001f600"}, ensure_ascii=False)
    pair.send(text)
    assert pair.peer.read_text() == text
    assert select.select([pair.peer.sock], [], [], 0)[0] == []
