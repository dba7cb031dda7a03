"""The page's own files, over HTTP."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, abort

PAGE = Path(__file__).parent / "page"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""Said here, since what Windows says of ``.js`` is whatever another program has made of it."""


def page_routes() -> Blueprint:
    """The page, wearers side by side, and what both are made of."""
    routes = Blueprint("page", __name__)
    routes.add_url_rule("/", "index", lambda: _file("index.html"))
    routes.add_url_rule("/side-by-side", "side_by_side", lambda: _file("side_by_side.html"))
    routes.add_url_rule("/page/<name>", "file", _file)
    return routes


def _file(name: str) -> Response:
    """One file, read whole: a browser that goes away in the middle leaves no open file behind."""
    path = PAGE / name
    kind = TYPES.get(path.suffix)
    # A name with no separator of any system in it cannot lead out of the folder.
    if kind is None or Path(name).name != name or "\\" in name or not path.is_file():
        abort(404)
    return Response(path.read_bytes(), content_type=kind)
