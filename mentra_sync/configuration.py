"""What an app is configured with: arguments, the environment and ``.env``, each value checked."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from mentra_sync import config, hints
from mentra_sync.errors import ConfigurationError


class Environment:
    """The process's environment, and below it the ``.env`` file of the working directory."""

    def __init__(self) -> None:
        self._file: dict[str, str | None] = {}
        path = Path(".env")
        if path.is_file():
            from dotenv import dotenv_values

            try:
                self._file = dotenv_values(path)
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{path.resolve()} cannot be read: {error}") from None

    def get(self, name: str) -> str | None:
        """The value of a variable; an empty one counts as not set."""
        return os.environ.get(name) or self._file.get(name) or None


def checked_api_key(key: str | None) -> str | None:
    """The key; ``ConfigurationError`` when it could not stand in an HTTP header."""
    if key is not None and not (isinstance(key, str) and key.isascii() and key.isprintable()):
        # The value itself is never shown.
        raise ConfigurationError("api_key must be the text that the developer console shows")
    return key


def checked_cookie_secret(secret: str | None) -> str | None:
    """The secret that signs cookies; ``ConfigurationError`` when it could be guessed."""
    if secret is not None and (not isinstance(secret, str) or len(secret) < 8):
        raise ConfigurationError("cookie_secret must be a text of 8 characters or more")
    return secret


def checked_package_name(name: str | None, *, simulated: bool) -> str:
    """The app's name; on simulated glasses one made from the script's name will do."""
    if name is not None:
        if not isinstance(name, str) or len(name) > config.MAX_ID_CHARACTERS:
            raise ConfigurationError(hints.BAD_PACKAGE_NAME.format(str(name)[:100]))
        return name
    if not simulated:
        raise ConfigurationError(hints.NO_PACKAGE_NAME)
    script = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else "app"
    return f"com.example.{re.sub(r'[^a-z0-9]+', '', script.lower()) or 'app'}"


def title_of(package_name: str) -> str:
    """What a person would call the app: ``com.example.my_app`` is My App."""
    return package_name.rpartition(".")[2].replace("_", " ").replace("-", " ").title()


def checked_port(value: int | str | None) -> int | None:
    """The port as a number, None when it was not given."""
    if value is None:
        return None
    try:
        port = int(value)
    except (TypeError, ValueError):
        port = -1
    if isinstance(value, bool | float) or not 0 <= port <= 65535:
        raise ConfigurationError(hints.BAD_PORT.format(value))
    return port


def checked_number(name: str, value: Any, least: int) -> Any:
    """The value, when it is a number and not too small."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        raise ConfigurationError(f"{name} must be a number, {least} or more; got {value!r}")
    return value
