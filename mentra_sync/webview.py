"""Who is looking at a web page of the app (protocol.md, section 2, "webview authentication").

In a route of your own::

    @app.flask.route("/notes")
    @webview.login_required
    def notes():
        return f"Notes of {webview.current_user_id()}"

Every request to such a route is looked at once, in this order: a token that the cloud signed, a
temporary one that the cloud exchanges, one made with the app's key, and the cookie that each of
them leaves for 30 days.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import logging
import os
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import flask
from itsdangerous import BadSignature, URLSafeTimedSerializer

from mentra_sync import config
from mentra_sync.callers import is_straight_from_loopback
from mentra_sync.session import AppSession

_log = logging.getLogger(__name__)

COOKIE = "aos_session"
_COOKIE_AGE = 30 * 24 * 60 * 60
_ISSUER = "https://prod.augmentos.cloud"
_LEEWAY = 120
_KEY_VARIABLE = "MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY"
_OWN_ROUTES = "mentra_sync"

_PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0Yt2RtNOdeKQxWMY0c84
ADpY1Jy58YWZhaEgP2A5tBwFUKgy/TH9gQLWZjQ3dQ/6XXO8qq0kluoYFqM7ZDRF
zJ0E4Yi0WQncioLRcCx4q8pDmqY9vPKgv6PruJdFWca0l0s3gZ3BqSeWum/C23xK
FPHPwi8gvRdc6ALrkcHeciM+7NykU8c0EY8PSitNL+Tchti95kGu+j6APr5vNewi
zRpQGOdqaLWe+ahHmtj6KtUZjm8o6lan4f/o08C6litizguZXuw2Nn/Kd9fFI1xF
IVNJYMy9jgGaOi71+LpGw+vIpwAawp/7IvULDppvY3DdX5nt05P1+jvVJXPxMKzD
TQIDAQAB
-----END PUBLIC KEY-----"""
"""With it the hosted cloud signs who its users are; published in the npm package @mentra/sdk."""

P = ParamSpec("P")
R = TypeVar("R")


class Server(Protocol):
    """What this module needs of the app's server."""

    package_name: str
    cookie_secret: str | None

    @property
    def api_key(self) -> str | None:
        """The app's key."""

    def session_for(self, user_id: str) -> AppSession | None:
        """The newest live session of a user."""

    def exchange_user_token(
        self, token: str, cloud: str | None, *, straight_from_loopback: bool
    ) -> str | None:
        """Ask a cloud whose temporary token it is."""


def current_user_id() -> str | None:
    """The id of the user who looks at the page of this request, or None."""
    user_id: str | None = flask.g.get("mentra_user_id")
    return user_id


def current_session() -> AppSession | None:
    """That user's newest live session at this moment, or None."""
    user_id = current_user_id()
    return None if user_id is None else _server().session_for(user_id)


def login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Decorator for a route: without a known user it answers 401, or sends a browser to sign in."""

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if current_user_id() is not None:
            return view(*args, **kwargs)
        if (
            flask.request.method == "GET"
            and flask.request.accept_mimetypes.accept_html
            and (
                flask.request.accept_mimetypes["text/html"]
                > flask.request.accept_mimetypes["application/json"]
            )
        ):
            return cast(R, flask.redirect("/mentra-auth"))
        answer = flask.jsonify(status="error", message="sign in first: open /mentra-auth")
        answer.status_code = 401
        return cast(R, answer)

    return guarded


def install(app: flask.Flask) -> None:
    """Look at every request of an app, and leave or clear the cookie in its answer."""
    app.before_request(_identify)
    app.after_request(_set_cookie)


# --- Who it is -------------------------------------------------------------------------------


def _identify() -> None:
    if flask.request.blueprint == _OWN_ROUTES:
        return  # the cloud's own calls
    server = _server()
    if not server.api_key:
        return
    for way in (_signed_token, _temporary_token, _frontend_token):
        user_id = way(server)
        if user_id is not None:
            flask.g.mentra_user_id = user_id
            flask.g.mentra_cookie = _serializer(server).dumps(user_id)
            return
    cookie = flask.request.cookies.get(COOKIE)
    if cookie is not None:
        flask.g.mentra_user_id = _user_of_cookie(server, cookie)
        if flask.g.mentra_user_id is None:
            flask.g.mentra_cookie = None


def _signed_token(server: Server) -> str | None:
    """1: a token that the cloud signed with its private key."""
    token = flask.request.args.get("aos_signed_user_token")
    if not token:
        return None
    import jwt

    key = os.environ.get(_KEY_VARIABLE) or _PUBLIC_KEY
    try:
        claims = jwt.decode(
            token,
            key.replace("\\n", "\n"),
            algorithms=["RS256"],
            issuer=_ISSUER,
            leeway=_LEEWAY,
            options={"verify_aud": False, "require": ["sub"]},
        )
    except (jwt.PyJWTError, ValueError) as error:
        _log.info("a signed user token was refused: %s", type(error).__name__)
        return None
    return _user_id(claims["sub"])


def _temporary_token(server: Server) -> str | None:
    """2: a token that the cloud exchanges for the user's id."""
    token = flask.request.args.get("aos_temp_token")
    if not token:
        return None
    cloud = flask.request.args.get("cloudApiUrl")
    if cloud is not None:
        checksum = flask.request.args.get("cloudApiUrlChecksum") or ""
        if not _equal(checksum, _hash(cloud + _hash(server.api_key or ""))):
            _log.warning("a page named a cloud of its own with a wrong checksum; it is not asked")
            cloud = None
    return _user_id(
        server.exchange_user_token(token, cloud, straight_from_loopback=is_straight_from_loopback())
    )


def _frontend_token(server: Server) -> str | None:
    """3: a token made of the user's id and the app's key, ``userId:hash``."""
    scheme, _, bearer = flask.request.headers.get("Authorization", "").partition(" ")
    token = bearer.strip() if scheme.lower() == "bearer" else ""
    token = token or flask.request.args.get("aos_frontend_token", "")
    user_id, colon, digest = token.rpartition(":")
    if not colon or not _equal(digest, _hash(user_id + _hash(server.api_key or ""))):
        return None
    return _user_id(user_id)


def _user_of_cookie(server: Server, cookie: str) -> str | None:
    """4: the cookie that one of the others has left."""
    try:
        return _user_id(_serializer(server).loads(cookie, max_age=_COOKIE_AGE))
    except BadSignature:  # SignatureExpired is one too
        return None


def _user_id(value: Any) -> str | None:
    usable = isinstance(value, str) and 0 < len(value) <= config.MAX_ID_CHARACTERS
    return value if usable else None


# --- The cookie ------------------------------------------------------------------------------


def _set_cookie(response: flask.Response) -> flask.Response:
    if "mentra_cookie" not in flask.g:
        return response
    secure = flask.request.is_secure
    options: dict[str, Any] = {
        "httponly": True,
        "secure": secure,
        # The page may be shown inside the phone app's own one; browsers want both for that.
        "samesite": "None" if secure else "Lax",
        "path": "/",
    }
    if flask.g.mentra_cookie is None:
        response.delete_cookie(COOKIE, **options)
    else:
        response.set_cookie(COOKIE, flask.g.mentra_cookie, max_age=_COOKIE_AGE, **options)
    response.vary.add("Cookie")
    return response


def _serializer(server: Server) -> URLSafeTimedSerializer:
    secret = server.cookie_secret or derived_cookie_secret(server.api_key or "")
    return URLSafeTimedSerializer(secret, salt=COOKIE)


def derived_cookie_secret(api_key: str) -> str:
    """The default secret: nobody without the key can forge a cookie."""
    return hmac.new(api_key.encode(), b"mentra_sync webview cookie", hashlib.sha256).hexdigest()


# --- Small things ----------------------------------------------------------------------------


def _server() -> Server:
    return cast(Server, flask.current_app.extensions["mentra_sync"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
