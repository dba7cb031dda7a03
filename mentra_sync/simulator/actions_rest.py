"""``/api/sim/...``: everything that the page can do, for other tools; and what came of it.

A wearer is named by ``?user=``; without it the first one is meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from dataclasses import asdict, is_dataclass
from math import isfinite
from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from mentra_sync.errors import RequestFailed
from mentra_sync.protocol import codec
from mentra_sync.simulator import limits
from mentra_sync.simulator.desk import Desk
from mentra_sync.simulator.glasses import Glasses
from mentra_sync.simulator.lens import Shown
from mentra_sync.simulator.presenting import presentable
from mentra_sync.simulator.records import WAIT_SECONDS, Record
from mentra_sync.simulator.timeline import Timeline

Message = dict[str, Any]
_HERE = "/api/sim"


def action_routes(desk: Desk, timeline: Timeline) -> Blueprint:
    """The routes, which begin with ``/api/sim``."""
    routes = Blueprint("sim", __name__, url_prefix=_HERE)
    _actions(routes, desk)
    _lens(routes, desk)
    _records(routes, desk)

    @routes.get("/state")
    def state() -> Response:
        return jsonify(desk.state(named_wearer(desk)))

    @routes.get("/schema")
    def schema() -> Response:
        """What the wearer can do with the glasses worn now, and how it is sent."""
        return jsonify(desk.schema(named_wearer(desk)))

    @routes.get("/streams")
    def streams() -> Response:
        return jsonify(list(desk.streams(named_wearer(desk))))

    @routes.get("/timeline")
    def crossings() -> Response:
        after = request.args.get("after", 0, type=int)
        return jsonify([crossing.message() for crossing in timeline.after(after)])

    return routes


def in_words_for_programs(error: HTTPException) -> Response | HTTPException:
    """Any refusal below ``/api/sim`` as JSON with an ``error``; elsewhere as it is."""
    if error.response is not None or not f"{request.path}/".startswith(f"{_HERE}/"):
        return error
    if not isinstance(error, MethodNotAllowed):
        response = jsonify(error=error.description or error.name)
        response.status_code = error.code or 500
        return response
    ways = ", ".join(sorted({*(error.valid_methods or ())} - {"HEAD", "OPTIONS"}))
    text = f"{request.method} is no way to ask for {request.path:.100}; there is: {ways}"
    response = jsonify(error=text)
    response.status_code = 405
    response.headers["Allow"] = ways
    return response


def _actions(routes: Blueprint, desk: Desk) -> None:
    @routes.get("")
    def offered() -> Response:
        return jsonify({"actions": [action.message() for action in desk.actions()]})

    @routes.get("/<name>")
    def asked_for(name: str) -> Response:
        """What can only be done, or is not there at all; what is there has routes of its own."""
        ways = {rule.rule: rule.methods for rule in current_app.url_map.iter_rules()}
        ways |= {f"{_HERE}/{action.name}": {"POST"} for action in desk.actions()}
        allowed = ways.get(f"{_HERE}/{name}")
        if allowed:
            raise MethodNotAllowed(allowed)
        names = [path.rpartition("/")[2] for path in ways if path.startswith(_HERE)]
        near = difflib.get_close_matches(name, [one for one in names if "<" not in one])
        instead = f"try {', '.join(near)}" if near else f"GET {_HERE} tells what can be done"
        abort(404, f"there is no {name!r:.100}; {instead}")

    @routes.post("/<name>")
    def act(name: str) -> tuple[Response, int]:
        body = request.get_data()
        try:
            arguments = codec.parse(body) if body else {}
        except codec.MalformedMessage as error:
            return _problem(f"the body must be a JSON object with the arguments: {error}", 400)
        user_id, names = named_wearer(desk), [action.name for action in desk.actions()]
        if name not in names:
            near = difflib.get_close_matches(name, names, 3) or names
            return _problem(f"there is no action {name!r:.100}; try {', '.join(near)}", 404)
        try:
            result = desk.action(user_id, name).do(arguments)
            if isinstance(result, Future):
                result = result.result(limits.ACTION_TIMEOUT)
        except ValueError as error:
            return _problem(str(error), 400)
        except (RequestFailed, NotDone) as error:
            return _problem(str(error) or "the app did not answer in time", 502)
        return jsonify({"result": _plain(result)}), 200


def _lens(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/lens")
    def lens() -> Response:
        """What it shows; ``wait_for`` waits for a text, ``timeout`` seconds at most (2)."""
        seen = desk.glasses_of(named_wearer(desk)).lens
        wanted = request.args.get("wait_for")
        if wanted is None:
            return jsonify(_shown(seen.main) | {"dashboard": _shown(seen.dashboard)})
        found = seen.wait_for(wanted, _timeout())
        return jsonify({"found": found is not None} | _shown(found or seen.main))

    @routes.get("/lens.png")
    def picture() -> Response:
        return Response(desk.glasses_of(named_wearer(desk)).lens.png(), mimetype="image/png")

    @routes.get("/history")
    def history() -> Response:
        return jsonify(
            [_shown(shown) for shown in desk.glasses_of(named_wearer(desk)).lens.history]
        )


def _records(routes: Blueprint, desk: Desk) -> None:
    for name, of in _RECORDS.items():
        routes.add_url_rule(f"/{name}", name, _record_view(desk, of))


def _record_view(desk: Desk, of: Callable[[Glasses], Record[Any]]) -> Callable[[], Response]:
    def view() -> Response:
        record = of(desk.glasses_of(named_wearer(desk)))
        wanted = request.args.get("wait_for")
        if wanted is not None:
            record.wait_for(wanted, _timeout())
        return jsonify([_plain(one) for one in record])

    return view


_RECORDS: dict[str, Callable[[Glasses], Record[Any]]] = {
    "spoken": lambda glasses: glasses.spoken,
    "played": lambda glasses: glasses.played,
    "lights": lambda glasses: glasses.lights,
    "photos": lambda glasses: glasses.photos,
    "frames": lambda glasses: glasses.frames,
    "wifi_setups": lambda glasses: glasses.wifi_setups,
    "location_requests": lambda glasses: glasses.location_requests,
}


def named_wearer(desk: Desk) -> str:
    """The wearer that a request names; answers 404 when there is no such."""
    user_id = desk.find(request.args.get("user"))
    if user_id is None:
        abort(404, "there is no wearer of that name; POST /api/sim/wearers/NAME adds one")
    return user_id


def _timeout() -> float:
    wanted = request.args.get("timeout", WAIT_SECONDS, type=float)
    return min(max(wanted, 0.0), limits.ACTION_TIMEOUT) if isfinite(wanted) else WAIT_SECONDS


def _shown(shown: Shown) -> Message:
    message = presentable(shown.message())
    return {**message, "text": shown.text, "package": shown.package}


def _plain(value: Any) -> Any:
    """A result as JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        return presentable(asdict(value))
    if value is None or isinstance(value, bool | int | float | str | list | dict):
        return presentable(value)
    return None


def _problem(text: str, status: int) -> tuple[Response, int]:
    return jsonify({"error": text}), status
