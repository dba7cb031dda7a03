"""Who is looking at a web page: each way to be known, in its order, and everything that is none.

All over real HTTP; the cloud that exchanges temporary tokens is a scripted one on loopback.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable
from http.cookies import Morsel, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import flask
import jwt
import pytest
from cloud import (  # noqa: F401
    KEY,
    PACKAGE,
    USER,
    Answer,
    Scene,
    http_answer,
    scene_fixture,
    wait_until,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from mentra_sync import AppServer, config, webview

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ISSUER = "https://prod.augmentos.cloud"
KEY_VARIABLE = "MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY"
EXCHANGE = "/api/auth/exchange-user-token"
MONTH = 30 * 24 * 60 * 60


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def frontend_token(user: str = USER, key: str = KEY) -> str:
    return f"{user}:{sha256(user + sha256(key))}"


def checksum(url: str, key: str = KEY) -> str:
    return sha256(url + sha256(key))


class Visitor:
    """A browser: it keeps its cookie, unless told not to."""

    def __init__(self, scene: Scene, app: AppServer) -> None:
        self._scene = scene
        self.app = app
        self.cookie: str | None = None

    def open(
        self,
        path: str = "/who",
        headers: dict[str, str] | None = None,
        method: str = "GET",
        **query: str,
    ) -> Answer:
        sent = dict(headers or {})
        if self.cookie is not None:
            sent.setdefault("Cookie", f"aos_session={self.cookie}")
        where = f"{path}?{urlencode(query)}" if query else path
        answer = self._scene.request(self.app, method, where, headers=sent)
        morsel = cookie_of(answer)
        if morsel is not None:
            self.cookie = None if cleared(answer) else morsel.value
        return answer

    def who(self, headers: dict[str, str] | None = None, **query: str) -> Any:
        return self.open("/who", headers, **query).json["user"]

    def sign_in(self, user: str = USER) -> str:
        assert self.who(aos_frontend_token=frontend_token(user)) == user
        assert self.cookie is not None
        return self.cookie


def cookie_of(answer: Answer) -> Morsel[str] | None:
    lines = answer.headers.get_all("Set-Cookie") or []
    assert len(lines) <= 1
    if not lines:
        return None
    parsed: SimpleCookie = SimpleCookie(lines[0])
    assert list(parsed) == ["aos_session"]
    return parsed["aos_session"]


def cleared(answer: Answer) -> bool:
    morsel = cookie_of(answer)
    return morsel is not None and morsel.value == "" and morsel["max-age"] == "0"


@pytest.fixture
def page_app(scene: Scene) -> Callable[..., AppServer]:
    """Makes apps with pages: one that tells who looks, one for those who have signed in."""

    def make(**options: Any) -> AppServer:
        app = scene.make(**options)

        @app.flask.route("/who", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
        def who() -> dict[str, Any]:
            session = webview.current_session()
            return {
                "user": webview.current_user_id(),
                "session": None if session is None else session.session_id,
            }

        @app.flask.route("/mine", methods=["GET", "POST"])
        @webview.login_required
        def mine() -> str:
            """For those who have signed in."""
            return f"of {webview.current_user_id()}"

        @app.flask.get("/plain")
        def plain() -> str:
            return "for all"

        return scene.serve(app)

    return make


@pytest.fixture
def visitor(scene: Scene, page_app: Callable[..., AppServer]) -> Visitor:
    return Visitor(scene, page_app())


# --- 1: signed by the cloud ----------------------------------------------------------------------


class Signer:
    """The cloud's private key, and tokens made with it."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        self.private = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self.public = (
            self._key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def token(self, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": USER, "iat": now, "exp": now + 600, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign(json.dumps(claims).encode(), headers)

    def sign(self, payload: bytes, headers: dict[str, Any] | None = None) -> str:
        return jwt.PyJWS().encode(payload, self._key, algorithm="RS256", headers=headers)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


@pytest.fixture
def signed(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> Signer:
    """The same, with its public key in the environment."""
    monkeypatch.setenv(KEY_VARIABLE, signer.public)
    return signer


def test_a_token_that_the_cloud_signed(visitor: Visitor, signed: Signer):
    assert visitor.who() is None
    assert visitor.who(aos_signed_user_token=signed.token()) == USER
    assert visitor.who() == USER, "the cookie says so"


def test_the_key_on_one_line(visitor: Visitor, signer: Signer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(KEY_VARIABLE, signer.public.replace("\n", "\\n"))
    assert visitor.who(aos_signed_user_token=signer.token()) == USER


def test_the_published_key_counts_where_no_other_is_set(
    visitor: Visitor, signer: Signer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert visitor.who(aos_signed_user_token=signer.token()) is None
    key: Any = serialization.load_pem_public_key(webview._PUBLIC_KEY.encode())
    assert key.key_size == 2048
    monkeypatch.setattr(webview, "_PUBLIC_KEY", signer.public)
    assert visitor.who(aos_signed_user_token=signer.token()) == USER


def test_the_leeway_is_120_seconds(visitor: Visitor, signed: Signer):
    now = int(time.time())
    for good in ({"exp": now - 100}, {"nbf": now + 100}, {"iat": now + 100}, {"aud": "anybody"}):
        assert visitor.who(aos_signed_user_token=signed.token(**good)) == USER
        visitor.cookie = None
    for bad in ({"exp": now - 125}, {"nbf": now + 180}, {"iat": now + 180}):
        assert visitor.who(aos_signed_user_token=signed.token(**bad)) is None


WRONG_CLAIMS = [
    {"iss": "https://evil.example.com"},
    {"iss": ISSUER + "/"},
    {"iss": [ISSUER, "x"]},
    {"iss": None},
    {"sub": None},
    {"sub": ""},
    {"sub": 5},
    {"sub": [USER]},
    {"sub": {"id": USER}},
    {"sub": "u" * 1001},
    {"exp": "later"},
    {"exp": [1]},
]


def test_claims_that_are_wrong(visitor: Visitor, signed: Signer):
    for changes in WRONG_CLAIMS:
        answer = visitor.open(aos_signed_user_token=signed.token(**changes))
        assert (answer.status, answer.json["user"]) == (200, None), changes
        assert cookie_of(answer) is None


def encoded(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hmac_signed(header: dict[str, Any], payload: bytes, key: bytes) -> str:
    head = f"{encoded(header)}.{encoded(payload)}"
    return f"{head}.{encoded(hmac.digest(key, head.encode(), hashlib.sha256))}"


def test_forged_tokens(visitor: Visitor, signed: Signer, caplog: pytest.LogCaptureFixture):
    good = signed.token()
    head, payload, signature = good.split(".")
    claims = base64.urlsafe_b64decode(payload + "==")
    eve = Signer()
    own = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(eve._key.public_key()))
    forged = {
        "the public key as a shared secret": hmac_signed(
            {"alg": "HS256"}, claims, signed.public.encode()
        ),
        "the same without the last newline": hmac_signed(
            {"alg": "HS256"}, claims, signed.public.strip().encode()
        ),
        "a shared secret under the name of RS256": hmac_signed(
            {"alg": "RS256"}, claims, signed.public.encode()
        ),
        "no algorithm": f"{encoded({'alg': 'none'})}.{payload}.",
        "None": f"{encoded({'alg': 'None'})}.{payload}.{signature}",
        "no signature": f"{head}.{payload}.",
        "a signature of something else": f"{head}.{encoded(claims + b' ')}.{signature}",
        "another key": eve.token(),
        "another key that comes along": eve.token({"jwk": own}),
        "a key from elsewhere": eve.token({"jku": "http://127.0.0.1/keys", "kid": "../../key"}),
        "another RSA": jwt.encode(json.loads(claims), signed.private, algorithm="PS256"),
        "the parts of another form": json.dumps({"payload": payload, "signature": signature}),
    }
    for what, token in forged.items():
        assert visitor.who(aos_signed_user_token=token) is None, what
        # A forgery says nothing about our key: it is refused before that is even looked at.
        assert [r for r in caplog.records if r.levelno >= logging.WARNING] == [], what
    assert visitor.who(aos_signed_user_token=good) == USER, "the forger's tools must work"


DEEP = b"[" * 20_000
JUNK = [
    *(
        ".",
        "..",
        "a.b.c",
        "a.b.c.d",
        "é.ü.ß",
        "\x00",
        "%",
        "x" * 60_000,
        "😀",
    ),
    *(f"{encoded(DEEP)}.e30.x", f"{encoded(b'{}')}.e30.x", f"{encoded([1])}.e30.x"),
    *(f"{encoded({'alg': alg})}.e30.x" for alg in (None, 5, {}, ["RS256"], "RS256")),
]


def test_what_is_no_token_is_nobody_and_no_failure(
    visitor: Visitor, signed: Signer, caplog: pytest.LogCaptureFixture
):
    for token in JUNK:
        answer = visitor.open(aos_signed_user_token=token)
        assert (answer.status, answer.json["user"]) == (200, None), token[:100]
        assert all(record.levelno < logging.WARNING for record in caplog.records), token[:100]


SENSELESS = [DEEP, b"[]", b"5", b"\xff", b"", b'{"exp": 1e999}']


def test_what_is_signed_but_makes_no_sense(visitor: Visitor, signed: Signer):
    for payload in SENSELESS:
        answer = visitor.open(aos_signed_user_token=signed.sign(payload))
        assert (answer.status, answer.json["user"]) == (200, None), payload[:100]


@pytest.mark.parametrize("error", [RecursionError, OverflowError, TypeError, KeyError])
def test_whatever_a_token_makes_the_library_raise(
    visitor: Visitor, error: type[Exception], monkeypatch: pytest.MonkeyPatch
):
    """Versions of PyJWT differ in what they let through."""

    def fail(*_: Any, **__: Any) -> None:
        raise error("the token was: x.y.z")

    monkeypatch.setattr(jwt, "decode", fail)
    answer = visitor.open(aos_signed_user_token="x.y.z")
    assert (answer.status, answer.json["user"]) == (200, None)


def test_a_key_in_the_environment_that_is_none_is_told_of(
    visitor: Visitor,
    signer: Signer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    for value in ("no key", signer.public[:60], "-----BEGIN PUBLIC KEY-----"):
        monkeypatch.setenv(KEY_VARIABLE, value)
        assert visitor.who(aos_signed_user_token=signer.token()) is None
        (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
        assert KEY_VARIABLE in record.getMessage() and value not in record.getMessage()
        caplog.clear()


# --- 2: exchanged by the cloud -------------------------------------------------------------------


class Exchange:
    """The cloud's answer to temporary tokens, and who asked."""

    def __init__(self, scene: Scene) -> None:
        self.url = f"http://127.0.0.1:{scene.cloud.port}"
        self.users = {"ticket": USER}
        self.raw: bytes | None = None
        self.calls: list[dict[str, Any]] = []
        self.keys: list[str] = []
        scene.cloud.rest[EXCHANGE] = self._answer

    def _answer(self, peer: Any) -> None:
        lines = peer.request.decode().split("\r\n")
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines[1:])}
        body = b""
        while len(body) < int(headers["content-length"]):
            body += peer.sock.recv(65536)
        assert lines[0] == f"POST {EXCHANGE} HTTP/1.1"
        self.keys.append(headers["authorization"])
        self.calls.append(json.loads(body))
        user = self.users.pop(self.calls[-1]["aos_temp_token"], None)
        answer = {"success": True, "userId": user} if user else {"success": False}
        peer.sock.sendall(self.raw or http_answer(json.dumps(answer).encode()))
        peer.close()


@pytest.fixture
def exchange(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    """The cloud that is asked when the page names none."""
    exchange = Exchange(scene)
    monkeypatch.setattr(config, "CLOUD_URL", exchange.url)
    return exchange


def test_a_temporary_token(visitor: Visitor, exchange: Exchange):
    assert visitor.who(aos_temp_token="ticket") == USER
    assert exchange.calls == [{"aos_temp_token": "ticket", "packageName": PACKAGE}]
    assert exchange.keys == [f"Bearer {KEY}"]
    assert visitor.who() == USER, "the cookie says so"
    assert len(exchange.calls) == 1, "and the cloud is asked no more"
    assert visitor.who(aos_temp_token="ticket") == USER, "a page that is loaded again"
    visitor.cookie = None
    assert visitor.who(aos_temp_token="ticket") is None, "it is good once"


NO_USER = [
    http_answer(b'{"success": true, "userId": "eve"}', "401 Unauthorized"),
    http_answer(b'{"success": true, "userId": "eve"}', "500 Internal Server Error"),
    http_answer(b'{"success": false, "userId": "eve"}'),
    http_answer(b'{"success": "true", "userId": "eve"}'),
    http_answer(b'{"success": 1, "userId": "eve"}'),
    http_answer(b'{"userId": "eve"}'),
    http_answer(b'{"success": true}'),
    http_answer(b'{"success": true, "userId": null}'),
    http_answer(b'{"success": true, "userId": ""}'),
    http_answer(b'{"success": true, "userId": 5}'),
    http_answer(b'{"success": true, "userId": ["eve"]}'),
    http_answer(b'{"success": true, "userId": "' + b"e" * 2000 + b'"}'),
    http_answer(b'{"success": true, "userId": "eve"', length=500),
    http_answer(b'[{"success": true, "userId": "eve"}]'),
    http_answer(b"<!doctype html><title>Bad gateway</title>", "502 Bad Gateway"),
    http_answer(b"<!doctype html><title>Sign in to this network</title>"),
    http_answer(b"", "204 No Content"),
    http_answer(b"["),
    http_answer(b"[" * 100_000),
    http_answer(b"no gzip", "200 OK", "Content-Encoding: gzip"),
    b"no HTTP at all\r\n\r\n",
]


def test_a_cloud_that_does_not_say_whose_token_it_is(
    visitor: Visitor, exchange: Exchange, caplog: pytest.LogCaptureFixture
):
    for count, answer in enumerate(NO_USER, 1):
        exchange.raw = answer
        page = visitor.open(aos_temp_token="ticket")
        assert (page.status, page.json["user"]) == (200, None), answer[:200]
        assert cookie_of(page) is None
        assert len(exchange.calls) == count, "it is asked once"
        assert "Traceback" not in caplog.text and "ticket" not in caplog.text


def test_the_key_follows_no_redirect(scene: Scene, visitor: Visitor, exchange: Exchange):
    other = scene.another_cloud()
    for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
        where = f"Location: http://127.0.0.1:{other.port}{EXCHANGE}"
        exchange.raw = http_answer(b'{"success": true, "userId": "eve"}', status, where)
        assert visitor.who(aos_temp_token="ticket") is None
    assert other.nobody_comes(0.05)


def test_a_slow_cloud_and_none_at_all(
    scene: Scene, visitor: Visitor, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "HTTP_TIMEOUT", (0.2, 0.2))
    scene.cloud.rest[EXCHANGE] = lambda peer: None  # and never a word
    assert visitor.who(aos_temp_token="ticket") is None
    scene.cloud.vanish()
    began = time.monotonic()
    assert visitor.who(aos_temp_token="ticket") is None
    assert visitor.who(aos_temp_token="t", aos_frontend_token=frontend_token()) == USER
    assert time.monotonic() - began < 9


def test_the_cloud_that_a_page_names(scene: Scene, visitor: Visitor, monkeypatch: Any):
    exchange = Exchange(scene)
    usual = scene.another_cloud()
    monkeypatch.setattr(config, "CLOUD_URL", f"http://127.0.0.1:{usual.port}")
    named = {"cloudApiUrl": exchange.url, "cloudApiUrlChecksum": checksum(exchange.url)}
    assert visitor.who(aos_temp_token="ticket", **named) == USER
    assert exchange.keys == [f"Bearer {KEY}"]
    assert usual.nobody_comes(0.02)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "0" * 64,
        "é",
        checksum("http://127.0.0.1:1"),
        "{checksum}x",
        "{CHECKSUM}",
        "{plain}",
        "{other key}",
    ],
)
def test_a_wrong_checksum_leaves_the_usual_cloud(
    scene: Scene, visitor: Visitor, exchange: Exchange, given: str | None, caplog: Any
):
    other = scene.another_cloud()
    url = f"http://127.0.0.1:{other.port}"
    meanings = {
        "{checksum}x": checksum(url) + "x",
        "{CHECKSUM}": checksum(url).upper(),
        "{plain}": sha256(url),
        "{other key}": checksum(url, KEY[:-1]),
    }
    query = {"cloudApiUrl": url}
    if given is not None:
        query["cloudApiUrlChecksum"] = meanings.get(given, given)
    assert visitor.who(aos_temp_token="ticket", **query) == USER
    assert len(exchange.calls) == 1 and other.nobody_comes(0.02)
    assert "wrong checksum" in caplog.text


NOT_DIALLED = [
    "https://evil.example.com",
    "https://api.mentra.glass.evil.example.com",
    "https://api.mentra.glass@evil.example.com",
    "http://api.mentra.glass",
    "ftp://127.0.0.1:{port}",
    "http://0.0.0.0:{port}",
    "http://2130706433:{port}",
    "http://127.1:{port}",
    "http://127.0.0.1:{port}@evil.example.com/",
    "127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "http://127.0.0.1:{port}/\r\nX: y",
    "http://127.0.0.1:99999",
    "file:///etc/passwd",
]


def test_a_named_cloud_that_must_not_be_dialled(
    scene: Scene, visitor: Visitor, exchange: Exchange, caplog: Any
):
    """A right checksum proves that somebody with the key wrote it, not that it is right."""
    other = scene.another_cloud()
    for url in (url.format(port=other.port) for url in NOT_DIALLED):
        query = {"cloudApiUrl": url, "cloudApiUrlChecksum": checksum(url)}
        assert visitor.who(aos_temp_token="ticket", **query) is None, url
        assert exchange.calls == [], url
        told = [record.levelname for record in caplog.records if "exchanged" in record.message]
        assert told == ["WARNING"], url
        assert KEY not in caplog.text
        caplog.clear()
    assert other.nobody_comes(0.02)


@pytest.mark.parametrize("trust_proxy", [False, True])
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Fly-Client-IP"])
def test_a_cloud_on_this_machine_is_only_for_visitors_on_it(
    scene: Scene, page_app: Any, header: str, trust_proxy: bool
):
    visitor, exchange = Visitor(scene, page_app(trust_proxy=trust_proxy)), Exchange(scene)
    query = {"cloudApiUrl": exchange.url, "cloudApiUrlChecksum": checksum(exchange.url)}
    assert visitor.who({header: "203.0.113.9"}, aos_temp_token="ticket", **query) is None
    assert exchange.calls == []
    assert visitor.who(aos_temp_token="ticket", **query) == USER


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:203.0.113.9", False),
        ("203.0.113.9", False),
        ("10.0.0.1", False),
        ("::", False),
        ("0.0.0.0", False),
        ("", False),
        (None, False),
        ("unix:", False),
    ],
)
def test_who_is_on_this_machine(address: str | None, local: bool):
    from mentra_sync.callers import is_straight_from_loopback

    app = flask.Flask("any")
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": address}):
        assert is_straight_from_loopback() is local


def test_a_token_that_is_good_once_is_kept_for_the_page_itself(scene: Scene, exchange: Exchange):
    """``/notes`` only leads to ``/notes/``, and a cookie may be lost on the way."""
    app = scene.make()
    app.flask.route("/notes/")(lambda: str(webview.current_user_id()))
    scene.serve(app)
    answer = scene.get(app, "/notes?aos_temp_token=ticket")
    assert answer.status == 308 and exchange.calls == []
    where = answer.headers["Location"].partition(f":{app.port}")[2]
    assert scene.get(app, where).body == USER.encode()


# --- 3: made with the app's key ------------------------------------------------------------------


GOOD_HEADERS = [
    {"Authorization": f"Bearer {frontend_token()}"},
    {"Authorization": f"bearer   {frontend_token()} "},
    {"authorization": f"BEARER {frontend_token()}"},
]


def test_a_frontend_token_in_the_header(visitor: Visitor):
    for headers in GOOD_HEADERS:
        visitor.cookie = None
        assert visitor.who(headers) == USER, headers
        assert visitor.who() == USER, "the cookie says so"


USERS = [USER, "a:b:c", ":", "::", "é ü@example.com", "x" * 1000, "5"]


def test_a_frontend_token_in_the_query(visitor: Visitor):
    for user in USERS:
        assert visitor.who(aos_frontend_token=frontend_token(user)) == user
        assert visitor.who() == user


OTHER_HEADERS = ["Basic YTpi", "Bearer", "Bearer of-the-app-itself", "Bearer a:b", "", "Any x"]


def test_a_header_of_another_kind_does_not_hide_the_query(visitor: Visitor):
    for authorization in OTHER_HEADERS:
        headers = {"Authorization": authorization}
        visitor.cookie = None
        assert visitor.who(headers, aos_frontend_token=frontend_token()) == USER, authorization


WRONG_FRONTEND = [
    "",
    ":",
    USER,
    f"{USER}:",
    f":{sha256('' + sha256(KEY))}",
    frontend_token(USER, KEY[:-1]),
    frontend_token(USER, KEY.lower()),
    frontend_token()[:-1],
    frontend_token() + "0",
    frontend_token().upper(),
    frontend_token().replace("ann", "bob"),
    f"{USER}:{sha256(USER + KEY)}",
    f"{USER}:{sha256(KEY)}",
    f"{USER}:" + "é" * 64,
    frontend_token("u" * 1001),
    f"http://127.0.0.1:1:{checksum('http://127.0.0.1:1')}",
]


def test_a_frontend_token_that_is_wrong(visitor: Visitor):
    for token in WRONG_FRONTEND:
        assert visitor.who(aos_frontend_token=token) is None, token
        if token.isascii():
            assert visitor.who({"Authorization": f"Bearer {token}"}) is None, token
    for scheme in ("Basic ", "Token ", "Digest ", "Bearer: ", "BearerX ", "Bearer", ""):
        assert visitor.who({"Authorization": f"{scheme}{frontend_token()}"}) is None, scheme


def test_hashes_are_compared_in_constant_time(
    visitor: Visitor, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
):
    compared = []
    compare = hmac.compare_digest

    def noting(a: Any, b: Any) -> bool:
        compared.append((a, b))
        return compare(a, b)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    wrong = f"{USER}:{'0' * 64}"
    assert visitor.who(aos_frontend_token=wrong) is None
    assert (b"0" * 64, frontend_token().rpartition(":")[2].encode()) in compared
    url = "https://api.mentra.glass"
    visitor.who(aos_temp_token="x", cloudApiUrl=url, cloudApiUrlChecksum="1" * 64)
    assert (b"1" * 64, checksum(url).encode()) in compared


# --- The order -----------------------------------------------------------------------------------


def test_the_first_way_that_leads_somewhere_counts(
    visitor: Visitor, signed: Signer, exchange: Exchange
):
    exchange.users = {"ticket": "temporary"}
    ways = {
        "aos_signed_user_token": (signed.token(sub="signed"), "x.y.z"),
        "aos_temp_token": ("ticket", "used up"),
        "aos_frontend_token": (frontend_token("frontend"), "frontend:0"),
    }
    visitor.cookie = visitor.sign_in("cookie")
    names, cookie = list(ways), visitor.cookie
    for first, user in enumerate(("signed", "temporary", "frontend", "cookie")):
        visitor.cookie = cookie
        query = {name: ways[name][int(i < first)] for i, name in enumerate(names)}
        assert visitor.who(**query) == user
        if user == "signed":
            assert exchange.calls == [], "the cloud is not asked when the user is known"
    assert visitor.cookie == cookie, "a cookie that is good is not set again"


def test_a_new_user_replaces_the_one_of_the_cookie(visitor: Visitor):
    visitor.sign_in("ann")
    visitor.sign_in("bob")
    assert visitor.who() == "bob"


# --- 4: the cookie -------------------------------------------------------------------------------


def test_the_cookie_over_http(visitor: Visitor):
    morsel = cookie_of(visitor.open(aos_frontend_token=frontend_token()))
    assert morsel is not None
    assert (morsel["samesite"], morsel["secure"], morsel["httponly"]) == ("Lax", "", True)
    assert (morsel["path"], morsel["max-age"], morsel["domain"]) == ("/", str(MONTH), "")


@pytest.mark.parametrize("proto", ["https", "http", "https, http", "http, https", "ftp"])
@pytest.mark.parametrize("trust_proxy", [False, True])
def test_the_cookie_over_https(scene: Scene, page_app: Any, proto: str, trust_proxy: bool):
    """Only a server that is told to trust its proxy believes it; the last one has the say."""
    visitor = Visitor(scene, page_app(trust_proxy=trust_proxy))
    headers = {"X-Forwarded-Proto": proto, "X-Forwarded-Host": "evil.example.com"}
    morsel = cookie_of(visitor.open(headers=headers, aos_frontend_token=frontend_token()))
    secure = trust_proxy and proto.endswith("https")
    assert morsel is not None
    assert (morsel["samesite"], morsel["secure"]) == (("None", True) if secure else ("Lax", ""))
    assert (morsel["httponly"], morsel["domain"], morsel["path"]) == (True, "", "/")
    gone = visitor.open(headers={**headers, "Cookie": "aos_session=bad"})
    assert cleared(gone), gone.headers["Set-Cookie"]
    assert ("Secure" in gone.headers["Set-Cookie"]) == secure


def test_a_cookie_is_good_for_thirty_days(visitor: Visitor, monkeypatch: pytest.MonkeyPatch):
    for age, user in ((MONTH - 60, USER), (MONTH + 60, None), (-3600, None)):
        with monkeypatch.context() as patch:
            then = int(time.time()) - age
            patch.setattr(TimestampSigner, "get_timestamp", lambda self, then=then: then)
            visitor.sign_in()
        answer = visitor.open()
        assert answer.json["user"] == user, age
        assert cleared(answer) == (user is None)
        visitor.cookie = None


def forged(secret: str, user: Any = "eve", salt: str = "aos_session") -> str:
    return str(URLSafeTimedSerializer(secret, salt=salt).dumps(user))


def test_a_bad_cookie_is_cleared(visitor: Visitor):
    good = visitor.sign_in()
    secret = webview.derived_cookie_secret(KEY)
    bad = [
        *("bad", "a.b.c", "", ".", "é", "%00", "=", "x" * 4000, good[:-1], good + "x"),
        *(good.replace(".", "..", 1), good.swapcase(), good.partition(".")[2]),
        *(forged(secret, user) for user in (5, None, ["eve"], {"id": "eve"}, "", "u" * 1001)),
        forged(secret, salt="another"),
        # What the TypeScript SDK would have signed with, and what is easily known.
        *(forged(guess) for guess in (f"AOS_{PACKAGE}_{KEY[:8]}", PACKAGE, "", "aos_session")),
        *(forged(guess) for guess in (KEY, sha256(KEY), webview.derived_cookie_secret(KEY[:-1]))),
        *(forged(webview.derived_cookie_secret(guess)) for guess in (KEY[:8], "", PACKAGE)),
        URLSafeTimedSerializer(secret, salt="aos_session").dumps("eve").replace("I", "J", 1),
    ]
    for cookie in bad:
        answer = visitor.open(headers={"Cookie": f"aos_session={cookie}"})
        assert (answer.status, answer.json["user"]) == (200, None), cookie
        assert cleared(answer), cookie
    eve = forged(secret)
    assert visitor.who({"Cookie": f"aos_session={eve}"}) == "eve", "the forger's tools must work"


def test_every_changed_character_of_a_cookie_is_noticed(visitor: Visitor):
    good = visitor.sign_in()
    client = visitor.app.flask.test_client()
    for index, was in enumerate(good[:-1]):  # some bits of the very last one mean nothing
        changed = good[:index] + ("A" if was != "A" else "B") + good[index + 1 :]
        answer = client.get("/who", headers={"Cookie": f"aos_session={changed}"})
        assert answer.json == {"user": None, "session": None}, index


def test_the_secret_comes_from_the_whole_key(scene: Scene, page_app: Any):
    secrets = {webview.derived_cookie_secret(key) for key in (KEY, KEY[:-1], KEY + "x", "")}
    assert len(secrets) == 4 and all(len(secret) == 64 for secret in secrets)
    assert not any(KEY in secret or secret == sha256(KEY) for secret in secrets)
    label = b"mentra_sync webview cookie"
    assert webview.derived_cookie_secret(KEY) == hmac.digest(KEY.encode(), label, "sha256").hex()


def test_another_key_invalidates_all_cookies(scene: Scene, page_app: Any):
    before, after = page_app(), page_app()
    after._api_key = KEY[:-1] + "X"
    visitor = Visitor(scene, before)
    visitor.sign_in()
    assert visitor.who() == USER
    visitor.app = after
    assert visitor.who() is None and visitor.cookie is None


def test_a_secret_of_ones_own(scene: Scene, page_app: Any):
    secret = "my own secret"
    mine, also_mine, other = (
        page_app(cookie_secret=secret),
        page_app(cookie_secret=secret),
        page_app(),
    )
    visitor = Visitor(scene, mine)
    cookie = visitor.sign_in()
    also_mine._api_key = "another key"
    for app, user in ((mine, USER), (also_mine, USER), (other, None)):
        visitor.app, visitor.cookie = app, cookie
        assert visitor.who() == user
    default = forged(webview.derived_cookie_secret(KEY))
    visitor.app = mine
    assert visitor.who({"Cookie": f"aos_session={default}"}) is None


def test_by_the_cookie_alone_other_sites_change_nothing(visitor: Visitor):
    """Over https browsers send it along with the requests of other sites' pages."""
    visitor.sign_in()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for site, user in {"cross-site": None, "same-origin": USER, "none": USER, "": USER}.items():
            answer = visitor.open(method=method, headers={"Sec-Fetch-Site": site})
            assert answer.json["user"] == user, (method, site)
            assert cookie_of(answer) is None, "it stays good for the page itself"
    assert visitor.open(method="POST").json["user"] == USER
    assert visitor.who({"Sec-Fetch-Site": "cross-site"}) == USER, "a link leads here"
    headers = {"Sec-Fetch-Site": "cross-site", "Authorization": f"Bearer {frontend_token('bob')}"}
    assert visitor.open(method="POST", headers=headers).json["user"] == "bob"


# --- Sessions, and others ------------------------------------------------------------------------


def test_the_session_is_looked_up_at_each_moment(scene: Scene, visitor: Visitor):
    app = visitor.app
    seen = []

    @app.flask.get("/meanwhile")
    def meanwhile() -> str:
        seen.append(webview.current_session())
        scene.stop_session(app, there)
        seen.append(webview.current_session())
        return ""

    visitor.sign_in()
    assert visitor.open().json == {"user": USER, "session": None}
    there = scene.start(app)
    assert visitor.open().json == {"user": USER, "session": f"{USER}-{PACKAGE}"}
    scene.start(app, session_id="a newer one")
    assert visitor.open().json["session"] == "a newer one"
    scene.post(app, "/webhook", scene.stop_body(session_id="a newer one"))
    assert visitor.open().json["session"] == f"{USER}-{PACKAGE}"
    scene.start(app, "bob@example.com")
    (session, _) = app.sessions
    assert visitor.open("/meanwhile").status == 200
    assert seen == [session, None]
    assert visitor.open().json == {"user": USER, "session": None}


def test_users_at_the_same_moment_are_kept_apart(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "SERVER_THREADS", 64)
    app = scene.make()
    together = threading.Barrier(16)

    @app.flask.get("/together")
    def meet() -> list[Any]:
        before = webview.current_user_id()
        together.wait(10)
        session = webview.current_session()
        return [before, webview.current_user_id(), session and session.user_id]

    scene.serve(app)
    users = [f"user{number}@example.com" for number in range(15)]
    for user in users[:4]:
        scene.start(app, user)
    wrong: list[Any] = []

    def visit(user: str | None) -> None:
        visitor = Visitor(scene, app)
        for turn in range(3):
            query = {"aos_frontend_token": frontend_token(user)} if user and not turn else {}
            expected = [user, user, user if user in users[:4] else None]
            answer = visitor.open("/together", **query).json
            if answer != expected:
                wrong.append((answer, expected))

    threads = [threading.Thread(target=visit, args=(user,)) for user in [*users, None]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_requests_in_one_app_context_do_not_inherit_the_user(visitor: Visitor):
    """As in a person's own tests: ``with app.flask.app_context(): client.get(...)``."""
    client = visitor.app.flask.test_client(use_cookies=False)
    with visitor.app.flask.app_context():
        assert client.get(f"/who?aos_frontend_token={frontend_token()}").json["user"] == USER
        answer = client.get("/who")
        assert answer.json["user"] is None and "Set-Cookie" not in answer.headers
        assert client.get("/mine").status_code == 401
        assert "Set-Cookie" not in client.get("/health").headers


# --- login_required ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "accept", "status"),
    [
        ("GET", BROWSER, 302),
        ("GET", "text/html", 302),
        ("GET", "text/*", 302),
        ("HEAD", BROWSER, 302),
        ("POST", BROWSER, 401),
        ("GET", "application/json", 401),
        ("GET", "*/*", 401),
        ("GET", None, 401),
        ("GET", "", 401),
        ("GET", "text/html;q=0.1, application/json", 401),
        ("GET", "text/html;q=nonsense", 401),
        ("HEAD", "application/json", 401),
    ],
)
def test_who_has_not_signed_in(visitor: Visitor, method: str, accept: str | None, status: int):
    headers = {} if accept is None else {"Accept": accept}
    answer = visitor.open("/mine", headers, method)
    assert answer.status == status
    if status == 302:
        assert answer.headers["Location"] == "/mentra-auth"
    elif method != "HEAD":
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json == {"status": "error", "message": "sign in first: open /mentra-auth"}
    assert b"of " not in answer.body
    visitor.sign_in()
    answer = visitor.open("/mine", headers, method)
    assert (answer.status, answer.body) == (
        200,
        b"" if method == "HEAD" else b"of " + USER.encode(),
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.com"},
        {"X-Forwarded-Host": "evil.example.com"},
        {"X-Forwarded-Prefix": "//evil.example.com"},
        {"X-Forwarded-Proto": "javascript"},
        {"X-Original-URL": "https://evil.example.com"},
        {"Referer": "https://evil.example.com"},
    ],
    ids=str,
)
@pytest.mark.parametrize("trust_proxy", [False, True])
def test_nobody_is_sent_elsewhere(
    scene: Scene, page_app: Any, headers: dict[str, str], trust_proxy: bool
):
    app = page_app(trust_proxy=trust_proxy)
    query = "?next=https://evil.example.com&redirect=//evil.example.com"
    answer = scene.get(app, f"/mine{query}", headers={"Accept": BROWSER, **headers})
    assert (answer.status, answer.headers["Location"]) == (302, "/mentra-auth")
    assert b"evil" not in answer.body
    answer = scene.get(app, f"/mentra-auth{query}", headers=headers)
    where = f"https://account.mentra.glass/auth?packagename={PACKAGE}"
    assert (answer.status, answer.headers["Location"]) == (302, where)


def test_the_guard_holds_in_either_order(scene: Scene):
    """Above ``@route`` it wraps what the route no longer sees; that must not open the page."""
    app = scene.make()
    blueprint = flask.Blueprint("mine", __name__)

    @webview.login_required
    @app.flask.route("/above", methods=["GET", "POST"])
    def above() -> str:
        return "secret"

    @webview.login_required
    @blueprint.route("/blueprint")
    def of_blueprint() -> str:
        return "secret"

    class Things:
        @webview.login_required
        def show(self) -> str:
            return "secret"

    app.flask.register_blueprint(blueprint)
    app.flask.add_url_rule("/method", view_func=Things().show)
    scene.serve(app)
    visitor = Visitor(scene, app)
    paths = ("/above", "/blueprint", "/method")
    for path in paths:
        assert visitor.open(path).status == 401, path
        assert visitor.open(path, {"Accept": BROWSER}).status == 302, path
        assert visitor.open(path, method="OPTIONS").status == 200, path
    visitor.open("/plain", aos_frontend_token=frontend_token())
    for path in paths:
        assert visitor.open(path).body == b"secret", path


def test_the_guarded_view_keeps_its_name(page_app: Any):
    view = page_app().flask.view_functions["mine"]
    assert (view.__name__, view.__doc__) == ("mine", "For those who have signed in.")


# --- Everything else that is served --------------------------------------------------------------


def test_the_clouds_own_calls_know_no_visitors(
    scene: Scene, page_app: Any, exchange: Exchange, signed: Signer
):
    visitor = Visitor(scene, page_app())
    visitor.cookie = "bad"
    query = {"aos_temp_token": "ticket", "aos_frontend_token": frontend_token()}
    query["aos_signed_user_token"] = signed.token()
    for method, path in [
        *(("GET", "/health"), ("GET", "/tool"), ("GET", "/mentra-auth"), ("HEAD", "/health")),
        *(("POST", "/webhook"), ("POST", "/tool"), ("POST", "/settings")),
        ("POST", "/photo-upload"),
    ]:
        answer = visitor.open(path, method=method, **query)
        assert cookie_of(answer) is None, path
        assert answer.status in (200, 302, 400), path
    assert exchange.calls == []


def test_files_sign_in_too(scene: Scene, page_app: Any, tmp_path: Path):
    (tmp_path / "index.html").write_text("<p>the app's page</p>")
    visitor = Visitor(scene, page_app(public_dir=tmp_path))
    answer = visitor.open("/index.html", aos_frontend_token=frontend_token())
    assert answer.body == b"<p>the app's page</p>"
    assert "private" in answer.headers["Cache-Control"], "no cache may give the cookie to others"
    assert visitor.who() == USER
    assert cookie_of(visitor.open("/index.html")) is None
    assert cleared(visitor.open("/index.html", {"Cookie": "aos_session=bad"}))


def test_pages_that_are_not_there_sign_in_too(visitor: Visitor):
    """A page of one's own may be what answers 404."""
    assert visitor.open("/nowhere", aos_frontend_token=frontend_token()).status == 404
    assert visitor.who() == USER


def test_caches_are_told(visitor: Visitor):
    for answer in (visitor.open("/who"), visitor.open("/mine")):
        assert {"Cookie", "Authorization"} <= set(answer.headers["Vary"].split(", "))
    assert "Vary" not in visitor.open("/plain").headers, "what is the same for all may be kept"
    answer = visitor.open("/plain", aos_frontend_token=frontend_token())
    assert answer.headers["Cache-Control"] == "private"


def test_a_page_that_fails_signs_in_all_the_same(visitor: Visitor):
    @visitor.app.flask.get("/broken")
    def broken() -> str:
        raise RuntimeError("on purpose")

    assert visitor.open("/broken", aos_frontend_token=frontend_token()).status == 500
    assert visitor.who() == USER


def test_without_a_key_nobody_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signed: Signer
):
    monkeypatch.delenv("MENTRAOS_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    app = AppServer(PACKAGE)
    app.flask.route("/who")(lambda: str(webview.current_user_id()))
    client = app.flask.test_client()
    for key in ("", "None"):
        query = {
            "aos_frontend_token": frontend_token(USER, key),
            "aos_signed_user_token": signed.token(),
        }
        client.set_cookie("aos_session", forged(webview.derived_cookie_secret(key)))
        assert client.get("/who", query_string=query).text == "None"


def test_no_secret_is_logged(
    scene: Scene,
    visitor: Visitor,
    exchange: Exchange,
    signed: Signer,
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    good, late = signed.token(), signed.token(exp=1)
    wrong = frontend_token("bob").replace("bob", "eve")
    secrets = [KEY, sha256(KEY), good, late, wrong, frontend_token(), "ticket", "spent-ticket"]
    secrets += [webview.derived_cookie_secret(KEY), checksum("https://evil.example.com")]
    for query in (
        {"aos_signed_user_token": good},
        {"aos_signed_user_token": late},
        {"aos_temp_token": "ticket"},
        {"aos_temp_token": "spent-ticket"},
        {"aos_frontend_token": frontend_token()},
        {"aos_frontend_token": wrong},
        {
            "aos_temp_token": "spent-ticket",
            "cloudApiUrl": "https://evil.example.com",
            "cloudApiUrlChecksum": checksum("https://evil.example.com"),
        },
        {"aos_temp_token": "spent-ticket", "cloudApiUrl": "https://user:pass@evil.example.com"},
    ):
        visitor.open(**query)
        if visitor.cookie:
            secrets.append(visitor.cookie)
    exchange.raw = http_answer(b'{"message": "no"}', "401 Unauthorized")
    visitor.open(aos_temp_token="spent-ticket")
    visitor.open(headers={"Cookie": f"aos_session={visitor.cookie}x"})
    assert len(caplog.records) >= 4, "there is something to look at"
    assert [secret for secret in secrets if secret in caplog.text] == []


# --- Elsewhere -----------------------------------------------------------------------------------


def test_outside_a_request_the_error_says_what_to_do(page_app: Any):
    guarded = webview.login_required(lambda: "secret")
    for ask in (webview.current_user_id, webview.current_session, guarded):
        with pytest.raises(RuntimeError, match=r"@app\.flask\.route"):
            ask()
        with page_app().flask.app_context(), pytest.raises(RuntimeError, match="webview knows"):
            ask()


def test_in_a_flask_app_of_another_kind():
    app = flask.Flask("another")
    app.testing = True
    app.add_url_rule("/guarded", "guarded", webview.login_required(lambda: "secret"))
    app.add_url_rule("/who", "who", lambda: str(webview.current_user_id()))
    for path in ("/guarded", "/who"):
        with pytest.raises(RuntimeError, match="an AppServer's own app"):
            app.test_client().get(path)


def test_in_a_thread_of_a_route(scene: Scene):
    app = scene.make()
    raised: list[BaseException] = []

    @app.flask.get("/thread")
    def start() -> str:
        def work() -> None:
            with pytest.raises(RuntimeError, match="ask before") as caught:
                webview.current_user_id()
            raised.append(caught.value)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return "done"

    scene.serve(app)
    assert scene.get(app, "/thread").body == b"done"
    assert len(raised) == 1
