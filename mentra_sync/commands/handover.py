"""Giving a listening socket to a child: its port is never free, and who knocks in between waits."""

from __future__ import annotations

import socket
import sys
from typing import Any


def handing_over(listener: socket.socket) -> dict[str, Any]:
    """What ``subprocess.Popen`` needs so that its child has the socket, under the same number."""
    if sys.platform == "win32":
        # Nothing names single handles there; and in a virtual environment the child is the
        # grandchild, so that its number, which socket.share() wants, cannot be known.
        listener.set_inheritable(True)
        return {"close_fds": False}
    return {"pass_fds": (listener.fileno(),)}


def take_over(number: int) -> socket.socket:
    """The socket, in the child."""
    listener = socket.socket(fileno=number)
    listener.set_inheritable(False)  # what the script starts shall not hold the port
    return listener
