"""Who is looking at a web page of the app (protocol.md, section 2, "webview authentication").

In a route of your own::

    @app.flask.route("/notes")
    @webview.login_required
    def notes():
        return f"Notes of {webview.current_user_id()}"

Every request to such a route is looked at once, in this order: a token that the cloud signed, a
temporary one that the cloud exchanges, one made with the app's key, and the cookie that each of
them leaves for 30 days.

Over https the cookie comes along with requests from other sites' pages too, since the page may be
shown inside the phone app's own one.  So by the cookie alone nobody is known in a request that
could change something (POST, PUT, ...) and that a browser says comes from another site.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

import flask
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.routing import RequestRedirect

from mentra_sync import config, hints
from mentra_sync.callers import is_straight_from_loopback

if TYPE_CHECKING:
    from mentra_sync.session import AppSession

_log = logging.getLogger(__name__)

COOKIE = "aos_session"
_COOKIE_AGE = 30 * 24 * 60 * 60
_ISSUER = "https://prod.augmentos.cloud"
_LEEWAY = 120
_KEY_VARIABLE = "MENTRAOS_CLOUD_USER_TOKEN_PUBLIC_KEY"
_OWN_ROUTES = "mentra_sync"
_EXTENSION = "mentra_sync"
_GUARDED = "__mentra_login_required__"
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})

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
    """The id of the user who looks at the page of this request, or None.

    Raises ``RuntimeError`` anywhere but in a route of an ``AppServer``.
    """
    _server()
    flask.g.mentra_asked = True
    user_id: str | None = flask.g.get("mentra_user_id")
    return user_id


def current_session() -> AppSession | None:
    """That user's newest live session at this moment, or None; raises as above."""
    user_id = current_user_id()
    return None if user_id is None else _server().session_for(user_id)


def login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Decorator for a route: without a known user it answers 401, or sends a browser to sign in.

    It is meant to stand below ``@app.flask.route(...)``, and guards the route above it too.
    """

    @functools.wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        refusal = _refusal()
        return view(*args, **kwargs) if refusal is None else cast(R, refusal)

    # Above @route the route keeps the bare function, and would be open to everybody: see _guard.
    with suppress(AttributeError, TypeError):  # not every callable takes attributes
        setattr(view, _GUARDED, True)
    return guarded


def install(app: flask.Flask) -> None:
    """Look at every request of an app, and leave or clear the cookie in its answer."""
    app.before_request(_identify)
    app.before_request(_guard)
    app.after_request(_set_cookie)


# --- Who may look ----------------------------------------------------------------------------


def _guard() -> Any:
    """Refuse what ``login_required`` was asked to guard but could not wrap."""
    rule = flask.request.url_rule
    if rule is None:
        return None
    if flask.request.method == "OPTIONS" and getattr(rule, "provide_automatic_options", False):
        return None  # Flask answers this itself, without the view
    view = flask.current_app.view_functions.get(rule.endpoint)
    return _refusal() if getattr(view, _GUARDED, False) else None


def _refusal() -> Any:
    """What those who have not signed in get; None for others."""
    if current_user_id() is not None:
        return None
    accepts = flask.request.accept_mimetypes
    looks = flask.request.method in ("GET", "HEAD")
    if looks and accepts["text/html"] > accepts["application/json"]:  # a browser, no script
        return flask.redirect("/mentra-auth")
    answer = flask.jsonify(status="error", message="sign in first: open /mentra-auth")
    answer.status_code = 401
    return answer


# --- Who it is -------------------------------------------------------------------------------


def _identify() -> None:
    flask.g.mentra_user_id = None  # an app context may be shared by several requests
    for name in ("mentra_cookie", "mentra_asked"):
        flask.g.pop(name, None)
    if flask.request.blueprint == _OWN_ROUTES:
        return  # the cloud's own calls
    if isinstance(flask.request.routing_exception, RequestRedirect):
        return  # a temporary token is good once: it is for the request that follows
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
    if cookie is None:
        return
    user_id = _user_of_cookie(server, cookie)
    if user_id is None:
        flask.g.mentra_cookie = None
    elif not _is_changed_by_another_site():
        flask.g.mentra_user_id = user_id


def _is_changed_by_another_site() -> bool:
    """Whether a page of another site has had the browser send something (request forgery)."""
    from_another = flask.request.headers.get("Sec-Fetch-Site") == "cross-site"
    return from_another and flask.request.method not in _HARMLESS


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
    except jwt.InvalidKeyError:
        _log.warning(hints.BAD_PUBLIC_KEY, _KEY_VARIABLE)
        return None
    except Exception as error:  # anybody can send anything: whatever fails, it is no token
        _log.info("a signed user token was refused: %s", type(error).__name__)
        return None
    return _user_id(claims["sub"])


def _temporary_token(server: Server) -> str | None:
    """2: a token that the cloud exchanges for the user's id."""
    token = flask.request.args.get("aos_temp_token")
    if not token:
        return None
    cloud = flask.request.args.get("cloudApiUrl") or None
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
    key = _hash(server.api_key or "")
    for token in (
        bearer.strip() if scheme.lower() == "bearer" else "",  # it may be one of the app's own
        flask.request.args.get("aos_frontend_token", ""),
    ):
        user_id, _, digest = token.rpartition(":")
        # The checksum of a cloud's address is made in the same way, and stands in many addresses.
        if "://" not in user_id and _equal(digest, _hash(user_id + key)):
            return _user_id(user_id)
    return None


def _user_of_cookie(server: Server, cookie: str) -> str | None:
    """4: the cookie that one of the others has left."""
    try:
        return _user_id(_serializer(server).loads(cookie, max_age=_COOKIE_AGE))
    except BadData:  # forged, expired, or nothing that can be read
        return None


def _user_id(value: Any) -> str | None:
    usable = isinstance(value, str) and 0 < len(value) <= config.MAX_ID_CHARACTERS
    return value if usable else None


# --- The cookie ------------------------------------------------------------------------------


def _set_cookie(response: flask.Response) -> flask.Response:
    if "mentra_asked" in flask.g:
        response.vary.update(("Cookie", "Authorization"))  # for caches: it is for this user
    if "mentra_cookie" not in flask.g:
        return response
    response.cache_control.public = False
    response.cache_control.private = True  # a shared cache would give the cookie to others
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
    return response


def _serializer(server: Server) -> URLSafeTimedSerializer:
    secret = server.cookie_secret or derived_cookie_secret(server.api_key or "")
    return URLSafeTimedSerializer(secret, salt=COOKIE)


def derived_cookie_secret(api_key: str) -> str:
    """The default secret: nobody without the key can forge a cookie."""
    return hmac.new(api_key.encode(), b"mentra_sync webview cookie", hashlib.sha256).hexdigest()


# --- Small things ----------------------------------------------------------------------------


def _server() -> Server:
    found = flask.has_request_context() and flask.current_app.extensions.get(_EXTENSION)
    if not found:
        raise RuntimeError(hints.NO_REQUEST)
    return cast(Server, found)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
