"""``mentra-sync run``: a script as Python would run it, on simulated glasses."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from networks import free_port
from trial import Page, Program, get

from mentra_sync import running
from mentra_sync.cli import GLASSES
from mentra_sync.simulator.http import MODELS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")

APP = """
import sys
from mentra_sync import AppServer
import words

app = AppServer(port=0)

@app.session_handler
def main(session):
    given = f"{sys.argv[1:]}\\n{app.package_name}"
    session.layouts.show_text_wall(f"{words.HELLO} {__name__}\\n{given}")

@app.stop_handler
def ended(session_id, user_id, reason):
    print("ended:", reason)
"""
RUNS = "\napp.run()\nprint('after run')\n"

CLASS = """
from mentra_sync import AppServer

class Base(AppServer):
    def on_session(self, session, session_id, user_id):
        session.layouts.show_text_wall(self.words)

class Hello(Base):
    words = "Hello from a class"
"""


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def run(folder: Path, *arguments: str, **variables: str) -> Program:
    return Program(["-m", "mentra_sync", "run", *arguments], folder, **variables)


def done(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        input="typed",
        timeout=60,
    )


# --- What the script meets -------------------------------------------------------------------


def test_the_script_finds_what_python_would_give_it(tmp_path: Path):
    folder = tmp_path / "in here"
    folder.mkdir()
    write(folder, "words.py", "HELLO = 'Hello'\n")
    script = write(folder, "My App.py", APP + RUNS)
    with run(tmp_path, str(script.relative_to(tmp_path)), "--", "--port", "x") as program:
        with Page(program.address()) as page:
            page.see("Hello __main__ ['--port', 'x'] com.example.myapp")
        assert program.press_ctrl_c() == 0
        assert "ended: server_stopped" in program.output and "after run" in program.output
        assert "Traceback" not in program.errors


WHERE_AM_I = """
import sys, words
def f(x: words.HELLO): pass
print(__name__, __file__, sys.argv, sys.path[0], sys.modules[__name__].f is f, __doc__)
print(f.__annotations__, sorted(set(globals()) - {"__cached__", "__annotations__"}))
print(sys.stdin.read())
sys.exit(5)
"""


@pytest.mark.parametrize("name", ["app.py", "in here/app.py"])
def test_the_script_cannot_tell_the_difference(name: str, tmp_path: Path):
    (tmp_path / "in here").mkdir()
    script = write(tmp_path, name, WHERE_AM_I)
    write(script.parent, "words.py", "HELLO = str\n")
    plain = done(tmp_path, name, "--port", "x", "")
    assert plain.returncode == 5, plain.stderr
    ended = done(tmp_path, "-m", "mentra_sync", "run", name, "--", "--port", "x", "")
    assert (ended.returncode, ended.stdout) == (5, plain.stdout), ended.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (APP, "Hello __main__"),
        (APP.replace("app = ", "application = app = "), "Hello __main__"),
        (CLASS, "Hello from a class"),
        (CLASS + "\nflask_app = Hello('com.example.wsgi', port=0).flask\n", "Hello from a class"),
        ("if 1:\n from hidden import *\n", "Hello from a class"),
    ],
    ids=["never run", "two names", "a class", "only its Flask app", "imported"],
)
def test_an_app_that_the_script_does_not_run(text: str, shown: str, tmp_path: Path):
    write(tmp_path, "words.py", "HELLO = 'Hello'\n")
    write(tmp_path, "hidden.py", CLASS + "\nother = Hello(port=0)\n")
    write(tmp_path, "main.py", text)
    with run(tmp_path, ".") as program:
        with Page(program.address()) as page:
            page.see(shown)
        assert program.press_ctrl_c() == 0
        assert "Traceback" not in program.errors


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("print('no app')", r"app\.py has no app.*app\.run\(\)"),
        (CLASS + "\nclass Other(AppServer): pass\n", r"\(Hello, Other\).*Hello\(\)\.run\(\)"),
        (CLASS + "\none = Hello('a.b')\ntwo = Hello('a.c')\n", r"\(one, two\).*one\.run\(\)"),
    ],
)
def test_no_app_or_several(text: str, said: str, tmp_path: Path):
    write(tmp_path, "app.py", text)
    ended = done(tmp_path, "-m", "mentra_sync", "run", "app.py")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert re.search(said, ended.stderr, re.DOTALL), ended.stderr


def test_it_simulates_whatever_keys_there_are(tmp_path: Path):
    text = CLASS + "\nHello('com.example.real', port=0).run(simulator=False)\n"
    write(tmp_path, "app.py", text)
    with run(tmp_path, "app.py", MENTRAOS_API_KEY="the-Secret-Key") as program:
        with Page(program.address()) as page:
            page.see("Hello from a class")
        assert program.press_ctrl_c() == 0
        assert "the-Secret-Key" not in program.output + program.errors


# --- Options ---------------------------------------------------------------------------------


def test_port_and_glasses(tmp_path: Path):
    write(tmp_path, "app.py", CLASS)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        busy = done(tmp_path, "-m", "mentra_sync", "run", "app.py", "--port", str(port))
        assert busy.returncode == 1
        assert f"mentra-sync run app.py --port {port + 1}" in busy.stderr
    with run(tmp_path, "app.py", "--port", str(port), "--glasses", "z100") as program:
        assert program.address() == f"http://127.0.0.1:{port}/"
        assert "app.py runs on simulated glasses (Vuzix Z100)" in program.output
        assert json.loads(get(f"{program.address()}api/sim/state"))["model"] == "Vuzix Z100"
        assert program.press_ctrl_c() == 0


def test_the_glasses_are_those_that_can_be_simulated():
    assert set(GLASSES) == set(MODELS)


@pytest.mark.parametrize(("options", "opened"), [([], True), (["--no-browser"], False)])
def test_the_browser(options: list[str], opened: bool, tmp_path: Path):
    write(tmp_path, "app.py", CLASS)
    browser = write(tmp_path, "browser", f'#!/bin/sh\necho "$1" > "{tmp_path}/opened"\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    screen = {"DISPLAY": ":99", "BROWSER": f"{browser} %s"}
    with run(tmp_path, "app.py", *options, **screen) as program:
        with Page(program.address()) as page:
            page.see("Hello from a class")  # the app starts when the browser has been opened
        assert program.press_ctrl_c() == 0
        assert (tmp_path / "opened").exists() is opened
        if opened:
            assert (tmp_path / "opened").read_text().strip() in program.output


# --- What goes wrong -------------------------------------------------------------------------

BROKEN = {
    "an error": "def f():\n    return 1 / 0\n\nf()\n",
    "in a module": "import broken\n",
    "a cause": "try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('x') from e\n",
    "syntax": "x = (\n",
    "syntax in a module": "import unfinished\n",
    "indentation": "if 1:\nx = 2\n",
    "exit": "import sys\nsys.exit(3)\n",
    "exit with words": "raise SystemExit('enough')\n",
    "no utf-8": "# coding: latin-1\nprint(ascii('\xfc'))\nraise KeyError('\xfc')\n",
    "wrong arguments": "from mentra_sync import AppServer\nAppServer('a.b').tool(5)\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_errors_look_as_if_python_had_run_it(name: str, tmp_path: Path):
    write(tmp_path, "broken.py", "raise OSError('broken')\n")
    write(tmp_path, "unfinished.py", "def f(:\n")
    encoding = "latin-1" if name == "no utf-8" else "utf-8"
    script = tmp_path / "app.py"
    script.write_bytes(BROKEN[name].encode(encoding))
    wanted = done(tmp_path, str(script))
    assert wanted.returncode
    ended = done(tmp_path, "-m", "mentra_sync", "run", "app.py")
    assert (ended.returncode, ended.stdout) == (wanted.returncode, wanted.stdout)
    assert ended.stderr == wanted.stderr


def test_an_error_of_configuration_shows_no_frames_of_the_package(tmp_path: Path):
    write(tmp_path, "app.py", "from mentra_sync import AppServer\n\nAppServer('a.b', port=-1)\n")
    ended = done(tmp_path, "-m", "mentra_sync", "run", "app.py")
    assert ended.returncode == 1
    assert ended.stderr.count('  File "') == 1 and 'app.py", line 3' in ended.stderr
    assert "port must be a whole number" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("helo.py", "Did you mean hello.py?"),
        ("Hello", None),
        ("apps/hullo.py", "Did you mean apps/hello.py?"),
        ("nowhere/app.py", "there is no folder nowhere"),
        ("apps", "Did you mean apps/hello.py?"),
        ("empty", "mentra_sync new hello"),
    ],
)
def test_a_file_that_is_not_there(name: str, said: str | None, tmp_path: Path):
    (tmp_path / "apps").mkdir()
    (tmp_path / "empty").mkdir()
    write(tmp_path, "hello.py", "print('hello')\nraise SystemExit(7)\n")
    write(tmp_path, "apps/hello.py", "")
    ended = done(tmp_path, "-m", "mentra_sync", "run", name if said else "hello")
    if said is None:  # ".py" may be left out
        assert (ended.returncode, ended.stdout) == (7, "hello\n")
    else:
        assert ended.returncode == 2
        assert said in ended.stderr and len(ended.stderr.splitlines()) == 1


def test_ctrl_c_before_there_is_an_app(tmp_path: Path):
    # Short sleeps: a signal right before a sleep begins is heard when that is over, not before.
    wait = "import time\nprint('waiting', flush=True)\nwhile True:\n    time.sleep(0.01)\n"
    write(tmp_path, "app.py", wait)
    with run(tmp_path, "app.py") as program:
        program.wait_for("waiting")
        assert program.press_ctrl_c() == 130
        assert program.errors == ""


# --- The command line itself -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 0, "examples:"),
        (["--help"], 0, "mentra-sync run app.py --reload"),
        (["--version"], 0, "mentra-sync "),
        (["run", "--help"], 0, "always\nsimulated"),
        (["doctr"], 2, 'did you mean "doctor"?'),
        (["fly"], 2, "there are: run, new, doctor"),
        (["app.py"], 2, "run app.py"),
        (["run"], 2, "script"),
        (["run", "app.py", "--port", "70000"], 2, "'70000'"),
        (["run", "app.py", "--glasses", "g2"], 2, "'g2'"),
        (["--fly"], 2, "--fly"),
    ],
)
def test_what_it_says(arguments: list[str], code: int, said: str, tmp_path: Path):
    ended = done(tmp_path, "-m", "mentra_sync", *arguments)
    assert ended.returncode == code
    assert said in (ended.stderr if code else ended.stdout)
    assert (ended.stdout if code else ended.stderr) == ""


def test_options_that_were_not_given_change_nothing():
    assert running.Options().for_simulator() == {}
    wanted: dict[str, Any] = running.Options(page_port=0, glasses="g1").for_simulator()
    assert wanted == {"port": 0, "port_may_move": False, "glasses": "g1"}
    assert running.Options(quirks=True).for_simulator() == {"quirks": True}


def test_the_environment_is_left_alone(tmp_path: Path):
    write(tmp_path, "app.py", "import os\nprint(sorted(os.environ))\nraise SystemExit(1)\n")
    plain = done(tmp_path, "app.py")
    assert done(tmp_path, "-m", "mentra_sync", "run", "app.py").stdout == plain.stdout
    assert os.environ.keys() <= set(eval(plain.stdout)) | {"PYTEST_CURRENT_TEST"}
