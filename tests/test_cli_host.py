"""``mentra-sync run --host 0.0.0.0``: another device gets the page by what the terminal shows."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from networks import network_address
from trial import PATIENCE, Program

from mentra_sync.simulator.network import reachable_name

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent there")

APP = """
from mentra_sync import AppServer

AppServer("com.example.hello", port=0).run()
"""
COMMAND = ["-m", "mentra_sync", "run", "app.py", "--no-browser"]
INVITATION = r"http://\S+/\?token=\S+"
BLACK_ON_WHITE = "\N{ESCAPE}[38;5;16;48;5;231m"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    return tmp_path


def reached(invitation: str) -> requests.Session:
    """A browser on another device that has opened the address."""
    browser = requests.Session()
    browser.trust_env = False
    assert browser.get(invitation, timeout=PATIENCE).status_code == 200
    return browser


def test_the_address_that_is_printed_lets_another_device_in(folder: Path) -> None:
    address = network_address()
    with Program([*COMMAND, "--host", "0.0.0.0", "--port", "0"], folder) as program:
        own = program.address()
        [invitation] = program.wait_for(INVITATION)
        assert invitation.startswith(f"http://{address}:")
        browser = reached(invitation)
        state = invitation.partition("?")[0] + "api/sim/state"
        assert browser.get(state, timeout=PATIENCE).json()["packageName"] == "com.example.hello"
        assert requests.get(state, timeout=PATIENCE).status_code == 401
        assert requests.get(own, timeout=PATIENCE).status_code == 200
        assert BLACK_ON_WHITE not in program.output  # it is no terminal
        assert program.press_ctrl_c() == 0
        assert "token" not in program.errors


def test_nobody_is_invited_unless_it_is_asked_for(folder: Path) -> None:
    with Program([*COMMAND, "--port", "0"], folder) as program:
        port = int(program.address().rstrip("/").rpartition(":")[2])
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((reachable_name(), port), timeout=PATIENCE).close()
        assert program.press_ctrl_c() == 0
        assert not re.search(INVITATION, program.output)


def test_another_address_is_refused_with_what_there_is(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, *COMMAND, "--host", "192.0.2.1"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "0.0.0.0" in done.stderr


def test_a_device_stays_in_when_the_script_is_saved(folder: Path) -> None:
    network_address()
    with Program([*COMMAND, "--host", "0.0.0.0", "--reload"], folder) as program:
        [invitation] = program.wait_for(INVITATION)
        browser = reached(invitation)
        time.sleep(0.05)  # a file system may not tell apart what is saved in one moment
        (folder / "app.py").write_text(APP.replace("hello", "again"), encoding="utf-8")
        program.wait_for("app.py runs on", times=2)
        state = invitation.partition("?")[0] + "api/sim/state"
        assert browser.get(state, timeout=PATIENCE).json()["packageName"] == "com.example.again"


@pytest.mark.parametrize(
    ("columns", "shown"), [("100", True), ("30", False)], ids=["wide", "narrow"]
)
def test_a_terminal_shows_the_code(folder: Path, columns: str, shown: bool) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    variables = {"PORT": "0", "COLUMNS": columns, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--host", "0.0.0.0", "--port", "0"],
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.STDOUT,
    )
    os.close(theirs)
    said = b""
    try:
        while not re.search(INVITATION + r"\s", said.decode("utf-8", "ignore")):
            said += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # that is how the other end of a terminal says goodbye
            while more := os.read(ours, 65536):
                said += more
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert re.search(INVITATION, said.decode())
    assert (BLACK_ON_WHITE in said.decode()) is shown
    assert ("█▀▀▀▀▀█" in said.decode()) is shown
