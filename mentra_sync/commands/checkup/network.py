"""Checks of what real glasses need: the cloud, and the app's public address."""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import urlsplit

from mentra_sync import config
from mentra_sync.commands.checkup.finding import Finding, Request, ok, problem, warning
from mentra_sync.configuration import Environment
from mentra_sync.errors import ConfigurationError

PATIENCE = 5.0
"""How long an address may take to answer, the lookup of its name included (s)."""

MAX_ANSWER = 64 * 1024

WINDING_DOWN = (
    "The hosted cloud of this protocol is being wound down in 2026 (as of 22 November 2026)."
    " Simulated glasses and self-hosted clouds go on."
)


def cloud(request: Request) -> list[Finding]:
    """Whether the hosted cloud answers."""
    address = f"{config.CLOUD_URL}/api/sdk/version"
    try:
        answer = fetch(address)
        data = answer["data"]
        version = str(data["latest"])[:50]
    except Unreachable as error:
        return warning(f"the cloud cannot be reached ({config.CLOUD_URL}): {error}", WINDING_DOWN)
    except (KeyError, TypeError):
        return warning(f"the cloud answers strangely ({address})", WINDING_DOWN)
    return ok(f"the cloud answers ({config.CLOUD_URL}, SDK {version})", WINDING_DOWN)


def public_address(request: Request) -> list[Finding]:
    """Whether the app answers at its public address, and is the one that is meant."""
    try:
        found = Environment()
    except ConfigurationError:
        return []  # told of .env already
    url = request.url or found.get("PUBLIC_URL")
    if url is None:
        return ok("no public address given (--url https://...); only real glasses need one")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return problem(
            f"{url[:200]!r} is no address of an app", "It looks like https://hello.example.com"
        )
    return _ask_app(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", found)


def _ask_app(url: str, found: Environment) -> list[Finding]:
    shown = url.rpartition("@")[2]
    try:
        name = fetch(f"{url}/health").get("app")
    except Unreachable as error:
        return problem(
            f"the app cannot be reached at {shown}: {error}",
            "Is the app running (python app.py), and does the tunnel or web server lead to its"
            f" port ({found.get('PORT') or config.DEFAULT_PORT})?",
        )
    wanted = found.get("PACKAGE_NAME")
    if not isinstance(name, str):
        return problem(f"something else than an app answers at {shown}", "Is the address right?")
    if wanted is not None and name != wanted:
        return problem(
            f"at {shown} answers the app {name[:100]}, not {wanted}",
            "Is another app running behind that address?",
        )
    if url.startswith("http://"):
        return warning(f"the app {name[:100]} answers at {shown}", "The cloud may want https.")
    return ok(f"the app {name[:100]} answers at {shown}")


class Unreachable(Exception):
    """There was no answer that makes sense; the message says why."""


def fetch(address: str) -> dict[str, Any]:
    """The JSON object at an address. Raises Unreachable, after 5 s at most.

    On a thread that may be left behind: looking up a name takes no timeout.
    """
    outcome: list[dict[str, Any] | Unreachable] = []

    def ask() -> None:
        try:
            outcome.append(_get(address))
        except Unreachable as problem:
            outcome.append(problem)

    thread = threading.Thread(target=ask, name="mentra-doctor", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if not outcome:
        raise Unreachable(f"no answer within {PATIENCE:g} s")
    if isinstance(outcome[0], Unreachable):
        raise outcome[0]
    return outcome[0]


def _get(address: str) -> dict[str, Any]:
    import requests

    try:
        with requests.get(address, timeout=PATIENCE, stream=True) as answer:
            if answer.status_code != 200:
                raise Unreachable(f"it answers {answer.status_code} {answer.reason}"[:200])
            body = answer.raw.read(MAX_ANSWER, decode_content=True)
    except (requests.RequestException, OSError) as error:
        raise Unreachable(_why(error)) from None
    try:
        told = json.loads(body)
    except ValueError:
        raise Unreachable("its answer is no JSON") from None
    if not isinstance(told, dict):
        raise Unreachable("its answer is no JSON object")
    return told


def _why(error: Exception) -> str:
    """An error of requests in a few words: its own ones fill several lines."""
    import requests

    for kind, words in (
        (requests.exceptions.ProxyError, "the proxy does not let it through"),
        (requests.exceptions.SSLError, "its certificate is not accepted"),
        (requests.exceptions.Timeout, f"no answer within {PATIENCE:g} s"),
        (requests.exceptions.ConnectionError, "no connection; is this computer online?"),
    ):
        if isinstance(error, kind):
            return words
    return str(error)[:200]
