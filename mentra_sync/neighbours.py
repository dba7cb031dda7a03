"""What another server on this machine says of itself, if it is one of this package's."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.request import ProxyHandler, build_opener


def app_of(port: int, patience: float) -> str | None:
    """The package name of the app that is served at a port."""
    return _text(_ask(port, "health", patience).get("app"))


def simulated_at(port: int, patience: float) -> str | None:
    """The package name of the app whose simulated glasses are on the page at a port."""
    return _text(_ask(port, "api/sim/state", patience).get("packageName"))


def _text(told: Any) -> str | None:
    return told[:100] if isinstance(told, str) and told.isprintable() else None


def _ask(port: int, path: str, patience: float) -> dict[str, Any]:
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/{path}", timeout=patience) as answer:
            told = json.loads(answer.read(100_000))
    except (OSError, ValueError, HTTPException):
        return {}
    return told if isinstance(told, dict) else {}
