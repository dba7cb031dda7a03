"""``session.users``: who is there, messages with and without an answer, and rooms."""

from __future__ import annotations

import json
from typing import Any

import pytest
from background import Call
from cloud import (
    KEY,
    PACKAGE,
    USER,
    AppSocket,
    Calls,
    Scene,
    http_answer,
    scene_fixture,
    wait_until,
)
from end_to_end import body, ended, no_call_left, refused, settle

from mentra_sync import ConnectionFailed, RequestFailed, RequestTimeout, SessionEnded

__all__ = ["scene_fixture"]

DISCOVER = "/api/app-communication/discover-users"


def answer(scene: Scene, found: Any, status: str = "200 OK") -> None:
    text = found if isinstance(found, bytes) else json.dumps(found).encode()

    def send(peer: Any) -> None:
        peer.sock.sendall(http_answer(text, status))
        peer.close()

    scene.cloud.rest[DISCOVER] = send


def response(there: AppSocket, message_id: str, success: bool, **more: Any) -> None:
    there.send(
        {
            "type": "app_direct_message_response",
            "messageId": message_id,
            "success": success,
            **more,
        }
    )


# --- Who is there -----------------------------------------------------------------------------


def test_discovering_users(scene: Scene) -> None:
    profile = {"name": "Bob"}
    bob = {"userId": "bob@example.com", "sessionId": "s", "userProfile": profile, "age": 7}
    answer(scene, {"users": [{"userId": USER}, bob], "totalUsers": 12})
    session, _ = scene.session()
    users = session.users.discover(include_profiles=True)
    assert [user.user_id for user in users] == [USER, "bob@example.com"]
    assert (users[1].user_profile, users[1].extra) == (profile, {"age": 7})
    assert session.users.is_active("bob@example.com")
    assert not session.users.is_active("carl@example.com")
    assert session.users.count() == 12
    request = scene.cloud.requests[0]
    assert request.startswith(f"POST {DISCOVER} ".encode())
    assert f"Authorization: Bearer {KEY}".encode() in request


def test_what_is_asked(scene: Scene) -> None:
    bodies: list[dict[str, Any]] = []

    def send(peer: Any) -> None:
        request = scene.cloud.requests[-1]
        head, _, rest = request.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            rest += peer.sock.recv(length - len(rest))
        bodies.append(json.loads(rest))
        peer.sock.sendall(http_answer(b'{"users": []}'))
        peer.close()

    scene.cloud.rest[DISCOVER] = send
    session, _ = scene.session()
    assert session.users.discover() == []
    assert session.users.discover(True) == []
    assert session.users.count() == 0
    wanted = {"packageName": PACKAGE, "userId": USER}
    assert bodies == [{**wanted, "includeUserProfiles": flag} for flag in (False, True, False)]


NONSENSE: dict[str, tuple[Any, str, str]] = {
    "no users": ({"totalUsers": 3}, "200 OK", "BAD_ANSWER"),
    "users of a wrong type": ({"users": {"a": 1}}, "200 OK", "BAD_ANSWER"),
    "a user who is none": ({"users": ["ann"]}, "200 OK", "BAD_ANSWER"),
    "a user without an id": ({"users": [{"name": "ann"}]}, "200 OK", "BAD_ANSWER"),
    "an id of a wrong type": ({"users": [{"userId": 7}]}, "200 OK", "BAD_ANSWER"),
    "HTML": (b"<!DOCTYPE html><title>Hello</title>", "200 OK", "BAD_ANSWER"),
    "a list": ([], "200 OK", "BAD_ANSWER"),
    "nothing": (b"", "200 OK", "BAD_ANSWER"),
    "no text": (b"\xff\xfe\x00", "200 OK", "BAD_ANSWER"),
    "a redirection": (b"", "302 Found", "BAD_ANSWER"),
    "not found, in HTML": (b"<pre>Cannot POST</pre>", "404 Not Found", "HTTP_404"),
    "forbidden": ({"message": "wrong key"}, "403 Forbidden", "HTTP_403"),
    "broken": ({"error": "database is gone"}, "500 Oh", "HTTP_500"),
    "busy": ({}, "429 Too Many", "HTTP_429"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_answers_that_are_none(scene: Scene, name: str) -> None:
    found, status, code = NONSENSE[name]
    answer(scene, found, status)
    session, _ = scene.session()
    for call in (session.users.discover, session.users.count, lambda: session.users.is_active("x")):
        with pytest.raises(RequestFailed) as caught:
            call()
        assert caught.value.code == code
        assert KEY not in str(caught.value)
    assert session.connected


def test_a_cloud_that_knows_no_users_says_so_with_the_way_out(scene: Scene) -> None:
    session, _ = scene.session()
    with pytest.raises(RequestFailed, match=r"does not tell who uses the app.*broadcast\("):
        session.users.discover()
    answer(scene, {"message": "wrong key"}, "403 Forbidden")
    with pytest.raises(RequestFailed, match="wrong key"):
        session.users.discover()


def test_odd_totals(scene: Scene) -> None:
    session, _ = scene.session()
    for total in (None, "3", True, -1, 2.5):
        answer(scene, {"users": [{"userId": USER}], "totalUsers": total})
        assert session.users.count() == 1


def test_a_cloud_that_hangs_up(scene: Scene) -> None:
    scene.cloud.rest[DISCOVER] = lambda peer: peer.reset()
    session, _ = scene.session()
    with pytest.raises(ConnectionFailed, match="check the network"):
        session.users.discover()


def test_other_callbacks_run_while_one_asks_and_the_end_ends_it(scene: Scene) -> None:
    asked, held, pressed, over = Calls(), [], Calls(), Calls()

    def hold(peer: Any) -> None:
        held.append(peer)  # never answered
        asked()

    scene.cloud.rest[DISCOVER] = hold
    session, there = scene.session()

    def on_press(press: Any) -> None:
        pressed(press.button_id)
        if press.button_id == "ask":
            try:
                session.users.discover()
            except SessionEnded:
                over()
                raise

    session.events.on_button_press(on_press)
    there.wait_streams("button_press")
    there.press("ask")
    asked.wait()
    there.press("other")
    assert pressed.wait(2) == ["ask", "other"]
    session.disconnect()
    over.wait()
    wait_until(no_call_left, 3)  # long before its timeout
    held[0].close()


# --- Messages ---------------------------------------------------------------------------------


def test_a_broadcast(scene: Scene) -> None:
    session, there = scene.session()
    session.users.broadcast({"move": [1, 2.5, None, True], "who": "ännchen"})
    session.users.broadcast("text")
    frames = [there.wait("app_broadcast_message", number) for number in (1, 2)]
    assert body(frames[0]) == {
        "payload": {"move": [1, 2.5, None, True], "who": "ännchen"},
        "messageId": frames[0]["messageId"],
        "senderUserId": USER,
    }
    assert frames[1]["payload"] == "text"
    assert frames[0]["messageId"] != frames[1]["messageId"]


def test_nothing_is_a_payload_too(scene: Scene) -> None:
    session, there = scene.session()
    session.users.broadcast(None)
    broadcast = there.wait("app_broadcast_message")
    assert body(broadcast).keys() == {"payload", "messageId", "senderUserId"}
    assert broadcast["payload"] is None
    with pytest.raises(RequestTimeout):
        session.users.send("bob@example.com", None, timeout=0.01)
    direct = there.wait("app_direct_message")
    assert "payload" in direct and direct["payload"] is None


@pytest.mark.parametrize("delivered", [True, False])
def test_a_direct_message_waits_for_its_answer(scene: Scene, delivered: bool) -> None:
    session, there = scene.session()
    asked = Call(lambda: session.users.send("bob@example.com", {"x": 1}))
    frame = there.wait("app_direct_message")
    assert body(frame) == {
        "targetUserId": "bob@example.com",
        "payload": {"x": 1},
        "messageId": frame["messageId"],
        "senderUserId": USER,
    }
    response(there, "another", not delivered)
    settle(session, there)
    assert asked.pending
    response(there, frame["messageId"], delivered, targetUserId="bob@example.com", error="gone")
    assert asked.outcome is delivered


def test_several_messages_on_their_way(scene: Scene) -> None:
    session, there = scene.session()
    asked = [
        Call(lambda name=name: session.users.send(name, 0)) for name in ("bob", "carl", "dora")
    ]
    for number in (3, 1, 2):
        frame = there.wait("app_direct_message", number)
        response(there, frame["messageId"], frame["targetUserId"] != "carl")
    assert [one.outcome for one in asked] == [True, False, True]


def test_a_message_that_nobody_answers(scene: Scene) -> None:
    session, there = scene.session()
    with pytest.raises(RequestTimeout, match=r"0\.05 s.*broadcast"):
        session.users.send("bob@example.com", "hi", timeout=0.05)
    response(there, there.wait("app_direct_message")["messageId"], True)
    asked = Call(lambda: session.users.send("bob@example.com", "hi", timeout=None))
    frame = there.wait("app_direct_message", 2)
    assert asked.pending
    response(there, frame["messageId"], True)
    assert asked.outcome is True


def test_what_cannot_be_sent(scene: Scene) -> None:
    session, there = scene.session()
    users = session.users
    endless: list[Any] = []
    endless.append(endless)
    for payload in ({"when": object()}, {1, 2}, float("nan"), b"bytes", endless):
        with refused(session, there, "payload", "dicts, lists, texts", error=TypeError):
            users.broadcast(payload)
        with refused(session, there, "payload", error=TypeError):
            users.send("bob@example.com", payload)
    for user_id in ("", None, 5):
        with refused(session, there, "user_id", repr(user_id)):
            users.send(user_id, "hi")  # type: ignore[arg-type]
    for room_id in ("", None):
        with refused(session, there, "room_id", repr(room_id)):
            users.join_room(room_id)  # type: ignore[arg-type]
        with refused(session, there, "room_id", repr(room_id)):
            users.leave_room(room_id)  # type: ignore[arg-type]
        with refused(session, there, "user_id", repr(room_id)):
            users.is_active(room_id)  # type: ignore[arg-type]
    for max_users in (0, -1, 2.5, "3", True):
        with refused(session, there, "max_users", "1 or more", repr(max_users)):
            users.join_room("r", max_users=max_users)  # type: ignore[arg-type]
    with refused(session, there, "is_private", "True or False", "'no'"):
        users.join_room("r", is_private="no")  # type: ignore[arg-type]
    with refused(session, there, "metadata", "a dict", "[1]"):
        users.join_room("r", metadata=[1])  # type: ignore[arg-type]
    with refused(session, there, "payload", error=TypeError):
        users.join_room("r", metadata={"x": object()})


def test_half_a_character_is_sent_as_what_can_be(scene: Scene) -> None:
    session, there = scene.session()
    session.users.broadcast({"a": "x\ud800"})
    session.users.join_room("room\ud800")
    assert there.wait("app_broadcast_message")["payload"] == {"a": "x\ufffd"}
    assert there.wait("app_room_join")["roomId"] == "room\ufffd"


# --- What others do ---------------------------------------------------------------------------


def test_what_others_do_reaches_the_handlers(scene: Scene) -> None:
    session, there = scene.session()
    messages, joined, left, rooms = Calls(), Calls(), Calls(), Calls()
    session.users.on_message(messages.one)
    session.users.on_joined(joined.one)
    session.users.on_left(left.one)
    session.users.on_room_updated(rooms.one)
    there.send(
        {
            "type": "app_message_received",
            "payload": {"hi": 1},
            "messageId": "m1",
            "senderUserId": "bob@example.com",
            "senderSessionId": "bob-s",
            "roomId": "r1",
        },
        {"type": "app_user_joined", "userId": "bob@example.com", "sessionId": "s", "joinedAt": 1},
        {"type": "app_user_left", "userId": "bob@example.com", "sessionId": "s", "roomId": "r1"},
        {"type": "app_room_updated", "roomId": "r1", "updateType": "joined", "roomData": {"n": 2}},
    )
    message = messages.wait()[0]
    assert (message.payload, message.sender_user_id, message.room_id) == (
        {"hi": 1},
        "bob@example.com",
        "r1",
    )
    assert (message.message_id, message.sender_session_id) == ("m1", "bob-s")
    assert (joined.wait()[0].user_id, joined.values[0].joined_at) == ("bob@example.com", 1)
    assert (left.wait()[0].user_id, left.values[0].room_id) == ("bob@example.com", "r1")
    room = rooms.wait()[0]
    assert (room.room_id, room.update_type, room.room_data) == ("r1", "joined", {"n": 2})


def test_handlers_can_be_stopped_and_nonsense_is_an_error(scene: Scene) -> None:
    session, there = scene.session()
    errors, messages, joined = Calls(), Calls(), Calls()
    session.events.on_error(errors.one)
    stop = session.users.on_message(messages.one)
    session.users.on_joined(joined.one)
    there.send({"type": "app_user_joined", "joinedAt": 1})
    assert "userId" in str(errors.wait()[0])
    there.send({"type": "app_direct_message_response", "success": True})
    assert "messageId" in str(errors.wait(2)[1])
    there.send({"type": "app_message_received", "payload": None})
    assert messages.wait()[0].payload is None
    stop()
    there.send({"type": "app_message_received", "payload": 2})
    settle(session, there)
    assert (len(messages.all), joined.all) == (1, [])


def test_rooms(scene: Scene) -> None:
    session, there = scene.session()
    users = session.users
    users.join_room("r1")
    users.join_room("r2", max_users=4, is_private=False, metadata={"topic": "chess"})
    users.join_room("r3", is_private=True)
    users.leave_room("r1")
    assert body(there.wait("app_room_join")) == {"roomId": "r1"}
    assert body(there.wait("app_room_join", 2)) == {
        "roomId": "r2",
        "roomConfig": {"maxUsers": 4, "isPrivate": False, "metadata": {"topic": "chess"}},
    }
    assert body(there.wait("app_room_join", 3)) == {
        "roomId": "r3",
        "roomConfig": {"isPrivate": True},
    }
    assert body(there.wait("app_room_leave")) == {"roomId": "r1"}


def test_after_the_end(scene: Scene) -> None:
    session, _ = scene.session()
    session.disconnect()
    users = session.users
    for call in (
        users.discover,
        users.count,
        lambda: users.is_active("x"),
        lambda: users.broadcast(1),
        lambda: users.send("x", 1),
        lambda: users.join_room("r"),
        lambda: users.leave_room("r"),
        lambda: users.on_message(print),
    ):
        with ended(session):
            call()
