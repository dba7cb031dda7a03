"""The routes of a server over real HTTP: webhooks above all, and what must never get through."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cloud import KEY, PACKAGE, USER, Calls, Scene, scene_fixture, wait_until  # noqa: F401
from runtime.fake_cloud import QUICK
from stage import out_of_threads

from mentra_sync import AppServer, config
from mentra_sync.runtime import dial

MIB = 1024 * 1024


# --- Starting ------------------------------------------------------------------------------------


def test_a_start_is_answered_once_connected(scene: Scene):
    app = scene.app()
    webhook = scene.posting(app, "/webhook", scene.start_body())
    peer = scene.cloud.accept_websocket()
    init = peer.introduce()
    assert webhook.pending, "it was answered before the acknowledgement"
    assert app.sessions == []
    peer.ack()
    answer = webhook.answer()
    assert (answer.status, answer.json) == (200, {"status": "success"})
    assert answer.headers["Content-Type"].startswith("application/json")
    assert init == {
        "type": "tpa_connection_init",
        "apiKey": KEY,
        "packageName": PACKAGE,
        "sessionId": f"{USER}-{PACKAGE}",
        "timestamp": init["timestamp"],
    }
    (session,) = app.sessions
    assert (session.user_id, session.package_name) == (USER, PACKAGE)
    assert session.connected and not session.ended


def test_the_answer_does_not_wait_for_on_session(scene: Scene):
    goes_on = threading.Event()
    app = scene.app(lambda: goes_on.wait(10))
    scene.start(app)
    goes_on.set()


@pytest.mark.parametrize("names", [("mentraOSWebsocketUrl",), ("augmentOSWebsocketUrl",)])
def test_either_name_of_the_address_will_do(scene: Scene, names: tuple[str, ...]):
    app = scene.app()
    body = scene.start_body()
    url = body.pop("augmentOSWebsocketUrl")
    webhook = scene.posting(app, "/webhook", {**body, names[0]: url})
    scene.accept()
    assert webhook.answer().status == 200


def test_the_newer_name_of_the_address_wins(scene: Scene):
    app = scene.app()
    other = scene.another_cloud()
    body = {**scene.start_body(), "mentraOSWebsocketUrl": scene.cloud.url}
    body["augmentOSWebsocketUrl"] = other.url
    webhook = scene.posting(app, "/webhook", body)
    scene.accept()
    assert webhook.answer().status == 200
    assert other.nobody_comes(0.05)


def test_a_failed_start_is_answered_500_and_leaves_nothing(scene: Scene):
    began, stopped = Calls(), Calls()
    app = scene.app(began, on_stop=stopped)
    webhook = scene.posting(app, "/webhook", scene.start_body())
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    peer.refuse("INVALID_API_KEY")
    answer = webhook.answer()
    assert answer.status == 500
    assert answer.json == {"status": "error", "message": "Failed to connect"}
    assert app.sessions == []
    assert scene.get(app, "/health").json["activeSessions"] == 0
    assert scene.cloud.nobody_comes(0.1)
    assert began.all == stopped.all == []


def test_authorities_that_cannot_be_read_are_named_in_the_log(
    scene: Scene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    twice = replace(QUICK, reconnect_delays=(0.02, 2 * QUICK.start))
    monkeypatch.setattr("mentra_sync.runtime.connection.Limits", lambda: twice)
    bundle = tmp_path / "authorities.pem"
    bundle.write_text("none here")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    dial._trust.cache_clear()
    app, other = scene.app(), scene.another_cloud()
    url = other.url.replace("ws:", "wss:")
    body = {**scene.start_body(), "augmentOSWebsocketUrl": url}
    webhook = scene.posting(app, "/webhook", body)
    other.accept_tcp()
    other.accept_tcp()  # it is tried again, as after any other failure
    assert webhook.answer().status == 500
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"the session of {USER} could not start: ")
    assert f"REQUESTS_CA_BUNDLE names {bundle}" in line


def test_after_a_failed_start_the_next_one_works(scene: Scene):
    app = scene.app()
    webhook = scene.posting(app, "/webhook", scene.start_body())
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    peer.refuse("PACKAGE_NOT_FOUND")
    assert webhook.answer().status == 500
    scene.start(app)
    assert len(app.sessions) == 1


def test_after_a_start_that_found_no_thread_the_next_one_works(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    app = scene.app()
    with monkeypatch.context() as patched:
        out_of_threads(patched, "mentra-conn-")
        assert scene.post(app, "/webhook", scene.start_body()).status == 500
    scene.start(app)
    assert len(app.sessions) == 1


def test_a_machine_out_of_threads_refuses_one_request_not_all(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    app = scene.app()
    with monkeypatch.context() as patched:
        out_of_threads(patched, "waitress-")
        with pytest.raises(ConnectionError):
            scene.get(app, "/health")
    assert scene.get(app, "/health").status == 200


def test_a_request_that_finds_no_thread_waits_for_one_that_there_is(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    began, go_on = Calls(), threading.Event()
    app = scene.app(on_tool_call=lambda call: (began(), go_on.wait(10)) and "done")
    call = {"toolId": "slow", "toolParameters": {}, "timestamp": 0, "userId": USER}
    tool = scene.posting(app, "/tool", call)
    began.wait()
    with monkeypatch.context() as patched:
        out_of_threads(patched, "waitress-")
        sock = socket.create_connection(("127.0.0.1", app.port), timeout=10)
        sock.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        wait_until(lambda: app._service._web is not None and app._service._web._threads.queue)
    go_on.set()
    with sock:
        assert sock.recv(65536).startswith(b"HTTP/1.0 200 ")
    assert tool.answer().json["reply"] == "done"


# --- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "wss://evil.example.com/app-ws",
        "wss://api.mentra.glass.evil.example.com/app-ws",
        "wss://api.mentra.glass@evil.example.com/app-ws",
        "ws://api.mentra.glass/app-ws",
        "http://127.0.0.1:{port}/app-ws",
        "ws://127.0.0.1:{port}@evil.example.com/",
        "ws://2130706433:{port}/app-ws",
        "ws://0.0.0.0:{port}/app-ws",
        "not an address",
        "ws://127.0.0.1:99999/",
    ],
)
def test_a_host_that_must_not_be_dialled_is_not(
    scene: Scene, url: str, caplog: pytest.LogCaptureFixture
):
    app = scene.app()
    other = scene.another_cloud()
    body = {**scene.start_body(), "augmentOSWebsocketUrl": url.format(port=other.port)}
    answer = scene.post(app, "/webhook", body)
    assert answer.status == 403
    assert answer.json["status"] == "error"
    assert other.nobody_comes(0.1), "the key would have gone there"
    assert [r.levelname for r in caplog.records if "refused" in r.message] == ["WARNING"]
    assert KEY not in caplog.text


def test_a_start_without_an_address_is_refused_and_told(
    scene: Scene, caplog: pytest.LogCaptureFixture
):
    body = {**scene.start_body(), "augmentOSWebsocketUrl": None}
    assert scene.post(scene.app(), "/webhook", body).status == 400
    assert [r.levelname for r in caplog.records if "refused" in r.message] == ["WARNING"]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"X-Forwarded-Host": "app.example.com"},
        {"X-Forwarded-Proto": "https"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"Via": "1.1 tunnel"},
        {"CF-Connecting-IP": "203.0.113.9"},
        {"X-Forwarded-For": ""},
    ],
)
@pytest.mark.parametrize("trust_proxy", [False, True])
def test_loopback_is_dialled_only_for_webhooks_from_this_machine(
    scene: Scene, headers: dict[str, str], trust_proxy: bool
):
    """A tunnel runs on this machine too, and lets the whole world in."""
    app = scene.app(trust_proxy=trust_proxy)
    answer = scene.post(app, "/webhook", scene.start_body(), headers=headers)
    assert answer.status == 403
    assert scene.cloud.nobody_comes(0.05)


def test_hosts_of_ones_own(scene: Scene):
    app = scene.app(cloud_hosts=["127.0.0.1"])
    webhook = scene.posting(
        app, "/webhook", scene.start_body(), headers={"X-Forwarded-For": "203.0.113.9"}
    )
    scene.accept()
    assert webhook.answer().status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"augmentOSWebsocketUrl": None},
        {"augmentOSWebsocketUrl": ""},
        {"augmentOSWebsocketUrl": 5},
        {"sessionId": None},
        {"sessionId": ""},
        {"sessionId": 5},
        {"sessionId": "s" * 10_000},
        {"sessionId": ["s"]},
        {"userId": None},
        {"userId": ""},
        {"userId": {"a": 1}},
        {"userId": "u" * 10_000},
    ],
)
def test_a_start_that_makes_no_sense(scene: Scene, change: dict[str, Any]):
    app = scene.app()
    answer = scene.post(app, "/webhook", {**scene.start_body(), **change})
    assert answer.status == 400
    assert answer.json["status"] == "error" and answer.json["message"]
    missing = {k: v for k, v in scene.start_body().items() if k not in change}
    assert scene.post(app, "/webhook", missing).status == 400
    assert scene.cloud.nobody_comes(0.02)


@pytest.mark.parametrize("character", ["\n", "\r", "\x00", "\x1b", "\x7f", "\x85", "\u2028"])
def test_ids_hold_no_control_characters(scene: Scene, character: str):
    app = scene.app()
    bad = f"eve{character}CRITICAL a forged line"
    start, stop = scene.start_body(), scene.stop_body()
    for path, body, name in [
        ("/webhook", {**start, "userId": bad}, "user_id"),
        ("/webhook", {**start, "sessionId": bad}, "session_id"),
        ("/webhook", {**stop, "sessionId": bad}, "session_id"),
        ("/tool", {"toolId": bad, "userId": USER}, "tool_id"),
        ("/settings", {"userIdForSettings": bad, "settings": []}, "user_id_for_settings"),
    ]:
        answer = scene.post(app, path, body)
        assert answer.status == 400
        message = answer.json["message"]
        assert message.startswith(f"{name} must hold no control characters") and "eve" in message
        assert message.isprintable()
    assert scene.cloud.nobody_comes(0.02)


def test_ids_in_any_writing(scene: Scene):
    app = scene.app()
    user = "日本 👪‍👩@example.com"
    assert scene.start(app, user).init["sessionId"] == f"{user}-{PACKAGE}"
    assert [session.user_id for session in app.sessions] == [user]


def test_what_is_logged_of_a_webhook_is_one_line(scene: Scene, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    app = scene.app()
    user = "eve\u202e@example.com"  # writes backwards on a terminal
    webhook = scene.posting(app, "/webhook", scene.start_body(user))
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    stop = {**scene.stop_body(user), "reason": "off\nCRITICAL forged\x1b[31m"}
    assert scene.post(app, "/webhook", stop).status == 200
    assert webhook.answer().status == 500
    lines = [record.getMessage() for record in caplog.records if record.name != "waitress"]
    assert any("eve?@example.com was ended while it started: off?CRITICAL" in s for s in lines)
    assert [line for line in lines if "\n" in line or "\x1b" in line] == []


@pytest.mark.parametrize("kind", ["other", "", None, 5, ["session_request"], {"a": 1}])
def test_an_unknown_type(scene: Scene, kind: Any):
    app = scene.app()
    answer = scene.post(app, "/webhook", {**scene.start_body(), "type": kind})
    assert answer.status == 400
    assert answer.json == {"status": "error", "message": "Unknown webhook request type"}


MALFORMED = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe",
    b'{"type": NaN}',
    b"[" * 100_000,
    b'{"type":"session_request"',
    b"type=session_request",
]


@pytest.mark.parametrize("path", ["/webhook", "/tool", "/settings"])
@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_body(scene: Scene, path: str, body: bytes):
    app = scene.app()
    answer = scene.post(app, path, body)
    assert answer.status == 400
    assert answer.json["status"] == "error"
    assert b"Traceback" not in answer.body


def test_the_content_type_does_not_matter(scene: Scene):
    app = scene.app()
    webhook = scene.posting(
        app, "/webhook", scene.start_body(), headers={"Content-Type": "text/plain"}
    )
    scene.accept()
    assert webhook.answer().status == 200


@pytest.mark.parametrize("path", ["/webhook", "/tool", "/settings"])
def test_a_body_of_more_than_a_mebibyte_is_refused(scene: Scene, path: str):
    app = scene.app()
    body = json.dumps({**scene.stop_body(), "filler": "x" * MIB}).encode()
    assert scene.post(app, path, body).status == 413
    just = json.dumps({**scene.stop_body(), "filler": "x" * (MIB - 300)}).encode()
    assert len(just) < MIB
    assert scene.post(app, path, just).status in (200, 400)


def test_the_same_without_a_length(scene: Scene):
    app = scene.app()
    connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)
    pieces = [b'{"filler": "', *[b"x" * 65536] * 17, b'"}']
    connection.request("POST", "/webhook", iter(pieces), encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    answer.read()
    connection.close()


def test_a_webhook_of_the_other_way(scene: Scene):
    app = scene.app()
    assert scene.get(app, "/webhook").status in (404, 405)


# --- Stopping ------------------------------------------------------------------------------------


def test_a_stop_is_answered_at_once_whatever_the_app_does(scene: Scene):
    goes_on = threading.Event()
    stopped = Calls()
    app = scene.app(lambda: goes_on.wait(10), on_stop=stopped)
    scene.start(app)
    answer = scene.post(app, "/webhook", scene.stop_body(reason="system_stop"))
    assert (answer.status, answer.json) == (200, {"status": "success"})
    assert app.sessions == [] and stopped.all == []
    assert scene.get(app, "/health").json["activeSessions"] == 0
    goes_on.set()
    assert stopped.wait() == [(f"{USER}-{PACKAGE}", USER, "system_stop")]


def test_a_stop_of_a_session_that_is_not_there(scene: Scene):
    stopped = Calls()
    app = scene.app(on_stop=stopped)
    answer = scene.post(app, "/webhook", scene.stop_body())
    assert (answer.status, answer.json) == (200, {"status": "success"})
    assert stopped.all == []


@pytest.mark.parametrize("change", [{"sessionId": None}, {"sessionId": 7}, {"userId": 7}])
def test_a_stop_that_makes_no_sense(scene: Scene, change: dict[str, Any]):
    app = scene.app()
    assert scene.post(app, "/webhook", {**scene.stop_body(), **change}).status == 400


@pytest.mark.parametrize("reason", [None, 5, ""])
def test_a_stop_without_a_reason(scene: Scene, reason: Any):
    stopped = Calls()
    app = scene.app(on_stop=stopped)
    scene.start(app)
    body = {**scene.stop_body(), "reason": reason}
    assert scene.post(app, "/webhook", body).status == 200
    assert stopped.wait()[0][2] == "user_disabled"


# --- Settings ------------------------------------------------------------------------------------


def test_settings_reach_the_sessions_of_their_user(scene: Scene):
    told = Calls()
    app = scene.make()
    app.settings_handler(lambda user, settings: told(user, settings))
    scene.serve(app)
    scene.start(app, "ann@example.com", session_id="a1")
    scene.start(app, "ann@example.com", session_id="a2")
    scene.start(app, "bob@example.com")
    push = {"userIdForSettings": "ann@example.com", "settings": [{"key": "size", "value": 3}]}
    answer = scene.post(app, "/settings", push)
    assert answer.status == 200
    assert answer.json["status"] == "success" and answer.json["message"]
    assert answer.json["sessionsUpdated"] == 2
    values = {s.session_id: s.settings.get("size") for s in app.sessions}
    assert values == {"a1": 3, "a2": 3, f"bob@example.com-{PACKAGE}": None}
    ((user, settings),) = told.values
    assert user == "ann@example.com" and [(s.key, s.value) for s in settings] == [("size", 3)]


def test_settings_of_somebody_without_a_session(scene: Scene):
    told = Calls()
    app = scene.make()
    app.settings_handler(told.one)
    scene.serve(app)
    answer = scene.post(app, "/settings", {"userIdForSettings": "eve", "settings": []})
    assert (answer.status, answer.json["sessionsUpdated"]) == (200, 0)
    assert told.values == ["eve"]


@pytest.mark.parametrize("raised", [ValueError("my own mistake"), SystemExit(3)])
def test_a_settings_handler_that_raises(
    scene: Scene, raised: BaseException, caplog: pytest.LogCaptureFixture
):
    def saved() -> None:
        raise raised

    app = scene.make()
    app.settings_handler(saved)
    scene.serve(app)
    there = scene.start(app)
    push = {"userIdForSettings": USER, "settings": [{"key": "k", "value": 1}]}
    answer = scene.post(app, "/settings", push)
    assert (answer.status, answer.json["sessionsUpdated"]) == (200, 1)
    assert "in saved" in caplog.text or "saved()" in caplog.text
    assert not there.gone


@pytest.mark.parametrize(
    "push",
    [
        {},
        {"settings": []},
        {"userIdForSettings": USER},
        {"userIdForSettings": USER, "settings": None},
        {"userIdForSettings": USER, "settings": {"key": 1}},
        {"userIdForSettings": USER, "settings": "x"},
        {"userIdForSettings": 5, "settings": []},
        {"userIdForSettings": "", "settings": []},
        {"userIdForSettings": None, "settings": []},
    ],
)
def test_settings_that_make_no_sense(scene: Scene, push: dict[str, Any]):
    app = scene.app()
    answer = scene.post(app, "/settings", push)
    assert answer.status == 400
    assert answer.json["status"] == "error" and answer.json["message"]


# --- Health, sign-in, files, own routes ----------------------------------------------------------


def test_health(scene: Scene):
    app = scene.app()
    healthy = {"status": "healthy", "app": PACKAGE, "activeSessions": 0}
    assert scene.get(app, "/health").json == healthy
    scene.start(app)
    assert scene.get(app, "/health").json == {**healthy, "activeSessions": 1}


def test_no_health(scene: Scene):
    assert scene.get(scene.app(health_check=False), "/health").status == 404


def test_signing_in(scene: Scene):
    answer = scene.get(scene.app(), "/mentra-auth")
    assert answer.status == 302
    where = f"https://account.mentra.glass/auth?packagename={PACKAGE}"
    assert answer.headers["Location"] == where


def test_files(scene: Scene, tmp_path: Path):
    public = tmp_path / "public"
    (public / "sub").mkdir(parents=True)
    (public / "page.html").write_text("hello")
    (public / "sub" / "a.txt").write_text("below")
    (public / "webhook").write_text("shadow")
    (tmp_path / "secret.txt").write_text("secret")
    app = scene.app(public_dir=public)
    assert scene.get(app, "/page.html").body == b"hello"
    assert scene.get(app, "/sub/a.txt").body == b"below"
    assert scene.post(app, "/webhook", {}).status == 400
    outside = "/../secret.txt /%2e%2e/secret.txt /..%2fsecret.txt /sub/../../secret.txt"
    outside += f" /..%5csecret.txt //secret.txt /{tmp_path}/secret.txt /missing.html"
    for path in outside.split():
        answer = scene.get(app, path)
        assert answer.status in (400, 404), path
        assert b"secret" not in answer.body.replace(path.encode(), b"")


def test_a_front_page(scene: Scene, tmp_path: Path):
    (tmp_path / "index.html").write_text("welcome")
    app = scene.app(public_dir=tmp_path)
    assert scene.get(app, "/").body == scene.get(app, "/?from=app").body == b"welcome"
    assert scene.post(app, "/", {}).status in (404, 405)
    (tmp_path / "index.html").unlink()
    assert scene.get(app, "/").status == 404


def test_a_front_page_is_guarded_as_all_files_are(scene: Scene, tmp_path: Path):
    (tmp_path / "index.html").write_text("welcome")
    app = scene.make(public_dir=tmp_path)

    @app.flask.before_request
    def nobody() -> tuple[str, int]:
        return "not for you", 403

    scene.serve(app)
    assert [scene.get(app, path).status for path in ("/", "/index.html")] == [403, 403]


def test_a_front_page_of_the_apps_own(scene: Scene, tmp_path: Path):
    (tmp_path / "index.html").write_text("welcome")
    app = scene.make(public_dir=tmp_path)
    app.flask.get("/")(lambda: "my own")
    scene.serve(app)
    assert scene.get(app, "/").body == b"my own"


def test_no_hidden_files(scene: Scene, tmp_path: Path):
    """The folder of the script itself, say, which has the key in .env."""
    (tmp_path / ".env").write_text("MENTRAOS_API_KEY=secret")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("secret")
    (tmp_path / ".well-known").mkdir()
    (tmp_path / ".well-known" / "assetlinks.json").write_text("[]")
    app = scene.app(public_dir=tmp_path)
    for path in ("/.env", "/%2eenv", "/.git/config", "/x/../.env"):
        assert scene.get(app, path).status in (400, 404), path
    assert scene.get(app, "/.well-known/assetlinks.json").status == 200


def test_no_files_unless_asked_for(scene: Scene):
    assert scene.get(scene.app(), "/server.py").status == 404


def test_own_routes(scene: Scene):
    app = scene.make()

    @app.flask.get("/hello")
    def hello() -> dict[str, Any]:
        return {"users": [session.user_id for session in app.sessions]}

    @app.flask.get("/broken")
    def broken() -> str:
        raise RuntimeError("a detail that nobody should see")

    scene.serve(app)
    scene.start(app)
    assert scene.get(app, "/hello").json == {"users": [USER]}
    answer = scene.get(app, "/broken")
    assert answer.status == 500
    assert b"Traceback" not in answer.body and b"detail" not in answer.body


def test_a_fault_of_our_own_shows_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    app = scene.app()

    def fail(*_: object) -> None:
        raise RuntimeError("a detail that nobody should see")

    monkeypatch.setattr(app, "stop_requested", fail)
    answer = scene.post(app, "/webhook", scene.stop_body())
    assert answer.status == 500
    assert answer.json["status"] == "error"
    assert b"detail" not in answer.body


def test_requests_that_are_no_http(scene: Scene):
    app = scene.app()
    for junk in (b"\x16\x03\x01\x02\x00" * 100, b"GET\r\n\r\n", b"POST /webhook HTTP/9.9\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", app.port), timeout=5) as sock:
            sock.sendall(junk)
            sock.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := sock.recv(65536):
                answer += piece
        assert b"Traceback" not in answer
    assert scene.get(app, "/health").status == 200


def test_a_caller_that_goes_away_during_the_start(scene: Scene):
    """The cloud gives up after 10 s; the session is there all the same."""
    app: AppServer = scene.app()
    body = json.dumps(scene.start_body()).encode()
    sock = socket.create_connection(("127.0.0.1", app.port))
    sock.sendall(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
    sock.sendall(body)
    peer = scene.cloud.accept_websocket()
    peer.introduce()
    sock.close()
    peer.ack()
    wait_until(lambda: len(app.sessions) == 1)


def test_limits_are_what_the_contract_says():
    assert (config.SERVER_THREADS, config.SERVER_CONNECTIONS) == (64, 1000)
    assert config.MAX_REQUEST_BYTES == 11 * MIB and config.MAX_BODY_BYTES == MIB
    assert config.MAX_TOOL_CALLS == 32
