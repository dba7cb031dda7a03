"""``/api/sim/wearers``: who wears glasses here, and glasses for somebody else."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from mentra_sync.protocol import codec
from mentra_sync.simulator import limits
from mentra_sync.simulator.desk import Desk
from mentra_sync.simulator.rest import GlassesTokens

BODY = 'the body must be empty, or like {"model": "g1"}'


def wearer_routes(desk: Desk, tokens: GlassesTokens) -> Blueprint:
    """The routes, which begin with ``/api/sim/wearers``."""
    routes = Blueprint("wearers", __name__, url_prefix="/api/sim/wearers")

    @routes.get("")
    def everybody() -> Response:
        return jsonify(desk.wearers())

    @routes.post("/<user_id>")
    def another(user_id: str) -> tuple[Response, int]:
        """Somebody who is there from now on, with glasses of a ``model``, and their token."""
        body = request.get_data()
        try:
            model = codec.parse(body).get("model") if body else None
        except codec.MalformedMessage as error:
            return _problem(f"{BODY}: {error}", 400)
        if not isinstance(model, str | None):
            return _problem(f"{BODY}, got {model!r:.100}", 400)
        if desk.find(user_id) is None:
            if len(user_id) > limits.MAX_WEARER_NAME or not user_id.isprintable():
                most = limits.MAX_WEARER_NAME
                return _problem(f"a name has {most} printable characters at most", 400)
            if len(desk.wearers()["wearers"]) >= limits.MAX_WEARERS:
                return _problem(f"there are {limits.MAX_WEARERS} wearers already", 429)
        try:
            worn = desk.glasses_of(user_id, model).model
        except ValueError as error:
            return _problem(str(error), 400)
        token = tokens.make(user_id)
        return jsonify({"userId": user_id, "model": worn, "glassesToken": token}), 200

    return routes


def _problem(text: str, status: int) -> tuple[Response, int]:
    return jsonify({"error": text}), status
