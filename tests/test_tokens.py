"""Tokens for web pages: what is signed comes back, and nothing else ever counts as signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
import warnings
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from mentra_sync import tokens
from mentra_sync.tokens import (
    TokenValidation,
    create_token,
    extract_token_from_url,
    generate_webview_url,
    validate_token,
)

KEY = "a secret of this test, with more than 32 bytes"


def part(data: Any) -> str:
    """One part of a JWT."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, payload: Any, key: bytes = KEY.encode()) -> str:
    """A token made by hand, so that it can hold what no library would sign."""
    head = f"{part(header)}.{part(payload)}"
    return f"{head}.{part(hmac.digest(key, head.encode(), hashlib.sha256))}"


HS256 = {"alg": "HS256", "typ": "JWT"}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the time at which tokens are made; they are checked in the present."""

    def set_time(seconds: float) -> None:
        monkeypatch.setattr(tokens, "time", type("Time", (), {"time": lambda: seconds}))

    return set_time


# --- There and back ------------------------------------------------------------------------------

PAYLOADS = st.dictionaries(
    st.text().filter(lambda name: name not in ("iat", "exp", "nbf")),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda values: (
            st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=5,
)


@given(payload=PAYLOADS, key=st.text(min_size=1).filter(lambda key: "{" not in key))
def test_what_is_signed_comes_back(payload: dict[str, Any], key: str):
    found = validate_token(create_token(payload, key), key)
    assert found.valid and found.error is None
    assert found.payload is not None
    times = {name: found.payload.pop(name) for name in ("iat", "exp")}
    assert times["exp"] - times["iat"] == 86400
    assert found.payload == payload


@pytest.mark.parametrize("claims", [{"iss": 5}, {"aud": ["x"]}, {"sub": 7}, {"jti": 8}])
def test_claims_that_a_library_would_judge_are_the_apps_own(claims: dict[str, Any]):
    found = validate_token(signed(HS256, {**claims, "exp": time.time() + 60}), KEY)
    assert found.payload is not None and claims.items() <= found.payload.items()


def test_times_in_the_payload_are_replaced():
    found = validate_token(create_token({"exp": 1, "iat": "x", "a": 1}, KEY, expires_in=60), KEY)
    assert found.payload is not None
    assert abs(found.payload["iat"] - time.time()) < 10
    assert found.payload["exp"] == found.payload["iat"] + 60


def test_it_is_plain_jwt():
    """Other libraries read it, and it reads theirs: no padding of the key changes a signature."""
    for key in ("short", "k" * 31, "k" * 32, "k" * 64, "k" * 200):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert jwt.decode(create_token({"a": 1}, key), key, algorithms=["HS256"])["a"] == 1
            theirs = jwt.encode({"b": 2, "exp": int(time.time()) + 60}, key, algorithm="HS256")
        assert validate_token(theirs, key).valid
    head, _, signature = create_token({}, "short").rpartition(".")
    assert signature == part(hmac.digest(b"short", head.encode(), hashlib.sha256))


def test_the_result_is_true_when_valid_and_shows_no_payload():
    token = create_token({"userId": "ann@example.com"}, KEY)
    good, bad = validate_token(token, KEY), validate_token("x", KEY)
    assert good and not bad
    assert good.payload is not None and good.payload["userId"] == "ann@example.com"
    assert (bad.valid, bad.payload) == (False, None) and bad.error
    assert "ann" not in repr(good)
    assert TokenValidation(False) == TokenValidation(False, None, None)


# --- Time ----------------------------------------------------------------------------------------


def test_expiry(at: Any):
    at(time.time() - 3600)
    assert validate_token(create_token({}, KEY, expires_in=3660), KEY).valid
    late = validate_token(create_token({}, KEY, expires_in=3540), KEY)
    assert not late.valid and late.payload is None
    assert late.error is not None and "expired" in late.error


def test_a_fraction_of_a_second_is_not_over_at_once(at: Any):
    now = time.time()
    at(now)
    claims = jwt.decode(create_token({}, KEY, 0.001), options={"verify_signature": False})
    assert claims["exp"] == int(now) + 1


@pytest.mark.parametrize("payload", [{"nbf": 4e9}, {"iat": 4e9}, {"exp": 1}])
def test_tokens_of_another_time(payload: dict[str, Any]):
    assert not validate_token(signed(HS256, payload), KEY)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, None, "60", 1j])
def test_times_that_make_no_sense(seconds: Any):
    with pytest.raises(ValueError, match="expires_in must be a number of seconds above 0"):
        create_token({}, KEY, seconds)


# --- Forgery -------------------------------------------------------------------------------------


def test_every_changed_character_is_noticed():
    token = create_token({"userId": "ann"}, KEY)
    for index, was in enumerate(token):
        changed = token[:index] + ("A" if was != "A" else "B") + token[index + 1 :]
        found = validate_token(changed, KEY)
        # The last character of a part also carries bits that mean nothing.
        assert not found or part_bytes(changed) == part_bytes(token), index


def part_bytes(token: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(text + "==") for text in token.split(".")]


def test_another_key():
    token = create_token({}, KEY)
    for key in (KEY + "x", KEY.upper(), KEY[:-1], "x"):
        assert not validate_token(token, key)


def rsa_key() -> tuple[bytes, str]:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, public.decode()


def test_other_algorithms_do_not_count():
    payload = {"userId": "eve", "exp": int(time.time()) + 60}
    private, public = rsa_key()
    forged = [
        jwt.encode(payload, private, algorithm="RS256"),
        jwt.encode(payload, None, algorithm="none"),
        jwt.encode(payload, KEY * 2, algorithm="HS512"),
        signed({"alg": "none"}, payload),
        signed({"alg": "hs256"}, payload),
        signed({"alg": None}, payload),
        signed({"alg": ["HS256"]}, payload),
        signed({}, payload),
        signed({"alg": "HS256", "b64": False, "crit": ["b64"]}, payload),
        signed({"alg": "HS256", "crit": ["unheard-of"]}, payload),
    ]
    assert validate_token(signed(HS256, payload), KEY), "the forger's tools must work"
    for token in forged:
        assert not validate_token(token, KEY), token
    with pytest.raises(ValueError, match="secret text of your own"):
        create_token({}, public)
    with pytest.raises(ValueError, match="secret text of your own"):
        validate_token(signed(HS256, payload, public.encode()), public)


DEEP = b"[" * 100_000
UNREADABLE = [
    None,
    "",
    5,
    b"bytes",
    [],
    ".",
    "..",
    "a.b.c",
    "a.b.c.d",
    "\udcff",
    "é.é.é",
    "x" * 1_000_000,
    ".".join([part(DEEP)] * 3),
    signed(HS256, DEEP),
    signed(HS256, b"not JSON"),
    signed(HS256, b"\xff\xfe"),
    signed(HS256, [1]),
    signed(HS256, 5),
    signed(HS256, None),
    signed(HS256, {"exp": "soon"}),
    signed(HS256, {"exp": []}),
    signed(HS256, {"exp": {}}),
    signed(HS256, b'{"exp": 1e999}'),
    signed(HS256, b'{"exp": NaN}'),
    signed(HS256, b'{"exp": ' + b"9" * 5000 + b"}"),
    signed(DEEP, {}),
    signed([], {}),
]


@pytest.mark.parametrize("token", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_not_valid_and_never_raises(token: Any):
    found = validate_token(token, KEY)
    assert not found.valid and found.payload is None
    assert found.error and len(found.error) < 1000


@pytest.mark.parametrize("error", [RecursionError, OverflowError, TypeError, KeyError])
def test_whatever_the_library_raises(error: type[Exception], monkeypatch: pytest.MonkeyPatch):
    """Versions of PyJWT differ in what they let through."""

    def fail(*_: Any, **__: Any) -> None:
        raise error("on purpose")

    monkeypatch.setattr(jwt, "decode", fail)
    assert not validate_token("x.y.z", KEY)


# --- Arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", None, 5, b"bytes", ["x"], "\udcff"])
def test_keys_that_are_none(key: Any):
    for call in (lambda: create_token({}, key), lambda: validate_token("x", key)):
        with pytest.raises(ValueError, match="secret_key must be a text that is not empty"):
            call()


CIRCLE: dict[str, Any] = {}
CIRCLE["itself"] = CIRCLE


@pytest.mark.parametrize(
    "payload",
    [{"a": object()}, {"a": b"x"}, {"a": {1, 2}}, {"a": float("nan")}, {(1, 2): 3}, CIRCLE],
    ids=range(6),
)
def test_a_payload_that_is_no_json(payload: Any):
    with pytest.raises(TypeError, match="payload must be JSON"):
        create_token(payload, KEY)


@pytest.mark.parametrize("payload", [None, "x", [1], 5, [("a", 1)]])
def test_a_payload_that_is_no_mapping(payload: Any):
    with pytest.raises(TypeError, match="payload must look like"):
        create_token(payload, KEY)


def test_a_short_key_works_and_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Warnings are errors in tests: that of PyJWT must not come at all."""
    monkeypatch.setattr(tokens, "_told_of_short_key", False)
    with caplog.at_level(logging.DEBUG):
        create_token({}, "é" * 16)
        assert caplog.records == [], "32 bytes are enough"
        for _ in range(3):
            assert validate_token(create_token({}, "sesame"), "sesame")
    (record,) = caplog.records
    assert record.levelname == "WARNING" and record.name == "mentra_sync.tokens"
    assert "6 bytes" in record.getMessage() and "secrets.token_urlsafe(32)" in record.getMessage()
    assert "sesame" not in record.getMessage()


# --- Addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://example.com", "https://example.com?token=T"),
        ("https://example.com/", "https://example.com/?token=T"),
        ("https://example.com/page?", "https://example.com/page?token=T"),
        ("http://localhost:7010/a/b?x=1&y=", "http://localhost:7010/a/b?x=1&y=&token=T"),
        ("https://example.com/p?flag#top", "https://example.com/p?flag&token=T#top"),
        ("https://example.com/p?q=%20a+b%2B;c", "https://example.com/p?q=%20a+b%2B;c&token=T"),
        ("https://example.com/é?ü=ß#ö", "https://example.com/é?ü=ß&token=T#ö"),
        ("https://example.com/?token=old&a=1", "https://example.com/?a=1&token=T"),
        ("https://example.com/?to%6ben=old&token", "https://example.com/?token=T"),
        ("https://example.com/?tokens=1&a=token", "https://example.com/?tokens=1&a=token&token=T"),
        ("https://example.com/#?token=old", "https://example.com/?token=T#?token=old"),
    ],
)
def test_addresses(base: str, expected: str):
    assert generate_webview_url(base, "T") == expected
    assert extract_token_from_url(expected) == "T"


@given(
    token=st.text(min_size=1).filter(lambda t: t.isprintable()),
    query=st.lists(st.tuples(st.text(), st.text()), max_size=3),
)
def test_any_token_comes_back_from_any_address(token: str, query: list[tuple[str, str]]):
    url = generate_webview_url("https://example.com/page?" + urlencode(query), token)
    assert extract_token_from_url(url) == token
    others = [pair for pair in parse_qsl(urlsplit(url).query, True) if pair[0] != "token"]
    assert others == [pair for pair in query if pair[0] != "token"]


@pytest.mark.parametrize("base", ["", "example.com/page", "/page", "https://", "http://[", None, 5])
def test_addresses_that_are_none(base: Any):
    with pytest.raises(ValueError, match="base_url must look like"):
        generate_webview_url(base, "T")


@pytest.mark.parametrize("token", ["", None, 5])
def test_an_address_without_a_token(token: Any):
    with pytest.raises(ValueError, match="token must be what create_token"):
        generate_webview_url("https://example.com", token)


@pytest.mark.parametrize(
    "url",
    [
        *("", "https://example.com", "https://e.com/?token=", "https://e.com/#token=x"),
        *("http://[", "https://e.com/?TOKEN=x", "token=x", None, 5),
    ],
)
def test_addresses_that_hold_no_token(url: Any):
    assert extract_token_from_url(url) is None


def test_the_way_of_the_documentation():
    token = create_token({"userId": "ann@example.com"}, secret_key=KEY)
    url = generate_webview_url("https://example.com/page", token)
    checked = validate_token(extract_token_from_url(url), KEY)
    assert checked.valid and checked.payload is not None
    assert checked.payload["userId"] == "ann@example.com"
