"""The REST calls that an app makes to its cloud (protocol.md, section 7).

One pooled HTTP session serves all sessions of a server.  Every call has a timeout; only calls
that may be repeated without harm are.  Loopback never goes through a proxy.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from mentra_sync import config
from mentra_sync.errors import ConnectionFailed, RequestFailed, RequestTimeout
from mentra_sync.protocol.codec import MalformedMessage, parse
from mentra_sync.runtime.identity import Identity

if TYPE_CHECKING:
    import requests

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PAUSES = (0.2, 0.6, None)
"""After each try that failed, in seconds; None: it was the last one."""


class CloudApi:
    """Talks HTTP to whichever cloud a session belongs to. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[bool, requests.Session] = {}  # by "is loopback"; guarded by _lock

    def app_settings(self, base: str, package_name: str, user_id: str) -> dict[str, Any]:
        """``{"settings": [...]}``: the app's settings of one user."""
        return self._get(
            base,
            f"/appsettings/user/{quote(package_name, safe='')}",
            headers={"Authorization": f"Bearer {user_id}"},
        )

    def instructions(self, base: str, user_id: str) -> str | None:
        """The user's instructions for assistants; None where the cloud has none."""
        try:
            answer = self._get(base, "/api/instructions", params={"userId": user_id})
        except RequestFailed as error:
            if error.code == "HTTP_404":
                return None
            raise
        text = answer.get("instructions")
        return text if isinstance(text, str) else None

    def discover_users(
        self, base: str, identity: Identity, include_profiles: bool
    ) -> dict[str, Any]:
        """``{"users": [{"userId", ...}], "totalUsers"}``: who uses the app now."""
        answer = self._request(
            "POST",
            base,
            "/api/app-communication/discover-users",
            headers={"Authorization": f"Bearer {identity.api_key}"},
            json={
                "packageName": identity.package_name,
                "userId": identity.user_id,
                "includeUserProfiles": include_profiles,
            },
        )
        if not isinstance(answer.get("users"), list):
            raise RequestFailed("BAD_ANSWER", "the cloud's list of users has no users")
        return answer

    def permissions(self, base: str, package_name: str) -> frozenset[str]:
        """The permissions that the app has in the developer console."""
        path = f"/api/public/permissions/{quote(package_name, safe='')}"
        answer = self._request("GET", base, path)
        listed = answer.get("permissions")
        if not isinstance(listed, list):
            raise RequestFailed("BAD_ANSWER", "the cloud's list of permissions has none")
        types = (entry.get("type") for entry in listed if isinstance(entry, dict))
        return frozenset(kind for kind in types if isinstance(kind, str))

    def exchange_user_token(
        self, base: str, token: str, package_name: str, api_key: str
    ) -> str | None:
        """The user whose temporary token it is; raises ``RequestFailed`` when it is nobody's."""
        answer = self._request(
            "POST",
            base,
            "/api/auth/exchange-user-token",
            headers={"Authorization": f"Bearer {api_key}"},
            json={"aos_temp_token": token, "packageName": package_name},
        )
        user_id = answer.get("userId") if answer.get("success") is True else None
        return user_id if isinstance(user_id, str) else None

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def _get(self, base: str, path: str, **options: Any) -> dict[str, Any]:
        """GET a JSON object; tried again when the cloud cannot be reached or has a bad moment."""
        for pause in _PAUSES:
            try:
                return self._request("GET", base, path, **options)
            except (ConnectionFailed, RequestFailed) as error:
                again = isinstance(error, ConnectionFailed) or error.code.startswith("HTTP_5")
                if pause is None or not again:
                    raise
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _request(self, method: str, base: str, path: str, **options: Any) -> dict[str, Any]:
        import requests
        import urllib3

        try:
            response = self._pool(base).request(
                method,
                base + path,
                timeout=config.HTTP_TIMEOUT,
                allow_redirects=False,
                stream=True,
                **options,
            )
            with response:
                body = response.raw.read(config.MAX_FRAME_BYTES + 1, decode_content=True)
        # Reading the body raises what urllib3 raises.
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise RequestTimeout(f"the cloud did not answer {method} {path} in time") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise ConnectionFailed(
                f"the cloud at {urlsplit(base).hostname} cannot be reached"
                f" ({type(error).__name__}); check the network"
            ) from None
        return _checked(method, path, response.status_code, body)

    def _pool(self, base: str) -> requests.Session:
        loopback = urlsplit(base).hostname in _LOOPBACK
        with self._lock:
            pool = self._pools.get(loopback)
            if pool is None:
                import requests

                pool = self._pools[loopback] = requests.Session()
                # Schools have proxies; this machine itself is never behind one.
                pool.trust_env = not loopback
            return pool


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
        raise RequestFailed(f"HTTP_{status}", f"the cloud refused {method} {path}: {words[:200]}")
    if answer is None or status >= 300:
        raise RequestFailed(
            "BAD_ANSWER", f"the cloud's answer to {method} {path} is not the JSON it should be"
        )
    return answer
