"""Where an HTTP request comes from."""

from __future__ import annotations

import ipaddress

import flask

_FORWARDING = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"}
)
"""What proxies and tunnels add, beside the ``X-Forwarded-*`` headers."""


def is_straight_from_loopback() -> bool:
    """Whether the caller is on this machine, and not behind a tunnel or proxy that is."""
    names = (name.lower() for name in dict(flask.request.headers))
    if any(name.startswith("x-forwarded-") or name in _FORWARDING for name in names):
        return False
    try:
        return ipaddress.ip_address(flask.request.remote_addr or "").is_loopback
    except ValueError:
        return False
