"""Giving a listening socket to a child: its port is never free, and who knocks in between waits."""

from __future__ import annotations

import base64
import socket
import sys
from typing import Any


def inherited(listener: socket.socket) -> dict[str, Any]:
    """What ``subprocess.Popen`` needs so that its child can have the socket."""
    return {} if sys.platform == "win32" else {"pass_fds": (listener.fileno(),)}


def hand_over(listener: socket.socket, process: int) -> str:
    """What tells the child of that number where its socket is."""
    if sys.platform == "win32":
        return base64.b64encode(listener.share(process)).decode()
    return str(listener.fileno())


def take_over(told: str) -> socket.socket:
    """The socket, in the child."""
    if sys.platform == "win32":
        return socket.fromshare(base64.b64decode(told))
    listener = socket.socket(fileno=int(told))
    listener.set_inheritable(False)  # what the script starts shall not hold the port
    return listener
