"""Checks of Python, the package, and what it needs."""

from __future__ import annotations

import importlib
import platform
import sys

from mentra_sync._version import VERSION
from mentra_sync.commands.checkup.finding import Finding, Request, ok, problem

OLDEST = (3, 10)

DEPENDENCIES = {
    "flask": "flask",
    "flask_sock": "flask-sock",
    "websocket": "websocket-client",
    "requests": "requests",
    "urllib3": "urllib3",
    "dataclasses_json": "dataclasses-json",
    "waitress": "waitress",
    "wsproto": "wsproto",
    "jwt": "PyJWT[crypto]",
    "PIL": "Pillow",
    "dotenv": "python-dotenv",
    "segno": "segno",
}
"""Modules, and what pip calls them."""

FASTER = {"orjson": "orjson"}
"""The same, of what the package can do without."""


def python(request: Request) -> list[Finding]:
    """The Python that runs this."""
    text = f"Python {platform.python_version()} ({sys.executable})"
    if sys.version_info < OLDEST:
        return problem(text, f"mentra-sync needs Python {OLDEST[0]}.{OLDEST[1]} or newer.")
    return ok(text)


def package(request: Request) -> list[Finding]:
    """The package, and whether what it needs can be imported."""
    missing = [name for module, name in DEPENDENCIES.items() if not _can_import(module)]
    text = f"mentra-sync {VERSION}"
    if missing:
        return problem(
            f"{text} lacks {', '.join(missing)}",
            f"{sys.executable} -m pip install {' '.join(missing)}",
        )
    slow = [name for module, name in FASTER.items() if not _can_import(module)]
    without = f", without {', '.join(slow)} (it would be faster)" if slow else ""
    return ok(f"{text} with all that it needs{without}")


def _can_import(module: str) -> bool:
    try:
        importlib.import_module(module)
    except Exception:  # a broken installation fails in many ways
        return False
    return True
