"""The cloud's end of ``/glasses-ws``: a phone with glasses, or the page that stands in for it."""

from __future__ import annotations

import logging
from typing import Any

from mentra_sync.protocol import codec
from mentra_sync.protocol.codec import MalformedMessage
from mentra_sync.simulator.wearer import Wearer
from mentra_sync.simulator.web_sockets import WebSocket

logger = logging.getLogger(__name__)

Frame = dict[str, Any]


class PhoneLink:
    """One connection of a phone; it mirrors the wearer's glasses once it has introduced itself.

    One that ``carries`` glasses of its own takes the place of the simulated ones: it answers for
    them, and when it is gone, so are they.
    """

    def __init__(self, wearer: Wearer, socket: WebSocket, *, carries: bool) -> None:
        self._wearer = wearer
        self._carries = carries
        self._glasses = wearer.glasses
        self._socket = socket

    def receive(self, message: str | bytes) -> None:
        """Take what the phone sends; what is no JSON object is ignored."""
        if isinstance(message, bytes):
            self._glasses.audio(message)
            return
        try:
            frame = codec.parse(message)
        except MalformedMessage as error:
            logger.warning("the glasses' socket sent what is no message: %s", error)
            return
        kind = frame.get("type")
        if kind == "connection_init":
            self._wearer.attach(self, carries=self._carries)
        elif kind == "audio_play_response" and not self._carries:
            self._glasses.played_by_page(frame)
        else:
            self._glasses.send(frame)

    def ended(self) -> None:
        """The websocket is gone."""
        self._wearer.detach(self)

    def send(self, frame: Frame) -> None:
        """Send a frame; never blocks."""
        self._socket.send(codec.dumps(frame))
