"""The HTTP that an app server answers (protocol.md, section 2)."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import threading
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import quote

import flask
from werkzeug.exceptions import HTTPException, NotFound

from mentra_sync import config, photo_uploads, webview
from mentra_sync.callers import is_straight_from_loopback
from mentra_sync.configuration import checked_folder
from mentra_sync.errors import ConfigurationError, ConnectionFailed, SessionEnded
from mentra_sync.protocol.codec import MalformedMessage, decode, parse
from mentra_sync.protocol.message import Message
from mentra_sync.protocol.settings import Setting
from mentra_sync.protocol.webhooks import (
    SessionRequest,
    SettingsPush,
    StopRequest,
    ToolCallRequest,
)
from mentra_sync.runtime.closing import printable
from mentra_sync.runtime.hosts import HostPolicy, Target
from mentra_sync.runtime.replies import AwaitedPhotos
from mentra_sync.tools import BadToolCall, ToolCall

if TYPE_CHECKING:
    from mentra_sync.session import AppSession

_log = logging.getLogger(__name__)
_FAILED_TO_CONNECT = "Failed to connect"
_ACCOUNT = "https://account.mentra.glass/auth?packagename="
_CONTROL = {"Cc", "Zl", "Zp"}
"""Unicode's categories of what ends a line, or tells a terminal to do something."""

M = TypeVar("M", bound=Message)
Answer = tuple[dict[str, Any], int]


class App(Protocol):
    """What the routes need of their server."""

    package_name: str
    host_policy: HostPolicy
    photos: AwaitedPhotos

    @property
    def api_key(self) -> str | None:
        """The key in use."""

    @property
    def sessions(self) -> list[AppSession]:
        """The live sessions."""

    def session_for(self, user_id: str) -> AppSession | None:
        """The newest live session of a user."""

    def start_session(self, session_id: str, user_id: str, target: Target) -> None:
        """Start a session and wait until it is connected."""

    def stop_requested(self, request: StopRequest) -> None:
        """The cloud has stopped a session."""

    def settings_pushed(self, user_id: str, settings: list[Setting]) -> int:
        """A user has saved settings; returns how many sessions they were given to."""

    def answer_tool_call(self, call: ToolCall) -> str | None:
        """The reply to a tool call."""


class Refusal(Exception):
    """A request that is answered with an error: its status, and the words for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def flask_app(
    server: App,
    public_dir: str | os.PathLike[str] | None,
    health_check: bool,
    require_tool_key: bool,
    trust_proxy: bool,
) -> flask.Flask:
    """The Flask app of one server, to which its owner may add routes."""
    folder = checked_folder("public_dir", public_dir)
    app = flask.Flask("mentra_sync", static_folder=folder, static_url_path="" if folder else None)
    app.config["MAX_CONTENT_LENGTH"] = config.MAX_REQUEST_BYTES
    app.extensions["mentra_sync"] = server
    if folder is not None:
        app.before_request(_front_page)  # the first one: all others are to see where it leads
    app.register_blueprint(
        blueprint(server, health_check=health_check, require_tool_key=require_tool_key)
    )
    webview.install(app)
    if trust_proxy:
        from werkzeug.middleware.proxy_fix import ProxyFix

        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _front_page() -> None:
    """``/`` is ``index.html`` of ``public_dir``, where the app has no route of its own."""
    request, app = flask.request, flask.current_app
    asked = request.path == "/" and request.method in ("GET", "HEAD")
    if not asked or not isinstance(request.routing_exception, NotFound):
        return
    if Path(app.static_folder or "", "index.html").is_file():
        request.routing_exception = None
        request.url_rule = next(app.url_map.iter_rules("static"))
        request.view_args = {"filename": "index.html"}


def blueprint(server: App, *, health_check: bool, require_tool_key: bool) -> flask.Blueprint:
    """The routes of one server."""
    routes = flask.Blueprint("mentra_sync", __name__)
    tool_calls = threading.BoundedSemaphore(config.MAX_TOOL_CALLS)

    @routes.post("/webhook")
    def webhook() -> Answer:
        body = _body()
        kind = body.get("type")
        if kind == "session_request":
            return _start(server, _message(SessionRequest, body))
        if kind == "stop_request":
            stop = _message(StopRequest, body)
            stop.reason = printable(stop.reason or "")
            server.stop_requested(stop)
            return {"status": "success"}, 200
        raise Refusal(400, "Unknown webhook request type")

    @routes.post("/tool")
    def tool() -> Answer:
        _check_key(server.api_key, require_tool_key)
        request = _message(ToolCallRequest, _body())
        if not tool_calls.acquire(blocking=False):
            raise Refusal(503, f"{config.MAX_TOOL_CALLS} tool calls are running; try again")
        try:
            return _call_tool(server, request)
        finally:
            tool_calls.release()

    @routes.get("/tool")
    def tool_alive() -> Answer:
        return {"status": "success", "reply": "Hello, world!"}, 200

    @routes.post("/settings")
    def settings() -> Answer:
        push = _message(SettingsPush, _body())
        updated = server.settings_pushed(push.user_id_for_settings, push.settings)
        answer = {"status": "success", "message": "Settings updated", "sessionsUpdated": updated}
        return answer, 200

    @routes.post("/photo-upload")
    def photo_upload() -> Answer:
        return photo_uploads.receive(flask.request, server.photos)

    if health_check:

        @routes.get("/health")
        def health() -> Answer:
            live = len(server.sessions)
            return {"status": "healthy", "app": server.package_name, "activeSessions": live}, 200

    @routes.before_app_request
    def hide_dot_files() -> None:
        """Nobody reads ``.env`` or ``.git`` because ``public_dir`` happens to hold them."""
        path = str((flask.request.view_args or {}).get("filename", ""))
        if flask.request.endpoint == "static" and any(
            part.startswith(".") and part != ".well-known" for part in path.split("/")
        ):
            flask.abort(404)

    @routes.get("/mentra-auth")
    def sign_in() -> Any:
        return flask.redirect(_ACCOUNT + quote(server.package_name, safe=""))

    @routes.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Answer:
        return {"status": "error", "message": str(refusal)}, refusal.status

    @routes.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Answer:
        return {"status": "error", "message": error.description or ""}, error.code or 500

    @routes.errorhandler(Exception)
    def fail(error: Exception) -> Answer:
        _log.error("a request failed: %s", error, exc_info=error)
        return {"status": "error", "message": "Internal error"}, 500

    return routes


# --- Bodies ----------------------------------------------------------------------------------


def _body() -> dict[str, Any]:
    """The request's JSON object, whatever its content type says; bounded before it is read."""
    too_large = Refusal(413, f"the body must not be larger than {config.MAX_BODY_BYTES} bytes")
    if (flask.request.content_length or 0) > config.MAX_BODY_BYTES:
        raise too_large
    data = flask.request.get_data()  # one without a length is bounded by MAX_CONTENT_LENGTH
    if len(data) > config.MAX_BODY_BYTES:
        raise too_large
    try:
        return parse(data)
    except MalformedMessage as error:
        raise Refusal(400, f"the body must be a JSON object: {error}") from None


def _message(cls: type[M], body: dict[str, Any]) -> M:
    try:
        message = decode(cls, body)
    except MalformedMessage as error:
        raise Refusal(400, str(error)) from None
    for name in ("session_id", "user_id", "tool_id", "user_id_for_settings"):
        value = getattr(message, name, "-")
        if not value or len(value) > config.MAX_ID_CHARACTERS:
            raise Refusal(
                400,
                f"{name} must have 1 to {config.MAX_ID_CHARACTERS} characters, got {len(value)}",
            )
        # Ids stand in log lines and names of threads, and nobody has signed what comes here.
        if any(unicodedata.category(character) in _CONTROL for character in value):
            raise Refusal(400, f"{name} must hold no control characters, got {value[:100]!a}")
    return message


# --- Webhooks --------------------------------------------------------------------------------


def _start(server: App, request: SessionRequest) -> Answer:
    url = request.websocket_url
    if not url:
        _log.warning("a webhook was refused: it names no websocket address")
        raise Refusal(400, "no websocket address: mentraOSWebsocketUrl is missing")
    try:
        target = server.host_policy.check(url, allow_loopback=is_straight_from_loopback())
    except ConnectionFailed as error:
        _log.warning("a webhook was refused: %s", error)
        raise Refusal(403, "this app does not connect to that host") from None
    user = printable(request.user_id)
    try:
        server.start_session(request.session_id, request.user_id, target)
    except (ConnectionFailed, ConfigurationError) as error:
        _log.error("the session of %s could not start: %s", user, error)
        raise Refusal(500, _FAILED_TO_CONNECT) from None
    except SessionEnded as end:
        _log.info("the session of %s was ended while it started: %s", user, end.reason)
        raise Refusal(500, _FAILED_TO_CONNECT) from None
    return {"status": "success"}, 200


# --- Tools -----------------------------------------------------------------------------------


def _check_key(api_key: str | None, required: bool) -> None:
    """Refuse a tool call with a wrong key, and one without if the app wants it so."""
    given = flask.request.headers.get("X-App-API-Key")
    if given is None and not required:
        return
    expected = hashlib.sha256((api_key or "").encode()).hexdigest()
    if not api_key or not hmac.compare_digest((given or "").encode(), expected.encode()):
        raise Refusal(401, "X-App-API-Key is not the one of this app")


def _call_tool(server: App, request: ToolCallRequest) -> Answer:
    call = ToolCall(
        tool_id=request.tool_id,
        tool_parameters=request.tool_parameters,
        user_id=request.user_id,
        timestamp=request.timestamp,
        active_session=server.session_for(request.user_id),
    )
    try:
        reply = server.answer_tool_call(call)
    except BadToolCall as error:
        raise Refusal(400, str(error)) from None
    except BaseException as error:
        _log.error("the tool %.100s failed: %s", request.tool_id, error, exc_info=error)
        if call.active_session is not None:
            call.active_session.tool_failed(error)
        raise Refusal(500, f"{type(error).__name__}: {error}") from None
    return {"status": "success", "reply": None if reply is None else str(reply)}, 200
