"""``mentra-sync new``: what it makes works, and nothing is overwritten."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from trial import ROOT, Page, Program

from mentra_sync.commands.new import FILES, new, package_name


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_makes_a_folder_and_says_what_to_type_next(
    here: Path, capsys: pytest.CaptureFixture[str]
):
    assert new("hello") == 0
    assert {path.name for path in (here / "hello").iterdir()} == set(FILES)
    said = capsys.readouterr().out
    assert "    cd hello\n" in said and " run app.py --reload\n" in said
    assert ".env" in (here / "hello" / ".gitignore").read_text().split()
    for file in (here / "hello").iterdir():
        assert "${" not in file.read_text(encoding="utf-8"), file


@pytest.fixture
def path(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    folder = here / "on the path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str) -> str:
    file = folder / (f"{name}.exe" if sys.platform == "win32" else name)
    file.touch(mode=0o755)
    return str(file)


def test_the_command_is_named_where_the_terminal_finds_it(
    here: Path, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "executable", program(path, "python"))
    monkeypatch.setattr(sys, "argv", [program(path, "mentra-sync")])
    assert new("hello") == 0
    assert "    mentra-sync run app.py --reload\n" in capsys.readouterr().out
    readme = (here / "hello" / "README.md").read_text(encoding="utf-8")
    assert "    mentra-sync doctor\n" in readme and "    python app.py\n" in readme


@pytest.mark.parametrize("others", [False, True])
def test_where_it_is_not_found_python_is_named_by_its_path(
    others: bool,
    here: Path,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    if others:  # of another installation
        program(path, "python")
        program(path, "mentra-sync")
    monkeypatch.setattr(sys, "argv", [str(here / "not on it" / "mentra-sync")])
    assert new("hello") == 0
    assert f"    {sys.executable} -m mentra_sync run app.py --reload\n" in capsys.readouterr().out
    readme = (here / "hello" / "README.md").read_text(encoding="utf-8")
    assert f"    {sys.executable} -m mentra_sync doctor\n" in readme
    assert f"    {sys.executable} -m pytest\n" in readme


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")
def test_the_app_says_hello_and_echoes(here: Path):
    new("My-App")
    with Program(["-m", "mentra_sync", "run", "app.py"], here / "My-App") as program:
        with Page(program.address()) as page:
            page.restart()
            page.see("Hello! Say something.")
            page.say("good morning")
            page.see("You said: good morning")
            assert page.state["packageName"] == "com.example.my_app"
        assert program.press_ctrl_c() == 0
        assert "WARNING" not in program.errors and "Traceback" not in program.errors


def test_its_test_passes_and_can_fail(here: Path):
    new("hello")
    installed = any(
        one.value == "mentra_sync.testing.plugin" for one in entry_points(group="pytest11")
    )
    plugin = [] if installed else ["-p", "mentra_sync.testing.plugin"]
    options = [*plugin, "-p", "no:cacheprovider", "-W", "error"]
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=here / "hello", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    app = here / "hello" / "app.py"
    app.write_text(app.read_text().replace("You said", "You sang"))
    done = subprocess.run(command, cwd=here / "hello", capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "You sang: good morning" in done.stdout, done.stdout


def test_its_code_is_as_tidy_as_ours(here: Path):
    new("hello")
    rules = ["--no-cache", "--config", str(ROOT / ".ruff.toml")]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *rules, "hello"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_overwritten(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "hello").mkdir()
    (here / "file").write_text("mine")
    for name in ("hello", "file"):
        assert new(name) == 2
        assert f"{name} is there already" in capsys.readouterr().err
    assert list((here / "hello").iterdir()) == []
    assert (here / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("my app", '"my-app"'),
        ("../hello", '"hello"'),
        ("/tmp/hello", '"tmp-hello"'),
        ("2fast", '"fast"'),
        ("-x", '"x"'),
        (".hidden", '"hidden"'),
        ("grüße", '"gr-e"'),
        ("", ""),
        ("...", ""),
        ("CON", "Windows"),
        ("lpt1", "Windows"),
        ("x" * 51, "50 characters"),
        ("hello\n", '"hello"'),
        ("mentra_sync", '"my-mentra-sync"'),
        ("Random", '"my-random"'),
    ],
)
def test_names_that_are_none(
    name: str, suggested: str, here: Path, capsys: pytest.CaptureFixture[str]
):
    assert new(name) == 2
    assert suggested in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_package_names():
    assert package_name("Hello") == "com.example.hello"
    assert package_name("My-first_App2") == "com.example.my_first_app2"
