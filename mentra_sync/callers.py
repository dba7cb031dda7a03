"""Where an HTTP request comes from."""

from __future__ import annotations

import ipaddress

import flask

_FORWARDING = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip"),
        *("x-original-forwarded-for", "true-client-ip", "cf-connecting-ip", "fly-client-ip"),
    }
)
"""What proxies and tunnels add, beside the ``X-Forwarded-*`` headers."""


def is_straight_from_loopback() -> bool:
    """Whether the caller is on this machine, and not behind a tunnel or proxy that is."""
    names = (name.lower() for name in dict(flask.request.headers))
    if any(name.startswith("x-forwarded-") or name in _FORWARDING for name in names):
        return False
    try:
        address = ipaddress.ip_address(flask.request.remote_addr or "")
    except ValueError:
        return False
    # A socket for both kinds of addresses sees 127.0.0.1 as ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
