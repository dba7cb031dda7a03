"""Under which address and names other devices find this machine."""

from __future__ import annotations

import ipaddress
import socket

EVERYWHERE = "0.0.0.0"
"""What to listen on to be reached from other devices: every network of this machine (IPv4)."""

_ELSEWHERE = ("192.0.2.1", 9)
"""An address that is reserved for examples: nobody has it."""


def reachable_name() -> str:
    """The address of this machine in its network, or its name where it has none.

    Nothing is sent: a UDP socket that is connected only learns which way it would go.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
            address = str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
    known = ipaddress.ip_address(address)
    return socket.gethostname() if known.is_loopback or known.is_unspecified else address


def own_names() -> frozenset[str]:
    """The names by which other devices may call this machine, in lower case."""
    name = socket.gethostname().lower().removesuffix(".local")
    return frozenset({name, f"{name}.local"})
