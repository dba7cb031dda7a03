"""Who may not come in, and what does no harm: other sites, bad tokens, broken websockets."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jwt
import pytest
import requests
import websocket
from raw_app import API_KEY, PACKAGE, RawApp, RawSocket, simulator_threads

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator


def ws(simulator: Simulator, path: str) -> str:
    return simulator.url.replace("http", "ws") + path


def raw_request(simulator: Simulator, text: str) -> bytes:
    """Send bytes as they are, and read to the end."""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=20) as connection:
        connection.sendall(text.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(65536):
            answer += data
        return answer


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:7011", "10.0.0.1", "["])
def test_other_host_names_are_refused(simulator: Simulator, host: str) -> None:
    """A name that points here all the same is another site's trick (DNS rebinding)."""
    for path in ("", "api/sim/state", "page/main.js", "api/sdk/version"):
        answer = requests.get(simulator.url + path, headers={"Host": host}, timeout=20)
        assert answer.status_code in (400, 403), path
    for path in ("app-ws", "simulator-ws", f"glasses-ws?token={simulator.token_of()}"):
        headers = {"Host": host, **UPGRADE}
        answer = requests.get(simulator.url + path, headers=headers, timeout=20)
        assert answer.status_code in (400, 403), path


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:1", "https://localhost", "null", ""]
)
def test_other_origins_are_refused(
    simulator: Simulator, origin: str, open_socket: Callable[..., RawSocket]
) -> None:
    headers = {"Origin": origin}
    for path in ("app-ws", "simulator-ws", f"glasses-ws?token={simulator.token_of()}"):
        answer = requests.get(simulator.url + path, headers={**headers, **UPGRADE}, timeout=20)
        assert answer.status_code == 403, path
    token = {"Authorization": f"Bearer {simulator.token_of()}"}
    start = f"{simulator.url}apps/{simulator.app.package_name}/start"
    assert requests.post(start, headers={**headers, **token}, timeout=20).status_code == 403
    assert simulator.app_state == "stopped"


def test_requests_of_other_sites_are_refused(simulator: Simulator) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    state = requests.get(simulator.url + "api/sim/state", headers=headers, timeout=20)
    assert state.status_code == 403
    # A link to the page is no attack.
    page = requests.get(simulator.url, headers=headers, timeout=20)
    assert page.status_code == 200
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]


def test_the_own_page_may_come_in(
    simulator: Simulator, open_socket: Callable[..., RawSocket]
) -> None:
    page = open_socket(ws(simulator, "simulator-ws"), origin=simulator.url.rstrip("/"))
    page.wait("hello")
    local = simulator.url.replace("127.0.0.1", "localhost")
    assert requests.get(local + "api/sim/state", timeout=20).status_code == 200


def test_files_outside_the_page_are_not_served(simulator: Simulator) -> None:
    assert requests.get(simulator.url + "page/main.js", timeout=20).status_code == 200
    for path in ("../http.py", "..%2fhttp.py", "%2e%2e/http.py", "nothing.js", "/etc/passwd"):
        request = f"GET /page/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        # 308 is the way to the same path without its double slash.
        assert raw_request(simulator, request).split()[1] in (b"404", b"308"), path


def test_glasses_need_a_token_of_this_run(simulator: Simulator) -> None:
    other = jwt.encode({"email": simulator.user_id}, "x" * 64, algorithm="HS256")
    unsigned = jwt.encode({"email": simulator.user_id}, None, algorithm="none")
    stranger = simulator.token_of("nobody@example.com")
    for token in (other, unsigned, stranger, "bad", ""):
        answer = requests.get(
            f"{simulator.url}glasses-ws?token={token}", headers=UPGRADE, timeout=20
        )
        assert (answer.status_code, answer.json()["message"]) == (401, "Invalid core token")
    answer = requests.get(f"{simulator.url}glasses-ws", headers=UPGRADE, timeout=20)
    assert (answer.status_code, answer.json()["message"]) == (401, "No core token provided")


def test_apps_cannot_come_with_a_token(simulator: Simulator) -> None:
    headers = {**UPGRADE, "Authorization": "Bearer xyz"}
    answer = requests.get(f"{simulator.url}app-ws", headers=headers, timeout=20)
    assert (answer.status_code, answer.json()["code"]) == (401, "JWT_INVALID")


@pytest.mark.parametrize("missing", ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Upgrade"])
def test_bad_upgrades(simulator: Simulator, missing: str) -> None:
    headers = {name: value for name, value in UPGRADE.items() if name != missing}
    answer = requests.get(f"{simulator.url}app-ws", headers=headers, timeout=20)
    assert answer.status_code in (400, 404)


def test_huge_frames_are_not_read(running: Simulator, app: RawApp) -> None:
    app.socket.send("x" * (limits.MAX_APP_FRAME + 1))
    assert app.socket.wait_closed() == (1009, "Message too big")
    app.connect(app.hooks.all()[0])
    assert running.app_state == "running"


def test_pages_have_a_limit_of_their_own(
    simulator: Simulator, open_socket: Callable[..., RawSocket]
) -> None:
    for path in ("simulator-ws", f"glasses-ws?token={simulator.token_of()}"):
        page = open_socket(ws(simulator, path))
        page.send("x" * (limits.MAX_PAGE_FRAME + 1))
        assert page.wait_closed() == (1009, "Message too big")


@pytest.mark.parametrize(
    "message",
    ["not JSON", "[]", "{}", '{"type": 5}', '{"type": "audio_play_response"}', '{"type": "x"}'],
)
def test_nonsense_from_glasses_does_no_harm(
    running: Simulator, message: str, open_socket: Callable[..., RawSocket]
) -> None:
    phone = open_socket(ws(running, f"glasses-ws?token={running.token_of()}"))
    phone.send(message)
    phone.send({"type": "location_update", "lat": [], "lng": None})
    phone.send({"type": "glasses_connection_state", "wifi": 5, "status": [], "modelName": {}})
    phone.send({"type": "start_app", "packageName": []})
    phone.send({"type": "connection_init"})
    phone.wait("connection_ack")
    assert running.app_state == "running"


def masked(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    head = bytes([(0x80 if final else 0) | opcode, 0x80 | len(payload)])
    return head + b"\0\0\0\0" + payload


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (masked(1, b"\xff\xfe"), 1007),
        (masked(3, b"reserved"), 1002),
        (masked(9, b"x", final=False), 1002),
        (masked(0, b"nothing to continue"), 1002),
        (b"\x81\x05hello", 1002),
        (b"GET / HTTP/1.1\r\n\r\n", 1002),
        (masked(8, b"\x03"), 1002),
        (random.Random(7).randbytes(64), None),
    ],
)
def test_broken_frames_end_the_connection(
    simulator: Simulator, data: bytes, code: int | None
) -> None:
    raw = websocket.WebSocket()
    raw.connect(ws(simulator, "simulator-ws"), timeout=20)
    try:
        raw.recv()
        raw.sock.sendall(data)
        opcode, answer = raw.recv_data(control_frame=True)
        if code is not None:
            assert opcode == websocket.ABNF.OPCODE_CLOSE
            assert struct.unpack("!H", answer[:2])[0] == code
    except (OSError, websocket.WebSocketException):
        assert code is None
    finally:
        raw.shutdown()


def test_messages_come_in_pieces_with_pings_between(
    running: Simulator, open_socket: Callable[..., RawSocket]
) -> None:
    raw = websocket.WebSocket()
    raw.connect(ws(running, "simulator-ws"), timeout=20)
    try:
        raw.recv()
        said = '{"action": "hear", "text": "in pieces: ü", "final": true}'.encode()
        for index, byte in enumerate(said):
            final = index == len(said) - 1
            raw.sock.sendall(masked(1 if index == 0 else 0, bytes([byte]), final=final))
            if index == 5:
                raw.sock.sendall(masked(9, b"are you there"))
        frames: list[tuple[int, bytes]] = []
        while not frames or b'"heard"' not in frames[-1][1]:
            frames.append(raw.recv_data(control_frame=True))
        assert (websocket.ABNF.OPCODE_PONG, b"are you there") in frames
        assert "in pieces: ü" in frames[-1][1].decode()
    finally:
        raw.shutdown()


def test_glasses_that_send_no_pong_are_gone(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(limits, "PONG_TIMEOUT", 0.3)
    raw = websocket.WebSocket()
    raw.connect(ws(simulator, f"glasses-ws?token={simulator.token_of()}"), timeout=20)
    try:
        while True:
            frame = raw.recv_frame()  # answers no ping
            if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
                break
        assert struct.unpack("!H", frame.data[:2])[0] == 1001
    finally:
        raw.shutdown()


def test_idle_connections_do_not_hold_up_the_end(simulate: Callable[..., Simulator]) -> None:
    simulator = simulate()
    idle = [socket.create_connection(("127.0.0.1", simulator.port)) for _ in range(5)]
    idle[0].sendall(b"GET / HTTP/1.1\r\nHost: ")
    raw = websocket.WebSocket()
    raw.connect(ws(simulator, "simulator-ws"), timeout=20)
    # Never reads, never answers the close frame.
    simulator.stop()
    assert simulator_threads() == []
    for connection in idle:
        connection.close()
    raw.shutdown()


def test_glasses_that_introduce_themselves_again_are_there_once(
    running: Simulator, app: RawApp, open_socket: Callable[..., RawSocket]
) -> None:
    phone = open_socket(ws(running, f"glasses-ws?token={running.token_of()}"))
    for _ in range(3):
        phone.send({"type": "connection_init"})
    phone.seen.wait_count(lambda frame: frame["type"] == "connection_ack", 3)
    app.show("first")
    app.show("second")
    phone.wait("display_event", layout={"layoutType": "text_wall", "text": "second"})
    shown = [frame for frame in phone.seen.all() if frame["type"] == "display_event"]
    assert [frame["layout"].get("text") for frame in shown].count("first") == 1


def test_a_machine_without_threads_to_spare(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, failed = threading.Thread.start, threading.Event()

    def fails_once(thread: threading.Thread) -> None:
        if thread.name.startswith("mentra-sim-http") and not failed.is_set():
            failed.set()
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fails_once)
    with pytest.raises(requests.ConnectionError):
        requests.get(simulator.url, timeout=20)
    assert requests.get(simulator.url, timeout=20).ok


def test_many_connections_at_once(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, open_socket: Callable[..., RawSocket]
) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 5)
    pages = [open_socket(ws(simulator, "simulator-ws")) for _ in range(5)]
    for page in pages:
        page.wait("hello")
    with pytest.raises(requests.ConnectionError):
        requests.get(simulator.url, timeout=20)
    pages[0].close()
    done = threading.Event()
    while not done.is_set():
        try:
            assert requests.get(simulator.url, timeout=20).status_code == 200
            done.set()
        except requests.ConnectionError:
            continue


PHONE = "api/client/"


@pytest.mark.parametrize(
    ("path", "good"),
    [
        ("api/auth/exchange-user-token", {"aos_temp_token": "x", "packageName": PACKAGE}),
        ("api/sdk/simple-storage/u", {"data": {"a": "1"}}),
        ("api/sdk/simple-storage/u/a", {"value": "1"}),
        (f"api/tools/apps/{PACKAGE}/tool", {"toolId": "weather", "userId": "u"}),
        (f"appsettings/{PACKAGE}", {"key": "a", "value": 1}),
        (PHONE + "location", {"location": {"latitude": 1, "longitude": 2}}),
        (PHONE + "notifications", {"title": "Lunch"}),
        (PHONE + "user/settings", {"settings": {"brightness": 5}}),
        (PHONE + "device/state", {"connected": True}),
    ],
)
def test_bodies_that_no_json_has(running: Simulator, path: str, good: dict[str, Any]) -> None:
    def status(body: str | bytes) -> int:
        storage = path.startswith("api/sdk")
        token = f"{PACKAGE}:{API_KEY}" if storage else running.token_of()
        return requests.request(
            "PUT" if storage else "POST",
            running.url + path,
            data=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=5,
        ).status_code

    text = json.dumps(good)
    for number in ("NaN", "-Infinity", "1e999", "1" * 400):
        assert status(f'{text[:-1]}, "more": {number}}}') == 400, number
    for body in ("[" * 50_000, "{", "", b'{"a": "\xff"}'):
        assert status(body) == 400, body
    assert status(text) != 400, "it was for what no JSON has"


def test_a_huge_body_of_a_stranger_is_not_read(simulator: Simulator) -> None:
    url, body = f"{simulator.url}api/sdk/simple-storage/u", b"x" * (limits.MAX_REQUEST + 1)
    answer = requests.put(url, data=body, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (401, "Missing Authorization header")
    [asked, answered] = simulator.cloud.timeline.after()
    assert (asked.body, answered.body["status"]) == (None, 401)


@pytest.mark.parametrize("depth", [200, 500, 900, 1000, 1020, 5000])
def test_deep_nesting_does_no_harm(running: Simulator, app: RawApp, depth: int) -> None:
    layout = '{"layoutType":"text_wall","text":"deep","more":' + "[" * depth + "]" * depth + "}"
    package = running.app.package_name
    app.socket.send(
        f'{{"type":"display_event","packageName":"{package}","view":"main","layout":{layout}}}'
    )
    with suppress(OSError, websocket.WebSocketException):
        app.send("stream_status_check")
    with app.socket.seen.changed:
        app.socket.seen.changed.wait_for(
            lambda: app.socket.closed or "hasActiveStream" in app.socket.seen.items[-1][1]
        )
    if app.socket.closed is not None:
        assert app.socket.closed == (1011, "Internal server error")
        app.connect(app.hooks.all()[0])
    app.show("shallow")
    assert running.glasses.lens.wait_for("shallow")


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "../http.py", "..%2Fhttp.py", "..%5Chttp.py", "%2Fetc%2Fpasswd", "page", ""],
)
def test_only_the_pages_own_files_are_served(simulator: Simulator, name: str) -> None:
    assert requests.get(f"{simulator.url}page/main.js", timeout=20).status_code == 200
    assert requests.get(f"{simulator.url}page/{name}", timeout=20).status_code == 404
