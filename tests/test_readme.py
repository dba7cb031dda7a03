"""The README keeps its word: its programs run, its commands are those of the gate, it is whole."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import docutils.core
import docutils.nodes
import pytest
from trial import ROOT, Page, Program

README = (ROOT / "README.rst").read_text(encoding="utf-8")
EXAMPLES = ROOT / "examples"
MAX_PICTURE_BYTES = 120_000
PLUGIN = "mentra_sync.testing.plugin"


def _parsed() -> tuple[docutils.nodes.document, str]:
    """The README as docutils sees it, and what it has to say about it."""
    complaints = io.StringIO()
    settings = {"warning_stream": complaints, "report_level": 1, "file_insertion_enabled": False}
    document = docutils.core.publish_doctree(
        README, source_path=str(ROOT / "README.rst"), settings_overrides=settings
    )
    return document, complaints.getvalue()


DOCUMENT, COMPLAINTS = _parsed()
BLOCKS = list(DOCUMENT.findall(docutils.nodes.literal_block))
PYTHON = [block.astext() for block in BLOCKS if "python" in block["classes"]]
PROGRAMS = [source for source in PYTHON if "def test_" not in source]
TESTS = [source for source in PYTHON if source not in PROGRAMS]
COMMANDS = [
    line
    for block in BLOCKS
    if "python" not in block["classes"]
    for line in block.astext().splitlines()
    if "&&" in line
]


def test_is_valid_and_turns_into_a_page():
    assert COMPLAINTS == ""
    html = docutils.core.publish_string(README, writer="html5").decode()
    assert 'class="system-message' not in html
    assert html.count("<h2") >= 6


def test_lines_fit_in_a_terminal():
    assert [line for line in README.splitlines() if len(line) > 100] == []


def test_picture_is_there_and_small():
    pictures = [node["uri"] for node in DOCUMENT.findall(docutils.nodes.image)]
    assert len(pictures) == 1
    picture = ROOT / pictures[0]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < MAX_PICTURE_BYTES


# --- Commands --------------------------------------------------------------------------------


def test_two_commands_set_everything_up():
    run, test = (line for line in COMMANDS if line.startswith("python3 "))
    assert run.endswith(".venv/bin/pip install -e . && .venv/bin/python examples/01_hello.py")
    assert test.endswith('.venv/bin/pip install -e ".[test]" && .venv/bin/pytest -n auto')


def test_windows_has_the_same_commands():
    plain = [line for line in COMMANDS if line.startswith("python3 ")]
    windows = [line for line in COMMANDS if line.startswith("py ")]
    translated = [
        line.replace("\\", "/").replace("Scripts", "bin").replace("py -m", "python3 -m", 1)
        for line in windows
    ]
    assert translated == plain


def test_gate_takes_the_test_command_from_here():
    """The gate looks it up with this pattern, and must find exactly one line."""
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    [pattern] = re.findall(r"grep -E '([^']+)' README\.rst", gate)
    found = [line.strip() for line in README.splitlines() if re.search(pattern, line)]
    assert found == [COMMANDS[1]]


def test_files_that_are_named_exist():
    named = {node.astext() for node in DOCUMENT.findall(docutils.nodes.literal)}
    paths = [name for name in named if re.fullmatch(r"\.?\w+(/\w+)*(/|/\w+\.\w+)|LICENSE", name)]
    assert len(paths) >= 9
    assert [name for name in paths if not (ROOT / name).exists()] == []


# --- Programs --------------------------------------------------------------------------------


def test_first_program_is_the_first_example():
    example = (EXAMPLES / "01_hello.py").read_text(encoding="utf-8")
    assert example.partition('"""\n\n')[2].strip() == PROGRAMS[0].strip()


def _greets(page: Page) -> None:
    page.see("Hello! Say something.")
    page.hear("Hello! Say something.")
    page.say("good morning")
    page.see("You said: good morning")


def _tells_the_time(page: Page) -> None:
    time = re.compile(r"\d\d:\d\d:\d\d")
    page.see(time)
    page.press()
    page.hear(re.compile(r"It is \d\d:\d\d\."))
    page.see(time)


WHAT_THEY_DO = [_greets, _greets, _tells_the_time]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")
@pytest.mark.parametrize("number", range(len(WHAT_THEY_DO)))
def test_program_runs_on_simulated_glasses(number: int, tmp_path: Path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAMS[number], encoding="utf-8")
    with Program(script, tmp_path) as program:
        with Page(program.address()) as page:
            page.restart()
            WHAT_THEY_DO[number](page)
        assert program.press_ctrl_c() == 0
        assert "Traceback" not in program.errors
        assert "ERROR" not in program.errors


def test_every_program_is_tried():
    assert len(WHAT_THEY_DO) == len(PROGRAMS)


def _run_tests(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests of the first program, which is changed as the README says."""
    app = PROGRAMS[0].replace("\napp.run()", '\nif __name__ == "__main__":\n    app.run()')
    (folder / "hello.py").write_text(app, encoding="utf-8")
    (folder / "test_hello.py").write_text(tests, encoding="utf-8")
    installed = any(one.value == PLUGIN for one in entry_points(group="pytest11"))
    arguments = ["-p", "no:cacheprovider", *([] if installed else ["-p", PLUGIN])]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_its_tests_pass(tmp_path: Path):
    [tests] = TESTS
    done = _run_tests(tmp_path, tests)
    assert done.returncode == 0, done.stdout
    assert f"{tests.count('def test_')} passed" in done.stdout


def test_a_failing_one_tells_what_is_printed_here(tmp_path: Path):
    wrong = 'wait_for("You said: good evening")'
    tests = TESTS[0].replace('wait_for("You said: good morning")', wrong)
    [printed] = [block.astext() for block in BLOCKS if "- Simulated glasses -" in block.astext()]
    told = re.sub(r"\d\.\d\d", "0.00", _run_tests(tmp_path, tests).stdout).splitlines()
    for line in re.sub(r"\d\.\d\d", "0.00", printed).splitlines():
        assert any(one.startswith(line.removesuffix("...")) for one in told), line


def test_other_names_of_the_api_are_real():
    """What the list of features names is there."""
    from mentra_sync import AppServer
    from mentra_sync.session import AppSession
    from mentra_sync.testing import SimulatedGlasses

    source = (ROOT / "mentra_sync" / "session.py").read_text(encoding="utf-8")
    for name in re.findall(r"``session\.(?!py\b)(\w+)``", README):
        assert hasattr(AppSession, name) or f"self.{name} = " in source, name
    for name in re.findall(r"``(?:assert )?glasses\.(\w+)", README):
        assert hasattr(SimulatedGlasses, name), name
    for name in re.findall(r"``app\.(\w+)", README):
        assert hasattr(AppServer("com.example.app"), name), name
