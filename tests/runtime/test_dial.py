"""Opening a websocket: one deadline for everything, and nothing left when it fails."""

from __future__ import annotations

import contextlib
import errno
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_cloud import (  # noqa: F401
    FOR_EVER,
    IN_TIME,
    PATIENCE,
    FakeCloud,
    Peer,
    any_cloud_fixture,
    certificate,
    client_tls,
    cloud_fixture,
    no_leaks_fixture,
    server_tls,
    wait_until,
)
from stage import out_of_threads
from websocket import _handshake

from mentra_sync.clock import Deadline
from mentra_sync.errors import ConnectionFailed
from mentra_sync.runtime import dial as dial_module
from mentra_sync.runtime.dial import Cancelled, dial
from mentra_sync.runtime.hosts import HostPolicy, Target
from mentra_sync.runtime.wakeup import Wakeup

pytestmark = pytest.mark.usefixtures("no_leaks")


class Dialling:
    """A dial on a thread of its own."""

    def __init__(self, target: Target, seconds: float, tls: ssl.SSLContext | None) -> None:
        self.wakeup = Wakeup()
        self.cancel = threading.Event()
        self.result: Any = None
        self.took = 0.0
        self._thread = threading.Thread(target=self._run, args=(target, seconds, tls))
        self._thread.start()

    def _run(self, target: Target, seconds: float, tls: ssl.SSLContext | None) -> None:
        began = time.monotonic()
        try:
            self.result = dial(target, Deadline(seconds), self.wakeup, self.cancel.is_set, tls)
        except Exception as error:
            self.result = error
        self.took = time.monotonic() - began
        self.wakeup.forget()

    def wait(self) -> Any:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.result

    def close(self) -> None:
        self.cancel.set()
        self.wakeup.wake()
        result = self.wait()
        if isinstance(result, socket.socket):
            result.close()
        self.wakeup.close()


@pytest.fixture
def dialling(no_leaks: None) -> Iterator[Callable[..., Dialling]]:
    made: list[Dialling] = []

    def make(target: Target, seconds: float = PATIENCE, tls: bool = True) -> Dialling:
        made.append(Dialling(target, seconds, client_tls() if tls else None))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextlib.contextmanager
def proxy_listening() -> Iterator[FakeCloud]:
    proxy = FakeCloud()
    try:
        yield proxy
    finally:
        proxy.close()


Dial = Callable[..., Dialling]


def test_a_websocket_is_opened(any_cloud: FakeCloud, dialling: Dial) -> None:
    attempt = dialling(any_cloud.target)
    peer = any_cloud.accept_websocket()
    sock = attempt.wait()
    assert sock.getblocking() is False
    head = peer.request.decode()
    assert head.startswith("GET /app-ws?secret=query HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{any_cloud.port}\r\n" in head
    assert "Origin" not in head
    # What the cloud sends right behind its answer is still there to be read.
    peer.send(1, b"hello")
    wait_until(lambda: _received(sock) == b"\x81\x05hello")


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(100)
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""


def test_nothing_is_swallowed_behind_the_upgrade(cloud: FakeCloud, dialling: Dial) -> None:
    attempt = dialling(cloud.target)
    peer = cloud.accept()
    peer.sock = _SendingMore(peer.sock, b"\x81\x02hi")
    peer.upgrade()
    sock = attempt.wait()
    wait_until(lambda: _received(sock) == b"\x81\x02hi")


class _SendingMore:
    """A socket that sends something right behind whatever it sends first."""

    def __init__(self, sock: socket.socket, more: bytes) -> None:
        self._sock, self._more = sock, more

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(data + self._more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


# --- The deadline ---------------------------------------------------------------------------------


SOON = 2.0
"""Time enough to get as far as what hangs, even where a thread stands still for a second."""


def _drip(peer: Peer, data: bytes, pause: float) -> None:
    with contextlib.suppress(OSError):
        for byte in data:
            peer.sock.sendall(bytes([byte]))
            time.sleep(pause)


def test_a_dripping_upgrade_is_cut(cloud: FakeCloud, dialling: Dial) -> None:
    attempt = dialling(cloud.target, SOON)
    peer = cloud.accept()
    _drip(peer, b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 3000, 0.02)
    error = attempt.wait()
    assert isinstance(error, ConnectionFailed)
    assert "upgrading to a websocket: it took too long" in str(error)
    assert SOON <= attempt.took < IN_TIME


def test_a_dripping_tls_handshake_is_cut(dialling: Dial, no_leaks: None) -> None:
    with proxy_listening() as plain:
        target = HostPolicy().check(f"wss://127.0.0.1:{plain.port}", allow_loopback=True)
        attempt = dialling(target, SOON)
        peer = plain.accept()
        peer.sock.recv(10)
        _drip(peer, b"\x16\x03\x03\x40\x00" + b"\x02" * 3000, 0.02)
        assert "starting TLS: it took too long" in str(attempt.wait())
        assert SOON <= attempt.took < IN_TIME


def test_silence_after_connecting_is_cut(cloud: FakeCloud, dialling: Dial) -> None:
    attempt = dialling(cloud.target, SOON)
    assert "it took too long" in str(attempt.wait())
    peer = cloud.accept()
    assert peer.read_request()
    assert peer.wait_gone() == "eof"


def test_a_full_backlog_is_cut(dialling: Dial) -> None:
    # Connections beyond the backlog of a listener that never accepts stay half-open.
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        port = listener.getsockname()[1]
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            target = HostPolicy().check(f"ws://127.0.0.1:{port}", allow_loopback=True)
            attempt = dialling(target, 0.3)
            assert re.search("timed out|too long", str(attempt.wait()))
            assert 0.3 <= attempt.took < IN_TIME


@pytest.mark.parametrize("stage", ["connect", "upgrade", "name"])
def test_a_dial_is_given_up_at_once(
    stage: str,
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target, release = cloud.target, threading.Event()
    if stage == "name":
        target = _named("cloud.example.org", cloud)
        _names(monkeypatch, lambda: release.wait(FOR_EVER) and [])
    attempt = dialling(target, FOR_EVER)
    if stage == "upgrade":
        cloud.accept().read_request()
    elif stage == "name":
        wait_until(lambda: any(t.name.startswith("mentra-dns-") for t in threading.enumerate()))
    began = time.monotonic()
    attempt.cancel.set()
    attempt.wakeup.wake()
    assert isinstance(attempt.wait(), Cancelled)
    assert time.monotonic() - began < IN_TIME
    release.set()


def test_a_tls_handshake_is_given_up_at_once(dialling: Dial) -> None:
    with proxy_listening() as plain:
        target = HostPolicy().check(f"wss://127.0.0.1:{plain.port}", allow_loopback=True)
        attempt = dialling(target)
        plain.accept().sock.recv(10)
        attempt.cancel.set()
        attempt.wakeup.wake()
        assert isinstance(attempt.wait(), Cancelled)


# --- Names and addresses --------------------------------------------------------------------------


def _named(host: str, cloud: FakeCloud) -> Target:
    scheme = "wss" if cloud.tls else "ws"
    return HostPolicy([host]).check(f"{scheme}://{host}:{cloud.port}/app-ws")


def _names(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Any]) -> None:
    """Let ``answer`` decide what a name lookup gives; addresses are looked up as ever."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        if options.get("flags") or not host.endswith(".example.org"):
            return real(host, *args, **options)
        addresses = answer()
        if isinstance(addresses, Exception):
            raise addresses
        return [(family, socket.SOCK_STREAM, 0, "", address) for family, address in addresses]

    monkeypatch.setattr(dial_module.socket, "getaddrinfo", getaddrinfo)


def test_a_stuck_name_server_is_cut(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()
    _names(monkeypatch, lambda: release.wait(FOR_EVER) and [])
    attempt = dialling(_named("cloud.example.org", cloud), 0.2)
    error = attempt.wait()
    assert "looking up cloud.example.org: it took too long" in str(error)
    assert 0.2 <= attempt.took < IN_TIME
    release.set()


def test_an_unknown_name(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _names(monkeypatch, lambda: socket.gaierror(socket.EAI_NONAME, "Name or service not known"))
    error = dialling(_named("cloud.example.org", cloud)).wait()
    assert isinstance(error, ConnectionFailed)
    assert "looking up cloud.example.org: Name or service not known" in str(error)


def test_the_next_address_is_tried(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dial_module, "_NEXT_ADDRESS_AFTER", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full, contextlib.ExitStack() as stack:
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        addresses = [
            (socket.AF_INET6, ("::1", 9, 0, 0)),  # refused, or no IPv6 here
            (socket.AF_INET, full.getsockname()),  # no answer at all
            (socket.AF_INET, ("127.0.0.1", cloud.port)),
        ]
        _names(monkeypatch, lambda: addresses)
        attempt = dialling(_named("cloud.example.org", cloud))
        cloud.accept_websocket()
        assert isinstance(attempt.wait(), socket.socket)


def test_no_thread_for_a_name_lookup(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _names(monkeypatch, list)
    out_of_threads(monkeypatch, "mentra-dns-")
    error = dialling(_named("cloud.example.org", cloud)).wait()
    assert isinstance(error, ConnectionFailed)
    assert "looking up cloud.example.org: can't start new thread" in str(error)


def test_localhost_asks_no_name_server(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dial_module.socket, "getaddrinfo", None)
    target = HostPolicy().check(f"ws://localhost:{cloud.port}/app-ws", allow_loopback=True)
    attempt = dialling(target)
    cloud.accept_websocket()
    assert isinstance(attempt.wait(), socket.socket)


def test_nobody_listens(cloud: FakeCloud, dialling: Dial) -> None:
    cloud.listener.close()
    error = dialling(cloud.target).wait()
    assert isinstance(error, ConnectionFailed)
    assert "Connection refused" in str(error)


def test_no_socket_left(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = socket.socket

    def no_more(*args: Any, **options: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            return real(*args, **options)
        raise OSError(errno.EMFILE, "Too many open files")

    target = cloud.target
    attempt = Dialling.__new__(Dialling)
    attempt.wakeup = Wakeup()
    try:
        monkeypatch.setattr(dial_module.socket, "socket", no_more)
        attempt.result = None
        thread = threading.Thread(
            target=lambda: attempt.__dict__.update(result=_failure(target, attempt.wakeup))
        )
        thread.start()
        thread.join(PATIENCE)
    finally:
        monkeypatch.undo()
        attempt.wakeup.close()
    assert "Too many open files" in str(attempt.result)


def _failure(target: Target, wakeup: Wakeup) -> Exception:
    with pytest.raises(ConnectionFailed) as caught:
        dial(target, Deadline(1), wakeup, lambda: False)
    return caught.value


# --- Answers that are no websocket ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000000000\r\n\r\n{", "HTTP status 401"),
        (b"HTTP/1.1 200 OK\r\n", "HTTP status 200"),
        (b"HTTP/1.1 302 Found\r\nLocation: ws://evil.org/\r\n\r\n", "HTTP status 302"),
        (b"HTTP/1.0 503\r\n\r\n", "HTTP status 503"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 abc\r\n", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46\n", "not HTTP"),
        (b"HTTP/1.1 101 X\r\n\r\n", "not a websocket's"),
        (b"HTTP/1.1 101 X\r\nno colon\r\n\r\n", "not a websocket's"),
        (b"HTTP/1.1 101 X\r\n\xff\xfe: x\r\n\r\n", "not a websocket's"),
        (
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "not a websocket's",
        ),
        (
            b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: d3Jvbmc=\r\n\r\n",
            "not a websocket's",
        ),
        (b"HTTP/1.1 101 X\r\n" + b"X: y\r\n" * 12_000, "too long"),
        (b"x" * 66_000, "too long"),
        (b"", "the connection was closed"),
        (b"HTTP/1.1 101 X\r\nUpgr", "the connection was closed"),
    ],
)
def test_other_answers(answer: bytes, words: str, cloud: FakeCloud, dialling: Dial) -> None:
    attempt = dialling(cloud.target)
    peer = cloud.accept()
    peer.read_request()
    with contextlib.suppress(OSError):
        peer.sock.sendall(answer)
        peer.sock.shutdown(socket.SHUT_WR)
    error = attempt.wait()
    assert isinstance(error, ConnectionFailed)
    assert words in str(error)
    assert f"127.0.0.1:{cloud.port}" in str(error)
    for secret in ("secret", "query", "evil.org", "app-ws"):
        assert secret not in str(error)
    assert error.__cause__ is None


def test_a_reset_in_the_upgrade(cloud: FakeCloud, dialling: Dial) -> None:
    attempt = dialling(cloud.target)
    peer = cloud.accept()
    peer.read_request()
    peer.reset()
    assert "upgrading to a websocket: Connection reset" in str(attempt.wait())


def test_no_cookie_is_kept_or_sent(cloud: FakeCloud, dialling: Dial) -> None:
    jar = _handshake.CookieJar  # one for the process, so that of the app's own websockets too
    jar.set("sid=of-the-apps-own; Domain=127.0.0.1")
    kept = repr(jar.jar)
    try:
        for n in range(2):
            attempt = dialling(cloud.target)
            peer = cloud.accept()
            peer.upgrade(
                b"Set-Cookie: user=first; Domain=127.0.0.1\r\n"
                b"SET-COOKIE : a=b; Domain=127.0.0.1\r\nset-cookie:c=%d; domain=.1\r\n" % n
            )
            assert isinstance(attempt.wait(), socket.socket)
            assert b"cookie" not in peer.request.lower()
            assert peer.request.endswith(b"\r\n\r\n")
        assert repr(jar.jar) == kept
    finally:
        jar.jar.clear()


# --- TLS ------------------------------------------------------------------------------------------


def test_a_certificate_must_be_trusted(dialling: Dial) -> None:
    cloud = FakeCloud(tls=True)
    try:
        attempt = dialling(cloud.target, tls=False)
        with pytest.raises(ssl.SSLError):
            cloud.accept()
        error = attempt.wait()
        assert isinstance(error, ConnectionFailed)
        assert "its certificate is not trusted (self-signed certificate)" in str(error)
    finally:
        cloud.close()


def test_a_certificate_must_name_the_host(dialling: Dial, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = FakeCloud(tls=True)
    _names(monkeypatch, lambda: [(socket.AF_INET, ("127.0.0.1", cloud.port))])
    try:
        attempt = dialling(_named("other.example.org", cloud))
        with contextlib.suppress(ssl.SSLError):  # the client tells after the handshake in TLS 1.3
            cloud.accept().wait_gone()
        assert "certificate is not trusted (Hostname mismatch" in str(attempt.wait())
        attempt = dialling(_named("cloud.example.org", cloud))
        cloud.accept_websocket()
        assert isinstance(attempt.wait(), ssl.SSLSocket)
    finally:
        cloud.close()


@pytest.fixture
def bundle(tmp_path: Path) -> Iterator[Path]:
    """A file of certificates that holds none, before any have been loaded."""
    file = tmp_path / "authorities.pem"
    file.write_text("none here\n")
    dial_module._trust.cache_clear()
    yield file
    dial_module._trust.cache_clear()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_authorities_that_cannot_be_read(
    variable: str, bundle: Path, dialling: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(bundle))
    cloud = FakeCloud(tls=True)
    try:
        error = dialling(cloud.target, tls=False).wait()
        assert isinstance(error, ConnectionFailed)
        assert f"the environment variable {variable} names {bundle}" in str(error)
        assert "remove it" in str(error)
        cloud.accept_tcp()
        bundle.write_bytes(certificate())
        attempt = dialling(cloud.target, tls=False)  # the next try sees that it has been mended
        cloud.accept_websocket()
        assert isinstance(attempt.wait(), ssl.SSLSocket)
    finally:
        cloud.close()


def test_no_tls_at_the_other_end(cloud: FakeCloud, dialling: Dial) -> None:
    target = HostPolicy().check(f"wss://127.0.0.1:{cloud.port}", allow_loopback=True)
    attempt = dialling(target)
    peer = cloud.accept()
    peer.sock.recv(10)
    peer.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    error = attempt.wait()
    assert isinstance(error, ConnectionFailed)
    assert "starting TLS" in str(error)


# --- Proxies --------------------------------------------------------------------------------------


def test_a_proxy_is_used_and_told_no_more_than_the_host(
    any_cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The proxy is played by the cloud's own listener: after CONNECT it goes on as the cloud.
    scheme = "https" if any_cloud.tls else "http"
    monkeypatch.setenv(f"{scheme}_proxy", f"http://me:pass%40word@127.0.0.1:{any_cloud.port}")
    attempt = dialling(_named("cloud.example.org", any_cloud))
    peer = any_cloud.accept_tcp()
    request = peer.read_request().decode()
    assert request.startswith(f"CONNECT cloud.example.org:{any_cloud.port} HTTP/1.1\r\n")
    assert "\r\nProxy-Authorization: Basic bWU6cGFzc0B3b3Jk\r\n" in request
    assert "app-ws" not in request
    peer.sock.sendall(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")
    if any_cloud.tls:
        peer.sock = server_tls().wrap_socket(peer.sock, server_side=True)
    peer.request = b""
    peer.upgrade()
    assert isinstance(attempt.wait(), socket.socket)


def test_loopback_bypasses_proxies(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    attempt = dialling(cloud.target)
    assert cloud.accept().read_request().startswith(b"GET ")
    attempt.cancel.set()


def test_no_proxy_is_heeded(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _names(monkeypatch, lambda: [(socket.AF_INET, ("127.0.0.1", cloud.port))])
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", ".example.org")
    attempt = dialling(_named("cloud.example.org", cloud))
    assert cloud.accept().read_request().startswith(b"GET ")
    attempt.cancel.set()


def test_a_proxy_that_refuses(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("all_proxy", f"me:password@127.0.0.1:{cloud.port}")
    attempt = dialling(_named("cloud.example.org", cloud))
    peer = cloud.accept()
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    error = attempt.wait()
    assert "asking the proxy 127.0.0.1: HTTP status 407" in str(error)
    assert "password" not in str(error)
    assert peer.wait_gone()


def test_a_proxy_that_hangs_up(
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{cloud.port}")
    attempt = dialling(_named("cloud.example.org", cloud))
    peer = cloud.accept()
    peer.read_request()
    peer.reset()
    error = attempt.wait()
    assert isinstance(error, ConnectionFailed)
    assert "asking the proxy 127.0.0.1: Connection reset" in str(error)


@pytest.mark.parametrize("proxy", ["socks5://proxy.example.org", "https://p.org", "http://p:x/"])
def test_a_proxy_that_cannot_be_used(
    proxy: str,
    cloud: FakeCloud,
    dialling: Dial,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("all_proxy", proxy)
    error = dialling(_named("cloud.example.org", cloud)).wait()
    assert isinstance(error, ConnectionFailed)
    assert "proxy in the environment" in str(error)


def test_a_request_that_does_not_fit_at_once_is_sent_whole() -> None:
    here, there = socket.socketpair()
    wakeup = Wakeup()
    request = b"x" * 3_000_000
    received = bytearray()

    def read() -> None:
        while len(received) < len(request):
            received.extend(there.recv(65536))

    thread = threading.Thread(target=read)
    try:
        here.setblocking(False)
        dialling = dial_module._Dialling("x", Deadline(PATIENCE), wakeup, lambda: False)
        thread.start()
        stream = dial_module._HttpStream(here, dialling, expected=101)
        assert stream.send(request) == len(request)
        thread.join(PATIENCE)
        assert received == request
    finally:
        wakeup.close()
        here.close()
        there.close()
