"""A running session whose camera is asked for something, while the test plays the cloud."""

from __future__ import annotations

from typing import Any

import pytest
from background import Call
from cloud import AppSocket, Calls, Scene
from uploads import upload

from mentra_sync import AppServer, AppSession

CAMERA_DENIED = (
    "Camera permission required to take photos. Please add the CAMERA permission in the"
    " developer console."
)


class Shoot:
    """A running session, its app server, and the cloud's end of it."""

    def __init__(self, scene: Scene, **options: Any) -> None:
        ack = options.pop("ack", None)
        self.scene = scene
        self.errors = Calls()
        self.app: AppServer = scene.app(**options)
        self.there: AppSocket = scene.start(self.app, ack=ack)
        session = self.app.sessions[0]
        self.session: AppSession = session
        session.events.on_error(self.errors.one)

    def ask(self, **options: Any) -> tuple[Call, dict[str, Any]]:
        """Ask for a photo; returns the call, and the request that reached the cloud."""
        seen = len(self.there.all("photo_request"))
        asked = Call(lambda: self.session.camera.request_photo(**options))
        return asked, self.there.wait("photo_request", count=seen + 1)

    def upload(self, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
        return upload(self.app.port, body, headers)

    def refuse(self, code: str, message: str) -> AppSocket:
        """Refuse a request as the cloud does, and take the app's new connection."""
        self.there.send({"type": "tpa_connection_error", "code": code, "message": message})
        self.there.close_with(1008, message[:120])
        self.there = self.scene.accept()
        return self.there


@pytest.fixture(name="shoot")
def shoot_fixture(scene: Scene, quick: None) -> Shoot:
    return Shoot(scene)
