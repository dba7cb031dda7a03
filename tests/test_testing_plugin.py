"""The pytest plugin: what a failed test tells, which tests fail, snapshots, and many at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

pytest_plugins = "pytester"

REGISTERED = any(
    one.value == "mentra_sync.testing.plugin" for one in entry_points(group="pytest11")
)
"""Whether the package is installed as it is here, so that pytest finds the plugin by itself."""

APP = """
from mentra_sync import AppServer
import pytest

class Echo(AppServer):
    def on_session(self, session, session_id, user_id):
        session.layouts.show_text_wall("Welcome")
        session.events.on_transcription(self.heard(session))
        session.audio.play_tts("Hello from your app")

    def heard(self, session):
        def show(data):
            if data.is_final and data.text == "boom":
                raise ZeroDivisionError("seven by nothing")
            session.layouts.show_text_wall("You said: " + data.text)
        return show
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs tests of an app; ``by_itself``: pytest finds the plugin, as it does all that there are.

    Those of others, which most of these tests need not have, take half of the time.
    """

    def run(tests: str, *arguments: str, by_itself: bool = False) -> pytest.RunResult:
        pytester.makeini("[pytest]\nfilterwarnings = error")
        pytester.makepyfile(test_app=APP + tests)
        plugin = ("-p", "mentra_sync.testing.plugin")
        if not by_itself:
            monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        elif REGISTERED:
            plugin = ()
        options = (*plugin, "-p", "no:cacheprovider", *arguments)
        return pytester.runpytest_subprocess(*options, timeout=90)

    return run


def test_a_failed_expectation_tells_what_was_there(run: Run):
    result = run("""
def test_echo(glasses):
    glasses.start(Echo)
    glasses.say("hello")
    assert glasses.lens.wait_for("You said: hello", timeout=20)
    glasses.advance(100)
    assert glasses.lens.wait_for("You said: hallo", timeout=0.1)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *assert <'You said: hallo' not in the lens within 0.1 s; nearest: 'You said: he*",
            "*- Simulated glasses -*",
            "The app com.example.echo after 1??.?? s (session time)",
            "Last expectation: waited in vain: 'You said: hallo' not in the lens within 0.1 s;"
            " nearest: 'You said: hello' at *.?? s",
            "The lens showed:",
            "*?.?? s  'Welcome'",
            "*?.?? s  'You said: hello'",
            "Spoken:",
            "  'Hello from your app'",
            "The app listens to: transcription:en-US",
        ]
    )


def test_any_failure_tells_of_the_glasses(run: Run):
    result = run(
        """
def test_echo(glasses):
    glasses.start(Echo)
    raise OSError("for another reason")

def test_nothing_started(glasses):
    assert False

def test_without_glasses():
    assert False
""",
        by_itself=True,
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*OSError*", "*Simulated glasses*", "*'Welcome'"])
    result.stdout.fnmatch_lines(["No app was started: glasses.start(MyApp)"])
    assert result.stdout.str().count("- Simulated glasses -") == 2


def test_nobody_listens_without_the_kits_own_lines(run: Run):
    result = run("""
def test_press(glasses, monkeypatch):
    monkeypatch.setattr("mentra_sync.testing.listening.PATIENCE", 0.01)
    glasses.start(Echo)
    glasses.press()
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       glasses.press()",
            "E *nobody listens to button_press; the app listens to: transcription:en-US",
        ]
    )
    assert "wait_for_listener" not in result.stdout.str()


def test_an_exception_in_the_app_fails_the_test_with_its_traceback(run: Run):
    result = run("""
def test_boom(glasses):
    glasses.start(Echo)
    glasses.say("boom", interim=False)

def test_expected(glasses):
    glasses.start(Echo)
    glasses.say("boom", interim=False)
    assert glasses.expect_error(ZeroDivisionError, match="by nothing")
""")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*ZeroDivisionError: seven by nothing",
            "*AppFailed: *show raised ZeroDivisionError: seven by nothing.*expect_error*",
            "*- Simulated glasses -*",
            "At *.?? s *show raised ZeroDivisionError: seven by nothing",
            '*raise ZeroDivisionError("seven by nothing")',
        ]
    )


def test_an_exception_at_the_very_end_is_an_error(run: Run):
    result = run("""
class Ends(Echo):
    def on_stop(self, session_id, user_id, reason):
        raise ZeroDivisionError("too late")

def test_end(glasses):
    glasses.start(Ends)
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*AppFailed: *on_stop raised ZeroDivisionError: too late*"])


def test_a_start_that_fails_shows_the_apps_traceback(run: Run):
    result = run("""
def broken(session):
    raise ZeroDivisionError("at once")

def test_start(glasses):
    glasses.start(broken)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>   *raise ZeroDivisionError("at once")',
            ">       glasses.start(broken)",
            "E *AppFailed: the app failed as it started: *raised ZeroDivisionError: at once",
        ]
    )


def test_a_mistake_is_told_with_what_was_meant(run: Run):
    result = run("""
def mistaken(session):
    session.layouts.show_text_wall("hi", sixe=5)

def test_start(glasses):
    glasses.start(mistaken)
""")
    result.stdout.fnmatch_lines(["E *AppFailed: *TypeError: * Call it like this: *"])


def test_the_second_wearer_is_told_of_too(run: Run):
    result = run("""
def test_two(glasses):
    glasses.start(Echo)
    bob = glasses.user("bob")
    bob.say("me too", interim=False)
    assert bob.lens.wait_for("You said: me too", timeout=20)
    assert bob.spoken.wait_for("never", timeout=0.01)
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "Last expectation: waited in vain: 'never' not in what was spoken of bob within *",
            "--- you@example.com",
            "--- bob",
            "*'You said: me too'",
        ]
    )


def test_a_thread_of_the_apps_own_may_end_with_the_session(run: Run):
    result = run("""
import threading

def main(session):
    def own():
        while True:
            session.sleep(1)
    threading.Thread(target=own).start()

def test_own(glasses):
    glasses.start(main)
    glasses.advance(10)

def test_other(glasses):
    failing = threading.Thread(target=lambda: 1 / 0)
    failing.start()
    failing.join()
""")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_other *"])


def test_what_hangs_is_warned_of_with_the_line_of_the_test(run: Run):
    result = run(
        """
enough = []

def main(session):
    import time
    while not enough:
        time.sleep(0.1)

def test_hang(glasses, monkeypatch):
    monkeypatch.setattr("mentra_sync.testing.stillness.PATIENCE", 1)
    glasses.start(main)
    glasses.advance(10)
    monkeypatch.undo()
    enough.append("now")
    assert glasses.settle()
""",
        "-W",
        "default",
    )
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*test_app.py:*: AppStillBusy: not quiet after 1 s*: on_session of you@example.com.*",
            "    glasses.advance(10)",
        ]
    )


SNAPSHOTS = """
def test_lens(glasses):
    glasses.start(Echo)
    glasses.say("{}")
    assert glasses.lens.matches("lens/echo.txt")
    assert glasses.lens.matches("lens/echo.png")
"""


def test_snapshots_are_missed_made_held_against_and_told_apart(run: Run, pytester: pytest.Pytester):
    result = run(SNAPSHOTS.format("hello"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *there is no snapshot *echo.txt; make it *: pytest --update-lens-snapshots>"]
    )
    run(SNAPSHOTS.format("hello"), "--update-lens-snapshots").assert_outcomes(passed=1)
    folder = pytester.path / "lens"
    assert (folder / "echo.txt").read_text() == "You said: hello\n"
    assert (folder / "echo.png").read_bytes().startswith(b"\x89PNG")
    run(SNAPSHOTS.format("hello")).assert_outcomes(passed=1)
    result = run(SNAPSHOTS.format("hallo"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *assert <the lens differs from lens/echo.txt>",
            "Last expectation: the lens differs from lens/echo.txt: ",
            "-You said: hello",
            "+You said: hallo",
            "What it shows now is in */echo.txt. If that is right: pytest --update-lens-snapshots",
        ]
    )
    (folder / "echo.txt").write_text("You said: hallo\n")
    result = run(SNAPSHOTS.format("hallo"))
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r"Last .*the lens differs from .*echo\.png: [\d,]+ pixels betw"])


def test_tests_of_many_processes_at_once(run: Run):
    pytest.importorskip("xdist")
    result = run(
        """
@pytest.mark.parametrize("number", range(12))
def test_echo(glasses, number):
    glasses.start(Echo)
    glasses.say(f"number {number}")
    assert glasses.lens.wait_for(f"You said: number {number}", timeout=20)
""",
        *("-p", "xdist.plugin"),
        *("-n", "3"),
    )
    result.assert_outcomes(passed=12)


def test_the_plugin_loads_nothing_until_it_is_used():
    heavy = ["flask", "requests", "mentra_sync.server", "mentra_sync.simulator", "PIL", "waitress"]
    program = (
        "import sys, pytest; before = set(sys.modules); import mentra_sync.testing.plugin;"
        f"new = set(sys.modules) - before; print(*sorted(new)); print(*(new & set({heavy!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    new, heavy_ones = done.stdout.splitlines()
    assert heavy_ones == ""
    own = [name for name in new.split() if name.startswith("mentra_sync")]
    assert own == [
        "mentra_sync",
        "mentra_sync._version",
        "mentra_sync.testing",
        "mentra_sync.testing.plugin",
    ]


def test_the_entry_point_is_declared():
    from configparser import ConfigParser
    from pathlib import Path

    config = ConfigParser()
    config.read(Path(__file__).parent.parent / "setup.cfg", encoding="utf-8")
    declared = config["options.entry_points"]["pytest11"].split()
    assert declared == ["mentra_sync", "=", "mentra_sync.testing.plugin"]


SCRIPT = """
from mentra_sync import AppServer

app = AppServer()

@app.session_handler
def main(session):
    session.layouts.show_text_wall("Hello")

app.run()
"""


@pytest.mark.parametrize("importing", ["", "def test_hello(glasses):\n    "])
def test_a_script_that_runs_when_it_is_imported_is_refused(
    run: Run, pytester: pytest.Pytester, importing: str
):
    pytester.makepyfile(hello=SCRIPT)
    result = run(importing + "from hello import main")
    result.stdout.fnmatch_lines(
        ["E *ConfigurationError: *hello.py runs its app when it is imported*__main__*app.run()*"]
    )


def test_a_conftest_that_imports_such_a_script_is_refused_too(run: Run, pytester: pytest.Pytester):
    pytester.makepyfile(hello=SCRIPT)
    pytester.makeconftest("from hello import main")
    result = run("def test_nothing(): pass")
    result.stderr.fnmatch_lines(["*hello.py runs its app when it is imported*"])


def test_a_test_may_run_an_app_itself(run: Run):
    run("""
def test_run():
    import threading
    app = Echo(port=0)
    threading.Timer(0.5, app.stop).start()
    app.run(simulator=False)
""").stdout.fnmatch_lines(["*this app has no API key*"])
