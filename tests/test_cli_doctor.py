"""``mentra-sync doctor``: finds what is wrong, says how to mend it, and tells no secret."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from cloud import KEY, PACKAGE
from networks import free_port
from trial import ROOT

from mentra_sync import AppServer, config, neighbours
from mentra_sync.commands.checkup import installation, network, ports, project, simulation
from mentra_sync.commands.checkup.finding import Finding, Request
from mentra_sync.commands.doctor import doctor

NOTHING = Request()
VARIABLES = ("MENTRAOS_API_KEY", "PACKAGE_NAME", "PORT", "PUBLIC_URL", "NO_COLOR")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*VARIABLES, *PROXIES, *map(str.upper, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def the(findings: list[Finding]) -> Finding:
    [finding] = findings
    return finding


# --- The installation ------------------------------------------------------------------------


def test_python_and_package(monkeypatch: pytest.MonkeyPatch):
    assert the(installation.python(NOTHING)).state == "ok"
    assert the(installation.package(NOTHING)).state == "ok"
    monkeypatch.setitem(sys.modules, "waitress", None)  # as if it were not there
    found = the(installation.package(NOTHING))
    assert found.state == "problem" and "waitress" in found.text
    assert f"{sys.executable} -m pip install waitress" == found.remedy


def test_every_dependency_is_looked_at():
    asked = ConfigParser()
    asked.read(ROOT / "setup.cfg", encoding="utf-8")
    needed = {
        re.split(r"[^A-Za-z0-9-]", line)[0].lower()
        for line in asked["options"]["install_requires"].split("\n")
        if line
    }
    known = installation.DEPENDENCIES | installation.FASTER
    assert {re.split(r"\[", name)[0].lower() for name in known.values()} == needed


# --- The project -----------------------------------------------------------------------------


def test_a_key_is_never_shown(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / ".env").write_text(f"MENTRAOS_API_KEY={KEY}\nPACKAGE_NAME=com.example.mine\n")
    assert doctor(None, offline=True) == 0
    said = capsys.readouterr()
    assert "MENTRAOS_API_KEY is set" in said.out and "PACKAGE_NAME is com.example.mine" in said.out
    assert KEY not in said.out + said.err


def test_a_key_that_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MENTRAOS_API_KEY", "geheim-ü")
    found = the(project.api_key(NOTHING))
    assert found.state == "problem" and "geheim" not in found.text + found.remedy


@pytest.mark.parametrize("name", ["hello", "my app", "com.example.", "x" * 500])
def test_a_package_name_that_looks_wrong(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PACKAGE_NAME", name)
    found = the(project.package_name(NOTHING))
    assert found.state == "warning" and len(found.text) < 200


def test_a_file_that_cannot_be_read(here: Path, capsys: pytest.CaptureFixture[str]):
    (here / ".env").write_bytes(b"\xff\xfe\n")
    assert the(project.env_file(NOTHING)).state == "problem"
    assert doctor(None, offline=True) == 1, "and nothing falls over it"
    assert "Traceback" not in capsys.readouterr().err


def test_names_that_nothing_reads(here: Path, monkeypatch: pytest.MonkeyPatch):
    assert project.wrong_names(NOTHING) == []
    monkeypatch.setenv("MENTRA_API_KEY", KEY)
    (here / ".env").write_text("mentraos_api_key=x\nAPI_KEY=y\nCOLOUR=red\n")
    (here / ".env.txt").touch()
    found = project.wrong_names(NOTHING)
    assert {one.state for one in found} == {"warning"}
    assert [one.text.rpartition(" ")[2] for one in found] == [
        *(".env.txt", "API_KEY", "MENTRA_API_KEY", "mentraos_api_key"),
    ]
    assert found[-1].remedy == "Did you mean MENTRAOS_API_KEY?"
    assert KEY not in str(found)
    monkeypatch.setenv("MENTRAOS_API_KEY", KEY)
    (here / ".env.txt").unlink()
    assert project.wrong_names(NOTHING) == []


def test_git_must_not_publish_the_key(here: Path):
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], check=True, capture_output=True)

    assert "simulated glasses need none" in the(project.env_file(NOTHING)).text
    (here / ".env").write_text("PORT=7010\n")
    assert the(project.env_file(NOTHING)).state == "ok", "no repository"
    git("init", "-q")
    assert the(project.env_file(NOTHING)).state == "warning"
    (here / ".gitignore").write_text(".env\n")
    assert the(project.env_file(NOTHING)).state == "ok"
    git("add", "--force", ".env")
    found = the(project.env_file(NOTHING))
    assert found.state == "problem" and "git rm --cached .env" in found.remedy


# --- Ports -----------------------------------------------------------------------------------


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A port that this process has, in place of the app's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        monkeypatch.setattr(ports, "PATIENCE", 0.5)
        yield port


def test_a_port_that_somebody_has(taken: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ports, "PATIENCE", 5.0)
    monkeypatch.setattr(neighbours, "_ask", lambda port, path, patience: {})
    found = ports.ports(NOTHING)[0]
    assert found.state == "warning" and str(taken) in found.text
    if any(os.access(f"/usr/bin/{name}", os.X_OK) for name in ("lsof", "ss")):
        assert f"(process {os.getpid()})" in found.text


def test_a_port_that_somebody_has_who_says_nothing(taken: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ports, "LISTENERS", ())
    assert "in use by another program" in ports.ports(NOTHING)[0].text


def test_ports_that_programs_of_ours_have(monkeypatch: pytest.MonkeyPatch):
    app = AppServer(PACKAGE, port=0)
    simulator = app.start_simulated(port=0)
    with simulator:
        monkeypatch.setenv("PORT", str(app.port))
        monkeypatch.setattr(config, "SIMULATOR_PORT", simulator.port)
        of_app, of_page = ports.ports(NOTHING)
        assert f"the app {PACKAGE}" in of_app.text
        assert f"the simulator of {PACKAGE}" in of_page.text
        app.stop()


def test_ports_that_are_free(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(config, "SIMULATOR_PORT", free_port())
    assert ports.ports(NOTHING)[1].state == "ok"
    monkeypatch.setenv("PORT", "many")
    assert the(ports.ports(NOTHING)).state == "problem"


# --- Simulated glasses -----------------------------------------------------------------------


def test_the_simulator_is_really_tried(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # must be gone past
    assert the(simulation.simulator(NOTHING)).state == "ok"
    monkeypatch.setattr(simulation, "PATIENCE", 0.2)
    monkeypatch.setattr(
        AppServer, "on_session", lambda *_: None, raising=True
    )  # nothing reaches the lens
    found = the(simulation.simulator(NOTHING))
    assert found.state == "problem" and "did not reach the lens" in found.text


def test_proxies(monkeypatch: pytest.MonkeyPatch):
    assert the(simulation.proxies(NOTHING)).state == "ok"
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy.example.com:3128")
    found = the(simulation.proxies(NOTHING))
    assert found.state == "warning" and "NO_PROXY" in found.remedy
    assert "secret" not in found.text + found.remedy
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert the(simulation.proxies(NOTHING)).state == "ok"


def test_browser(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if sys.platform not in ("win32", "darwin"):
        assert the(simulation.browser(NOTHING)).state == "warning"
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setattr("webbrowser.get", lambda: type("B", (), {"name": "netscape"})())
    assert "netscape" in the(simulation.browser(NOTHING)).text


# --- Real glasses ----------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an app that serves real glasses."""
    with AppServer(PACKAGE, KEY, port=0, host="127.0.0.1") as app:
        yield f"http://127.0.0.1:{app.port}"


def test_the_public_address(served: str, monkeypatch: pytest.MonkeyPatch, here: Path):
    assert the(network.public_address(NOTHING)).state == "ok"
    found = the(network.public_address(Request(served)))
    assert found.state == "warning" and PACKAGE in found.text and "https" in found.remedy
    (here / ".env").write_text(f"PUBLIC_URL={served}/\nPACKAGE_NAME={PACKAGE}\n")
    assert PACKAGE in the(network.public_address(NOTHING)).text
    monkeypatch.setenv("PACKAGE_NAME", "com.example.other")
    found = the(network.public_address(NOTHING))
    assert found.state == "problem" and "not com.example.other" in found.text


@pytest.mark.parametrize("url", ["hello.example.com", "ftp://example.com", "https://", "x" * 999])
def test_no_address(url: str):
    found = the(network.public_address(Request(url)))
    assert found.state == "problem" and len(found.text) < 300


def test_nobody_at_the_public_address(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setattr(network, "PATIENCE", 0.3)
        assert "no answer within" in the(network.public_address(Request(address))).text
    found = the(network.public_address(Request(address)))
    assert found.state == "problem" and "no connection" in found.text


def test_the_cloud(served: str, monkeypatch: pytest.MonkeyPatch):
    app = AppServer(PACKAGE, port=0)
    simulator = app.start_simulated(port=0)
    with simulator:
        monkeypatch.setattr(config, "CLOUD_URL", simulator.url.rstrip("/"))
        found = the(network.cloud(NOTHING))
        assert found.state == "ok" and "2026" in found.remedy
        app.stop()
    found = the(network.cloud(NOTHING))
    assert found.state == "warning" and "no connection" in found.text
    monkeypatch.setattr(config, "CLOUD_URL", served)
    assert "404" in the(network.cloud(NOTHING)).text


# --- The command -----------------------------------------------------------------------------


def test_the_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    assert doctor(None, offline=True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(re.match(r"(ok|warning|problem) +\S|         \S|$|no problems, ", x) for x in lines)
    assert not any("cloud can" in line for line in lines)
    monkeypatch.setenv("PORT", "many")
    assert doctor(None, offline=True) == 1
    assert "1 problem, " in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")
@pytest.mark.parametrize(("plain", "colours"), [("", True), ("1", False)])
def test_colours_are_for_terminals(plain: str, colours: bool, here: Path):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "mentra_sync", "doctor", "--offline"],
        cwd=here,
        env={**os.environ, "NO_COLOR": plain, "TERM": "xterm"},
        stdout=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:
        pass  # how a terminal says that nobody writes to it any more
    os.close(ours)
    assert process.wait() == 0
    assert (b"\x1b[32mok" in said) is colours
