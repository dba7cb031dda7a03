"""A script, or a file beside it, that has the name of a module which is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = "from mentra_sync import AppServer, AppSession\nprint(AppServer)\n"


def started(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def reason(folder: Path, *command: str) -> str:
    """The last line that is shown of an error."""
    return started(folder, *command).stderr.splitlines()[-1]


PYTHONS = ["random", "queue", "logging", "json"]


def told(folder: Path, name: str) -> str:
    file = folder / f"{name}.py"
    if name in PYTHONS:
        return f'your file {file} hides Python\'s own module "{name}"; rename it'
    return f'your file {file} hides the package "{name}", which mentra_sync needs; rename it'


@pytest.mark.parametrize("name", ["random", "queue", "flask", "websocket"])
def test_a_script_that_has_the_name_of_a_module(name: str, tmp_path: Path):
    (tmp_path / f"{name}.py").write_text(APP)
    assert told(tmp_path, name) in reason(tmp_path, f"{name}.py")


@pytest.mark.parametrize("text", ["WORDS = 1\n", "import nothing_of_that_name\n"])
@pytest.mark.parametrize("name", [*PYTHONS, "flask", "websocket"])
def test_a_file_beside_it(name: str, text: str, tmp_path: Path):
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / f"{name}.py").write_text(text)
    assert told(tmp_path, name) in reason(tmp_path, "app.py")
    assert told(tmp_path, name) in reason(tmp_path, "-c", APP)


def test_a_module_that_only_simulated_glasses_need(tmp_path: Path):
    runs = 'from mentra_sync import AppServer\nAppServer("com.example.app").run()\n'
    for name in ("queue", "wave"):
        (tmp_path / f"{name}.py").write_text(runs)
        assert f'hides Python\'s own module "{name}"; rename it' in reason(tmp_path, f"{name}.py")
        (tmp_path / f"{name}.py").unlink()


def test_the_folder_of_a_package(tmp_path: Path):
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "__init__.py").touch()
    (tmp_path / "app.py").write_text(APP)
    assert 'hides Python\'s own module "queue"' in reason(tmp_path, "app.py")


def test_files_that_hide_what_nobody_asked_for_are_no_reason(tmp_path: Path):
    for name in ("test", "turtle", "app"):
        (tmp_path / f"{name}.py").write_text(APP)
        done = started(tmp_path, f"{name}.py")
        assert done.returncode == 0, done.stderr


def test_any_other_reason_is_told_as_it_is(tmp_path: Path):
    missing = "import sys; sys.modules['flask'] = None\n"
    (tmp_path / "test.py").write_text(missing + APP)
    assert "flask" in reason(tmp_path, "test.py")
    assert "hides" not in reason(tmp_path, "test.py")
    bare = "import re; del re.compile\n"
    (tmp_path / "test.py").write_text(bare + APP)
    assert "no attribute 'compile'" in reason(tmp_path, "test.py")
    assert "hides" not in reason(tmp_path, "test.py")
