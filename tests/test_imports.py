"""Importing is cheap: what most apps don't need is not loaded until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = [
    *("PIL", "jwt", "cryptography", "dataclasses_json", "marshmallow", "waitress", "dotenv"),
    *("flask_sock", "simple_websocket", "wsproto", "hypothesis", "pytest", "asyncio"),
    *("mentra_sync.simulator", "mentra_sync.running", "mentra_sync.testing", "mentra_sync.cli"),
]
"""Never loaded by an import of the server, nor by making one."""


def _loaded(program: str, names: list[str]) -> list[str]:
    """Which of these modules a fresh Python has loaded after running a program."""
    check = f"import sys; print(*(name for name in {names!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{check}"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    "program",
    [
        "from mentra_sync import AppServer",
        "from mentra_sync import AppServer, AppSession; AppServer('com.example.app', 'key')",
    ],
)
def test_server_loads_nothing_heavy(program: str):
    assert _loaded(program, HEAVY) == []


def test_an_app_is_made_without_what_its_sessions_need():
    """They are loaded when it starts to serve; a script that only defines it need not wait."""
    program = "from mentra_sync import AppServer; AppServer('com.example.app', 'key')"
    names = ["mentra_sync.session", "mentra_sync.runtime.link", "requests", "websocket"]
    assert _loaded(program, names) == []


def test_package_alone_loads_next_to_nothing():
    names = [*HEAVY, "flask", "requests", "websocket", "mentra_sync.server", "mentra_sync.session"]
    assert _loaded("import mentra_sync", names) == []


def test_what_is_loaded_would_be_seen():
    assert _loaded("from mentra_sync import AppServer; import PIL", ["PIL", "flask"]) == [
        "PIL",
        "flask",
    ]
