"""Whether this machine is in a network, which tests of other devices need; ports of one's own."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

import pytest

from mentra_sync.simulator.network import EVERYWHERE, reachable_name


def network_address() -> str:
    """The address of this machine in its network; skips the test where there is none."""
    address = reachable_name()
    try:
        with (
            socket.create_server((EVERYWHERE, 0)) as listener,
            socket.create_connection((address, listener.getsockname()[1]), timeout=5) as probe,
        ):
            itself = probe.getsockname()[0]
    except OSError as error:
        pytest.skip(f"this machine is not to be reached at {address}: {error}")
    if itself.startswith("127."):
        pytest.skip("this machine is in no network")
    return address


def free_port() -> int:
    """A port that is free, as the next one is, and stays so until somebody asks for this one.

    The system gives numbers from 32768 on (elsewhere higher ones) to who asks for any, so one of
    those may be another's a moment after it has been let go of: tests run beside each other.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with (
            suppress(OSError),
            socket.create_server(("127.0.0.1", port)),
            socket.create_server(("127.0.0.1", port + 1)),
        ):
            return port
