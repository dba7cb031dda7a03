"""Everything that crosses the wire is on the timeline, in its order, and tells no secret."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from raw_app import API_KEY, PACKAGE, RawApp

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.presenting import HIDDEN, presentable
from mentra_sync.simulator.timeline import Crossing, Timeline, Way

USER = "runner@example.com"


def crossings(simulator: Simulator) -> list[tuple[str, str, str]]:
    return [
        (crossing.way.value, crossing.kind, crossing.name)
        for crossing in simulator.cloud.timeline.after()
    ]


def test_a_start_a_press_and_a_stop(simulator: Simulator, app: RawApp) -> None:
    assert simulator.start_app()
    app.wait_connected()
    app.subscribe(app.socket, "", ["button_press"])
    assert simulator.wait_for_streams(lambda streams: "button_press" in streams)
    simulator.glasses.press()
    simulator.stop_app()
    app.socket.wait_closed()
    seen = crossings(simulator)
    in_order = [
        ("cloud to app", "request", "POST /webhook"),
        ("app to cloud", "frame", "tpa_connection_init"),
        ("cloud to app", "frame", "tpa_connection_ack"),
        ("cloud to glasses", "frame", "app_started"),
        ("app to cloud", "frame", "subscription_update"),
        ("glasses to cloud", "frame", "button_press"),
        ("cloud to app", "frame", "data_stream"),
        ("cloud to app", "request", "POST /webhook"),
        ("app to cloud", "answer", "200 to POST /webhook"),
        ("cloud to app", "frame", "app_stopped"),
        ("cloud to app", "close", "1000 App stopped"),
    ]
    rest = iter(seen)
    assert all(one in rest for one in in_order), seen
    assert [one for one in seen if one[1] == "close"] == [in_order[-1]]
    assert {crossing.user_id for crossing in simulator.cloud.timeline.after()} == {USER}


def test_no_secret_is_told(simulator: Simulator, app: RawApp) -> None:
    simulator.start_app()
    app.wait_connected()
    auth = {"Authorization": f"Bearer {PACKAGE}:{API_KEY}"}
    url = f"{simulator.url}api/sdk/simple-storage/{USER}"
    requests.put(url, json={"data": {"colour": "green"}}, headers=auth, timeout=20)
    told = [crossing.message() for crossing in simulator.cloud.timeline.after()]
    init = next(one for one in told if one["name"] == "tpa_connection_init")
    assert init["body"]["apiKey"] == HIDDEN
    assert API_KEY not in repr(told)
    storage = [one for one in told if "simple-storage" in one["name"]]
    assert [one["what"] for one in storage] == ["request", "answer"]
    assert storage[0]["body"] == {"data": {"colour": "green"}}
    assert storage[1]["body"]["status"] == 200


def test_a_lost_connection_and_a_closed_one(simulator: Simulator, app: RawApp) -> None:
    simulator.start_app()
    app.wait_connected()
    simulator.drop_connection()
    assert ("cloud to app", "close", "connection lost") in crossings(simulator)


def test_it_remembers_so_many_and_tells_listeners() -> None:
    timeline = Timeline()
    heard: list[Crossing] = []
    stop = timeline.listen(heard.append)
    for number in range(limits.MAX_HISTORY + 5):
        timeline.frame(Way.APP_TO_CLOUD, None, {"type": f"t{number}"})
    stop()
    timeline.frame(Way.APP_TO_CLOUD, None, {"type": "unheard"})
    assert len(heard) == limits.MAX_HISTORY + 5
    assert len(timeline.after()) == limits.MAX_HISTORY
    assert [one.name for one in timeline.after(limits.MAX_HISTORY + 4)] == [
        heard[-1].name,
        "unheard",
    ]
    assert timeline.count == limits.MAX_HISTORY + 6


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("x" * 3000, "x" * 2000 + "… (3,000 characters)"),
        (b"\0\1", "(2 bytes)"),
        ([1] * 300, [1] * 200 + ["… (100 more)"]),
        (
            {"token": "t", "authToken": "", "a": {"apiKey": "k"}},
            {"token": HIDDEN, "authToken": "", "a": {"apiKey": HIDDEN}},
        ),
        ("rtmp://live.example.com/app/key-1", f"rtmp://live.example.com/{HIDDEN}"),
        ("RTMPS://me:word@live.example.com", f"RTMPS://live.example.com/{HIDDEN}"),
        ("rtmp://live.example.com/", "rtmp://live.example.com/"),
        ("see rtmp://a/b", "see rtmp://a/b"),
        (None, None),
        (1.5, 1.5),
        ((1, True), [1, True]),
        ([float("nan"), float("-inf")], ["nan", "-inf"]),
        ({1: range(3)}, {"1": "range(0, 3)"}),
    ],
)
def test_what_is_shown_is_bounded(given: Any, shown: Any) -> None:
    assert presentable(given) == shown


def test_all_of_it_together_is_bounded() -> None:
    wide = [[{f"{name}": "x" * 1000 for name in range(200)}] * 200] * 200
    assert len(repr(presentable(wide))) < 2 * limits.MAX_TIMELINE_BODY


def test_what_is_large_is_remembered_for_a_shorter_time() -> None:
    timeline = Timeline()
    large = limits.MAX_HISTORY_BYTES // 10
    for number in range(20):
        timeline.frame(Way.APP_TO_CLOUD, None, {"type": "large", number: [bytes(large)]})
    remembered = [crossing.number for crossing in timeline.after()]
    assert remembered == list(range(12, 21))
    timeline.frame(Way.APP_TO_CLOUD, None, {"type": "larger", "all": bytes(20 * large)})
    assert [crossing.name for crossing in timeline.after()] == ["larger"]


def test_a_deep_body_ends() -> None:
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    assert "end" not in repr(presentable(deep))
