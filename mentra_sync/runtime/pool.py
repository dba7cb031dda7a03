"""A pool of HTTP connections whose calls can be cut off; loaded with the first REST call."""

from __future__ import annotations

import logging
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from mentra_sync import config
from mentra_sync.runtime.calls import current_call


class _Tells:
    """A connection that tells the call that uses it, so that the call can end it."""

    _used: Any = None  # the socket that an answer has come over

    def connect(self) -> None:
        _tell(self, kept=False)
        super().connect()  # type: ignore[misc]
        _tell(self, kept=False)  # it may have been cut off before there was a socket

    def putrequest(self, *arguments: Any, **options: Any) -> None:
        sock = getattr(self, "sock", None)
        _tell(self, kept=sock is not None and sock is self._used)
        super().putrequest(*arguments, **options)  # type: ignore[misc]

    def getresponse(self, *arguments: Any, **options: Any) -> Any:
        response = super().getresponse(*arguments, **options)  # type: ignore[misc]
        self._used = getattr(self, "sock", None)
        return response


def _tell(connection: object, *, kept: bool) -> None:
    call = current_call()
    if call is not None:
        call.uses(connection, kept=kept)


class _HTTPConnection(_Tells, HTTPConnection):
    pass


class _HTTPSConnection(_Tells, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):  # that one has connections of its own
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def close(self) -> None:
        """Close all idle connections; left to urllib3, they close when nobody knows the pool."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in list(manager.pools.keys()):
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
        super().close()


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def open_pool(*, loopback: bool) -> requests.Session:
    """A pool; schools have proxies, but this machine itself is never behind one."""
    # More calls at once than connections are kept is no fault: it is what a busy moment needs.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    pool = requests.Session()
    pool.trust_env = not loopback
    # Of the environment proxies and authorities are wanted, but a ~/.netrc that knows the host, or
    # has a default, would take the place of our own Authorization header.
    pool.auth = _as_it_is
    # One pool serves all users: a cookie of one's answer must not go out with another's call.
    pool.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(pool_maxsize=config.HTTP_CONNECTIONS_KEPT)
    pool.mount("http://", adapter)
    pool.mount("https://", adapter)
    return pool
