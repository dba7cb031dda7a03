"""A script that forgets to run its app is told so, and no other program is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOLD = "This program ended without running its app. Write at its end: app.run()\n"

APP = """
import sys
from mentra_sync import AppServer, ConfigurationError

app = AppServer(port=0, host="127.0.0.1")

@app.session_handler
def main(session):
    pass

"""
STOPS = """
import threading, time

def stop_once_it_serves():
    while not app._service.running:
        time.sleep(0.01)
    app.stop()

threading.Thread(target=stop_once_it_serves, daemon=True).start()
"""
CLASS = """
from mentra_sync import AppServer

class Hello(AppServer):
    def __init__(self):
        super().__init__(port=0)

    def on_session(self, session, session_id, user_id):
        pass

if __name__ == "__main__":
    app = Hello()
"""


def errors(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return done.stderr


@pytest.mark.parametrize("program", [APP, APP + "app.run", CLASS, APP + "other = AppServer()"])
def test_a_script_that_forgets_to_run_its_app_is_told(program: str, tmp_path: Path):
    (tmp_path / "script.py").write_text(program)
    assert errors(tmp_path, "script.py") == TOLD


@pytest.mark.parametrize(
    "end",
    [
        "1 / 0",
        "raise KeyboardInterrupt",
        "app.start_simulated(app_port=0).stop(); app.stop()",
        STOPS + "app.run(True)",
        "try:\n    app.run(False)\nexcept ConfigurationError: pass",
        "app.flask.test_client().get('/health')",
        "from wsgiref.util import setup_testing_defaults as defaults\n"
        "question = {}\ndefaults(question)\nlist(app(question, lambda *_: None))",
    ],
)
def test_one_that_ends_otherwise_is_not(end: str, tmp_path: Path):
    (tmp_path / "script.py").write_text(APP + end)
    assert TOLD not in errors(tmp_path, "script.py")


def test_one_that_was_asked_for_something_else_is_not(tmp_path: Path):
    (tmp_path / "script.py").write_text(
        APP + "import argparse; argparse.ArgumentParser().parse_args()"
    )
    assert errors(tmp_path, "script.py", "--help") == ""


def test_one_without_a_handler_is_not(tmp_path: Path):
    (tmp_path / "script.py").write_text(APP.replace("@app.session_handler", ""))
    assert errors(tmp_path, "script.py") == ""


def test_other_programs_that_load_it_are_not(tmp_path: Path):
    (tmp_path / "script.py").write_text(APP)
    (tmp_path / "loads.py").write_text("import script")
    assert errors(tmp_path, "loads.py") == ""
    assert errors(tmp_path, "-c", "import script") == ""
    assert errors(tmp_path, "-c", "import runpy; runpy.run_path('script.py', {}, '__main__')") == ""
    assert TOLD not in errors(tmp_path, "-i", "script.py")
    plugin = ("-p", "no:cacheprovider", "-p", "mentra_sync.testing.plugin")
    assert TOLD not in errors(tmp_path, "-m", "pytest", *plugin, "script.py")
    (tmp_path / "stops.py").write_text(APP + STOPS)
    assert TOLD not in errors(tmp_path, "-m", "mentra_sync", "run", "--no-browser", "stops.py")
