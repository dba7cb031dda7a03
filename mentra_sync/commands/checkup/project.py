"""Checks of the folder that one is in: ``.env``, the key, the package name."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from mentra_sync.commands.checkup.finding import Finding, Request, ok, problem, warning
from mentra_sync.configuration import Environment, checked_api_key
from mentra_sync.errors import ConfigurationError

KEY = "MENTRAOS_API_KEY"
NAME = "PACKAGE_NAME"
MISSPELT = {
    KEY: ("MENTRAAPIKEY", "MENTRAKEY", "MENTRAOSKEY", "AUGMENTOSAPIKEY", "APIKEY"),
    NAME: ("MENTRAOSPACKAGENAME", "MENTRAPACKAGENAME", "APPPACKAGENAME"),
}
"""What people write instead, in capital letters and without lines."""

PATIENCE = 5.0
"""How long git may take (s)."""


def env_file(request: Request) -> list[Finding]:
    """The file ``.env``: whether it can be read, and whether git would publish it."""
    path = Path(".env")
    if not path.is_file():
        return ok("no .env in this folder; simulated glasses need none")
    try:
        Environment()
    except ConfigurationError as error:
        return problem(str(error), "Write it anew, as a text file in UTF-8: NAME=value")
    if _git("ls-files", "--error-unmatch", ".env") == 0:
        return problem(
            ".env is tracked by git, so the key in it gets published",
            'git rm --cached .env; add a line ".env" to .gitignore; make a new key in the console',
        )
    if _git("check-ignore", "--quiet", ".env") == 1:
        return warning(
            ".env is not ignored by git, so it is easily published",
            'Add a line ".env" to the file .gitignore.',
        )
    return ok(f".env is read from {path.resolve().parent}")


def wrong_names(request: Request) -> list[Finding]:
    """What somebody has set, or named, in a way that nothing reads."""
    found = []
    if Path(".env.txt").is_file():
        found += warning(
            "nothing reads the file .env.txt",
            "Its name must be .env, with nothing behind it (Windows may hide the .txt: show"
            " file name extensions, and rename it).",
        )
    try:
        environment = Environment()
    except ConfigurationError:
        return found  # told of .env already
    for right, others in MISSPELT.items():
        if right in environment:
            continue
        for name in sorted(environment.names()):
            if name != right and _plain(name) in (_plain(right), *others):
                found += warning(f"nothing reads {name}", f"Did you mean {right}?")
    return found


def _plain(name: str) -> str:
    return name.upper().replace("_", "").replace("-", "")


def api_key(request: Request) -> list[Finding]:
    """Whether there is a key; it is never shown."""
    try:
        found = checked_api_key(Environment().get(KEY))
    except ConfigurationError as error:
        return problem(f"{KEY}: {error}", "Copy it again from the developer console.")
    if found is None:
        return ok(f"{KEY} is not set: python app.py runs on simulated glasses")
    return ok(f"{KEY} is set: python app.py serves real glasses")


def package_name(request: Request) -> list[Finding]:
    """The package name, where it is in the environment."""
    try:
        name = Environment().get(NAME)
    except ConfigurationError:
        return []  # told of .env already
    if name is None:
        return ok(f'{NAME} is not set: the script names the app, AppServer("com.example.app")')
    if not re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", name):
        return warning(
            f"{NAME} is {name[:100]!r}, and that is no usual package name",
            'One looks like "com.example.app", as in the developer console.',
        )
    return ok(f"{NAME} is {name}")


def _git(*arguments: str) -> int | None:
    """The exit code of git; None where there is no git, or no answer."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run([git, *arguments], capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode
