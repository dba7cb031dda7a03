"""REST calls as they go over the wire: what is in their heads, and what never may be."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mentra_sync.runtime.calls import Call
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.identity import Identity

CLOUD = "http://cloud.example.org"
"""Not loopback, so that the environment counts; a proxy leads to the cloud that is played here."""


class RestCloud(ThreadingHTTPServer):
    """Answers every call, sets a cookie with each answer, and keeps the heads of the calls."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.heads: list[Any] = []
        self.targets: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RestCloud

    def do_GET(self) -> None:
        self.server.heads.append(self.headers)
        self.server.targets.append(self.path)
        body = json.dumps({"success": True, "data": {}, "settings": []}).encode()
        self.send_response(200)
        self.send_header("Set-Cookie", f"sid=of-call-{len(self.server.heads)}; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(name="rest")
def rest_fixture() -> Iterator[RestCloud]:
    with RestCloud() as rest:
        thread = threading.Thread(target=rest.serve_forever, args=(0.01,))
        thread.start()
        yield rest
        rest.shutdown()
        thread.join()


@pytest.fixture(name="api")
def api_fixture() -> Iterator[CloudApi]:
    api = CloudApi()
    yield api
    api.close()


def test_a_netrc_does_not_take_the_place_of_our_own_key(
    rest: RestCloud, api: CloudApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login alice password netrc-password\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, rest.url.replace("//", "//me:word@"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    identity = Identity("s", "u@x", "com.example.a", "the-key")
    assert api.stored_values(CLOUD, identity, call=Call(), seconds=5) == {}
    (head,) = rest.heads
    assert head["Authorization"] == "Bearer com.example.a:the-key"
    # The rest of the environment still counts: the call has come by the proxy, and with its key.
    assert rest.targets == [f"{CLOUD}/api/sdk/simple-storage/u%40x"]
    assert head["Proxy-Authorization"] == f"Basic {base64.b64encode(b'me:word').decode()}"


def test_the_cookies_of_one_user_do_not_go_out_with_anothers_call(
    rest: RestCloud, api: CloudApi
) -> None:
    for user in ("first@x", "second@x"):
        api.app_settings(rest.url, "com.example.a", user, call=Call())
    assert [head["Authorization"] for head in rest.heads] == ["Bearer first@x", "Bearer second@x"]
    assert [head["Cookie"] for head in rest.heads] == [None, None]


@pytest.mark.parametrize(
    ("user", "coding"), [("ann@x", "ascii"), ("ren\u00e9@x", "latin-1"), ("日本@x", "utf-8")]
)
def test_users_in_any_writing(rest: RestCloud, api: CloudApi, user: str, coding: str) -> None:
    assert api.app_settings(rest.url, "com.example.a", user, call=Call())["settings"] == []
    (head,) = rest.heads  # read as Latin-1, as HTTP has it
    assert head["Authorization"].encode("latin-1") == f"Bearer {user}".encode(coding)
