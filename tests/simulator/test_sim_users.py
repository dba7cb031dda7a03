"""Several wearers of one app: who is there, their messages, and the rooms they meet in."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from raw_app import API_KEY, PACKAGE, Frame, RawApp, RawSocket

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator

NAMES = ("runner", "bob", "carl")
ANN, BOB, CARL = (f"{name}@example.com" for name in NAMES)


class Crowd:
    """The app's end of each wearer's connection."""

    def __init__(self, simulator: Simulator, app: RawApp, *others: str) -> None:
        self.simulator = simulator
        self.app = app
        self.ends: dict[str, RawSocket] = {ANN: app.socket}
        for number, user in enumerate(others, 2):
            simulator.glasses_of(user)
            assert simulator.start_app(user)
            self.ends[user] = app.wait_connected(number)

    def send(self, user: str, kind: str, **fields: Any) -> None:
        self.ends[user].send({"type": kind, "packageName": PACKAGE, **fields})

    def settle(self, user: str) -> None:
        """Until all that a wearer's app has sent has been done."""
        after = len(self.ends[user].seen.items)
        self.send(user, "stream_status_check")
        self.ends[user].wait("stream_status_check_response", after=after)

    def told(self, user: str, *kinds: str) -> list[Frame]:
        """What a wearer's app has been told of others, without the times."""
        times = ("timestamp", "joinedAt", "leftAt")
        frames = [frame for frame in self.ends[user].seen.all() if frame["type"] in kinds]
        return [{k: v for k, v in frame.items() if k not in times} for frame in frames]


@pytest.fixture
def crowd(running: Simulator, app: RawApp) -> Crowd:
    return Crowd(running, app, BOB, CARL)


def who(user: str) -> Frame:
    return {"userId": user, "sessionId": f"{user}-{PACKAGE}"}


def test_who_comes_and_goes(crowd: Crowd) -> None:
    assert crowd.simulator.users() == [ANN, BOB, CARL]
    joined = {"type": "app_user_joined"}
    crowd.ends[ANN].wait("app_user_joined", userId=CARL)
    assert crowd.told(ANN, "app_user_joined") == [{**joined, **who(BOB)}, {**joined, **who(CARL)}]
    assert crowd.told(CARL, "app_user_joined") == []
    crowd.simulator.stop_app(BOB)
    assert crowd.ends[ANN].wait("app_user_left")["userId"] == BOB
    assert crowd.simulator.users() == [ANN, CARL]
    assert crowd.told(BOB, "app_user_left") == []


def test_a_reconnection_is_no_coming_and_going(crowd: Crowd) -> None:
    crowd.simulator.drop_connection(BOB)
    again = crowd.app.connect(next(h for h in crowd.app.hooks.all() if h["userId"] == BOB))
    crowd.ends[BOB] = again
    crowd.send(BOB, "app_broadcast_message", payload="back", messageId="m", senderUserId=BOB)
    assert crowd.ends[ANN].wait("app_message_received")["payload"] == "back"
    assert len(crowd.told(ANN, "app_user_joined", "app_user_left")) == 2


def test_discovering(crowd: Crowd) -> None:
    url = crowd.simulator.url + "api/app-communication/discover-users"
    body = {"packageName": PACKAGE, "userId": ANN, "includeUserProfiles": False}
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = requests.post(url, json=body, headers=headers, timeout=5).json()
    assert [user["userId"] for user in answer["users"]] == [ANN, BOB, CARL]
    assert answer["totalUsers"] == 3


def test_a_broadcast_reaches_all_others(crowd: Crowd) -> None:
    crowd.send(BOB, "app_broadcast_message", payload={"n": 1}, messageId="m1", senderUserId="liar")
    wanted = {
        "type": "app_message_received",
        "payload": {"n": 1},
        "messageId": "m1",
        "senderUserId": BOB,
        "senderSessionId": f"{BOB}-{PACKAGE}",
    }
    for user in (ANN, CARL):
        crowd.ends[user].wait("app_message_received")
        assert crowd.told(user, "app_message_received") == [wanted]
    crowd.settle(BOB)
    assert crowd.told(BOB, "app_message_received") == []


def test_a_direct_message_is_answered(crowd: Crowd) -> None:
    message = {"payload": "hi", "senderUserId": ANN}
    crowd.send(ANN, "app_direct_message", targetUserId=CARL, messageId="m1", **message)
    answer = crowd.ends[ANN].wait("app_direct_message_response")
    assert (answer["messageId"], answer["success"], answer["targetUserId"]) == ("m1", True, CARL)
    assert crowd.ends[CARL].wait("app_message_received")["payload"] == "hi"
    crowd.send(ANN, "app_direct_message", targetUserId="nobody", messageId="m2", **message)
    answer = crowd.ends[ANN].wait("app_direct_message_response", messageId="m2")
    assert answer["success"] is False
    assert "not active" in answer["error"]
    crowd.simulator.stop_app(CARL)
    crowd.send(ANN, "app_direct_message", targetUserId=CARL, messageId="m3", **message)
    assert not crowd.ends[ANN].wait("app_direct_message_response", messageId="m3")["success"]
    assert crowd.told(BOB, "app_message_received") == []


def test_rooms_fill_and_empty(crowd: Crowd) -> None:
    config = {"maxUsers": 2, "isPrivate": True, "metadata": {"topic": "chess"}}
    crowd.send(ANN, "app_room_join", roomId="r", roomConfig=config)
    made = crowd.ends[ANN].wait("app_room_updated")
    assert (made["roomId"], made["updateType"]) == ("r", "user_joined")
    assert made["roomData"] == {"currentUsers": 1, "users": [ANN], **config}
    crowd.send(BOB, "app_room_join", roomId="r", roomConfig={"maxUsers": 99})
    assert crowd.ends[ANN].wait("app_user_joined", roomId="r")["userId"] == BOB
    data = crowd.ends[BOB].wait("app_room_updated")["roomData"]
    assert (data["maxUsers"], data["users"]) == (2, [ANN, BOB])
    crowd.send(CARL, "app_room_join", roomId="r")
    full = crowd.ends[CARL].wait("app_room_updated")
    assert full["updateType"] == "room_full"
    assert crowd.simulator.room("r") == [ANN, BOB]

    crowd.send(BOB, "app_room_leave", roomId="r")
    assert crowd.ends[ANN].wait("app_user_left", roomId="r")["userId"] == BOB
    assert crowd.ends[ANN].wait("app_room_updated", updateType="user_left")
    crowd.send(CARL, "app_room_join", roomId="r")
    crowd.ends[CARL].wait("app_room_updated", updateType="user_joined")
    crowd.simulator.stop_app(ANN)
    assert crowd.ends[CARL].wait("app_user_left", roomId="r")["userId"] == ANN
    assert crowd.simulator.room("r") == [CARL]
    crowd.send(CARL, "app_room_leave", roomId="r")
    crowd.settle(CARL)
    assert crowd.simulator.room("r") == []


def test_an_empty_room_is_made_anew(crowd: Crowd) -> None:
    crowd.send(ANN, "app_room_join", roomId="r", roomConfig={"maxUsers": 1})
    crowd.send(ANN, "app_room_leave", roomId="r")
    crowd.send(ANN, "app_room_join", roomId="r")
    crowd.settle(ANN)
    frames = crowd.told(ANN, "app_room_updated")
    assert [frame["roomData"].get("maxUsers") for frame in frames] == [1, None]


def test_rooms_that_make_no_sense(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    for room_id in (None, 5, "", "x" * 2000, ["r"]):
        crowd.send(ANN, "app_room_join", roomId=room_id)
        crowd.send(ANN, "app_room_leave", roomId=room_id)
    crowd.send(ANN, "app_room_leave", roomId="never entered")
    crowd.send(ANN, "app_room_join", roomId="odd", roomConfig=["?"])
    odd = {"maxUsers": -1, "isPrivate": "yes", "metadata": 7}
    crowd.send(ANN, "app_room_join", roomId="odder", roomConfig=odd)
    crowd.send(ANN, "app_room_join", roomId="odder")
    crowd.settle(ANN)
    frames = crowd.told(ANN, "app_room_updated")
    assert [frame["roomId"] for frame in frames] == ["odd", "odder"]
    plain = {"currentUsers": 1, "users": [ANN], "isPrivate": False, "metadata": {}}
    assert [frame["roomData"] for frame in frames] == [plain, plain]
    monkeypatch.setattr(limits, "MAX_ROOMS", 2)
    crowd.send(ANN, "app_room_join", roomId="one too many")
    crowd.settle(ANN)
    assert crowd.simulator.room("one too many") == []


def test_glasses_for_somebody_else(
    running: Simulator, app: RawApp, monkeypatch: pytest.MonkeyPatch, open_socket: Any
) -> None:
    url = running.url + "api/sim/wearers/"
    found = requests.post(f"{url}{BOB}", timeout=5).json()
    assert found["userId"] == BOB
    headers = {"Authorization": f"Bearer {found['glassesToken']}"}
    assert requests.post(f"{running.url}apps/{PACKAGE}/start", headers=headers, timeout=5).ok
    bob = app.wait_connected(2)
    app.subscribe(bob, "", ["button_press"])
    assert running.wait_for_streams(bool, user_id=BOB)
    glasses = open_socket(running.url.replace("http", "ws") + "glasses-ws", header=headers)
    glasses.send({"type": "connection_init"})
    glasses.send({"type": "button_press", "buttonId": "main", "pressType": "short"})
    assert bob.wait("data_stream")["data"]["buttonId"] == "main"
    monkeypatch.setattr(limits, "MAX_WEARERS", 2)
    assert requests.post(f"{url}{CARL}", timeout=5).status_code == 429
    assert requests.post(f"{url}{BOB}", timeout=5).ok, "there already"
    assert requests.get(f"{url}{CARL}", timeout=5).status_code == 405


def test_somebody_else_may_wear_other_glasses(running: Simulator) -> None:
    url = running.url + "api/sim/wearers"
    found = requests.post(f"{url}/{BOB}", json={"model": "g1"}, timeout=5).json()
    assert found["model"] == "Even Realities G1"
    assert requests.post(f"{url}/{BOB}", json={"model": "live"}, timeout=5).json() == found
    everybody = requests.get(url, timeout=5).json()
    assert everybody["wearers"] == [running.user_id, BOB]
    assert everybody["first"] == running.user_id
    assert everybody["models"][0] == "Simulated Glasses"
    assert "Mentra Live" in everybody["models"]


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        (CARL, {"model": "monocle"}, "glasses must be one of"),
        (CARL, {"model": 7}, "body must be"),
        (CARL, ["g1"], "body must be"),
        ("c" * 255, {}, "254"),
        ("a%0ab", {}, "printable"),
    ],
)
def test_glasses_that_nobody_can_have(
    running: Simulator, name: str, body: Any, problem: str
) -> None:
    answer = requests.post(f"{running.url}api/sim/wearers/{name}", json=body, timeout=5)
    assert answer.status_code == 400
    assert problem in answer.json()["error"]
    assert requests.get(f"{running.url}api/sim/wearers", timeout=5).json()["wearers"] == [
        running.user_id
    ]
