"""``mentra-sync run --reload``: a save starts the app anew on the same page; nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from networks import free_port
from trial import PATIENCE, Page, Program

from mentra_sync import config
from mentra_sync.commands.reload import wait_for_change
from mentra_sync.commands.watch import Watch, stamps

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")

APP = """
import os
from mentra_sync import AppServer
import words

print("process", os.getpid(), flush=True)
app = AppServer("com.example.reloaded", port=0)

@app.session_handler
def main(session):
    session.layouts.show_text_wall(f"{words.HELLO} 1")

@app.stop_handler
def ended(session_id, user_id, reason):
    print("ended:", reason, flush=True)

app.run()
"""


class App:
    """A script with a module in another folder, run with --reload."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "app"
        self.elsewhere = folder / "elsewhere"
        for made in (self.folder, self.elsewhere):
            made.mkdir()
        self.script = self.folder / "app.py"
        self.script.write_text(APP)
        self.words = self.elsewhere / "words.py"
        self.words.write_text("HELLO = 'Version'\n")

    def run(self, *options: str, **variables: str) -> Program:
        paths = [os.environ.get("PYTHONPATH", ""), str(self.elsewhere)]
        return Program(
            ["-m", "mentra_sync", "run", "app.py", "--reload", *options],
            self.folder,
            PYTHONPATH=os.pathsep.join(path for path in paths if path),
            **variables,
        )

    def edit(self, old: str, new: str, file: Path | None = None) -> None:
        file = file or self.script
        file.write_text(file.read_text().replace(old, new))


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def processes(program: Program, times: int = 1) -> list[int]:
    """The processes in which the script has run so far."""
    return [int(number) for number in program.wait_for(r"process (\d+)\n", times)]


def is_gone(process: int) -> bool:
    """Whether a process has ended; one that nobody has waited for has, too."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{process}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_save_starts_it_anew_on_the_same_page(app: App, tmp_path: Path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> "{tmp_path}/opened"\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    with app.run(DISPLAY=":99", BROWSER=f"{browser} %s") as program:
        address = program.address()
        with Page(address) as page:
            page.see("Version 1")
        app.edit("} 1", "} 2")
        addresses = program.wait_for(r"http://127\.0\.0\.1:\d+/", 2)
        assert addresses == [address, address]
        with Page(address) as page:
            page.see("Version 2")
        app.edit("Version", "Edition", app.words)
        program.wait_for(r"words\.py saved")
        program.wait_for(r"http://127\.0\.0\.1:\d+/", 3)
        with Page(address) as page:
            page.see("Edition 2")
        assert program.press_ctrl_c() == 0
        assert program.output.count("ended: server_stopped") == 3
        assert "Traceback" not in program.errors
        assert (tmp_path / "opened").read_text().split() == [address], "opened once"
        assert all(is_gone(process) for process in processes(program, 3))


def test_the_app_waits_for_a_page_that_will_be_back(app: App):
    """So that its first words are heard there; one that does not come is waited for only once."""
    app.edit("import words", "import words, time; began = time.monotonic()")
    with app.run() as program:
        with Page(program.address()) as page:
            page.see("Version 1")
            app.edit("} 1", "} 2 after {time.monotonic() - began > 1}")
            program.wait_for(r"http://127\.0\.0\.1:\d+/", 2)
        time.sleep(1.1)  # it would have started by now
        with Page(program.address()) as page:
            page.see("Version 2 after True")
        assert program.press_ctrl_c() == 0


def test_a_broken_script_waits_for_the_next_save(app: App):
    app.edit("import words", "import words (")
    with app.run() as program:
        program.wait_for("The app has ended with exit code 1")
        assert "SyntaxError" in program.errors and "mentra_sync" not in program.errors
        app.edit("import words (", "import words")
        with Page(program.address()) as page:
            page.see("Version 1")
        app.edit("HELLO", "HELLO +", app.words)
        program.wait_for("The app has ended with exit code 1", 2)
        app.edit("HELLO +", "HELLO", app.words)
        program.wait_for(r"http://127\.0\.0\.1:\d+/", 2)
        with Page(program.address()) as page:
            page.see("Version 1")
        assert program.press_ctrl_c() == 0


def test_ctrl_c_while_nothing_runs(app: App):
    app.script.write_text("import os\nprint('process', os.getpid())\n1 / 0\n")
    with app.run() as program:
        program.wait_for("The app has ended")
        assert program.press_ctrl_c() == 0


@pytest.mark.parametrize("both", [False, True], ids=["this process", "as a terminal does"])
def test_ctrl_c_leaves_no_process(both: bool, app: App):
    with app.run() as program:
        [process] = processes(program)
        with Page(program.address()) as page:
            page.see("Version 1")
        if both:
            os.kill(process, signal.SIGINT)
        assert program.press_ctrl_c() == 0
        assert is_gone(process)
        assert program.output.count("ended: server_stopped") == 1
        assert "Traceback" not in program.errors


NO_APP_YET = """
import os, time
print("process", os.getpid(), flush=True)
while True:
    time.sleep(0.01)
"""


@pytest.mark.parametrize("text", [APP, NO_APP_YET], ids=["an app", "no app yet"])
def test_the_app_does_not_outlive_its_parent(text: str, app: App, wait_until: Callable[..., None]):
    app.script.write_text(text)
    with app.run() as program:
        [process] = processes(program)
        if text is APP:
            with Page(program.address()) as page:
                page.see("Version 1")
    # Leaving the block has killed the parent.
    wait_until(lambda: is_gone(process))


def test_the_page_stays_where_it_was_when_its_usual_port_is_free_again(app: App):
    with contextlib.ExitStack() as usual:
        with contextlib.suppress(OSError):  # somebody has it already, which will do
            place = ("127.0.0.1", config.SIMULATOR_PORT)
            usual.enter_context(socket.create_server(place))
        with app.run() as program:
            address = program.address()
            usual.close()
            app.edit("} 1", "} 2")
            assert program.wait_for(r"http://127\.0\.0\.1:\d+/", 2) == [address, address]
            assert program.press_ctrl_c() == 0


def test_who_knocks_while_nothing_runs_is_let_in_later(app: App):
    """The port is never anybody else's, and a page that is loaded meanwhile loads in the end."""
    with app.run() as program, contextlib.ExitStack() as knocking:
        address = program.address()
        place = ("127.0.0.1", urlsplit(address).port)
        app.edit("import words", "import words (")
        program.wait_for("The app has ended with exit code 1")
        with pytest.raises(OSError, match="in use"):
            socket.create_server(place)
        visitor = knocking.enter_context(socket.create_connection(place, timeout=PATIENCE))
        visitor.sendall(b"GET / HTTP/1.0\r\nHost: %s:%d\r\n\r\n" % (b"127.0.0.1", place[1]))
        app.edit("import words (", "import words")
        assert visitor.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert program.press_ctrl_c() == 0


def test_what_the_script_starts_does_not_hold_the_port(app: App):
    quiet = "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL"
    sleeper = f"subprocess.Popen(['sleep', '60'], {quiet}, close_fds=False)"
    app.edit("import words", f"import words, subprocess; print('sleeper', {sleeper}.pid)")
    port = free_port()
    with app.run("--port", str(port)) as program:
        assert program.address().endswith(f":{port}/")
        [number] = program.wait_for(r"sleeper (\d+)\n")
        try:
            assert program.press_ctrl_c() == 0
            socket.create_server(("127.0.0.1", port)).close()
        finally:
            os.kill(int(number), signal.SIGKILL)


def test_a_port_that_is_taken(app: App):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = ["-m", "mentra_sync", "run", "app.py", "--reload", "--port", str(port)]
        with Program(command, app.folder) as program:
            assert program.end() == 2
            assert program.output == ""
            assert program.errors.startswith(f"mentra-sync: port {port} is in use")


def test_arguments_and_options_are_kept(app: App):
    app.edit("import os", "import os, sys; print('given', sys.argv[1:], sys.flags.dev_mode)")
    arguments = ["-X", "dev", "-m", "mentra_sync", "run", "app.py", "--reload", "--glasses", "g1"]
    with Program([*arguments, "--", "--reload"], app.folder, PYTHONPATH=path_of(app)) as program:
        program.address()
        app.edit("} 1", "} 2")
        program.wait_for(r"\(Even Realities G1\)", 2)
        assert program.wait_for(r"given (.*)") == ["['--reload'] True"] * 2
        assert program.press_ctrl_c() == 0


def path_of(app: App) -> str:
    return os.pathsep.join([os.environ.get("PYTHONPATH", ""), str(app.elsewhere)])


# --- What is watched -------------------------------------------------------------------------


def test_what_counts_as_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "app.py"
    script.write_text("1")
    (tmp_path / "templates").mkdir()
    outside = tmp_path.parent / f"{tmp_path.name}.py"
    watch = Watch(script)
    assert watch.changed() == []
    for name in (".env", "other.py", "templates/page.html", "templates/part.jinja2", "app.py"):
        (tmp_path / name).write_text("new")
        assert watch.changed() == [tmp_path / name]
        assert watch.changed() == []
    (tmp_path / "other.py").unlink()
    assert watch.changed() == [tmp_path / "other.py"]
    outside.write_text("1")
    assert watch.changed() == []
    watch.add({str(outside): stamps([outside])[outside]})
    assert watch.changed() == []
    outside.write_text("12")
    assert watch.changed() == [outside]
    outside.unlink()


def test_a_save_right_after_a_file_was_read(tmp_path: Path):
    script, outside = tmp_path / "app" / "app.py", tmp_path / "words.py"
    script.parent.mkdir()
    for file in (script, outside):
        file.write_text("1")
    watch = Watch(script)
    as_read = {str(outside): list(stamps([outside])[outside])}
    outside.write_text("12")
    watch.add(as_read)
    assert watch.changed() == [outside]
    watch.add(as_read)
    assert watch.changed() == []


class Editor:
    """Stands for the wait: while it lasts, an editor writes on."""

    def __init__(self, file: Path, texts: list[str]) -> None:
        self.file = file
        self.texts = texts

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float) -> bool:
        if self.texts:
            self.file.write_text(self.texts.pop(0))
        return False


def test_a_file_that_is_still_being_written_is_waited_for(tmp_path: Path):
    """Most editors empty a file before they write it."""
    script = tmp_path / "app.py"
    script.write_text("old")
    watch = Watch(script)
    editor = Editor(script, ["", "half", "all of it"])
    wait_for_change(watch, NothingTold(), editor)
    assert script.read_text() == "all of it"
    assert watch.changed() == []


class NothingTold:
    """A child that runs, and tells nothing."""

    code = None

    def told(self) -> dict[str, Any]:
        return {}


def test_what_is_none_of_its_business(tmp_path: Path):
    script = tmp_path / "app.py"
    script.write_text("1")
    folders = (".venv", "venv", "__pycache__", ".git", "node_modules", "a/site-packages")
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    watch = Watch(script)
    for folder in folders:
        (tmp_path / folder / "new.py").write_text("1")
    for name in ("data.json", "notes.txt", "photo.jpg"):
        (tmp_path / name).write_text("1")
    (tmp_path / "link").symlink_to(tmp_path)
    assert watch.changed() == []


def test_a_very_large_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mentra_sync.commands.watch.MOST_ENTRIES", 3)
    script = tmp_path / "app.py"
    (tmp_path / "deep").mkdir()
    for name in ("app.py", "other.py", "deep/module.py"):
        (tmp_path / name).write_text("1")
    watch = Watch(script)
    assert watch.too_many
    for name in ("other.py", "deep/module.py", "app.py"):
        (tmp_path / name).write_text("2222")
    assert watch.changed() == [script, tmp_path / "other.py"]
