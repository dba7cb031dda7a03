"""``run()`` in a process of its own: one press ends it, and nothing is left to see."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from background import Call
from cloud import KEY, PACKAGE, SOON, Calls, Scene, scene_fixture, wait_until  # noqa: F401
from networks import free_port
from stage import out_of_threads
from trial import PATIENCE

from mentra_sync import AppServer, AppSession, ConfigurationError, running
from mentra_sync.clock import Deadline
from mentra_sync.running import StopAsked

ROOT = Path(__file__).parent.parent
CLEARED = ("MENTRAOS_API_KEY", "PACKAGE_NAME", "PORT", "DISPLAY", "WAYLAND_DISPLAY")
STILL_RUNNING = "still running after the end"


class Script:
    """A script that runs on its own."""

    def __init__(self, folder: Path, text: str) -> None:
        file = folder / "script.py"
        file.write_text(text)
        environment = {name: value for name, value in os.environ.items() if name not in CLEARED}
        environment |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}
        self.process = subprocess.Popen(
            [sys.executable, str(file)],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.output += line
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        with self._changed:
            self._changed.wait_for(lambda: re.search(pattern, self.output), PATIENCE)
            found = re.search(pattern, self.output)
            assert found, f"no {pattern!r} in:\n{self.output}"
            return found

    def port(self) -> int:
        return int(self.wait_for(r"on port (\d+)")[1])

    def press(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def code(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join(5)
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path) -> Iterator[Any]:
    scripts: list[Script] = []

    def run(text: str) -> Script:
        scripts.append(Script(tmp_path, text))
        return scripts[-1]

    yield run
    for script in scripts:
        script.close()


SERVED = f"""
import time
from mentra_sync import AppServer

app = AppServer({PACKAGE!r}, {KEY!r}, port=0, host="127.0.0.1")

@app.session_handler
def main(session):
    number = 0
    while True:
        session.layouts.show_text_wall(number)
        session.sleep(0.05)
        number += 1

@app.stop_handler
def ended(session_id, user_id, reason):
    print("ended:", reason)

app.run()
print("after run")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_press_ends_it(run: Any, scene: Scene, number: int):
    script = run(SERVED)
    there = scene.start(script.port())
    there.wait("display_event")
    script.press(number)
    assert there.wait_closed() == (1001, "")
    assert script.code() == 0
    assert "ended: server_stopped" in script.output and "after run" in script.output
    assert STILL_RUNNING not in script.output
    assert "Traceback" not in script.output and "Exception" not in script.output
    assert KEY not in script.output


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system sends none")
@pytest.mark.parametrize("nohup", [False, True])
def test_the_closing_of_the_terminal_ends_it_too(run: Any, scene: Scene, nohup: bool):
    # As nohup starts it, or as a terminal does: the suite may have been started by either.
    before = signal.SIG_IGN if nohup else signal.SIG_DFL
    script = run(f"import signal; signal.signal(signal.SIGHUP, {before:d})\n{SERVED}")
    there = scene.start(script.port())
    there.wait("display_event")
    script.press(signal.SIGHUP)
    if nohup:
        there.wait("display_event", count=len(there.all("display_event")) + 3)
        script.press()
    assert there.wait_closed() == (1001, "")
    assert script.code() == 0
    assert "ended: server_stopped" in script.output and "after run" in script.output


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system sends none")
def test_a_terminal_that_says_more_than_once_that_it_closes(run: Any, scene: Scene):
    slow = SERVED.replace(
        'print("ended:", reason)', 'print("ending"); time.sleep(0.5); print(reason)'
    )
    script = run(f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n{slow}")
    there = scene.start(script.port())
    there.wait("display_event")
    script.press(signal.SIGHUP)
    script.wait_for("ending")
    time.sleep(2 * running._ONE_PRESS)
    script.press(signal.SIGHUP)
    assert script.code() == 0
    assert "server_stopped" in script.output and "after run" in script.output


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system sends none")
def test_an_app_may_mind_the_signal_itself(run: Any):
    mind = "signal.signal(signal.SIGHUP, lambda *_: print('read it again', flush=True))"
    script = run(f"import signal; {mind}\n{SERVED}")
    script.port()
    script.press(signal.SIGHUP)
    script.wait_for("read it again")
    script.press()
    assert script.code() == 0


def test_a_press_before_anything_has_happened(run: Any):
    script = run(SERVED)
    script.port()
    script.press()
    assert script.code() == 0
    assert "Traceback" not in script.output


def test_two_signals_at_once_are_one_press(run: Any):
    """A parent may pass on what the whole group has had."""
    script = run(SERVED)
    script.port()
    script.press(signal.SIGSTOP)  # so that however slow the machine is, it finds both at once
    os.waitid(os.P_PID, script.process.pid, os.WSTOPPED | os.WNOWAIT)
    script.press()
    script.press(signal.SIGTERM)
    script.press(signal.SIGCONT)
    assert script.code() == 0
    assert "after run" in script.output


def test_a_second_press_exits_at_once(run: Any, scene: Scene):
    script = run(SERVED.replace('print("ended:", reason)', 'print("hanging"); time.sleep(60)'))
    there = scene.start(script.port())
    there.wait("display_event")
    script.press()
    script.wait_for("hanging")
    time.sleep(0.6)
    script.press()
    assert script.code() == 128 + signal.SIGINT
    assert "after run" not in script.output and STILL_RUNNING not in script.output
    assert "Traceback" not in script.output


def test_code_that_hangs_does_not_keep_the_process(run: Any, scene: Scene):
    script = run(
        # Who hears of the end has the grace once more, beside code that hangs.
        "from mentra_sync import config; config.STOP_TIMEOUT = 30; config.CALLBACK_GRACE = 3\n"
        + SERVED.replace("    number = 0\n", "    session.layouts.clear(); time.sleep(600)\n")
    )
    there = scene.start(script.port())
    there.wait("display_event")
    script.press()
    assert script.code() == 0
    assert "ended: server_stopped" in script.output and STILL_RUNNING in script.output


SIMULATED = """
from mentra_sync import AppServer

app = AppServer(port=0{key})

@app.session_handler
def main(session):
    session.layouts.show_text_wall("Hello!")
    print("began", app.package_name, session.user_id)

@app.stop_handler
def ended(session_id, user_id, reason):
    print("ended:", reason)

app.run({run})
print("after run")
"""


@pytest.mark.parametrize(
    ("key", "how"),
    [("", ""), (f", api_key={KEY!r}, package_name='com.example.script'", "simulator=True")],
)
def test_simulated_glasses(run: Any, key: str, how: str):
    script = run(SIMULATED.format(key=key, run=how))
    script.wait_for(r"http://127\.0\.0\.1:\d+/")
    script.wait_for("began com.example.script you@example.com")
    script.press()
    assert script.code() == 0
    assert "ended: server_stopped" in script.output and "after run" in script.output
    assert "Traceback" not in script.output and KEY not in script.output


def test_what_is_missing_is_said_in_one_sentence(run: Any):
    script = run("from mentra_sync import AppServer\nAppServer('a.b').run(simulator=False)\n")
    assert script.code() == 1
    assert "MENTRAOS_API_KEY" in script.output.splitlines()[-1]


def test_not_in_the_main_thread(scene: Scene):
    app = scene.make()
    before = signal.getsignal(signal.SIGINT)
    ended = Calls()
    thread = threading.Thread(target=lambda: ended(app.run()))
    thread.start()
    wait_until(lambda: app._service.running)
    there = scene.start(app)
    there.wait("subscription_update")
    assert ended.all == []
    app.stop()
    thread.join(10)
    assert ended.all == [(None,)]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_session_may_stop_the_server(run: Any, scene: Scene):
    script = run(SERVED.replace("    number = 0\n", "    app.stop(); number = 0\n"))
    scene.start(script.port())
    assert script.code() == 0
    assert "ended: server_stopped" in script.output and "after run" in script.output


def test_a_start_while_it_is_being_stopped_comes_after_that(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    in_stop, go_on, refused = threading.Event(), threading.Event(), Calls()
    rings = Calls()

    def main(session: AppSession) -> None:
        session.after(0.01, lambda: rings(session))

    app = scene.app(main)
    close = app._shared.close

    def slow(deadline: Deadline) -> None:
        in_stop.set()
        assert go_on.wait(10)
        close(deadline)

    def stop(session: AppSession) -> None:
        app.stop()  # on a thread that the stop waits for: it returns at once
        try:
            app.start()
        except ConfigurationError as error:
            refused(str(error))

    monkeypatch.setattr(app._shared, "close", slow)
    scene.start(app)
    (session,) = rings.wait()
    session.after(0, lambda: stop(session))
    assert in_stop.wait(10)
    monkeypatch.setattr(app._shared, "close", close)
    started = Call(app.start)
    time.sleep(SOON)
    assert started.pending
    go_on.set()
    assert started.outcome is None
    assert "wait_stopped()" in refused.wait()[0]
    scene.start(app)
    rings.wait(2)
    assert not app.wait_stopped(0)


def test_a_start_that_finds_out_of_threads_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch):
    app = AppServer(PACKAGE, KEY, port=free_port(), host="127.0.0.1")
    with monkeypatch.context() as patched:
        out_of_threads(patched)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            app.start()
    assert app.wait_stopped(0)
    with app:
        assert not app.wait_stopped(0)


def test_asking_for_the_end():
    asked = StopAsked()
    assert asked.wait(0.01) is False and not asked.is_set()
    thread = threading.Thread(target=asked.set)
    thread.start()
    assert asked.wait(10) is True
    thread.join()
    asked.set()
    assert asked.wait(0) and asked.is_set()
    asked.close()
    asked.set()


WITHOUT_A_TERMINAL = """
import sys, webbrowser
from mentra_sync import AppServer

app = AppServer(port=0)
{}

def open_page(address):
    with open("opened", "w") as file:
        file.write(address)
    app.stop()
    return False

webbrowser.open = open_page
app.run()
"""


@pytest.mark.parametrize("command", [[], ["-m", "mentra_sync", "run"]])
@pytest.mark.parametrize("gone", ["sys.stdout = sys.stderr = None", "sys.stdout.close()"])
def test_without_a_terminal_the_page_is_opened_all_the_same(
    gone: str, command: list[str], tmp_path: Path
):
    (tmp_path / "app.py").write_text(WITHOUT_A_TERMINAL.format(gone))
    done = subprocess.run(
        [sys.executable, *command, "app.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DISPLAY": ":99"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (tmp_path / "opened").read_text().startswith("http://127.0.0.1:")


def test_a_command_without_a_terminal_ends_in_good_order(tmp_path: Path):
    program = (
        "import sys; sys.stdout = sys.stderr = None; from mentra_sync.cli import main;"
        "sys.exit(main(['run', 'nowhere.py']) + main(['new', 'hello']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert (
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment).returncode
        == 2
    )
    assert (tmp_path / "hello" / "app.py").is_file()


MOVED = """
from mentra_sync import AppServer, config, running

config.SIMULATOR_PORT = {}
running._NEIGHBOURS_PATIENCE = {}
app = AppServer(port=0)

@app.session_handler
def main(session):
    pass

app.run()
"""


def test_a_page_that_is_not_at_its_usual_place_says_why(run: Any):
    app = AppServer("com.example.first", port=0)
    with contextlib.ExitStack() as ending:
        ending.callback(app.stop)
        first = ending.enter_context(app.start_simulated(port=0))
        script = run(MOVED.format(first.port, 30.0))
        told = script.wait_for(r"page is on port (\d+) and not on (\d+), .*").group
        assert told(1) != told(2) == str(first.port)
        assert "in use by the page of com.example.first, which is running, too" in told(0)
        script.press()
        assert script.code() == 0
    with socket.create_server(("127.0.0.1", 0)) as other:
        script = run(MOVED.format(other.getsockname()[1], 0.5))  # it says nothing at all
        assert "in use by another program." in script.wait_for(r"page is on port .*")[0]
        script.press()
        assert script.code() == 0


SLOW_TO_END = """
import time
from mentra_sync import AppServer
from mentra_sync.simulator import limits

limits.GRACE = limits.RESURRECTION_PAUSE = 0.05  # shorter than the app takes
app = AppServer(port=0)

@app.session_handler
def main(session):
    print("began")

@app.stop_handler
def ended(session_id, user_id, reason):
    time.sleep(0.6)
    print("ended:", reason)

app.run()
"""


def test_an_app_that_takes_its_time_to_end_is_not_started_again(run: Any):
    script = run(SLOW_TO_END)
    script.wait_for("began")
    script.press()
    assert script.code() == 0
    assert script.output.endswith("began\nended: server_stopped\n")


def test_a_page_at_its_usual_place_says_nothing_of_it(run: Any):
    port = free_port()
    script = run(MOVED.format(port, 30.0))
    script.wait_for(f":{port}/")
    script.press()
    assert script.code() == 0
    assert "page is on port" not in script.output
