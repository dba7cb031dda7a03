"""A session as a file: everything is in it, it can be done again, and differences are found."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from raw_app import RawApp

from mentra_sync import AppServer, AppSession
from mentra_sync.simulator import recording
from mentra_sync.simulator.actions import Actions
from mentra_sync.simulator.http import Simulator
from mentra_sync.simulator.inputs import Input
from mentra_sync.simulator.recording import BadRecording, Recorder, load
from mentra_sync.simulator.replay import Difference, Replay

PACKAGE = "com.example.recorded"
CONFIG = {"settings": [{"type": "text", "key": "name", "value": "nobody"}]}
PATIENCE = 10.0


@contextmanager
def simulated(main: Callable[[AppSession], object], **options: Any) -> Iterator[Simulator]:
    """A simulator whose app has not been started."""
    app = AppServer(
        PACKAGE, port=0, on_session=main, on_tool_call=lambda call: "done", display_interval_ms=0
    )
    app.simulated_config = CONFIG
    simulator = app.start_simulated(port=0, **{"realistic": False, **options})
    try:
        with simulator:
            yield simulator
    finally:
        app.stop()


def started(simulator: Simulator) -> Simulator:
    assert simulator.start_app()
    assert simulator.wait_for_streams(timeout=PATIENCE)
    return simulator


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def inputs(path: Path) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in line.items() if name != "at"}
        for line in lines(path)
        if "you" in line
    ]


def outputs(path: Path) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in line.items() if name != "at"}
        for line in lines(path)
        if "app" in line
    ]


def listens(session: AppSession) -> None:
    session.events.on_transcription(lambda data: None)


def echo(session: AppSession) -> None:
    session.layouts.show_text_wall("Hello!")

    @session.events.on_transcription
    def said(data: Any) -> None:
        if data.is_final:
            session.layouts.show_text_wall(f"You said: {data.text}")


# --- What is written -------------------------------------------------------------------------


def do_everything(simulator: Simulator) -> None:
    glasses = simulator.glasses
    glasses.say("good morning", interim=False)
    glasses.say("hallo", language="de-DE", translations={"en-US": "hello"})
    glasses.hear("good", False)
    glasses.press("main", "long")
    glasses.head("up")
    glasses.touch("double_tap")
    glasses.battery(50, True, 30)
    glasses.phone_battery(20)
    glasses.voice_activity(True)
    glasses.move_to(48.5, 2.5, 10.0)
    glasses.notify("Mail", "Lunch", "At noon?")
    glasses.dismiss()
    glasses.calendar("Lunch", "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z")
    glasses.connection("CONNECTED", wifi=True, ssid="home")
    glasses.send({"type": "photo_taken", "photoData": "x"})
    simulator.change_settings({"name": "Ada"})
    simulator.change_system_settings({"brightness": 80})
    simulator.change_dashboard("expanded")
    simulator.keep_dashboard(True)
    simulator.send_custom_message("hi", {"n": 1})
    assert simulator.call_tool("add", {"item": "eggs"}) == "done"
    simulator.deny("CAMERA")
    simulator.allow("CAMERA")
    faults = simulator.faults_of()
    faults.no_photos().stop()
    faults.drop_connection()
    simulator.glasses_of("bob@example.com").press()
    simulator.stop_app()


def test_every_input_is_written_in_words_that_do_it_again(tmp_path: Path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    with simulated(listens) as simulator, Recorder(simulator, first):
        do_everything(started(simulator))
    done = inputs(first)
    words = [line["you"] for line in done]
    assert set(words) >= {
        *("start", "stop", "hear", "say", "press", "head", "touch", "battery", "phone_battery"),
        *("voice_activity", "move_to", "notify", "dismiss", "calendar", "send", "deny", "allow"),
        *("change_settings", "change_system_settings", "change_dashboard", "keep_dashboard"),
        *("send_custom_message", "call_tool", "fault", "drop_connection"),
    }
    assert {"you": "press", "with": {"button": "main", "kind": "long"}} in done
    assert {"you": "hear", "with": {"text": "good morning", "final": True}} in done
    moved = {"latitude": 48.5, "longitude": 2.5, "accuracy": 10.0}
    assert {"you": "move_to", "with": moved} in done
    assert any(line.get("user") == "bob@example.com" for line in done)
    with simulated(listens) as simulator, Recorder(simulator, second):
        assert Replay(simulator, load(first)).run(lambda at: True) == []
    assert inputs(second) == done


def test_every_action_is_noted(tmp_path: Path):
    """What a page or a tool can do shows in a recording, but for answers and sound."""
    with simulated(listens) as simulator, Recorder(simulator, tmp_path / "all.jsonl"):
        do_everything(started(simulator))
        known = set(Actions(simulator).of(simulator.user_id))
    written = {line["you"] for line in inputs(tmp_path / "all.jsonl")}
    assert known - written == {"speech_began", "repeat_webhook", "end_session", "connection"}
    assert written <= known


def does_everything(session: AppSession) -> None:
    session.layouts.show_text_wall("One")
    session.layouts.show_double_text_wall("top", "bottom")
    session.layouts.show_dashboard_card("left", "right")
    session.layouts.show_bitmap_view(Image.new("1", (8, 8)))
    session.audio.play_tts("Two")
    session.audio.play_audio("https://example.com/three.mp3", wait=False)
    session.audio.stop_audio()
    session.led.turn_on("green", on_ms=500)
    session.dashboard.content.write("Four")
    raise ZeroDivisionError("five")


def test_every_output_is_written(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    logger = logging.getLogger("mentra_sync")
    with simulated(does_everything) as simulator, Recorder(simulator, path) as recorder:
        logger.addHandler(recorder.log_handler)
        simulator.start_app()
        until(lambda: any(line["app"] == "fails" for line in outputs(path)))
        until(lambda: any(line["app"] == "writes on the dashboard" for line in outputs(path)))
        logger.removeHandler(recorder.log_handler)
    [picture] = re.findall(r'"data": "(picture [0-9a-f]{16})"', path.read_text())
    assert {"app": "fails", "what": "ZeroDivisionError: five"} in outputs(path)
    assert simulator.app.api_key not in path.read_text()
    assert [line for line in outputs(path) if line["app"] not in ("listens", "fails")] == [
        {"app": "shows", "what": "One"},
        {
            "app": "shows",
            "what": {"layoutType": "double_text_wall", "topText": "top", "bottomText": "bottom"},
        },
        {
            "app": "shows",
            "view": "dashboard",
            "what": {"layoutType": "dashboard_card", "leftText": "left", "rightText": "right"},
        },
        {"app": "shows", "what": {"layoutType": "bitmap_view", "data": picture}},
        {"app": "speaks", "what": "Two"},
        {"app": "plays", "what": "https://example.com/three.mp3"},
        {"app": "stops playing", "what": {}},
        {
            "app": "lights",
            "what": {"action": "on", "color": "green", "ontime": 500, "offtime": 0, "count": 1},
        },
        {"app": "writes on the dashboard", "what": {"content": "Four", "modes": ["main"]}},
    ]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_app_that_runs_already_has_its_start_in_it(tmp_path: Path):
    path = tmp_path / "late.jsonl"
    with simulated(echo) as simulator:
        started(simulator)
        assert simulator.glasses.lens.wait_for("Hello!", PATIENCE)
        with Recorder(simulator, path):
            simulator.glasses.say("yes", interim=False)
            assert simulator.glasses.lens.wait_for("You said: yes", PATIENCE)
    written = [line.get("what", line.get("you")) for line in lines(path)[1:]]
    assert written[0] == "start" and written[-2:] == ["hear", "You said: yes"]
    assert {str(one) for one in written[1:-2]} == {"Hello!", "['transcription:en-US']"}


ODD = "one\u2028two\x85three\x0bfour \ud800 five\r\nsix"


def test_what_is_odd_is_written_so_that_it_can_be_read_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "odd.jsonl"
    with simulated(echo) as simulator:
        with Recorder(simulator, path):
            simulator.start_app()
            simulator.glasses.hear(ODD, final=True)
            simulator.glasses.send({"type": "large", "text": "x" * recording.MAX_LINE})
            simulator.glasses.send({"type": "no_number", "value": float("nan")})
            simulator.glasses.press()
        simulator.stop_app()
    did = [entry.event for entry in load(path).entries if isinstance(entry.event, Input)]
    assert [one.action for one in did] == ["start", "hear", "press"]
    assert did[1].arguments["text"] == ODD.replace("\ud800", "\ufffd")
    left_out = [message for message in caplog.messages if "is left out" in message]
    assert len(left_out) == 2


def test_a_type_that_is_no_text_is_no_output(running: Simulator, app: RawApp, tmp_path: Path):
    path = tmp_path / "odd.jsonl"
    with Recorder(running, path):
        for kind in ([], {}, None, 5):
            app.socket.send({"type": kind})
        app.show("Hello!")
        assert running.glasses.lens.wait_for("Hello!", PATIENCE)
    assert [line["what"] for line in outputs(path) if line["app"] != "listens"] == ["Hello!"]


def test_a_file_that_is_there_stays(tmp_path: Path):
    path = tmp_path / "mine.jsonl"
    path.write_text("mine")
    with simulated(echo) as simulator, pytest.raises(FileExistsError):
        Recorder(simulator, path)
    assert path.read_text() == "mine"


# --- Doing it again --------------------------------------------------------------------------

HEADER = '{"recording": 1, "package": "com.example.recorded", "glasses": "Simulated Glasses"}'


def written(path: Path, *rest: str) -> Path:
    path.write_text("\n".join([HEADER, *rest]) + "\n", encoding="utf-8")
    return path


TALK = (
    '{"at": 0, "you": "start"}',
    '{"at": 0.1, "app": "shows", "what": "Hello!"}',
    '{"at": 1, "you": "hear", "with": {"text": "yes", "final": true}}',
    '{"at": 1.1, "app": "shows", "what": "You said: yes"}',
)


def replay(simulator: Simulator, path: Path, patience: float | None) -> list[Difference]:
    """At once where each output is awaited; else at its times."""
    began = time.monotonic()

    def until_then(at: float) -> bool:
        if patience is None:
            time.sleep(max(0.0, began + at - time.monotonic()))
            if at:  # an app that listens later than that would miss what is done then
                simulator.wait_for_streams(bool, PATIENCE)
        return True

    return Replay(simulator, load(path)).run(until_then, patience)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit is too short for a crowded machine; none is waited out where all comes."""
    for limit in (
        "config.HOLD_AT_START",
        "simulator.replay.FIRST_STREAMS",
        "simulator.replay.GRACE",
    ):
        monkeypatch.setattr(f"mentra_sync.{limit}", PATIENCE)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("patience", [PATIENCE, None])
@pytest.mark.parametrize("already", [False, True])
def test_the_same_again(patience: float | None, already: bool, tmp_path: Path):
    path = written(tmp_path / "talk.jsonl", *TALK)
    with simulated(echo) as simulator:
        if already:
            started(simulator)
        assert replay(simulator, path, patience) == []
        assert simulator.glasses.lens.text == "You said: yes"


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("patience", [PATIENCE, None])
def test_without_a_start_the_app_is_started_all_the_same(patience: float | None, tmp_path: Path):
    path = written(tmp_path / "talk.jsonl", *TALK[1:])
    with simulated(echo) as simulator:
        assert replay(simulator, path, patience) == []


def test_the_first_difference_ends_it(tmp_path: Path):
    other = [TALK[0], TALK[1].replace("Hello!", "Hi!"), *TALK[2:]]
    with simulated(echo) as simulator:
        [found] = replay(simulator, written(tmp_path / "talk.jsonl", *other), PATIENCE)
        assert str(found) == "line 3, at 0.1 s: the app shows 'Hi!'; now it shows 'Hello!'"
        assert simulator.glasses.lens.text == "Hello!", "and nothing more was done"


@pytest.mark.usefixtures("patient")
def test_something_that_the_app_no_longer_does(tmp_path: Path):
    more = [*TALK, '{"at": 2, "app": "speaks", "what": "Bye"}']
    with simulated(echo) as simulator:
        [found] = replay(simulator, written(tmp_path / "talk.jsonl", *more), 3.0)
        assert str(found) == "line 6, at 2 s: the app speaks 'Bye'; now it did not"


def test_at_the_end_all_differences_are_told_one_for_each_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mentra_sync.simulator.replay.GRACE", 0.5)
    other = [line.replace("Hello!", "Hi!").replace("said: yes", "said: no") for line in TALK]
    more = [*other, '{"at": 2, "app": "speaks", "what": "Bye"}']
    with simulated(echo) as simulator:
        found = replay(simulator, written(tmp_path / "talk.jsonl", *more), None)
    assert [difference.entry.line for difference in found] == [3, 6]


def test_what_is_spoken_and_shown_at_once_may_come_in_any_order(tmp_path: Path):
    def both(session: AppSession) -> None:
        session.layouts.show_text_wall("Hello!")
        session.audio.play_tts("Hello!", wait=False)

    swapped = [TALK[0], '{"at": 0.05, "app": "speaks", "what": "Hello!"}', TALK[1]]
    with simulated(both) as simulator:
        assert replay(simulator, written(tmp_path / "talk.jsonl", *swapped), PATIENCE) == []


def test_it_can_be_given_up(tmp_path: Path):
    path = written(tmp_path / "talk.jsonl", *TALK)
    with simulated(echo) as simulator:
        assert Replay(simulator, load(path)).run(lambda at: at < 0.5) == []
        assert simulator.glasses.lens.wait_for("Hello!", PATIENCE)
        assert not simulator.glasses.lens.wait_for("You said", 0.1)


# --- Files that somebody else has written ----------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[" * 100_000, "line 2: nested too deeply"),
        ("5", "line 2: a message must be a JSON object"),
        ('{"at": -1, "you": "press"}', "line 2: at must be"),
        ('{"at": NaN, "you": "press"}', "line 2: NaN is not JSON"),
        ('{"at": 1e99, "you": "press"}', "line 2: at must be"),
        ('{"at": true, "you": "press"}', "line 2: at must be"),
        ('{"at": ' + "9" * 400 + ', "you": "press"}', "line 2: number too big"),
        ('{"at": ' + "9" * 5000 + ', "you": "press"}', "line 2: number too big"),
        ('{"you": "press"}', "line 2: at must be"),
        ('{"at": 5, "you": "press"}\n{"at": 4, "you": "press"}', "line 3: at must be"),
        ('{"at": 0}', 'line 2: there must be one of "you" and "app"'),
        ('{"at": 0, "you": "press", "app": "shows"}', "line 2: there must be one"),
        ('{"at": 0, "you": ["press"]}', 'line 2: "you" must be a text'),
        ('{"at": 0, "you": "press", "with": [1]}', 'line 2: "with" must be an object'),
        ('{"at": 0, "app": "shows", "view": 1}', 'line 2: "view" must be a text'),
        ('{"at": 0, "you": "press", "user": "' + "x" * 1001 + '"}', 'line 2: "user" must be'),
        ('{"at": 0, "app": "shows", "what": "' + "x" * 300_000 + '"}', "line 2: longer than"),
    ],
)
def test_lines_that_are_none(line: str, said: str, tmp_path: Path):
    path = written(tmp_path / "bad.jsonl", line)
    with pytest.raises(BadRecording) as raised:
        load(path)
    assert said in str(raised.value) and len(str(raised.value)) < 500


@pytest.mark.parametrize(
    "text", ["", "{}", "hello", '{"recording": 2}', '{"recording": 1, "package": 5}']
)
def test_files_that_are_none(text: str, tmp_path: Path):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(BadRecording, match="line 1"):
        load(path)


def test_files_that_are_no_text_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadRecording, match="UTF-8"):
        load(path)
    monkeypatch.setattr(recording, "MAX_BYTES", 1)
    with pytest.raises(BadRecording, match="larger"):
        load(path)
    crowd = [f'{{"at": 0, "you": "press", "user": "{n}@example.com"}}' for n in range(101)]
    monkeypatch.setattr(recording, "MAX_BYTES", 10**6)
    with pytest.raises(BadRecording, match="100 wearers"):
        load(written(path, *crowd))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"at": 0, "you": "fly"}', "line 3: action must be one of"),
        ('{"at": 0, "you": "press", "with": {"knob": 1}}', "line 3: press takes button, kind"),
        ('{"at": 0, "you": "battery", "with": {"level": "full"}}', "line 3: level must be"),
        ('{"at": 0, "you": "touch"}', "line 3: touch needs gesture"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_done(line: str, said: str, tmp_path: Path):
    path = written(tmp_path / "bad.jsonl", TALK[0], line)
    with simulated(echo) as simulator:
        with pytest.raises(BadRecording, match=said):
            Replay(simulator, load(path))
        assert simulator.app_state == "stopped"


def test_what_cannot_be_done_then(tmp_path: Path):
    line = '{"at": 1, "you": "battery", "with": {"level": 101}}'
    with simulated(echo) as simulator, pytest.raises(BadRecording, match="line 3: level must be"):
        replay(simulator, written(tmp_path / "bad.jsonl", TALK[0], line), None)
