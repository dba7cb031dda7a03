"""The simulator says what a real cloud said, in the same order and at about the same time.

``data/*.jsonl`` are the recordings of that cloud, cut down to what is compared here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from raw_app import PACKAGE, RawApp, RawSocket, Seen

from mentra_sync.simulator import limits
from mentra_sync.simulator.http import Simulator

DATA = Path(__file__).parent / "data"
TOLERANCE = 0.25

UNCOMPARED = {
    "microphone_state_change",
    "app_state_change",
    "set_location_tier",
    "connection_ack",
}


def recorded(name: str, at: str, begin: float, end: float) -> list[tuple[float, list[Any]]]:
    """What one end saw between two moments (ms) of a recording: ``(seconds, what)``."""
    # The recorded apps had other names.
    text = (DATA / name).read_text("utf-8").replace("Conformance", "Raw")
    lines = (json.loads(line) for line in text.splitlines())
    return [
        ((line["t"] - begin) / 1000, line["what"])
        for line in lines
        if line["at"] == at and begin <= line["t"] <= end and line["what"][0] != "note"
    ]


def shortened(what: Any) -> list[Any] | None:
    """What was seen, in the words of the data files; None for what isn't compared."""
    kind = what["type"]
    if kind in UNCOMPARED:
        return None
    if kind in ("session_request", "stop_request"):
        return ["webhook", kind]
    if kind == "display_event":
        layout = dict(what["layout"])
        name = layout.pop("layoutType")
        return [kind, what["view"], name, "|".join(layout.values())]
    if kind == "data_stream":
        return [kind, what["streamType"]]
    return [kind, what["code"]] if kind == "tpa_connection_error" else [kind]


def saw(begin: float, *ends: Seen) -> list[tuple[float, list[Any]]]:
    """What was seen since a moment, from all of these together, in order."""
    items = sorted((item for end in ends for item in end.items), key=lambda item: item[0])
    seen = [(moment - begin, shortened(what)) for moment, what in items if moment >= begin]
    return [(moment, what) for moment, what in seen if what is not None]


def assert_alike(
    seen: list[tuple[float, list[Any]]], wanted: list[tuple[float, list[Any]]]
) -> None:
    assert [what for _, what in seen] == [what for _, what in wanted]
    for (moment, what), (due, _) in zip(seen, wanted, strict=True):
        assert abs(moment - due) < TOLERANCE, f"{what} came after {moment:.3f} s, not {due:.3f} s"


class Stage:
    """A raw app and raw glasses at a realistic simulator."""

    def __init__(self, app: RawApp, simulator: Simulator, glasses: RawSocket) -> None:
        self.app = app
        self.simulator = simulator
        self.glasses = glasses
        glasses.send({"type": "connection_init"})
        glasses.wait("connection_ack")

    def post(self, what: str) -> None:
        headers = {"Authorization": f"Bearer {self.simulator.token_of()}"}
        url = f"{self.simulator.url}apps/{PACKAGE}/{what}"
        answer = requests.post(url, json={}, headers=headers, timeout=30)
        status = {"start": "started", "stop": "stopped"}[what]
        data = {"status": status, "packageName": PACKAGE, "appState": {}}
        assert answer.json() == {"success": True, "data": data}

    def press(self) -> None:
        self.glasses.send({"type": "button_press", "buttonId": "main", "pressType": "short"})

    def wait_booted(self) -> None:
        """Until the boot screen has been wiped off, which the cloud does twice."""
        blank = {"layoutType": "text_wall", "text": ""}
        self.glasses.seen.wait_count(lambda frame: frame.get("layout") == blank, 2)

    def wait_glasses(self, count: int, begin: float) -> list[tuple[float, list[Any]]]:
        with self.glasses.seen.changed:
            self.glasses.seen.changed.wait_for(
                lambda: len(saw(begin, self.glasses.seen)) >= count, 8
            )
        return saw(begin, self.glasses.seen)


@pytest.fixture
def stage(
    app: RawApp, simulate: Callable[..., Simulator], open_socket: Callable[..., RawSocket]
) -> Stage:
    simulator = simulate(realistic=True)
    url = simulator.url.replace("http", "ws") + f"glasses-ws?token={simulator.token_of()}"
    return Stage(app, simulator, open_socket(url))


def sleep_until(moment: float) -> None:
    """Do the next input when the recording did it: the wire has nothing to wait for."""
    time.sleep(max(0.0, moment - time.monotonic()))


def test_start_and_stop(stage: Stage) -> None:
    stage.app.subscriptions = ["button_press", "head_position", "transcription:en-US"]
    begin = time.monotonic()
    stage.post("start")
    raw = stage.app.wait_connected()
    sleep_until(begin + 0.350)
    stage.app.show("hello during boot")
    sleep_until(begin + 0.751)
    stage.press()
    sleep_until(begin + 2.551)
    stage.app.show("hello after boot")
    wanted = recorded("start.jsonl", "glasses", 732, 12000)
    assert_alike(stage.wait_glasses(len(wanted), begin), wanted)

    sleep_until(begin + 2.9)
    stop = time.monotonic()
    stage.post("stop")
    assert raw.wait_closed() == (1000, "App stopped")
    wanted = recorded("start.jsonl", "glasses", 12784, 14000)
    assert_alike(stage.wait_glasses(len(wanted), stop), wanted)
    everything = recorded("start.jsonl", "app", 732, 14000)
    seen = saw(begin, stage.app.hooks, raw.seen)
    assert [what for _, what in seen] == [what for _, what in everything if what[0] != "close"]


def test_a_short_loss_is_repaired_by_reconnecting(stage: Stage) -> None:
    stage.app.subscriptions = ["button_press"]
    stage.post("start")
    raw = stage.app.wait_connected()
    begin = time.monotonic()
    raw.reset()
    sleep_until(begin + 1.0)
    stage.press()
    sleep_until(begin + 2.0)
    again = stage.app.connect(stage.app.hooks.all()[0])
    sleep_until(begin + 2.51)
    stage.press()
    again.wait("data_stream")
    wanted = recorded("losses.jsonl", "app", 0, 7000)
    assert_alike(saw(begin, stage.app.hooks, raw.seen, again.seen), wanted)


def test_a_lasting_loss_brings_the_app_back_to_life(stage: Stage) -> None:
    stage.app.subscriptions = ["button_press"]
    stage.post("start")
    raw = stage.app.wait_connected()
    stage.wait_booted()
    begin = time.monotonic()
    raw.close(1000, "going away")
    assert raw.closed == (1000, "going away")
    again = stage.app.wait_connected(2)
    wanted = recorded("losses.jsonl", "glasses", 7510, 15000)
    assert_alike(stage.wait_glasses(len(wanted), begin), wanted)
    everything = recorded("losses.jsonl", "app", 7510, 15000)
    seen = saw(begin, stage.app.hooks, again.seen)
    assert_alike(seen, [(t, what) for t, what in everything if what[0] != "close"])
    stopped, started = (moment for moment, what in seen if what[0] == "webhook")
    assert 0.02 <= started - stopped < 0.15


def test_who_comes_between_the_two_webhooks_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GRACE", 0.2)
    monkeypatch.setattr(limits, "RESURRECTION_PAUSE", 0.4)
    stage.post("start")
    raw = stage.app.wait_connected()
    raw.reset()
    stage.app.connects = False
    hook = stage.app.hooks.all()[0]
    stage.app.hooks.wait(lambda hook: hook["type"] == "stop_request")
    refused = stage.app.dial(hook)
    assert refused.wait("tpa_connection_error")["code"] == "APP_NOT_STARTED"
    assert refused.wait_closed() == (1008, "App not started for this session")
    stage.app.hooks.wait(lambda hook: hook["type"] == "session_request", after=2)
    # The webhook's answer said nothing: a connection soon after it is as good.
    stage.app.connect(hook)
    assert stage.simulator.app_state == "running"


def test_a_resurrection_can_fail(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GRACE", 0.4)
    stage.post("start")
    raw = stage.app.wait_connected()
    stage.wait_booted()
    stage.app.answer = lambda hook: 500 if hook["type"] == "session_request" else 200
    begin = time.monotonic()
    raw.reset()
    wanted = [what for _, what in recorded("losses.jsonl", "glasses", 50488, 57000)]
    seen = [what for _, what in stage.wait_glasses(len(wanted), begin)]
    assert seen[: len(wanted)] == wanted
    hooks = [hook["type"] for hook in stage.app.hooks.all()][1:]
    assert hooks == ["stop_request", "session_request", "session_request"]
    assert stage.simulator.app_state == "failed"
    assert "500" in str(stage.simulator.app_detail)
