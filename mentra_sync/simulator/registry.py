"""The apps that the cloud knows: their addresses, keys, permissions and settings."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

from mentra_sync import hints
from mentra_sync.protocol.codec import dumps
from mentra_sync.protocol.names import PermissionType
from mentra_sync.simulator.webhooks import loopback_url

WEBHOOK_PATH = "/webhook"


@dataclass(eq=False)
class App:
    """One app as its developer has registered it.

    ``webhook_url`` is where the cloud POSTs to; a URL without a path gets ``/webhook``.
    ``config`` is the app's configuration (section 9), with settings and tools.
    """

    package_name: str
    name: str
    webhook_url: str
    api_key: str
    config: dict[str, Any] | None = None
    denied: set[str] = field(default_factory=set)
    """Permissions that the wearer has not given."""
    saved_settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Values that a wearer has changed: by user id, then by key."""

    def __post_init__(self) -> None:
        _check(self.config)
        if loopback_url(self.webhook_url).path in ("", "/"):
            self.webhook_url = self.webhook_url.rstrip("/") + WEBHOOK_PATH

    @property
    def base_url(self) -> str:
        """The address of the app's server, without a path."""
        parts = loopback_url(self.webhook_url)
        return f"{parts.scheme}://{parts.netloc}"

    def has_key(self, api_key: Any) -> bool:
        """Whether this is the app's API key, in a time that tells nothing about it."""
        return isinstance(api_key, str) and hmac.compare_digest(
            api_key.encode("utf-8", "replace"), self.api_key.encode("utf-8", "replace")
        )

    def allows(self, permission: str | None) -> bool:
        """Whether the app has a permission; None is what needs none."""
        return permission not in self.denied

    def permissions(self) -> list[dict[str, str]]:
        """The permissions as the cloud lists them."""
        every = PermissionType.ALL.value
        given = [name for name in PermissionType.values() if name not in {*self.denied, every}]
        return [{"type": name} for name in (given if self.denied else [every, *given])]

    def settings_of(self, user_id: str) -> list[dict[str, Any]]:
        """A wearer's settings: all of the configuration's, or only those once saved (section 4)."""
        saved = self.saved_settings.get(user_id)
        if saved is not None:
            return [{"key": key, "value": value} for key, value in saved.items()]
        settings = (self.config or {}).get("settings")
        return list(settings) if isinstance(settings, list) else []

    def settings_in_force(self, user_id: str) -> list[dict[str, Any]]:
        """The configuration's settings as a phone shows them: each with a wearer's own value."""
        saved = self.saved_settings.get(user_id, {})
        settings = (self.config or {}).get("settings")
        return [
            {**one, **({"value": saved[key]} if isinstance(key, str) and key in saved else {})}
            for one in (settings if isinstance(settings, list) else ())
            if isinstance(one, dict)
            for key in [one.get("key")]
        ]

    def save_settings(self, user_id: str, changes: dict[str, Any]) -> list[dict[str, Any]]:
        """Change some of a wearer's settings; returns what :meth:`settings_of` says now.

        Raises ValueError (NaN) or TypeError for what JSON doesn't have, and keeps nothing: the app
        is told all of them when it starts, which would fail from then on.
        """
        dumps(changes)  # raises before anything is kept
        self.saved_settings.setdefault(user_id, {}).update(changes)
        return self.settings_of(user_id)


class Registry:
    """All registered apps, by package name."""

    def __init__(self) -> None:
        self._apps: dict[str, App] = {}

    def add(self, app: App) -> App:
        """Register an app, or replace it."""
        self._apps[app.package_name] = app
        return app

    def find(self, package_name: Any) -> App | None:
        """The app of a package name, or None."""
        return self._apps.get(package_name) if isinstance(package_name, str) else None

    def by_key(self, package_name: Any, api_key: Any) -> App | None:
        """The app of a package name, if the key is its own."""
        app = self.find(package_name)
        return app if app is not None and app.has_key(api_key) else None


def _check(config: Any) -> None:
    """A person has written it by hand: said at once, it is found; said later, it is a riddle."""
    if config is None:
        return
    if not isinstance(config, dict) or not all(
        isinstance(config.get(name) or [], list) for name in ("settings", "tools")
    ):
        raise TypeError(hints.BAD_CONFIG.format(config))
