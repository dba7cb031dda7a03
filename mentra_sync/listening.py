"""Sockets that a server listens on: at a port, or at the next one that is free."""

from __future__ import annotations

import errno
import itertools
import socket
from collections.abc import Iterator

from mentra_sync import config, hints
from mentra_sync.errors import ConfigurationError

PORTS_TRIED = 50
"""How far a busy port may move; after that the system chooses one."""


def listen(host: str, port: int, *, may_move: bool, busy: str = hints.PORT_BUSY) -> socket.socket:
    """A listening socket; on the next free port when this one is taken and ``may_move``.

    Raises ConfigurationError: ``busy`` with the port and another one, or why there can be none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in _from(port) if may_move else (port,):
        try:
            return socket.create_server((host, candidate), family=family, backlog=128)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ConfigurationError(
                    hints.CANNOT_LISTEN.format(host, candidate, error.strerror)
                ) from None
    raise ConfigurationError(busy.format(port, _another(port)))


def _another(port: int) -> int:
    """One to advise: neither of those that the app and the page take by themselves."""
    usual = (config.DEFAULT_PORT, config.SIMULATOR_PORT)
    higher = itertools.chain(range(port + 1, 65_536), (8000,))
    return next(one for one in higher if one not in usual)


def _from(port: int) -> Iterator[int]:
    return itertools.chain(range(port, min(port + PORTS_TRIED, 65_536)), (0,))
