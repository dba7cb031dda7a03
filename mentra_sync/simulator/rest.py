"""The cloud's REST: what apps, glasses and phones ask for over plain HTTP (section 7)."""

from __future__ import annotations

from typing import Any

import jwt
from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from mentra_sync.protocol import codec
from mentra_sync.simulator import limits
from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.registry import App
from mentra_sync.simulator.speech import TTS_PATH, silence, speech_seconds
from mentra_sync.simulator.storage import Answer
from mentra_sync.simulator.timeline import Timeline, Way
from mentra_sync.simulator.wearer import Wearer

STORAGE = "/api/sdk/simple-storage/<user_id>"

SDK_VERSION = "2.1.29"
"""The version of the TypeScript SDK whose protocol this is."""


class GlassesTokens:
    """The tokens that phones show: JWT with the wearer's address, good for this run only."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def make(self, user_id: str) -> str:
        """A token for one wearer."""
        return jwt.encode({"email": user_id}, self._secret, algorithm="HS256")

    def user_id(self, token: str) -> str | None:
        """Whose token this is, or None for one that is not ours."""
        try:
            email = jwt.decode(token, self._secret, algorithms=["HS256"]).get("email")
        except jwt.PyJWTError:
            return None
        return email if isinstance(email, str) else None


def bearer() -> str | None:
    """The bearer token of this request, or None."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" and token.strip() else None


def json_body() -> Any:
    """The body of this request as JSON, whatever its content type; None when it is none."""
    try:
        return codec.parse_value(request.get_data())
    except codec.MalformedMessage:
        return None


def rest_routes(cloud: Cloud, tokens: GlassesTokens) -> Blueprint:
    """All REST routes of the cloud."""
    routes = Blueprint("cloud", __name__)
    _storage_routes(routes, cloud)
    _app_routes(routes, cloud)
    _phone_routes(routes, cloud, tokens)
    routes.after_request(lambda response: _noted(cloud.timeline, response))
    return routes


def _noted(timeline: Timeline, response: Response) -> Response:
    """Put a call and its answer on the timeline; what phones ask for is theirs."""
    if request.path == TTS_PATH or request.path.startswith("/apps/"):
        return response
    name = f"{request.method} {request.path}"
    user_id = (request.view_args or {}).get("user_id")
    try:
        said = json_body()
    except HTTPException:  # what is too big, or broke off, cannot be read here either
        said = None
    timeline.add(Way.APP_TO_CLOUD, "request", name, user_id, said)
    body = response.get_json(silent=True)
    answer = {"status": response.status_code, "body": body}
    timeline.add(Way.CLOUD_TO_APP, "answer", f"{response.status_code} to {name}", user_id, answer)
    return response


# --- Simple storage --------------------------------------------------------------------------


def _storage_routes(routes: Blueprint, cloud: Cloud) -> None:
    storage = cloud.storage

    @routes.route(STORAGE, methods=["GET", "PUT", "DELETE"])
    def all_values(user_id: str) -> Response:
        app = _app_of_bearer(cloud)
        if not isinstance(app, App):
            return _answer(app)
        if request.method == "GET":
            return _answer(storage.everything(app.package_name, user_id))
        if request.method == "PUT":
            return _answer(storage.write_all(app.package_name, user_id, json_body()))
        return _answer(storage.clear(app.package_name, user_id))

    @routes.route(STORAGE + "/<path:key>", methods=["GET", "PUT", "DELETE"])
    def one_value(user_id: str, key: str) -> Response:
        app = _app_of_bearer(cloud)
        if not isinstance(app, App):
            return _answer(app)
        if request.method == "GET":
            return _answer(storage.read(app.package_name, user_id, key))
        if request.method == "PUT":
            return _answer(storage.write(app.package_name, user_id, key, json_body()))
        return _answer(storage.delete(app.package_name, user_id, key))


def _app_of_bearer(cloud: Cloud) -> App | Answer:
    """The app that a ``packageName:apiKey`` token belongs to, or why there is none."""
    header = request.headers.get("Authorization")
    if header is None:
        return _unauthorized(
            "Missing Authorization header", "Authorization header is required for SDK requests"
        )
    token = bearer()
    if token is None:
        return _unauthorized(
            "Invalid Authorization format",
            "Authorization header must be in format: Bearer <packageName>:<apiKey>",
        )
    package, colon, key = token.partition(":")
    if not colon:
        return _unauthorized(
            "Invalid token format", "Token must be in format: <packageName>:<apiKey>"
        )
    app = cloud.registry.by_key(package, key)
    if app is None:
        return _unauthorized(
            "Invalid API key", "Provided API key is not valid for this packageName"
        )
    return app


# --- What apps and their glasses ask for -----------------------------------------------------


def _app_routes(routes: Blueprint, cloud: Cloud) -> None:
    @routes.get(TTS_PATH)
    def speech() -> Response:
        text = request.args.get("text")
        if not text:
            message = "Text parameter is required and must be a string"
            return _answer((400, {"success": False, "message": message}))
        if len(text) > limits.MAX_SPEECH_CHARACTERS:
            return _answer((413, {"success": False, "message": "Text is too long"}))
        return Response(silence(speech_seconds(text)), mimetype="audio/wav")

    @routes.get("/appsettings/user/<package>")
    def settings(package: str) -> Response:
        app, wearer = cloud.registry.find(package), _wearer_by_bearer(cloud, package)
        if wearer is None:
            return _answer((401, {"error": "Unknown user"}))
        if app is None:
            return _answer((404, {"error": "App not found"}))
        return _answer((200, {"success": True, "settings": app.settings_of(wearer.user_id)}))

    @routes.get("/api/public/permissions/<package>")
    def permissions(package: str) -> Response:
        app = cloud.registry.find(package)
        if app is None:
            return _answer((404, {"error": "App not found"}))
        found = {"success": True, "packageName": package, "permissions": app.permissions()}
        return _answer((200, found))

    @routes.get("/api/sdk/version")
    def version() -> Response:
        data = {"required": SDK_VERSION, "latest": SDK_VERSION}
        return _answer((200, {"success": True, "data": data}))

    @routes.post("/api/app-communication/discover-users")
    def discover_users() -> Response:
        if cloud.quirks:
            abort(404)
        body = json_body()
        package = body.get("packageName") if isinstance(body, dict) else None
        app = cloud.registry.by_key(package, bearer())
        if app is None:
            return _answer(_unauthorized("Invalid API key", "Unknown package or wrong key"))
        users = [{"userId": wearer.user_id} for wearer in _users_of(cloud, app)]
        return _answer((200, {"users": users, "totalUsers": len(users)}))


def _wearer_by_bearer(cloud: Cloud, package: str) -> Wearer | None:
    """The wearer whose user id (or, as the TypeScript SDK sends it, session id) this is."""
    token = bearer() or ""
    return cloud.find_wearer(token) or cloud.find_wearer(token.removesuffix(f"-{package}"))


def _users_of(cloud: Cloud, app: App) -> list[Wearer]:
    with cloud.lock:
        return [wearer for wearer in cloud.wearers() if wearer.session_of(app).live]


# --- What a phone asks for -------------------------------------------------------------------


def _phone_routes(routes: Blueprint, cloud: Cloud, tokens: GlassesTokens) -> None:
    def wearer_and_app(package: str) -> tuple[Wearer, App] | Answer:
        wearer = cloud.find_wearer(tokens.user_id(bearer() or "") or "")
        app = cloud.registry.find(package)
        if wearer is None:
            return 401, {"success": False, "message": "Invalid core token"}
        if app is None:
            return 404, {"success": False, "message": "App not found"}
        return wearer, app

    @routes.post("/apps/<package>/start")
    def start(package: str) -> Response:
        found = wearer_and_app(package)
        if isinstance(found[0], int):
            return _answer(found)
        # Even a start that fails has been "started" in the recorded cloud.
        cloud.start_app(*found).result()
        return _answer(_done("started", package))

    @routes.post("/apps/<package>/stop")
    def stop(package: str) -> Response:
        found = wearer_and_app(package)
        if isinstance(found[0], int):
            return _answer(found)
        cloud.stop_app(*found).result()
        return _answer(_done("stopped", package))


def _done(status: str, package: str) -> Answer:
    data = {"status": status, "packageName": package, "appState": {}}
    return 200, {"success": True, "data": data}


def _unauthorized(error: str, message: str) -> Answer:
    return 401, {"error": error, "message": message}


def _answer(answer: Answer) -> Response:
    status, body = answer
    response = jsonify(body)
    response.status_code = status
    return response
