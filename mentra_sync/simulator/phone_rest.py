"""The REST calls of a phone, and of an assistant: what the wearer does there (section 13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator.assistant import Assistant, tools_of
from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.rest import GlassesTokens, bearer, json_body
from mentra_sync.simulator.wearer import Wearer

Frame = dict[str, Any]
Answer = tuple[Any, int]

_CLIENT = "/api/client/"


def phone_routes(cloud: Cloud, tokens: GlassesTokens) -> Blueprint:
    """What phones ask for beside starting and stopping apps."""
    routes = Blueprint("phone", __name__)
    for path, take in _REPORTS.items():
        routes.add_url_rule(_CLIENT + path, path, _reported(cloud, tokens, take), methods=["POST"])

    @routes.post("/appsettings/<package>")
    def app_settings(package: str) -> Answer:
        wearer, app = _wearer(cloud, tokens), cloud.registry.find(package)
        body = json_body()
        changes = body if isinstance(body, list) else [body]
        if wearer is None:
            return _STRANGER
        values = {
            str(one["key"]): one.get("value")
            for one in changes
            if isinstance(one, dict) and "key" in one
        }
        if app is None or not values:
            return {"error": "App not found" if app is None else "Invalid settings"}, 400
        with cloud.lock:
            session = wearer.session_of(app)
        wearer.preferences.change_app(session, values)
        return {"success": True, "message": "Settings updated successfully"}, 200

    @routes.post("/api/user-data/set-datetime")
    def set_datetime() -> Answer:
        body = json_body()
        body = body if isinstance(body, dict) else {}
        token, moment = body.get("coreToken"), body.get("datetime")
        wearer = cloud.find_wearer(tokens.user_id(str(token)) or "")
        if wearer is None:
            return _STRANGER
        if not isinstance(moment, str):
            return {"error": "datetime must be a text in ISO 8601"}, 400
        payload = {"datetime": moment, "section": "topLeft"}
        wearer.messages.send("update_datetime", payload)
        return {"success": True, "userId": wearer.user_id, "datetime": moment}, 200

    _assistant_routes(routes, cloud)
    return routes


def _assistant_routes(routes: Blueprint, cloud: Cloud) -> None:
    assistant = Assistant(cloud.webhooks)

    @routes.post("/api/tools/apps/<package>/tool")
    def call_tool(package: str) -> Answer:
        call = json_body()
        app = cloud.registry.find(package)
        if app is None:
            return {"error": True, "message": f"App not found: {package}"}, 404
        call = call if isinstance(call, dict) else {}
        missing = [name for name in ("toolId", "userId") if not call.get(name)]
        if missing:
            message = f"Missing required fields: {', '.join(missing)}"
            return {"error": True, "message": message}, 400
        status, answer, problem = assistant.ask(app, call)
        if not problem:
            return answer, 200
        if status:
            problem = f"Request failed with status code {status}"
        return {"error": True, "message": f"Webhook failed: {problem}", "details": answer}, 500

    @routes.get("/api/tools/apps/<package>/tools")
    def tools_of_app(package: str) -> Response:
        app = cloud.registry.find(package)
        return jsonify([] if app is None else tools_of(app))

    @routes.get("/api/tools/users/<user_id>/tools")
    def tools_of_user(user_id: str) -> Response:
        wearer = cloud.find_wearer(user_id)
        sessions = [] if wearer is None else wearer.sessions()
        return jsonify(
            [
                {**tool, "appPackageName": session.app.package_name}
                for session in sessions
                if session.live
                for tool in tools_of(session.app)
            ]
        )


# --- What a phone reports ---------------------------------------------------------------------


def _location(wearer: Wearer, body: Frame, **path: str) -> Frame:
    place = _place(body)
    if wearer.loses_altitude:
        place.pop("altitude", None)
    wearer.glasses.send({"type": "location_update", **place})
    return {}


def _poll_response(wearer: Wearer, body: Frame, **path: str) -> Frame:
    return {"resolved": wearer.places.answered(path["correlation_id"], _place(body))}


def _notification(wearer: Wearer, body: Frame, **path: str) -> Frame:
    wearer.glasses.send({"priority": "normal", **body, "type": "phone_notification"})
    return {"message": "Notification relayed to subscribed apps"}


def _dismissal(wearer: Wearer, body: Frame, **path: str) -> Frame:
    wearer.glasses.send({**body, "type": "phone_notification_dismissed"})
    return {"message": "Notification dismissal relayed to subscribed apps"}


def _calendar(wearer: Wearer, body: Frame, **path: str) -> Frame:
    events = body.get("events")
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("startDate"):
            wearer.glasses.calendar(
                str(event.get("title", "")),
                event["startDate"],
                event.get("endDate") or event["startDate"],
                event.get("timeZone") or "UTC",
                str(event.get("id", "")),
            )
    return {}


def _device_state(wearer: Wearer, body: Frame, **path: str) -> Frame:
    wearer.from_glasses({"type": "device_state", "state": body})
    applied = {
        "isGlassesConnected": wearer.glasses_connected,
        "isPhoneConnected": wearer.present,
        "modelName": wearer.model,
        "capabilities": wearer.capabilities(),
    }
    return {"appliedState": applied}


def _user_settings(wearer: Wearer, body: Frame, **path: str) -> Frame:
    settings = body.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    return {"data": {"settings": wearer.preferences.change_by_phone(settings)}}


_REPORTS: dict[str, Callable[..., Frame]] = {
    "location": _location,
    "location/poll-response/<correlation_id>": _poll_response,
    "notifications": _notification,
    "notifications/dismissed": _dismissal,
    "calendar": _calendar,
    "device/state": _device_state,
    "user/settings": _user_settings,
}
_STRANGER = ({"success": False, "message": "Invalid core token"}, 401)


def _reported(cloud: Cloud, tokens: GlassesTokens, take: Callable[..., Frame]) -> Any:
    def view(**path: str) -> Answer:
        wearer = _wearer(cloud, tokens)
        body = json_body()
        if wearer is None:
            return _STRANGER
        if not isinstance(body, dict):
            return {"success": False, "message": "The body must be a JSON object"}, 400
        with cloud.lock:
            more = take(wearer, body, **path)
        return {"success": True, **more, "timestamp": iso_timestamp()}, 200

    return view


def _wearer(cloud: Cloud, tokens: GlassesTokens) -> Wearer | None:
    return cloud.find_wearer(tokens.user_id(bearer() or "") or "")


def _place(body: Frame) -> Frame:
    place = body.get("location")
    place = place if isinstance(place, dict) else {}
    names = {"latitude": "lat", "longitude": "lng", "accuracy": "accuracy", "altitude": "altitude"}
    return {name: place[given] for given, name in names.items() if place.get(given) is not None}
