"""``/api/sim/camera``: what is held before the camera of the glasses.

``PUT`` a picture (JPEG, PNG, WebP, GIF or BMP) and photos show it; with ``?webcam=true`` each
photo asks for one of its own, which is ``PUT`` to ``/api/sim/camera/REQUEST_ID``.  ``DELETE``
puts the test card back.  A wearer is named by ``?user=``.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import Blueprint, request

from mentra_sync.simulator import limits
from mentra_sync.simulator.actions_rest import named_wearer
from mentra_sync.simulator.camera import Camera
from mentra_sync.simulator.desk import Desk

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")

Answer = tuple[dict[str, Any], int]


def camera_routes(desk: Desk) -> Blueprint:
    """The routes of the camera."""
    routes = Blueprint("camera", __name__, url_prefix="/api/sim/camera")

    def camera() -> Camera:
        return desk.glasses_of(named_wearer(desk)).camera

    @routes.put("")
    def show() -> Answer:
        picture = request.get_data()
        problem = _problem(picture)
        if problem:
            return {"error": problem}, 400
        seen_by = camera()
        seen_by.show(picture)
        seen_by.follow(request.args.get("webcam") == "true")
        return {"success": True}, 200

    @routes.put("/<request_id>")
    def see(request_id: str) -> Answer:
        picture = request.get_data()
        problem = _problem(picture)
        if problem:
            return {"error": problem}, 400
        camera().seen(request_id, picture)
        return {"success": True}, 200

    @routes.delete("")
    def put_away() -> Answer:
        seen_by = camera()
        seen_by.show(None)
        seen_by.follow(False)
        return {"success": True}, 200

    return routes


def _problem(data: bytes) -> str:
    """Why this is no picture for the camera; empty when it is one."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > limits.MAX_PICTURE_PIXELS:
                return f"the picture is too large: {width} x {height} pixels"
            image.verify()
    except Exception:  # Pillow raises all sorts of things for broken files
        return "the body is no picture; send a JPEG, PNG, WebP, GIF or BMP"
    return ""
