"""Who uses which app at once: messages from one wearer to others, and rooms they meet in.

As newer clouds do it; the recorded one answers none of these frames.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from mentra_sync import config
from mentra_sync.protocol.codec import iso_timestamp
from mentra_sync.simulator import limits
from mentra_sync.simulator.app_session import AppSession

logger = logging.getLogger(__name__)

Frame = dict[str, Any]

NOT_THERE = "User is not active in this app"


@dataclass(eq=False)
class Room:
    """A room of one app; who enters it first decides how it is made."""

    room_id: str
    max_users: int | None
    is_private: bool
    metadata: Frame
    members: list[AppSession] = field(default_factory=list)

    def data(self) -> Frame:
        """What is told of it."""
        data: Frame = {
            "currentUsers": len(self.members),
            "users": [member.wearer.user_id for member in self.members],
            "isPrivate": self.is_private,
            "metadata": self.metadata,
        }
        return data if self.max_users is None else {**data, "maxUsers": self.max_users}


class People:
    """The wearers of each app, and their rooms; the cloud's lock guards all of it.

    One that is ``silent`` tells nobody anything, like the recorded cloud.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._present: dict[str, list[AppSession]] = {}
        self._rooms: dict[tuple[str, str], Room] = {}

    # --- Coming and going --------------------------------------------------------------------

    def entered(self, session: AppSession) -> None:
        """A wearer has started an app: the others are told."""
        others = self._present.setdefault(session.app.package_name, [])
        if session not in others:
            self._tell(others, "app_user_joined", **_who(session), joinedAt=iso_timestamp())
            others.append(session)

    def left(self, session: AppSession) -> None:
        """An app has been stopped for a wearer: its rooms and all others are told."""
        others = self._present.get(session.app.package_name, [])
        if session not in others:
            return
        for room in self.rooms_of(session):
            self._leave(room, session)
        others.remove(session)
        self._tell(others, "app_user_left", **_who(session), leftAt=iso_timestamp())

    def of(self, package_name: str) -> list[AppSession]:
        """Everybody who uses an app now, in the order in which they came."""
        return list(self._present.get(package_name, ()))

    # --- Messages ----------------------------------------------------------------------------

    def broadcast(self, session: AppSession, frame: Frame) -> None:
        """Pass a message on to everybody else who uses the app."""
        for other in self.of(session.app.package_name):
            if other is not session:
                self._deliver(other, session, frame)

    def send(self, session: AppSession, frame: Frame) -> None:
        """Pass a message on to one user, and say whether that could be done."""
        target = frame.get("targetUserId")
        found = [one for one in self.of(session.app.package_name) if one.wearer.user_id == target]
        for other in found:
            self._deliver(other, session, frame)
        answer = {"success": True} if found else {"success": False, "error": NOT_THERE}
        names = {"messageId": frame.get("messageId"), "targetUserId": target}
        self._tell([session], "app_direct_message_response", **names, **answer)

    # --- Rooms -------------------------------------------------------------------------------

    def room(self, package_name: str, room_id: str) -> Room | None:
        """A room that somebody is in, or None."""
        return self._rooms.get((package_name, room_id))

    def rooms_of(self, session: AppSession) -> list[Room]:
        """The rooms that a wearer is in."""
        return [room for room in self._rooms.values() if session in room.members]

    def join(self, session: AppSession, frame: Frame) -> None:
        """Let a wearer into a room, which is made if need be; one that is full refuses."""
        room_id, package = frame.get("roomId"), session.app.package_name
        if not isinstance(room_id, str) or not 0 < len(room_id) <= config.MAX_ID_CHARACTERS:
            return
        room = self._rooms.get((package, room_id))
        if room is None:
            if len(self._rooms) >= limits.MAX_ROOMS:
                logger.warning("there are %d rooms; no more are made", len(self._rooms))
                return
            room = self._rooms[package, room_id] = _new_room(room_id, frame.get("roomConfig"))
        if session in room.members:
            return
        if room.max_users is not None and len(room.members) >= room.max_users:
            logger.warning("the room %.100r is full: %d users", room_id, room.max_users)
            self._tell_room([session], room, "room_full")
            return
        others = list(room.members)
        room.members.append(session)
        joined = {**_who(session), "joinedAt": iso_timestamp(), "roomId": room_id}
        self._tell(others, "app_user_joined", **joined)
        self._tell_room(room.members, room, "user_joined")

    def leave(self, session: AppSession, frame: Frame) -> None:
        """Let a wearer out of a room; an empty one is no more."""
        room_id = frame.get("roomId")
        if isinstance(room_id, str):
            room = self._rooms.get((session.app.package_name, room_id))
            if room is not None and session in room.members:
                self._leave(room, session)

    def _leave(self, room: Room, session: AppSession) -> None:
        room.members.remove(session)
        if not room.members:
            del self._rooms[session.app.package_name, room.room_id]
        left = {**_who(session), "leftAt": iso_timestamp(), "roomId": room.room_id}
        self._tell(room.members, "app_user_left", **left)
        self._tell_room(room.members, room, "user_left")

    # --- Telling -----------------------------------------------------------------------------

    def _deliver(self, session: AppSession, sender: AppSession, frame: Frame) -> None:
        message = {
            "payload": frame.get("payload"),
            "messageId": frame.get("messageId"),
            "senderUserId": sender.wearer.user_id,
            "senderSessionId": sender.session_id,
        }
        self._tell([session], "app_message_received", **message)

    def _tell_room(self, sessions: list[AppSession], room: Room, change: str) -> None:
        fields = {"roomId": room.room_id, "updateType": change, "roomData": room.data()}
        self._tell(sessions, "app_room_updated", **fields)

    def _tell(self, sessions: list[AppSession], kind: str, **fields: Any) -> None:
        for session in [] if self._silent else sessions:
            session.send({"type": kind, **fields, "timestamp": iso_timestamp()})


def _new_room(room_id: str, options: Any) -> Room:
    options = options if isinstance(options, dict) else {}
    most, metadata = options.get("maxUsers"), options.get("metadata")
    return Room(
        room_id,
        max_users=most if type(most) is int and most > 0 else None,
        is_private=options.get("isPrivate") is True,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _who(session: AppSession) -> Frame:
    return {"userId": session.wearer.user_id, "sessionId": session.session_id}
