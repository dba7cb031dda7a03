"""``session.users``: other people who use the same app right now."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from mentra_sync import hints
from mentra_sync.errors import RequestFailed
from mentra_sync.protocol.codec import MalformedMessage, clean_text, decode, dumps
from mentra_sync.protocol.commands import (
    AppBroadcastMessage,
    AppDirectMessage,
    AppRoomJoin,
    AppRoomLeave,
    RoomConfig,
)
from mentra_sync.protocol.notices import (
    AppDirectMessageResponse,
    AppMessageReceived,
    AppRoomUpdated,
    AppUserJoined,
    AppUserLeft,
)
from mentra_sync.protocol.users import AppUser
from mentra_sync.runtime.asking import ask
from mentra_sync.runtime.cloud_api import CloudApi
from mentra_sync.runtime.feature import Feature
from mentra_sync.runtime.link import Link
from mentra_sync.runtime.replies import check_timeout
from mentra_sync.runtime.subscription import Subscription

_DIRECT = "direct_message"


class Users(Feature):
    """Finds other users of the app, and sends them messages; payloads are anything JSON.

    The calls that ask the cloud block for its answer, 15 s at most, and raise ``RequestFailed``
    (some clouds don't know other users at all), ``ConnectionFailed`` or ``RequestTimeout``.
    """

    def __init__(self, link: Link, cloud_api: CloudApi) -> None:
        self._link = link
        self._cloud_api = cloud_api
        for frame_type, signal, notice in (
            ("app_message_received", "user_message", AppMessageReceived),
            ("app_user_joined", "user_joined", AppUserJoined),
            ("app_user_left", "user_left", AppUserLeft),
            ("app_room_updated", "room_updated", AppRoomUpdated),
        ):
            link.router.read(frame_type, self._reader(signal, notice))
        link.router.read("app_direct_message_response", self._read_response)

    # --- Who is there -------------------------------------------------------------------------

    def discover(self, include_profiles: bool = False) -> list[AppUser]:
        """Everybody who uses the app now, this user included."""
        return self._discover(include_profiles)[0]

    def is_active(self, user_id: str) -> bool:
        """Whether a user uses the app now."""
        wanted = _id("user_id", user_id)
        return any(user.user_id == wanted for user in self.discover())

    def count(self) -> int:
        """How many use the app now."""
        return self._discover(False)[1]

    # --- Messages -----------------------------------------------------------------------------

    def broadcast(self, payload: Any) -> None:
        """Send a message to everybody else who uses the app; waits for nothing."""
        self._link.send(
            AppBroadcastMessage(
                payload=_checked(payload),
                message_id=str(uuid.uuid4()),
                sender_user_id=self._link.identity.user_id,
            )
        )

    def send(self, user_id: str, payload: Any, timeout: float | None = 15) -> bool:
        """Send a message to one user; blocks until the cloud says whether it was delivered.

        ``timeout`` is in seconds.  Raises ``RequestTimeout`` when the cloud says nothing (some
        never do), ``SessionEnded``, and ``TypeError`` for a payload that is not JSON.
        """
        check_timeout(timeout)
        message = AppDirectMessage(
            target_user_id=_id("user_id", user_id),
            payload=_checked(payload),
            message_id=str(uuid.uuid4()),
            sender_user_id=self._link.identity.user_id,
        )
        otherwise = "" if timeout is None else hints.MESSAGE_TIMEOUT.format(timeout)
        with self._link.expect(_DIRECT, message.message_id) as reply:
            self._link.send(message, reply)
            return bool(reply.result(timeout, otherwise))

    def on_message(self, handler: Callable[..., Any]) -> Subscription:
        """A message came: ``payload``, ``sender_user_id``, ``room_id``."""
        return self._link.on("user_message", handler, "message")

    def on_joined(self, handler: Callable[..., Any]) -> Subscription:
        """Somebody started the app or entered a room: ``user_id``, ``room_id``."""
        return self._link.on("user_joined", handler, "event")

    def on_left(self, handler: Callable[..., Any]) -> Subscription:
        """Somebody left: ``user_id``, ``room_id``."""
        return self._link.on("user_left", handler, "event")

    # --- Rooms --------------------------------------------------------------------------------

    def join_room(
        self,
        room_id: str,
        *,
        max_users: int | None = None,
        is_private: bool | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Enter a room; who enters first makes it as the options say. Waits for nothing."""
        config = None
        if any(option is not None for option in (max_users, is_private, metadata)):
            config = _room_config(max_users, is_private, metadata)
        self._link.send(AppRoomJoin(room_id=_id("room_id", room_id), room_config=config))

    def leave_room(self, room_id: str) -> None:
        """Leave a room."""
        self._link.send(AppRoomLeave(room_id=_id("room_id", room_id)))

    def on_room_updated(self, handler: Callable[..., Any]) -> Subscription:
        """A room changed: ``room_id``, ``update_type``, ``room_data``."""
        return self._link.on("room_updated", handler, "event")

    # --- Inside -------------------------------------------------------------------------------

    def _discover(self, include_profiles: bool) -> tuple[list[AppUser], int]:
        base, identity = self._link.target.http_base, self._link.identity
        profiles = bool(include_profiles)
        try:
            answer = ask(
                self._link,
                lambda call: self._cloud_api.discover_users(base, identity, profiles, call=call),
            )
        except RequestFailed as error:
            if error.code != "HTTP_404":
                raise
            raise RequestFailed(error.code, hints.NO_DISCOVERY.format(error.message)) from None
        try:
            users = [decode(AppUser, user) for user in answer["users"]]
        except MalformedMessage as error:
            raise RequestFailed("BAD_ANSWER", f"the cloud's list of users: {error}") from None
        total = answer.get("totalUsers")
        return users, total if type(total) is int and total >= 0 else len(users)

    def _reader(self, signal: str, notice: type[Any]) -> Callable[[dict[str, Any]], None]:
        return lambda frame: self._link.signals.emit(signal, decode(notice, frame))

    def _read_response(self, frame: dict[str, Any]) -> None:
        answer = decode(AppDirectMessageResponse, frame)
        self._link.replies.answer(_DIRECT, answer.message_id, answer.success)


def _checked(payload: Any) -> Any:
    """The payload, if it can go over the wire."""
    try:
        dumps(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"a payload must be made of dicts, lists, texts, numbers, bools and None: {error}"
        ) from None
    return payload


def _room_config(max_users: int | None, is_private: object, metadata: object) -> RoomConfig:
    """The options of a room, if they are what they should be."""
    number = isinstance(max_users, int) and not isinstance(max_users, bool)
    if max_users is not None and not (number and max_users >= 1):
        raise ValueError(f"max_users must be a whole number, 1 or more; got {max_users!r}")
    if not (is_private is None or isinstance(is_private, bool)):
        raise ValueError(f"is_private must be True or False, got {is_private!r}")
    if not (metadata is None or isinstance(metadata, dict)):
        raise ValueError(f'metadata must be a dict like {{"topic": "chess"}}, got {metadata!r}')
    return RoomConfig(max_users=max_users, is_private=is_private, metadata=_checked(metadata))


def _id(name: str, value: str) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text that is not empty, got {value!r}")
    return clean_text(value)
