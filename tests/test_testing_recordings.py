"""``glasses.record`` and ``glasses.replay``: a session as a file, in tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mentra_sync import AppSession
from mentra_sync.simulator.recording import BadRecording
from mentra_sync.testing import SimulatedGlasses


def app(session: AppSession) -> None:
    """Greets, echoes, and says goodbye after a minute."""
    talk(session, "You said: {}")


def talk(session: AppSession, answer: str) -> None:
    session.layouts.show_text_wall("Hello!")

    @session.after(60)
    def bye() -> None:
        session.audio.play_tts("Bye")

    while True:
        session.layouts.show_text_wall(answer.format(session.listen()))


def rude(session: AppSession) -> None:
    talk(session, "What?")


def late(session: AppSession) -> None:
    session.sleep(0.5)
    app(session)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A recording of a minute."""
    path = tmp_path / "session.jsonl"
    with SimulatedGlasses() as glasses:
        glasses.start(app)
        glasses.record(path)
        glasses.advance(5)
        glasses.say("yes")
        assert glasses.lens.wait_for("You said: yes")
        glasses.advance(60)
        assert glasses.spoken.wait_for("Bye")
    yield path


def test_what_was_recorded_is_done_again_without_waiting(path: Path):
    began = time.monotonic()
    with SimulatedGlasses() as glasses:
        glasses.start(app)
        glasses.replay(path)
        assert glasses.lens.text == "You said: yes"
        assert glasses.spoken == ["Bye"]
        assert glasses.time > 60
    assert time.monotonic() - began < 30


def test_an_app_that_takes_its_time_gets_it(path: Path):
    with SimulatedGlasses() as glasses:
        glasses.start(late)
        glasses.replay(path)


def test_a_difference_fails_the_test_and_is_explained(path: Path):
    with SimulatedGlasses() as glasses:
        glasses.start(rude)
        with pytest.raises(AssertionError) as raised:
            glasses.replay(path)
    said = str(raised.value)
    assert said.startswith(f"{path}, line ")
    assert "the app shows 'You said: yes'; now it shows 'What?'" in said


def test_files_that_will_not_do(path: Path, tmp_path: Path):
    with SimulatedGlasses() as glasses:
        glasses.start(app)
        with pytest.raises(FileExistsError):
            glasses.record(path)
        with pytest.raises(FileNotFoundError):
            glasses.replay(tmp_path / "nowhere.jsonl")
        path.write_text("hello")
        with pytest.raises(BadRecording, match="line 1"):
            glasses.replay(path)


def test_an_app_must_run(tmp_path: Path):
    with SimulatedGlasses() as glasses:
        with pytest.raises(RuntimeError, match=r"glasses\.start"):
            glasses.record(tmp_path / "new.jsonl")
        assert not (tmp_path / "new.jsonl").exists()
