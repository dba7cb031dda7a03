"""Checks of the two ports: free, or who has them."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys

from mentra_sync import config
from mentra_sync.commands.checkup.finding import Finding, Request, ok, warning
from mentra_sync.configuration import Environment
from mentra_sync.errors import ConfigurationError
from mentra_sync.neighbours import app_of, simulated_at

PATIENCE = 2.0
"""How long whoever listens there may take to say what it is (s)."""

LISTENERS = (
    (("lsof", "-nP", "-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"), r"p(?P<pid>\d+)\nc(?P<name>.+)"),
    (("ss", "-Hltnp", "sport = :{port}"), r'\(\("(?P<name>[^"]+)",pid=(?P<pid>\d+)'),
    (("netstat", "-ano", "-p", "TCP"), r":{port}\s+\S+\s+LISTENING\s+(?P<pid>\d+)"),
)
"""Programs that tell who listens, and how to read it: macOS and Linux, Linux, Windows."""


def ports(request: Request) -> list[Finding]:
    """The app's port and the page's."""
    try:
        app_port = Environment().port() or config.DEFAULT_PORT
    except ConfigurationError as error:
        return [Finding("problem", str(error), "Correct it there.")]
    return [
        *_port("the app", app_port, "PORT=... in the environment or in .env"),
        *_port("the page", config.SIMULATOR_PORT, "mentra-sync run app.py --port ..."),
    ]


def _port(whose: str, port: int, choose: str) -> list[Finding]:
    if _is_free(port):
        return ok(f"port {port}, for {whose}, is free")
    return warning(
        f"port {port}, for {whose}, is in use by {_owner(port)}",
        f"End that program, or choose another port: {choose}."
        " On simulated glasses the next free one is taken.",
    )


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _owner(port: int) -> str:
    """Who has a port, as far as can be found out."""
    program = _program(port)
    app = app_of(port, PATIENCE)
    if app is not None:
        return f"the app {app}{program and f', {program}'}"
    simulated = simulated_at(port, PATIENCE)
    if simulated is not None:
        return f"the simulator of {simulated}{program and f', {program}'}"
    return program or "another program"


def _program(port: int) -> str:
    for command, pattern in LISTENERS:
        windows = command[0] == "netstat"
        if windows is not (sys.platform == "win32") or not shutil.which(command[0]):
            continue
        try:
            done = subprocess.run(
                [part.format(port=port) for part in command],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PATIENCE,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        found = re.search(pattern.replace("{port}", str(port)), done.stdout)
        if found:
            name = found.groupdict().get("name", "a program")
            return f"{name} (process {found['pid']})"
    return ""
