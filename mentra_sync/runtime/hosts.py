"""Which websocket addresses may be dialled.

The webhook that names the address is not signed, and the first frame to that address carries
the API key (protocol.md, section 8).  So an address is taken apart strictly here, once, and what
is dialled is the :class:`Target` that came out of it, never the text that somebody sent.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mentra_sync import config
from mentra_sync.errors import ConfigurationError, ConnectionFailed

_URL = re.compile(
    r"(?P<scheme>[A-Za-z]+)://"
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?"
)
_ALLOWED_CHARACTERS = re.compile(r"[!-\[\]-~]*")  # printable ASCII without space and backslash
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
"""By hand: Pythons differ on whether an address such as ::ffff:127.0.0.1 is loopback."""
_DEFAULT_PORTS = {"ws": 80, "wss": 443}


@dataclass(frozen=True)
class Target:
    """An address that has passed :meth:`HostPolicy.check`; only that makes one."""

    host: str
    """In lower case, without trailing dot or brackets."""
    port: int
    secure: bool
    """Whether TLS is spoken (``wss``)."""
    loopback: bool
    resource: str = field(repr=False)
    """Path and query; never shown, since a query may hold secrets."""

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL; safe to log."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _DEFAULT_PORTS["wss" if self.secure else "ws"]
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The websocket URL, rebuilt from its parts; may hold secrets in its query."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.resource}"

    @property
    def http_base(self) -> str:
        """Where this cloud's REST calls go: without ``/app-ws`` and query (protocol.md, 7)."""
        path = self.resource.partition("?")[0].rstrip("/").removesuffix("/app-ws")
        return f"{'https' if self.secure else 'http'}://{self.authority}{path}"


class HostPolicy:
    """Decides which hosts may be dialled; immutable, so any thread may ask.

    ``patterns`` replace the official hosts: a host name or IP address, or ``*.example.org`` for
    all names below ``example.org`` (not for ``example.org`` itself).  Raises
    :class:`ConfigurationError` when one is neither.

    Plain ``ws://`` would show the API key to everybody on the way, so it is allowed for loopback
    and for hosts that ``patterns`` name in full, never for the official ones.
    """

    def __init__(self, patterns: Iterable[str] | None = None) -> None:
        if isinstance(patterns, str):
            patterns = [patterns]
        given = config.OFFICIAL_CLOUD_HOSTS if patterns is None else patterns
        self._patterns = tuple(_pattern(text) for text in given)
        self._plain = frozenset(() if patterns is None else self._patterns)

    def check(self, url: str, *, allow_loopback: bool = False) -> Target:
        """Take ``url`` apart; raises :class:`ConnectionFailed` when it must not be dialled.

        ``allow_loopback`` also admits this machine itself: ``localhost``, 127.0.0.0/8 and ::1.
        """
        target = parse_url(url)
        loopback = target.loopback and allow_loopback
        if not loopback and not _matches(target.host, self._patterns):
            raise ConnectionFailed(
                f"{target.host} is not a host that this app may dial; if it is your cloud, "
                f'pass cloud_hosts=["{target.host}"]'
            )
        if target.secure or target.loopback:
            return target
        if _matches(target.host, config.OFFICIAL_CLOUD_HOSTS) or target.host not in self._plain:
            raise ConnectionFailed(
                f"{target.host} must be dialled with wss://, because ws:// would send the API key "
                f"unencrypted; a cloud of your own without TLS must be named in full in cloud_hosts"
            )
        return target


def http_base(ws_url: str) -> str:
    """Where the REST calls of the cloud at ``ws_url`` go, whoever may dial it.

    Raises :class:`ConnectionFailed` when ``ws_url`` is no websocket URL.
    """
    return parse_url(ws_url).http_base


def parse_url(url: str) -> Target:
    """Take a websocket URL apart, strictly; decides nothing about its host.

    Raises :class:`ConnectionFailed`, which never repeats the URL.
    """
    found = _URL.fullmatch(url) if _ALLOWED_CHARACTERS.fullmatch(url) else None
    if found is None:
        raise _no_address("it must look like wss://host/app-ws")
    scheme = found["scheme"].lower()
    if scheme not in _DEFAULT_PORTS:
        raise _no_address(f"its scheme must be ws or wss, got {scheme}")
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65535:
        raise _no_address(f"its port must be 1 to 65535, got {port}")
    host, loopback = _host(found["v6"] or found["host"])
    return Target(
        host=host,
        port=port,
        secure=scheme == "wss",
        loopback=loopback,
        resource=(found["path"] or "/") + (found["query"] or ""),
    )


def _no_address(why: str) -> ConnectionFailed:
    return ConnectionFailed(f"the cloud named an address that is no websocket URL: {why}")


def _host(text: str) -> tuple[str, bool]:
    """The host in its one form, and whether it is this machine."""
    host = text.lower().removesuffix(".")
    labels = host.split(".")
    if ":" in host or _NUMBER.fullmatch(labels[-1]):
        # 127.1, 0x7f.0.0.1 or 2130706433 mean different hosts to different parsers: refused.
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            raise _no_address("its host is no valid IP address") from None
        return str(address), any(address in network for network in _LOOPBACK)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _no_address("its host is no valid name")
    return host, host == "localhost"


def _pattern(text: str) -> str:
    """A pattern of ``cloud_hosts`` in its one form."""
    try:
        wildcard = "*." if text.startswith("*.") else ""
        name = text.removeprefix("*.").removeprefix("[").removesuffix("]")
        return wildcard + _host(name)[0]
    except (ConnectionFailed, AttributeError):  # the latter of what is no text at all
        raise ConfigurationError(
            f'cloud_hosts takes host names such as "cloud.example.org" or "*.example.org", '
            f"without scheme, port and path, got {text!r}"
        ) from None


def _matches(host: str, patterns: Iterable[str]) -> bool:
    return any(
        host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
        for pattern in patterns
    )
