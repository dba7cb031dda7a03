"""The REST calls that an app makes to its cloud (protocol.md, section 7).

One pooled HTTP session serves all sessions of a server.  Every call has a timeout, and an end
even where the cloud sends a byte now and then; only calls that may be repeated without harm are.
Loopback never goes through a proxy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from mentra_sync import config
from mentra_sync.clock import Clock, Deadline
from mentra_sync.errors import ConnectionFailed, RequestFailed, RequestTimeout
from mentra_sync.protocol.codec import MalformedMessage, parse
from mentra_sync.runtime.calls import Call
from mentra_sync.runtime.closing import printable
from mentra_sync.runtime.identity import Identity
from mentra_sync.runtime.timers import Timers

if TYPE_CHECKING:
    import requests

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LIMIT = sum(config.HTTP_TIMEOUT)
"""Seconds that one call may take, whatever the cloud does."""

_PAUSES = (0.2, 0.6, None)
"""After each try that failed, in seconds; None: it was the last one."""


_HARMLESS = frozenset({"GET", "PUT", "DELETE"})
"""What these do is the same when they are done twice."""


class TooManyRequests(RequestFailed):
    """The cloud wants fewer calls; ``retry_after`` is in seconds, or None when it did not say."""

    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__("HTTP_429", message)
        self.retry_after = retry_after


class CloudApi:
    """Talks HTTP to whichever cloud a session belongs to. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._pools: dict[bool, requests.Session] = {}  # by "is loopback"
        self._watch: Timers | None = None  # real time: it ends calls that take too long

    def app_settings(
        self, base: str, package_name: str, user_id: str, *, call: Call
    ) -> dict[str, Any]:
        """``{"settings": [...]}``: the app's settings of one user."""
        return self._get(
            base,
            f"/appsettings/user/{quote(package_name, safe='')}",
            seconds=_LIMIT,
            call=call,
            headers=_bearer(user_id),
        )

    def instructions(self, base: str, user_id: str, *, call: Call) -> str | None:
        """The user's instructions for assistants; None where the cloud has none."""
        path, params = "/api/instructions", {"userId": user_id}
        try:
            answer = self._get(base, path, seconds=_LIMIT, call=call, params=params)
        except RequestFailed as error:
            if error.code == "HTTP_404":
                return None
            raise
        text = answer.get("instructions")
        return text if isinstance(text, str) else None

    def discover_users(
        self, base: str, identity: Identity, include_profiles: bool, *, call: Call
    ) -> dict[str, Any]:
        """``{"users": [{"userId", ...}], "totalUsers"}``: who uses the app now."""
        answer = self._request(
            "POST",
            base,
            "/api/app-communication/discover-users",
            call=call,
            headers=_bearer(identity.api_key),
            json={
                "packageName": identity.package_name,
                "userId": identity.user_id,
                "includeUserProfiles": include_profiles,
            },
        )
        if not isinstance(answer.get("users"), list):
            raise RequestFailed("BAD_ANSWER", "the cloud's list of users has no users")
        return answer

    def permissions(self, base: str, package_name: str, *, call: Call) -> frozenset[str]:
        """The permissions that the app has in the developer console."""
        path = f"/api/public/permissions/{quote(package_name, safe='')}"
        answer = self._request("GET", base, path, call=call)
        listed = answer.get("permissions")
        if not isinstance(listed, list) or answer.get("success") is False:
            raise RequestFailed("BAD_ANSWER", "the cloud's list of permissions has none")
        types = [entry.get("type") if isinstance(entry, dict) else None for entry in listed]
        names = frozenset(kind for kind in types if isinstance(kind, str))
        if listed and not names:
            raise RequestFailed("BAD_ANSWER", "the cloud's list of permissions holds none")
        return names

    def exchange_user_token(
        self, base: str, token: str, package_name: str, api_key: str
    ) -> str | None:
        """The user whose temporary token it is; raises ``RequestFailed`` when it is nobody's."""
        answer = self._request(
            "POST",
            base,
            "/api/auth/exchange-user-token",
            headers=_bearer(api_key),
            json={"aos_temp_token": token, "packageName": package_name},
        )
        user_id = answer.get("userId") if answer.get("success") is True else None
        return user_id if isinstance(user_id, str) else None

    # --- Simple storage -----------------------------------------------------------------------

    def stored_values(
        self, base: str, identity: Identity, *, call: Call, seconds: float
    ) -> dict[str, Any]:
        """Everything that the user has in simple storage, as the cloud nests it.

        This and the three below take ``seconds`` at most and end when ``call`` is cut off.
        """
        path, options = _storage(identity)
        answer = self._get(base, path, call=call, seconds=seconds, **options)
        data = _succeeded(answer, "GET", path).get("data")
        if not isinstance(data, dict):
            raise RequestFailed("BAD_ANSWER", f"the cloud's answer to GET {path} has no data")
        return data

    def store_values(
        self,
        base: str,
        identity: Identity,
        values: Mapping[str, str],
        *,
        call: Call,
        seconds: float,
    ) -> None:
        """Add or replace some of the user's values."""
        path, options = _storage(identity)
        answer = self._request(
            "PUT", base, path, call=call, seconds=seconds, json={"data": dict(values)}, **options
        )
        _succeeded(answer, "PUT", path)

    def delete_stored_value(
        self, base: str, identity: Identity, key: str, *, call: Call, seconds: float
    ) -> None:
        """Remove one of the user's values; one that is not there is removed already."""
        self._delete(base, identity, "/" + quote(key, safe=""), call, seconds)

    def clear_stored_values(
        self, base: str, identity: Identity, *, call: Call, seconds: float
    ) -> bool:
        """Remove all of the user's values; False when the user never had any."""
        return self._delete(base, identity, "", call, seconds)

    def _delete(self, base: str, identity: Identity, key: str, call: Call, seconds: float) -> bool:
        path, options = _storage(identity)
        path += key
        try:
            answer = self._request("DELETE", base, path, call=call, seconds=seconds, **options)
        except RequestFailed as error:
            if error.code == "HTTP_404":
                return False
            raise
        _succeeded(answer, "DELETE", path)
        return True

    # --- HTTP ---------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()
            watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    def _get(
        self, base: str, path: str, *, seconds: float = 3 * _LIMIT, **options: Any
    ) -> dict[str, Any]:
        """GET a JSON object; tried again when the cloud cannot be reached or has a bad moment."""
        deadline = Deadline(seconds)
        for pause in _PAUSES:
            limit = min(_LIMIT, deadline.remaining)
            try:
                return self._request("GET", base, path, seconds=limit, **options)
            except (ConnectionFailed, RequestFailed) as error:
                again = isinstance(error, ConnectionFailed) or error.code.startswith("HTTP_5")
                if pause is None or not again or pause >= deadline.remaining:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _request(
        self,
        method: str,
        base: str,
        path: str,
        *,
        call: Call | None = None,
        seconds: float = _LIMIT,
        **options: Any,
    ) -> dict[str, Any]:
        """One call, ``seconds`` at most, or until ``call`` is cut off."""
        import requests
        import urllib3

        pool, watch = self._tools(base)
        call = call or Call()
        alarm = watch.after(seconds, call.cut_off)
        late = RequestTimeout(f"the cloud did not answer {method} {path} in time")
        connect, read = (min(timeout, seconds) for timeout in config.HTTP_TIMEOUT)
        options |= {"timeout": (connect, read), "allow_redirects": False, "stream": True}
        try:
            response, body = _exchange(pool, call, method, base + path, options)
        # Reading the body raises what urllib3 raises.
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise late from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if call.cut:
                raise late from None
            raise ConnectionFailed(
                f"the cloud at {urlsplit(base).hostname} cannot be reached"
                f" ({type(error).__name__}); check the network"
            ) from None
        finally:
            alarm.cancel()
        if call.cut:
            raise late  # what there is of the body may look like a whole one
        if response.status_code == 429:
            raise TooManyRequests(
                f"the cloud wants fewer calls than this {method} {path}",
                _seconds(response.headers.get("Retry-After")),
            )
        return _checked(method, path, response.status_code, body)

    def _tools(self, base: str) -> tuple[requests.Session, Timers]:
        """The pool that leads to a cloud, and the timers that watch over its calls."""
        loopback = urlsplit(base).hostname in _LOOPBACK
        with self._lock:
            pool = self._pools.get(loopback)
            if pool is None:
                from mentra_sync.runtime.pool import open_pool

                pool = self._pools[loopback] = open_pool(loopback=loopback)
            if self._watch is None:
                self._watch = Timers(Clock())
            return pool, self._watch


def _exchange(
    pool: requests.Session, call: Call, method: str, url: str, options: dict[str, Any]
) -> tuple[requests.Response, bytes]:
    """Send a request and read the whole answer; raises what requests and urllib3 do."""
    import requests

    while True:
        try:
            with call, pool.request(method, url, **options) as response:
                return response, response.raw.read(config.MAX_FRAME_BYTES + 1, decode_content=True)
        except requests.ConnectionError:
            # The cloud has closed a connection that was kept open, just as it was to be used.
            again = method in _HARMLESS and call.on_kept_connection and not call.cut
            if not again:
                raise


def _bearer(token: str) -> dict[str, bytes]:
    """The header that says who asks, in UTF-8 where the usual coding of headers has no such letter.

    A cloud that does not read it so refuses the call in words.
    """
    value = f"Bearer {token}"
    try:
        return {"Authorization": value.encode("latin-1")}
    except UnicodeEncodeError:
        return {"Authorization": value.encode()}


def _storage(identity: Identity) -> tuple[str, dict[str, Any]]:
    """Path and options of the calls for a user's simple storage."""
    token = f"{identity.package_name}:{identity.api_key}"
    path = f"/api/sdk/simple-storage/{quote(identity.user_id, safe='')}"
    return path, {"headers": _bearer(token)}


def _succeeded(answer: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The answer, unless it says itself that the call has failed."""
    if answer.get("success") is not True:
        said = answer.get("message") or answer.get("error")
        words = said if isinstance(said, str) else "its answer does not say success"
        raise RequestFailed(
            "REFUSED", f"the cloud refused {method} {path}: {printable(words[:200])}"
        )
    return answer


def _seconds(header: str | None) -> float | None:
    """What a Retry-After header says; a date counts as nothing said."""
    with suppress(ValueError):
        seconds = float(header or "")
        return seconds if 0 <= seconds < float("inf") else None
    return None


def _checked(method: str, path: str, status: int, body: bytes) -> dict[str, Any]:
    """The answer's JSON object, or the error that it stands for."""
    if len(body) > config.MAX_FRAME_BYTES:
        raise RequestFailed("TOO_LARGE", f"the cloud's answer to {method} {path} is too large")
    try:
        answer = parse(body)
    except MalformedMessage:
        answer = None
    if status >= 400:
        said = None if answer is None else answer.get("message") or answer.get("error")
        words = said if isinstance(said, str) else "no reason given"
        raise RequestFailed(
            f"HTTP_{status}", f"the cloud refused {method} {path}: {printable(words[:200])}"
        )
    if answer is None or status >= 300:
        raise RequestFailed(
            "BAD_ANSWER", f"the cloud's answer to {method} {path} is not the JSON it should be"
        )
    return answer
