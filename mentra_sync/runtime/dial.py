"""Opening a websocket within one deadline: name, TCP, proxy, TLS and HTTP upgrade together.

Timeouts of sockets and of websocket-client count per operation, so a server that drips one byte
every few seconds would never be too slow for them.  Here every wait is for a non-blocking socket
and keeps to the one deadline of the attempt, and to whoever wants to give it up.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests.utils
from websocket import WebSocket

from mentra_sync import hints
from mentra_sync.clock import Deadline
from mentra_sync.errors import ConnectionFailed
from mentra_sync.runtime.hosts import Target
from mentra_sync.runtime.wakeup import Wakeup

_NEXT_ADDRESS_AFTER = 1.0
"""How long one of several addresses of a host may take: a broken IPv6 must not eat the attempt."""

_MAX_HEAD_BYTES = 64 * 1024
"""The largest head of an HTTP answer; real ones have some hundred bytes."""

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)

_Address = tuple[int, tuple[Any, ...]]  # address family, and what connect() takes


class Cancelled(Exception):
    """Nobody wants this connection any more."""


def dial(
    target: Target,
    deadline: Deadline,
    wakeup: Wakeup,
    cancelled: Callable[[], bool],
    tls: ssl.SSLContext | None = None,
) -> socket.socket:
    """Open a websocket to ``target`` and return its socket, upgraded and non-blocking.

    Blocks until ``deadline`` at most; raises :class:`ConnectionFailed`, whose message never
    shows path, query or credentials, or :class:`Cancelled` soon after ``cancelled()`` came true
    and ``wakeup`` was used.  Proxies come from the environment, except for loopback.  Redirects
    are not followed: they would lead around the check of the host.
    """
    dialling = _Dialling(target.authority, deadline, wakeup, cancelled)
    try:
        return _dial(target, dialling, tls)
    except (Cancelled, ConnectionFailed):
        raise
    except OSError as error:  # a proxy that hangs up, say, or a machine that has run out
        raise dialling.failed(error.strerror or type(error).__name__) from None


def _dial(target: Target, dialling: _Dialling, tls: ssl.SSLContext | None) -> socket.socket:
    """The steps of :func:`dial`, one after the other; nothing is left of one that fails."""
    proxy = _proxy_for(target)
    host, port = (proxy.host, proxy.port) if proxy else (target.host, target.port)
    sock = _connect(_addresses(host, port, dialling), host, dialling)
    try:
        if proxy is not None:
            _tunnel(sock, proxy, target, dialling)
        if target.secure:
            sock = _start_tls(sock, target, tls or _trusted(dialling), dialling)
        _upgrade(sock, target, dialling)
    except BaseException:
        dialling.wakeup.forget()
        sock.close()
        raise
    return sock


class _Dialling:
    """One attempt: what it is doing, and how long it and its canceller let it."""

    def __init__(
        self, whom: str, deadline: Deadline, wakeup: Wakeup, cancelled: Callable[[], bool]
    ) -> None:
        self.whom = whom
        self.doing = "looking it up"
        self.wakeup = wakeup
        self._deadline = deadline
        self._cancelled = cancelled

    @property
    def remaining(self) -> float:
        return self._deadline.remaining

    def wait(self, sock: socket.socket | None, *, write: bool = False) -> None:
        """Wait until ``sock`` is ready, or the wakeup was used."""
        self._check()
        self.wakeup.wait(sock, read=not write, write=write, timeout=self.remaining)
        self._check()

    def wait_until(self, deadline: Deadline, sock: socket.socket, *, write: bool) -> bool:
        """Wait until ``sock`` is ready; returns False when ``deadline`` came first."""
        while True:
            self._check()
            timeout = min(deadline.remaining, self.remaining)
            if any(self.wakeup.wait(sock, read=not write, write=write, timeout=timeout)):
                return True
            if deadline.passed:
                return False

    def failed(self, why: object) -> ConnectionFailed:
        """The error to raise: what went wrong, and doing what."""
        return ConnectionFailed(f"{self.whom} cannot be reached: {self.doing}: {why}")

    def _check(self) -> None:
        if self._cancelled():
            raise Cancelled
        if self._deadline.passed:
            raise self.failed("it took too long")


# --- Name and TCP --------------------------------------------------------------------------------


def _addresses(host: str, port: int, dialling: _Dialling) -> list[_Address]:
    """Where ``host`` is. ``localhost`` is this machine, whatever a name server says."""
    if host == "localhost":
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port))]
    dialling.doing = f"looking up {host}"
    with contextlib.suppress(OSError, UnicodeError):
        return _look_up(host, port, socket.AI_NUMERICHOST)
    answers: list[list[_Address] | OSError] = []

    def look_up() -> None:
        try:
            answers.append(_look_up(host, port))
        except OSError as error:
            answers.append(error)
        except UnicodeError:
            answers.append(OSError("not a valid name"))
        dialling.wakeup.wake()

    # Nothing can interrupt a name lookup, so a hopeless one is left behind on its own thread.
    thread = threading.Thread(target=look_up, name=f"mentra-dns-{host}", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise dialling.failed(error) from None
    while not answers:
        dialling.wait(None)
    if isinstance(answers[0], OSError):
        raise dialling.failed(answers[0].strerror or answers[0]) from None
    return answers[0]


def _look_up(host: str, port: int, flags: int = 0) -> list[_Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


def _connect(addresses: list[_Address], host: str, dialling: _Dialling) -> socket.socket:
    """A TCP connection to the first of ``addresses`` that takes one."""
    dialling.doing = f"connecting to {host}"
    reason = "it has no address"
    for index, (family, address) in enumerate(addresses):
        last = index == len(addresses) - 1
        deadline = Deadline(dialling.remaining if last else _NEXT_ADDRESS_AFTER)
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # this machine has no IPv6
            reason = _words(error.errno)
            continue
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            status = sock.connect_ex(address)
            if status in _UNDER_WAY:
                ready = dialling.wait_until(deadline, sock, write=True)
                status = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not ready:
                    status = errno.ETIMEDOUT
            if status == 0:
                return sock
            reason = _words(status)
        except BaseException:
            dialling.wakeup.forget()
            sock.close()
            raise
        dialling.wakeup.forget()
        sock.close()
    raise dialling.failed(reason)


def _words(status: int | None) -> str:
    return "it failed" if status is None else os.strerror(status)


# --- Proxy and TLS -------------------------------------------------------------------------------


class _Proxy:
    """An HTTP proxy that opens a tunnel on CONNECT."""

    def __init__(self, url: str) -> None:
        url = url if "://" in url else f"http://{url}"
        try:
            parts = urlsplit(url)
            self.host = parts.hostname or ""
            self.port = parts.port or 80
        except ValueError:
            raise ConnectionFailed("the proxy in the environment has an invalid URL") from None
        if parts.scheme != "http" or not self.host:
            raise ConnectionFailed(
                "the proxy in the environment must look like http://host:port, "
                f"got one that begins {parts.scheme}://"
            )
        user, password = requests.utils.get_auth_from_url(url)
        self.credentials = b64encode(f"{user}:{password}".encode()).decode() if user else ""


def _proxy_for(target: Target) -> _Proxy | None:
    """The proxy that the environment names for ``target``, as ``requests`` would choose it."""
    if target.loopback:
        return None
    proxies = requests.utils.get_environ_proxies(target.http_base)
    url = requests.utils.select_proxy(target.http_base, proxies)
    return _Proxy(url) if url else None


def _tunnel(sock: socket.socket, proxy: _Proxy, target: Target, dialling: _Dialling) -> None:
    """Have the proxy connect us to ``target``."""
    dialling.doing = f"asking the proxy {proxy.host}"
    host = f"[{target.host}]" if ":" in target.host else target.host
    lines = [f"CONNECT {host}:{target.port} HTTP/1.1", f"Host: {host}:{target.port}"]
    if proxy.credentials:
        lines.append(f"Proxy-Authorization: Basic {proxy.credentials}")
    stream = _HttpStream(sock, dialling, expected=200)
    stream.send("\r\n".join([*lines, "", ""]).encode())
    while not stream.head.endswith(b"\r\n\r\n"):
        stream.recv(1)


@functools.lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """Whom we trust: the system's authorities and those that ``requests`` uses.

    Some Pythons on macOS come without the former; a school's own proxy is often named only by
    the environment variables of the latter.  Loading them takes long, so it is done once.
    """
    context = ssl.create_default_context()
    bundle = Path(_named_bundle()[1] or requests.utils.DEFAULT_CA_BUNDLE_PATH)
    if bundle.is_dir():
        context.load_verify_locations(capath=bundle)
    elif bundle.exists():
        context.load_verify_locations(bundle)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusted(dialling: _Dialling) -> ssl.SSLContext:
    """What :func:`_trust` gives; a store that cannot be read may have been mended next time."""
    dialling.doing = "loading the trusted certificates"
    try:
        return _trust()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        variable, bundle = _named_bundle()
        if not bundle:
            raise dialling.failed(why) from None
        raise dialling.failed(hints.BAD_CA_BUNDLE.format(variable, bundle, why)) from None


def _named_bundle() -> tuple[str, str]:
    """The environment variable that names certificates to trust, and which; "" for none."""
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if bundle := os.environ.get(variable):
            return variable, bundle
    return "", ""


def _start_tls(
    sock: socket.socket, target: Target, context: ssl.SSLContext, dialling: _Dialling
) -> socket.socket:
    """Speak TLS on ``sock``, which the returned socket replaces; closes it when that fails."""
    dialling.doing = "starting TLS"
    dialling.wakeup.forget()
    try:
        secured = context.wrap_socket(
            sock, server_hostname=target.host, do_handshake_on_connect=False
        )
    except (OSError, ValueError) as error:
        raise dialling.failed(error) from None
    try:
        while True:
            try:
                secured.do_handshake()
                return secured
            except ssl.SSLWantReadError:
                dialling.wait(secured)
            except ssl.SSLWantWriteError:
                dialling.wait(secured, write=True)
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not trusted ({error.verify_message})"
        failure: BaseException = dialling.failed(why)
    except OSError as error:
        failure = dialling.failed(error.strerror or error)
    except BaseException as error:
        failure = error
    dialling.wakeup.forget()
    secured.close()
    raise failure from None


# --- HTTP upgrade --------------------------------------------------------------------------------


class _HttpStream:
    """What websocket-client sees of the socket while it shakes hands."""

    def __init__(self, sock: socket.socket, dialling: _Dialling, expected: int) -> None:
        self.head = b""
        self._sock = sock
        self._dialling = dialling
        self._expected = expected

    def send(self, data: bytes) -> int:
        """Send all of ``data``."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._dialling.wait(self._sock, write=True)
            except ssl.SSLWantReadError:
                self._dialling.wait(self._sock)
        return len(data)

    def recv(self, size: int) -> bytes:
        """Receive up to ``size`` bytes, and give up as soon as the status is a wrong one."""
        data = self._receive(size)
        if not data:
            raise self._dialling.failed("the connection was closed")
        self.head += data
        if len(self.head) > _MAX_HEAD_BYTES:
            raise self._dialling.failed("the answer is too long")
        if data == b"\n" and self.head.count(b"\n") == 1:
            status = _STATUS.match(self.head)
            if status is None:
                raise self._dialling.failed("the answer is not HTTP")
            if int(status[1]) != self._expected:
                raise self._dialling.failed(f"HTTP status {int(status[1])}")
        return data

    def _receive(self, size: int) -> bytes:
        while True:
            try:
                return self._sock.recv(size)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._dialling.wait(self._sock)
            except ssl.SSLWantWriteError:
                self._dialling.wait(self._sock, write=True)

    def gettimeout(self) -> float:
        """Tell websocket-client not to wait itself."""
        return 0.0

    def close(self) -> None:
        """Closing is the business of :func:`dial`."""


class _WithoutCookies(_HttpStream):
    """Keeps websocket-client's cookies out: it has one jar for the process, whoever the user is."""

    _line = b""  # of the answer: what is left of one that has been let through

    def send(self, data: bytes) -> int:
        lines = data.split(b"\r\n")
        super().send(b"\r\n".join(line for line in lines if not _names(line, b"cookie")))
        return len(data)

    def recv(self, size: int) -> bytes:
        while not self._line:
            line = b""
            while not line.endswith(b"\n"):
                line += super().recv(1)
            if not _names(line, b"set-cookie"):
                self._line = line
        data, self._line = self._line[:size], self._line[size:]
        return data


def _names(line: bytes, header: bytes) -> bool:
    return line.partition(b":")[0].strip().lower() == header


def _upgrade(sock: socket.socket, target: Target, dialling: _Dialling) -> None:
    """Shake hands as a websocket client."""
    dialling.doing = "upgrading to a websocket"
    stream = _WithoutCookies(sock, dialling, expected=101)
    try:
        websocket: Any = WebSocket()
        websocket.connect(target.url, socket=stream, suppress_origin=True, redirect_limit=0)
    except (Cancelled, ConnectionFailed):
        raise
    except OSError as error:
        raise dialling.failed(error.strerror or type(error).__name__) from None
    except Exception:
        # Whatever a hostile answer provokes in websocket-client; its words may repeat the answer.
        raise dialling.failed("the answer is not a websocket's") from None
