"""The app's own web pages, opened as the cloud opens them: with a token that says who looks."""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, jsonify, redirect, request

from mentra_sync.simulator.cloud import Cloud
from mentra_sync.simulator.registry import App
from mentra_sync.simulator.rest import bearer, json_body

_MOST = 100
"""Tokens that nobody has exchanged yet; past it the oldest are no longer good."""


class AppPages:
    """Where the pages of an app are, and for whom they were opened."""

    def __init__(self, cloud: Cloud, app: App, user_id: str) -> None:
        self._cloud = cloud
        self._app = app
        self._user_id = user_id
        self._lock = threading.Lock()
        self._issued: dict[str, tuple[str, str]] = {}  # guarded by _lock: package, user by token

    def url(self, path: str = "/", user_id: str | None = None) -> str:
        """The address of one of the app's pages, signed in for a wearer; good for one visit.

        Raises ValueError for a path that does not begin with a slash.
        """
        if not path.startswith("/"):
            raise ValueError(f'path must begin with a slash, as "/page" does; got {path!r}')
        cloud = f"http://{self._cloud.address}"
        query = {
            "aos_temp_token": self._issue(user_id or self._user_id),
            "cloudApiUrl": cloud,
            "cloudApiUrlChecksum": _hash(cloud + _hash(self._app.api_key)),
        }
        page, _, fragment = path.partition("#")
        joint = "&" if "?" in page else "?"
        end = f"#{fragment}" if fragment else ""
        return f"{self._app.base_url}{page}{joint}{urlencode(query)}{end}"

    def routes(self) -> Blueprint:
        """``/app-page`` leads to a page of the app; the other is what the app then asks."""
        routes = Blueprint("app_pages", __name__)

        @routes.get("/app-page")
        def app_page() -> Any:
            path = request.args.get("path", "/")
            if not path.startswith("/"):
                abort(400, "path must begin with a slash")
            return redirect(self.url(path))

        @routes.post("/api/auth/exchange-user-token")
        def exchange() -> Response:
            body = json_body()
            fields = body if isinstance(body, dict) else {}
            token, package = fields.get("aos_temp_token"), fields.get("packageName")
            if not isinstance(token, str) or not isinstance(package, str):
                return _refused(400, "aos_temp_token and packageName are required")
            if self._cloud.registry.by_key(package, bearer()) is None:
                return _refused(401, "Unknown package or wrong key")
            user_id = self._redeem(token, package)
            if user_id is None:
                return _refused(401, "Invalid or expired token")
            return jsonify(success=True, userId=user_id)

        return routes

    def _issue(self, user_id: str) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            while len(self._issued) >= _MOST:
                del self._issued[next(iter(self._issued))]
            self._issued[token] = (self._app.package_name, user_id)
        return token

    def _redeem(self, token: str, package: str) -> str | None:
        """Whose token it is, once; None for one that is unknown, used, or another app's."""
        with self._lock:
            found = self._issued.get(token)
            if found is None or found[0] != package:
                return None
            return self._issued.pop(token)[1]


def _refused(status: int, error: str) -> Response:
    response = jsonify(success=False, error=error)
    response.status_code = status
    return response


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
