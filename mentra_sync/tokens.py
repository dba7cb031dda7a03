"""Tokens that let a web page of the app know whom it was opened for.

An app puts a signed token into the address of its page, and checks it when the page asks::

    token = create_token({"userId": session.user_id}, secret_key=SECRET)
    url = generate_webview_url("https://example.com/page", token)
    ...
    checked = validate_token(extract_token_from_url(url), SECRET)
    if checked.valid:
        user_id = checked.payload["userId"]

Anybody who sees the address has the token: keep ``expires_in`` short, and the key secret.  A key
of fewer than 32 bytes works, but can be guessed by trying: it is logged, once.
``secrets.token_urlsafe(32)`` makes a good one.  The tokens are plain JWT (HS256), which other
libraries read too.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit, urlunsplit

_log = logging.getLogger(__name__)

_ALGORITHM = "HS256"
_PARAMETER = "token"
_GOOD_KEY_BYTES = 32
_NO_SECRET = "secret_key must be a secret text of your own: {}"


@dataclass(frozen=True)
class TokenValidation:
    """What :func:`validate_token` found; true when the token is good."""

    valid: bool
    payload: dict[str, Any] | None = field(default=None, repr=False)
    """What was signed, with ``iat`` and ``exp`` (seconds since 1970); None when not valid."""
    error: str | None = None
    """Why it is not valid."""

    def __bool__(self) -> bool:
        return self.valid


def create_token(payload: Mapping[str, Any], secret_key: str, expires_in: float = 86400) -> str:
    """Sign ``payload``, which must be JSON, for ``expires_in`` seconds.

    ``iat`` and ``exp`` in the payload are replaced.  Raises ``ValueError`` for an empty key or a
    time that is not above 0, ``TypeError`` for a payload that is not JSON.
    """
    import jwt

    key = _key(secret_key)
    usable = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    if not usable or not 0 < expires_in < float("inf"):
        raise ValueError(f"expires_in must be a number of seconds above 0, got {expires_in!r}")
    if not isinstance(payload, Mapping):
        raise TypeError(f'payload must look like {{"userId": "ann"}}, got {payload!r:.80}')
    now = int(time.time())
    claims = {**payload, "iat": now, "exp": now + math.ceil(expires_in)}
    try:
        json.dumps(claims, allow_nan=False)  # PyJWT would let NaN through
        return jwt.encode(claims, key, algorithm=_ALGORITHM)
    except jwt.InvalidKeyError as error:
        raise ValueError(_NO_SECRET.format(error)) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"payload must be JSON: {error}") from None


def validate_token(token: str | None, secret_key: str) -> TokenValidation:
    """Check signature and time; never raises for a bad token, ``ValueError`` for an empty key."""
    import jwt

    key = _key(secret_key)
    if not isinstance(token, str) or not token:
        return TokenValidation(False, error="there is no token")
    try:
        payload = jwt.decode(token, key, algorithms=[_ALGORITHM], options=_PLAIN)
    except jwt.InvalidKeyError as error:
        raise ValueError(_NO_SECRET.format(error)) from None
    except jwt.PyJWTError as error:
        return TokenValidation(False, error=str(error))
    except Exception as error:  # anybody can send anything: whatever fails, it is no token
        return TokenValidation(False, error=f"the token cannot be read ({type(error).__name__})")
    return TokenValidation(True, payload)


def generate_webview_url(base_url: str, token: str) -> str:
    """``base_url`` with the token in its query; what the query has already stays as it is.

    A token that is there already is replaced.  Raises ``ValueError`` for what is no address.
    """
    try:
        parts = urlsplit(base_url) if isinstance(base_url, str) else None
    except ValueError:
        parts = None
    if parts is None or not parts.scheme or not parts.netloc:
        raise ValueError(f'base_url must look like "https://example.com/page", got {base_url!r}')
    if not isinstance(token, str) or not token:
        raise ValueError(f"token must be what create_token() returned, got {token!r:.80}")
    kept = [part for part in parts.query.split("&") if part and not _is_token(part)]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode({_PARAMETER: token})])))


def extract_token_from_url(url: str) -> str | None:
    """The token in the query of an address, or None."""
    try:
        found = parse_qs(urlsplit(url).query).get(_PARAMETER) if isinstance(url, str) else None
    except ValueError:
        return None
    return found[0] if found else None


def _is_token(part: str) -> bool:
    return unquote_plus(part.partition("=")[0]) == _PARAMETER


_PLAIN: Any = {"verify_aud": False, "verify_sub": False, "verify_iss": False, "verify_jti": False}
"""Apps choose their own claims; only signature and times mean something here."""

_told_of_short_key = False


def _key(secret_key: str) -> bytes:
    """The key as bytes, which PyJWT takes without a warning."""
    global _told_of_short_key
    try:
        key = secret_key.encode() if isinstance(secret_key, str) else b""
    except UnicodeEncodeError:
        key = b""
    if not key:
        raise ValueError("secret_key must be a text that is not empty")
    if len(key) < _GOOD_KEY_BYTES and not _told_of_short_key:
        _told_of_short_key = True
        _log.warning(
            "the secret_key of a token has only %d bytes: whoever sees a token can find the key by"
            " trying. Make a good one with secrets.token_urlsafe(32), and keep it",
            len(key),
        )
    # HMAC fills short keys up with zeros itself (RFC 2104), so the signature stays the same; but
    # PyJWT would warn, which is an error where warnings are.
    return key.ljust(_GOOD_KEY_BYTES, b"\0")
