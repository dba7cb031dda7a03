"""A cloud on a real socket that does exactly what a test tells it, good or bad.

Nothing runs by itself: the test accepts a socket, reads and writes frames on it, and so decides
the order of everything.  Around it: an owner that records, and a check that nothing is left.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import functools
import hashlib
import ipaddress
import json
import re
import socket
import ssl
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websocket import ABNF

from mentra_sync.runtime.connection import Connection
from mentra_sync.runtime.hosts import HostPolicy, Target
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.limits import Limits

PATIENCE = 10.0
"""Longest wait of a test; only a failing one waits that long."""

FOR_EVER = 6 * PATIENCE
"""How long something hangs that has to be cut short, ..."""

IN_TIME = 3 * PATIENCE
"""... and what is cut short takes less, even where a thread stands still for seconds."""

QUICK = Limits(
    start=PATIENCE,
    attempt=PATIENCE,
    silence=30.0,
    write=PATIENCE,
    close=0.2,
    reconnect_delays=(0.02, 0.04, 0.08, 0.1),
    reconnect_window=PATIENCE,
)
"""It dials again at once, and gives nothing up for being slow, which a busy machine is: a test
of what is given up says so."""

INIT = {"type": "tpa_connection_init", "apiKey": "the-secret-key"}
ACK = {"type": "tpa_connection_ack", "settings": []}

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def wait_until(condition: Callable[[], Any], timeout: float = PATIENCE) -> Any:
    """Wait for something that no event tells."""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        result = condition()
        if result:
            return result
        time.sleep(0.002)
    raise AssertionError(f"did not come true within {timeout:g} s")


# --- The cloud -----------------------------------------------------------------------------------


class Peer:
    """The cloud's end of one socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.request = b""
        self._buffer = bytearray()

    # reading

    def read_request(self) -> bytes:
        """The HTTP request; whatever comes behind it stays in the socket's buffer."""
        while b"\r\n\r\n" not in self.request:
            data = self.sock.recv(1)
            if not data:
                raise EOFError(f"no request, only {self.request!r}")
            self.request += data
        return self.request

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame, which must be whole and masked, as a client's must be."""
        first, second = self._take(2)
        assert first & 0xF0 == 0x80, "frames of the SDK are never fragmented"
        assert second & 0x80, "frames of a client are masked"
        length = second & 0x7F
        if length == 126:
            length = int.from_bytes(self._take(2), "big")
        elif length == 127:
            length = int.from_bytes(self._take(8), "big")
        mask = self._take(4)
        return first & 0x0F, ABNF.mask(mask, self._take(length))

    def read_text(self) -> str:
        opcode, payload = self.read_frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    def read_close(self) -> tuple[int | None, str]:
        """Read up to the close frame; returns its code and reason."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == CLOSE:
                break
        code = int.from_bytes(payload[:2], "big") if payload else None
        return code, payload[2:].decode()

    def wait_gone(self) -> str:
        """Read on until the other side has closed; returns how: ``eof`` or ``reset``."""
        try:
            while self.sock.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            return "reset"
        return "eof"

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            data = self.sock.recv(65536)
            if not data:
                raise EOFError("the other side has closed")
            self._buffer += data
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    # writing

    def upgrade(self, headers: bytes = b"") -> Peer:
        """Accept the websocket; ``headers`` are some more, each with its line end."""
        found = re.search(rb"(?i)sec-websocket-key: *(\S+)", self.read_request())
        assert found
        digest = hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + headers
            + b"Sec-WebSocket-Accept: "
            + base64.b64encode(digest)
            + b"\r\n\r\n"
        )
        return self

    def introduce(self) -> dict[str, Any]:
        """Read the first frame, which must introduce the app."""
        frame: dict[str, Any] = json.loads(self.read_text())
        assert frame["type"] == "tpa_connection_init"
        return frame

    def ack(self, **fields: Any) -> Peer:
        self.send_json({**ACK, **fields})
        return self

    def send_json(self, *frames: dict[str, Any]) -> None:
        self.sock.sendall(b"".join(server_frame(TEXT, json.dumps(f).encode()) for f in frames))

    def send(self, opcode: int, payload: bytes = b"", **options: Any) -> None:
        self.sock.sendall(server_frame(opcode, payload, **options))

    def send_close(self, code: int | None = 1000, reason: str = "") -> None:
        payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
        self.send(CLOSE, payload)

    def refuse(self, code: str | None, message: str = "no", close: int | None = 1008) -> None:
        """An error frame and a close, as the cloud sends them."""
        frame = {"type": "tpa_connection_error", "message": message}
        self.send_json(frame if code is None else {**frame, "code": code})
        if close is not None:
            with contextlib.suppress(OSError):  # some errors end it: the app may have gone by now
                self.send_close(close, message)

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        """Close with a reset, as a machine that crashed does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def server_frame(
    opcode: int, payload: bytes = b"", *, fin: int = 1, rsv: int = 0, masked: bool = False
) -> bytes:
    """One frame as websocket-client encodes it, by default without a mask."""
    frame = ABNF(fin, rsv >> 2 & 1, rsv >> 1 & 1, rsv & 1, opcode, int(masked), payload)
    frame.get_mask_key = lambda length: b"mask"  # the same in each process that collects tests
    return bytes(frame.format())


class FakeCloud:
    """Listens on loopback."""

    def __init__(self, tls: bool = False) -> None:
        self.tls = tls
        self.peers: list[Peer] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.settimeout(PATIENCE)
        self.port: int = self.listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}/app-ws?secret=query"

    @property
    def target(self) -> Target:
        return HostPolicy().check(self.url, allow_loopback=True)

    def accept_tcp(self) -> Peer:
        """The next connection, on which nothing has been said."""
        sock, _ = self.listener.accept()
        peer = Peer(sock)
        self.peers.append(peer)
        return peer

    def accept(self) -> Peer:
        """The next connection, with TLS if that is spoken here; no HTTP yet."""
        peer = self.accept_tcp()
        if self.tls:
            peer.sock = server_tls().wrap_socket(peer.sock, server_side=True)
        return peer

    def accept_websocket(self) -> Peer:
        return self.accept().upgrade()

    def accept_app(self) -> Peer:
        """The next connection, introduced and acknowledged."""
        peer = self.accept_websocket()
        peer.introduce()
        return peer.ack()

    def nobody_comes(self, seconds: float) -> bool:
        """Whether nobody connects for that long."""
        self.listener.settimeout(seconds)
        try:
            self.accept_tcp()
        except TimeoutError:
            return True
        finally:
            self.listener.settimeout(PATIENCE)
        return False

    def close(self) -> None:
        self.listener.close()
        for peer in self.peers:
            peer.sock.close()


# --- TLS -----------------------------------------------------------------------------------------


@functools.cache
def certificate() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake cloud")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [
        x509.DNSName("localhost"),
        x509.DNSName("cloud.example.org"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


@functools.cache
def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "certificate.pem")
        file.write_bytes(certificate())
        context.load_cert_chain(file)
    return context


@functools.cache
def client_tls() -> ssl.SSLContext:
    """Trusts the fake cloud."""
    return ssl.create_default_context(cadata=certificate().decode())


# --- The app's side ------------------------------------------------------------------------------


class Recorder:
    """An owner that writes down what it is told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.threads: set[str] = set()
        self.first_frames: list[str] = []
        self._changed = threading.Condition()

    def note(self, *call: Any) -> None:
        with self._changed:
            self.threads.add(threading.current_thread().name)
            self.calls.append(call)
            self._changed.notify_all()

    def all(self, kind: str) -> list[tuple[Any, ...]]:
        with self._changed:
            return [call[1:] for call in self.calls if call[0] == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[tuple[Any, ...]]:
        """Wait until there were ``count`` calls of that kind, and return all of them."""
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: sum(call[0] == kind for call in self.calls) >= count, PATIENCE
            )
            assert arrived, f"no {kind} ({count}) within {PATIENCE:g} s, only {self.calls}"
        return self.all(kind)

    def init_frame(self) -> str:
        self.note("init_frame")
        return json.dumps(INIT)

    def acknowledged(self, ack: dict[str, Any]) -> list[str]:
        self.note("acknowledged", ack)
        return list(self.first_frames)

    def received(self, frame: dict[str, Any]) -> None:
        self.note("received", frame)

    def received_audio(self, data: bytes) -> None:
        self.note("audio", data)

    def malformed(self, error: Exception) -> None:
        self.note("malformed", error)

    def due(self) -> None:
        self.note("due")

    def lost(self, code: int | None, reason: str) -> None:
        self.note("lost", code, reason)

    def ended(self, reason: str, code: int | None, detail: str) -> None:
        self.note("ended", reason, code, detail)


class App:
    """A connection and its owner."""

    def __init__(self, cloud: FakeCloud, owner: Recorder | None = None, **options: Any) -> None:
        self.cloud = cloud
        self.owner = owner or Recorder()
        options.setdefault("limits", QUICK)
        options.setdefault("tls", client_tls() if cloud.tls else None)
        identity = Identity("test", "you@example.com", "com.example.app", INIT["apiKey"])
        self.connection = Connection(cloud.target, self.owner, identity=identity, **options)

    def ended(self) -> tuple[str, int | None, str]:
        """Wait for the end, which must be told exactly once; returns what was told."""
        self.owner.wait_for("ended")
        assert self.connection.join(PATIENCE)
        (ended,) = self.owner.all("ended")
        assert self.owner.calls[-1][0] == "ended"
        return ended  # type: ignore[return-value]


# --- Fixtures: import them where they are used ---------------------------------------------------


def open_sockets() -> set[str]:
    """The sockets of this process, where the system tells."""
    found = set()
    for entry in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):
            name = str(entry.readlink())
            if name.startswith("socket:"):
                found.add(name)
    return found


@pytest.fixture(name="no_leaks")
def no_leaks_fixture() -> Iterator[None]:
    """Nothing that a test opened is left: no thread, no socket."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    wait_until(lambda: set(threading.enumerate()) <= threads)
    left = open_sockets() - sockets
    assert not left, f"sockets left open: {left}"


@pytest.fixture(name="any_cloud", params=["tcp", "tls"])
def any_cloud_fixture(request: pytest.FixtureRequest, no_leaks: None) -> Iterator[FakeCloud]:
    """A cloud, once in the clear and once over TLS."""
    cloud = FakeCloud(tls=request.param == "tls")
    yield cloud
    cloud.close()


@pytest.fixture(name="cloud")
def cloud_fixture(no_leaks: None) -> Iterator[FakeCloud]:
    cloud = FakeCloud()
    yield cloud
    cloud.close()


@pytest.fixture(name="apps")
def apps_fixture(no_leaks: None) -> Iterator[Callable[..., App]]:
    """Makes and starts apps, and ends those that are left."""
    made: list[App] = []

    def make(cloud: FakeCloud, owner: Recorder | None = None, **options: Any) -> App:
        app = App(cloud, owner, **options)
        made.append(app)
        app.connection.start()
        return app

    yield make
    for app in made:
        app.connection.end("test over")
    for app in made:
        app.cloud.close()  # so that nobody waits for its answer to our close frame
        assert app.connection.join(PATIENCE)
        assert len(app.owner.all("ended")) == 1
