"""A cloud with simple storage that fails in every way a test asks for, and an app before it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest
from cloud import KEY, PACKAGE, USER, Cloud, Scene, http_answer, wait_until
from runtime.fake_cloud import PATIENCE, Peer

from mentra_sync import AppServer, AppSession

PATH = "/api/sdk/simple-storage/"


@dataclass
class Request:
    """One call that came."""

    method: str
    user: str
    key: str | None
    body: Any
    headers: dict[str, str]

    @property
    def data(self) -> dict[str, str]:
        data: dict[str, str] = self.body["data"]
        return data


class Storage:
    """What the cloud's database holds of one user, as section 7 of the protocol says."""

    def __init__(self) -> None:
        self.values: dict[str, Any] | None = None

    def apply(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.method == "GET":
            return 200, {"success": True, "data": self.values or {}}
        if request.method == "PUT":
            for key, value in request.data.items():
                self._set(key.split("."), value)
            return 200, {"success": True, "message": "Storage updated"}
        if self.values is None:
            return 404, {"success": False, "message": "Storage not found"}
        if request.key is None:
            self.values = {}
        else:
            *path, last = request.key.split(".")
            inner: Any = self.values
            for part in path:
                inner = inner.get(part, {})
            inner.pop(last, None)
        return 200, {"success": True, "message": "deleted"}

    def _set(self, path: list[str], value: str) -> None:
        self.values = inner = {} if self.values is None else self.values
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        inner[path[-1]] = value

    def flat(self, values: Any = None, prefix: str = "") -> dict[str, str]:
        found: dict[str, str] = {}
        for key, value in ((self.values or {}) if values is None else values).items():
            if isinstance(value, dict):
                found.update(self.flat(value, f"{prefix}{key}."))
            else:
                found[prefix + key] = value
        return found


Fault = Callable[["StorageCloud", Peer, Request], None]


class StorageCloud(Cloud):
    """Counts the calls, and answers as it should unless a test wants something else."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = threading.Condition()
        self.calls: list[Request] = []
        self.storages: dict[str, Storage] = {}
        self.released = threading.Event()
        self._faults: dict[str, deque[Fault]] = {}
        self._lasting: dict[str, Fault] = {}
        self._threads: list[threading.Thread] = []

    # --- What a test sees -----------------------------------------------------------------------

    @property
    def stored(self) -> dict[str, str]:
        return self.of(USER).flat()

    def of(self, user: str) -> Storage:
        return self.storages.setdefault(user, Storage())

    def seen(self, method: str) -> list[Request]:
        with self.changed:
            return [call for call in self.calls if call.method == method]

    def wait(self, method: str, count: int = 1) -> Request:
        """Wait for the ``count``-th call of a method."""

        def those() -> list[Request]:
            return [call for call in self.calls if call.method == method]

        with self.changed:
            came = self.changed.wait_for(lambda: len(those()) >= count, PATIENCE)
            assert came, f"no {method} ({count}) in {self.calls}"
            return those()[count - 1]

    def wait_stored(self, expected: dict[str, str]) -> None:
        with self.changed:
            came = self.changed.wait_for(lambda: self.stored == expected, PATIENCE)
            assert came, f"the cloud has {self.stored}, not {expected}"

    # --- What a test wants ----------------------------------------------------------------------

    def once(self, method: str, *faults: Fault) -> None:
        """The next calls of a method go wrong, one each."""
        self._faults.setdefault(method, deque()).extend(faults)

    def always(self, method: str, fault: Fault) -> None:
        self._lasting[method] = fault

    def heal(self) -> None:
        self._faults.clear()
        self._lasting.clear()

    # --- Inside ---------------------------------------------------------------------------------

    def _answer(self, peer: Peer, request: bytes) -> None:
        thread = threading.Thread(
            target=self._serve, args=(peer, request), name="test-storage", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _serve(self, peer: Peer, head: bytes) -> None:
        with contextlib.suppress(OSError, ValueError), peer.sock.makefile("rb") as stream:
            while head:
                request = self._read(head, stream)
                if request is None:
                    peer.sock.sendall(http_answer(b"{}", "404 Not Found"))
                    break
                with self.changed:
                    self.calls.append(request)
                    self.changed.notify_all()
                    queued = self._faults.get(request.method)
                    fault = queued.popleft() if queued else self._lasting.get(request.method)
                if fault is not None:
                    fault(self, peer, request)
                    break
                self.answer(peer, *self.apply(request))
                head = self._read_head(stream)
        peer.close()

    def _read_head(self, stream: Any) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return b""
            head += line
        return head

    def _read(self, head: bytes, stream: Any) -> Request | None:
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
        body = stream.read(int(headers.get("content-length", 0)))
        if not path.startswith(PATH):
            return None
        user, slash, key = path.removeprefix(PATH).partition("/")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        return Request(
            method,
            unquote(user),
            unquote(key) if slash else None,
            json.loads(body) if body else None,
            headers,
        )

    def apply(self, request: Request) -> tuple[int, dict[str, Any]]:
        with self.changed:
            answer = self.of(request.user).apply(request)
            self.changed.notify_all()
            return answer

    def answer(self, peer: Peer, status: int, body: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        peer.sock.sendall(head + data)

    def close(self) -> None:
        self.released.set()
        super().close()
        for thread in self._threads:
            thread.join(PATIENCE)


# --- Ways to fail --------------------------------------------------------------------------------


def says(status: int, body: Any = None, *headers: str) -> Fault:
    """An answer of a status; nothing has been done."""
    data = body if isinstance(body, bytes) else json.dumps(body or {"error": "no"}).encode()

    def fault(cloud: StorageCloud, peer: Peer, request: Request) -> None:
        peer.sock.sendall(http_answer(data, f"{status} X", *headers))

    return fault


def resets(cloud: StorageCloud, peer: Peer, request: Request) -> None:
    peer.reset()


def loses_its_answer(cloud: StorageCloud, peer: Peer, request: Request) -> None:
    """It is done, but nobody hears of it."""
    cloud.apply(request)
    peer.reset()


def half_a_body(cloud: StorageCloud, peer: Peer, request: Request) -> None:
    body = json.dumps(cloud.apply(request)[1]).encode()
    peer.sock.sendall(http_answer(body[:-5], length=len(body)))


def hangs(cloud: StorageCloud, peer: Peer, request: Request) -> None:
    """No answer until the other side gives up; then, or when released, nothing has been done."""
    with contextlib.suppress(OSError):
        peer.sock.recv(1)


def drips(cloud: StorageCloud, peer: Peer, request: Request) -> None:
    """A byte now and then: never so slow that a single read times out."""
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not cloud.released.wait(0.02):
        peer.sock.sendall(b" ")


def late(then: Fault | None = None) -> Fault:
    """Waits until the test releases it, and only then does what was asked, or fails."""

    def fault(cloud: StorageCloud, peer: Peer, request: Request) -> None:
        assert cloud.released.wait(PATIENCE)
        if then is not None:
            then(cloud, peer, request)
        else:
            cloud.answer(peer, *cloud.apply(request))

    return fault


FAULTS: dict[str, Fault] = {
    "500": says(500),
    "503 in HTML": says(503, b"<html>Bad gateway</html>"),
    "200 in HTML": says(200, b"<html>Log in</html>"),
    "no body": says(200, b""),
    "a list": says(200, b"[]"),
    "not successful": says(200, {"success": False, "message": "no"}),
    "not said": says(200, {"data": None}),
    "401": says(401, {"error": "Invalid API key"}),
    "403": says(403),
    "redirect": says(307, b"{}", "Location: http://127.0.0.1:9/elsewhere"),
    "reset": resets,
    "half a body": half_a_body,
}
"""All but those that take long, and those that mean something."""


# --- The app before it ---------------------------------------------------------------------------


class Shelf:
    """An app, its sessions, and the cloud where their storage is."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        scene.cloud.close()
        self.cloud = StorageCloud()
        scene.cloud = self.cloud
        self.app: AppServer = scene.make(max_reconnect_attempts=0)
        self.sockets: list[Any] = []

    def session(self, user: str = USER, session_id: str | None = None) -> AppSession:
        """A new session; the first one starts the app."""
        if self.app not in self.scene._apps:
            self.scene.serve(self.app)
        self.sockets.append(self.scene.start(self.app, user, session_id=session_id))
        session = self.app.session_for(user)
        assert session is not None
        return session

    def advance(self, seconds: float) -> None:
        """Let session time pass, and what is due then happen."""
        self.advance_without_calm(seconds)
        self.calm()

    def advance_without_calm(self, seconds: float) -> None:
        """The same, with requests still under way."""
        clock = self.app._clock
        clock.advance_to(clock.now() + seconds)

    def waiting(self, storage: Any, calls: int = 1) -> bool:
        """Whether so many calls wait for the cloud."""
        return len(storage._link.dispatcher._blocked) >= calls

    def calm(self) -> None:
        """Wait until nothing is due, and no request under way."""
        shared = self.app._shared
        wait_until(lambda: not shared.timers.busy and not shared.storages.busy)

    def end(self, session: AppSession) -> None:
        """End a session as the cloud does, and wait until it is over."""
        at = self.app.sessions.index(session)
        live = [socket for socket in self.sockets if not socket.gone]
        self.scene.stop_session(self.app, live[at], session.user_id)
        assert session.join(PATIENCE)


@pytest.fixture(name="shelf")
def shelf_fixture(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setattr("mentra_sync.runtime.cloud_api._PAUSES", (0.01, 0.01, None))
    shelf = Shelf(scene)
    yield shelf
    shelf.cloud.released.set()


__all__ = ["FAULTS", "KEY", "PACKAGE", "Shelf", "StorageCloud", "shelf_fixture"]
