"""What an app is configured with: arguments, the environment and ``.env``, each value checked."""

from __future__ import annotations

import logging
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
        self._path = Path(".env").absolute()
        self._file = _values(self._path) if self._path.is_file() else {}

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def names(self) -> set[str]:
        """Everything that has a value."""
        return {name for name in (*os.environ, *self._file) if name in self}

    def get(self, name: str) -> str | None:
        """The value of a variable; an empty one counts as not set."""
        return os.environ.get(name) or self._file.get(name) or None

    def port(self) -> int | None:
        """``PORT``; ``ConfigurationError`` that says where it stands when it is none."""
        try:
            return checked_port(self.get("PORT"))
        except ConfigurationError as error:
            place = "in the environment" if os.environ.get("PORT") else f"in {self._path}"
            raise ConfigurationError(hints.PORT_FROM.format(error, place)) from None


def _values(path: Path) -> dict[str, str | None]:
    """What the file says; a line that says nothing is named, and left out."""
    from dotenv import dotenv_values

    def name_file(record: logging.LogRecord) -> bool:
        if record.args:
            record.msg, record.args = hints.BAD_LINE, (path, *record.args)
        return True

    logger = logging.getLogger("dotenv.main")  # it names the line, and not the file
    logger.addFilter(name_file)
    try:
        return dotenv_values(path, encoding="utf-8-sig")  # Windows likes to put a mark in front
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    finally:
        logger.removeFilter(name_file)


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


def checked_folder(name: str, path: str | os.PathLike[str] | None) -> str | None:
    """The folder, wherever one goes later; ``ConfigurationError`` when there is none."""
    if path is None:
        return None
    folder = Path(path).resolve()
    if not folder.is_dir():
        raise ConfigurationError(f"{name} must be a folder, and {folder} is none")
    return str(folder)


def checked_number(name: str, value: Any, least: int) -> Any:
    """The value, when it is a number and not too small."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        raise ConfigurationError(f"{name} must be a number, {least} or more; got {value!r}")
    return value
