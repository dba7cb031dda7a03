"""A phone as glasses see it: the other end of ``/glasses-ws``, which the page speaks too."""

from __future__ import annotations

from typing import Any, Protocol


class Phone(Protocol):
    """Takes frames for the glasses."""

    def send(self, frame: dict[str, Any]) -> None:
        """Send a frame; never blocks."""
