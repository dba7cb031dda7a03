"""Whether this machine is in a network, which tests of other devices need."""

from __future__ import annotations

import socket

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
