"""The simulator's routes and websockets, and who may use them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Flask, Response, abort, jsonify, request
from flask_sock import Sock
from werkzeug.exceptions import HTTPException

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.actions_rest import action_routes, in_words_for_programs
from mentra_sync.simulator.admission import Admission
from mentra_sync.simulator.app_link import AppLink
from mentra_sync.simulator.app_pages import AppPages
from mentra_sync.simulator.camera_rest import camera_routes
from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.desk import Desk
from mentra_sync.simulator.page_files import page_routes
from mentra_sync.simulator.phone_link import PhoneLink
from mentra_sync.simulator.phone_rest import phone_routes
from mentra_sync.simulator.rest import GlassesTokens, bearer, rest_routes
from mentra_sync.simulator.wearers_rest import wearer_routes
from mentra_sync.simulator.web_sockets import SHAKING_FAILED, Accepted, NoThread, WebSocket

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self' ws:; img-src 'self' data: blob:;"
        " media-src * data: blob:; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class WebApp:
    """The Flask application of a cloud and its page."""

    def __init__(
        self,
        cloud: Cloud,
        tokens: GlassesTokens,
        pages: AppPages,
        admission: Admission,
        desk: Desk,
    ) -> None:
        self._cloud = cloud
        self._tokens = tokens
        self._pages = pages
        self._admission = admission
        self._desk = desk
        self._lock = threading.Lock()  # guards the next two
        self._sockets: set[WebSocket] = set()
        self._closed = False
        self.flask = self._flask()

    def close(self) -> None:
        """Say goodbye on every websocket; those that come later are dropped."""
        with self._lock:
            self._closed = True
            sockets = list(self._sockets)
        for socket in sockets:
            socket.close(1001, "The simulator has ended")

    def _flask(self) -> Flask:
        app = Flask(__name__, static_folder=None)
        app.config["MAX_CONTENT_LENGTH"] = limits.MAX_REQUEST
        app.config["SOCK_SERVER_OPTIONS"] = {"thread_class": NoThread}
        app.before_request(self._admission.check)
        app.before_request(self._refuse_bad_tokens)
        app.after_request(_with_security_headers)
        app.register_error_handler(SHAKING_FAILED, lambda error: ("Bad websocket request", 400))
        app.register_error_handler(HTTPException, in_words_for_programs)
        app.register_blueprint(rest_routes(self._cloud, self._tokens))
        app.register_blueprint(phone_routes(self._cloud, self._tokens))
        app.register_blueprint(self._pages.routes())
        app.register_blueprint(self._admission.routes())
        app.register_blueprint(page_routes())
        app.register_blueprint(action_routes(self._desk, self._cloud.timeline))
        app.register_blueprint(wearer_routes(self._desk, self._tokens))
        app.register_blueprint(camera_routes(self._desk))
        sockets = Sock(app)
        sockets.route("/app-ws")(self._serve_app)
        sockets.route("/glasses-ws")(self._serve_phone)
        sockets.route("/simulator-ws")(self._serve_page)
        return app

    # --- Websockets --------------------------------------------------------------------------

    def _serve_app(self, accepted: Accepted) -> None:
        socket = WebSocket(accepted, self._cloud.wire_time, max_frame=limits.MAX_APP_FRAME)
        link = AppLink(self._cloud, socket)
        self._serve(socket, link.receive, link.ended)

    def _serve_phone(self, accepted: Accepted) -> None:
        wearer = self._cloud.find_wearer(self._user_of_token() or "")
        assert wearer is not None, "the token was checked before the upgrade"
        socket = WebSocket(
            accepted,
            self._cloud.wire_time,
            max_frame=limits.MAX_PAGE_FRAME,
            pong_timeout=limits.PONG_TIMEOUT,
        )
        # No page can show its token in a header: who does has glasses of its own.
        phone = PhoneLink(wearer, socket, carries=bearer() is not None)
        self._serve(socket, phone.receive, phone.ended)

    def _serve_page(self, accepted: Accepted) -> None:
        page = WebSocket(accepted, self._cloud.wire_time, max_frame=limits.MAX_PAGE_FRAME)
        user_id = self._desk.find(request.args.get("user"))
        assert user_id is not None, "the name was checked before the upgrade"
        self._serve(
            page,
            lambda message: self._desk.panel.receive(page, user_id, message),
            lambda: self._desk.panel.detach(page),
            began=lambda: self._desk.panel.attach(page, user_id),
        )

    def _serve(
        self,
        socket: WebSocket,
        receive: Callable[[str | bytes], None],
        ended: Callable[[], None],
        began: Callable[[], None] = lambda: None,
    ) -> None:
        with self._lock:
            self._sockets.add(socket)
            if self._closed:
                socket.abort()
        try:
            socket.serve(receive, began)
        finally:
            with self._lock:
                self._sockets.discard(socket)
            ended()

    # --- Who may come in ---------------------------------------------------------------------

    def _user_of_token(self) -> str | None:
        return self._tokens.user_id(bearer() or request.args.get("token", ""))

    def _refuse_bad_tokens(self) -> Response | None:
        """What the recorded cloud refuses before the upgrade."""
        if request.path == "/app-ws" and bearer() is not None:
            return _refused(
                "tpa_connection_error", "Invalid JWT token: jwt malformed", code="JWT_INVALID"
            )
        if request.path == "/simulator-ws" and self._desk.find(request.args.get("user")) is None:
            abort(404, "there is no wearer of that name")
        if request.path != "/glasses-ws":
            return None
        if bearer() is None and "token" not in request.args:
            return _refused("connection_error", "No core token provided")
        if self._cloud.find_wearer(self._user_of_token() or "") is None:
            return _refused("connection_error", "Invalid core token")
        return None


def _refused(kind: str, message: str, **fields: str) -> Response:
    response = jsonify(type=kind, message=message, timestamp=iso_timestamp(), **fields)
    response.status_code = 401
    return response


def _with_security_headers(response: Response) -> Response:
    response.headers.update(SECURITY_HEADERS)
    return response
