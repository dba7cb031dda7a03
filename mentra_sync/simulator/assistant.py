"""An assistant that calls an app's tools, as the cloud does for it."""

from __future__ import annotations

import hashlib
from typing import Any

from mentra_sync.errors import RequestFailed
from mentra_sync.protocol import codec
from mentra_sync.protocol.codec import MalformedMessage
from mentra_sync.simulator import limits
from mentra_sync.simulator.registry import App
from mentra_sync.simulator.webhooks import Webhooks

Frame = dict[str, Any]


class Assistant:
    """Calls tools over HTTP: 20 s for an answer, and a second try a second later."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks

    def call(self, app: App, call: Frame) -> Frame:
        """What the app answers to a call in wire form (``toolId``, ``userId``, ...). Blocks.

        Raises RequestFailed when it refuses twice, or cannot be reached.
        """
        status, answer, problem = self.ask(app, call)
        if not problem:
            return answer
        message = answer.get("message")
        raise RequestFailed(
            f"HTTP_{status}" if status else "UNREACHABLE",
            message if isinstance(message, str) else problem,
        )

    def ask(self, app: App, call: Frame) -> tuple[int, Frame, str]:
        """The status (0: no answer), the answer, and what is wrong with it. Blocks."""
        headers = {"X-App-API-Key": hashlib.sha256(app.api_key.encode()).hexdigest()}
        status, body, problem = self._webhooks.ask(
            app.base_url + "/tool", call, headers, limits.TOOL_TIMEOUT, repeat=True
        )
        return status, _parsed(body), problem


def tools_of(app: App) -> list[Frame]:
    """The tools that an app's configuration has."""
    tools = (app.config or {}).get("tools")
    return list(tools) if isinstance(tools, list) else []


def _parsed(body: bytes) -> Frame:
    try:
        return codec.parse(body)
    except MalformedMessage:
        return {}
