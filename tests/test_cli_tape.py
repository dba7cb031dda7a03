"""``mentra-sync run --record`` and ``--replay``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from trial import ROOT, Page, Program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")

EXAMPLE = ROOT / "examples" / "03_buttons.py"


def run(folder: Path, *arguments: str) -> Program:
    return Program(["-m", "mentra_sync", "run", str(EXAMPLE), *arguments], folder)


def record(folder: Path) -> Path:
    with run(folder, "--record", "session.jsonl") as program:
        with Page(program.address()) as page:
            page.see("Press the button.")
            page.press()
            page.see("Presses: 1.")
            page.touch("double_tap")
            page.see("Back to zero.")
        assert program.press_ctrl_c() == 0
        assert "Recorded in session.jsonl" in program.output
    return folder / "session.jsonl"


def test_a_session_is_recorded_and_done_again(tmp_path: Path):
    path = record(tmp_path)
    assert [part.rpartition('"')[0] for part in path.read_text().split('"you": "')[1:]]
    with run(tmp_path, "--replay", path.name, "--record", "again.jsonl") as program:
        assert program.end() == 0
        assert "the app did the same" in program.output

    def without_times(file: Path) -> list[str]:
        return [line.partition(", ")[2] for line in file.read_text().splitlines()]

    assert without_times(tmp_path / "again.jsonl") == without_times(path)
    path.write_text(path.read_text().replace("Presses: 1.", "One press."))
    with run(tmp_path, "--replay", path.name) as program:
        assert program.end() == 1
        assert "the app shows 'One press. The last one was short.'; now it shows 'Presses: 1." in (
            program.output
        )


def test_nothing_is_lost_when_the_program_is_killed(tmp_path: Path):
    with run(tmp_path, "--record", "session.jsonl") as program, Page(program.address()) as page:
        page.see("Press the button.")
        page.press()
        page.see("Presses: 1.")
    # Leaving the block has killed it.
    lines = (tmp_path / "session.jsonl").read_text().splitlines()
    assert "Presses: 1." in lines[-1] and '"press"' in lines[-2]


def test_ctrl_c_ends_a_replay(tmp_path: Path):
    path = record(tmp_path)
    with path.open("a") as file:
        file.write('{"at": 9000, "you": "press"}\n')
    with run(tmp_path, "--replay", path.name) as program:
        with Page(program.address()) as page:
            page.see("Back to zero.")
        assert program.press_ctrl_c() == 1
        assert "Traceback" not in program.errors and "Replayed" not in program.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--record", "there.txt"], "there.txt is there already"),
        (["--record", "no/where.txt"], "there is no folder no"),
        (["--record", "x" * 300], "xx cannot be written: "),
        (["--replay", "nowhere"], "nowhere cannot be read"),
        (["--replay", "there.txt"], "there.txt, line 1"),
        (["--record", "new.txt", "--reload"], "one run"),
    ],
)
def test_files_that_will_not_do(arguments: list[str], said: str, tmp_path: Path):
    (tmp_path / "there.txt").write_text("mine\n")
    with run(tmp_path, *arguments) as program:
        assert program.end() == 2
        assert said in program.errors and len(program.errors.splitlines()) == 1
    assert (tmp_path / "there.txt").read_text() == "mine\n"
    assert not (tmp_path / "new.txt").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="no folder elsewhere takes no files from root")
def test_a_folder_that_takes_no_files(tmp_path: Path):
    with run(tmp_path, "--record", "/proc/new.jsonl") as program:
        assert program.end() == 2
        assert "new.jsonl cannot be written: " in program.errors
        assert "Traceback" not in program.errors


def test_a_recording_that_this_app_cannot_replay(tmp_path: Path):
    path = tmp_path / "bad.jsonl"
    path.write_text('{"recording": 1}\n{"at": 0, "you": "fly"}\n')
    with run(tmp_path, "--replay", path.name) as program:
        assert program.end() == 1
        assert "bad.jsonl, line 2: action must be one of" in program.errors
        assert "Traceback" not in program.errors
