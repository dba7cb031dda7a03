"""The simulator as one thing: a cloud, a pair of glasses and their page, on one local port."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, jsonify, request, send_from_directory
from flask_sock import Sock

from mentra_sync import config as package_config
from mentra_sync._version import VERSION
from mentra_sync.clock import Clock
from mentra_sync.errors import ConfigurationError
from mentra_sync.protocol.capabilities import KNOWN
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.app_link import AppLink
from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.glasses import Glasses
from mentra_sync.simulator.panel import Message, Panel, app_message
from mentra_sync.simulator.phone_link import PhoneLink
from mentra_sync.simulator.registry import App
from mentra_sync.simulator.rest import GlassesTokens, bearer, rest_routes
from mentra_sync.simulator.web_server import WebServer, listen
from mentra_sync.simulator.web_sockets import SHAKING_FAILED, Accepted, NoThread, WebSocket
from mentra_sync.simulator.webhooks import is_loopback

PAGE = Path(__file__).parent / "page"

MODELS = {
    "g1": "Even Realities G1",
    "live": "Mentra Live",
    "z100": "Vuzix Z100",
    "simulated": "Simulated Glasses",
}
"""Short names of the known glasses."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self' ws:; img-src 'self' data: blob:;"
        " media-src * data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Simulator:
    """A MentraOS cloud and one wearer's glasses on this machine, shown on a page.

    It starts ``package_name`` for ``user_id`` by POSTing to ``webhook_url``, which must be a
    loopback address.  ``config`` is the app's configuration (settings, tools), ``glasses`` a
    model (``"Even Realities G1"`` or short ``"g1"``, ``"live"``, ``"z100"``, ``"simulated"``).
    ``clock`` is session time.  With ``realistic=False`` nothing takes time: no boot screen, no
    pacing of displays, speech is over at once.

    Also a context manager.  Raises ConfigurationError for what cannot work, for example when
    ``port`` is busy and ``port_may_move`` is False.
    """

    def __init__(
        self,
        *,
        webhook_url: str,
        package_name: str,
        api_key: str,
        app_name: str | None = None,
        port: int = package_config.SIMULATOR_PORT,
        host: str = "127.0.0.1",
        port_may_move: bool = True,
        config: dict[str, Any] | None = None,
        glasses: str = "Simulated Glasses",
        user_id: str = "you@example.com",
        clock: Clock | None = None,
        realistic: bool = True,
    ) -> None:
        if not is_loopback(host):
            raise ConfigurationError(
                f'the simulator listens on this machine only, for example "127.0.0.1"; got {host!r}'
            )
        self.cloud = Cloud(clock, realistic=realistic)
        self.app = self.cloud.registry.add(
            App(package_name, app_name or package_name, webhook_url, api_key, config)
        )
        self.user_id = user_id
        self._host = host
        self._port = port
        self._port_may_move = port_may_move
        self._tokens = GlassesTokens(secrets.token_hex(32))
        self._wearer = self.cloud.add_wearer(user_id, _model(glasses))
        self._session = self._wearer.session_of(self.app)
        actions: dict[str, Callable[[Message], None]] = {
            "say": self._say,
            "start": lambda message: self._start_soon(),
            "stop": lambda message: self._stop_soon(),
            "speech_began": self._speech_began,
        }
        self._panel = Panel(self._hello, actions)
        self.glasses.tell = self._panel.tell
        self.cloud.on_change = self._changed
        self._lock = threading.Lock()  # guards the next two
        self._sockets: set[WebSocket] = set()
        self._stopping = False
        self._server: WebServer | None = None

    # --- The face ----------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{self._address}/"

    @property
    def websocket_url(self) -> str:
        """Where apps connect to."""
        return f"ws://{self._address}/app-ws"

    @property
    def port(self) -> int:
        """The port that it listens on; before ``start`` the one that is wanted."""
        return self._port

    @property
    def log_handler(self) -> logging.Handler:
        """What is logged to it appears on the page."""
        return self._panel.log_handler

    @property
    def page_opened(self) -> threading.Event:
        """Set when the first page has connected."""
        return self._panel.opened

    @property
    def glasses(self) -> Glasses:
        """The glasses of the default wearer."""
        return self._wearer.glasses

    @property
    def app_state(self) -> str:
        """``starting``, ``running``, ``stopped`` or ``failed``."""
        return str(app_message(self._session)["state"])

    @property
    def streams(self) -> tuple[str, ...]:
        """What the app listens to."""
        return self._session.streams

    def start(self) -> None:
        """Listen; returns at once. Raises ConfigurationError when the port is taken."""
        listener = listen(self._host, self._port, self._port_may_move)
        self._port = listener.getsockname()[1]
        self.cloud.address = self._address
        self._server = WebServer(listener, self._flask())
        self.cloud.start()
        self._server.start()

    def stop(self) -> None:
        """Close all connections and end all threads; may be called more than once."""
        with self._lock:
            if self._stopping:
                return
            self._stopping = True
            sockets = list(self._sockets)
        for socket in sockets:
            socket.close(1001, "The simulator has ended")
        self.cloud.close()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start_app(self) -> bool:
        """Start the app for the default wearer; blocks until it is acknowledged or has failed."""
        return self.cloud.start_app(self._wearer, self.app).result()

    def stop_app(self) -> None:
        """Stop the app of the default wearer; blocks until it has been told."""
        self.cloud.stop_app(self._wearer, self.app).result()

    # --- The page ----------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    def _state(self) -> Message:
        with self.cloud.lock:
            app = app_message(self._session)
        return {
            "packageName": self.app.package_name,
            "appName": self.app.name,
            "userId": self.user_id,
            "glassesToken": self._tokens.make(self.user_id),
            "model": self.glasses.model,
            "app": app,
            "version": VERSION,
        }

    def _hello(self) -> Message:
        streams = list(self._session.streams)
        return {**self._state(), "lens": self.glasses.lens.message(), "streams": streams}

    def _changed(self, session: Any) -> None:
        if session is self._session:
            self._panel.tell_app(session)

    def _say(self, message: Message) -> None:
        text, language = message.get("text"), message.get("language", "en-US")
        if not isinstance(text, str) or not text.strip():
            raise ValueError("text must be what was said")
        if message.get("final") is True and message.get("typed") is True:
            self.glasses.say(text, language=language)
        else:
            self.glasses.hear(text, message.get("final") is True, language)

    def _start_soon(self) -> None:
        self.cloud.start_app(self._wearer, self.app)

    def _stop_soon(self) -> None:
        self.cloud.stop_app(self._wearer, self.app)

    def _speech_began(self, message: Message) -> None:
        request_id = message.get("requestId")
        if not isinstance(request_id, str):
            raise ValueError("requestId must be the one of the audio_play_request")
        self.glasses.speech_began(request_id)

    # --- Routes ------------------------------------------------------------------------------

    def _flask(self) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.config["MAX_CONTENT_LENGTH"] = limits.MAX_REQUEST
        app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": NoThread}
        app.before_request(_refuse_strangers)
        app.before_request(self._refuse_bad_tokens)
        app.after_request(_with_security_headers)
        app.register_error_handler(SHAKING_FAILED, lambda error: ("Bad websocket request", 400))
        app.register_blueprint(rest_routes(self.cloud, self._tokens))
        app.add_url_rule("/", view_func=lambda: send_from_directory(PAGE, "index.html"))
        app.add_url_rule("/page/<path:name>", "page", lambda name: send_from_directory(PAGE, name))
        app.add_url_rule("/api/sim/state", "state", lambda: jsonify(self._state()))
        sockets = Sock(app)
        sockets.route("/app-ws")(self._serve_app)
        sockets.route("/glasses-ws")(self._serve_phone)
        sockets.route("/simulator-ws")(self._serve_page)
        return app

    def _serve_app(self, accepted: Accepted) -> None:
        socket = WebSocket(accepted, max_frame=limits.MAX_APP_FRAME)
        link = AppLink(self.cloud, socket)
        self._serve(socket, link.receive, link.ended)

    def _serve_phone(self, accepted: Accepted) -> None:
        wearer = self.cloud.find_wearer(self._user_of_token() or "")
        socket = WebSocket(
            accepted, max_frame=limits.MAX_PAGE_FRAME, pong_timeout=limits.PONG_TIMEOUT
        )
        assert wearer is not None, "checked before the upgrade"
        phone = PhoneLink(wearer, socket)
        self._serve(socket, phone.receive, phone.ended)

    def _serve_page(self, accepted: Accepted) -> None:
        page = WebSocket(accepted, max_frame=limits.MAX_PAGE_FRAME)
        self._panel.attach(page)
        self._serve(
            page,
            lambda message: self._panel.receive(page, message),
            lambda: self._panel.detach(page),
        )

    def _serve(
        self,
        socket: WebSocket,
        receive: Callable[[str | bytes], None],
        ended: Callable[[], None],
    ) -> None:
        with self._lock:
            self._sockets.add(socket)
            if self._stopping:
                socket.abort()
        try:
            socket.serve(receive)
        finally:
            with self._lock:
                self._sockets.discard(socket)
            ended()

    def _user_of_token(self) -> str | None:
        return self._tokens.user_id(bearer() or request.args.get("token", ""))

    def _refuse_bad_tokens(self) -> Response | None:
        """What the recorded cloud refuses before the upgrade."""
        if request.path == "/app-ws" and bearer() is not None:
            return _refused("tpa_connection_error", "Invalid JWT token", code="JWT_INVALID")
        if request.path != "/glasses-ws":
            return None
        if bearer() is None and "token" not in request.args:
            return _refused("connection_error", "No core token provided")
        if self.cloud.find_wearer(self._user_of_token() or "") is None:
            return _refused("connection_error", "Invalid core token")
        return None


def _model(name: str) -> str:
    model = MODELS.get(name.lower(), name)
    if model not in KNOWN:
        known = ", ".join(f'"{one}"' for one in (*MODELS, *KNOWN))
        raise ConfigurationError(f"glasses must be one of {known}; got {name!r}")
    return model


def _refused(kind: str, message: str, **fields: str) -> Response:
    response = jsonify(type=kind, message=message, timestamp=iso_timestamp(), **fields)
    response.status_code = 401
    return response


def _refuse_strangers() -> None:
    """Keep out other sites: by name (DNS rebinding), and by what their pages send us."""
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        abort(403, "the simulator answers to loopback addresses only")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{request.host}":
        abort(403, "the simulator answers to its own page only")
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path != "/":
        abort(403, "the simulator answers to its own page only")


def _with_security_headers(response: Response) -> Response:
    response.headers.update(SECURITY_HEADERS)
    return response
