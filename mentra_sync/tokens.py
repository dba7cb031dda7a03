"""Tokens that let a web page of the app know whom it was opened for.

An app puts a signed token into the address of its page, and checks it when the page asks::

    token = create_token({"userId": session.user_id}, secret_key=SECRET)
    url = generate_webview_url("https://example.com/page", token)
    ...
    checked = validate_token(extract_token_from_url(url), SECRET)
    if checked.valid:
        user_id = checked.payload["userId"]

Anybody who sees the address has the token: keep ``expires_in`` short, and the key secret.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

_ALGORITHM = "HS256"
_PARAMETER = "token"


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

    Raises ``ValueError`` for an empty key or a time that is not above 0, ``TypeError`` for a
    payload that is not JSON.
    """
    import jwt

    _check_key(secret_key)
    usable = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    if not usable or not 0 < expires_in < float("inf"):
        raise ValueError(f"expires_in must be a number of seconds above 0, got {expires_in!r}")
    now = int(time.time())
    claims = {**payload, "iat": now, "exp": int(now + expires_in)}
    return jwt.encode(claims, secret_key, algorithm=_ALGORITHM)


def validate_token(token: str | None, secret_key: str) -> TokenValidation:
    """Check signature and time; never raises for a bad token, ``ValueError`` for an empty key."""
    import jwt

    _check_key(secret_key)
    if not isinstance(token, str) or not token:
        return TokenValidation(False, error="there is no token")
    try:
        payload = jwt.decode(token, secret_key, algorithms=[_ALGORITHM], options=_PLAIN)
    except jwt.PyJWTError as error:
        return TokenValidation(False, error=str(error))
    return TokenValidation(True, payload)


def generate_webview_url(base_url: str, token: str) -> str:
    """``base_url`` with the token in its query; what the query has already stays."""
    parts = urlsplit(base_url)
    if not parts.scheme or not parts.netloc:
        raise ValueError(f'base_url must look like "https://example.com/page", got {base_url!r}')
    query = [*parse_qsl(parts.query, keep_blank_values=True), (_PARAMETER, token)]
    return urlunsplit(parts._replace(query=urlencode(query)))


def extract_token_from_url(url: str) -> str | None:
    """The token in an address, or None."""
    try:
        found = parse_qs(urlsplit(url).query).get(_PARAMETER)
    except ValueError:
        return None
    return found[0] if found else None


_PLAIN: Any = {"verify_aud": False, "verify_sub": False, "verify_iss": False}
"""Apps choose their own claims; only signature and times mean something here."""


def _check_key(secret_key: str) -> None:
    if not isinstance(secret_key, str) or not secret_key:
        raise ValueError("secret_key must be a text that is not empty")
